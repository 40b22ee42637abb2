//! Prompts of an organization, edited on the machine of an admin through the prompts API.

use berth_protocol::{
    Code, Problem, PromptChangeState, PromptDraft, PromptId, PromptMove, PromptOrder,
    PromptPreview, PromptScope, SystemPrompt,
    tenant::{MutationState, OrgChanges},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::signed_in::{Machine, Who};

#[tokio::test]
async fn an_admin_adds_and_edits_a_prompt_without_a_network_and_it_arrives_once() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    machine.cable.cut().await;
    let added = machine.add("rules").await.expect("it is added");
    assert_eq!((added.scope, added.version), (PromptScope::Organization, 1));
    let edited = machine.edit(added.id.0, |draft| draft.content = "newer words".to_owned());
    let edited = edited.await.expect("it is seen");
    assert_eq!(
        (edited.version, edited.content.as_str()),
        (2, "newer words")
    );
    assert_eq!(machine.names().await, ["house", "rules"]);
    let waiting = machine.prompts().await.changes;
    let states: Vec<_> = waiting.iter().map(|it| (it.id, it.state)).collect();
    assert_eq!(states, [(added.id, PromptChangeState::Waiting)]);
    let changes = machine.changes().await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].name.as_deref(), Some("rules"));
    assert_eq!(changes[0].change.state, MutationState::Pending);
    assert_eq!(machine.at_backend().await, ["house: words of house 1"]);

    machine.is_back().await;
    machine.nothing_waits().await;
    let there = ["house: words of house 1", "rules: newer words 2"];
    assert_eq!(machine.at_backend().await, there);
    let now = machine.prompt(added.id.0).await.expect("it is there");
    assert_eq!((now.version, now.content.as_str()), (2, "newer words"));
    assert_eq!(machine.prompts().await.changes, []);
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn prompts_of_the_organization_are_ordered_locked_disabled_and_removed() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    let client = &machine.engine.client;
    let listed = machine.prompts().await;
    assert_eq!(
        listed.writable,
        [PromptScope::Organization, PromptScope::User]
    );
    let second = machine.add("second").await.expect("it is added");
    let to = PromptMove {
        version: second.version,
        before: Some(PromptId(machine.house)),
    };
    let path = format!("/prompts/{}/move", second.id);
    let moved: PromptOrder = client.post(&path, &to).await.expect("it is moved");
    let names: Vec<&str> = moved.prompts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["second", "house"]);
    let locked = machine.edit(machine.house, |draft| {
        (draft.locked, draft.enabled) = (true, false);
    });
    let locked = locked.await.expect("it is changed");
    assert!(locked.locked && !locked.enabled);
    machine.nothing_waits().await;
    assert_eq!(machine.names().await, ["second", "house"]);
    let rows = "select name || ' ' || locked || ' ' || enabled from public.system_prompts order by priority";
    let rows = machine.project.backend.cluster.ask(rows).await;
    assert_eq!(rows, ["second false true", "house true false"]);

    // Whoever edits what is not the newest is told both sides.
    let late = machine
        .edit_version(machine.house, 1, locked.draft())
        .await
        .expect_err("it has moved on");
    assert_eq!(late.code, Code::PromptConflict);
    let both = late.conflict.expect("both sides are told");
    assert!(both.theirs.locked);

    let now = machine.prompt(second.id.0).await.expect("it is there");
    let remove = format!("/prompts/{}?version={}", second.id, now.version);
    client.delete(&remove).await.expect("it is removed");
    assert_eq!(machine.names().await, ["house"]);
    machine.nothing_waits().await;
    assert_eq!(machine.at_backend().await.len(), 1);
}

#[tokio::test]
async fn nobody_but_an_admin_of_the_active_organization_changes_its_prompts() {
    let Some(machine) = Machine::of(Who::User).await else {
        return;
    };
    let client = &machine.engine.client;
    let house = machine.house;
    assert_eq!(machine.prompts().await.writable, [PromptScope::User]);
    let denied = |refused: Box<Problem>| {
        assert_eq!(refused.code, Code::PromptScopeDenied, "{refused}");
        assert!(refused.detail.contains("admins"), "{refused}");
    };
    denied(machine.add("mine").await.expect_err("a user adds none"));
    let edited = machine.edit(house, |draft| draft.enabled = false).await;
    denied(edited.expect_err("a user changes none"));
    let version = machine.prompt(house).await.expect("it is seen").version;
    let path = format!("/prompts/{house}?version={version}");
    denied(client.delete(&path).await.expect_err("a user removes none"));
    let to = PromptMove {
        version,
        before: None,
    };
    let path = format!("/prompts/{house}/move");
    let moved = client.post::<PromptOrder>(&path, &to).await;
    denied(moved.expect_err("a user moves none"));

    // Whether they want it is theirs to say, as long as it is not locked.
    let path = format!("/prompts/{house}/declined");
    let decline = client.request(Method::PUT, &path);
    let declined = client.send(decline.json(&json!({"declined": true}))).await;
    declined.expect("it is not locked");
    assert_eq!(machine.prompts().await.declined, [PromptId(house)]);

    machine.put("/org/active", &json!({})).await;
    denied(machine.add("mine").await.expect_err("none is active"));
    let unseen = machine
        .prompt(house)
        .await
        .expect_err("it is nobody's here");
    assert_eq!(unseen.code, Code::PromptNotFound);
    assert_eq!(machine.changes().await, []);
    let other = format!("/org/organizations/{}/changes", Uuid::now_v7());
    let unknown = client.get::<OrgChanges>(&other).await;
    let unknown = unknown.expect_err("nothing of it is here");
    assert_eq!(unknown.code, Code::TenantNotFound);
}

#[tokio::test]
async fn global_prompts_of_the_backend_come_before_the_organizations_and_are_only_read() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    let client = &machine.engine.client;
    let service = machine.project.backend.service();
    let all = Uuid::now_v7();
    let row = json!({"id": all, "scope": "global", "name": "all", "content": "words for all"});
    let added = service.send(Method::POST, "system_prompts", Some(row));
    added.await.rows();
    machine.looks().await;
    let is_here = async || machine.prompt(all).await.ok();
    let global = client.until("it is here", is_here).await;
    assert_eq!((global.scope, global.version), (PromptScope::Global, 1));

    let mine = PromptDraft {
        scope: PromptScope::User,
        name: "mine".to_owned(),
        content: "words of mine".to_owned(),
        enabled: true,
        ..PromptDraft::default()
    };
    let own: SystemPrompt = client.post("/prompts", &mine).await.expect("it is added");
    let scopes: Vec<_> = machine.prompts().await.prompts;
    let scopes: Vec<_> = scopes.iter().map(|it| (it.scope, it.id.0)).collect();
    let in_order = [
        (PromptScope::Global, all),
        (PromptScope::Organization, machine.house),
        (PromptScope::User, own.id.0),
    ];
    assert_eq!(scopes, in_order);
    let composed = async || {
        let preview = "/prompts/preview?agent=claude";
        let preview: PromptPreview = client.get(preview).await.expect("it is made");
        preview.effective.text
    };
    let text = composed().await;
    let places = ["words for all", "words of house", "words of mine"];
    let places = places.map(|words| text.find(words).expect("it is given"));
    assert!(places.is_sorted(), "{text}");

    let denied = |refused: Box<Problem>| {
        assert_eq!(refused.code, Code::PromptScopeDenied, "{refused}");
    };
    let edited = machine.edit(all, |draft| draft.enabled = false).await;
    denied(edited.expect_err("nobody here changes it"));
    let path = format!("/prompts/{all}");
    let removed = client.delete(&format!("{path}?version=1")).await;
    denied(removed.expect_err("nobody here removes it"));
    let to = PromptMove {
        version: 1,
        before: None,
    };
    let moved = client
        .post::<PromptOrder>(&format!("{path}/move"), &to)
        .await;
    denied(moved.expect_err("nobody here moves it"));
    let decline = client.request(Method::PUT, &format!("{path}/declined"));
    let declined = client.send(decline.json(&json!({"declined": true}))).await;
    denied(declined.expect_err("it is for everybody"));
    assert_eq!(machine.changes().await, []);

    // What becomes of it at the backend becomes of it here.
    let row = format!("system_prompts?id=eq.{all}");
    let newer = json!({"content": "newer words for all"});
    let changed = service.send(Method::PATCH, &row, Some(newer)).await;
    changed.rows();
    machine.looks().await;
    let is_newer = async || {
        let now = machine.prompt(all).await.ok()?;
        (now.version == 2 && now.content == "newer words for all").then_some(())
    };
    client.until("it is newer", is_newer).await;
    let gone = json!({"deleted_at": "2026-11-29T10:00:00Z"});
    service.send(Method::PATCH, &row, Some(gone)).await.rows();
    machine.looks().await;
    let is_gone = async || machine.prompt(all).await.err().map(|refused| refused.code);
    let why = client.until("it is gone", is_gone).await;
    assert_eq!(why, Code::PromptNotFound);
    assert!(!composed().await.contains("words for all"));
}
