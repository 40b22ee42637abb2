//! Every policy of row-level security: somebody whom it lets, and somebody whom it does not.

use std::collections::BTreeSet;

use berth_tests::tenant::{Backend, Caller, Organization};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Rows, prompt, server, session};

/// One request and who may make it.
struct Case<'a> {
    policy: &'a str,
    method: Method,
    path: String,
    body: Option<Value>,
    allowed: Vec<&'a Caller>,
    denied: Vec<&'a Caller>,
}

impl Case<'_> {
    /// The command of SQL that PostgREST makes of the request, as `pg_policies` names it.
    fn command(&self) -> &'static str {
        match self.method {
            Method::GET => "SELECT",
            Method::POST => "INSERT",
            Method::PATCH => "UPDATE",
            _ => unreachable!("no case is made so"),
        }
    }
}

fn read<'a>(
    policy: &'a str,
    path: String,
    allowed: &[&'a Caller],
    denied: &[&'a Caller],
) -> Case<'a> {
    Case {
        policy,
        method: Method::GET,
        path,
        body: None,
        allowed: allowed.to_vec(),
        denied: denied.to_vec(),
    }
}

fn change<'a>(
    policy: &'a str,
    path: String,
    body: Value,
    allowed: &[&'a Caller],
    denied: &[&'a Caller],
) -> Case<'a> {
    Case {
        method: Method::PATCH,
        body: Some(body),
        ..read(policy, path, allowed, denied)
    }
}

fn add<'a>(
    policy: &'a str,
    table: &str,
    body: Value,
    allowed: &[&'a Caller],
    denied: &[&'a Caller],
) -> Case<'a> {
    Case {
        method: Method::POST,
        body: Some(body),
        ..read(policy, table.to_owned(), allowed, denied)
    }
}

/// A row with a fresh id, as its owner or for an organization.
fn row(mut fields: Value, org: Uuid, owner: Option<Uuid>) -> Value {
    fields["id"] = json!(Uuid::now_v7());
    fields["org_id"] = json!(org);
    if let Some(owner) = owner {
        fields["user_id"] = json!(owner);
    }
    fields
}

#[tokio::test]
async fn every_policy_lets_whom_it_should_and_nobody_else() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let other = backend.organization("globex").await;
    let nobody = backend.caller(None);
    let stranger = backend.person("stranger@example.org").await;
    let cases = cases(&org, &rows, &other, &nobody, &stranger);

    for case in &cases {
        assert!(
            !case.allowed.is_empty() && !case.denied.is_empty(),
            "{} is tried one way only: {} {}",
            case.policy,
            case.method,
            case.path
        );
    }
    // With the command that each is for: a policy that is tried with another one is not tried at all.
    let tested: BTreeSet<String> = (cases.iter())
        .map(|case| format!("{} {}", case.policy, case.command()))
        .collect();
    let all = backend
        .cluster
        .ask("select policyname || ' ' || cmd from pg_policies where schemaname in ('public', 'private', 'audit')")
        .await;
    let existing: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(existing.len(), all.len(), "two policies share a name");
    assert_eq!(
        existing, tested,
        "a policy has no test, or a test no policy"
    );

    for case in cases {
        // Denied first: who is allowed may change the row.
        for caller in &case.denied {
            let reply = caller
                .send(case.method.clone(), &case.path, case.body.clone())
                .await;
            assert!(
                reply.is_nothing(),
                "{} lets {} {} {}: {reply:?}",
                case.policy,
                caller.id,
                case.method,
                case.path
            );
        }
        for caller in &case.allowed {
            let reply = caller
                .send(case.method.clone(), &case.path, case.body.clone())
                .await;
            assert!(
                !reply.is_nothing(),
                "{} does not let {} {} {}: {reply:?}",
                case.policy,
                caller.id,
                case.method,
                case.path
            );
        }
    }
}

fn cases<'a>(
    org: &'a Organization,
    rows: &Rows,
    other: &'a Organization,
    nobody: &'a Caller,
    stranger: &'a Caller,
) -> Vec<Case<'a>> {
    let (admin, user) = (&org.admin, &org.user);
    let outside = [&other.admin, &other.user, nobody, stranger];
    let not = |more: &[&'a Caller]| -> Vec<&'a Caller> { [&outside[..], more].concat() };
    let id = org.id;
    let by = |table: &str, id: &dyn std::fmt::Display| format!("{table}?id=eq.{id}");
    let of_org = |table: &str| format!("{table}?org_id=eq.{id}");
    let json_id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let invitation = json_id(&rows.invitation);
    let erasure = json_id(&rows.erasure);
    let user_prompt = by("system_prompts", &rows.user_prompt);
    let user_server = by("mcp_configurations", &rows.user_server);
    vec![
        read(
            "organizations_read",
            of_org("organizations"),
            &[admin, user],
            &outside,
        ),
        change(
            "organizations_change",
            of_org("organizations"),
            json!({"name": "new"}),
            &[admin],
            &not(&[user]),
        ),
        read(
            "profiles_read",
            by("profiles", &user.id),
            &[user],
            &not(&[admin]),
        ),
        change(
            "profiles_change",
            by("profiles", &user.id),
            json!({"display_name": "U"}),
            &[user],
            &not(&[admin]),
        ),
        read(
            "memberships_read",
            of_org("memberships"),
            &[admin, user],
            &outside,
        ),
        change(
            "memberships_change",
            format!("memberships?user_id=eq.{}&org_id=eq.{id}", user.id),
            json!({"role": "user"}),
            &[admin],
            &not(&[user]),
        ),
        read(
            "invitations_read",
            by("invitations", &invitation),
            &[admin],
            &not(&[user]),
        ),
        change(
            "invitations_withdraw",
            by("invitations", &invitation),
            json!({"deleted_at": "2026-11-28T12:00:00Z"}),
            &[admin],
            &not(&[user]),
        ),
        read(
            "system_prompts_read",
            by("system_prompts", &rows.org_prompt),
            &[admin, user],
            &outside,
        ),
        read(
            "system_prompts_read",
            user_prompt.clone(),
            &[user],
            &not(&[admin]),
        ),
        add(
            "system_prompts_add",
            "system_prompts",
            row(prompt("organization", "a"), id, None),
            &[admin],
            &not(&[user]),
        ),
        add(
            "system_prompts_add",
            "system_prompts",
            row(prompt("user", "b"), id, Some(user.id)),
            &[user],
            &not(&[admin]),
        ),
        change(
            "system_prompts_change",
            by("system_prompts", &rows.org_prompt),
            json!({"priority": 3}),
            &[admin],
            &not(&[user]),
        ),
        change(
            "system_prompts_change",
            user_prompt,
            json!({"priority": 3}),
            &[user],
            &not(&[admin]),
        ),
        read(
            "system_prompt_versions_read",
            format!("system_prompt_versions?prompt_id=eq.{}", rows.user_prompt),
            &[user],
            &not(&[admin]),
        ),
        read(
            "mcp_configurations_read",
            by("mcp_configurations", &rows.org_server),
            &[admin, user],
            &outside,
        ),
        read(
            "mcp_configurations_read",
            user_server.clone(),
            &[user],
            &not(&[admin]),
        ),
        add(
            "mcp_configurations_add",
            "mcp_configurations",
            row(server("organization", "c"), id, None),
            &[admin],
            &not(&[user]),
        ),
        add(
            "mcp_configurations_add",
            "mcp_configurations",
            row(server("user", "d"), id, Some(user.id)),
            &[user],
            &not(&[admin]),
        ),
        change(
            "mcp_configurations_change",
            by("mcp_configurations", &rows.org_server),
            json!({"catalog": "blocked"}),
            &[admin],
            &not(&[user]),
        ),
        change(
            "mcp_configurations_change",
            user_server,
            json!({"enabled": false}),
            &[user],
            &not(&[admin]),
        ),
        read(
            "mcp_oauth_read",
            by("mcp_oauth", &rows.oauth),
            &[user],
            &not(&[admin]),
        ),
        add(
            "mcp_oauth_add",
            "mcp_oauth",
            row(
                json!({"mcp_configuration_id": rows.org_server,
            "issuer": "https://a.example", "signed_in_at": "2026-11-28T12:00:00Z"}),
                id,
                Some(user.id),
            ),
            &[user],
            &not(&[admin]),
        ),
        change(
            "mcp_oauth_change",
            by("mcp_oauth", &rows.oauth),
            json!({"can_refresh": true}),
            &[user],
            &not(&[admin]),
        ),
        read(
            "policies_read",
            of_org("policies"),
            &[admin, user],
            &outside,
        ),
        change(
            "policies_change",
            of_org("policies"),
            json!({"sanitize": "warn"}),
            &[admin],
            &not(&[user]),
        ),
        read(
            "user_sessions_read",
            by("user_sessions", &rows.session),
            &[admin, user],
            &outside,
        ),
        add(
            "user_sessions_add",
            "user_sessions",
            row(session(), id, Some(user.id)),
            &[user],
            &not(&[admin]),
        ),
        change(
            "user_sessions_change",
            by("user_sessions", &rows.session),
            json!({"title": "t"}),
            &[user],
            &not(&[admin]),
        ),
        read(
            "session_workspaces_read",
            by("session_workspaces", &rows.workspace),
            &[user],
            &not(&[admin]),
        ),
        add(
            "session_workspaces_add",
            "session_workspaces",
            row(
                json!({"session_id": rows.session,
            "kind": "in_place"}),
                id,
                Some(user.id),
            ),
            &[user],
            &not(&[admin]),
        ),
        change(
            "session_workspaces_change",
            by("session_workspaces", &rows.workspace),
            json!({"branch": "b"}),
            &[user],
            &not(&[admin]),
        ),
        read(
            "consent_texts_read",
            by("consent_texts", &rows.text),
            &[admin, user],
            &outside,
        ),
        add(
            "consent_texts_add",
            "consent_texts",
            row(json!({"purpose": "x", "version": 1, "body": "b"}), id, None),
            &[admin],
            &not(&[user]),
        ),
        read(
            "consents_read",
            by("consents", &rows.consent),
            &[admin, user],
            &outside,
        ),
        add(
            "consents_add",
            "consents",
            row(
                json!({"consent_text_id": rows.text, "granted_at": "2026-11-28T13:00:00Z"}),
                id,
                Some(user.id),
            ),
            &[user],
            &not(&[admin]),
        ),
        change(
            "consents_change",
            by("consents", &rows.consent),
            json!({"withdrawn_at": "2026-11-28T14:00:00Z"}),
            &[user],
            &not(&[admin]),
        ),
        change(
            "consent_texts_withdraw",
            by("consent_texts", &rows.text),
            json!({"deleted_at": "2026-11-28T14:00:00Z"}),
            &[admin],
            &not(&[user]),
        ),
        read("logs_read", of_org("audit_logs"), &[admin], &not(&[user])),
        read(
            "erasure_requests_read",
            by("erasure_requests", &erasure),
            &[admin, user],
            &outside,
        ),
    ]
}
