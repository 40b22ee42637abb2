//! Secrets of MCP servers that are longer than what a keychain takes in one entry.

use berth_protocol::{Code, LONGEST_SECRET, McpConfiguration, McpTested};
use berth_tests::{
    Answer, Client, Setup, keychain::Keychain, mcp::agreed, oauth::Fixture, skip, this_test,
};
use reqwest::Method;
use serde_json::json;

/// A token of so many bytes, no two parts of which are the same.
fn token(letter: char, length: usize) -> String {
    let all: String = (0..length)
        .map(|number| format!("{letter}{number:05}"))
        .collect();
    all[..length].to_owned()
}

async fn put(
    client: &Client,
    server: &McpConfiguration,
    name: &str,
    value: &str,
) -> Answer<McpConfiguration> {
    let path = format!("/mcp/configurations/{}/secrets/{name}", server.id);
    let put = client.request(Method::PUT, &path);
    client.value(put.json(&json!({"value": value}))).await
}

/// Has a server tried that says nothing a client of it could use.
async fn try_out(client: &Client, server: &McpConfiguration) {
    let kept = json!({"id": server.id});
    let tried = client.post::<McpTested>("/mcp/test", &kept).await;
    tried.expect_err("it is no server");
}

#[tokio::test]
async fn a_token_of_three_kilobytes_arrives_whole_at_its_server() {
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring is not installed");
    };
    let engine = keychain.of(setup).start().await;
    let client = &engine.client;
    let fixture = Fixture::start().await;
    let web = json!({"name": "web", "server": {"type": "http", "url": fixture.mcp()},
                     "auth": {"type": "bearer"}});
    let web = agreed(client, &web).await;
    let long = token('a', 3000);
    let kept = put(client, &web, "token", &long).await;
    assert!(kept.expect("it is kept").kept_secrets.contains("token"));
    assert_eq!(keychain.count().await, 4, "three parts, and which they are");
    // It knows nobody who has this token, but it was sent it.
    try_out(client, &web).await;
    let sent = fixture.seen("POST /mcp");
    let sent: Vec<_> = sent
        .iter()
        .filter_map(|it| it.authorization.as_deref())
        .collect();
    assert!(!sent.is_empty());
    for sent in sent {
        assert_eq!(sent, format!("Bearer {long}"));
    }

    let short = put(client, &web, "token", "short").await;
    short.expect("it is kept");
    assert_eq!(keychain.count().await, 1, "nothing is left of the long one");
    let longest = put(client, &web, "token", &token('b', LONGEST_SECRET)).await;
    longest.expect("it is kept");
    let more = put(client, &web, "token", &token('c', LONGEST_SECRET + 1)).await;
    assert_eq!(more.expect_err("it is too long").code, Code::BadRequest);
    let path = format!("/mcp/configurations/{}/secrets/token", web.id);
    let gone: McpConfiguration = client
        .value(client.request(Method::DELETE, &path))
        .await
        .expect("it is removed");
    assert!(gone.kept_secrets.is_empty());
    assert_eq!(keychain.count().await, 0);
    let trail = serde_json::to_string(&client.audit().await).expect("it is JSON");
    assert!(!trail.contains(&long[..20]));
}

/// Writes its environment where the variable `INTO` says, and ends.
const TELLS_ENVIRONMENT: &str = r#"env > "$INTO""#;

#[tokio::test]
async fn an_engine_that_is_killed_while_it_keeps_a_secret_leaves_the_one_before_or_the_new_one() {
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring is not installed");
    };
    let mut engine = keychain.of(setup).start().await;
    let into = engine.setup().folder().join("environment");
    let server = json!({"type": "stdio", "command": "/bin/bash", "args": ["-c", TELLS_ENVIRONMENT],
                        "env": {"INTO": into}, "secret_env": ["KEY"]});
    let draft = json!({"name": "tells", "server": server});
    let tells = agreed(&engine.client, &draft).await;
    let (old, new) = (token('o', 5000), token('n', LONGEST_SECRET));
    let kept = put(&engine.client, &tells, "env%2FKEY", &old).await;
    kept.expect("it is kept");
    let before = keychain.count().await;

    let (client, of, value) = (engine.client.clone(), tells.clone(), new.clone());
    let putting = tokio::spawn(async move { put(&client, &of, "env%2FKEY", &value).await });
    // Nobody tells when parts of it are there.
    while keychain.count().await <= before && !putting.is_finished() {}
    engine.kill();
    // It may have been answered before.
    let _ = putting.await;
    engine.restart().await;
    try_out(&engine.client, &tells).await;
    let environment = std::fs::read_to_string(&into).expect("it was started");
    let mut lines = environment.lines();
    let given = lines.find_map(|line| line.strip_prefix("KEY="));
    let given = given.expect("it was given its secret");
    assert!(given == old || given == new, "{} bytes", given.len());

    let short = put(&engine.client, &tells, "env%2FKEY", "short").await;
    short.expect("it is kept");
    assert_eq!(keychain.count().await, 1, "what the kill has left is gone");
}
