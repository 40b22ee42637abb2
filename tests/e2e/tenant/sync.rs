//! Sync as one client sees it: what arrives, and when a copy must begin anew.

use std::time::Duration;

use berth_tests::{
    LIMIT,
    tenant::{Backend, Caller, addition, change as change_of, removal},
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use crate::{Rows, attempt, prompt, push, session};

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
    backend
        .service()
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

async fn add_global(service: &Caller, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    let row = json!({"id": id, "scope": "global", "name": name, "content": "words"});
    let added = service.send(Method::POST, "system_prompts", Some(row));
    added.await.rows();
    id
}

async fn change_global(service: &Caller, id: Uuid, fields: Value) {
    let path = format!("system_prompts?id=eq.{id}");
    let changed = service
        .send(Method::PATCH, &path, Some(fields))
        .await
        .rows();
    assert_eq!(changed.len(), 1);
}

#[tokio::test]
async fn global_prompts_come_with_every_organization_in_the_order_of_its_changes() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let service = backend.service();
    let early = add_global(&service, "early").await;
    let org = backend.organization("acme").await;
    let other = backend.organization("globex").await;
    let first = all(&org.user, org.id).await;
    assert_eq!(ids(&first, "prompt"), [early]);

    // Beside what the organization itself changes, whichever of the two came first.
    let late = add_global(&service, "late").await;
    let house = Uuid::now_v7();
    let added = addition("prompt", house, prompt("organization", "house"));
    push(&org.admin, org.id, &[added]).await;
    change_global(&service, early, json!({"content": "newer"})).await;
    // What changes nothing is none.
    let head = org
        .user
        .call("sync_head", json!({"org": org.id}))
        .await
        .ok();
    change_global(&service, early, json!({"content": "newer"})).await;
    let same = org
        .user
        .call("sync_head", json!({"org": org.id}))
        .await
        .ok();
    assert_eq!(same, head);
    let second = pull(&org.user, org.id, &first["rev"], &first["token"]).await;
    assert_eq!(ids(&second, "prompt"), [late, house, early]);
    assert_eq!(second["rev"], head["rev"]);
    let change = &second["changes"][2];
    assert_eq!(change["row"]["scope"], "global");
    assert_eq!(change["row"]["content"], "newer");
    assert_eq!(change["row"]["version"], 2);
    assert_eq!(change["row"]["rev"], change["rev"]);
    // In small pages too, and to everybody of every organization.
    let (mut since, mut token, mut seen) = (json!(0), Value::Null, Vec::new());
    loop {
        let request = json!({"org": other.id, "since": since, "token": token, "size": 1});
        let page = other.user.call("sync_pull", request).await.ok();
        seen.extend(ids(&page, "prompt"));
        (since, token) = (page["rev"].clone(), page["token"].clone());
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, [late, early]);
    // Nobody of them changes one, whichever way.
    let base = second["rev"].as_i64().expect("it is a number");
    let edits = [
        change_of("prompt", early, base, json!({"content": "mine"})),
        removal("prompt", early, base),
    ];
    for result in attempt(&org.admin, org.id, &edits).await {
        assert_eq!(result["code"], "sync.not_found", "{result}");
    }
}

#[tokio::test]
async fn global_prompts_that_go_are_told_and_whoever_was_away_begins_anew() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let service = backend.service();
    let (one, two) = (
        add_global(&service, "one").await,
        add_global(&service, "two").await,
    );
    let org = backend.organization("acme").await;
    let away = all(&org.user, org.id).await;
    assert_eq!(ids(&away, "prompt").len(), 2);
    let gone = json!({"deleted_at": "2026-11-29T10:00:00Z"});
    change_global(&service, one, gone).await;
    let here = pull(&org.user, org.id, &away["rev"], &away["token"]).await;
    assert_eq!(
        (&here["changes"][0]["id"], &here["changes"][0]["deleted"]),
        (&json!(one), &json!(true))
    );
    // An organization that comes later has never had it.
    let later = backend.organization("later").await;
    assert_eq!(ids(&all(&later.user, later.id).await, "prompt"), [two]);

    let old = format!(
        "set session_replication_role = replica; \
        update public.system_prompts set deleted_at = now() - interval '91 days' where id = '{one}'"
    );
    backend.cluster.superuser(&old).await;
    let purge = "select public.sync_purge(90)";
    backend.cluster.superuser(purge).await;
    let reset = json!({"reset": true});
    let late = pull(&org.user, org.id, &away["rev"], &away["token"]).await;
    assert_eq!(late, reset, "it has not seen that one is gone");
    let on = pull(&org.user, org.id, &here["rev"], &here["token"]).await;
    assert_eq!(on["changes"], json!([]));

    // One that goes without a tombstone was seen by everybody.
    let path = format!("system_prompts?id=eq.{two}");
    service.send(Method::DELETE, &path, None).await.rows();
    let late = pull(&org.user, org.id, &on["rev"], &on["token"]).await;
    assert_eq!(late, reset);
    assert!(ids(&all(&org.user, org.id).await, "prompt").is_empty());
}

/// Waits until one transaction waits for another.
async fn one_waits(backend: &Backend) {
    let waits = "select count(*)::text from pg_stat_activity where wait_event_type = 'Lock'";
    let is_waiting = async {
        while backend.cluster.ask(waits).await != ["1"] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, is_waiting).await;
    assert!(in_time.is_ok(), "neither waits for the other");
}

#[tokio::test]
async fn an_organization_that_is_founded_while_a_global_prompt_comes_has_it() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let founder = backend.person("founder@acme.example").await;
    let id = Uuid::now_v7();
    let connection = backend.cluster.connect("supabase_admin").await;
    let mut connection = connection.expect("the server takes connections");
    let mut held = connection.begin().await.expect("a transaction can begin");
    let add = format!(
        "insert into public.system_prompts (id, scope, name, content) values ('{id}', 'global', 'all', 'words')"
    );
    let added = sqlx::raw_sql(AssertSqlSafe(add.as_str()))
        .execute(&mut *held)
        .await;
    added.expect("it can be added");
    let founding = tokio::spawn(async move {
        let org = founder.found("acme").await;
        (founder, org)
    });
    one_waits(&backend).await;
    held.commit().await.expect("it can be added");
    let (founder, org) = founding.await.expect("it goes on");
    assert_eq!(ids(&all(&founder, org).await, "prompt"), [id]);
}

#[tokio::test]
async fn whoever_is_renamed_and_who_changes_a_global_prompt_never_wait_for_each_other_crosswise() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let first = backend.organization("acme").await;
    let second = backend.organization("globex").await;
    assert!(first.id < second.id);
    // Their rows stand the other way around.
    let email = "both@acme.example";
    let person = backend
        .member(second.id, &second.admin, email, "user")
        .await;
    person.join(first.id, &first.admin, email, "user").await;

    // The clocks one by one, in the order in which a global prompt takes them.
    let connection = backend.cluster.connect("supabase_admin").await;
    let mut connection = connection.expect("the server takes connections");
    let mut held = connection.begin().await.expect("a transaction can begin");
    let [one, other] =
        [&first, &second].map(|org| format!("select private.next_rev('{}')", org.id));
    let taken = sqlx::raw_sql(AssertSqlSafe(one.as_str()))
        .execute(&mut *held)
        .await;
    taken.expect("nobody has it");
    let renamed = tokio::spawn(async move {
        let path = format!("profiles?id=eq.{}", person.id);
        let name = json!({"display_name": "Una"});
        person.send(Method::PATCH, &path, Some(name)).await
    });
    one_waits(&backend).await;
    let taken = sqlx::raw_sql(AssertSqlSafe(other.as_str()))
        .execute(&mut *held)
        .await;
    taken.expect("who waits for the first has not taken the second");
    held.commit().await.expect("nothing is in its way");
    let rows = renamed.await.expect("it goes on").rows();
    assert_eq!(rows[0]["display_name"], "Una");
}
