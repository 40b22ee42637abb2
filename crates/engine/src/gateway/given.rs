//! Which MCP servers the agent of a session has, and how they are doing for it.

use berth_protocol::{McpState, SessionId, SessionMcp, SessionMcpEntry, SessionMcpState, ToolRule};

use super::Of;
use crate::{error::ApiError, mcp, sessions, state::State};

/// The servers that the agent of a session was given when it last started, as long as it runs: those that the session
/// has brought along, and those behind its gateways.
pub async fn of_session(state: &State, id: SessionId) -> Result<SessionMcp, ApiError> {
    let record = sessions::record(state, id).await?;
    if state.sessions.handle(id).is_none() {
        return Ok(SessionMcp::default());
    }
    let brought = record.mcp_servers.iter().map(|server| SessionMcpEntry {
        name: server.name().to_owned(),
        configuration: None,
        state: SessionMcpState::Own,
        tools: None,
        why: None,
    });
    let mut servers: Vec<SessionMcpEntry> = brought.collect();
    let open = state.gateways.open().get(&id).cloned();
    if let Some(open) = open {
        for (name, server) in &open.servers {
            servers.push(server.of.given(name).await?);
        }
    }
    servers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(SessionMcp { servers })
}

impl Of {
    /// How its server is doing, which the agent knows by this name.
    async fn given(&self, name: &str) -> Result<SessionMcpEntry, ApiError> {
        let entry = |state, tools, why| SessionMcpEntry {
            name: name.to_owned(),
            configuration: Some(self.given.id),
            state,
            tools,
            why,
        };
        let now = match self.now().await {
            Ok(now) => now,
            Err(why) => return Ok(entry(SessionMcpState::Withheld, None, Some(why))),
        };
        let (state, why) = match &now.state {
            McpState::Untried => (SessionMcpState::Untried, None),
            McpState::Connected { .. } => (SessionMcpState::Connected, None),
            McpState::NeedsSignIn { .. } => (SessionMcpState::NeedsSignIn, None),
            McpState::Expired { .. } => (SessionMcpState::Expired, None),
            McpState::Failed { problem, .. } => {
                (SessionMcpState::Failed, Some(problem.detail.clone()))
            }
            McpState::Quarantined { .. } => (SessionMcpState::Quarantined, None),
        };
        let known = mcp::tools(&self.state, now.id).await?;
        let changed = self.state.store.quarantined_mcp_tools(now.id).await?;
        let shown = known.tools.iter().filter(|tool| {
            !changed.contains(&tool.name) && self.rule(&now, &tool.name) != ToolRule::Deny
        });
        let shown = u32::try_from(shown.count()).unwrap_or(u32::MAX);
        Ok(entry(state, known.at.map(|_| shown), why))
    }
}
