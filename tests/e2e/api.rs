//! The engine through its API, as the UI, scripts and people use it.

#![cfg(unix)]

#[path = "api/agents.rs"]
mod agents;
#[path = "api/audit.rs"]
mod audit;
#[path = "api/changes.rs"]
mod changes;
#[path = "api/description.rs"]
mod description;
#[path = "api/engine.rs"]
mod engine;
#[path = "api/gateway.rs"]
mod gateway;
#[path = "api/lifecycle.rs"]
mod lifecycle;
#[path = "api/mcp.rs"]
mod mcp;
#[path = "api/mcp_secrets.rs"]
mod mcp_secrets;
#[path = "api/mcp_sign_in.rs"]
mod mcp_sign_in;
#[path = "api/mcp_stage.rs"]
mod mcp_stage;
#[path = "api/mcp_unattended.rs"]
mod mcp_unattended;
#[path = "api/projects.rs"]
mod projects;
#[path = "api/prompts.rs"]
mod prompts;
#[path = "api/stream.rs"]
mod stream;
#[path = "api/talk.rs"]
mod talk;
#[path = "api/terminal.rs"]
mod terminal;
#[path = "api/upload.rs"]
mod upload;

use std::fs;

use berth_tests::{Engine, Repository};

fn repository(engine: &Engine) -> Repository {
    Repository::with_history(&engine.setup().folder().join("repository"))
}

fn folder(engine: &Engine, name: &str) -> std::path::PathBuf {
    let path = engine.setup().folder().join(name);
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}
