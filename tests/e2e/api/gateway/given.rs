//! What is told of the servers that a session's agent has, or would be given.

use berth_protocol::{McpGiven, SessionMcp, SessionMcpEntry, SessionMcpServer, SessionMcpState};

use super::*;

async fn told(stage: &Stage, id: SessionId) -> Vec<SessionMcpEntry> {
    let told = stage.client().get(&format!("/sessions/{id}/mcp")).await;
    let told: SessionMcp = told.expect("it is told");
    told.servers
}

/// What is told of the only server.
async fn only(stage: &Stage, id: SessionId) -> SessionMcpEntry {
    let mut all = told(stage, id).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn a_session_tells_how_its_servers_are_doing_and_how_many_tools_are_shown() {
    let stage = Stage::set().await;
    let (session, url, token) = stage.session("first").await;
    let untried = only(&stage, session.id).await;
    assert_eq!(untried.name, "fixture");
    assert_eq!(untried.configuration, Some(stage.configuration.id));
    assert_eq!(untried.state, SessionMcpState::Untried);
    assert_eq!((untried.tools, untried.why), (None, None));

    let connection = connect(&url, &token).await.expect("it is let in");
    connection.tools().await.expect("tools");
    let connected = only(&stage, session.id).await;
    assert_eq!(connected.state, SessionMcpState::Connected);
    assert_eq!(connected.tools, Some(2));
    let rules = json!({"tools": {"one": "deny"}});
    let now = edited(&stage, &stage.configuration, &rules).await;
    let shown = only(&stage, session.id).await;
    assert_eq!(shown.tools, Some(1), "what is denied is not shown");

    stage.offer(&[tool("one", "The first."), tool("fails", "Something else.")]);
    connection.tools().await.expect("tools");
    let changed = only(&stage, session.id).await;
    assert_eq!(changed.state, SessionMcpState::Quarantined);
    assert_eq!(changed.tools, Some(0));

    let mut draft = serde_json::to_value(&now.draft).expect("it is JSON");
    draft["enabled"] = json!(false);
    put(&stage, &now, &draft).await;
    let withheld = only(&stage, session.id).await;
    assert_eq!(withheld.state, SessionMcpState::Withheld);
    assert!(withheld.why.is_some_and(|why| why.contains("disabled")));
    stage.client().stop(session.id).await;
    assert_eq!(told(&stage, session.id).await, []);
    let nobody = "/sessions/00000000-0000-7000-8000-000000000000/mcp";
    let unknown = stage.client().get::<SessionMcp>(nobody).await;
    assert_eq!(
        unknown.expect_err("there is none").code,
        Code::SessionNotFound
    );
}

#[tokio::test]
async fn a_server_that_a_session_brings_along_is_told_beside_the_others() {
    let stage = Stage::set().await;
    let client = stage.client();
    let project = client.add_project(&folder(&stage.engine, "brings")).await;
    let mut wanted = berth_tests::session(project.id, "mine");
    wanted.workspace = Some(berth_protocol::WorkspaceRequest::InPlace);
    wanted.mcp_servers = vec![SessionMcpServer::Stdio {
        name: "brought".to_owned(),
        command: "/bin/true".to_owned(),
        args: Vec::new(),
    }];
    let session = client.start(&wanted).await;
    let session = client.waiting(session.id).await;
    let all = told(&stage, session.id).await;
    let names: Vec<_> = all
        .iter()
        .map(|server| (server.name.as_str(), server.state))
        .collect();
    assert_eq!(
        names,
        [
            ("brought", SessionMcpState::Own),
            ("fixture", SessionMcpState::Untried)
        ]
    );
    assert_eq!(all[0].configuration, None);
}

#[tokio::test]
async fn what_agents_would_be_given_of_a_server_can_be_seen_before() {
    let engine = Engine::start().await;
    let given = async |agent: &str, name: &str| -> McpGiven {
        let path = format!("/mcp/given?agent={agent}&name={name}");
        engine.client.get(&path).await.expect("it is told")
    };
    let path = "/mcp/SESSION/docs";
    for agent in ["claude", "codex", "gemini", "opencode", "goose"] {
        let terminal = given(agent, "docs").await.terminal;
        let terminal = terminal.unwrap_or_else(|| panic!("{agent} takes servers"));
        let mut text = terminal.args.join("\n");
        text.extend(terminal.env.values().map(String::as_str));
        text.extend(terminal.files.iter().map(|file| file.content.as_str()));
        assert!(text.contains(path), "{agent}: {text}");
        assert!(text.contains("TOKEN-OF-THE-RUN"), "{agent}: {text}");
        // Every user of a machine can read arguments.
        let args = terminal.args.join("\n");
        assert!(!args.contains("TOKEN-OF-THE-RUN"), "{agent}: {args}");
    }
    for agent in ["aider", "droid"] {
        assert_eq!(given(agent, "docs").await.terminal, None, "{agent}");
    }
    assert!(given("goose", "docs").await.protocol);
    // What is still being typed may be anything.
    let odd = given("codex", "a%2F..%22%0A")
        .await
        .terminal
        .expect("it takes servers");
    assert!(
        odd.args.iter().any(|arg| arg.starts_with("mcp_servers.a=")),
        "{odd:?}"
    );
    let unknown = engine
        .client
        .get::<McpGiven>("/mcp/given?agent=nobody&name=a")
        .await;
    unknown.expect_err("there is no such agent");
}
