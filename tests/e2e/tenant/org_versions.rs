//! What prompts of an organization were: read from the backend through the engine of a member, and brought back by one
//! of an admin.

use berth_protocol::{Code, PromptVersions, SystemPrompt, TextDiff};
use berth_tests::tenant::Device;
use serde_json::json;

use crate::signed_in::{Answer, Machine, Who};

impl Machine {
    /// What the prompt was, as the API tells it.
    async fn versions(&self, query: &str) -> Answer<PromptVersions> {
        let path = format!("/prompts/{}/versions{query}", self.house);
        self.engine.client.get(&path).await
    }

    async fn restore(&self, version: u32, to: u32) -> Answer<SystemPrompt> {
        let path = format!("/prompts/{}/restore", self.house);
        let wanted = json!({"version": version, "to": to});
        self.engine.client.post(&path, &wanted).await
    }

    async fn diff(&self, from: u32, to: u32) -> Answer<TextDiff> {
        let path = format!("/prompts/{}/diff?from={from}&to={to}", self.house);
        self.engine.client.get(&path).await
    }
}

/// The versions' numbers and words.
fn said(told: &PromptVersions) -> Vec<String> {
    let versions = told.versions.iter();
    versions
        .map(|it| format!("{} {}", it.version, it.draft.content))
        .collect()
}

#[tokio::test]
async fn an_old_version_is_read_from_the_backend_and_comes_back_as_a_new_one_like_any_edit() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    for words in ["second", "third"] {
        let edited = machine.edit(machine.house, |draft| draft.content = words.to_owned());
        edited.await.expect("it is taken");
        machine.nothing_waits().await;
    }
    let all = machine.versions("").await.expect("they are told");
    assert_eq!(said(&all), ["3 third", "2 second", "1 words of house"]);
    assert_eq!(all.next, None);
    let newest = &all.versions[0];
    let admin = machine.org.admin.id.to_string();
    assert_eq!(newest.author.as_deref(), Some(admin.as_str()));
    assert_eq!(newest.author_name.as_deref(), Some("admin@acme.example"));
    let now = machine.prompt(machine.house).await.expect("it is there");
    assert_eq!(newest.draft, now.draft());
    let page = machine.versions("?limit=2").await.expect("they are told");
    assert_eq!((said(&page).len(), page.next), (2, Some(2)));
    let last = machine.versions("?limit=2&before=2").await;
    let last = last.expect("they are told");
    assert_eq!(said(&last), ["1 words of house"]);
    assert_eq!(last.next, None);
    let diff = machine.diff(1, 3).await.expect("it is told");
    assert_eq!((diff.added, diff.removed), (1, 1));

    let late = machine.restore(2, 1).await.expect_err("it has moved on");
    assert_eq!(late.code, Code::PromptConflict);
    let unknown = machine.restore(3, 9).await.expect_err("there is none");
    assert_eq!(unknown.code, Code::PromptNotFound);
    let restored = machine.restore(3, 1).await.expect("it is taken");
    let seen = (restored.version, restored.content.as_str());
    assert_eq!(seen, (4, "words of house"));
    machine.nothing_waits().await;
    assert_eq!(machine.at_backend().await, ["house: words of house 4"]);
    let all = machine.versions("?limit=1").await.expect("they are told");
    assert_eq!(said(&all), ["4 words of house"]);

    // What waits is no version, and whoever has not seen it is told both sides.
    let org = &machine.org;
    let other = Device::synced(&machine.project.backend.root(), org.id, org.admin.id).await;
    machine.conflict(&other, "mine", "theirs").await;
    let both_are_here = async || {
        let now = machine.prompt(machine.house).await.ok()?;
        (now.version == 6).then_some(())
    };
    let client = &machine.engine.client;
    client.until("both sides are here", both_are_here).await;
    let all = machine.versions("?limit=2").await.expect("they are told");
    assert_eq!(said(&all), ["5 theirs", "4 words of house"]);
    let unseen = machine.restore(5, 4).await.expect_err("an edit waits");
    let both = unseen.conflict.expect("both sides are told");
    assert_eq!(
        (both.theirs.content.as_str(), both.theirs.version),
        ("mine", 6)
    );

    machine.cable.cut().await;
    let away = machine.versions("").await.expect_err("nobody answers");
    assert_eq!(away.code, Code::TenantUnreachable, "{away}");
    let away = machine.restore(6, 1).await.expect_err("nobody answers");
    assert_eq!(away.code, Code::TenantUnreachable, "{away}");
    let now = machine.prompt(machine.house).await.expect("it is there");
    assert_eq!(now.content, "mine");
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn edits_that_wait_together_have_a_number_each_and_the_backend_agrees_with_the_last() {
    let Some(machine) = Machine::of(Who::Admin).await else {
        return;
    };
    machine.cable.cut().await;
    let second = machine.edit(machine.house, |draft| draft.content = "second".to_owned());
    let second = second.await.expect("it is taken");
    let third = machine.edit(machine.house, |draft| draft.content = "third".to_owned());
    let third = third.await.expect("it is taken");
    assert_eq!((second.version, third.version), (2, 3));
    // Who has seen no more than the first of them does not overwrite the second.
    let mut late = second.draft();
    late.name = "late".to_owned();
    let late = machine.edit_version(machine.house, 2, late).await;
    let late = late.expect_err("it has moved on");
    assert_eq!(late.code, Code::PromptConflict);
    let theirs = late.conflict.expect("both sides are told").theirs;
    assert_eq!((theirs.version, theirs.content.as_str()), (3, "third"));
    assert_eq!(machine.changes().await.len(), 1, "they are one change");

    machine.is_back().await;
    machine.nothing_waits().await;
    assert_eq!(machine.at_backend().await, ["house: third 3"]);
    let now = machine.prompt(machine.house).await.expect("it is there");
    assert_eq!((now.version, now.content.as_str()), (3, "third"));
    // The second never was anywhere but here, and nothing has its number.
    let all = machine.versions("").await.expect("they are told");
    assert_eq!(said(&all), ["3 third", "1 words of house"]);
    let never = machine.restore(3, 2).await.expect_err("there is none");
    assert_eq!(never.code, Code::PromptNotFound);
    let restored = machine.restore(3, 1).await.expect("it is taken");
    assert_eq!(restored.version, 4);
    machine.nothing_waits().await;
    assert_eq!(machine.at_backend().await, ["house: words of house 4"]);
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_member_reads_what_a_prompt_was_and_restores_nothing() {
    let Some(machine) = Machine::of(Who::User).await else {
        return;
    };
    let org = &machine.org;
    let other = Device::synced(&machine.project.backend.root(), org.id, org.admin.id).await;
    let newer = json!({"content": "second"});
    other.change_prompt(machine.house, newer).await;
    other.settled().await;
    let all = machine.versions("").await.expect("they are told");
    assert_eq!(said(&all), ["2 second", "1 words of house"]);
    let author = all.versions[1].author_name.as_deref();
    assert_eq!(author, Some("admin@acme.example"));
    let diff = machine.diff(1, 2).await.expect("it is told");
    assert!(diff.patch.contains("+second"), "{}", diff.patch);
    let refused = machine
        .restore(2, 1)
        .await
        .expect_err("a user changes none");
    assert_eq!(refused.code, Code::PromptScopeDenied, "{refused}");
    assert!(refused.detail.contains("admins"), "{refused}");
    machine.looks().await;
    assert_eq!(machine.changes().await, []);
    assert_eq!(machine.at_backend().await, ["house: second 2"]);
}
