//! A backend that is none, or no longer one: nothing of it is taken, nothing here is lost, and somebody sees why.

use berth_protocol::{
    Code,
    tenant::{SyncState, SyncStatus},
};
use berth_tests::tenant::{Asked, Device, Pretender};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::prompt;

fn head(rev: i64) -> (u16, String) {
    let head = json!({"rev": rev, "token": "1.1.0", "schema": 1});
    (200, head.to_string())
}

fn page(rev: i64, changes: Value) -> (u16, String) {
    let page = json!({"rev": rev, "token": "1.1.0", "more": false, "changes": changes});
    (200, page.to_string())
}

/// An installation that has one prompt to send and has looked once.
async fn meets(
    say: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
) -> (Pretender, Device, SyncState) {
    let pretender = Pretender::new(say).await;
    let mut device = Device::new(&pretender.root, Uuid::now_v7(), Uuid::now_v7()).await;
    device.add_prompt(prompt("user", "mine")).await;
    device.start().await;
    let state = device.until("a round", |state| state.rounds > 0).await;
    (pretender, device, state)
}

fn stale(state: &SyncState) -> Code {
    match &state.status {
        SyncStatus::Stale { code, .. } => *code,
        other => panic!("not stale: {other:?}"),
    }
}

/// Nothing was taken in, and what waits still waits.
async fn is_untouched(device: &Device) {
    let known = device.store.organization(device.tenant).await;
    let known = known.expect("the store works").expect("it is there");
    assert_eq!((known.cursor.rev, known.fresh_at), (0, None));
    assert_eq!(device.mutations().await.len(), 1);
    let prompts = device.store.tenant_rows(device.tenant, "prompt").await;
    assert_eq!(prompts.expect("the store works").len(), 1);
}

#[tokio::test]
async fn a_page_of_ten_megabytes_is_not_taken_and_smaller_ones_are_asked_for() {
    let (pretender, device, state) = meets(|asked| match asked.function.as_str() {
        "sync_head" => head(3),
        _ => (200, format!("\"{}\"", "x".repeat(10_000_000))),
    })
    .await;
    assert_eq!(stale(&state), Code::TenantProtocol);
    is_untouched(&device).await;
    let sizes: Vec<_> = (pretender.asked().iter())
        .filter(|asked| asked.function == "sync_pull")
        .map(|asked| asked.arguments["size"].clone())
        .take(6)
        .collect();
    assert_eq!(sizes[..5], [500, 125, 31, 7, 1].map(|size| json!(size)));
}

#[tokio::test]
async fn a_page_that_is_too_large_as_a_whole_arrives_in_parts() {
    let (_pretender, device, _) = meets(|asked| {
        let since = asked.arguments["since"].as_i64().unwrap_or_default();
        let size = asked.arguments["size"].as_i64().unwrap_or_default();
        match asked.function.as_str() {
            "sync_head" => head(10),
            "sync_pull" => {
                let last = (since + size).min(10);
                let words = "x".repeat(700_000);
                let changes: Vec<_> = (since + 1..=last)
                    .map(|rev| {
                        json!({"kind": "prompt", "id": Uuid::from_u128(rev as u128), "rev": rev,
                            "deleted": false, "row": {"name": "a", "scope": "user", "content": words}})
                    })
                    .collect();
                let page = json!({"rev": last, "token": "1.1.0", "more": last < 10, "changes": changes});
                (200, page.to_string())
            }
            _ => (500, String::new()),
        }
    })
    .await;
    let known = device.store.organization(device.tenant).await;
    let known = known.expect("the store works").expect("it is there");
    assert_eq!(known.cursor.rev, 10);
    let prompts = device.store.tenant_rows(device.tenant, "prompt").await;
    assert_eq!(prompts.expect("the store works").len(), 11);
}

#[tokio::test]
async fn what_is_not_understood_is_not_taken() {
    for body in [
        "",
        "<html>",
        "[]",
        "null",
        r#"{"reset": false}"#,
        r#"{"rev": 3, "token": "1.1.0", "more": true, "changes": []}"#,
        r#"{"rev": "3", "token": "1.1.0", "more": false, "changes": []}"#,
        r#"{"rev": 3, "token": "1.1.0", "more": false, "changes": [{"kind": "prompt"}]}"#,
        r#"{"rev": 3, "token": "1.1.0", "more": false, "changes": [{"kind": "prompt",
            "id": "019a0000-0000-7000-8000-000000000001", "rev": 9, "deleted": false, "row": {}}]}"#,
    ] {
        let (_pretender, device, state) = meets(move |asked| match asked.function.as_str() {
            "sync_head" => head(3),
            _ => (200, body.to_owned()),
        })
        .await;
        is_untouched(&device).await;
        assert_eq!(stale(&state), Code::TenantProtocol, "{body}");
    }
}

#[tokio::test]
async fn another_schema_is_seen_and_nothing_is_asked_of_it() {
    for schema in [0, 2] {
        let (pretender, device, state) = meets(move |asked| match asked.function.as_str() {
            "sync_head" => (
                200,
                json!({"rev": 3, "token": "1.1.0", "schema": schema, "more": 1}).to_string(),
            ),
            _ => page(3, json!([])),
        })
        .await;
        let backend = Some(schema);
        assert_eq!(state.status, SyncStatus::Schema { backend, known: 1 });
        is_untouched(&device).await;
        assert_eq!(pretender.asked().len(), 1);
    }
    // Half of a schema: a function is missing.
    let (_pretender, device, state) = meets(|_| {
        let body = json!({"code": "PGRST202", "details": null, "message": "no such function"});
        (404, body.to_string())
    })
    .await;
    let backend = None;
    assert_eq!(state.status, SyncStatus::Schema { backend, known: 1 });
    is_untouched(&device).await;
}

#[tokio::test]
async fn kinds_and_fields_that_are_not_known_are_kept_and_stop_nothing() {
    let id = Uuid::now_v7();
    let (_pretender, device, _) = meets(move |asked| match asked.function.as_str() {
        "sync_head" => head(3),
        "sync_pull" => page(
            3,
            json!([
                {"kind": "hologram", "id": id, "rev": 2, "deleted": false, "row": {"shine": 1}},
                {"kind": "prompt", "id": id, "rev": 3, "deleted": false, "extra": 1,
                 "row": {"name": "a", "scope": "user", "content": "b", "mood": "good"}},
            ]),
        ),
        _ => (500, String::new()),
    })
    .await;
    assert_eq!(device.field(id, "name").await, "a");
    let holograms = device.store.tenant_rows(device.tenant, "hologram").await;
    assert_eq!(holograms.expect("the store works")[0].row["shine"], 1);
}

#[tokio::test]
async fn who_is_only_before_the_backend_ends_no_membership_and_gets_no_token_elsewhere() {
    for (status, body) in [
        (403, "<html>org.not_member</html>"),
        (404, "not here"),
        (302, ""),
        (511, "sign in to this network"),
    ] {
        let (pretender, device, state) = meets(move |_| (status, body.to_owned())).await;
        assert_eq!(stale(&state), Code::TenantUnavailable, "{status}");
        is_untouched(&device).await;
        assert_eq!(pretender.calls("elsewhere"), 0);
    }
}

#[tokio::test]
async fn a_backend_that_always_wants_a_new_copy_is_left_alone_for_a_while() {
    let (pretender, device, state) = meets(|asked| match asked.function.as_str() {
        "sync_head" => head(3),
        _ => (200, json!({"reset": true}).to_string()),
    })
    .await;
    assert_eq!(stale(&state), Code::TenantProtocol);
    is_untouched(&device).await;
    assert!(pretender.calls("sync_push") == 0);
}

#[tokio::test]
async fn a_backend_that_is_overloaded_says_how_long_it_wants_to_be_left_alone() {
    let (_pretender, device, state) = meets(|_| (429, String::new())).await;
    assert_eq!(stale(&state), Code::TenantUnavailable);
    // It comes back by itself: the pauses of the test are short.
    device
        .until("it is asked again", |state| state.rounds > 2)
        .await;
    is_untouched(&device).await;
}

#[tokio::test]
async fn a_push_that_is_refused_as_a_whole_parks_the_change_that_is_meant_and_no_other() {
    let pretender = Pretender::new(|asked| match asked.function.as_str() {
        "sync_head" => head(0),
        "sync_pull" => page(0, json!([])),
        _ => {
            let mutations = asked.arguments["mutations"].as_array().cloned();
            let mutations = mutations.unwrap_or_default();
            let is_bad = |it: &Value| it["patch"]["name"] == "bad";
            if mutations.iter().any(is_bad) {
                let body =
                    json!({"code": "PT413", "details": "sync.too_large", "message": "too much"});
                return (413, body.to_string());
            }
            let answers: Vec<_> = (mutations.iter())
                .map(|it| json!({"id": it["id"], "status": "applied", "rev": 0}))
                .collect();
            (200, json!(answers).to_string())
        }
    })
    .await;
    let mut device = Device::new(&pretender.root, Uuid::now_v7(), Uuid::now_v7()).await;
    for name in ["one", "two", "bad", "three", "four"] {
        device.add_prompt(prompt("user", name)).await;
    }
    device.start().await;
    let state = device.until("a round", |state| state.rounds > 0).await;
    assert_eq!((state.parked, state.waiting), (1, 0));
    assert_eq!(state.parked_code.as_deref(), Some("sync.too_large"));
    let left = device.mutations().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].patch["name"], "bad");
}
