//! What the backend tells over Realtime, whom, and that no write depends on it.

use berth_tests::tenant::{Backend, Project, Token, addition, change};
use serde_json::json;
use uuid::Uuid;

use crate::{Rows, prompt, push, session};

/// All that was sent, in its order.
const SENT: &str =
    "select concat_ws(' ', topic, event, extension, private, payload) from realtime.messages
    order by inserted_at";

const POLICIES: &str = "select policyname::text from pg_policies where schemaname = 'realtime'";

#[tokio::test]
async fn a_revision_and_nothing_else_is_told_once_a_transaction_and_never_of_what_was_undone() {
    let Some(backend) = Backend::with_realtime().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let other = backend.organization("globex").await;
    let cluster = &backend.cluster;
    cluster.superuser("truncate realtime.messages").await;

    let add = |name: &str| addition("prompt", Uuid::now_v7(), prompt("organization", name));
    let first = push(&org.admin, org.id, &[add("a"), add("b"), add("c")]).await;
    let second = push(&other.admin, other.id, &[add("d")]).await;
    let undone = format!(
        "begin; select private.next_rev('{}'); rollback;
         select private.next_rev('{}'); select public.sync_purge(90);
         update private.org_clock set epoch = epoch + 1",
        org.id,
        Uuid::nil()
    );
    cluster.superuser(&undone).await;
    let told = |org: Uuid, rev: i64| format!("org:{org} moved broadcast t {{\"rev\": {rev}}}");
    let all = [told(org.id, first[0]), told(other.id, second[0])];
    assert_eq!(cluster.ask(SENT).await, all);

    // Whoever is let in, changed or removed moves the clock too.
    let removed = json!({"org": org.id, "member": org.user.id});
    org.admin.call("remove_member", removed).await.ok();
    let after = cluster.ask(SENT).await;
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(after[2].starts_with(&format!("org:{} ", org.id)));
}

#[tokio::test]
async fn what_a_machine_tells_of_its_user_moves_the_clock_and_wakes_nobody() {
    let Some(backend) = Backend::with_realtime().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let cluster = &backend.cluster;
    cluster.superuser("truncate realtime.messages").await;

    let id = Uuid::now_v7();
    let place = json!({"session_id": id, "kind": "worktree"});
    let signed_in = json!({
        "mcp_configuration_id": rows.org_server, "issuer": "https://words.example",
        "signed_in_at": "2026-11-28T12:00:00Z",
    });
    let begins = [
        addition("session", id, session()),
        addition("workspace", Uuid::now_v7(), place),
        addition("mcp_oauth", Uuid::now_v7(), signed_in),
    ];
    let begun = push(&org.user, org.id, &begins).await[0];
    let ends = [change("session", id, begun, json!({"phase": "exited"}))];
    let ended = push(&org.user, org.id, &ends).await[0];
    assert!(begun < ended, "a copy would miss it");
    assert_eq!(cluster.ask(SENT).await, Vec::<String>::new());

    // What others see is told, whatever comes with it and before it.
    let another = || addition("session", Uuid::now_v7(), session());
    let words = |name: &str| addition("prompt", Uuid::now_v7(), prompt("user", name));
    let behind = push(&org.user, org.id, &[another(), words("a"), another()]).await[0];
    let before = push(&org.user, org.id, &[words("b"), another()]).await[0];
    let told = |rev: i64| format!("org:{} moved broadcast t {{\"rev\": {rev}}}", org.id);
    assert_eq!(cluster.ask(SENT).await, [told(behind), told(before)]);
}

#[tokio::test]
async fn no_write_fails_because_of_what_becomes_of_telling() {
    let Some(backend) = Backend::with_realtime().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let raises = "create or replace function realtime.send(
            payload jsonb, event text, topic text, private boolean default true)
        returns void language plpgsql as $$ begin raise exception 'no partition is there'; end $$";
    for spoil in [
        raises,
        "revoke usage on schema realtime from postgres",
        "drop function realtime.send(jsonb, text, text, boolean)",
        "drop schema realtime cascade",
    ] {
        backend.cluster.superuser(spoil).await;
        let id = Uuid::now_v7();
        let added = addition("prompt", id, prompt("organization", "rules"));
        push(&org.admin, org.id, &[added]).await;
        let there = format!("select id::text from public.system_prompts where id = '{id}'");
        assert_eq!(backend.cluster.ask(&there).await.len(), 1, "{spoil}");
    }
}

#[tokio::test]
async fn members_may_listen_as_long_as_they_are_and_nobody_may_send() {
    let Some(project) = Project::with_realtime().await else {
        return;
    };
    let (backend, realtime) = (&project.backend, project.realtime());
    let org = backend.organization("acme").await;
    let other = backend.organization("globex").await;
    let stranger = backend.person("stranger@example.org").await;
    let channel = format!("org:{}", org.id);
    let of = |person: Uuid| Token::of(person).signed();
    for member in [&org.admin, &org.user] {
        assert!(realtime.admits(&of(member.id), &channel).await);
    }
    let outside = [
        of(other.admin.id),
        of(stranger.id),
        Token::of(org.user.id).with("role", "anon").signed(),
        Token::of(org.user.id).with("exp", 1).signed(),
        Token::of(org.user.id).signed_with("another key"),
        String::new(),
    ];
    for token in &outside {
        assert!(!realtime.admits(token, &channel).await, "{token}");
    }
    for wrong in [
        String::new(),
        "org:".to_owned(),
        "org:%".to_owned(),
        format!("org:{}", other.id),
        format!("org:{}", Uuid::nil()),
        format!("{channel}:more"),
        org.id.to_string(),
    ] {
        assert!(!realtime.admits(&of(org.user.id), &wrong).await, "{wrong}");
    }

    let send = format!(
        "begin; set local role authenticated;
         select set_config('request.jwt.claims', '{}', true), set_config('realtime.topic', '{channel}', true);
         insert into realtime.messages (topic, extension) values ('{channel}', 'broadcast'); commit",
        Token::of(org.admin.id).claims
    );
    let sent = backend.cluster.run("supabase_admin", &send).await;
    let refused = sent.expect_err("nobody may send").to_string();
    assert!(refused.contains("row-level security"), "{refused}");

    let removed = json!({"org": org.id, "member": org.user.id});
    org.admin.call("remove_member", removed).await.ok();
    assert!(!realtime.admits(&of(org.user.id), &channel).await);
    assert!(realtime.admits(&of(org.admin.id), &channel).await);
}

#[tokio::test]
async fn where_realtime_comes_later_members_are_let_in_when_that_is_asked_for() {
    let Some(backend) = Backend::own("it changes the schema of Realtime").await else {
        return;
    };
    let cluster = &backend.cluster;
    let let_in = "select private.let_members_listen()::text";
    assert_eq!(cluster.ask(let_in).await, ["false"]);
    backend.gets_realtime().await;
    let org = backend.organization("acme").await;
    let told = cluster.ask(SENT).await;
    assert!(!told.is_empty(), "the trigger was there before");
    assert_eq!(cluster.ask(POLICIES).await, Vec::<String>::new());

    // Whoever may make no policy there is told so, and nothing fails.
    let owned_by = |owner: &str| format!("alter table realtime.messages owner to {owner}");
    cluster.superuser(&owned_by("supabase_admin")).await;
    let says_no = "do $$ begin
        if private.let_members_listen() then raise exception 'it says yes'; end if;
    end $$";
    let asked = cluster.run("postgres", says_no).await;
    asked.expect("it says no");
    cluster.superuser(&owned_by("postgres")).await;
    for _ in 0..2 {
        let asked = cluster.run("postgres", let_in).await;
        asked.expect("postgres may ask");
        assert_eq!(cluster.ask(POLICIES).await, ["berth_members_listen"]);
    }
    let reply = org.user.call("let_members_listen", json!({})).await;
    assert!(reply.status >= 400, "the API has no such function");
}
