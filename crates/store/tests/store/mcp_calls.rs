use berth_protocol::{AuditEvent, McpConfiguration};
use berth_store::Store;
use serde_json::{Value, json};

use crate::support::{Fixture, execute};

async fn server(store: &Store) -> McpConfiguration {
    let draft =
        json!({"name": "tools", "server": {"type": "http", "url": "https://a.example/mcp"}});
    let draft = serde_json::from_value(draft).unwrap();
    store.create_mcp(&draft).await.unwrap()
}

/// The calls that the trail tells of, with what became of them.
fn calls(events: &[AuditEvent]) -> Vec<(Value, Value)> {
    let calls = events.iter().filter(|event| event.action == "mcp.called");
    let told = calls.map(|event| {
        (
            event.details["call"].clone(),
            event.details["outcome"].clone(),
        )
    });
    told.collect()
}

#[tokio::test]
async fn a_call_that_is_over_stands_before_whatever_comes_after_it() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    let mut wanted = Vec::new();
    for number in 0..20 {
        let call = format!("{number:016x}");
        let told = json!({"call": call});
        store.begin_mcp_call(id, &call, &told).await.unwrap();
        let over = json!({"call": call, "outcome": "answered"});
        wanted.push((json!(call), json!("answered")));
        store.end_mcp_call(id, call, over);
        // Whoever looks sees it, whether or not it was written meanwhile.
        if number % 3 == 0 {
            let events = store.audit(0, 1000).await.unwrap().events;
            assert_eq!(calls(&events), wanted);
        }
    }
    store
        .note("session.interrupted", "session", "1", json!({}))
        .await
        .unwrap();
    let events = store.audit(0, 1000).await.unwrap().events;
    assert_eq!(calls(&events), wanted);
    assert_eq!(events.last().unwrap().action, "session.interrupted");
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 0);
    assert!(store.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_told_by_the_next_who_opens_the_store() {
    let fixture = Fixture::new().await;
    let id = server(&fixture.store).await.id;
    for call in ["a", "b"] {
        let told = json!({"call": call, "tool": "echo"});
        let begun = fixture.store.begin_mcp_call(id, call, &told).await;
        begun.unwrap();
    }
    // Nobody has closed the first one, as after a kill.
    let next = Store::open(fixture.store.path()).await.unwrap();
    assert_eq!(next.note_lost_mcp_calls().await.unwrap(), 2);
    assert_eq!(next.note_lost_mcp_calls().await.unwrap(), 0);
    let events = next.audit(0, 1000).await.unwrap().events;
    let unknown = |call: &str| (json!(call), json!("unknown"));
    assert_eq!(calls(&events), [unknown("a"), unknown("b")]);
    let last = events.last().unwrap();
    assert_eq!(last.subject_id, id.to_string());
    assert_eq!(last.details["tool"], "echo");
    assert!(next.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn calls_that_end_while_the_store_closes_are_in_the_trail() {
    let fixture = Fixture::new().await;
    let id = server(&fixture.store).await.id;
    let told = json!({"call": "a"});
    fixture.store.begin_mcp_call(id, "a", &told).await.unwrap();
    let over = json!({"call": "a", "outcome": "answered"});
    fixture.store.end_mcp_call(id, "a".to_owned(), over);
    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 0);
    let events = store.audit(0, 1000).await.unwrap().events;
    assert_eq!(calls(&events), [(json!("a"), json!("answered"))]);
}

#[tokio::test]
async fn while_the_trail_takes_no_events_no_call_begins_and_none_that_is_over_is_forgotten() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    let told = |call: &str| json!({"call": call});
    let over = |call: &str| json!({"call": call, "outcome": "answered"});
    for call in ["a", "b"] {
        store.begin_mcp_call(id, call, &told(call)).await.unwrap();
    }
    let mut raw = fixture.raw().await;
    let refuse = "CREATE TRIGGER no_events BEFORE INSERT ON audit_events
                  BEGIN SELECT RAISE(ABORT, 'not now'); END";
    execute(&mut raw, refuse).await;
    for call in ["a", "b"] {
        store.end_mcp_call(id, call.to_owned(), over(call));
        // Whoever looks is answered all the same.
        let events = store.audit(0, 1000).await.unwrap().events;
        assert_eq!(calls(&events), []);
    }
    let refused = store.begin_mcp_call(id, "c", &told("c")).await;
    assert!(refused.is_err(), "the trail could not tell of it");

    execute(&mut raw, "DROP TRIGGER no_events").await;
    store.begin_mcp_call(id, "d", &told("d")).await.unwrap();
    let answered = |call: &str| (json!(call), json!("answered"));
    let events = store.audit(0, 1000).await.unwrap().events;
    assert_eq!(calls(&events), [answered("a"), answered("b")]);
    store.end_mcp_call(id, "d".to_owned(), over("d"));
    assert!(store.verify_audit().await.unwrap().valid);
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 0);
}
