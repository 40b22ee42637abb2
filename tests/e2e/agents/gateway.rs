//! MCP servers through the gateway: the agent sees the tools, calls them, and the trail tells of it.

use std::path::Path;

use berth_protocol::{McpConfiguration, SessionId, Status, Transport};
use berth_tests::{programs, skip, this_test};
use serde_json::json;

use crate::{PATIENCE, Stage};

/// The name of the server, which stands nowhere else.
const SERVER: &str = "mountains";

impl Stage {
    async fn add_server(&self, program: &Path) -> McpConfiguration {
        let client = &self.engine.client;
        let draft = json!({"name": SERVER,
            "server": {"type": "stdio", "command": program, "args": ["stdio"]}});
        let made: McpConfiguration = client
            .post("/mcp/configurations", &draft)
            .await
            .expect("it is taken");
        let path = format!("/mcp/configurations/{}/consent", made.id);
        client
            .post(&path, &json!({"version": made.version}))
            .await
            .expect("it is agreed to")
    }

    /// Sends a message, says yes to whatever the agent asks, and gives its answer.
    async fn exchange_and_allow(&self, id: SessionId, message: &str) -> String {
        let client = &self.engine.client;
        let before = client.messages(id).await.len();
        client.chat(id, message).await.expect("it is taken");
        let answered = client.until("the agent answers", async || {
            let session = client.session(id).await;
            if let Status::NeedsAttention { attention } = &session.status
                && let Some(first) = attention.options.first()
            {
                // Somebody may have answered it by now.
                let _ = client.answer(id, &attention.id, &first.id).await;
            }
            let all = client.messages(id).await;
            let last = all.get(before + 1..)?.last()?.clone();
            (session.status == Status::Waiting && !last.content.is_empty()).then_some(last.content)
        });
        let answered = tokio::time::timeout(PATIENCE * 2, answered).await;
        answered.expect("in time")
    }

    /// A tool of a server is called through the gateway; the agent has no way to the server but that.
    async fn calls_a_tool(&self) {
        let Some(program) = programs::mcp_server("mcp-server-everything") else {
            skip(&this_test(), "mcp-server-everything is not installed");
            return;
        };
        let client = &self.engine.client;
        let configuration = self.add_server(&program).await;
        let session = self.start().await;
        // The agent may still be asking the gateway for its tools when the first message is sent.
        let mut tries = 0..20;
        let answer = loop {
            let number = tries.next().expect("the tool is called");
            let tool = format!("mcp__{SERVER}__echo");
            // These two name a tool whole, which they may have put aside until it is searched for.
            let tool = match self.agent {
                "claude" | "codex" => &tool,
                _ => "echo",
            };
            let order = format!("call: {tool}: {{\"message\": \"everest {number}\"}}");
            let answer = self.exchange_and_allow(session.id, &order).await;
            if answer.contains(&format!("Echo: everest {number}")) {
                break answer;
            }
        };
        let audit = client.audit().await;
        let called: Vec<_> = audit
            .iter()
            .filter(|event| event.action == "mcp.called")
            .collect();
        let last = called.last().expect("it is told");
        assert_eq!(last.subject_id, configuration.id.to_string());
        assert_eq!(last.session_id, Some(session.id));
        assert_eq!(last.details["tool"], "echo");
        assert_eq!(last.details["outcome"], "answered");
        assert_eq!(last.details["arguments"], json!({"message": "string"}));
        assert!(!last.details.to_string().contains("everest"), "{answer}");
        // No argument of any process shows the token, and no file but a private one has the address.
        let given = audit
            .iter()
            .find(|event| event.action == "session.mcp_given");
        let given = given.expect("what the session was given is told");
        assert_eq!(given.details["servers"][0]["name"], SERVER);
        client.stop(session.id).await;
        let url = format!("{}/mcp/{}/{SERVER}", client.endpoint().url, session.id);
        let gone = reqwest::Client::new().post(url).send().await;
        assert_eq!(gone.expect("it is answered").status(), 401);
        client.assert_audit_valid().await;
    }
}

tests! {
    Pty:
    claude_calls_a_tool_through_the_gateway: "claude" => calls_a_tool();
    codex_calls_a_tool_through_the_gateway: "codex" => calls_a_tool();
    gemini_calls_a_tool_through_the_gateway: "gemini" => calls_a_tool();
    opencode_calls_a_tool_through_the_gateway: "opencode" => calls_a_tool();
    goose_calls_a_tool_through_the_gateway: "goose" => calls_a_tool();
}

tests! {
    Acp:
    claude_over_acp_calls_a_tool_through_the_gateway: "claude" => calls_a_tool();
    codex_over_acp_calls_a_tool_through_the_gateway: "codex" => calls_a_tool();
    gemini_over_acp_calls_a_tool_through_the_gateway: "gemini" => calls_a_tool();
    opencode_over_acp_calls_a_tool_through_the_gateway: "opencode" => calls_a_tool();
    goose_over_acp_calls_a_tool_through_the_gateway: "goose" => calls_a_tool();
}
