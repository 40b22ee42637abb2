//! How much an agent may do without asking, as flags of the command.

use berth_protocol::{Agent, AgentId, AgentList};

use crate::api::Api;

/// The other permission modes of an agent, as flags with what they mean. What the active organization refuses is none.
pub fn modes(agent: &Agent, current: Option<&str>) -> Vec<String> {
    let others = agent
        .permission_modes
        .iter()
        .filter(|mode| Some(mode.id.as_str()) != current && mode.refused.is_none());
    others
        .map(|mode| {
            let unchecked = if mode.unchecked {
                " Nothing is checked: only where it can break nothing."
            } else {
                ""
            };
            format!(
                "--permission-mode {}: {}{unchecked}",
                mode.id, mode.description
            )
        })
        .collect()
}

/// What the engine knows of an agent; `None` when it knows nothing or cannot be asked.
pub async fn known_agent(api: &Api, id: &AgentId) -> Option<Agent> {
    let list: AgentList = api.get("/agents").await.ok()?;
    list.agents.into_iter().find(|agent| agent.id == *id)
}
