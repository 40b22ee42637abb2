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

#[tokio::test]
async fn a_moment_is_the_same_in_every_form_of_it_and_another_one_is_a_conflict() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let (text, id) = (Uuid::now_v7(), Uuid::now_v7());
    let words = json!({"purpose": "recording", "version": 1, "body": "words"});
    push(&org.admin, org.id, &[addition("consent_text", text, words)]).await;
    let agreed = |at: &str| {
        let consent = json!({"consent_text_id": text, "granted_at": at});
        addition("consent", id, consent)
    };
    // It was forgotten that the first had arrived, so that it comes once more, from a program that writes it another way.
    let first = push(&org.user, org.id, &[agreed("2026-11-29T10:00:00Z")]).await;
    for same in [
        "2026-11-29T10:00:00+00:00",
        "2026-11-29T12:00:00.000+02:00",
        "2026-11-29 10:00:00Z",
    ] {
        assert_eq!(
            push(&org.user, org.id, &[agreed(same)]).await,
            first,
            "{same}"
        );
    }
    let other = attempt(&org.user, org.id, &[agreed("2026-11-29T10:00:00.001Z")]).await;
    assert_eq!(
        (&other[0]["status"], &other[0]["code"]),
        (&json!("conflict"), &json!("sync.exists"))
    );
    let none = attempt(&org.user, org.id, &[agreed("when it was light")]).await;
    assert_eq!(none[0]["code"], "sync.invalid");

    let live = Uuid::now_v7();
    let base = push(&org.user, org.id, &[addition("session", live, session())]).await[0];
    let ended = |at: &str| change("session", live, base, json!({"ended_at": at}));
    push(&org.user, org.id, &[ended("2026-11-29T10:00:00Z")]).await;
    push(&org.user, org.id, &[ended("2026-11-29T11:00:00+01:00")]).await;
    let other = attempt(&org.user, org.id, &[ended("2026-11-29T11:00:00Z")]).await;
    assert_eq!(
        (&other[0]["code"], &other[0]["fields"]),
        (&json!("sync.changed"), &json!(["ended_at"]))
    );
}

#[tokio::test]
async fn a_row_that_has_more_than_what_was_sent_is_not_taken_for_it() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let id = Uuid::now_v7();
    let wanted = |target: Value| {
        let mut fields = prompt("user", "mine");
        fields["target"] = target;
        addition("prompt", id, fields)
    };
    let agents = json!({"agents": ["claude"]});
    let first = push(&org.user, org.id, &[wanted(agents.clone())]).await;
    assert_eq!(push(&org.user, org.id, &[wanted(agents)]).await, first);
    let all = attempt(&org.user, org.id, &[wanted(json!({}))]).await;
    assert_eq!(all[0]["code"], "sync.exists", "{all:?}");
}

#[tokio::test]
async fn edits_that_waited_together_are_one_version_with_the_number_of_the_last() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
    let counts = |mut mutation: Value, edits: Value| {
        mutation["edits"] = edits;
        mutation
    };
    let added = addition("prompt", id, prompt("organization", "rules"));
    let one = addition("prompt", other, prompt("organization", "others"));
    let base = push(&org.admin, org.id, &[counts(added, json!(2)), one]).await[0];
    let words = |id: Uuid, words: &str| change("prompt", id, base, json!({"content": words}));
    let many = [
        counts(words(id, "third"), json!(3)),
        words(other, "second"),
        words(id, "fourth"),
    ];
    push(&org.admin, org.id, &many).await;
    let numbers = async |id: Uuid| {
        let path = format!("system_prompt_versions?prompt_id=eq.{id}&order=version&select=version");
        let versions = org.admin.get(&path).await.rows();
        versions
            .iter()
            .map(|it| it["version"].as_i64())
            .collect::<Option<Vec<_>>>()
            .expect("they are numbers")
    };
    assert_eq!(numbers(id).await, [2, 5, 6]);
    assert_eq!(numbers(other).await, [1, 2], "each counts for itself");

    for wrong in [
        json!(0),
        json!(-1),
        json!(10_001),
        json!("many"),
        json!(1.5),
    ] {
        let late = counts(words(id, "late"), wrong.clone());
        let refused = attempt(&org.admin, org.id, &[late]).await;
        assert_eq!(refused[0]["code"], "sync.invalid", "{wrong}");
    }
    assert_eq!(numbers(id).await, [2, 5, 6]);
}
