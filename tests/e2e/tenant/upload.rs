//! Audit events of an installation reach the organization that they belong to: once, in order, with their time.

use berth_protocol::{
    OrganizationId, UserId,
    tenant::{OrganizationRole, SyncStatus, Tenant},
};
use berth_tests::tenant::{Backend, Chaos, Device, Mood, fast};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::prompt;

/// The events of devices, as an admin reads them.
async fn arrived(org: &berth_tests::tenant::Organization) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), json!(0));
    loop {
        let request = json!({"org": org.id, "after": after, "size": 500});
        let page = org.admin.call("audit_page", request).await.rows();
        let Some(last) = page.last() else {
            return events;
        };
        after = last["seq"].clone();
        let of_devices = page.into_iter().filter(|it| !it["device_seq"].is_null());
        events.extend(of_devices);
    }
}

async fn note(device: &Device, action: &str, details: Value) {
    let id = Uuid::now_v7().to_string();
    let noted = device.store.note(action, "session", &id, details).await;
    noted.expect("the store works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_once_and_in_order_over_a_bad_line() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let line = Chaos::to(backend.port(), Mood::Wild).await;
    let mut device = Device::new(&line.root, org.id, org.user.id).await;
    device.pace = fast();
    note(&device, "session.before", json!({})).await;
    let active = device.store.activate_tenant(Some(device.tenant)).await;
    active.expect("the store works");
    device.start().await;
    for number in 0..600 {
        note(&device, "session.interrupted", json!({"n": number})).await;
    }
    // What the backend alone may say keeps another name, and what is too long keeps its place.
    note(&device, "policy.changed", json!({})).await;
    note(&device, "mcp.called", json!({"text": "x".repeat(9000)})).await;
    device.add_prompt(prompt("user", "mine")).await;
    device.settled().await;
    device
        .until("all events are sent", |state| {
            state.status == SyncStatus::Fresh && state.audit_waiting == 0
        })
        .await;
    assert_eq!(device.state().audit_refused, 0);

    let local = device.store.audit(0, 1000).await.expect("the store works");
    let belong: Vec<_> = (local.events.iter())
        .filter(|event| event.seq > 2)
        .map(|event| {
            (
                Some(event.seq),
                event.hash.clone(),
                event.at.as_millisecond(),
            )
        })
        .collect();
    assert_eq!(belong.len(), 603);
    let events = arrived(&org).await;
    let found: Vec<_> = events
        .iter()
        .map(|event| {
            let at = event["occurred_at"].as_str().unwrap_or_default();
            let at: berth_protocol::Timestamp = at.parse().expect("it is a moment");
            let hash = event["device_hash"].as_str().unwrap_or_default().to_owned();
            (event["device_seq"].as_i64(), hash, at.as_millisecond())
        })
        .collect();
    assert_eq!(found, belong, "{}", line.met());
    let actions: Vec<_> = events[600..]
        .iter()
        .map(|it| it["action"].clone())
        .collect();
    assert_eq!(
        actions,
        ["device.policy.changed", "mcp.called", "sync.added"]
    );
    let verified = org.admin.call("audit_verify", json!({"org": org.id})).await;
    assert_eq!(verified.ok()["valid"], true);
}

#[tokio::test]
async fn an_event_belongs_to_the_organization_that_was_active_and_to_no_other() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let acme = backend.organization("acme").await;
    let globex = backend.organization("globex").await;
    let mut device = Device::new(&backend.root(), acme.id, acme.user.id).await;
    let second = berth_protocol::tenant::Tenant {
        org: berth_protocol::OrganizationId(globex.id),
        user: berth_protocol::UserId(acme.user.id),
    };
    let role = berth_protocol::tenant::OrganizationRole::User;
    let added = device
        .store
        .add_organization(second, &device.root, "globex", role)
        .await;
    added.expect("the store works");
    for (active, action) in [
        (None, "session.nobody"),
        (Some(device.tenant), "session.first"),
        (Some(second), "session.second"),
        (None, "session.nobody"),
        (Some(device.tenant), "session.third"),
        (Some(device.tenant), "session.fourth"),
    ] {
        let done = device.store.activate_tenant(active).await;
        done.expect("the store works");
        note(&device, action, json!({})).await;
    }
    device.start().await;
    device.settled().await;
    let actions: Vec<_> = arrived(&acme)
        .await
        .iter()
        .map(|event| event["action"].clone())
        .collect();
    assert_eq!(
        actions,
        ["session.first", "session.third", "session.fourth"]
    );
    let other = device.store.audit_outgoing(second, 100).await;
    let other: Vec<_> = other
        .expect("the store works")
        .into_iter()
        .map(|event| event.action)
        .collect();
    assert_eq!(other, ["session.second"]);
}

/// The account of this machine has signed in.
async fn sign_in(device: &Device) {
    let details = json!({"url": device.root, "user_id": device.tenant.user});
    let noted = device
        .store
        .note("org.signed_in", "organization", "account", details)
        .await;
    noted.expect("the store works");
    // Organizations are looked up, and again after a restart.
    for _ in 0..2 {
        let told = device.store.tell_sign_in(device.tenant.user).await;
        told.expect("the store works");
    }
}

async fn waiting(device: &Device, tenant: Tenant) -> Vec<String> {
    let waiting = device.store.audit_outgoing(tenant, 100).await;
    let waiting = waiting.expect("the store works");
    waiting.into_iter().map(|event| event.action).collect()
}

#[tokio::test]
async fn signing_in_and_out_reaches_each_organization_of_the_user_once_and_in_order() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let acme = backend.organization("acme").await;
    let mut device = Device::new(&backend.root(), acme.id, acme.user.id).await;
    let user = device.tenant.user;
    let other = |user| Tenant {
        org: OrganizationId(Uuid::now_v7()),
        user,
    };
    let (second, later, strangers) = (other(user), other(user), other(UserId(Uuid::now_v7())));
    let add = async |tenant: Tenant| {
        let role = OrganizationRole::User;
        let added = device
            .store
            .add_organization(tenant, &device.root, "globex", role)
            .await;
        added.expect("the store works");
    };
    add(second).await;
    add(strangers).await;
    let activate = async |tenant: Option<Tenant>| {
        let done = device.store.activate_tenant(tenant).await;
        done.expect("the store works");
    };

    sign_in(&device).await;
    activate(Some(device.tenant)).await;
    note(&device, "session.first", json!({})).await;
    // One that comes later is told of the sign-in that brings it, and the others nothing more.
    add(later).await;
    let told = device.store.tell_sign_in(user).await;
    told.expect("the store works");
    let signed_out = device.store.note_sign_out(user, true).await;
    signed_out.expect("the store works");
    activate(None).await;
    note(&device, "session.nobody", json!({})).await;
    sign_in(&device).await;
    activate(Some(second)).await;
    note(&device, "session.second", json!({})).await;

    let (came, left) = ("org.signed_in", "org.signed_out");
    assert_eq!(
        waiting(&device, second).await,
        [came, left, came, "session.second"]
    );
    assert_eq!(waiting(&device, later).await, [came, left, came]);
    assert!(waiting(&device, strangers).await.is_empty());
    device.start().await;
    device.settled().await;
    let events = arrived(&acme).await;
    let actions: Vec<_> = events.iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, [came, "session.first", left, came]);
}
