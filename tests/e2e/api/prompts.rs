//! System prompts: edited, composed, and given to sessions.

use std::path::Path;

use berth_protocol::{
    CreateSession, DefineAgent, DefinedAgent, Problem, PromptDraft, PromptFormat, PromptId,
    PromptList, Session, SessionId, SessionPrompt, SystemPrompt,
};
use berth_tests::{Answer, Client, Engine, Setup, session};
use reqwest::Method;
use serde_json::json;

#[path = "prompts/edited.rs"]
mod edited;
#[path = "prompts/files.rs"]
mod files;
#[path = "prompts/given.rs"]
mod given;
#[path = "prompts/preview.rs"]
mod preview;

/// A program that writes the instructions that it was given into its folder, and then reads lines.
const PROGRAM: &str = r#"#!/bin/bash
[ "$1" = --version ] && { echo "mine 1.2.3"; exit; }
[ "$1" = --system ] && printf '%s' "$2" > given.txt
while IFS= read -r -p '> ' line; do echo "* you said $line"; done
"#;

/// An engine with an agent `mine` that takes instructions.
async fn engine_with(setup: Setup) -> Engine {
    let bin = setup.home().join("bin");
    std::fs::create_dir_all(&bin).expect("it can be made");
    let program = bin.join("mine");
    std::fs::write(&program, PROGRAM).expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(program, mode).expect("it can be made executable");
    let engine = setup.start().await;
    let definition = serde_json::from_value(json!({
        "name": "Mine", "program": "mine", "version_args": ["--version"],
        "instructions": {"args": ["--system", "{instructions}"]},
        "permission_modes": [{"id": "ask", "name": "Ask", "args": []}],
        "screen": {"prompt": "^> ?(.*)$"},
    }));
    let request = DefineAgent {
        id: "mine".parse().expect("it is a name"),
        definition: definition.expect("it is a definition"),
    };
    let made = engine
        .client
        .post::<DefinedAgent>("/agents", &request)
        .await;
    made.expect("the agent is taken");
    engine
}

async fn engine() -> Engine {
    engine_with(Setup::new()).await
}

fn draft(name: &str, content: &str) -> PromptDraft {
    PromptDraft {
        name: name.to_owned(),
        content: content.to_owned(),
        enabled: true,
        ..PromptDraft::default()
    }
}

fn template(name: &str, content: &str) -> PromptDraft {
    PromptDraft {
        format: PromptFormat::Template,
        ..draft(name, content)
    }
}

async fn add(client: &Client, draft: &PromptDraft) -> SystemPrompt {
    client.post("/prompts", draft).await.expect("it is taken")
}

async fn put(
    client: &Client,
    id: PromptId,
    version: u32,
    draft: &PromptDraft,
) -> Answer<SystemPrompt> {
    let edit = json!({"version": version, "prompt": draft});
    let request = client.request(Method::PUT, &format!("/prompts/{id}"));
    client.value(request.json(&edit)).await
}

async fn names(client: &Client) -> Vec<String> {
    let list: PromptList = client.get("/prompts").await.expect("there is a list");
    list.prompts.into_iter().map(|prompt| prompt.name).collect()
}

async fn effective(client: &Client, id: SessionId) -> SessionPrompt {
    let path = format!("/sessions/{id}/effective-prompt");
    client.get(&path).await.expect("it is told")
}

/// The instructions that the program was given, once it has written them.
async fn written(client: &Client, session: &Session) -> String {
    client.waiting(session.id).await;
    std::fs::read_to_string(Path::new(&session.workspace.path).join("given.txt"))
        .unwrap_or_default()
}

fn in_place(project: berth_protocol::ProjectId) -> CreateSession {
    CreateSession {
        workspace: Some(berth_protocol::WorkspaceRequest::InPlace),
        ..session(project, "mine")
    }
}

fn refusal<T: std::fmt::Debug>(answer: Answer<T>) -> Problem {
    *answer.expect_err("it is refused")
}
