//! What erasing a person leaves.

use berth_tests::tenant::{Backend, addition};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Rows, prompt, push};

#[tokio::test]
async fn erasing_somebody_leaves_a_chain_that_verifies_and_nothing_that_tells_who_they_were() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let second = backend
        .member(org.id, &org.admin, "second@acme.example", "admin")
        .await;
    // What they have written for the organization stays.
    let shared = Uuid::now_v7();
    push(
        &second,
        org.id,
        &[addition("prompt", shared, prompt("organization", "kept"))],
    )
    .await;
    let head = org
        .admin
        .call("sync_head", json!({"org": org.id}))
        .await
        .ok();
    let people = org
        .admin
        .call("audit_people", json!({"org": org.id}))
        .await
        .rows();
    assert_eq!(people.len(), 3);

    let oneself = second
        .call("request_erasure", json!({"org": org.id}))
        .await
        .ok();
    let refused = second
        .call("perform_erasure", json!({"request": oneself}))
        .await;
    assert_eq!((refused.status, refused.refusal()), (409, "erasure.self"));
    for request in [&oneself, &rows.erasure] {
        org.admin
            .call("perform_erasure", json!({"request": request}))
            .await
            .ok();
        // Once more is once.
        org.admin
            .call("perform_erasure", json!({"request": request}))
            .await
            .ok();
    }

    let verified = org
        .admin
        .call("audit_verify", json!({"org": org.id}))
        .await
        .ok();
    assert_eq!(verified["valid"], true, "{verified}");
    let people = org
        .admin
        .call("audit_people", json!({"org": org.id}))
        .await
        .rows();
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["user_id"], json!(org.admin.id));
    let kept = org
        .admin
        .get(&format!("system_prompts?id=eq.{shared}"))
        .await
        .rows();
    assert_eq!(
        (&kept[0]["name"], &kept[0]["author"]),
        (&json!("kept"), &Value::Null)
    );

    // Nothing names them but the membership that ended, which no event refers to.
    let tables = backend
        .cluster
        .ask("select oid::regclass::text from pg_class where relkind in ('r', 'p') \
            and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'audit'::regnamespace)")
        .await;
    for table in tables {
        let found = format!(
            "select count(*)::text from {table} as t where to_jsonb(t)::text ~ '{}|{}|second@|user@acme'",
            org.user.id, second.id
        );
        let found = backend.cluster.ask(&found).await.remove(0);
        let expected = match table.as_str() {
            "memberships" | "profiles" | "public.memberships" | "public.profiles" => "2",
            _ => "0",
        };
        assert_eq!(found, expected, "{table}");
    }
    let left = backend
        .cluster
        .ask(&format!(
            "select concat(display_name, email) from public.profiles where id in ('{}', '{}')",
            org.user.id, second.id
        ))
        .await;
    assert_eq!(left, ["", ""]);

    // Copies on other devices begin anew.
    let pull = json!({"org": org.id, "since": head["rev"], "token": head["token"]});
    assert_eq!(
        org.admin.call("sync_pull", pull).await.ok(),
        json!({"reset": true})
    );
    let gone = org.user.call("sync_head", json!({"org": org.id})).await;
    assert_eq!(gone.refusal(), "org.not_member");
}

#[tokio::test]
async fn what_somebody_has_asked_for_others_does_not_name_them_once_they_are_erased() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let second = backend
        .member(org.id, &org.admin, "second@acme.example", "admin")
        .await;
    let of_user = json!({"org": org.id, "person": org.user.id});
    let for_user = second.call("request_erasure", of_user).await.ok();
    let of_second = json!({"org": org.id, "person": second.id});
    let for_second = org.admin.call("request_erasure", of_second).await.ok();
    org.admin
        .call("perform_erasure", json!({"request": for_second}))
        .await
        .ok();

    let named = format!(
        "select count(*)::text from public.erasure_requests as t where to_jsonb(t)::text ~ '{}'",
        second.id
    );
    assert_eq!(backend.cluster.ask(&named).await, ["0"]);
    // The request itself is still one.
    org.admin
        .call("perform_erasure", json!({"request": for_user}))
        .await
        .ok();
    let people = org.admin.call("audit_people", json!({"org": org.id})).await;
    assert_eq!(people.rows().len(), 1);
}

#[tokio::test]
async fn what_others_have_attached_to_somebodys_servers_does_not_stop_their_erasure() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let (attached, kept) = (Uuid::now_v7(), Uuid::now_v7());
    let login = |server: Uuid| {
        json!({"mcp_configuration_id": server, "issuer": "https://a.example",
            "signed_in_at": "2026-11-28T12:00:00Z"})
    };
    let logins = [
        addition("mcp_oauth", attached, login(rows.user_server)),
        addition("mcp_oauth", kept, login(rows.org_server)),
    ];
    push(&org.admin, org.id, &logins).await;
    org.admin
        .call("perform_erasure", json!({"request": rows.erasure}))
        .await
        .ok();
    let left = backend.cluster.ask("select id::text from public.mcp_oauth");
    assert_eq!(left.await, [kept.to_string()]);
}
