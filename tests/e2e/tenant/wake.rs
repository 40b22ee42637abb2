//! A backend that has Realtime tells of changes as they happen. That makes sync sooner, and nothing that is said there or
//! is not does anything else.

use std::time::{Duration, Instant};

use berth_protocol::{
    PromptDraft, PromptList, PromptScope, SystemPrompt,
    tenant::{SyncState, SyncStatus},
};
use berth_tenant::sync::{Pace, Wake};
use berth_tests::{
    Client, Engine, LIMIT, Setup,
    cable::Cable,
    keychain::Keychain,
    skip,
    tenant::{Device, Member, Organization, Pretender, Project, Token, addition, now, patient},
    this_test,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{prompt, push};

/// An installation that asks by itself only once an hour, and listens. It has asked twice: when it began, and because
/// nobody had told of what changed before it listened.
async fn listening(root: &str, org: Uuid, person: Uuid) -> Device {
    let mut device = Device::new(root, org, person).await;
    device.start().await;
    let is_so = |state: &SyncState| state.listening && state.rounds == 2;
    let state = device.until("it listens", is_so).await;
    assert_eq!(state.status, SyncStatus::Fresh);
    device
}

/// Adds a prompt for everybody, past all installations.
async fn added(org: &Organization) -> Uuid {
    let id = Uuid::now_v7();
    let added = addition("prompt", id, prompt("organization", "rules"));
    push(&org.admin, org.id, &[added]).await;
    id
}

/// Waits until an installation has a prompt.
async fn arrives(device: &Device, id: Uuid) {
    let mut state = device.sync().state();
    let look = async {
        while device.prompt(id).await.is_none() {
            state.changed().await.expect("the sync runs");
        }
    };
    let in_time = tokio::time::timeout(LIMIT, look).await;
    assert!(in_time.is_ok(), "it does not arrive: {:?}", device.state());
}

async fn cursor(device: &Device) -> i64 {
    let known = device.store.organization(device.tenant).await;
    let known = known.expect("the store works").expect("it is there");
    known.cursor.rev
}

/// What Realtime says of a revision on the channel of an organization.
fn told(org: Uuid, rev: &Value) -> String {
    let payload = json!({"event": "moved", "type": "broadcast", "payload": {"rev": rev}});
    json!({
        "topic": format!("realtime:org:{org}"), "event": "broadcast", "payload": payload, "ref": null,
    })
    .to_string()
}

#[tokio::test]
async fn what_one_changes_shows_at_another_that_asks_only_once_an_hour() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let one = listening(&project.root(), org.id, org.admin.id).await;
    let other = listening(&project.root(), org.id, org.user.id).await;
    let id = one.add_prompt(prompt("organization", "rules")).await;
    one.sync().wake(Wake::Edited);
    arrives(&other, id).await;

    other.add_prompt(prompt("user", "mine")).await;
    other.sync().wake(Wake::Edited);
    one.change_prompt(id, json!({"content": "newer"})).await;
    one.sync().wake(Wake::Edited);
    let mut state = other.sync().state();
    let look = async {
        while other.field(id, "content").await != "newer" {
            state.changed().await.expect("the sync runs");
        }
    };
    let in_time = tokio::time::timeout(LIMIT, look).await;
    assert!(in_time.is_ok(), "{:?}", other.state());
}

#[tokio::test]
async fn nothing_but_a_newer_revision_of_the_organization_is_a_reason_to_ask() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let device = listening(&project.root(), org.id, org.user.id).await;
    let realtime = project.realtime();
    let known = cursor(&device).await;
    for text in ["", "null", "{", "[[[[", "{\"topic\": 1}"] {
        realtime.say(text);
    }
    realtime.say("[".repeat(60_000));
    realtime.say_bytes(vec![0xff; 4096]);
    realtime.say(told(Uuid::now_v7(), &json!(known + 1)));
    for rev in [
        json!(known),
        json!(known - 1),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!("99999"),
        json!([99999]),
        Value::Null,
    ] {
        realtime.say(told(org.id, &rev));
    }
    // Heard after all of that, on the same connection.
    let id = added(&org).await;
    let state = device.until("it asks", |state| state.rounds > 2).await;
    assert_eq!(state.rounds, 3, "one question was asked for nothing");
    assert!(
        device.prompt(id).await.is_some(),
        "and it was the right one"
    );
    assert_eq!(realtime.listeners().joined, 1);
}

#[tokio::test]
async fn a_revision_that_does_not_exist_is_asked_for_once() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let device = listening(&project.root(), org.id, org.user.id).await;
    let known = cursor(&device).await;
    project.realtime().say(told(org.id, &json!(i64::MAX)));
    let state = device.until("it asks", |state| state.rounds > 2).await;
    assert_eq!(state.status, SyncStatus::Fresh);
    assert_eq!(cursor(&device).await, known);
    let id = added(&org).await;
    let state = device.until("it asks", |state| state.rounds > 3).await;
    assert_eq!(state.rounds, 4);
    assert!(device.prompt(id).await.is_some());
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_not_read_and_costs_a_connection() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let device = listening(&project.root(), org.id, org.user.id).await;
    let realtime = project.realtime();
    for (number, large) in [(2, "x".repeat(10_000_000)), (3, "[".repeat(100_000))] {
        realtime.say(large);
        let again = |listeners: &berth_tests::tenant::Listeners| listeners.joined == number;
        realtime.until("it has come back", again).await;
    }
    let id = added(&org).await;
    arrives(&device, id).await;
    device.until("it listens", |state| state.listening).await;
    assert_eq!(device.state().status, SyncStatus::Fresh);
}

#[tokio::test]
async fn a_connection_that_is_lost_comes_back_and_what_was_missed_is_asked_for() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let cable = Cable::plug_in(project.port()).await;
    let root = format!("http://{}/rest/v1", cable.address);
    let device = listening(&root, org.id, org.user.id).await;
    cable.cut().await;
    device
        .until("it does not listen", |state| !state.listening)
        .await;
    let missed = added(&org).await;
    assert!(device.prompt(missed).await.is_none());
    cable.mend();
    arrives(&device, missed).await;
    device.until("it listens", |state| state.listening).await;

    let realtime = project.realtime();
    realtime.hang_up();
    realtime.until("it comes back", |it| it.joined == 3).await;
    device.until("it listens", |state| state.listening).await;
    let heard = added(&org).await;
    arrives(&device, heard).await;
}

#[tokio::test]
async fn whoever_listens_shows_that_and_who_they_are_and_notices_when_nobody_answers() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let realtime = project.realtime();
    let mut device = Device::new(&project.root(), org.id, org.user.id).await;
    // Long enough for a slow machine to answer, because whoever comes back shows the newer token as they join.
    device.pace = Pace {
        heartbeat: Duration::from_secs(5),
        ..patient()
    };
    device.start().await;
    device.until("it listens", |state| state.listening).await;
    assert_eq!(realtime.listeners().renewed, Vec::<String>::new());
    let newer = Token::of(org.user.id).with("exp", now() + 7200).signed();
    device.tokens.renew(newer.clone());
    realtime
        .until("the newer token is shown", |it| it.renewed.contains(&newer))
        .await;

    let before = realtime.listeners().joined;
    realtime.fall_silent(true);
    realtime
        .until("it comes back", |it| it.joined > before)
        .await;
    realtime.fall_silent(false);
    device.until("it listens", |state| state.listening).await;
    let id = added(&org).await;
    arrives(&device, id).await;
}

#[tokio::test]
async fn whoever_may_not_listen_is_left_alone_and_syncs_all_the_same() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let realtime = project.realtime();
    // What may be otherwise the next time is tried again.
    realtime.refuse(Some("too many connections"));
    let device = Device::synced(&project.root(), org.id, org.user.id).await;
    realtime.until("it tries again", |it| it.refused > 2).await;
    assert!(!device.state().listening);
    realtime.refuse(None);
    device.until("it listens", |state| state.listening).await;

    let before = realtime.listeners().refused;
    realtime.refuse(Some("Unauthorized: You do not have permissions"));
    realtime.hang_up();
    realtime
        .until("it is refused", |it| it.refused > before)
        .await;
    device
        .until("it does not listen", |state| !state.listening)
        .await;
    let id = added(&org).await;
    let state = device.settled().await;
    assert_eq!((state.status, state.listening), (SyncStatus::Fresh, false));
    assert!(device.prompt(id).await.is_some());
    assert_eq!(realtime.listeners().refused, before + 1, "it insists");
}

#[tokio::test]
async fn a_backend_without_realtime_is_synced_as_ever() {
    for (status, tries) in [
        (404, Some(1)),
        (403, Some(1)),
        (200, None),
        (302, None),
        (500, None),
    ] {
        let pretender = Pretender::new(move |asked| {
            let body = match asked.function.as_str() {
                "sync_head" => json!({"rev": 0, "token": "1.1.0", "schema": 1}),
                "sync_pull" => json!({"rev": 0, "token": "1.1.0", "more": false, "changes": []}),
                "websocket" => return (status, "<html>".to_owned()),
                _ => return (500, String::new()),
            };
            (200, body.to_string())
        })
        .await;
        let root = format!("{}/rest/v1", pretender.root);
        let mut device = Device::new(&root, Uuid::now_v7(), Uuid::now_v7()).await;
        device.start().await;
        berth_tests::until("it is tried", || pretender.calls("websocket") > 0).await;
        let state = device.settled().await;
        assert_eq!((state.status, state.listening), (SyncStatus::Fresh, false));
        assert_eq!(pretender.calls("elsewhere"), 0, "{status}");
        let calls = pretender.calls("websocket");
        assert!(
            tries.is_none_or(|tries| calls == tries),
            "{status}: {calls}"
        );
    }
}

#[tokio::test]
async fn a_sync_that_ends_takes_its_connection_along() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let realtime = project.realtime();
    let mut device = listening(&project.root(), org.id, org.user.id).await;
    assert_eq!(realtime.listeners().open, 1);
    device.stop().await;
    realtime.until("it is closed", |it| it.open == 0).await;

    let mut device = listening(&project.root(), org.id, org.admin.id).await;
    device.crash().await;
    realtime.until("it is closed", |it| it.open == 0).await;

    // The backend says that the membership has ended; the task ends by itself.
    let device = listening(&project.root(), org.id, org.user.id).await;
    let removed = json!({"org": org.id, "member": org.user.id});
    org.admin.call("remove_member", removed).await.ok();
    realtime.until("it is closed", |it| it.open == 0).await;
    let known = device.store.organization(device.tenant).await;
    assert_eq!(known.expect("the store works"), None);
}

/// The engine of a member whose organization is active, once it listens.
async fn engine(
    project: &Project,
    keychain: &Keychain,
    setup: Setup,
    org: Uuid,
    who: &Member,
) -> Engine {
    let engine = keychain.of(setup).start().await;
    who.sign_in(&engine.client).await;
    engine.client.org_fresh(org).await;
    engine.client.switch_org(Some(org)).await;
    let look = async || {
        let state = engine.client.org().await;
        let sync = state.organizations.first()?.sync.clone()?;
        sync.listening.then_some(())
    };
    engine.client.until("it listens", look).await;
    assert!(project.realtime().listeners().open > 0);
    engine
}

async fn names(client: &Client) -> Vec<String> {
    let listed = client.get::<PromptList>("/prompts").await;
    let prompts = listed.expect("they are listed").prompts.into_iter();
    prompts
        .filter(|prompt| prompt.scope == PromptScope::Organization)
        .map(|prompt| prompt.name)
        .collect()
}

#[tokio::test]
async fn what_an_admin_writes_on_one_engine_is_on_another_before_that_asks_by_itself() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring is not installed");
    };
    let org = project.backend.organization("acme").await;
    let admin = Member::of(&project, org.admin.id, "admin@acme.example").await;
    let user = Member::of(&project, org.user.id, "user@acme.example").await;
    let one = engine(&project, &keychain, setup, org.id, &admin).await;
    let other = engine(&project, &keychain, Setup::new(), org.id, &user).await;

    // It has just asked, so that almost a whole pause lies before the next time.
    other.client.org_settled(org.id).await;
    let began = Instant::now();
    let draft = PromptDraft {
        scope: PromptScope::Organization,
        name: "rules".to_owned(),
        content: "words".to_owned(),
        enabled: true,
        ..PromptDraft::default()
    };
    let written = one.client.post::<SystemPrompt>("/prompts", &draft).await;
    written.expect("an admin may write it");
    let look = async || (names(&other.client).await == ["rules"]).then_some(());
    other.client.until("it is there", look).await;
    let pace = Pace::default();
    let soonest = pace.every.mul_f64(1.0 - pace.spread);
    assert!(began.elapsed() < soonest, "it may have asked by itself");
}
