//! What people, scripts and programs do wrong: each case has its stable code, says what to do, and
//! loses nothing.

#![cfg(unix)]

#[path = "bad_input/access.rs"]
mod access;
#[path = "bad_input/agents.rs"]
mod agents;
#[path = "bad_input/disk.rs"]
mod disk;
#[path = "bad_input/folders.rs"]
mod folders;
#[path = "bad_input/live.rs"]
mod live;
#[path = "bad_input/programs.rs"]
mod programs;
#[path = "bad_input/repositories.rs"]
mod repositories;
#[path = "bad_input/requests.rs"]
mod requests;
#[path = "bad_input/sessions.rs"]
mod sessions;
#[path = "bad_input/start.rs"]
mod start;

use std::{fs, path::PathBuf};

use berth_protocol::Project;
use berth_tests::{Engine, Repository};

fn folder(engine: &Engine, name: &str) -> PathBuf {
    let path = engine.setup().folder().join(name);
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}

fn repository(engine: &Engine) -> Repository {
    Repository::with_history(&engine.setup().folder().join("repository"))
}

async fn plain_project(engine: &Engine) -> Project {
    engine.client.add_project(&folder(engine, "plain")).await
}

/// An identifier that nothing has.
fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)
}
