//! A long audit trail of an organization: filled by a device as an engine does it, and verified.

use std::time::Instant;

use berth_tests::tenant::{Backend, Organization};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rest;
use crate::report::{Figure, Limit, Report, median};

/// Events of the trail.
const EVENTS: usize = 100_000;

/// Most events that the backend takes at once.
const BATCH: usize = 200;

/// Times that the trail is verified; the time in the middle counts.
const ROUNDS: usize = 5;

/// When the first event happened, in milliseconds since 1970.
const BEGIN: usize = 1_764_000_000_000;

/// Measures how fast events are taken, and how long it takes to verify all of them beside hashing each of them once.
pub async fn measure(report: &mut Report, backend: &Backend) {
    let org = backend.organization("acme").await;
    let began = Instant::now();
    append(&org).await;
    let took = began.elapsed().as_secs_f64();
    report.add(Figure {
        what: "audit events taken by a backend".to_owned(),
        unit: "events/s",
        berth: EVENTS as f64 / took,
        bare: None,
        limit: None,
        note: format!(
            "{EVENTS} events in parts of {BATCH} over PostgREST, each chained to the one before"
        ),
    });
    rest(backend).await;

    let hashes = format!(
        "select max(encode(sha256(convert_to(event::text, 'UTF8')), 'hex')) from audit.logs as event
         where org_id = '{}'",
        org.id
    );
    let (mut berth, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let verdict = org.admin.call("audit_verify", json!({"org": org.id})).await;
        berth.push(began.elapsed().as_secs_f64());
        let verdict = verdict.ok();
        assert_eq!(verdict["valid"], true, "{verdict}");
        let checked = verdict["checked"].as_u64();
        assert!(checked >= Some(EVENTS as u64), "{verdict}");
        let began = Instant::now();
        backend.cluster.ask(&hashes).await;
        bare.push(began.elapsed().as_secs_f64());
    }
    report.add(Figure {
        what: format!("{EVENTS} audit events verified"),
        unit: "s",
        berth: median(&berth),
        bare: Some(median(&bare)),
        limit: Some(Limit::AtMost(5.0)),
        note: format!(
            "by the backend over PostgREST, median of {ROUNDS}, by turns; bare: the SHA-256 of each row as text, in \
             Postgres"
        ),
    });
}

/// Has a device report that many events.
async fn append(org: &Organization) {
    let device = Uuid::now_v7();
    for first in (1..=EVENTS).step_by(BATCH) {
        let events: Vec<Value> = (first..first + BATCH).map(event).collect();
        let events = json!({"org": org.id, "device": device, "events": events});
        let answers = org.user.call("audit_append", events).await.rows();
        let is_stored = |answer: &Value| answer["status"] == "stored";
        assert!(answers.iter().all(is_stored), "{answers:?}");
    }
}

/// An event as an engine reports one.
fn event(number: usize) -> Value {
    let session = Uuid::now_v7();
    json!({
        "id": Uuid::now_v7(), "seq": number, "hash": format!("{number:064x}"), "at": BEGIN + number * 1000,
        "action": "mcp.called", "subject_kind": "session", "subject_id": session, "session_id": session,
        "details": {"server": "files", "tool": "read", "rule": "allow", "took_ms": number % 500},
    })
}
