//! The tenant backend as clients and attackers meet it: real PostgreSQL with Berth's migrations behind the real
//! PostgREST.

#![cfg(unix)]

#[path = "tenant/admin_api.rs"]
mod admin_api;
#[path = "tenant/administration.rs"]
mod administration;
#[path = "tenant/audit.rs"]
mod audit;
#[path = "tenant/bound.rs"]
mod bound;
#[path = "tenant/catalog_api.rs"]
mod catalog_api;
#[path = "tenant/catalog_edits.rs"]
mod catalog_edits;
#[path = "tenant/chain.rs"]
mod chain;
#[path = "tenant/changes_api.rs"]
mod changes_api;
#[path = "tenant/chaos.rs"]
mod chaos;
#[path = "tenant/conflicts.rs"]
mod conflicts;
#[path = "tenant/cross_tenant.rs"]
mod cross_tenant;
#[path = "tenant/erasure.rs"]
mod erasure;
#[path = "tenant/hostile.rs"]
mod hostile;
#[path = "tenant/indexes.rs"]
mod indexes;
#[path = "tenant/killed.rs"]
mod killed;
#[path = "tenant/killed_calls.rs"]
mod killed_calls;
#[path = "tenant/lints.rs"]
mod lints;
#[path = "tenant/maintain.rs"]
mod maintain;
#[path = "tenant/migrate.rs"]
mod migrate;
#[path = "tenant/org_prompts.rs"]
mod org_prompts;
#[path = "tenant/org_versions.rs"]
mod org_versions;
#[path = "tenant/other_schema.rs"]
mod other_schema;
#[path = "tenant/policies.rs"]
mod policies;
#[path = "tenant/policy_unreadable.rs"]
mod policy_unreadable;
#[path = "tenant/pushed.rs"]
mod pushed;
#[path = "tenant/refresh.rs"]
mod refresh;
#[path = "tenant/refresh_failures.rs"]
mod refresh_failures;
#[path = "tenant/refresh_shared.rs"]
mod refresh_shared;
#[path = "tenant/replica.rs"]
mod replica;
#[path = "tenant/requests_api.rs"]
mod requests_api;
#[path = "tenant/sessions_api.rs"]
mod sessions_api;
#[path = "tenant/sign_in.rs"]
mod sign_in;
#[path = "tenant/sign_in_attacks.rs"]
mod sign_in_attacks;
#[path = "tenant/sign_in_left.rs"]
mod sign_in_left;
#[path = "tenant/sign_in_step_up.rs"]
mod sign_in_step_up;
#[path = "tenant/signed_in.rs"]
mod signed_in;
#[path = "tenant/supabase_push.rs"]
mod supabase_push;
#[path = "tenant/sync.rs"]
mod sync;
#[path = "tenant/tokens.rs"]
mod tokens;
#[path = "tenant/tool_rules.rs"]
mod tool_rules;
#[path = "tenant/trail_api.rs"]
mod trail_api;
#[path = "tenant/trail_kinds.rs"]
mod trail_kinds;
#[path = "tenant/upload.rs"]
mod upload;
#[path = "tenant/waiting.rs"]
mod waiting;
#[path = "tenant/wake.rs"]
mod wake;
#[path = "tenant/wake_schema.rs"]
mod wake_schema;
#[path = "tenant/writers.rs"]
mod writers;

use berth_tests::tenant::{Caller, Organization, addition};
use serde_json::{Value, json};
use uuid::Uuid;

/// A row of each kind in an organization.
struct Rows {
    org_prompt: Uuid,
    user_prompt: Uuid,
    org_server: Uuid,
    user_server: Uuid,
    oauth: Uuid,
    session: Uuid,
    workspace: Uuid,
    text: Uuid,
    consent: Uuid,
    invitation: Value,
    erasure: Value,
}

/// Sends mutations, each of which must be applied; returns their revisions.
async fn push(caller: &Caller, org: Uuid, mutations: &[Value]) -> Vec<i64> {
    let results = attempt(caller, org, mutations).await;
    let revision = |result: &Value| {
        assert_eq!(result["status"], "applied", "{result}");
        result["rev"].as_i64().expect("it has a revision")
    };
    results.iter().map(revision).collect()
}

/// Sends mutations; returns what became of each.
async fn attempt(caller: &Caller, org: Uuid, mutations: &[Value]) -> Vec<Value> {
    let request = json!({"org": org, "device": Uuid::now_v7(), "mutations": mutations});
    caller.call("sync_push", request).await.rows()
}

fn prompt(scope: &str, name: &str) -> Value {
    json!({"scope": scope, "name": name, "content": format!("words of {name}")})
}

fn server(scope: &str, name: &str) -> Value {
    json!({"scope": scope, "name": name, "server": {"type": "http", "url": "https://mcp.example"}})
}

fn session() -> Value {
    json!({
        "device_id": Uuid::now_v7(), "agent": "claude", "transport": "pty", "phase": "live",
        "title": "words of a title", "started_at": "2026-11-28T12:00:00Z",
    })
}

impl Rows {
    async fn fill(org: &Organization) -> Self {
        let id = Uuid::now_v7;
        let rows = Self {
            org_prompt: id(),
            user_prompt: id(),
            org_server: id(),
            user_server: id(),
            oauth: id(),
            session: id(),
            workspace: id(),
            text: id(),
            consent: id(),
            invitation: org
                .admin
                .call(
                    "invite",
                    json!({"org": org.id, "email": "next@words.example"}),
                )
                .await
                .ok()["id"]
                .clone(),
            erasure: org
                .user
                .call("request_erasure", json!({"org": org.id}))
                .await
                .ok(),
        };
        let of_admin = [
            addition("prompt", rows.org_prompt, prompt("organization", "rules")),
            addition(
                "mcp_configuration",
                rows.org_server,
                server("organization", "files"),
            ),
            addition(
                "consent_text",
                rows.text,
                json!({"purpose": "recording", "version": 1, "body": "words"}),
            ),
        ];
        push(&org.admin, org.id, &of_admin).await;
        let oauth = json!({
            "mcp_configuration_id": rows.org_server, "issuer": "https://words.example",
            "signed_in_at": "2026-11-28T12:00:00Z",
        });
        let workspace = json!({"session_id": rows.session, "kind": "worktree", "path": "/words"});
        let consent = json!({"consent_text_id": rows.text, "granted_at": "2026-11-28T12:00:00Z"});
        let of_user = [
            addition("prompt", rows.user_prompt, prompt("user", "mine")),
            addition(
                "mcp_configuration",
                rows.user_server,
                server("user", "notes"),
            ),
            addition("mcp_oauth", rows.oauth, oauth),
            addition("session", rows.session, session()),
            addition("workspace", rows.workspace, workspace),
            addition("consent", rows.consent, consent),
        ];
        push(&org.user, org.id, &of_user).await;
        rows
    }
}
