//! What becomes of changes that a client pushes: applied, in conflict, or rejected with a reason.

use berth_tests::tenant::{Backend, addition, change, removal};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Rows, attempt, prompt, push, session};

#[tokio::test]
async fn edits_of_different_fields_join_and_edits_of_the_same_field_are_a_conflict() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let id = Uuid::now_v7();
    let base = push(
        &org.admin,
        org.id,
        &[addition("prompt", id, prompt("organization", "rules"))],
    )
    .await[0];
    let edit = |patch: Value| change("prompt", id, base, patch);

    push(
        &org.admin,
        org.id,
        &[edit(json!({"content": "theirs", "priority": 5}))],
    )
    .await;
    // Another field, and the same field with the same value, from the same old revision.
    push(
        &org.admin,
        org.id,
        &[
            edit(json!({"name": "renamed"})),
            edit(json!({"priority": 5})),
        ],
    )
    .await;
    let result = attempt(
        &org.admin,
        org.id,
        &[edit(json!({"content": "mine", "enabled": false}))],
    )
    .await;
    assert_eq!(
        (&result[0]["status"], &result[0]["code"]),
        (&json!("conflict"), &json!("sync.changed"))
    );
    assert_eq!(result[0]["fields"], json!(["content"]));
    let server = &result[0]["server"];
    assert_eq!(
        (&server["content"], &server["name"], &server["enabled"]),
        (&json!("theirs"), &json!("renamed"), &json!(true))
    );

    // Keep mine: the same edit on what the server has now.
    let now = server["rev"].as_i64().expect("it has a revision");
    push(
        &org.admin,
        org.id,
        &[change("prompt", id, now, json!({"content": "mine"}))],
    )
    .await;

    // Deleting what was changed meanwhile is a conflict, and so is changing what was deleted.
    let late = attempt(&org.admin, org.id, &[removal("prompt", id, base)]).await;
    assert_eq!(late[0]["code"], "sync.changed");
    let row = org
        .admin
        .get(&format!("system_prompts?id=eq.{id}"))
        .await
        .rows()
        .remove(0);
    let now = row["rev"].as_i64().expect("it has a revision");
    assert_eq!(
        (&row["content"], &row["version"]),
        (&json!("mine"), &json!(4))
    );
    push(&org.admin, org.id, &[removal("prompt", id, now)]).await;
    let late = attempt(
        &org.admin,
        org.id,
        &[change("prompt", id, now, json!({"content": "again"}))],
    )
    .await;
    assert_eq!(late[0]["code"], "sync.deleted");
    let again = attempt(
        &org.admin,
        org.id,
        &[addition("prompt", id, prompt("organization", "again"))],
    )
    .await;
    assert_eq!(again[0]["code"], "sync.exists");
}

#[tokio::test]
async fn several_edits_of_one_row_in_one_push_are_no_conflict_with_each_other() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let id = Uuid::now_v7();
    let base = push(&org.user, org.id, &[addition("session", id, session())]).await[0];
    let edits = ["a", "b", "c"].map(|title| change("session", id, base, json!({"title": title})));
    let revs = push(
        &org.user,
        org.id,
        &[&edits[..], &[removal("session", id, base)]].concat(),
    )
    .await;
    assert!(
        revs.windows(2).all(|pair| pair[0] == pair[1]),
        "one push is one revision: {revs:?}"
    );
}

#[tokio::test]
async fn a_mutation_that_is_sent_again_is_done_once_and_answered_alike() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let id = Uuid::now_v7();
    let mut bad = addition("prompt", Uuid::now_v7(), prompt("user", "x"));
    bad["patch"]["name"] = json!("");
    let mutations = [addition("prompt", id, prompt("user", "mine")), bad];
    let first = attempt(&org.user, org.id, &mutations).await;
    let base = first[0]["rev"].as_i64().expect("it has a revision");
    push(
        &org.user,
        org.id,
        &[change("prompt", id, base, json!({"name": "renamed"}))],
    )
    .await;
    let head = org
        .user
        .call("sync_head", json!({"org": org.id}))
        .await
        .ok();
    assert_eq!(attempt(&org.user, org.id, &mutations).await, first);
    assert_eq!(
        org.user
            .call("sync_head", json!({"org": org.id}))
            .await
            .ok(),
        head
    );

    // Another change under a known id is not taken for it.
    let mut other = mutations[0].clone();
    other["patch"]["name"] = json!("another");
    let result = attempt(&org.user, org.id, &[other]).await;
    assert_eq!(result[0]["code"], "sync.id_reused");
    // An id is one's own: the same by somebody else is another.
    let theirs = attempt(&org.admin, org.id, &mutations[..1]).await;
    assert_eq!(theirs[0]["code"], "sync.duplicate");
}

#[tokio::test]
async fn what_cannot_be_applied_is_rejected_with_a_reason_and_stops_nothing_else() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let id = Uuid::now_v7;
    let mut no_entity = addition("prompt", id(), prompt("user", "a"));
    no_entity["entity_id"] = Value::Null;
    let cases = [
        (
            addition("membership", id(), json!({"role": "admin"})),
            "sync.unknown_kind",
        ),
        (
            addition(
                "prompt",
                id(),
                json!({"scope": "user", "name": "a", "content": "b", "version": 9}),
            ),
            "sync.unknown_field",
        ),
        (
            addition(
                "prompt",
                id(),
                json!({"scope": "user", "name": "a", "content": "b", "rev": 9}),
            ),
            "sync.unknown_field",
        ),
        (
            addition("prompt", id(), prompt("organization", "a")),
            "sync.forbidden",
        ),
        (
            addition("prompt", id(), prompt("global", "a")),
            "sync.forbidden",
        ),
        (
            addition(
                "prompt",
                id(),
                json!({"scope": "user", "name": "a", "content": "x".repeat(32769)}),
            ),
            "sync.invalid",
        ),
        (
            addition("session", id(), json!({"agent": 5, "phase": []})),
            "sync.invalid",
        ),
        (
            change("prompt", rows.org_prompt, 1_000_000, json!({"name": "a"})),
            "sync.invalid",
        ),
        (
            change("policy", id(), 1, json!({"sanitize": "warn"})),
            "sync.not_found",
        ),
        (
            change("prompt", id(), 1, json!({"name": "a"})),
            "sync.not_found",
        ),
        (
            addition("mcp_configuration", id(), crate::server("user", "NOTES")),
            "sync.duplicate",
        ),
        (no_entity, "sync.invalid"),
    ];
    let mutations: Vec<Value> = cases
        .iter()
        .map(|(mutation, _)| mutation.clone())
        .chain([addition("prompt", id(), prompt("user", "good"))])
        .collect();
    let results = attempt(&org.user, org.id, &mutations).await;
    for ((mutation, code), result) in cases.iter().zip(&results) {
        assert_eq!(
            (&result["status"], &result["code"]),
            (&json!("rejected"), &json!(code)),
            "{mutation}"
        );
    }
    assert_eq!(
        results.last().expect("each has an answer")["status"],
        "applied"
    );
    // The user sees it and may not change it.
    let path = format!("system_prompts?id=eq.{}", rows.org_prompt);
    let row = org.user.get(&path).await.rows().remove(0);
    let base = row["rev"].as_i64().expect("it has a revision");
    let mutation = change("prompt", rows.org_prompt, base, json!({"name": "a"}));
    let seen = attempt(&org.user, org.id, &[mutation]).await;
    assert_eq!(seen[0]["code"], "sync.forbidden");

    let many: Vec<Value> = (0..51)
        .map(|_| addition("prompt", id(), prompt("user", "a")))
        .collect();
    let large = [addition(
        "prompt",
        id(),
        json!({"content": "x".repeat(262_144)}),
    )];
    for mutations in [&many[..], &large[..]] {
        let request = json!({"org": org.id, "device": id(), "mutations": mutations});
        let reply = org.user.call("sync_push", request).await;
        assert_eq!((reply.status, reply.refusal()), (413, "sync.too_large"));
    }
}
