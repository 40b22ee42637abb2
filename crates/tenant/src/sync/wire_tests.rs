use berth_protocol::{MutationId, OrganizationId, Timestamp, UserId, tenant::EntityKind};

use super::*;

fn read(since: i64, answer: Value) -> Result<Answer, String> {
    let answer: Pulled = serde_json::from_value(answer).map_err(|error| error.to_string())?;
    pulled(since, answer).map_err(|error| error.to_string())
}

#[test]
fn a_page_that_cannot_be_true_is_not_believed() {
    let change = |rev: i64| json!({"kind": "prompt", "id": Uuid::now_v7(), "rev": rev, "deleted": false, "row": {}});
    let page = |rev: i64, more: bool, changes: Vec<Value>| json!({"rev": rev, "token": "1.1.0", "more": more, "changes": changes});
    assert!(matches!(read(0, json!({"reset": true})), Ok(Answer::Reset)));
    assert!(matches!(
        read(3, page(5, true, vec![change(5)])),
        Ok(Answer::Page(page)) if !page.is_last
    ));
    for wrong in [
        json!({"reset": false}),
        json!([]),
        page(2, false, vec![]),
        page(3, true, vec![]),
        page(5, false, vec![change(3)]),
        page(5, false, vec![change(6)]),
        page(
            5,
            false,
            vec![json!({"kind": "prompt", "id": "x", "rev": 4, "deleted": false, "row": {}})],
        ),
        page(
            5,
            false,
            vec![
                json!({"kind": "prompt", "id": Uuid::now_v7(), "rev": 4, "deleted": false, "row": 1}),
            ],
        ),
    ] {
        assert!(read(3, wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn every_change_has_one_answer_that_says_something() {
    let sent = [Outgoing {
        id: MutationId(Uuid::now_v7()),
        kind: EntityKind::Prompt,
        entity_id: Uuid::now_v7(),
        deletes: false,
        base_rev: Some(3),
        patch: json!({"name": "a"}),
        edits: 1,
    }];
    let check = |answers: Value| {
        let answers = serde_json::from_value(answers).map_err(|error| error.to_string())?;
        pushed(&sent, answers).map_err(|error| error.to_string())
    };
    let id = sent[0].id;
    assert!(check(json!([{"id": id, "status": "applied", "rev": 4}])).is_ok());
    for wrong in [
        json!([]),
        json!([{"id": id, "status": "applied"}]),
        json!([{"id": id, "status": "conflict", "code": "sync.changed"}]),
        json!([{"id": id, "status": "conflict", "code": "sync.changed", "server": {}}]),
        json!([{"id": id, "status": "rejected"}]),
        json!([{"id": id, "status": "perhaps", "rev": 4}]),
        json!([{"id": Uuid::now_v7(), "status": "applied", "rev": 4}]),
    ] {
        assert!(check(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn an_audit_event_is_the_same_however_often_it_is_sent_and_keeps_to_itself_what_a_file_is_called() {
    let tenant = Tenant {
        org: OrganizationId(Uuid::now_v7()),
        user: UserId(Uuid::now_v7()),
    };
    let event = |action: &str, details: Value| AuditEvent {
        seq: 7,
        at: Timestamp::UNIX_EPOCH,
        action: action.to_owned(),
        subject_kind: "policy".to_owned(),
        subject_id: "prompts".to_owned(),
        session_id: None,
        details,
        prev_hash: "0".repeat(64),
        hash: "a".repeat(64),
    };
    let device = Uuid::now_v7();
    let one = audit_event(device, tenant, &event("policy.changed", json!({})));
    let other = audit_event(device, tenant, &event("policy.changed", json!({})));
    assert_eq!(one, other);
    assert_eq!(one["action"], "device.policy.changed");
    let long = json!({"text": "x".repeat(9000)});
    let cut = audit_event(device, tenant, &event("session.ended", long));
    assert_eq!(cut["action"], "session.ended");
    assert_eq!(cut["details"], json!({"omitted_bytes": 9012}));
    let file = json!({"name": "Jane.pdf", "size": 3, "sha256": "a"});
    let told = audit_event(device, tenant, &event("session.uploaded", file));
    assert_eq!(told["details"], json!({"size": 3, "sha256": "a"}));
}

#[test]
fn the_size_of_a_value_is_counted_as_the_database_writes_it() {
    let value = json!({"a": [1, "é\n"], "b": {}});
    assert_eq!(stored_bytes(&value), r#"{"a": [1, "é\n"], "b": {}}"#.len());
}

#[test]
fn a_change_says_how_many_edits_it_is_where_it_is_several() {
    let sent = |edits: u32, deletes: bool| {
        mutation(&Outgoing {
            id: MutationId(Uuid::nil()),
            kind: EntityKind::Prompt,
            entity_id: Uuid::nil(),
            deletes,
            base_rev: Some(3),
            patch: json!({"name": "a"}),
            edits,
        })
    };
    let said = |edits, deletes| sent(edits, deletes).get("edits").cloned();
    assert_eq!(said(1, false), None, "as it was sent by earlier versions");
    assert_eq!(said(3, false), Some(json!(3)));
    assert_eq!(
        said(3, true),
        None,
        "deleting is one, whatever was edited before"
    );
}
