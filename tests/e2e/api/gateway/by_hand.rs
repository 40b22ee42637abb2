//! What the trail tells of calls by hand.

use berth_protocol::{AuditEvent, McpCalled};
use berth_tests::{Answer, until};

use super::*;

async fn by_hand(stage: &Stage, tool: &str, arguments: Value) -> Answer<McpCalled> {
    let path = format!("/mcp/configurations/{}/call", stage.configuration.id);
    let body = json!({"tool": tool, "arguments": arguments});
    stage.client().post(&path, &body).await
}

/// Calls the tool `one` for that long, in milliseconds, and goes away while it is under way.
async fn left(stage: &Stage, wait: u32) {
    let began = stage.tools.with_extension("json.began");
    let arguments = json!({"path": "/x", "mark": "began", "wait": wait});
    tokio::select! {
        called = by_hand(stage, "one", arguments) => panic!("nobody waits for it: {called:?}"),
        () = until("the tool is called", || began.exists()) => {}
    }
}

async fn told(client: &Client) -> Vec<AuditEvent> {
    let audit = client.audit().await.into_iter();
    audit.filter(|it| it.action == "mcp.called").collect()
}

#[tokio::test]
async fn the_trail_tells_of_each_call_by_hand_its_shape_and_what_became_of_it() {
    let stage = Stage::set().await;
    let secret = json!({"path": "/a/secret-word", "count": 3});
    let answered = by_hand(&stage, "one", secret.clone()).await;
    assert!(!answered.expect("it answers").is_error);
    let failed = by_hand(&stage, "fails", secret).await;
    assert!(failed.expect("it answers").is_error);
    // This server answers to any name.
    let long = by_hand(&stage, &"x".repeat(500), json!({})).await;
    long.expect("it answers");
    let lost = by_hand(&stage, "one", json!({"end": true})).await;
    lost.expect_err("the server has ended");
    let mut draft = json!(stage.configuration.draft);
    draft["server"]["env"] = json!({"OTHER": "1"});
    put(&stage, &stage.configuration_now().await, &draft).await;
    let refused = by_hand(&stage, "one", json!({})).await;
    let refused = refused.expect_err("nobody has agreed to it");
    assert_eq!(refused.code, Code::McpNotConsented);

    let called = told(stage.client()).await;
    let outcomes: Vec<_> = called.iter().map(|it| &it.details["outcome"]).collect();
    assert_eq!(
        outcomes,
        ["answered", "failed", "answered", "lost", "refused"]
    );
    for event in &called {
        let details = &event.details;
        assert_eq!(details["by"], "user");
        assert!(details["took_ms"].is_u64(), "{details}");
        assert!(details["call"].is_string(), "{details}");
        let tool = details["tool"].as_str().expect("it is named");
        assert!(tool.len() <= 128, "{tool}");
        assert_eq!(event.session_id, None);
    }
    let first = &called[0].details;
    assert_eq!(
        first["arguments"],
        json!({"count": "number", "path": "string"})
    );
    assert!(first["bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    let trail = serde_json::to_string(&called).expect("it is JSON");
    assert!(!trail.contains("secret-word"), "{trail}");
    stage.client().assert_audit_valid().await;
}

#[tokio::test]
async fn a_call_by_hand_is_told_of_although_nobody_waits_for_it_any_more() {
    let stage = Stage::set().await;
    let client = stage.client();
    left(&stage, 5_000).await;
    let over = async || told(client).await.pop();
    let over = client.until("it is over", over).await;
    assert_eq!(over.details["outcome"], "answered");
    assert_eq!(over.details["tool"], "one");
}

#[tokio::test]
async fn a_call_by_hand_that_a_kill_has_cut_off_is_in_the_trail() {
    let mut stage = Stage::set().await;
    left(&stage, 60_000).await;
    stage.engine.kill();
    stage.engine.restart().await;
    let called = told(stage.client()).await;
    assert_eq!(called.len(), 1, "{called:?}");
    let details = &called[0].details;
    assert_eq!(details["outcome"], "unknown");
    assert_eq!(
        (&details["by"], &details["tool"]),
        (&json!("user"), &json!("one"))
    );
    assert_eq!(
        details["arguments"],
        json!({"mark": "string", "path": "string", "wait": "number"})
    );
    stage.client().assert_audit_valid().await;
}
