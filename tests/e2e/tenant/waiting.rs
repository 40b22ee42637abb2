//! What waits is never lost and never done twice: without a network, over a crash, and when the copy begins anew.

use berth_protocol::tenant::SyncStatus;
use berth_store::StoreError;
use berth_tenant::sync::Wake;
use berth_tests::tenant::{Backend, Chaos, Device, Mood, removal};
use serde_json::{Value, json};

use crate::{prompt, push};

async fn versions(backend: &Backend) -> Vec<String> {
    backend
        .cluster
        .ask("select version::text from public.system_prompts order by id")
        .await
}

#[tokio::test]
async fn edits_without_a_network_arrive_once_it_is_back_each_once() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let cable = berth_tests::cable::Cable::plug_in(backend.port()).await;
    let root = format!("http://{}", cable.address);
    let device = Device::synced(&root, org.id, org.user.id).await;
    cable.cut().await;
    device.sync().wake(Wake::Asked);
    device
        .until("offline", |state| {
            matches!(state.status, SyncStatus::Offline { .. })
        })
        .await;

    let mut ids = Vec::new();
    for number in 0..120 {
        ids.push(
            device
                .add_prompt(prompt("user", &format!("prompt {number}")))
                .await,
        );
    }
    // What is edited before it was sent is one change, and what is deleted before that is none.
    device
        .change_prompt(ids[0], json!({"content": "edited", "priority": 4}))
        .await;
    device.change_prompt(ids[0], json!({"priority": 5})).await;
    device.delete_prompt(ids[1]).await;
    device.sync().wake(Wake::Edited);
    let state = device
        .until("119 changes wait", |state| state.waiting == 119)
        .await;
    assert!(matches!(state.status, SyncStatus::Offline { .. }));
    assert!(device.prompt(ids[1]).await.is_none());

    cable.mend();
    device.settled().await;
    // It counts as what it was here: added and edited twice.
    let mut counted = vec!["1"; 119];
    counted[0] = "3";
    assert_eq!(versions(&backend).await, counted);
    assert_eq!(device.field(ids[0], "priority").await, 5);
    assert!(device.mutations().await.is_empty());
}

#[tokio::test]
async fn a_crash_between_sending_and_the_answer_does_nothing_twice() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let line = Chaos::to(backend.port(), Mood::Good).await;
    let mut device = Device::synced(&line.root, org.id, org.user.id).await;
    let id = device.add_prompt(prompt("user", "mine")).await;
    device.settled().await;

    // Nothing is sent before both are there: what was settled may look once more.
    device.crash().await;
    device.change_prompt(id, json!({"content": "second"})).await;
    let new = device.add_prompt(prompt("user", "new")).await;
    assert_eq!(versions(&backend).await, ["1"]);
    line.is(Mood::SwallowPushes);
    device.start().await;
    line.pushes(2).await;
    device.crash().await;
    assert_eq!(versions(&backend).await, ["2", "1"], "it had arrived");
    let unanswered = device.store.unanswered(device.tenant).await;
    assert_eq!(unanswered.expect("the store works"), 2);

    // What is edited while nobody knows whether it arrived waits behind it.
    device.change_prompt(id, json!({"content": "third"})).await;
    device.delete_prompt(new).await;
    line.is(Mood::Good);
    device.start().await;
    let state = device.settled().await;
    assert_eq!((state.conflicts, state.parked), (0, 0));
    device.settled().await;
    // Once more than before the crash, and not twice; deleting counts as a version.
    assert_eq!(versions(&backend).await, ["3", "2"]);
    assert_eq!(device.field(id, "content").await, "third");
    assert!(device.prompt(new).await.is_none());
}

#[tokio::test]
async fn a_copy_that_begins_anew_keeps_what_waits_and_shows_no_half_of_itself() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let line = Chaos::to(backend.port(), Mood::Good).await;
    let device = Device::synced(&line.root, org.id, org.user.id).await;
    let edited = device.add_prompt(prompt("user", "edited")).await;
    let deleted = device.add_prompt(prompt("user", "deleted")).await;
    device.settled().await;
    let base = device.prompt(deleted).await.and_then(|row| row.rev);
    let base = base.expect("it has a revision");

    // Meanwhile a row goes, its tombstone too, and the rights change.
    line.is(Mood::Down);
    push(&org.user, org.id, &[removal("prompt", deleted, base)]).await;
    backend
        .cluster
        .superuser(
            "set session_replication_role = replica;
             update public.system_prompts set deleted_at = now() - interval '91 days' where deleted_at is not null",
        )
        .await;
    backend
        .cluster
        .superuser("select public.sync_purge(90)")
        .await;
    let promoted = json!({"org": org.id, "member": org.user.id, "role": "admin"});
    org.admin.call("change_role", promoted).await.ok();

    device
        .change_prompt(edited, json!({"content": "mine"}))
        .await;
    let new = device.add_prompt(prompt("user", "new")).await;
    device
        .change_prompt(deleted, json!({"content": "mine too"}))
        .await;
    line.is(Mood::Good);
    let state = device.settled().await;
    // What was edited there and is gone is a choice; the rest has gone through.
    assert_eq!((state.conflicts, state.parked), (1, 0));
    assert_eq!(device.field(edited, "content").await, "mine");
    assert_eq!(device.field(deleted, "content").await, "mine too");
    assert!(device.prompt(new).await.expect("it is there").rev.is_some());
}

#[tokio::test]
async fn a_restored_backup_costs_nothing_that_waits_here() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let id = device.add_prompt(prompt("user", "mine")).await;
    device.settled().await;
    for content in ["a", "b"] {
        device.change_prompt(id, json!({"content": content})).await;
        device.settled().await;
    }
    // The row as it was two revisions ago, under another epoch.
    backend
        .cluster
        .superuser(
            "set session_replication_role = replica;
             update private.org_clock set epoch = epoch + 1, rev = rev - 2 where rev > 4;
             update public.system_prompts set rev = rev - 2, content = 'words of mine', field_revs = '{}'",
        )
        .await;
    device.change_prompt(id, json!({"name": "renamed"})).await;
    let state = device.settled().await;
    let left = device.mutations().await;
    assert_eq!((state.conflicts, state.parked), (0, 0), "{left:?}");
    assert_eq!(device.field(id, "name").await, "renamed");
    assert_eq!(device.field(id, "content").await, "words of mine");
}

#[tokio::test]
async fn a_membership_that_ends_takes_everything_with_it_and_says_what_was_not_sent() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let stays = Device::synced(&backend.root(), org.id, org.admin.id).await;
    device.add_prompt(prompt("user", "sent")).await;
    device.settled().await;
    let removed = json!({"org": org.id, "member": org.user.id});
    org.admin.call("remove_member", removed).await.ok();
    device.add_prompt(prompt("user", "never sent")).await;
    device.add_prompt(prompt("user", "nor this")).await;

    device.sync().wake(Wake::Asked);
    let state = device
        .until("wiped", |state| {
            matches!(state.status, SyncStatus::Wiped { .. })
        })
        .await;
    assert_eq!(state.status, SyncStatus::Wiped { unsent: 2 });
    let gone = device.store.organization(device.tenant).await;
    assert_eq!(gone.expect("the store works"), None);
    for kind in ["prompt", "membership", "organization", "policy"] {
        let rows = device.store.tenant_rows(device.tenant, kind).await;
        assert_eq!(rows.expect("the store works"), [], "{kind}");
    }
    assert!(device.mutations().await.is_empty());
    let trail = device.store.audit(0, 1000).await.expect("the store works");
    let wiped: Vec<&Value> = trail
        .events
        .iter()
        .filter(|event| event.action == "sync.organization_wiped")
        .map(|event| &event.details)
        .collect();
    assert_eq!(wiped.len(), 1);
    assert_eq!(wiped[0]["unsent"], 2);
    assert_eq!(wiped[0]["reason"], "membership_ended");
    let verified = device.store.verify_audit().await.expect("it works");
    assert!(verified.valid);
    let late = device.store.wipe_organization(device.tenant, "again").await;
    assert!(matches!(late, Err(StoreError::TenantNotFound(_))));

    stays.settled().await;
    assert_eq!(stays.state().status, SyncStatus::Fresh);
}

#[tokio::test]
async fn a_store_that_is_opened_again_goes_on_where_it_was() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let mut device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let sent = device.add_prompt(prompt("user", "sent")).await;
    device.settled().await;
    let waits = device.add_prompt(prompt("user", "waits")).await;
    device.stop().await;
    device.store.close().await;
    device.crash().await;
    assert_eq!(device.field(sent, "name").await, "sent");
    assert_eq!(device.field(waits, "name").await, "waits");
    let before = device.store.organization(device.tenant).await;
    let before = before.expect("the store works").expect("it is there");
    assert!(before.cursor.rev > 0 && before.cursor.staged.is_none());
    device.start().await;
    device.settled().await;
    assert!(
        device
            .prompt(waits)
            .await
            .expect("it is there")
            .rev
            .is_some()
    );
}
