//! Real backends of which the migrations are not those of this version: what is said of them, and that nothing is lost.

use std::net::SocketAddr;

use berth_protocol::tenant::{SCHEMA, SyncState, SyncStatus};
use berth_tenant::migrate;
use berth_tests::tenant::{Backend, Cluster, Device, Project, addition};
use serde_json::json;
use uuid::Uuid;

use crate::{
    prompt, push,
    signed_in::{Machine, Who},
};

/// The version of a migration.
fn version_of(name: &str) -> String {
    let mut all = migrate::migrations().into_iter();
    let found = all.find(|migration| migration.name == name);
    found.expect("there is such a migration").version
}

/// The prompts at a backend, and how many changes of them it has made.
async fn at_backend(cluster: &Cluster) -> (Vec<String>, String) {
    let prompts = "select name || ' ' || version from public.system_prompts where deleted_at is null order by name";
    let applied =
        "select count(*)::text from private.sync_ledger where result ->> 'status' = 'applied'";
    (
        cluster.ask(prompts).await,
        cluster.ask(applied).await.remove(0),
    )
}

#[tokio::test]
async fn a_backend_without_the_newest_migration_is_synced_and_loses_nothing_when_it_catches_up() {
    let newest = migrate::migrations().pop();
    let newest = newest.expect("there are migrations").version;
    let Some(mut backend) = Backend::before(&newest).await else {
        return;
    };
    let org = backend.organization("acme").await;
    let mut device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let early = device.add_prompt(prompt("user", "early")).await;
    let state = device.settled().await;
    assert_eq!(state.status, SyncStatus::Fresh);
    let (names, applied) = at_backend(&backend.cluster).await;
    assert_eq!((names, applied.as_str()), (vec!["early 1".into()], "1"));

    // What is done while it is brought up waits for it.
    device.stop().await;
    device.add_prompt(prompt("user", "late")).await;
    device
        .change_prompt(early, json!({"content": "other words"}))
        .await;
    backend.catches_up().await;
    device.root = backend.root();
    device.start().await;
    let state = device.settled().await;
    assert_eq!((state.conflicts, state.parked), (0, 0), "{state:?}");
    assert!(device.mutations().await.is_empty());
    let (names, applied) = at_backend(&backend.cluster).await;
    assert_eq!(names, ["early 2", "late 1"]);
    assert_eq!(applied, "3", "each is done once");
}

#[tokio::test]
async fn a_backend_without_what_sync_needs_is_said_to_be_older_and_what_waits_arrives_once_it_has_it()
 {
    let Some(mut backend) = Backend::before(&version_of("sync")).await else {
        return;
    };
    let person = backend.person("user@acme.example").await;
    let org = Uuid::now_v7();
    let mut device = Device::new(&backend.root(), org, person.id).await;
    device.add_prompt(prompt("user", "mine")).await;
    device.start().await;
    let state = device.until("a round", |state| state.rounds > 0).await;
    let older = SyncStatus::Schema {
        backend: None,
        known: SCHEMA,
    };
    assert_eq!((state.status, state.waiting), (older, 1));
    assert_eq!(device.mutations().await.len(), 1);

    device.stop().await;
    backend.catches_up().await;
    let address = SocketAddr::from(([127, 0, 0, 1], backend.port()));
    let person = person.through(address);
    let made = json!({"id": org, "name": "acme"});
    person.call("create_organization", made).await.ok();
    device.root = backend.root();
    device.start().await;
    device.settled().await;
    assert!(device.mutations().await.is_empty());
    let (names, applied) = at_backend(&backend.cluster).await;
    assert_eq!((names, applied.as_str()), (vec!["mine 1".into()], "1"));
}

/// Gives a schema another number, as a migration does that its clients of before do not understand.
async fn is_schema(cluster: &Cluster, number: u32) {
    let head = "select pg_get_functiondef('public.sync_head(uuid)'::regprocedure)";
    let head = cluster.ask(head).await.remove(0);
    // The number stands in the plans of whoever asks for it, until that function is another one.
    let change = format!(
        "create or replace function public.schema_version()
         returns jsonb language sql immutable set search_path = '' as $$
             select jsonb_build_object('version', {number}, 'oldest_client', {number})
         $$;
         {head}"
    );
    cluster.superuser(&change).await;
}

/// Waits until the machine says that its backend has another schema, while so many changes wait.
async fn is_other(machine: &Machine, waiting: u64) -> SyncState {
    let look = async || {
        let sync = machine.state().await.organizations.first()?.sync.clone()?;
        let is_other = matches!(sync.status, SyncStatus::Schema { .. });
        (is_other && sync.waiting == waiting).then_some(sync)
    };
    let client = &machine.engine.client;
    client.until("the backend is another one", look).await
}

#[tokio::test]
async fn a_backend_one_migration_ahead_is_said_to_be_newer_and_gets_what_waits_once_it_is_understood()
 {
    let Some(project) = Project::own("it changes the schema").await else {
        return;
    };
    let Some(mut machine) = Machine::at(project, Who::Admin).await else {
        return;
    };
    is_schema(&machine.project.backend.cluster, SCHEMA + 1).await;
    machine.looks().await;
    let newer = SyncStatus::Schema {
        backend: Some(SCHEMA + 1),
        known: SCHEMA,
    };
    assert_eq!(is_other(&machine, 0).await.status, newer);
    let theirs = addition("prompt", Uuid::now_v7(), prompt("organization", "theirs"));
    push(&machine.org.admin, machine.org.id, &[theirs]).await;
    let edited = machine.edit(machine.house, |draft| draft.content = "mine".to_owned());
    edited.await.expect("it is taken");
    assert_eq!(is_other(&machine, 1).await.status, newer);
    // What was here holds, with what its user has done since; nothing is taken and nothing is sent, and it stays so.
    machine.engine.restart().await;
    assert_eq!(is_other(&machine, 1).await.status, newer);
    assert_eq!(machine.names().await, ["house"]);
    let house = machine.prompt(machine.house).await.expect("it is there");
    assert_eq!(house.content, "mine");
    let unsent = ["house: words of house 1", "theirs: words of theirs 1"];
    assert_eq!(machine.at_backend().await, unsent);

    is_schema(&machine.project.backend.cluster, SCHEMA).await;
    let sync = machine.engine.client.org_settled(machine.org.id).await;
    assert_eq!((sync.conflicts, sync.parked), (0, 0), "{sync:?}");
    let sent = ["house: mine 2", "theirs: words of theirs 1"];
    assert_eq!(machine.at_backend().await, sent);
    assert_eq!(machine.names().await, ["house", "theirs"]);
    machine.nothing_waits().await;
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn what_a_migration_ahead_has_added_is_kept_and_an_edit_leaves_it_as_it_is() {
    let Some(backend) = Backend::own("it changes the schema").await else {
        return;
    };
    let org = backend.organization("acme").await;
    let device = Device::synced(&backend.root(), org.id, org.user.id).await;
    let id = device.add_prompt(prompt("user", "mine")).await;
    device.settled().await;
    let ahead = format!(
        "alter table public.system_prompts add column mood text;
         insert into supabase_migrations.schema_migrations (version, name) values ('20990101000000', 'of_tomorrow');
         update public.system_prompts set mood = 'good' where id = '{id}'"
    );
    backend.cluster.superuser(&ahead).await;
    device.settled().await;
    assert_eq!(device.field(id, "mood").await, "good");

    device
        .change_prompt(id, json!({"content": "other words"}))
        .await;
    let state = device.settled().await;
    assert_eq!((state.conflicts, state.parked), (0, 0), "{state:?}");
    let row = "select content || ', ' || mood from public.system_prompts";
    assert_eq!(backend.cluster.ask(row).await, ["other words, good"]);
    assert_eq!(device.field(id, "mood").await, "good");
}
