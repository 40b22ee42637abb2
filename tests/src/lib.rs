//! Support for the end-to-end tests.
//!
//! A test starts an [`Engine`] of its own, speaks to it through [`Client`], and waits for what
//! happens through its events; nothing here sleeps to let something happen.

pub mod agents;
mod client;
mod engine;
pub mod processes;
pub mod programs;
mod repository;
mod stream;
mod viewer;
pub mod webdriver;

use std::time::Duration;

pub use client::{Answer, Client, problem, session};
pub use engine::{Engine, STOP_LIMIT, Setup};
pub use programs::{skip, this_test};
pub use repository::{Repository, git};
pub use stream::{EventStream, Sent};
pub use viewer::{Shown, Viewer};

/// Longest wait for anything. Two slow cores run several engines and agents at once.
pub const LIMIT: Duration = Duration::from_secs(60);
