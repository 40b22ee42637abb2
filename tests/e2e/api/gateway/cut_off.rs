//! Calls that are cut off by the end of their session, or of the engine.

use std::time::Duration;

use berth_protocol::{AuditEvent, McpCalled};
use berth_tests::{processes, until};

use super::*;

/// How long a tool takes that nobody waits for to its end, and whoever calls it: longer than a test waits for anything.
const LONG: Duration = Duration::from_secs(500);

/// An agent's connection over which nobody loses their patience.
async fn patient(url: String, token: String) -> Connection {
    let reach = Reach::Http {
        url,
        headers: Default::default(),
        bearer: Some(Secret::new(token)),
    };
    let limits = Limits {
        request: LONG,
        ..Limits::default()
    };
    let opened = Connection::open(&reach, limits).await;
    opened.expect("it is let in")
}

fn long() -> serde_json::Map<String, Value> {
    [("wait".to_owned(), json!(LONG.as_millis() as u64))]
        .into_iter()
        .collect()
}

/// The call that is under way.
async fn under_way(client: &Client) -> AuditEvent {
    let begun = async || {
        let audit = client.audit().await.into_iter();
        let mut begun = audit.filter(|it| it.action == "mcp.calling");
        begun.next()
    };
    client.until("the call is under way", begun).await
}

/// What the trail says became of a call, once it does.
async fn told(client: &Client, call: &AuditEvent) -> AuditEvent {
    let over = async || {
        let audit = client.audit().await.into_iter();
        let mut over = audit.filter(|it| it.action == "mcp.called");
        over.find(|it| it.details["call"] == call.details["call"])
    };
    client.until("it is told what became of it", over).await
}

#[tokio::test]
async fn a_call_ends_with_its_session_whoever_still_waits_for_it() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    // The test is no program of the session, so it goes on when that ends.
    let connection = patient(url, token).await;
    let ends = async {
        let call = under_way(client).await;
        client.stop(session.id).await;
        told(client, &call).await
    };
    let (answered, over) = tokio::join!(connection.try_call("one", long()), ends);
    assert_eq!(over.details["outcome"], "cancelled");
    assert_eq!(over.session_id, Some(session.id));
    assert!(answered.is_err() || answered.is_ok_and(|called| called.is_error));
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_call_that_ends_with_the_engine_is_told_of_by_that_engine() {
    let mut stage = Stage::set().await;
    let (_, url, token) = stage.session("first").await;
    let connection = patient(url, token).await;
    let ends = async {
        let call = under_way(stage.client()).await;
        assert!(stage.engine.stop().await.success());
        call
    };
    let (answered, call) = tokio::join!(connection.try_call("one", long()), ends);
    assert!(answered.is_err() || answered.is_ok_and(|called| called.is_error));
    stage.engine.restart().await;
    let over = told(stage.client(), &call).await;
    assert_eq!(over.details["outcome"], "cancelled");
    let audit = stage.client().audit().await;
    let ended = audit.iter().find(|it| it.action == "session.ended");
    let ended = ended.expect("the session has ended with the engine");
    assert!(
        over.seq < ended.seq,
        "sessions are stopped once nobody waits for an answer"
    );
    stage.client().assert_audit_valid().await;
}

#[tokio::test]
async fn a_call_that_its_agent_gives_up_is_given_up_at_the_server() {
    let stage = Stage::set().await;
    let (_, url, token) = stage.session("first").await;
    let connection = patient(url, token).await;
    tokio::select! {
        answered = connection.try_call("one", long()) => panic!("it takes long: {answered:?}"),
        _ = under_way(stage.client()) => {}
    }
    let told = stage.tools.with_extension("json.cancelled");
    until("the server is told", || told.exists()).await;
}

#[tokio::test]
async fn a_server_that_its_session_has_not_waited_for_has_not_failed() {
    let stage = Stage::set().await;
    let client = stage.client();
    let started = stage.tools.with_file_name("started");
    let script = format!("touch '{}'; exec sleep 600", started.display());
    let draft = json!({"name": "silent",
        "server": {"type": "stdio", "command": "/bin/bash", "args": ["-c", script]}});
    let silent = mcp::agreed(client, &draft).await;
    let place = folder(&stage.engine, "first");
    let (session, given) = mcp::session_in(client, &place, "silent").await;
    let given = given.expect("it is given the server");
    let ends = async {
        until("the server is started", || started.exists()).await;
        client.stop(session.id).await;
    };
    let (opened, ()) = tokio::join!(connect(&given.url, &given.token), ends);
    assert!(opened.is_err(), "nobody has answered");
    let path = format!("/mcp/configurations/{}", silent.id);
    let now: McpConfiguration = client.get(&path).await.expect("it is there");
    assert_eq!(now.state, McpState::Untried);
}

#[tokio::test]
async fn an_engine_that_stops_waits_for_no_server_that_is_tested() {
    let mut engine = Engine::start().await;
    let client = engine.client.clone();
    let started = folder(&engine, "server").join("started");
    let script = format!("touch '{}'; exec sleep 600", started.display());
    let server = json!({"type": "stdio", "command": "/bin/bash", "args": ["-c", script],
                        "env": {"MARK": "tested-at-the-end"}});
    let silent = mcp::agreed(&client, &json!({"name": "silent", "server": server})).await;
    let test = json!({"id": silent.id});
    let ends = async {
        until("the server is started", || started.exists()).await;
        assert!(engine.stop().await.success());
    };
    let (tested, ()) = tokio::join!(client.post::<McpTested>("/mcp/test", &test), ends);
    let refused = tested.expect_err("it has said nothing");
    assert_eq!(refused.code, Code::ShuttingDown);
    until("the server has ended", || {
        processes::with("MARK", "tested-at-the-end").is_empty()
    })
    .await;
    engine.restart().await;
    let path = format!("/mcp/configurations/{}", silent.id);
    let now: McpConfiguration = engine.client.get(&path).await.expect("it is there");
    assert_eq!(
        now.state,
        McpState::Untried,
        "that the engine stops says nothing of the server"
    );
}

#[tokio::test]
async fn a_call_by_hand_that_ends_with_the_engine_is_told_of() {
    let mut stage = Stage::set().await;
    let client = stage.client().clone();
    let began = stage.tools.with_extension("json.began");
    let path = format!("/mcp/configurations/{}/call", stage.configuration.id);
    let mut arguments = long();
    arguments.insert("mark".to_owned(), json!("began"));
    let by_hand = json!({"tool": "one", "arguments": arguments});
    let ends = async {
        until("the tool is called", || began.exists()).await;
        assert!(stage.engine.stop().await.success());
    };
    let (called, ()) = tokio::join!(client.post::<McpCalled>(&path, &by_hand), ends);
    let refused = called.expect_err("the tool has not answered");
    assert_eq!(refused.code, Code::ShuttingDown);
    stage.engine.restart().await;
    let audit = stage.client().audit().await;
    let over = audit.iter().find(|it| it.action == "mcp.called");
    let over = over.expect("it is told");
    assert_eq!(over.details["outcome"], "cancelled");
    assert_eq!(over.details["by"], "user");
}
