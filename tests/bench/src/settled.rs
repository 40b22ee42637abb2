//! When an engine has done what it does once after its start.

use std::time::Duration;

use berth_protocol::{AgentList, AgentState};
use berth_tests::Client;

/// Longest wait.
const LIMIT: Duration = Duration::from_secs(120);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until the engine has asked every agent for its version: each is a program that takes a core for a second or
/// more, and what is measured beside it is measured on another machine.
///
/// # Panics
/// When that takes longer than [`LIMIT`].
pub async fn settled(client: &Client) {
    let asked = tokio::time::timeout(LIMIT, all_asked(client)).await;
    asked.expect("agents tell their versions in time");
}

async fn all_asked(client: &Client) {
    loop {
        let found: AgentList = client.get("/agents").await.expect("agents are listed");
        let mut agents = found.agents.iter();
        if agents.all(|agent| agent.state != AgentState::Checking) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
