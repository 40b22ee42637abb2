//! What tests of servers behind an authorization server have in common.

use berth_protocol::{McpConfiguration, McpTested};
use berth_tests::{
    Answer, Client, Engine, Setup, keychain::Keychain, mcp::agreed, oauth::Fixture, skip, this_test,
};
use reqwest::Method;
use serde_json::{Value, json};

/// An engine with a keychain, a server behind an authorization server, and what the engine keeps of it.
pub struct Stage {
    /// The engine.
    pub engine: Engine,
    /// Where it keeps secrets.
    pub keychain: Keychain,
    /// The server, with its authorization server.
    pub fixture: Fixture,
    /// What the engine kept of the server at first.
    pub server: McpConfiguration,
}

impl Stage {
    /// One whose engine is told so of a server at an address; nothing, and a skip on record, where it cannot run.
    pub async fn set(draft: fn(&str) -> Value) -> Option<Self> {
        Self::with(Setup::new(), draft).await
    }

    /// The same with an engine that is set up otherwise.
    pub async fn with(setup: Setup, draft: fn(&str) -> Value) -> Option<Self> {
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "there is no keychain to start");
            return None;
        };
        let engine = keychain.of(setup).start().await;
        let fixture = Fixture::start().await;
        let server = agreed(&engine.client, &draft(&fixture.mcp())).await;
        Some(Self {
            engine,
            keychain,
            fixture,
            server,
        })
    }

    /// Speaks to the engine.
    pub fn client(&self) -> &Client {
        &self.engine.client
    }

    /// Where the engine has the server, and what is below.
    pub fn path(&self, rest: &str) -> String {
        format!("/mcp/configurations/{}{rest}", self.server.id)
    }

    /// The server as the engine has it now.
    pub async fn now(&self) -> McpConfiguration {
        let now = self.client().get(&self.path("")).await;
        now.expect("it is there")
    }

    /// Keeps the secret of a client of its user's own.
    pub async fn keep(&self, secret: &str) {
        let path = self.path("/secrets/client_secret");
        let put = self.client().request(Method::PUT, &path);
        let put = put.json(&json!({"value": secret}));
        let kept = self.client().value::<McpConfiguration>(put).await;
        kept.expect("it is kept");
    }

    /// Has the engine try the server.
    pub async fn test(&self) -> Answer<McpTested> {
        let kept = json!({"id": self.server.id});
        self.client().post("/mcp/test", &kept).await
    }

    /// The server names another authorization server.
    pub fn moves_to(&self, other: &Fixture) {
        let base = other.base.clone();
        let description = "/.well-known/oauth-protected-resource/mcp";
        self.fixture.change(description, move |answer| {
            answer.body["authorization_servers"] = json!([base]);
        });
    }
}
