//! What keeps agents and servers within bounds.

use berth_mcp::gateway::Bounds;
use futures::StreamExt;

use super::*;

/// Calls that an agent makes at once.
const AT_ONCE: usize = 16;

#[tokio::test]
async fn an_agent_that_calls_without_end_has_to_wait() {
    let stage = Stage::set().await;
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let most = Bounds::default().per_minute;
    let calls = (0..=most).map(|_| call(&connection, "one", json!({})));
    let calls = futures::stream::iter(calls).buffer_unordered(AT_ONCE);
    let answers: Vec<_> = calls.collect().await;
    let refused: Vec<_> = answers.iter().filter(|(refused, _)| *refused).collect();
    assert_eq!(refused.len(), 1, "one more than there may be: {refused:?}");
    assert!(refused[0].1.contains("within a minute"), "{refused:?}");
    let audit = stage.client().audit().await;
    let refused = audit
        .iter()
        .filter(|it| it.action == "mcp.called" && it.details["outcome"] == "refused");
    assert_eq!(refused.count(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_start_again_and_again_is_left_alone_for_a_while() {
    let stage = Stage::set().await;
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let starts = stage.tools.with_file_name("starts");
    let broken = format!(
        "require('fs').appendFileSync({}, 'x'); process.exit(1);",
        json!(starts)
    );
    let script = stage.tools.with_file_name("server.js");
    fs::write(script, broken).expect("it can be written");
    let (lost, _) = call(&connection, "one", json!({"end": true})).await;
    assert!(lost, "it has ended");
    let started = || fs::read_to_string(&starts).unwrap_or_default().len();
    // Each rest is longer than the one before, so one of them is longer than this machine takes for a call.
    for _ in 0..10 {
        let before = started();
        let (lost, said) = call(&connection, "one", json!({})).await;
        assert!(lost, "{said}");
        if said.contains("again and again") {
            assert_eq!(started(), before, "nothing is started meanwhile");
            return;
        }
    }
    panic!("it was started {} times", started());
}

#[tokio::test]
async fn a_server_that_ends_in_each_call_is_left_alone_for_a_while() {
    let stage = Stage::set().await;
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    // It can be started and tells its tools each time.
    for _ in 0..10 {
        let (lost, said) = call(&connection, "one", json!({"end": true})).await;
        assert!(lost, "{said}");
        if said.contains("again and again") {
            return;
        }
    }
    panic!("it was reached each time");
}
