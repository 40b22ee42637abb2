//! The audit trail: what it takes, what it notes by itself, and that nobody changes it.

use berth_tests::tenant::{Backend, Organization, addition};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Rows, prompt, push};

pub(crate) fn event(seq: i64, action: &str) -> Value {
    json!({
        "id": Uuid::now_v7(), "seq": seq, "at": 1_764_331_200_123_i64 + seq, "action": action,
        "subject_kind": "session", "subject_id": Uuid::now_v7(), "details": {"b": 1, "a": "é\u{1}\"\\"},
    })
}

pub(crate) async fn append(
    caller: &berth_tests::tenant::Caller,
    org: Uuid,
    device: Uuid,
    events: &[Value],
) -> Vec<Value> {
    let request = json!({"org": org, "device": device, "events": events});
    caller.call("audit_append", request).await.rows()
}

fn words<'a>(answers: &'a [Value], name: &str) -> Vec<&'a str> {
    let word = |answer: &'a Value| answer[name].as_str().unwrap_or_default();
    answers.iter().map(word).collect()
}

#[tokio::test]
async fn events_of_a_device_arrive_once_and_in_their_order() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let device = Uuid::now_v7();
    let events = [
        event(3, "session.created"),
        event(7, "session.ended"),
        event(5, "session.ended"),
    ];
    let first = append(&org.user, org.id, device, &events).await;
    assert_eq!(words(&first, "status"), ["stored", "stored", "rejected"]);
    assert_eq!(first[2]["code"], "audit.out_of_order");

    // The answer was lost: all of it is sent again, with one more.
    let again = [events[0].clone(), events[1].clone(), event(8, "mcp.called")];
    let second = append(&org.user, org.id, device, &again).await;
    assert_eq!(
        words(&second, "status"),
        ["duplicate", "duplicate", "stored"]
    );
    assert_eq!(second[0]["seq"], first[0]["seq"]);

    let filter = json!({"org": org.id, "filter": {"subject_kind": "session"}});
    let stored = org.admin.call("audit_page", filter).await.rows();
    let seqs: Vec<_> = stored
        .iter()
        .map(|event| event["device_seq"].as_i64())
        .collect();
    assert_eq!(seqs, [Some(3), Some(7), Some(8)]);
    // The client's time stands beside the server's, and is never taken for it.
    assert_eq!(stored[0]["occurred_at"], "2025-11-28T12:00:00.126+00:00");
    assert_ne!(stored[0]["recorded_at"], stored[0]["occurred_at"]);
    assert_eq!(stored[0]["details"], "{\"a\":\"é\\u0001\\\"\\\\\",\"b\":1}");
    let origin = json!({"org": org.id, "event_seq": stored[0]["seq"]});
    let origin = org.admin.call("audit_origin", origin).await.rows();
    assert_eq!(origin[0]["program"], "berth-tests");
}

#[tokio::test]
async fn what_is_no_event_is_rejected_alone_and_nobody_speaks_for_the_server() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let without = |name: &str| {
        let mut event = event(1, "session.created");
        event[name] = Value::Null;
        event
    };
    let mut free_text = event(1, "session.created");
    free_text["action"] = json!("Session was created");
    let mut large = event(1, "session.created");
    large["details"] = json!({"text": "x".repeat(9000)});
    let mut nobody = event(1, "session.created");
    nobody["subject_kind"] = json!("user");
    nobody["subject_id"] = json!("not a uuid");
    let bad = [
        json!({"id": "no uuid"}),
        without("action"),
        without("subject_id"),
        without("seq"),
        without("at"),
        free_text,
        large,
        nobody,
        event(1, "membership.changed"),
        event(1, "policy.changed"),
        event(1, "audit.exported"),
        event(1, "erasure.performed"),
    ];
    let mut events = bad.to_vec();
    events.push(event(1, "session.created"));
    let answers = append(&org.user, org.id, Uuid::now_v7(), &events).await;
    let (last, rejected) = answers.split_last().expect("each has an answer");
    assert_eq!(last["status"], "stored");
    for (event, answer) in bad.iter().zip(rejected) {
        assert_eq!(answer["status"], "rejected", "{event}");
    }

    let many: Vec<Value> = (1..=201).map(|seq| event(seq, "session.created")).collect();
    let request = json!({"org": org.id, "device": Uuid::now_v7(), "events": many});
    let reply = org.user.call("audit_append", request).await;
    assert_eq!((reply.status, reply.refusal()), (413, "audit.too_large"));
}

#[tokio::test]
async fn an_event_about_somebody_of_another_organization_tells_nothing_of_them() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let other = backend.organization("globex").await;
    let about = |seq: i64, who: Uuid| {
        let mut event = event(seq, "session.shared");
        event["subject_kind"] = json!("user");
        event["subject_id"] = json!(who);
        event
    };
    let left = backend
        .member(other.id, &other.admin, "left@globex.example", "user")
        .await;
    let gone = json!({"org": other.id, "member": left.id});
    other.admin.call("remove_member", gone).await.ok();
    let mut no_person = event(4, "file.changed");
    no_person["subject_id"] = json!("no uuid, and none is needed");
    let events = [
        about(1, org.user.id),
        about(2, other.user.id),
        about(3, left.id),
        no_person,
    ];
    let answers = append(&other.admin, other.id, Uuid::now_v7(), &events).await;
    assert_eq!(
        words(&answers, "status"),
        ["rejected", "stored", "stored", "stored"]
    );
    assert_eq!(answers[0]["code"], "audit.unknown_user");

    let people = json!({"org": other.id});
    let told = other.admin.call("audit_people", people.clone()).await;
    let told = told.ok().to_string();
    assert!(!told.contains(&org.user.id.to_string()), "{told}");
    assert!(told.contains("left@globex.example"), "{told}");
    // Nor if there were a pseudonym, nor what somebody who has left says of themselves since.
    let pseudonym = format!(
        "select private.pseudonym('{}', '{}'); \
         update public.profiles set email = 'new@elsewhere.example' where id = '{}'",
        other.id, org.user.id, left.id
    );
    backend.cluster.superuser(&pseudonym).await;
    let told = other.admin.call("audit_people", people).await;
    let told = told.ok().to_string();
    assert!(told.contains(&org.user.id.to_string()), "{told}");
    assert!(
        !told.contains("user@acme.example") && !told.contains("new@elsewhere.example"),
        "{told}"
    );
}

#[tokio::test]
async fn what_admins_decide_is_noted_whichever_way_it_was_done() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let id = Uuid::now_v7();
    push(
        &org.admin,
        org.id,
        &[addition(
            "prompt",
            id,
            prompt("organization", "secret words"),
        )],
    )
    .await;
    let path = format!("system_prompts?id=eq.{id}");
    org.admin
        .send(
            Method::PATCH,
            &path,
            Some(json!({"content": "other words"})),
        )
        .await
        .rows();
    let mine = addition("prompt", Uuid::now_v7(), prompt("user", "of the user"));
    push(&org.user, org.id, &[mine]).await;
    let policy = json!({"org": org.id, "version": 1, "policy": {"sanitize": "reject"}});
    org.admin.call("set_policy", policy).await.ok();

    let events = org
        .admin
        .call("audit_page", json!({"org": org.id}))
        .await
        .rows();
    let actions = words(&events, "action");
    assert_eq!(
        actions,
        [
            "organization.created",
            "membership.created",
            "policy.created",
            "invitation.created",
            "membership.created",
            "invitation.changed",
            "prompt.created",
            "prompt.changed",
            "policy.changed"
        ]
    );
    assert_eq!(
        events[7]["details"],
        "{\"fields\":[\"content\"],\"locked\":false,\"version\":2}"
    );
    let text = Value::from(events).to_string();
    assert!(
        !text.contains("words"),
        "what people typed is not noted: {text}"
    );
    assert!(
        !text.contains(&org.user.id.to_string()),
        "people are not named: {text}"
    );
}

#[tokio::test]
async fn nobody_changes_or_removes_an_event() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    Rows::fill(&org).await;
    let service = backend.service();
    let before = service.get("audit_logs?order=seq").await.rows();
    assert!(!before.is_empty());

    let path = format!("audit_logs?org_id=eq.{}", org.id);
    for caller in [&org.admin, &org.user, &service] {
        let forged = Some(json!({"action": "nothing.happened"}));
        assert_eq!(
            caller
                .send(Method::PATCH, &path, forged.clone())
                .await
                .refusal(),
            "42501"
        );
        assert_eq!(
            caller.send(Method::DELETE, &path, None).await.refusal(),
            "42501"
        );
        assert_eq!(
            caller
                .send(Method::POST, "audit_logs", forged)
                .await
                .refusal(),
            "42501"
        );
    }

    let leaf = backend
        .cluster
        .ask("select inhrelid::regclass::text from pg_inherits where inhparent = 'audit.logs'::regclass")
        .await
        .remove(0);
    for table in ["audit.logs", leaf.as_str()] {
        for statement in [
            format!("update {table} set action = 'nothing.happened'"),
            format!("delete from {table}"),
            format!("truncate {table}"),
            format!("truncate {table} cascade"),
            format!("alter table {table} no force row level security"),
            format!("alter table {table} disable trigger all"),
            format!("drop table {table}"),
            format!("insert into {table} select * from {table}"),
        ] {
            // Whoever applies migrations.
            backend
                .cluster
                .run("postgres", &statement)
                .await
                .expect_err(&statement);
        }
        for statement in [
            format!("update {table} set action = 'nothing.happened'"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            // Whom the table belongs to, without row-level security in the way, and a superuser as replication does it.
            for way in [
                "alter table audit.logs no force row level security; set role berth_audit;",
                "set session_replication_role = replica;",
            ] {
                let statement = format!("{way} {statement}");
                let error = backend
                    .cluster
                    .run("supabase_admin", &statement)
                    .await
                    .expect_err(&statement);
                assert!(
                    error.to_string().contains("never changed"),
                    "{statement}: {error}"
                );
            }
        }
    }
    assert_eq!(before, service.get("audit_logs?order=seq").await.rows());
}

/// Where an event came from that somebody reports with these headers.
async fn origin(org: &Organization, headers: &[(&str, &str)]) -> Value {
    let user = org.user.saying(headers);
    let stored = append(&user, org.id, Uuid::now_v7(), &[event(1, "mcp.called")]).await;
    assert_eq!(words(&stored, "status"), ["stored"], "{headers:?}");
    let asked = json!({"org": org.id, "event_seq": stored[0]["seq"]});
    let mut origin = org.admin.call("audit_origin", asked).await.rows();
    let origin = origin.remove(0);
    assert_eq!(origin["program"], "berth-tests", "{headers:?}");
    origin["address"].clone()
}

/// What was forwarded, line by line, and the address that is kept of it.
type Forwarded = (&'static [&'static str], Option<&'static str>);

async fn check(org: &Organization, cases: &[Forwarded]) {
    for (lines, kept) in cases {
        let headers: Vec<_> = lines.iter().map(|it| ("x-forwarded-for", *it)).collect();
        assert_eq!(origin(org, &headers).await, json!(kept), "{lines:?}");
    }
}

#[tokio::test]
async fn an_address_is_what_a_trusted_proxy_has_written_and_nothing_that_a_client_says() {
    let Some(backend) = Backend::own("its gateway says itself where a request comes from").await
    else {
        return;
    };
    let org = backend.organization("acme").await;
    // As Supabase runs: there is one gateway, which adds whom it was called by.
    let one_proxy: [Forwarded; 11] = [
        (&[], None),
        (&["198.51.100.7"], Some("198.51.100.7")),
        (&["203.0.113.9, 198.51.100.7"], Some("198.51.100.7")),
        (&["203.0.113.9,198.51.100.7:4711"], Some("198.51.100.7")),
        (&["[2001:DB8:0::7]:443"], Some("2001:db8::7")),
        (&["203.0.113.9, 2001:db8::7"], Some("2001:db8::7")),
        (&["203.0.113.9, unknown"], None),
        (&["203.0.113.9, 10.0.0.0/8"], None),
        (&["203.0.113.9,"], None),
        (&["203.0.113.9, '; drop table"], None),
        (&["203.0.113.9, 198.51.100.777"], None),
    ];
    check(&org, &one_proxy).await;
    let forged = [
        ("cf-connecting-ip", "203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
    ];
    assert_eq!(origin(&org, &forged).await, Value::Null);

    let rule = async |rule: &str| {
        let update = format!("update private.client_address_rule set {rule}");
        let ruled = backend.cluster.run("postgres", &update).await;
        ruled.expect("whoever applies migrations says what is trusted");
    };
    rule("trusted_proxies = 2").await;
    let two_proxies: [Forwarded; 3] = [
        (
            &["203.0.113.9, 198.51.100.7, 192.0.2.1"],
            Some("198.51.100.7"),
        ),
        (&["198.51.100.7, 192.0.2.1"], Some("198.51.100.7")),
        // Who has come past one of them.
        (&["198.51.100.7"], None),
    ];
    check(&org, &two_proxies).await;
    rule("trusted_proxies = 0").await;
    let unknown: [Forwarded; 2] = [
        (&["203.0.113.9"], None),
        (&["203.0.113.9, 198.51.100.7"], None),
    ];
    check(&org, &unknown).await;
    rule("header = 'cf-connecting-ip', trusted_proxies = 1").await;
    let both = [
        ("x-forwarded-for", "203.0.113.9"),
        ("cf-connecting-ip", "198.51.100.7"),
    ];
    assert_eq!(origin(&org, &both).await, "198.51.100.7");
    check(&org, &unknown).await;
    let verified = org.admin.call("audit_verify", json!({"org": org.id})).await;
    assert_eq!(verified.ok()["valid"], true);
}

#[tokio::test]
async fn a_proxy_that_adds_a_line_of_its_own_is_heard_and_not_the_line_before_it() {
    let Some(backend) = Backend::own("its gateway says itself where a request comes from").await
    else {
        return;
    };
    let org = backend.organization("acme").await;
    let lines: [Forwarded; 1] = [(&["203.0.113.9", "198.51.100.7"], Some("198.51.100.7"))];
    check(&org, &lines).await;
}
