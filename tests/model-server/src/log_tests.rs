use axum::http::{HeaderName, HeaderValue};
use serde_json::json;

use super::*;

fn receive(log: &Arc<RequestLog>, body: &[u8]) -> Pending {
    log.receive("POST", "/v1/messages", &HeaderMap::new(), body)
}

#[test]
fn secrets_are_not_kept() {
    let log = Arc::new(RequestLog::default());
    let mut headers = HeaderMap::new();
    for name in SECRET_HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static("hunter2"),
        );
    }
    headers.insert("x-app", HeaderValue::from_static("cli"));
    drop(log.receive("GET", "/?alt=sse&key=hunter2", &headers, b""));

    let entry = log.all().remove(0);
    assert!(!format!("{entry:?}").contains("hunter2"));
    assert_eq!(entry.path, "/?alt=sse&key=<secret>");
    assert_eq!(entry.headers["x-app"], "cli");
    assert_eq!(entry.headers["authorization"], "<secret>");
}

#[test]
fn an_answer_is_finished_or_abandoned() {
    let log = Arc::new(RequestLog::default());
    receive(&log, b"{}").finish();
    drop(receive(&log, b"{}"));
    let open = receive(&log, b"{}");

    let ends: Vec<_> = log
        .all()
        .iter()
        .map(|entry| (entry.finished_at.is_some(), entry.abandoned_at.is_some()))
        .collect();
    assert_eq!(ends, [(true, false), (false, true), (false, false)]);
    drop(open);
}

#[test]
fn old_entries_make_room() {
    let log = Arc::new(RequestLog::default());
    for _ in 0..MAX_ENTRIES + 3 {
        receive(&log, b"{}").finish();
    }
    let entries = log.all();
    assert_eq!(entries.len(), MAX_ENTRIES);
    assert_eq!(entries[0].id, 4, "the oldest were forgotten");

    let large = vec![b' '; MAX_BYTES / 2 + 1];
    receive(&log, &large).finish();
    receive(&log, &large).finish();
    assert_eq!(log.all().len(), 1, "only the last fits");
}

#[test]
fn a_body_is_json_or_text_or_nothing() {
    let log = Arc::new(RequestLog::default());
    for body in [&b"{\"a\":1}"[..], b"plain", b""] {
        receive(&log, body).finish();
    }
    let bodies: Vec<_> = log.all().into_iter().map(|entry| entry.body).collect();
    assert_eq!(bodies, [json!({"a": 1}), json!("plain"), Value::Null]);
}
