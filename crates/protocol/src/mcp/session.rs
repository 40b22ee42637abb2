//! What is said over the API about the MCP servers that a session's agent has.

use serde::{Deserialize, Serialize};

use crate::McpConfigurationId;

/// The MCP servers that a session's agent has: answer of `GET /sessions/{id}/mcp`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionMcp {
    /// The servers by name; none as long as the agent does not run.
    pub servers: Vec<SessionMcpEntry>,
}

/// A server that an agent has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionMcpEntry {
    /// The name by which the agent knows it.
    pub name: String,
    /// Its configuration; absent for a server that the session has brought along.
    #[serde(default)]
    pub configuration: Option<McpConfigurationId>,
    /// How it is doing.
    pub state: SessionMcpState,
    /// How many of its tools the agent is shown; absent as long as it was not asked for them.
    #[serde(default)]
    pub tools: Option<u32>,
    /// Why it failed, or why it is withheld.
    #[serde(default)]
    pub why: Option<String>,
}

/// How a server is doing for the agent of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SessionMcpState {
    /// The session has brought it along: its agent reaches it by itself.
    Own,
    /// Its user or their organization no longer lets the session have it.
    Withheld,
    /// It was not asked yet.
    Untried,
    /// It answered when it was last asked.
    Connected,
    /// It wants its user to sign in.
    NeedsSignIn,
    /// The sign-in to it is over.
    Expired,
    /// It could not be reached when it was last asked.
    Failed,
    /// Some of its tools are not what they were, and are not shown.
    Quarantined,
}
