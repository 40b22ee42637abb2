//! Sessions whose agent does nothing but keep what it was told of the gateway.

use std::{collections::BTreeMap, fs, path::Path};

use berth_mcp::{Connection, Limits, Reach};
use berth_protocol::{
    DefineAgent, DefinedAgent, McpConfiguration, Secret, Session, WorkspaceRequest,
};
use serde_json::{Value, json};

use crate::{Client, Engine, Setup, session};

/// A program that keeps the settings that it was given, and then reads lines.
const PROGRAM: &str = r#"#!/bin/bash
[ "$1" = --version ] && { echo "mine 1.2.3"; exit; }
[ "$1" = --mcp ] && cp "$2" given.json
while IFS= read -r -p '> ' line; do echo "* you said $line"; done
"#;

/// Where an agent was told to reach a server.
#[derive(Clone, Debug)]
pub struct Given {
    /// The address.
    pub url: String,
    /// The token of the session.
    pub token: String,
}

impl Given {
    /// A connection to the gateway, as the agent opens it.
    ///
    /// # Panics
    /// When it is not let in.
    pub async fn connect(&self) -> Connection {
        let reach = Reach::Http {
            url: self.url.clone(),
            headers: BTreeMap::default(),
            bearer: Some(Secret::new(self.token.clone())),
        };
        let connection = Connection::open(&reach, Limits::default()).await;
        connection.expect("the gateway lets its agent in")
    }
}

/// An engine with an agent `mine` that takes MCP servers.
///
/// # Panics
/// When the agent is not taken.
pub async fn engine(setup: Setup) -> Engine {
    let engine = setup.start().await;
    add_agent(&engine).await;
    engine
}

/// Adds the agent `mine` to an engine.
///
/// # Panics
/// When it is not taken.
pub async fn add_agent(engine: &Engine) {
    let bin = engine.setup().home().join("bin");
    fs::create_dir_all(&bin).expect("it can be made");
    let program = bin.join("mine");
    fs::write(&program, PROGRAM).expect("it can be written");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).expect("it can be made executable");
    }
    let definition = serde_json::from_value(json!({
        "name": "Mine", "program": program, "version_args": ["--version"],
        "mcp": {"args": ["--mcp", "{config_file}"]},
        "permission_modes": [{"id": "ask", "name": "Ask", "args": []}],
        "screen": {"prompt": "^> ?(.*)$"},
    }));
    let request = DefineAgent {
        id: "mine".parse().expect("it is a name"),
        definition: definition.expect("it is a definition"),
    };
    let made = engine.client.post::<DefinedAgent>("/agents", &request);
    made.await.expect("the agent is taken");
}

/// Adds a server and agrees to it.
///
/// # Panics
/// When it is refused.
pub async fn agreed(client: &Client, draft: &Value) -> McpConfiguration {
    let made: McpConfiguration = client
        .post("/mcp/configurations", draft)
        .await
        .expect("the server is taken");
    let path = format!("/mcp/configurations/{}/consent", made.id);
    let consent = json!({"version": made.version});
    let agreed = client.post(&path, &consent).await;
    agreed.expect("the consent is taken")
}

/// Starts a session of the agent `mine` in a folder, and says where it was told to reach a server, if it was.
///
/// # Panics
/// When it does not start, or its settings are not as they must be.
pub async fn session_in(client: &Client, place: &Path, server: &str) -> (Session, Option<Given>) {
    let project = client.add_project(place).await;
    let mut request = session(project.id, "mine");
    request.workspace = Some(WorkspaceRequest::InPlace);
    let session = client.start(&request).await;
    let session = client.waiting(session.id).await;
    (session, given_in(place, server))
}

/// Where the agent `mine` in a folder was last told to reach a server, if it was.
///
/// # Panics
/// When its settings are not as they must be.
pub fn given_in(place: &Path, server: &str) -> Option<Given> {
    let settings = fs::read_to_string(place.join("given.json")).ok()?;
    let settings: Value = serde_json::from_str(&settings).expect("its settings are JSON");
    let server = &settings["mcpServers"][server];
    let header = server["headers"]["Authorization"].as_str();
    Some(Given {
        url: server["url"]
            .as_str()
            .expect("there is an address")
            .to_owned(),
        token: header
            .and_then(|header| header.strip_prefix("Bearer "))
            .expect("there is a token")
            .to_owned(),
    })
}
