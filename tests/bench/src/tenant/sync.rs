//! Sync as an engine does it: the first copy of an organization, and an edit on its way to a second client.

use std::time::Instant;

use berth_protocol::tenant::SyncStatus;
use berth_tenant::sync::{Pace, Wake};
use berth_tests::{
    LIMIT,
    tenant::{Backend, Device, Organization, Project, Token, addition},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{fill, rest};
use crate::report::{Figure, Limit, Report, median, percentile};

/// Rows of a first sync.
const ROWS: usize = 10_000;

/// Times that it is done, each with a store of its own; the time in the middle counts.
const FIRSTS: usize = 5;

/// Rows that a page is asked to have, as sync asks.
const PAGE: u32 = 500;

/// Edits that are followed to the second client.
const EDITS: usize = 40;

/// As much of a page as is needed to ask for the next one.
#[derive(Deserialize)]
struct Page {
    rev: i64,
    token: String,
    more: bool,
}

/// Measures the first copy of an organization beside the download of its pages.
pub async fn measure_first(report: &mut Report, backend: &Backend) {
    let org = backend.organization("acme").await;
    fill(backend, org.id, ROWS, &[]).await;
    rest(backend).await;
    let (mut berth, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..FIRSTS {
        let mut device = Device::new(&backend.root(), org.id, org.user.id).await;
        let began = Instant::now();
        device.start().await;
        device
            .until("everything is here", |state| {
                state.status == SyncStatus::Fresh
            })
            .await;
        berth.push(seconds(began));
        let rows = device.store.tenant_rows(device.tenant, "prompt").await;
        assert_eq!(rows.expect("the store works").len(), ROWS);
        device.stop().await;
        bare.push(download(backend, &org).await);
    }
    report.add(Figure {
        what: format!("first sync of {ROWS} rows"),
        unit: "s",
        berth: median(&berth),
        bare: Some(median(&bare)),
        limit: Some(Limit::AtMost(2.0)),
        note: format!(
            "from PostgREST into the local store, median of {FIRSTS}, by turns; bare: the same pages of {PAGE} rows \
             over HTTP, thrown away"
        ),
    });
}

/// Seconds that it takes to download all that a first sync does.
async fn download(backend: &Backend, org: &Organization) -> f64 {
    let http = reqwest::Client::builder().no_proxy().build();
    let http = http.expect("an HTTP client can be made");
    let url = format!("{}/rpc/sync_pull", backend.root());
    let token = Token::of(org.user.id).signed();
    let began = Instant::now();
    let (mut since, mut known) = (0, None::<String>);
    loop {
        let wanted = json!({"org": org.id, "since": since, "token": known, "size": PAGE});
        let request = http.post(&url).bearer_auth(&token).json(&wanted);
        let answer = request.send().await.expect("the backend answers");
        let body = answer.bytes().await.expect("the answer comes");
        let page: Page = serde_json::from_slice(&body).expect("it is a page");
        if !page.more {
            return seconds(began);
        }
        (since, known) = (page.rev, Some(page.token));
    }
}

/// Measures an edit of one client until another has it: when the backend tells of it over Realtime, and when nothing
/// does.
///
/// The message of the database takes the place of its log, from which the real Realtime reads; all else between the two
/// clients is what an engine has. One that is not told looks by itself, as [`Pace`] says.
pub async fn measure_edits(report: &mut Report, project: &Project) {
    let org = project.backend.organization("acme").await;
    let one = client(&project.root(), &org, org.admin.id).await;
    let other = client(&project.root(), &org, org.user.id).await;
    for client in [&one, &other] {
        client.until("it listens", |state| state.listening).await;
    }
    let pace = Pace::default();
    let (mut berth, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..EDITS {
        // What was done by hand has been told too.
        one.settled().await;
        other.settled().await;
        let began = Instant::now();
        let id = one.add_prompt(words()).await;
        one.sync().wake(Wake::Edited);
        seen(&other, id).await;
        berth.push(seconds(began));
        bare.push(by_hand(&org).await);
    }
    report.add(Figure {
        what: "an edit at a second client that the backend tells, p95".to_owned(),
        unit: "s",
        berth: percentile(&berth, 0.95),
        bare: Some(percentile(&bare, 0.95)),
        limit: Some(Limit::AtMost(1.0)),
        note: format!(
            "from the edit to the other one's store, {EDITS} edits, by turns; the database tells, a stand-in for Realtime \
             passes that on (NOTIFY, WebSocket), and the other one asks up to {} ms later; bare: one push and one pull",
            pace.told.as_millis()
        ),
    });

    // PostgREST's own address has no Realtime. It has just asked, so that a whole pause lies before the next time.
    let untold = client(&project.backend.root(), &org, org.user.id).await;
    let began = Instant::now();
    let id = sent(&one).await;
    seen(&untold, id).await;
    report.add(Figure {
        what: "the same when nothing tells it".to_owned(),
        unit: "s",
        berth: seconds(began),
        bare: None,
        limit: None,
        note: format!(
            "one edit, made just after the other one has asked; it asks every {} s ± {:.0} % by itself",
            pace.every.as_secs(),
            pace.spread * 100.0
        ),
    });
}

/// A client that asks as often as an engine does, and has what there is.
async fn client(root: &str, org: &Organization, person: Uuid) -> Device {
    let mut device = Device::new(root, org.id, person).await;
    device.pace = Pace::default();
    device.start().await;
    device.settled().await;
    device
}

/// Adds a prompt for all, and waits until the backend has it.
async fn sent(device: &Device) -> Uuid {
    let before = device.state().rounds;
    let id = device.add_prompt(words()).await;
    device.sync().wake(Wake::Edited);
    device
        .until("it is sent", |state| {
            state.rounds > before && state.waiting == 0
        })
        .await;
    id
}

/// Waits until a client has a prompt.
async fn seen(device: &Device, id: Uuid) {
    let mut state = device.sync().state();
    let look = async {
        while device.prompt(id).await.is_none() {
            state.changed().await.expect("the sync runs");
        }
    };
    let in_time = tokio::time::timeout(LIMIT, look).await;
    in_time.expect("it is seen in time");
}

/// Seconds that the two calls take which bring an edit from one client to the other.
async fn by_hand(org: &Organization) -> f64 {
    let head = org.user.call("sync_head", json!({"org": org.id})).await;
    let head = head.ok();
    let added = addition("prompt", Uuid::now_v7(), words());
    let push = json!({"org": org.id, "device": Uuid::now_v7(), "mutations": [added]});
    let pull = json!({"org": org.id, "since": head["rev"], "token": head["token"], "size": PAGE});
    let began = Instant::now();
    let pushed = org.admin.call("sync_push", push).await.rows();
    let pulled = org.user.call("sync_pull", pull).await.ok();
    let took = seconds(began);
    assert_eq!(pushed[0]["status"], "applied");
    assert_eq!(pulled["changes"].as_array().map(Vec::len), Some(1));
    took
}

fn words() -> Value {
    json!({"scope": "organization", "name": "Rules", "content": "Review each change. ".repeat(12)})
}

fn seconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64()
}
