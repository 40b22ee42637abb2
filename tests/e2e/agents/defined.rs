//! Real agents that a user has described, as Berth would know nothing of them.

use berth_protocol::{DefineAgent, DefinedAgent, Transport};
use serde_json::{Value, json};

use crate::Stage;

/// The name of the agent that is described.
const MINE: &str = "mine";

/// goose, as far as a user would describe it.
fn goose() -> Value {
    json!({
        "name": "My goose",
        "program": "goose",
        "args": ["session"],
        "version_args": ["--version"],
        "acp_args": ["acp"],
        "instructions": {"args": ["--system={instructions}"]},
        "mcp": {
            "each_stdio": ["--with-extension={name}:{command_line}"],
            "each_http": ["--with-streamable-http-extension={url}"],
        },
        "permission_modes": [
            {"id": "approve", "name": "Ask", "env": {"GOOSE_MODE": "approve"}},
            {"id": "auto", "name": "No checks", "env": {"GOOSE_MODE": "auto"}, "unchecked": true},
        ],
        "screen": {
            "prompt": "^>(?: (.*))?$",
            "placeholder": r"^Enter to send · Ctrl\+J newline$|^Interrupted, what should|^Press Ctrl\+C again",
            "busy": [r"\(Ctrl\+C to interrupt\)$"],
            "echo": "^> (.*)$",
            "noise": [
                r"\(Ctrl\+C to interrupt\)$", "^  ✓ extensions ready$", r"^  ⏱ \d+",
                r"^  [╌━─]{10,} \d+% ", "^  ─{40}$",
            ],
            "reads_lines": true,
            "interrupt": "ctrl_c",
        },
    })
}

/// A variant of Claude Code.
fn claude() -> Value {
    json!({"name": "My claude", "like": "claude", "args": ["--model", "opus"], "env": {"MINE": "1"}})
}

impl Stage {
    async fn describe(&mut self, definition: Value) {
        let request = DefineAgent {
            id: MINE.parse().expect("it is a name"),
            definition: serde_json::from_value(definition).expect("it is a definition"),
        };
        let defined = self
            .engine
            .client
            .post::<DefinedAgent>("/agents", &request)
            .await;
        defined.expect("it is taken");
        self.agent = MINE;
    }
}

async fn stage(agent: &'static str, transport: Transport, definition: Value) -> Option<Stage> {
    let mut stage = Stage::set(agent, transport).await?;
    stage.describe(definition).await;
    Some(stage)
}

#[tokio::test]
async fn a_described_agent_answers() {
    let Some(stage) = stage("goose", Transport::Pty, goose()).await else {
        return;
    };
    let session = stage.start().await;
    for said in ["One.", "Two\n\n    three > 3 | 4"] {
        assert_eq!(
            stage.exchange(session.id, &format!("say: {said}")).await,
            said
        );
    }
}

#[tokio::test]
async fn a_described_agent_is_given_instructions_and_mcp_servers() {
    if let Some(stage) = stage("goose", Transport::Pty, goose()).await {
        stage.is_given_what_the_session_has(true).await;
    }
}

#[tokio::test]
async fn a_described_agent_is_spoken_to_over_acp() {
    let Some(stage) = stage("goose", Transport::Acp, goose()).await else {
        return;
    };
    let session = stage.start().await;
    assert_eq!(stage.exchange(session.id, "say: One.").await, "One.");
}

#[tokio::test]
async fn a_variant_of_an_agent_is_given_what_the_session_has() {
    if let Some(stage) = stage("claude", Transport::Pty, claude()).await {
        stage.is_given_what_the_session_has(true).await;
    }
}

#[tokio::test]
async fn a_variant_of_an_agent_resumes_its_conversation() {
    if let Some(stage) = stage("claude", Transport::Pty, claude()).await {
        stage.resumes().await;
    }
}
