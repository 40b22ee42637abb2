//! What an agent would be given of a server, for somebody who wants to see it before.

use berth_protocol::{AgentId, McpGiven, McpGivenFile, McpGivenTerminal, Secret, SessionMcpServer};
use berth_session::agents;

use crate::{defined_agents, error::ApiError, gateway, state::State};

/// What stands in the place of the session's identifier, and of its token.
const SESSION: &str = "SESSION";
const TOKEN: &str = "TOKEN-OF-THE-RUN";

pub async fn given(state: &State, agent: &AgentId, name: &str) -> Result<McpGiven, ApiError> {
    let spec = defined_agents::spec(state, agent)?;
    // A name that no server may have yet is still being typed.
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
    let name: String = name.chars().filter(plain).take(64).collect();
    let name = if name.is_empty() {
        "server".to_owned()
    } else {
        name
    };
    let server = SessionMcpServer::Http {
        url: gateway::url(state, SESSION, &name),
        name,
        bearer: Some(Secret::new(TOKEN.to_owned())),
    };
    let private = state.config.data_dir.join("private").join(SESSION);
    let environment = state.environment().await;
    let injected = agents::given_mcp(
        &spec,
        &server,
        &private,
        environment,
        state.config.program.as_deref(),
    );
    Ok(McpGiven {
        agent: spec.id.clone(),
        terminal: injected.map(|injected| McpGivenTerminal {
            args: injected.args,
            env: injected.env,
            files: injected
                .files
                .into_iter()
                .map(|file| McpGivenFile {
                    path: file.path.display().to_string(),
                    content: file.content,
                })
                .collect(),
        }),
        protocol: spec.acp.is_some(),
    })
}
