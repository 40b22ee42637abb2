use std::collections::BTreeSet;

use berth_protocol::{
    McpConfiguration, McpConfigurationId, McpDraft, McpGrantFacts, McpScope, OrganizationId,
    Timestamp, UserId,
    tenant::{Catalog, EntityKind, OrganizationRole, Tenant},
};
use berth_store::{McpOrphan, Page, PulledChange, Store, StoreError, TenantEdit};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Fixture;

/// Secrets stay as long as the server is the same.
fn stays(old: &McpDraft, new: &McpDraft) -> BTreeSet<String> {
    match old.server == new.server {
        true => new.secrets(),
        false => BTreeSet::new(),
    }
}

/// The store of a user whose organization is active.
async fn store() -> (Fixture, Tenant) {
    let fixture = Fixture::new().await;
    let tenant = Tenant {
        org: OrganizationId(Uuid::now_v7()),
        user: UserId(Uuid::now_v7()),
    };
    let store = &fixture.store;
    let role = OrganizationRole::Admin;
    let added = store.add_organization(tenant, "https://example.org/rest/v1", "acme", role);
    added.await.unwrap();
    store.activate_tenant(Some(tenant)).await.unwrap();
    (fixture, tenant)
}

fn server(url: &str, catalog: &str) -> Value {
    json!({
        "scope": "organization", "name": "tools", "server": {"type": "http", "url": url},
        "auth": {"type": "bearer"}, "enabled": true, "target": {}, "catalog": catalog, "version": 1,
    })
}

/// The backend has said this of a server.
async fn comes(store: &Store, tenant: Tenant, (since, rev): (i64, i64), id: Uuid, row: Value) {
    let page = Page {
        since,
        rev,
        token: "1.1.0".to_owned(),
        is_last: true,
        changes: vec![PulledChange {
            kind: EntityKind::McpConfiguration.as_str().to_owned(),
            id,
            rev,
            is_deleted: row.is_null(),
            row: if row.is_null() { json!({}) } else { row },
        }],
    };
    store.apply_page(tenant, &page).await.unwrap();
    assert!(store.share_servers(tenant, stays).await.unwrap());
    assert!(!store.share_servers(tenant, stays).await.unwrap());
}

async fn only(store: &Store) -> McpConfiguration {
    let all = store.mcp_configurations().await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

/// A server that its user has agreed to, with a token.
async fn agreed(store: &Store, tenant: Tenant) -> (Uuid, McpConfiguration) {
    let id = Uuid::now_v7();
    comes(
        store,
        tenant,
        (0, 1),
        id,
        server("https://a.example/mcp", "installed"),
    )
    .await;
    let shared = only(store).await;
    assert_eq!(
        (shared.scope, shared.catalog, shared.consented),
        (McpScope::Organization, Some(Catalog::Installed), false)
    );
    store.consent_mcp(shared.id, shared.version).await.unwrap();
    let kept = store.set_mcp_secret(shared.id, "token", true).await;
    (id, kept.unwrap())
}

fn token(id: Uuid) -> McpOrphan {
    McpOrphan {
        id: McpConfigurationId(id),
        name: "token".to_owned(),
        known: true,
        is_kept: false,
    }
}

#[tokio::test]
async fn a_consent_and_secrets_hold_for_the_server_as_it_was() {
    let (fixture, tenant) = store().await;
    let store = &fixture.store;
    let (id, kept) = agreed(store, tenant).await;
    let mut renamed = server("https://a.example/mcp", "installed");
    renamed["name"] = json!("others");
    comes(store, tenant, (1, 2), id, renamed).await;
    let now = only(store).await;
    assert!(now.consented && now.kept_secrets.contains("token"));
    assert_eq!(now.version, kept.version + 1);
    assert_eq!(store.mcp_orphans().await.unwrap(), []);

    let elsewhere = server("https://b.example/mcp", "installed");
    comes(store, tenant, (2, 3), id, elsewhere).await;
    let now = only(store).await;
    assert!(!now.consented && now.kept_secrets.is_empty(), "{now:?}");
    assert_eq!(store.mcp_orphans().await.unwrap(), [token(id)]);
    // Given again, it is the new server's.
    store.set_mcp_secret(now.id, "token", true).await.unwrap();
    let orphans = store.mcp_orphans().await.unwrap();
    assert!(orphans[0].is_kept);
    store.forget_mcp_orphan(&orphans[0], false).await.unwrap();
    assert_eq!(store.mcp_orphans().await.unwrap(), []);
    assert!(store.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn another_client_that_an_admin_names_is_used_where_the_users_secret_was_used() {
    const FIRST: &str = "https://as.example";
    let (fixture, tenant) = store().await;
    let store = &fixture.store;
    let of = |url: &str, client: &str| {
        let mut row = server(url, "installed");
        row["auth"] = json!({"type": "oauth", "client_id": client});
        row
    };
    let id = Uuid::now_v7();
    let mine = of("https://a.example/mcp", "mine");
    comes(store, tenant, (0, 1), id, mine).await;
    let shared = only(store).await.id;
    let kept = store.set_mcp_secret(shared, "client_secret", true).await;
    kept.unwrap();
    let told = McpGrantFacts {
        issuer: FIRST.to_owned(),
        client_id: "mine".to_owned(),
        scopes: Vec::new(),
        given_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        can_refresh: false,
    };
    store.mcp_signed_in(shared, &told).await.unwrap();
    let other = of("https://a.example/mcp", "other");
    comes(store, tenant, (1, 2), id, other).await;
    let issuer = store.mcp_client_issuer(shared).await.unwrap();
    assert_eq!(issuer.as_deref(), Some(FIRST));
    // The secret does not go along to another host, and what it was bound to says nothing of the next one.
    let elsewhere = of("https://b.example/mcp", "other");
    comes(store, tenant, (2, 3), id, elsewhere).await;
    assert_eq!(store.mcp_client_issuer(shared).await.unwrap(), None);
}

#[tokio::test]
async fn servers_go_with_the_membership_and_are_not_seen_under_another_organization() {
    let (fixture, tenant) = store().await;
    let store = &fixture.store;
    let (id, kept) = agreed(store, tenant).await;
    store.activate_tenant(None).await.unwrap();
    assert_eq!(store.mcp_configurations().await.unwrap(), []);
    assert_eq!(store.mcp_configuration(kept.id).await.unwrap(), None);
    store.activate_tenant(Some(tenant)).await.unwrap();
    assert!(only(store).await.consented);

    store.wipe_organization(tenant, "test").await.unwrap();
    assert_eq!(store.mcp_configurations().await.unwrap(), []);
    assert_eq!(store.mcp_orphans().await.unwrap(), [token(id)]);
    assert!(store.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn no_organization_takes_the_place_of_a_server_of_the_users_own() {
    let (fixture, tenant) = store().await;
    let store = &fixture.store;
    let draft = json!({"name": "tools", "server": {"type": "stdio", "command": "mine"}});
    let draft: McpDraft = serde_json::from_value(draft).unwrap();
    let own = store.create_mcp(&draft).await.unwrap();
    let page = Page {
        since: 0,
        rev: 1,
        token: "1.1.0".to_owned(),
        is_last: true,
        changes: vec![PulledChange {
            kind: EntityKind::McpConfiguration.as_str().to_owned(),
            id: own.id.0,
            rev: 1,
            is_deleted: false,
            row: server("https://a.example/mcp", "installed"),
        }],
    };
    store.apply_page(tenant, &page).await.unwrap();
    assert!(!store.share_servers(tenant, stays).await.unwrap());
    assert_eq!(only(store).await, own);
}

#[tokio::test]
async fn an_admins_edit_is_seen_at_once_and_a_late_one_is_refused() {
    let (fixture, tenant) = store().await;
    let store = &fixture.store;
    let (id, _) = agreed(store, tenant).await;
    let seen = only(store).await;
    let block = TenantEdit::Change {
        kind: EntityKind::McpConfiguration,
        id,
        fields: json!({"catalog": "blocked"}),
    };
    let looked_at = Some((seen.id, seen.version));
    store
        .edit_server(tenant, looked_at, block.clone(), stays)
        .await
        .unwrap();
    assert_eq!(only(store).await.catalog, Some(Catalog::Blocked));
    let late = store.edit_server(tenant, looked_at, block, stays).await;
    assert!(
        matches!(late, Err(StoreError::McpChanged { .. })),
        "{late:?}"
    );
    let mut twin = server("https://c.example/mcp", "available");
    twin["name"] = json!("TOOLS");
    if let Some(fields) = twin.as_object_mut() {
        fields.remove("version");
    }
    let add = TenantEdit::Add {
        kind: EntityKind::McpConfiguration,
        id: Uuid::now_v7(),
        fields: twin,
    };
    let twice = store.edit_server(tenant, None, add, stays).await;
    assert!(
        matches!(twice, Err(StoreError::McpExists { .. })),
        "{twice:?}"
    );
    assert!(store.verify_audit().await.unwrap().valid);
}

#[tokio::test]
async fn what_is_done_to_another_organization_is_no_event_of_the_active_one() {
    let (fixture, tenant) = store().await;
    let store = &fixture.store;
    let (own, other) = (tenant.org.to_string(), Uuid::now_v7().to_string());
    for (action, id) in [
        ("org.role_changed", own.as_str()),
        ("org.invited", other.as_str()),
        ("org.signed_in", "account"),
    ] {
        let noted = store.note(action, "organization", id, json!({}));
        noted.await.unwrap();
    }
    let sent = store.audit_outgoing(tenant, 100).await.unwrap();
    let sent: Vec<_> = sent.iter().map(|event| event.action.as_str()).collect();
    assert!(sent.contains(&"org.role_changed"), "{sent:?}");
    assert!(sent.contains(&"org.signed_in"), "{sent:?}");
    assert!(!sent.contains(&"org.invited"), "{sent:?}");
    let waits = store.audit_backlog(tenant).await.unwrap().waiting;
    assert_eq!(waits, u64::try_from(sent.len()).unwrap());
}

#[tokio::test]
async fn a_server_that_cannot_be_read_hides_no_other_and_can_be_removed() {
    let fixture = Fixture::new().await;
    let draft = |name: &str| -> McpDraft {
        let server = json!({"type": "http", "url": "https://a.example/mcp"});
        let draft = json!({"name": name, "server": server, "auth": {"type": "bearer"}});
        serde_json::from_value(draft).unwrap()
    };
    let broken = fixture.store.create_mcp(&draft("broken")).await.unwrap();
    let whole = fixture.store.create_mcp(&draft("whole")).await.unwrap();
    let kept = fixture.store.set_mcp_secret(broken.id, "token", true).await;
    kept.unwrap();
    let mut raw = fixture.raw().await;
    crate::support::execute(
        &mut raw,
        r#"UPDATE mcp_configurations SET server = '{"type":"telepathy"}' WHERE name = 'broken'"#,
    )
    .await;
    drop(raw);
    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();

    let known = store.mcp_configurations().await.unwrap();
    assert_eq!(known.iter().map(|it| it.id).collect::<Vec<_>>(), [whole.id]);
    let unreadable = store.unreadable_mcp().await.unwrap();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(
        (unreadable[0].id, &*unreadable[0].name),
        (broken.id, "broken")
    );
    assert_eq!(unreadable[0].parts, ["server"]);
    let refused = store.delete_unreadable_mcp(whole.id).await;
    assert!(matches!(refused, Err(StoreError::McpChanged { .. })));
    store.delete_unreadable_mcp(broken.id).await.unwrap();
    assert!(store.unreadable_mcp().await.unwrap().is_empty());
    let again = store.delete_unreadable_mcp(broken.id).await;
    assert!(matches!(again, Err(StoreError::McpNotFound(_))));
    let orphans = store.mcp_orphans().await.unwrap();
    let left: Vec<_> = orphans.iter().map(|it| (it.id, it.name.as_str())).collect();
    assert_eq!(left, [(broken.id, "token")]);
    crate::support::assert_consistent(&store).await;
}
