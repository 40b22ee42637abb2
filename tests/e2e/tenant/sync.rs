//! Sync as one client sees it: what arrives, and when a copy must begin anew.

use berth_tests::tenant::{Backend, addition, removal};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Rows, push, session};

async fn pull(
    caller: &berth_tests::tenant::Caller,
    org: Uuid,
    since: &Value,
    token: &Value,
) -> Value {
    let request = json!({"org": org, "since": since, "token": token});
    caller.call("sync_pull", request).await.ok()
}

/// Everything, from the beginning.
async fn all(caller: &berth_tests::tenant::Caller, org: Uuid) -> Value {
    pull(caller, org, &json!(0), &Value::Null).await
}

fn ids(page: &Value, kind: &str) -> Vec<Uuid> {
    let changes = page["changes"].as_array().expect("there is a page");
    let of_kind = changes.iter().filter(|change| change["kind"] == kind);
    of_kind
        .map(|change| serde_json::from_value(change["id"].clone()).expect("it is an id"))
        .collect()
}

#[tokio::test]
async fn a_member_pulls_what_they_may_see_and_nothing_else() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let of_user = all(&org.user, org.id).await;
    let of_admin = all(&org.admin, org.id).await;
    assert_eq!(ids(&of_user, "prompt"), [rows.org_prompt, rows.user_prompt]);
    assert_eq!(ids(&of_admin, "prompt"), [rows.org_prompt]);
    assert_eq!(ids(&of_user, "workspace"), [rows.workspace]);
    assert!(ids(&of_admin, "workspace").is_empty());
    assert!(ids(&of_user, "invitation").is_empty());
    for kind in ["organization", "policy"] {
        assert_eq!(ids(&of_user, kind).len(), 1, "{kind}");
    }
    let members = ids(&of_user, "membership");
    assert_eq!(members.len(), 2);
    assert!(
        members.iter().all(|id| id.get_version_num() == 7),
        "what the server makes is ordered as what clients make: {members:?}"
    );
    // The names are those of the local store and its wire.
    let prompt = of_user["changes"]
        .as_array()
        .expect("a page")
        .iter()
        .find(|change| change["id"] == json!(rows.user_prompt))
        .expect("it is there");
    let mut row = prompt["row"].clone();
    row["id"] = prompt["id"].clone();
    let read: berth_protocol::SystemPrompt = serde_json::from_value(row).expect("it is a prompt");
    assert_eq!((read.version, read.name.as_str()), (1, "mine"));
    let server = of_user["changes"]
        .as_array()
        .expect("a page")
        .iter()
        .find(|change| change["id"] == json!(rows.user_server))
        .expect("it is there");
    serde_json::from_value::<berth_protocol::McpConfiguration>(server["row"].clone())
        .expect("it is a server");

    let after = pull(&org.user, org.id, &of_user["rev"], &of_user["token"]).await;
    assert_eq!(after["changes"], json!([]));
}

#[tokio::test]
async fn a_page_never_splits_what_was_done_at_once() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    for _ in 0..3 {
        let batch: Vec<Value> = (0..10)
            .map(|_| addition("session", Uuid::now_v7(), session()))
            .collect();
        push(&org.user, org.id, &batch).await;
    }
    let (mut since, mut token, mut seen) = (json!(0), Value::Null, 0);
    loop {
        let request = json!({"org": org.id, "since": since, "token": token, "size": 4});
        let page = org.user.call("sync_pull", request).await.ok();
        let sessions = ids(&page, "session").len();
        assert!(sessions.is_multiple_of(10), "{sessions}");
        seen += sessions;
        (since, token) = (page["rev"].clone(), page["token"].clone());
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, 30);
}

#[tokio::test]
async fn tombstones_arrive_and_whoever_was_away_when_they_went_begins_anew() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let id = Uuid::now_v7();
    push(&org.user, org.id, &[addition("session", id, session())]).await;
    let away = all(&org.user, org.id).await;
    let base = away["rev"].as_i64().expect("it has a revision");
    push(&org.user, org.id, &[removal("session", id, base)]).await;
    let here = pull(&org.user, org.id, &away["rev"], &away["token"]).await;
    assert_eq!(
        (&here["changes"][0]["id"], &here["changes"][0]["deleted"]),
        (&json!(id), &json!(true))
    );
    // Something newer, so that the floor is below the head.
    push(
        &org.user,
        org.id,
        &[addition("session", Uuid::now_v7(), session())],
    )
    .await;

    let old = format!(
        "set session_replication_role = replica; \
        update public.user_sessions set deleted_at = now() - interval '91 days' where id = '{id}'"
    );
    backend.cluster.superuser(&old).await;
    backend
        .cluster
        .superuser("select public.sync_purge(90)")
        .await;
    assert_eq!(
        pull(&org.user, org.id, &away["rev"], &away["token"]).await,
        json!({"reset": true})
    );
    // Who had the tombstone goes on, and who begins anew comes through in small pages too.
    let on = pull(&org.user, org.id, &here["rev"], &here["token"]).await;
    assert_eq!(ids(&on, "session").len(), 1);
    let (mut since, mut token) = (json!(0), Value::Null);
    loop {
        let request = json!({"org": org.id, "since": since, "token": token, "size": 1});
        let page = org.user.call("sync_pull", request).await.ok();
        assert!(page.get("reset").is_none(), "{page}");
        (since, token) = (page["rev"].clone(), page["token"].clone());
        if page["more"] == false {
            break;
        }
    }
}

#[tokio::test]
async fn a_change_of_rights_holds_at_the_next_request_and_makes_the_copy_begin_anew() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    Rows::fill(&org).await;
    let before = all(&org.user, org.id).await;
    let promoted = json!({"org": org.id, "member": org.user.id, "role": "admin"});
    org.admin.call("change_role", promoted).await.ok();
    assert_eq!(
        pull(&org.user, org.id, &before["rev"], &before["token"]).await,
        json!({"reset": true})
    );
    let now = all(&org.user, org.id).await;
    assert_eq!(
        ids(&now, "invitation").len(),
        2,
        "an admin sees invitations"
    );

    // The token lives on; the membership does not.
    let removed = json!({"org": org.id, "member": org.user.id});
    org.admin.call("remove_member", removed).await.ok();
    for (function, more) in [
        ("sync_head", json!({})),
        ("sync_pull", json!({})),
        (
            "sync_push",
            json!({"device": Uuid::now_v7(), "mutations": []}),
        ),
    ] {
        let mut request = more;
        request["org"] = json!(org.id);
        let reply = org.user.call(function, request).await;
        assert_eq!(
            (reply.status, reply.refusal()),
            (403, "org.not_member"),
            "{function}"
        );
    }
    assert!(org.user.get("system_prompts").await.rows().is_empty());
    // A restored backup is another history.
    backend
        .cluster
        .superuser("update private.org_clock set epoch = epoch + 1")
        .await;
    let held = all(&org.admin, org.id).await;
    backend
        .cluster
        .superuser("update private.org_clock set epoch = epoch + 1")
        .await;
    assert_eq!(
        pull(&org.admin, org.id, &held["rev"], &held["token"]).await,
        json!({"reset": true})
    );
    let ahead = pull(&org.admin, org.id, &json!(1_000_000), &held["token"]).await;
    assert_eq!(ahead, json!({"reset": true}));
}

#[tokio::test]
async fn global_prompts_reach_everybody_and_only_the_service_writes_them() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let stranger = backend.person("stranger@example.org").await;
    let id = Uuid::now_v7();
    let row = json!({"id": id, "scope": "global", "name": "all", "content": "words"});
    for caller in [&org.admin, &stranger] {
        let reply = caller
            .send(Method::POST, "system_prompts", Some(row.clone()))
            .await;
        assert_eq!(reply.refusal(), "42501");
    }
    let token = berth_tests::tenant::Token::of(org.admin.id)
        .with("role", "service_role")
        .signed();
    let service = backend.caller(Some(token));
    service
        .send(Method::POST, "system_prompts", Some(row))
        .await
        .rows();
    for caller in [&org.admin, &org.user, &stranger] {
        assert_eq!(ids(&all(caller, Uuid::nil()).await, "prompt"), [id]);
    }
    assert_eq!(
        backend
            .caller(None)
            .call("sync_pull", json!({"org": Uuid::nil()}))
            .await
            .refusal(),
        "42501"
    );
}
