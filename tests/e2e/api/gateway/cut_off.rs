//! Calls that are cut off by the end of their session, or of the engine.

use std::time::Duration;

use berth_protocol::AuditEvent;

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
    stage.client().assert_audit_valid().await;
}
