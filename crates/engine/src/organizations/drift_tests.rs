use berth_protocol::{McpConfiguration, SystemPrompt, tenant::DriftKind};
use serde_json::{Value, json};

use super::*;

const ID: &str = "01890000-0000-7000-8000-000000000001";
const AT: &str = "2026-01-01T00:00:00Z";

fn with(mut whole: Value, more: Value) -> Value {
    if let (Some(whole), Value::Object(more)) = (whole.as_object_mut(), more) {
        whole.extend(more);
    }
    whole
}

fn server(more: Value) -> Option<DriftKind> {
    let server = json!({
        "id": ID, "scope": "organization", "catalog": "installed", "name": "files", "consented": true,
        "server": {"type": "http", "url": "https://example.com/mcp"},
        "version": 1, "created_at": AT, "updated_at": AT,
    });
    let server: McpConfiguration = serde_json::from_value(with(server, more)).unwrap();
    of_server(&server).map(|found| found.kind)
}

#[test]
fn a_server_that_is_installed_is_agreed_to_signed_in_to_and_works() {
    let oauth = json!({"type": "oauth"});
    for (more, kind) in [
        (json!({}), None),
        (
            json!({"consented": false}),
            Some(DriftKind::ServerNotConsented),
        ),
        (json!({"consented": false, "catalog": "available"}), None),
        (json!({"consented": false, "enabled": false}), None),
        (
            json!({"auth": {"type": "bearer"}}),
            Some(DriftKind::ServerNotSignedIn),
        ),
        (
            json!({"auth": {"type": "bearer"}, "kept_secrets": ["token"]}),
            None,
        ),
        (json!({"auth": oauth}), Some(DriftKind::ServerNotSignedIn)),
        (json!({"auth": oauth, "kept_secrets": ["sign_in"]}), None),
        (
            json!({"auth": oauth, "kept_secrets": ["sign_in"], "state": {"state": "expired", "at": AT}}),
            Some(DriftKind::ServerNotSignedIn),
        ),
        (
            json!({"state": {"state": "quarantined", "tools": ["read"], "at": AT}}),
            Some(DriftKind::ServerQuarantined),
        ),
    ] {
        assert_eq!(server(more.clone()), kind, "{more}");
    }
}

fn prompt(more: Value) -> Option<DriftKind> {
    let prompt = json!({
        "id": ID, "scope": "organization", "name": "house", "format": "text", "content": "words", "priority": 0,
        "enabled": true, "locked": false, "target": {"agents": [], "projects": []}, "version": 1,
        "author": null, "created_at": AT, "updated_at": AT,
    });
    let prompt: SystemPrompt = serde_json::from_value(with(prompt, more)).unwrap();
    let here = Here {
        agents: ["claude".parse().unwrap()].into(),
        projects: BTreeSet::new(),
        declined: vec![prompt.id],
    };
    of_prompt(&prompt, &here).map(|found| found.kind)
}

#[test]
fn a_prompt_is_missed_where_it_is_declined_or_for_nobody_here() {
    let for_agent = |agent: &str| json!({"agents": [agent], "projects": []});
    for (more, kind) in [
        (json!({}), Some(DriftKind::PromptDeclined)),
        (json!({"locked": true}), None),
        (json!({"locked": true, "enabled": false}), None),
        (json!({"enabled": false}), None),
        (
            json!({"locked": true, "target": for_agent("codex")}),
            Some(DriftKind::PromptNotTargeted),
        ),
        (json!({"locked": true, "target": for_agent("claude")}), None),
        (json!({"scope": "user"}), None),
        // Nobody can do without a global one.
        (json!({"scope": "global"}), None),
        (
            json!({"scope": "global", "target": for_agent("codex")}),
            Some(DriftKind::PromptNotTargeted),
        ),
        (
            json!({"scope": "global", "enabled": false, "target": for_agent("codex")}),
            None,
        ),
    ] {
        assert_eq!(prompt(more.clone()), kind, "{more}");
    }
}

fn sync(more: Value) -> Vec<DriftKind> {
    let sync = json!({
        "status": {"is": "fresh"}, "waiting": 1, "conflicts": 0, "parked": 0, "audit_waiting": 0,
        "audit_refused": 0, "rounds": 1,
    });
    let entry = json!({"id": ID, "name": "acme", "role": "user", "sync": with(sync, more)});
    let entry: OrgEntry = serde_json::from_value(entry).unwrap();
    let found = of_sync(&entry).into_iter();
    found.map(|found| found.kind).collect()
}

#[test]
fn what_is_refused_or_waits_for_its_user_is_a_difference_and_what_is_on_its_way_is_none() {
    let told = |waiting: u64, refused: u64| json!({"waiting": waiting, "refused": refused, "refused_code": "sync.invalid"});
    for (more, kinds) in [
        (json!({}), vec![]),
        (json!({"told": told(3, 0)}), vec![]),
        (json!({"told": told(0, 2)}), vec![DriftKind::ToldRefused]),
        (json!({"parked": 1}), vec![DriftKind::ChangesHeld]),
        (
            json!({"conflicts": 1, "told": told(0, 1)}),
            vec![DriftKind::ChangesHeld, DriftKind::ToldRefused],
        ),
    ] {
        assert_eq!(sync(more.clone()), kinds, "{more}");
    }
}
