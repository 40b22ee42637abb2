//! MCP servers whose client acts for itself: the engine takes its tokens, and nobody signs in.

use berth_protocol::{Code, McpConfiguration, McpState, McpTested};
use berth_tests::oauth::Fixture;
use serde_json::{Value, json};

use crate::mcp_stage::Stage;

const SECRET: &str = "secret-of-the-client";

fn draft(url: &str) -> Value {
    json!({"name": "own", "server": {"type": "http", "url": url},
        "auth": {"type": "oauth", "client_id": "mine", "grant": "client_credentials"}})
}

#[tokio::test]
async fn a_client_of_its_own_is_used_without_a_browser_and_its_tokens_are_kept_nowhere() {
    let Some(mut stage) = Stage::set(draft).await else {
        return;
    };
    let early = stage.test().await.expect_err("its secret is missing");
    assert_eq!(early.code, Code::McpSecretMissing);
    stage.keep(SECRET).await;
    let before = stage.keychain.count().await;
    for _ in 0..2 {
        stage.test().await.expect("it is let in");
    }
    let now = stage.now().await;
    assert!(matches!(now.state, McpState::Connected { .. }), "{now:?}");
    assert!(!now.is_signed_in());
    assert_eq!(stage.keychain.count().await, before);
    assert_eq!(stage.fixture.seen("POST /token").len(), 1);

    stage.engine.restart().await;
    stage.test().await.expect("it is let in with another token");
    assert_eq!(stage.fixture.seen("POST /token").len(), 2);
    assert!(stage.fixture.seen("GET /authorize").is_empty());

    let path = stage.path("/sign-in");
    let refused = stage.client().act::<McpConfiguration>(&path).await;
    assert_eq!(refused.expect_err("nobody signs in").code, Code::McpInvalid);
    let nameless = json!({"name": "nameless", "server": {"type": "http", "url": stage.fixture.mcp()},
        "auth": {"type": "oauth", "grant": "client_credentials"}});
    let made = stage
        .client()
        .post::<Value>("/mcp/configurations", &nameless);
    let refused = made.await.expect_err("it names no client");
    assert_eq!(refused.code, Code::McpInvalid);
}

#[tokio::test]
async fn a_client_of_its_own_that_is_refused_never_waits_for_a_sign_in() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.keep(SECRET).await;
    stage.fixture.change("/token", |answer| {
        answer.status = 401;
        answer.body = json!({"error": "invalid_client"});
    });
    let refused = stage.test().await.expect_err("it is not let in");
    assert_eq!(refused.code, Code::McpSignInFailed);
    assert!(refused.detail.contains("invalid_client"), "{refused}");
    let now = stage.now().await;
    assert!(matches!(now.state, McpState::Failed { .. }), "{now:?}");
}

#[tokio::test]
async fn the_secret_of_a_client_of_its_own_stays_with_its_authorization_server() {
    let Some(mut stage) = Stage::set(draft).await else {
        return;
    };
    stage.keep(SECRET).await;
    stage.test().await.expect("it is let in");
    assert!(stage.fixture.was_told(SECRET), "it would be noticed");

    stage.engine.restart().await;
    let other = Fixture::start().await;
    stage.moves_to(&other);
    let refused = stage.test().await.expect_err("nothing is sent");
    assert_eq!(refused.code, Code::McpSignInFailed);
    assert!(refused.detail.contains(&other.base), "{refused}");
    assert!(!other.was_asked());

    // Its user says otherwise with another secret, also before that is kept.
    stage.fixture.forget_access_tokens();
    let tried = json!({"id": stage.server.id, "draft": draft(&stage.fixture.mcp()),
        "secrets": {"client_secret": "another-secret"}});
    let tried = stage.client().post::<McpTested>("/mcp/test", &tried).await;
    // What the other one gives out is no token here.
    assert_eq!(
        tried.expect_err("it has no such token").code,
        Code::McpSignInFailed
    );
    assert!(other.was_told("another-secret") && !other.was_told(SECRET));
}
