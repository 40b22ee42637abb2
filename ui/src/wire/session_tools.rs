//! The MCP servers that a session's agent has, as far as its details show them.

use berth_protocol::SessionMcpState;

use super::json::Json;
use super::read::{Read, Wrong, member, structs, words};

/// The servers of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTools {
    /// By name.
    pub servers: Vec<ServerTools>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTools {
    /// The name by which the agent knows it.
    pub name: String,
    /// How it is doing.
    pub state: SessionMcpState,
    /// How many of its tools the agent is shown.
    pub tools: Option<u32>,
    /// Why it failed, or why it is withheld.
    pub why: Option<String>,
}

words! {
    SessionMcpState {
        Own = "own", Withheld = "withheld", Untried = "untried", Connected = "connected",
        NeedsSignIn = "needs_sign_in", Expired = "expired", Failed = "failed",
        Quarantined = "quarantined",
    }
}

structs! {
    ServerTools { name, state, tools, why }
    SessionTools { servers }
}
