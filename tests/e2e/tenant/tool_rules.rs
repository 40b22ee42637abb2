//! What an organization says of tools, beside what its user has allowed before and what a session brings along.

use std::fs;

use berth_mcp::Connection;
use berth_protocol::{
    Attention, Code, Session, SessionId, SessionMcpServer, Status, WorkspaceRequest,
};
use berth_tests::{Client, mcp, session};
use serde_json::{Map, Value, json};

use crate::catalog_api::Machine;

/// The policy of the organization, which lets no shell begin, so that it can be seen when it is here.
async fn set_rules(machine: &Machine, rules: Value) {
    let policy = json!({"allowed_agents": ["mine"], "tool_rules": rules});
    let set = json!({"org": machine.org.id, "version": 1, "policy": policy});
    machine.org.admin.call("set_policy", set).await.ok();
    machine.look().await;
    let client = &machine.engine.client;
    let place = machine.engine.setup().folder().join("shells");
    fs::create_dir_all(&place).expect("it can be made");
    let project = client.add_project(&place).await;
    let mut shell = session(project.id, "shell");
    shell.workspace = Some(WorkspaceRequest::InPlace);
    let refused = async || {
        let started = client.try_start(&shell).await;
        started.err().filter(|it| it.code == Code::PolicyRefused)
    };
    client.until("the policy holds", refused).await;
}

pub async fn question(client: &Client, id: SessionId) -> Attention {
    let asked = client.session_until(id, "asks", |session| {
        matches!(session.status, Status::NeedsAttention { .. })
    });
    match asked.await.status {
        Status::NeedsAttention { attention } => attention,
        other => unreachable!("it was looked for: {other:?}"),
    }
}

async fn echo(connection: &Connection) -> bool {
    let mut arguments = Map::new();
    arguments.insert("message".to_owned(), json!("hello"));
    let called = connection.try_call("echo", arguments).await;
    !called.expect("an answer").is_error
}

#[tokio::test]
async fn what_a_user_has_allowed_in_a_project_does_not_answer_what_the_organization_wants_asked() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let client = &machine.engine.client;
    let draft = json!({"name": "mine-own", "rules": {"default": "ask"},
        "server": {"type": "stdio", "command": machine.program, "args": ["stdio"]}});
    mcp::agreed(client, &draft).await;
    let place = machine.engine.setup().folder().join("project");
    fs::create_dir_all(&place).expect("it can be made");
    let (session, given) = mcp::session_in(client, &place, "mine-own").await;
    let given = given.expect("it is given the server");
    let connection = given.connect().await;
    let allow = async {
        let attention = question(client, session.id).await;
        let answered = client.answer(session.id, &attention.id, "project").await;
        answered.expect("it is taken");
    };
    let (passed, ()) = tokio::join!(echo(&connection), allow);
    assert!(passed);
    client.waiting(session.id).await;
    assert!(echo(&connection).await, "it is not asked about again");

    set_rules(
        &machine,
        json!([{"server": "mine-own", "tool": "echo", "rule": "ask"}]),
    )
    .await;
    // Each call is asked about, and no answer holds for the next.
    for option in ["once", "deny"] {
        let answer = async {
            let attention = question(client, session.id).await;
            let offered: Vec<_> = attention.options.iter().map(|it| it.id.as_str()).collect();
            assert_eq!(offered, ["once", "deny"]);
            let more = client.answer(session.id, &attention.id, "project").await;
            more.expect_err("that is not offered");
            let answered = client.answer(session.id, &attention.id, option).await;
            answered.expect("it is taken");
        };
        let (passed, ()) = tokio::join!(echo(&connection), answer);
        assert_eq!(passed, option == "once");
        client.waiting(session.id).await;
    }
}

#[tokio::test]
async fn a_session_brings_no_server_past_the_organizations_rules_for_tools() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let client = &machine.engine.client;
    let place = machine.engine.setup().folder().join("project");
    fs::create_dir_all(&place).expect("it can be made");
    let project = client.add_project(&place).await;
    let mut wanted = session(project.id, "mine");
    wanted.workspace = Some(WorkspaceRequest::InPlace);
    let bare = wanted.clone();
    wanted.mcp_servers = vec![SessionMcpServer::Http {
        name: "brought".to_owned(),
        url: "https://example.com/mcp".to_owned(),
        bearer: None,
    }];
    let before = client.start(&wanted).await;
    client.waiting(before.id).await;

    set_rules(&machine, json!([{"server": "files", "rule": "ask"}])).await;
    let refused = client.try_start(&wanted).await.expect_err("it is refused");
    assert_eq!(refused.code, Code::PolicyRefused);
    assert!(refused.detail.contains("brought"), "{}", refused.detail);
    let again = format!("/sessions/{}/restart", before.id);
    let refused = client.act::<Session>(&again).await;
    assert_eq!(
        refused.expect_err("it is refused").code,
        Code::PolicyRefused
    );
    // What runs goes on until it is stopped.
    client.waiting(before.id).await;
    client.stop(before.id).await;
    client.start(&bare).await;
}
