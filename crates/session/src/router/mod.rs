//! Routers: what stands between an agent and its providers, one for each session that wants one.
//!
//! [`find`] says which CCRouter is installed, and [`start`] runs an [`Instance`] of it: a process of
//! its own with a home, a port and a key that no other shares, so that the user's own CCRouter, Claude
//! Code and Codex are never touched. [`Route`] is what the agent needs to know. The keys of providers
//! are in the router's environment and in no file.

mod config;
mod error;
mod folder;
mod health;
mod installed;
mod instance;
mod launch;
mod process;
mod route;
mod tail;

use std::collections::BTreeMap;

use berth_protocol::Secret;

pub use error::RouterError;
pub use installed::{Installed, find};
pub use instance::{Instance, Order, start};
pub use route::Route;

pub(crate) use installed::version_in;
#[cfg(test)]
pub(crate) use route::NAMES;

/// Stops the router of a session, if it has one. It has the session's mark, so it is stopped before what
/// has the mark is ended: otherwise it would count as crashed and be started again.
pub(crate) async fn stop(router: Option<Instance>) {
    if let Some(router) = router {
        router.stop().await;
    }
}

/// Keys of providers by the providers' names.
pub type Keys = BTreeMap<String, Secret>;
