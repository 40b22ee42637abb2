//! Many who write at once: nothing is lost, nothing is done twice, and nobody who reads meanwhile misses anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use berth_tests::{
    cable::Cable,
    tenant::{Backend, Caller, addition},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::session;

/// Clients that write at once.
const WRITERS: usize = 8;

/// Pushes of each, and changes in each push: 10,000 changes in all.
const PUSHES: usize = 25;
const CHANGES: usize = 50;

/// Reads page after page until it has seen so many sessions; what it saw, by id, and how often.
async fn follow(caller: Caller, org: Uuid, wanted: usize) -> BTreeMap<Uuid, usize> {
    let (mut since, mut token) = (json!(0), Value::Null);
    let mut seen = BTreeMap::new();
    while seen.len() < wanted {
        let request = json!({"org": org, "since": since, "token": token});
        let page = caller.call("sync_pull", request).await.ok();
        for change in page["changes"].as_array().expect("there is a page") {
            if change["kind"] == "session" {
                let id = serde_json::from_value(change["id"].clone()).expect("it is an id");
                *seen.entry(id).or_default() += 1;
            }
        }
        (since, token) = (page["rev"].clone(), page["token"].clone());
    }
    seen
}

async fn write(caller: Caller, org: Uuid) -> Vec<Uuid> {
    let mut written = Vec::new();
    for _ in 0..PUSHES {
        let batch: Vec<Value> = (0..CHANGES)
            .map(|_| addition("session", Uuid::now_v7(), session()))
            .collect();
        crate::push(&caller, org, &batch).await;
        let ids = batch.iter().map(|mutation| mutation["entity_id"].clone());
        written.extend(ids.map(|id| serde_json::from_value::<Uuid>(id).expect("it is an id")));
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_changes_of_eight_writers_a_reader_sees_each_exactly_once() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let total = WRITERS * PUSHES * CHANGES;
    let reader = tokio::spawn(follow(org.admin.clone(), org.id, total));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let email = format!("{number}@acme.example");
        let member = backend.member(org.id, &org.admin, &email, "user").await;
        writers.spawn(write(member, org.id));
    }
    let written: BTreeSet<Uuid> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!(written.len(), total);
    let seen = reader.await.expect("the reader ends");
    assert!(
        seen.values().all(|&times| times == 1),
        "a change came twice"
    );
    assert_eq!(seen.into_keys().collect::<BTreeSet<_>>(), written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_repeated_over_a_line_that_is_cut_is_done_once() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let mut written = BTreeSet::new();
    for round in 0..24 {
        let batch: Vec<Value> = (0..10)
            .map(|_| addition("session", Uuid::now_v7(), session()))
            .collect();
        let ids = batch.iter().map(|mutation| mutation["entity_id"].clone());
        written.extend(ids.map(|id| serde_json::from_value::<Uuid>(id).expect("it is an id")));
        let request = json!({"org": org.id, "device": Uuid::now_v7(), "mutations": batch});
        // The line is cut somewhere under way, each time later: whether the request has arrived, nobody knows.
        let cable = Cable::plug_in(backend.port()).await;
        let far = org.user.through(cable.address);
        let sent = far.attempt(Method::POST, "rpc/sync_push", Some(request.clone()));
        let cut = async {
            tokio::time::sleep(Duration::from_millis(round * 2)).await;
            cable.cut().await;
        };
        let (_, ()) = tokio::join!(sent, cut);
        let results = org.user.call("sync_push", request).await.rows();
        assert!(
            results.iter().all(|result| result["status"] == "applied"),
            "{results:?}"
        );
    }
    let seen = follow(org.user.clone(), org.id, written.len()).await;
    assert!(seen.values().all(|&times| times == 1));
    assert_eq!(seen.into_keys().collect::<BTreeSet<_>>(), written);
    let rows = backend
        .cluster
        .ask("select count(*)::text from public.user_sessions")
        .await;
    assert_eq!(rows, [written.len().to_string()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_admins_who_demote_each_other_at_once_leave_one() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    for round in 0..10 {
        let email = format!("second{round}@acme.example");
        let second = backend.member(org.id, &org.admin, &email, "admin").await;
        let demote = |member: Uuid| json!({"org": org.id, "member": member, "role": "user"});
        let (one, other) = tokio::join!(
            org.admin.call("change_role", demote(second.id)),
            second.call("change_role", demote(org.admin.id)),
        );
        let path = format!(
            "memberships?org_id=eq.{}&role=eq.admin&deleted_at=is.null",
            org.id
        );
        let admins = org.user.get(&path).await.rows();
        assert!(!admins.is_empty(), "{one:?} {other:?}");
        // Whoever is left makes the first admin what they were.
        let restore = json!({"org": org.id, "member": org.admin.id, "role": "admin"});
        if admins
            .iter()
            .all(|admin| admin["user_id"] != json!(org.admin.id))
        {
            second.call("change_role", restore).await.ok();
        }
        let removed = json!({"org": org.id, "member": second.id});
        org.admin.call("remove_member", removed).await.ok();
    }
}
