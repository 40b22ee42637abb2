//! A client that was registered by hand belongs to the authorization server at which it was first used.

use std::collections::BTreeSet;

use berth_protocol::{McpConfiguration, McpDraft, McpGrantFacts, Timestamp};
use berth_store::Store;
use serde_json::json;

use crate::support::Fixture;

const FIRST: &str = "https://as.example";
const SECRET: &str = "client_secret";

fn draft(name: &str, client: &str) -> McpDraft {
    let draft = json!({
        "name": name, "server": {"type": "http", "url": "https://mcp.example/"},
        "auth": {"type": "oauth", "client_id": client},
    });
    serde_json::from_value(draft).unwrap()
}

fn facts(issuer: &str, client: &str) -> McpGrantFacts {
    McpGrantFacts {
        issuer: issuer.to_owned(),
        client_id: client.to_owned(),
        scopes: Vec::new(),
        given_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        can_refresh: false,
    }
}

/// A server whose client was used, with or without a secret.
async fn used(store: &Store, has_secret: bool) -> McpConfiguration {
    let made = store.create_mcp(&draft("files", "mine")).await.unwrap();
    if has_secret {
        let kept = store.set_mcp_secret(made.id, SECRET, true).await;
        kept.unwrap();
    }
    let signed_in = store.mcp_signed_in(made.id, &facts(FIRST, "mine")).await;
    let signed_in = signed_in.unwrap();
    assert_eq!(issuer(store, &signed_in).await.as_deref(), Some(FIRST));
    signed_in
}

async fn issuer(store: &Store, server: &McpConfiguration) -> Option<String> {
    store.mcp_client_issuer(server.id).await.unwrap()
}

#[tokio::test]
async fn a_client_belongs_where_it_was_first_used_after_a_sign_out_and_a_restart_too() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let server = used(store, true).await;
    let other = facts("https://other.example", "mine");
    store.mcp_signed_in(server.id, &other).await.unwrap();
    let out = store.set_mcp_secret(server.id, McpConfiguration::SIGN_IN, false);
    out.await.unwrap();
    assert_eq!(issuer(store, &server).await.as_deref(), Some(FIRST));
    let folder = fixture.closed().await;
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(issuer(&store, &server).await.as_deref(), Some(FIRST));
}

#[tokio::test]
async fn what_berth_registers_by_itself_is_no_client_of_the_users() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let made = store.create_mcp(&draft("files", "mine")).await.unwrap();
    let given = facts(FIRST, "registered-by-asking");
    let signed_in = store.mcp_signed_in(made.id, &given).await.unwrap();
    assert_eq!(issuer(store, &signed_in).await, None);
}

#[tokio::test]
async fn where_a_client_belongs_is_forgotten_with_its_secret_and_not_before() {
    for (has_secret, client, keeps_secret, stays) in [
        (true, "mine", true, true),
        // The secret of before would go along.
        (true, "other", true, true),
        (false, "mine", true, true),
        (false, "other", true, false),
        // It moves to another host.
        (true, "mine", false, false),
    ] {
        let fixture = Fixture::new().await;
        let store = &fixture.store;
        let server = used(store, has_secret).await;
        let kept = keeps_secret.then(|| SECRET.to_owned());
        let kept: BTreeSet<String> = kept.into_iter().collect();
        let changed = draft("renamed", client);
        let changed = store
            .update_mcp(server.id, server.version, &changed, &kept)
            .await
            .unwrap();
        let is = issuer(store, &changed).await;
        let case = format!("{has_secret} {client} {keeps_secret}");
        assert_eq!(is.is_some(), stays, "{case}");
    }
    for is_there in [true, false] {
        let fixture = Fixture::new().await;
        let server = used(&fixture.store, true).await;
        let set = fixture.store.set_mcp_secret(server.id, SECRET, is_there);
        set.await.unwrap();
        assert_eq!(issuer(&fixture.store, &server).await, None, "{is_there}");
    }
    let fixture = Fixture::new().await;
    let server = used(&fixture.store, false).await;
    fixture.store.clear_mcp(server.id).await.unwrap();
    assert_eq!(issuer(&fixture.store, &server).await, None);
}
