//! Who changes what of the MCP servers that an organization shares: a real engine, signed in to a real backend.

use berth_protocol::{Code, McpConfiguration, McpScope, tenant::Catalog};
use serde_json::json;

use crate::catalog_api::Machine;

#[tokio::test]
async fn an_admin_changes_the_catalog_and_a_late_edit_is_refused() {
    let Some(machine) = Machine::of_an_admin().await else {
        return;
    };
    let writable = machine.servers().await.writable;
    assert!(writable.contains(&McpScope::Organization), "{writable:?}");
    let draft = json!({"name": "everything",
        "server": {"type": "stdio", "command": machine.program, "args": ["stdio"]}});
    let client = &machine.engine.client;
    let share = json!({"configuration": draft, "catalog": "available"});
    let shared: McpConfiguration = client
        .post("/mcp/catalog", &share)
        .await
        .expect("it is taken");
    assert_eq!(
        (shared.scope, shared.consented),
        (McpScope::Organization, false)
    );
    let twice = client
        .post::<McpConfiguration>("/mcp/catalog", &share)
        .await;
    assert_eq!(twice.expect_err("the name is taken").code, Code::McpExists);

    let path = format!("/mcp/configurations/{}", shared.id);
    let catalog = format!("{path}/catalog");
    let wanted = json!({"version": shared.version, "catalog": "blocked"});
    let blocked: McpConfiguration = machine.put(&catalog, &wanted).await.expect("it is taken");
    assert_eq!(blocked.catalog, Some(Catalog::Blocked));
    let late = machine.put::<McpConfiguration>(&catalog, &wanted).await;
    assert_eq!(late.expect_err("it has changed").code, Code::McpConflict);
    let renamed = json!({"version": blocked.version, "configuration": {"name": "all",
        "server": {"type": "stdio", "command": machine.program, "args": ["stdio"]}}});
    let renamed: McpConfiguration = machine.put(&path, &renamed).await.expect("it is taken");
    assert_eq!(renamed.draft.name, "all");

    // Others hear of it from the backend.
    let there = format!("mcp_configurations?id=eq.{}", shared.id);
    let arrived = async || {
        let rows = machine.org.user.get(&there).await.rows();
        (rows.first()?["name"] == "all").then_some(rows)
    };
    let rows = client.until("it has arrived", arrived).await;
    assert_eq!(rows[0]["catalog"], "blocked");
    client
        .delete(&format!("{path}?version={}", renamed.version))
        .await
        .expect("it is removed");
    assert!(machine.servers().await.configurations.is_empty());
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_user_changes_their_own_rules_of_an_organizations_server_and_nothing_else() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    machine
        .shares(machine.everything("installed", &["stdio"]))
        .await;
    let server = machine.server_until(|_| true).await;
    let path = format!("/mcp/configurations/{}", server.id);
    let mut draft = json!(server.draft);
    draft["name"] = json!("mine");
    let edit = json!({"version": server.version, "configuration": draft});
    let refused = machine.put::<McpConfiguration>(&path, &edit).await;
    assert_eq!(
        refused.expect_err("it is the admins'").code,
        Code::McpScopeDenied
    );
    let gone = machine
        .engine
        .client
        .delete(&format!("{path}?version={}", server.version))
        .await;
    assert_eq!(
        gone.expect_err("it is the admins'").code,
        Code::McpScopeDenied
    );
    let share = json!({"configuration": draft});
    let shared = machine
        .engine
        .client
        .post::<McpConfiguration>("/mcp/catalog", &share)
        .await;
    assert_eq!(
        shared.expect_err("it is the admins'").code,
        Code::McpScopeDenied
    );

    let mut draft = json!(server.draft);
    draft["rules"] = json!({"default": "ask"});
    let edit = json!({"version": server.version, "configuration": draft});
    let changed: McpConfiguration = machine.put(&path, &edit).await.expect("it is taken");
    assert_eq!(json!(changed.draft.rules.default), "ask");
    // What the organization says next leaves them as they are.
    machine.look().await;
    let now = machine.server_until(|_| true).await;
    assert_eq!(json!(now.draft.rules.default), "ask");
}
