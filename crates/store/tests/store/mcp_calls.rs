use std::{fs, io::Write, path::PathBuf};

use berth_protocol::{AuditEvent, McpConfiguration};
use berth_store::{Store, StoreError};
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

/// Where the calls that are under way are noted.
fn notes(store: &Store) -> PathBuf {
    PathBuf::from(format!("{}-calls", store.path().display()))
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

#[tokio::test]
async fn a_call_whose_end_the_trail_tells_is_not_told_again_after_a_kill() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    for call in ["a", "b", "c"] {
        let told = json!({"call": call});
        store.begin_mcp_call(id, call, &told).await.unwrap();
    }
    for call in ["a", "c"] {
        let over = json!({"call": call, "outcome": "answered"});
        store.end_mcp_call(id, call.to_owned(), over);
    }
    // Whoever looks waits until it is written.
    store.audit(0, 1000).await.unwrap();
    let noted = fs::read_to_string(notes(store)).unwrap();
    assert_eq!(noted.lines().count(), 3, "what is over is still noted");

    let next = Store::open(store.path()).await.unwrap();
    assert_eq!(next.note_lost_mcp_calls().await.unwrap(), 1);
    let events = next.audit(0, 1000).await.unwrap().events;
    let told = |call: &str, outcome: &str| (json!(call), json!(outcome));
    let wanted = [
        told("a", "answered"),
        told("c", "answered"),
        told("b", "unknown"),
    ];
    assert_eq!(calls(&events), wanted);
    assert!(next.verify_audit().await.unwrap().valid);
    // Nor when the one that told it is killed in its turn.
    let after = Store::open(store.path()).await.unwrap();
    assert_eq!(after.note_lost_mcp_calls().await.unwrap(), 0);
}

#[tokio::test]
async fn calls_that_an_earlier_version_noted_as_rows_are_told() {
    let fixture = Fixture::new().await;
    let id = server(&fixture.store).await.id;
    let mut raw = fixture.raw().await;
    let row = r#"INSERT INTO mcp_calls (call, configuration_id, details) VALUES ('a', ?, '{"call":"a"}')"#;
    let row = sqlx::query(row).bind(id.to_string());
    row.execute(&mut raw).await.unwrap();
    let store = &fixture.store;
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 1);
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 0);
    let events = store.audit(0, 1000).await.unwrap().events;
    assert_eq!(calls(&events), [(json!("a"), json!("unknown"))]);
}

#[tokio::test]
async fn the_note_of_calls_keeps_those_that_are_open_and_does_not_grow_with_those_that_are_over() {
    const CALLS: usize = 2000;
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    let told = json!({"call": "open"});
    store.begin_mcp_call(id, "open", &told).await.unwrap();
    let mut longest = 0;
    for number in 0..CALLS {
        let call = format!("{number:016x}");
        let told = json!({"call": call, "tool": "echo"});
        store.begin_mcp_call(id, &call, &told).await.unwrap();
        longest = longest.max(fs::metadata(notes(store)).unwrap().len());
        store.end_mcp_call(id, call, told);
        store.audit(0, 1).await.unwrap();
    }
    assert!(longest < 68 * 1024, "it had {longest} bytes");
    let next = Store::open(store.path()).await.unwrap();
    assert_eq!(next.note_lost_mcp_calls().await.unwrap(), 1);
    let events = next.audit(CALLS as i64, 1000).await.unwrap().events;
    let last = events.last().unwrap();
    assert_eq!(last.details, json!({"call": "open", "outcome": "unknown"}));
}

#[tokio::test]
async fn half_a_note_and_a_damaged_one_hide_no_other() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    let told = json!({"call": "a"});
    store.begin_mcp_call(id, "a", &told).await.unwrap();
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(notes(store))
        .unwrap();
    file.write_all(b"\xff\xfe not a note\n").unwrap();
    let whole = fs::read(notes(store)).unwrap();
    let first = whole.split_inclusive(|&byte| byte == b'\n').next().unwrap();
    let second = String::from_utf8(first.to_vec()).unwrap();
    let second = second.replace("\"a\"", "\"b\"");
    file.write_all(second.as_bytes()).unwrap();
    file.write_all(&first[..first.len() - 1]).unwrap();

    let next = Store::open(store.path()).await.unwrap();
    assert_eq!(next.note_lost_mcp_calls().await.unwrap(), 2);
    let events = next.audit(0, 1000).await.unwrap().events;
    let unknown = |call: &str| (json!(call), json!("unknown"));
    assert_eq!(calls(&events), [unknown("a"), unknown("b")]);
}

#[tokio::test]
async fn a_call_that_cannot_be_noted_does_not_begin() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    // Stands where the file is written anew.
    let in_the_way = format!("{}-new", notes(store).display());
    fs::create_dir(&in_the_way).unwrap();
    let told = json!({"call": "a"});
    let refused = store.begin_mcp_call(id, "a", &told).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::File { .. }),
        "it is said what failed: {refused:?}"
    );
    fs::remove_dir(&in_the_way).unwrap();
    store.begin_mcp_call(id, "a", &told).await.unwrap();
    store.end_mcp_call(id, "a".to_owned(), told);
    store.close().await;
    let late = store.begin_mcp_call(id, "b", &json!({})).await.unwrap_err();
    assert!(matches!(late, StoreError::Closed { .. }), "{late:?}");
}

#[tokio::test]
async fn a_call_that_is_open_when_the_store_closes_stays_noted() {
    let fixture = Fixture::new().await;
    let id = server(&fixture.store).await.id;
    let told = json!({"call": "a"});
    fixture.store.begin_mcp_call(id, "a", &told).await.unwrap();
    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.note_lost_mcp_calls().await.unwrap(), 1);
    let file = notes(&store);
    store.close().await;
    assert!(!file.exists(), "there is nothing left to tell");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_note_of_calls() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = server(store).await.id;
    let told = json!({"call": "a"});
    store.begin_mcp_call(id, "a", &told).await.unwrap();
    let mode = fs::metadata(notes(store)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
