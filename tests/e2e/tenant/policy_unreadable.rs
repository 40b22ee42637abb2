//! A policy that this version of Berth cannot read, and the last one that it could: at the start of a session and at the
//! gateway, with a network and without one.

use std::fs;

use berth_mcp::Connection;
use berth_protocol::{Code, CreateSession, ProjectId, Session, SessionId, WorkspaceRequest};
use berth_tests::{Client, mcp, session};
use serde_json::{Map, Value, json};

use crate::catalog_api::Machine;

/// What stands in the reason of every refusal.
const NOT_UNDERSTOOD: &str = "not understood by this version of Berth";

/// As somebody sets it whose Berth knows conditions of rules that this one does not.
fn newer() -> Value {
    json!({"tool_rules": [{"server": "mine-own", "rule": "allow", "when": "reviewed"}]})
}

async fn set_policy(machine: &Machine, version: i64, policy: Value) {
    let set = json!({"org": machine.org.id, "version": version, "policy": policy});
    machine.org.admin.call("set_policy", set).await.ok();
    machine.look().await;
}

/// Adds a folder of this name.
async fn folder(machine: &Machine, name: &str) -> ProjectId {
    let place = machine.engine.setup().folder().join(name);
    fs::create_dir_all(&place).expect("it can be made");
    machine.engine.client.add_project(&place).await.id
}

fn wanted(project: ProjectId, agent: &str) -> CreateSession {
    CreateSession {
        workspace: Some(WorkspaceRequest::InPlace),
        ..session(project, agent)
    }
}

/// A server that its user has added and agreed to, and whose tools they let agents call.
async fn with_server(machine: &Machine) {
    let draft = json!({"name": "mine-own",
        "server": {"type": "stdio", "command": machine.program, "args": ["stdio"]}});
    mcp::agreed(&machine.engine.client, &draft).await;
}

/// A session in a folder of this name, and its way to the server.
async fn works(machine: &Machine, name: &str) -> (Session, Connection) {
    let place = machine.engine.setup().folder().join(name);
    fs::create_dir_all(&place).expect("it can be made");
    let (session, given) = mcp::session_in(&machine.engine.client, &place, "mine-own").await;
    let given = given.expect("it is given the server");
    (session, given.connect().await)
}

/// Calls a tool: whether that failed, and what the agent reads.
async fn echo(connection: &Connection) -> (bool, String) {
    let mut arguments = Map::new();
    arguments.insert("message".to_owned(), json!("hello"));
    let called = connection.try_call("echo", arguments).await;
    let called = called.expect("an answer");
    let text = called.result["content"][0]["text"].as_str();
    (called.is_error, text.unwrap_or_default().to_owned())
}

/// Why no session of an agent may begin, as the list of agents says.
async fn refused(client: &Client, id: &str) -> Option<String> {
    let mut agents = client.agents().await.into_iter();
    let agent = agents.find(|agent| agent.id.as_str() == id);
    agent.expect("the agent is known").refused
}

/// Waits until the policy lets agents begin again.
async fn lets_begin(client: &Client) {
    let is_let = async || refused(client, "mine").await.is_none().then_some(());
    client.until("the policy can be read", is_let).await;
}

/// Waits until the policy is known not to be understood, and looks at everything that it must hold back.
async fn is_blocked(
    client: &Client,
    project: ProjectId,
    running: SessionId,
    connection: &Connection,
) {
    let listed = async || refused(client, "mine").await;
    let listed = client.until("the policy cannot be read", listed).await;
    assert!(listed.contains(NOT_UNDERSTOOD), "{listed}");

    begins_not(client, project).await;
    let restart = format!("/sessions/{running}/restart");
    let again = client.act::<Session>(&restart).await;
    let again = again.expect_err("it would begin anew");
    assert_eq!(again.code, Code::PolicyUnreadable);
    assert_eq!(client.session(running).await.status.word(), "waiting");

    let (failed, said) = echo(connection).await;
    assert!(failed, "{said}");
    assert!(said.contains("acme"), "{said}");
    assert!(said.contains(NOT_UNDERSTOOD), "{said}");
}

/// A session is refused with words that say whose policy it is, what of it is not known, and what to do.
async fn begins_not(client: &Client, project: ProjectId) {
    let started = client.try_start(&wanted(project, "mine")).await;
    let refused = started.expect_err("nothing may begin");
    assert_eq!(refused.code, Code::PolicyUnreadable);
    for part in ["acme", NOT_UNDERSTOOD, "`when`"] {
        assert!(refused.detail.contains(part), "{part}: {}", refused.detail);
    }
    let hint = refused.hint.expect("it says what to do");
    assert!(hint.contains("newest version"), "{hint}");
}

#[tokio::test]
async fn under_a_policy_of_a_newer_berth_nothing_begins_and_no_tool_is_called_with_a_network_or_without()
 {
    let Some(mut machine) = Machine::of_a_user().await else {
        return;
    };
    with_server(&machine).await;
    let other = folder(&machine, "other").await;
    let (running, connection) = works(&machine, "project").await;
    assert!(!echo(&connection).await.0, "nothing forbids it yet");

    set_policy(&machine, 1, newer()).await;
    is_blocked(&machine.engine.client, other, running.id, &connection).await;

    // Once somebody has mended it, everything goes on by itself.
    set_policy(&machine, 2, json!({})).await;
    lets_begin(&machine.engine.client).await;
    let (failed, said) = echo(&connection).await;
    assert!(!failed, "{said}");
    let started = machine.engine.client.start(&wanted(other, "mine")).await;
    machine.engine.client.stop(started.id).await;

    set_policy(&machine, 3, newer()).await;
    is_blocked(&machine.engine.client, other, running.id, &connection).await;
    machine.project.unplug().await;
    is_blocked(&machine.engine.client, other, running.id, &connection).await;
    connection.close().await;
    // From here on it is what was stored.
    machine.engine.restart().await;
    begins_not(&machine.engine.client, other).await;

    let calls = machine.engine.client.audit().await.into_iter();
    let calls = calls.filter(|event| event.action == "mcp.called");
    let outcomes: Vec<_> = calls
        .map(|event| event.details["outcome"].clone())
        .collect();
    let wanted = ["answered", "refused", "answered", "refused", "refused"];
    assert_eq!(outcomes, wanted, "what was refused is told as that");
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn the_last_known_policy_holds_at_the_start_and_at_the_gateway_without_a_network() {
    let Some(mut machine) = Machine::of_a_user().await else {
        return;
    };
    with_server(&machine).await;
    let other = folder(&machine, "other").await;
    let (_, connection) = works(&machine, "before").await;
    assert!(!echo(&connection).await.0, "nothing forbids it yet");
    let policy = json!({"allowed_agents": ["mine"],
        "tool_rules": [{"server": "mine-own", "tool": "echo", "rule": "deny"}]});
    set_policy(&machine, 1, policy).await;
    let client = &machine.engine.client;
    let listed = async || refused(client, "shell").await;
    client.until("the policy is heard of", listed).await;

    machine.project.unplug().await;
    let (failed, said) = echo(&connection).await;
    assert!(failed && said.contains("call this tool"), "{said}");
    connection.close().await;
    machine.engine.restart().await;

    let client = &machine.engine.client;
    let shell = client.try_start(&wanted(other, "shell")).await;
    let shell = shell.expect_err("it is not among those that are allowed");
    assert_eq!(shell.code, Code::PolicyRefused);
    // What it lets begin does begin, and has all of the server but what is denied.
    let (_, connection) = works(&machine, "after").await;
    let tools = connection.tools().await.expect("it has tools");
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert!(!names.is_empty() && !names.contains(&"echo"), "{names:?}");
    let (failed, said) = echo(&connection).await;
    assert!(failed && said.contains("call this tool"), "{said}");
    client.assert_audit_valid().await;
}
