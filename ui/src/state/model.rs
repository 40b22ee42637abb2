//! The engine's state as the page knows it.

use std::sync::Arc;

use berth_protocol::*;
use reactive_stores::Store;

/// How far the page has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It looks for the engine and fetches its state.
    #[default]
    Loading,
    /// Nothing gave it a token, or the engine refused the one it has.
    NoToken,
    /// It shows the engine's state.
    Ready,
}

/// The stream of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// It is being opened for the first time.
    #[default]
    Connecting,
    /// It is open.
    Online,
    /// It is broken; the next attempt comes at this moment, in milliseconds since 1970.
    Lost {
        /// When it broke.
        since: i64,
        /// When it is tried again.
        retry_at: i64,
    },
}

/// The engine's state. Lists are shared, so that looking at one costs nothing.
#[derive(Clone, Debug, Default, Store)]
pub struct Model {
    pub phase: Phase,
    pub connection: Connection,
    pub projects: Arc<Vec<Project>>,
    pub sessions: Arc<Vec<Session>>,
    pub agents: Arc<Vec<Agent>>,
    pub engine: Option<EngineInfo>,
    /// Counts up whenever everything was fetched anew.
    pub generation: u32,
}
