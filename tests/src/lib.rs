//! Support for the end-to-end tests.
//!
//! A test starts an [`Engine`] of its own, speaks to it through [`Client`], and waits for what
//! happens through its events; nothing here sleeps to let something happen.

pub mod agents;
pub mod cable;
mod client;
pub mod disturbed;
mod engine;
pub mod keychain;
pub mod mcp;
pub mod mcp_http;
pub mod oauth;
mod ports;
pub mod processes;
pub mod programs;
mod repository;
pub mod routers;
mod stream;
pub mod tenant;
mod viewer;
pub mod webdriver;

use std::time::Duration;

pub use client::{Answer, Client, file_form, problem, session};
pub use disturbed::{break_off, undisturbed};
pub use engine::{Engine, STOP_LIMIT, Setup};
pub use ports::free_port;
pub use programs::{skip, this_test};
pub use repository::{Repository, git};
pub use stream::{EventStream, Sent};
pub use viewer::{Shown, Viewer};

/// Longest wait for anything. Two slow cores run several engines and agents at once.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Waits for what tells nobody that it happens, such as a file that is written.
///
/// # Panics
/// When it does not happen within [`LIMIT`].
pub async fn until(what: &str, happened: impl Fn() -> bool) {
    let look = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, look).await;
    assert!(in_time.is_ok(), "{what}: not within {LIMIT:?}");
}
