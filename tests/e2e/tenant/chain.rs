//! The chain of the audit trail: what verification finds, and that the rule in the migration is all one needs.

use std::fmt::Write;

use berth_tests::tenant::{Backend, Organization};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::audit::{append, event};

async fn verify(org: &Organization) -> Value {
    org.admin
        .call("audit_verify", json!({"org": org.id}))
        .await
        .ok()
}

async fn filled(backend: &Backend) -> Organization {
    let org = backend.organization(&Uuid::now_v7().to_string()).await;
    let events: Vec<Value> = (1..=20).map(|seq| event(seq, "session.created")).collect();
    append(&org.user, org.id, Uuid::now_v7(), &events).await;
    org
}

/// Does what only a superuser can who has switched the guards off.
async fn tamper(backend: &Backend, statement: &str) {
    // Two, when the month has ended meanwhile.
    let leaves = backend
        .cluster
        .ask("select inhrelid::regclass::text from pg_inherits where inhparent = 'audit.logs'::regclass")
        .await;
    for leaf in leaves {
        let statement = statement.replace("LEAF", &leaf);
        let all = format!(
            "alter table {leaf} disable trigger all; {statement}; \
             alter table {leaf} enable always trigger refuse_change"
        );
        backend.cluster.superuser(&all).await;
    }
}

#[tokio::test]
async fn verification_finds_what_a_superuser_has_changed() {
    let Some(backend) = Backend::own("it switches the guards of the trail off").await else {
        return;
    };
    let cases = [
        (
            "update LEAF set action = 'session.ended' where seq = 9 and org_id = 'ORG'",
            9,
        ),
        (
            "update LEAF set actor = 'p_0' where seq = 9 and org_id = 'ORG'",
            9,
        ),
        (
            "update LEAF set recorded_at = recorded_at + interval '1 ms' where seq = 9 and org_id = 'ORG'",
            9,
        ),
        (
            "update LEAF set details = '{\"b\": 2}' where seq = 9 and org_id = 'ORG'",
            9,
        ),
        (
            "update LEAF set hash = repeat('a', 64) where seq = 9 and org_id = 'ORG'",
            9,
        ),
        ("delete from LEAF where seq = 9 and org_id = 'ORG'", 10),
        ("delete from LEAF where seq = 1 and org_id = 'ORG'", 2),
        ("delete from LEAF where seq > 20 and org_id = 'ORG'", 21),
        ("delete from LEAF where org_id = 'ORG'", 1),
        ("truncate LEAF", 1),
    ];
    for (statement, broken_at) in cases {
        let org = filled(&backend).await;
        let whole = verify(&org).await;
        assert_eq!(
            (&whole["valid"], &whole["checked"]),
            (&json!(true), &json!(26)),
            "{whole}"
        );
        tamper(&backend, &statement.replace("ORG", &org.id.to_string())).await;
        let broken = verify(&org).await;
        assert_eq!(broken["valid"], false, "{statement}: {broken}");
        assert_eq!(broken["broken_at"], broken_at, "{statement}: {broken}");
    }
}

/// The rule as the migration's first lines say it, without anything of the backend.
fn hash(event: &Value) -> String {
    let moment = |name: &str| {
        event[name].as_str().map(|text| {
            let moment: jiff::Timestamp = text.parse().expect("it is a moment");
            moment.as_millisecond()
        })
    };
    let details: Value =
        serde_json::from_str(event["details"].as_str().expect("it is text")).expect("it is JSON");
    let mut canonical = serde_json::Map::new();
    for name in [
        "action",
        "actor",
        "device_hash",
        "device_id",
        "device_seq",
        "id",
        "org_id",
        "origin",
        "seq",
        "session_id",
        "subject_id",
        "subject_kind",
    ] {
        canonical.insert(name.to_owned(), event[name].clone());
    }
    canonical.insert("at".to_owned(), json!(moment("recorded_at")));
    canonical.insert("occurred_at".to_owned(), json!(moment("occurred_at")));
    canonical.insert("details".to_owned(), details);
    let mut names: Vec<_> = canonical.keys().cloned().collect();
    names.sort();
    let members: Vec<_> = names
        .iter()
        .map(|name| format!("\"{name}\":{}", canonical[name]))
        .collect();
    let text = format!(
        "{}{{{}}}",
        event["prev_hash"].as_str().expect("it is text"),
        members.join(",")
    );
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[tokio::test]
async fn an_export_proves_itself_without_the_backend() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = filled(&backend).await;
    let manifest = org
        .admin
        .call("audit_export", json!({"org": org.id}))
        .await
        .ok();
    let mut events = Vec::new();
    loop {
        let after = events
            .last()
            .map_or(json!(0), |event: &Value| event["seq"].clone());
        let page =
            json!({"org": org.id, "after": after, "until_seq": manifest["until_seq"], "size": 7});
        let page = org.admin.call("audit_page", page).await.rows();
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    assert_eq!(manifest["count"], events.len());
    let mut before = "0".repeat(64);
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], place + 1);
        assert_eq!(event["prev_hash"], before);
        assert_eq!(event["hash"], hash(event), "{event}");
        before = event["hash"].as_str().expect("it is text").to_owned();
    }
    assert_eq!(manifest["last_hash"], before);
    assert_eq!(manifest["head_hash"], before);
    // That somebody has exported is noted, after what was exported.
    let later = json!({"org": org.id, "after": manifest["until_seq"]});
    let later = org.admin.call("audit_page", later).await.rows();
    assert_eq!(later[0]["action"], "audit.exported");
    assert_eq!(later.len(), 1);
}

#[tokio::test]
async fn retired_months_leave_a_chain_that_verifies_and_events_that_nobody_changes() {
    let Some(backend) = Backend::own("a month of a database can be retired once").await else {
        return;
    };
    let admin = backend.person("admin@acme.example").await;
    let id = Uuid::now_v7();
    // Events of long ago, as if they had been appended then.
    let old = format!(
        "select private.audit_make_partition('2024-01-15Z');
        do $$
        declare
            event audit.logs;
            head text := repeat('0', 64);
        begin
            insert into private.audit_heads values ('{id}', 0, head, '2024-01-01Z');
            for place in 1..3 loop
                event := null;
                event.org_id := '{id}'; event.seq := place; event.id := gen_random_uuid();
                event.recorded_at := timestamptz '2024-01-15Z' + make_interval(days => place);
                event.actor := 'system'; event.action := 'session.created'; event.subject_kind := 'session';
                event.subject_id := 'x'; event.details := '{{}}'; event.prev_hash := head;
                event.hash := private.audit_hash(event);
                insert into audit.logs select (event).*;
                head := event.hash;
                update private.audit_heads set seq = place, hash = head, at = event.recorded_at where org_id = '{id}';
            end loop;
        end $$"
    );
    backend.cluster.superuser(&old).await;
    admin
        .call("create_organization", json!({"id": id, "name": "acme"}))
        .await
        .ok();
    let verified = admin.call("audit_verify", json!({"org": id})).await.ok();
    assert_eq!(
        (&verified["valid"], &verified["first"]),
        (&json!(true), &json!(1))
    );

    let service = backend.service();
    let now = backend
        .cluster
        .ask("select to_char(now(), 'YYYY-MM-DD')")
        .await
        .remove(0);
    let kept = service.call("audit_retire", json!({"month": now})).await;
    assert_eq!((kept.status, kept.refusal()), (409, "audit.still_kept"));
    let retired = service
        .call("audit_retire", json!({"month": "2024-01-31"}))
        .await
        .ok();
    assert_eq!(retired, "logs_2024_01");

    let verified = admin.call("audit_verify", json!({"org": id})).await.ok();
    assert_eq!(
        (
            &verified["valid"],
            &verified["checkpoint"],
            &verified["first"]
        ),
        (&json!(true), &json!(3), &json!(4))
    );
    let events = admin.call("audit_page", json!({"org": id})).await.rows();
    assert_eq!(events[0]["seq"], 4);
    for statement in [
        "update audit.logs_2024_01 set action = 'a.b'",
        "truncate audit.logs_2024_01",
    ] {
        backend
            .cluster
            .run("supabase_admin", statement)
            .await
            .expect_err(statement);
    }
}
