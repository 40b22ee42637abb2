//! The engine's state as the page knows it.

use std::collections::HashMap;
use std::sync::Arc;

use super::reactive::RwSignal;
use super::{McpServers, McpTrial, Prompts, Routers};
use crate::wire::Given;
use berth_protocol::*;

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

macro_rules! model {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// The engine's state, a signal for each part. Lists are shared, so that looking at one costs
        /// nothing.
        #[derive(Clone, Copy)]
        pub struct Model { $($name: RwSignal<$kind>,)* }

        impl Model {
            /// Nothing is known yet.
            pub fn new() -> Self {
                Self { $($name: RwSignal::new(Default::default()),)* }
            }

            $($(#[$doc])* pub fn $name(self) -> RwSignal<$kind> {
                self.$name
            })*
        }
    };
}

model! {
    phase: Phase,
    connection: Connection,
    projects: Arc<Vec<Project>>,
    sessions: Arc<Vec<Session>>,
    agents: Arc<Vec<Agent>>,
    engine: Option<EngineInfo>,
    routers: Routers,
    prompts: Prompts,
    /// Counts up whenever prompts may be others.
    prompts_changed: u32,
    mcp: McpServers,
    /// Counts up whenever MCP servers may be others.
    mcp_changed: u32,
    /// What came of trying MCP servers since the page is open.
    mcp_trials: HashMap<McpConfigurationId, McpTrial>,
    /// How it stands with organizations, as the engine has sent it: it is read where it is shown, which is loaded
    /// later. Empty until it is known.
    org: String,
    /// What a session was given of the prompts: that whose page was shown last.
    given: Option<(SessionId, Given)>,
    /// Counts up whenever everything was fetched anew.
    generation: u32,
}
