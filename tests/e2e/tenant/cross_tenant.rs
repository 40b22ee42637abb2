//! Attempts of those who do not belong to an organization to read or change anything of it.

use berth_tests::tenant::{Backend, Caller, Organization, addition, change, removal};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Rows, audit::event, prompt};

/// What an attempt is called, and its request.
type Attempt = (String, Method, String, Option<Value>);

/// Every table that the API shows, and a field that some people may change there.
const TABLES: [(&str, &str, &str); 15] = [
    ("organizations", "name", "taken"),
    ("profiles", "display_name", "taken"),
    ("memberships", "role", "admin"),
    ("invitations", "deleted_at", "2026-11-28T12:00:00Z"),
    ("system_prompts", "content", "taken"),
    ("system_prompt_versions", "content", "taken"),
    ("mcp_configurations", "name", "taken"),
    ("mcp_oauth", "issuer", "https://taken.example"),
    ("policies", "sanitize", "warn"),
    ("user_sessions", "title", "taken"),
    ("session_workspaces", "branch", "taken"),
    ("consent_texts", "deleted_at", "2026-11-28T12:00:00Z"),
    ("consents", "withdrawn_at", "2026-11-28T12:00:00Z"),
    ("audit_logs", "action", "taken.over"),
    ("erasure_requests", "performed_at", "2026-11-28T12:00:00Z"),
];

/// Everything that is known of an organization, as text that changes with any of it.
async fn state(backend: &Backend, org: Uuid) -> Vec<String> {
    let mut parts = Vec::new();
    for (table, ..) in TABLES {
        let of = match table {
            "profiles" => {
                format!("id in (select user_id from public.memberships where org_id = '{org}')")
            }
            _ => format!("org_id = '{org}'"),
        };
        let query = format!(
            "select coalesce(string_agg(to_jsonb(t)::text, e'\\n' order by to_jsonb(t)::text), '') \
             from public.{table} as t where {of}"
        );
        parts.extend(backend.cluster.ask(&query).await);
    }
    parts
}

fn attempts(org: &Organization, rows: &Rows, mine: Uuid) -> Vec<Attempt> {
    let id = org.id;
    let mut all: Vec<Attempt> = Vec::new();
    for (table, field, value) in TABLES {
        let (filter, key) = match table {
            "profiles" => (format!("id=eq.{}", org.user.id), "id"),
            _ => (format!("org_id=eq.{id}"), "org_id"),
        };
        let path = format!("{table}?{filter}");
        let body = Some(json!({field: value}));
        all.push((format!("read {table}"), Method::GET, path.clone(), None));
        all.push((format!("change {table}"), Method::PATCH, path.clone(), body));
        all.push((format!("delete {table}"), Method::DELETE, path, None));
        let mut row = match table {
            // The only table without an id of its own.
            "system_prompt_versions" => json!({field: value}),
            _ => json!({field: value, "id": Uuid::now_v7()}),
        };
        row[key] = json!(id);
        all.push((
            format!("add to {table}"),
            Method::POST,
            table.to_owned(),
            Some(row),
        ));
        // A profile belongs to no organization.
        if table == "profiles" {
            continue;
        }
        // What is the caller's own, moved into the organization.
        let moved = Some(json!({"org_id": id}));
        let path = format!("{table}?org_id=eq.{mine}");
        all.push((format!("move into {table}"), Method::PATCH, path, moved));
    }
    // By joining from what may be read to what may not.
    let joined = format!("memberships?select=*,organizations(*)&org_id=eq.{id}");
    all.push(("join".to_owned(), Method::GET, joined, None));
    let or = format!(
        "system_prompts?or=(id.eq.{},org_id.eq.{id})",
        rows.user_prompt
    );
    all.push(("or".to_owned(), Method::GET, or, None));

    let user = org.user.id;
    let device = Uuid::now_v7();
    let calls = [
        ("sync_head", json!({"org": id})),
        ("sync_pull", json!({"org": id})),
        (
            "sync_pull",
            json!({"org": id, "since": 1, "token": "1.1.0"}),
        ),
        (
            "sync_push",
            json!({"org": id, "device": device, "mutations": []}),
        ),
        (
            "sync_push",
            json!({"org": id, "device": device, "mutations": [
            addition("prompt", Uuid::now_v7(), prompt("organization", "taken"))]}),
        ),
        (
            "audit_append",
            json!({"org": id, "device": device, "events": [event(1, "session.created")]}),
        ),
        ("session_list", json!({"org": id})),
        ("session_list", json!({"org": id, "person": user})),
        ("audit_verify", json!({"org": id})),
        ("audit_export", json!({"org": id})),
        ("audit_page", json!({"org": id})),
        ("audit_people", json!({"org": id})),
        ("audit_origin", json!({"org": id, "event_seq": 1})),
        ("audit_retire", json!({"month": "2026-01-01"})),
        ("sync_purge", json!({"days": 1})),
        ("maintain", json!({})),
        ("create_organization", json!({"id": id, "name": "taken"})),
        (
            "invite",
            json!({"org": id, "email": "me@example.org", "role": "admin"}),
        ),
        ("accept_invitation", json!({"token": rows.invitation})),
        (
            "withdraw_invitation",
            json!({"invitation": rows.invitation}),
        ),
        (
            "change_role",
            json!({"org": id, "member": user, "role": "admin"}),
        ),
        ("remove_member", json!({"org": id, "member": user})),
        ("set_policy", json!({"org": id, "version": 1, "policy": {}})),
        (
            "lock_prompt",
            json!({"prompt": rows.org_prompt, "locked": true}),
        ),
        ("request_erasure", json!({"org": id, "person": user})),
        ("perform_erasure", json!({"request": rows.erasure})),
        (
            "custom_access_token_hook",
            json!({"event": {"user_id": user, "claims": {}}}),
        ),
    ];
    for (name, arguments) in calls {
        let path = format!("rpc/{name}");
        all.push((path.clone(), Method::POST, path, Some(arguments)));
    }
    all
}

#[tokio::test]
async fn nobody_reads_or_changes_anything_of_an_organization_that_they_do_not_belong_to() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let other = backend.organization("globex").await;
    let left = backend
        .member(org.id, &org.admin, "left@words.example", "admin")
        .await;
    let gone = json!({"org": org.id, "member": left.id});
    org.admin.call("remove_member", gone).await.ok();
    let stranger = backend.person("stranger@example.org").await;
    let nobody = backend.caller(None);
    let callers: [(&str, &Caller); 5] = [
        ("another organization's admin", &other.admin),
        ("another organization's user", &other.user),
        ("a former admin", &left),
        ("somebody without an organization", &stranger),
        ("nobody", &nobody),
    ];

    let before = state(&backend, org.id).await;
    let mut tried = 0;
    for (who, caller) in callers {
        for (what, method, path, body) in attempts(&org, &rows, other.id) {
            // A former member keeps the profile that is theirs, and nothing of others.
            let reply = caller.send(method, &path, body).await;
            assert!(reply.is_nothing(), "{who} may {what}: {reply:?}");
            let text = reply.body.to_string();
            assert!(
                !text.contains("words"),
                "{who} is told of it by {what}: {text}"
            );
            assert_ne!(reply.status, 500, "{what}: {text}");
            tried += 1;
        }
    }
    assert!(tried >= 200, "{tried}");
    assert_eq!(before, state(&backend, org.id).await);
}

#[tokio::test]
async fn a_push_into_ones_own_organization_reaches_no_row_of_another() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let rows = Rows::fill(&org).await;
    let other = backend.organization("globex").await;
    let before = state(&backend, org.id).await;
    let targets = [
        ("organization", org.id),
        ("prompt", rows.org_prompt),
        ("prompt", rows.user_prompt),
        ("mcp_configuration", rows.org_server),
        ("mcp_oauth", rows.oauth),
        ("session", rows.session),
        ("workspace", rows.workspace),
        ("consent", rows.consent),
    ];
    for (kind, id) in targets {
        for mutation in [
            change(kind, id, 1, json!({"name": "taken"})),
            removal(kind, id, 1),
            addition(kind, id, prompt("organization", "taken")),
            // What another organization's row belongs to is not the client's to say.
            addition(
                kind,
                Uuid::now_v7(),
                json!({"org_id": org.id, "user_id": org.user.id}),
            ),
        ] {
            for caller in [&other.admin, &other.user] {
                let mutation = std::slice::from_ref(&mutation);
                let result = crate::attempt(caller, other.id, mutation).await.remove(0);
                assert_eq!(result["status"], "rejected", "{kind}: {result}");
                assert!(result.get("server").is_none(), "{result}");
            }
        }
    }
    let references = [
        (
            "mcp_oauth",
            json!({"mcp_configuration_id": rows.org_server, "issuer": "https://a.example",
            "signed_in_at": "2026-11-28T12:00:00Z"}),
        ),
        (
            "workspace",
            json!({"session_id": rows.session, "kind": "in_place"}),
        ),
        (
            "consent",
            json!({"consent_text_id": rows.text, "granted_at": "2026-11-28T12:00:00Z"}),
        ),
    ];
    for (kind, patch) in references {
        let mutation = [addition(kind, Uuid::now_v7(), patch)];
        let result = crate::attempt(&other.user, other.id, &mutation)
            .await
            .remove(0);
        assert_eq!(result["code"], "sync.missing_reference", "{kind}: {result}");
    }
    assert_eq!(before, state(&backend, org.id).await);
}
