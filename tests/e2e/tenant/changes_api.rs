//! What a user decides about changes that have not gone through: a real engine, and another device of an admin.

use berth_protocol::{
    Code, PromptChangeState,
    tenant::{ChangeMoved, OrgChange, Resolution, ResolveChange},
};
use berth_tests::tenant::Device;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::signed_in::{Machine, Who, conflict_of, refused};

#[tokio::test]
async fn each_choice_ends_a_conflict_as_it_says() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    let org = &machine.org;
    let other = Device::synced(&machine.project.backend.root(), org.id, org.admin.id).await;
    let words = async |id: Uuid| other.field(id, "content").await;

    let (id, rev) = machine.conflict(&other, "mine 1", "theirs 1").await;
    let states = machine.prompts().await.changes;
    assert_eq!(states[0].state, PromptChangeState::Conflict);
    let ended = machine.resolve(id, rev, Resolution::KeepTheirs).await;
    assert_eq!(ended.expect("it ends").kept, None);
    machine.nothing_waits().await;
    let now = machine.prompt(machine.house).await.expect("it is there");
    assert_eq!(now.content, "theirs 1");

    let (id, rev) = machine.conflict(&other, "mine 2", "theirs 2").await;
    let ended = machine.resolve(id, rev, Resolution::KeepMine).await;
    assert_eq!(ended.expect("it ends").kept, Some(machine.house));
    machine.nothing_waits().await;
    other.settled().await;
    assert_eq!(words(machine.house).await, "mine 2");

    let (id, rev) = machine.conflict(&other, "mine 3", "theirs 3").await;
    let ended = machine.resolve(id, rev, Resolution::KeepBoth).await;
    let second = ended.expect("it ends").kept.expect("there is a second row");
    machine.nothing_waits().await;
    other.settled().await;
    assert_eq!(words(machine.house).await, "theirs 3");
    assert_eq!(words(second).await, "mine 3");
    assert_eq!(other.field(second, "name").await, "house (2)");

    let gone = machine.resolve(id, rev, Resolution::KeepMine).await;
    assert_eq!(gone.expect_err("it has ended").code, Code::MutationNotFound);
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn who_has_looked_at_an_older_other_side_is_told_the_newest_and_nothing_is_done() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    let org = &machine.org;
    let other = Device::synced(&machine.project.backend.root(), org.id, org.admin.id).await;
    let (id, rev) = machine.conflict(&other, "mine", "theirs").await;
    let newer = json!({"content": "theirs again"});
    other.change_prompt(machine.house, newer).await;
    other.settled().await;
    machine.looks().await;
    let is_newer = |it: &OrgChange| conflict_of(it).is_some_and(|(_, _, now)| now > rev);
    machine
        .changes_until("the other side is seen to move", |it| {
            it.iter().any(is_newer)
        })
        .await;

    let path = format!("{}/resolve", machine.change_path(id));
    let wanted = ResolveChange {
        seen_rev: rev,
        choice: Resolution::KeepMine,
    };
    let request = machine.engine.client.request(Method::POST, &path);
    let answer = request.json(&wanted).send().await.expect("it is answered");
    assert_eq!(answer.status(), 409);
    let moved: ChangeMoved = answer.json().await.expect("it has both sides");
    assert_eq!(moved.problem.code, Code::ConflictMoved);
    let change = moved.change.expect("it still waits");
    let (_, server, now) = conflict_of(&change).expect("it is a conflict");
    assert_eq!(server["content"], "theirs again");
    let ended = machine.resolve(id, now, Resolution::KeepMine).await;
    ended.expect("the newest was looked at");
    machine.nothing_waits().await;
    other.settled().await;
    assert_eq!(other.field(machine.house, "content").await, "mine");
}

#[tokio::test]
async fn a_refused_change_stays_until_it_is_sent_again_or_dropped() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    let client = &machine.engine.client;
    let promoted = json!({"org": machine.org.id, "member": machine.org.user.id, "role": "admin"});
    machine.org.admin.call("change_role", promoted).await.ok();
    machine.cable.cut().await;
    let kept = machine.add("kept").await.expect("it is added");
    let dropped = machine.add("dropped").await.expect("it is added");
    machine.role_is("user").await;
    machine.is_back().await;
    let both = machine
        .changes_until("both are refused", |it| {
            it.len() == 2 && it.iter().all(refused)
        })
        .await;
    let states = machine.prompts().await.changes;
    assert!(
        states
            .iter()
            .all(|it| it.state == PromptChangeState::Refused),
        "{states:?}"
    );

    // The backend still refuses it when it is sent again, under another identifier.
    let first = both[0].change.id;
    let path = format!("{}/retry", machine.change_path(first));
    let again: OrgChange = client.act(&path).await.expect("it is sent again");
    assert_ne!(again.change.id, first);
    assert_eq!(again.name.as_deref(), Some("kept"));
    let is_again = |it: &OrgChange| it.change.id == again.change.id && refused(it);
    machine
        .changes_until("it is refused again", |it| it.iter().any(is_again))
        .await;
    let gone = client.act::<OrgChange>(&path).await;
    assert_eq!(
        gone.expect_err("it is another").code,
        Code::MutationNotFound
    );

    let second = machine.change_path(both[1].change.id);
    client.delete(&second).await.expect("it is dropped");
    assert_eq!(machine.names().await, ["house", "kept"]);
    let unseen = machine.prompt(dropped.id.0).await;
    assert_eq!(unseen.expect_err("it is gone").code, Code::PromptNotFound);

    machine.role_is("admin").await;
    let path = format!("{}/retry", machine.change_path(again.change.id));
    let _: OrgChange = client.act(&path).await.expect("it is sent again");
    machine.nothing_waits().await;
    let there = ["house: words of house 1", "kept: words of kept 1"];
    assert_eq!(machine.at_backend().await, there);
    assert_eq!(
        machine
            .prompt(kept.id.0)
            .await
            .expect("it is there")
            .version,
        1
    );
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_change_that_was_never_sent_can_be_dropped() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    machine.cable.cut().await;
    let edited = machine.edit(machine.house, |draft| {
        draft.content = "not meant".to_owned()
    });
    edited.await.expect("it is taken");
    let changes = machine.changes().await;
    let path = machine.change_path(changes[0].change.id);
    let dropped = machine.engine.client.delete(&path).await;
    dropped.expect("it was never sent");
    let now = machine.prompt(machine.house).await.expect("it is there");
    assert_eq!(now.content, "words of house");
    assert_eq!(machine.changes().await, []);
    machine.is_back().await;
    assert_eq!(machine.at_backend().await, ["house: words of house 1"]);
    let gone = machine.engine.client.delete(&path).await;
    assert_eq!(gone.expect_err("it is gone").code, Code::MutationNotFound);
}
