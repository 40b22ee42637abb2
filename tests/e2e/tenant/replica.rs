//! What one installation changes is there at the next, and what a user sees of an organization is theirs.

use berth_protocol::tenant::{self, EntityKind, OrganizationRole, PolicyState, SyncStatus};
use berth_store::TenantEdit;
use berth_tests::tenant::{Backend, Device, Tokens, fast, now};
use serde_json::json;
use uuid::Uuid;

use crate::prompt;

#[tokio::test]
async fn what_one_changes_is_there_at_the_other() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let one = Device::synced(&backend.root(), org.id, org.admin.id).await;
    let other = Device::synced(&backend.root(), org.id, org.user.id).await;

    let id = one.add_prompt(prompt("organization", "rules")).await;
    // It is seen at once, before the backend has it.
    let seen = one.prompt(id).await.expect("its author sees it");
    assert_eq!((seen.rev, seen.edits.len()), (None, 1));
    let read: tenant::Prompt = seen.read().expect("it is a prompt");
    assert_eq!((read.name.as_str(), read.version), ("rules", 0));

    one.settled().await;
    other.settled().await;
    let seen = other.prompt(id).await.expect("it has arrived");
    let read: tenant::Prompt = seen.read().expect("it is a prompt");
    assert_eq!((read.name.as_str(), read.version), ("rules", 1));
    assert!(seen.rev.is_some() && seen.edits.is_empty());

    one.change_prompt(id, json!({"content": "new", "priority": 3}))
        .await;
    one.settled().await;
    other.settled().await;
    assert_eq!(other.field(id, "content").await, "new");
    one.delete_prompt(id).await;
    assert!(one.prompt(id).await.is_none(), "it is gone at once");
    one.settled().await;
    other.settled().await;
    assert!(other.prompt(id).await.is_none());
    assert!(one.mutations().await.is_empty());

    let known = one.store.organization(one.tenant).await;
    let known = known
        .expect("the store works")
        .expect("the organization is there");
    // It was added as a user of "acme"; the rows say what holds.
    assert_eq!(known.role, OrganizationRole::Admin);
    assert!(known.fresh_at.is_some());
    let members = other.store.tenant_rows(other.tenant, "membership").await;
    let members = members.expect("the store works");
    let names: Vec<_> = members
        .iter()
        .map(|row| row.read::<tenant::Membership>().expect("it is a member"))
        .collect();
    assert_eq!(names.len(), 2);
    let invitations = other.store.tenant_rows(other.tenant, "invitation").await;
    assert_eq!(invitations.expect("the store works"), []);
    assert!(one.store.verify_audit().await.expect("it works").valid);
}

#[tokio::test]
async fn a_policy_binds_as_the_backend_has_it_and_one_that_is_not_understood_is_no_absent_one() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let admin = Device::synced(&backend.root(), org.id, org.admin.id).await;
    let user = Device::synced(&backend.root(), org.id, org.user.id).await;
    let policy = async |device: &Device| {
        let policy = device.store.tenant_policy(device.tenant).await;
        policy.expect("the store works")
    };
    let PolicyState::Known(known) = policy(&user).await else {
        panic!("every organization has one");
    };
    assert_eq!(known.allowed_agents, None);
    let edit = |fields| TenantEdit::Change {
        kind: EntityKind::Policy,
        id: known.id,
        fields,
    };
    admin
        .edit(edit(json!({"allowed_agents": ["claude"]})))
        .await;
    let PolicyState::Known(still) = policy(&admin).await else {
        panic!("it is there");
    };
    assert_eq!(
        still.allowed_agents, None,
        "what an admin is about to change binds nobody yet"
    );
    admin.settled().await;
    user.settled().await;
    let PolicyState::Known(bound) = policy(&user).await else {
        panic!("it is there");
    };
    assert_eq!(bound.allowed_agents.map(|agents| agents.len()), Some(1));

    admin
        .edit(edit(
            json!({"tool_rules": [{"rule": "deny", "after": "dark"}]}),
        ))
        .await;
    admin.settled().await;
    user.settled().await;
    assert!(matches!(
        policy(&user).await,
        PolicyState::Unreadable { .. }
    ));
}

#[tokio::test]
async fn what_a_user_may_not_is_parked_with_its_reason_until_they_decide() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let id = device.add_prompt(prompt("organization", "mine")).await;
    let good = device.add_prompt(prompt("user", "good")).await;
    let state = device.settled().await;
    assert_eq!(
        (state.parked, state.parked_code.as_deref()),
        (1, Some("sync.forbidden"))
    );
    assert!(device.prompt(id).await.is_some(), "nothing is lost");
    assert!(
        device
            .prompt(good)
            .await
            .expect("it is there")
            .rev
            .is_some()
    );

    // It is not sent again by itself, and the answer to the first is no answer to the second.
    assert_eq!(device.settled().await.parked, 1);
    let parked = device.mutations().await.remove(0);
    let retried = device.store.retry_parked(device.tenant, parked.id).await;
    assert_ne!(retried.expect("it is sent again"), parked.id);
    assert_eq!(device.settled().await.parked, 1);
    let promoted = json!({"org": org.id, "member": org.user.id, "role": "admin"});
    org.admin.call("change_role", promoted).await.ok();
    let parked = device.mutations().await.remove(0);
    let retried = device.store.retry_parked(device.tenant, parked.id).await;
    retried.expect("it is sent again");
    let state = device.settled().await;
    assert_eq!((state.parked, state.waiting), (0, 0));
    assert!(device.prompt(id).await.expect("it is there").rev.is_some());

    let refused = device.add_prompt(json!({"scope": "user"})).await;
    assert_eq!(device.settled().await.parked, 1);
    let parked = device.mutations().await.remove(0);
    let discarded = device.store.discard_change(device.tenant, parked.id).await;
    discarded.expect("it is dropped");
    assert!(device.prompt(refused).await.is_none());
    assert_eq!(device.settled().await.parked, 0);
}

#[tokio::test]
async fn an_edit_that_mends_a_refused_one_goes_through() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let add = async |name: &str| {
        let id = Uuid::now_v7();
        let edit = TenantEdit::Add {
            kind: EntityKind::McpConfiguration,
            id,
            fields: crate::server("user", name),
        };
        device.edit(edit).await;
        id
    };
    add("notes").await;
    let second = add("Notes").await;
    let state = device.settled().await;
    assert_eq!(state.parked_code.as_deref(), Some("sync.duplicate"));
    let edit = TenantEdit::Change {
        kind: EntityKind::McpConfiguration,
        id: second,
        fields: json!({"name": "more-notes"}),
    };
    device.edit(edit).await;
    let state = device.settled().await;
    assert_eq!((state.parked, state.waiting), (0, 0));
}

#[tokio::test]
async fn what_belongs_to_no_organization_reaches_everybody_and_is_only_read() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let stranger = backend.person("stranger@example.org").await;
    let id = Uuid::now_v7();
    let row = json!({"id": id, "scope": "global", "name": "all", "content": "words"});
    backend
        .service()
        .send(reqwest::Method::POST, "system_prompts", Some(row))
        .await
        .rows();
    let device = Device::synced(&backend.root(), Uuid::nil(), stranger.id).await;
    assert_eq!(device.field(id, "name").await, "all");
    assert_eq!(device.state().status, SyncStatus::Fresh);
}

#[tokio::test]
async fn a_token_that_has_ended_is_replaced_once_and_then_the_user_is_signed_out() {
    let Some(backend) = Backend::with_own_tokens().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let old = berth_tests::tenant::Token::of(org.user.id)
        .with("exp", now() - 3600)
        .signed();
    let good = berth_tests::tenant::Token::of(org.user.id).signed();
    let mut device = Device::new(&backend.root(), org.id, org.user.id).await;
    device.tokens = Tokens::new([old.clone(), good]);
    device.start().await;
    device.settled().await;
    assert_eq!(device.tokens.refusals(), 1);
    device.stop().await;

    device.tokens = Tokens::new([old.clone(), old]);
    device.pace = fast();
    device.start().await;
    device
        .until("signed out", |state| state.status == SyncStatus::SignedOut)
        .await;
    assert_eq!(device.tokens.refusals(), 1);
    let mine = device.add_prompt(prompt("user", "mine")).await;
    assert!(
        device.prompt(mine).await.is_some(),
        "work goes on without a sign-in"
    );
}
