//! Signing in to MCP servers: the engine waits for the browser, keeps what comes of it in the keychain, and forgets it.

use std::net::TcpStream;

use berth_mcp::Connection;
use berth_protocol::{
    Code, McpCalled, McpConfiguration, McpRevoked, McpSignedOut, McpState, McpTested,
};
use berth_tests::{
    Engine,
    mcp::{add_agent, session_in},
    oauth::{Fixture, browse},
    until,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{folder, mcp_stage::Stage};

#[path = "mcp_sign_in/logs.rs"]
mod logs;

impl Stage {
    async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&McpConfiguration) -> bool,
    ) -> McpConfiguration {
        let found = self.client().until(what, async || {
            let now = self.now().await;
            wanted(&now).then_some(now)
        });
        found.await
    }

    async fn begin(&self) -> McpConfiguration {
        let begun = self.client().post(&self.path("/sign-in"), &json!({})).await;
        begun.expect("it begins")
    }

    /// Signs in, with a browser that agrees to everything.
    async fn sign_in(&self) -> McpConfiguration {
        let begun = self
            .begin()
            .await
            .signing_in
            .expect("it waits for the browser");
        assert_eq!(begun.issuer, self.fixture.base);
        let (status, page) = browse(&begun.url).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains("You are signed in"), "{page}");
        self.until("is connected", |now| {
            matches!(now.state, McpState::Connected { .. })
        })
        .await
    }

    /// Changes what is said of the server.
    async fn edit(&self, draft: Value) -> McpConfiguration {
        let body = json!({"version": self.now().await.version, "configuration": draft});
        let put = self.client().request(Method::PUT, &self.path(""));
        let put = self.client().value(put.json(&body));
        put.await.expect("it is taken")
    }

    async fn sign_out(&self) -> McpSignedOut {
        let out = self
            .client()
            .post(&self.path("/sign-out"), &json!({}))
            .await;
        out.expect("it is done")
    }
}

fn draft(url: &str) -> Value {
    json!({"name": "guarded", "server": {"type": "http", "url": url}, "auth": {"type": "oauth"}})
}

#[tokio::test]
async fn a_user_signs_in_uses_the_server_after_a_restart_too_and_signs_out() {
    let Some(mut stage) = Stage::set(draft).await else {
        return;
    };
    let early = stage.test().await.expect_err("nobody is signed in");
    assert_eq!(early.code, Code::McpSignedOut);
    let early = stage.now().await;
    assert!(
        matches!(early.state, McpState::NeedsSignIn { .. }),
        "{early:?}"
    );
    assert!(!early.is_signed_in());

    let signed_in = stage.sign_in().await;
    assert!(signed_in.is_signed_in());
    assert_eq!(signed_in.signing_in, None);
    assert!(stage.keychain.count().await >= 2);
    stage.test().await.expect("it lets its user in");

    stage.engine.restart().await;
    stage.fixture.forget_access_tokens();
    stage.test().await.expect("the token is renewed");
    assert!(stage.now().await.is_signed_in());

    let out = stage.sign_out().await;
    assert_eq!(out.revoked, McpRevoked::Revoked, "{:?}", out.why);
    assert!(!out.configuration.is_signed_in());
    assert_eq!(stage.keychain.count().await, 0);
    stage
        .test()
        .await
        .expect_err("nobody is signed in any more");
    let again = stage.sign_out().await;
    assert_eq!(again.revoked, McpRevoked::Nothing);
    stage.client().assert_audit_valid().await;
    let trail = stage.client().audit().await;
    for action in ["mcp.signed_in", "mcp.signed_out"] {
        assert!(trail.iter().any(|it| it.action == action), "{action}");
    }
}

/// Waits until nobody listens any more for the browser of a sign-in: its waiting ends beside the answer that says so,
/// and until then it would take what the browser brings.
async fn nobody_listens_for(sign_in: &str) {
    let url = reqwest::Url::parse(sign_in).expect("it is an address");
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let redirect = redirect.expect("it has one").1.into_owned();
    let redirect = reqwest::Url::parse(&redirect).expect("it is an address");
    let port = redirect.port().expect("it has a port");
    until("nobody listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    })
    .await;
    reqwest::get(sign_in).await.expect_err("nobody listens");
}

#[tokio::test]
async fn a_sign_in_is_cancelled_and_replaced() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    let first = stage.begin().await.signing_in.expect("it waits");
    let second = stage.begin().await.signing_in.expect("it waits");
    assert_ne!(first.url, second.url);
    assert_eq!(stage.now().await.signing_in.as_ref(), Some(&second));
    // Whoever answers the first one finds nobody.
    nobody_listens_for(&first.url).await;
    let cancel = stage
        .client()
        .request(Method::DELETE, &stage.path("/sign-in"));
    let cancelled: McpConfiguration = stage.client().value(cancel).await.expect("it is done");
    assert_eq!(cancelled.signing_in, None);
    nobody_listens_for(&second.url).await;
    assert!(!stage.now().await.is_signed_in());
    assert_eq!(stage.keychain.count().await, 0);
}

#[tokio::test]
async fn what_goes_wrong_in_a_sign_in_is_told_by_the_server_s_state() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.fixture.change("/token", |answer| {
        answer.status = 400;
        answer.body = json!({"error": "invalid_grant", "error_description": "too late"});
    });
    let begun = stage.begin().await.signing_in.expect("it waits");
    let (status, page) = browse(&begun.url).await;
    assert_eq!(status, 400);
    assert!(page.contains("too late"), "{page}");
    let failed = stage
        .until("has failed", |now| {
            matches!(now.state, McpState::Failed { .. })
        })
        .await;
    let McpState::Failed { problem, .. } = failed.state else {
        unreachable!("it was looked for");
    };
    assert_eq!(problem.code, Code::McpSignInFailed);
    assert!(problem.detail.contains("too late"), "{problem}");
    assert_eq!(failed.signing_in, None);
    assert!(!failed.kept_secrets.contains(McpConfiguration::SIGN_IN));

    stage
        .fixture
        .describe("code_challenge_methods_supported", json!([]));
    let path = stage.path("/sign-in");
    let refused = stage.client().act::<McpConfiguration>(&path).await;
    let refused = refused.expect_err("nothing is opened");
    assert_eq!(refused.code, Code::McpSignInFailed);
    assert!(refused.detail.contains("PKCE"), "{refused}");
}

#[tokio::test]
async fn a_sign_in_goes_with_what_it_was_for() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    let signed_in = stage.sign_in().await;
    let put = async |now: &McpConfiguration, draft: Value| {
        let body = json!({"version": now.version, "configuration": draft});
        let put = stage
            .client()
            .request(Method::PUT, &stage.path(""))
            .json(&body);
        stage
            .client()
            .value::<McpConfiguration>(put)
            .await
            .expect("it is taken")
    };
    // Another name changes nothing of who is signed in.
    let mut renamed = draft(&stage.fixture.mcp());
    renamed["name"] = json!("renamed");
    let now = put(&signed_in, renamed).await;
    assert!(now.is_signed_in());
    stage.test().await.expect("it lets its user in");
    // Another address is another server, though it is on the same host.
    let now = put(&now, draft(&format!("{}/other", stage.fixture.base))).await;
    assert!(!now.is_signed_in());
    assert_eq!(stage.keychain.count().await, 0);
    assert_eq!(stage.fixture.seen("POST /revoke").len(), 1);
    put(&now, draft(&stage.fixture.mcp())).await;

    stage.sign_in().await;
    let cleared = stage.client().post(&stage.path("/clear"), &json!({})).await;
    let cleared: McpConfiguration = cleared.expect("it is done");
    assert!(cleared.kept_secrets.is_empty());
    assert_eq!(cleared.state, McpState::Untried);
    assert_eq!(stage.keychain.count().await, 0);

    let signed_in = stage.sign_in().await;
    let path = stage.path(&format!("?version={}", signed_in.version));
    stage.client().delete(&path).await.expect("it is removed");
    assert_eq!(stage.keychain.count().await, 0);
    assert_eq!(stage.fixture.seen("POST /revoke").len(), 3);
}

#[tokio::test]
async fn a_server_that_takes_no_sign_in_is_not_signed_in_to() {
    let engine = Engine::start().await;
    let draft =
        json!({"name": "open", "server": {"type": "http", "url": "http://127.0.0.1:9/mcp"}});
    let made: McpConfiguration = engine
        .client
        .post("/mcp/configurations", &draft)
        .await
        .expect("it is taken");
    let path = format!("/mcp/configurations/{}/sign-in", made.id);
    let early = engine.client.post::<Value>(&path, &json!({})).await;
    assert_eq!(
        early.expect_err("nobody agreed").code,
        Code::McpNotConsented
    );
    let consent = format!("/mcp/configurations/{}/consent", made.id);
    let seen = json!({"version": made.version});
    let consented = engine.client.post::<Value>(&consent, &seen).await;
    consented.expect("it is taken");
    let refused = engine.client.post::<Value>(&path, &json!({})).await;
    assert_eq!(
        refused.expect_err("it is not for that").code,
        Code::McpInvalid
    );
    let gone = format!(
        "/mcp/configurations/{}/sign-in",
        berth_protocol::McpConfigurationId(uuid::Uuid::now_v7())
    );
    let unknown = engine.client.post::<Value>(&gone, &json!({})).await;
    assert_eq!(unknown.expect_err("there is none").code, Code::McpNotFound);
}

#[tokio::test]
async fn what_one_server_says_of_signing_in_is_nothing_to_go_by_for_another() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    // The address of before names where its users sign in, and is somebody else's.
    let hostile = Fixture::start().await;
    let evil = json!({"name": "guarded", "server": {"type": "http", "url": hostile.mcp()}});
    let put = async |now: &McpConfiguration, draft: &Value| {
        let body = json!({"version": now.version, "configuration": draft});
        let put = stage
            .client()
            .request(Method::PUT, &stage.path(""))
            .json(&body);
        let now = stage.client().value::<McpConfiguration>(put).await;
        let now = now.expect("it is taken");
        let consent = json!({"version": now.version});
        let path = stage.path("/consent");
        let agreed = stage.client().post::<McpConfiguration>(&path, &consent);
        agreed.await.expect("it is taken")
    };
    let now = put(&stage.now().await, &evil).await;
    stage.test().await.expect_err("it wants a sign-in");
    put(&now, &draft(&stage.fixture.mcp())).await;
    // The draft of another address is tried and thrown away.
    let drafted = json!({"id": stage.server.id, "draft": draft(&hostile.mcp())});
    let tested = stage.client().post::<McpTested>("/mcp/test", &drafted);
    tested.await.expect_err("it wants a sign-in");
    let before = hostile
        .seen("GET /.well-known/oauth-protected-resource/mcp")
        .len();
    let begun = stage.begin().await.signing_in.expect("it waits");
    assert_eq!(begun.issuer, stage.fixture.base);
    let after = hostile
        .seen("GET /.well-known/oauth-protected-resource/mcp")
        .len();
    assert_eq!(before, after, "nobody asks it");
}

#[tokio::test]
async fn a_registered_client_stays_with_its_authorization_server_until_its_user_says_otherwise() {
    const SECRET: &str = "secret-of-the-registered-client";
    let Some(mut stage) = Stage::set(draft).await else {
        return;
    };
    let mut registered = draft(&stage.fixture.mcp());
    registered["auth"]["client_id"] = json!("mine");
    stage.edit(registered).await;
    stage.keep(SECRET).await;
    stage.sign_in().await;
    assert!(stage.fixture.was_told(SECRET), "it would be noticed");

    // Neither a sign-out nor a restart makes it another one's.
    stage.sign_out().await;
    stage.engine.restart().await;
    let other = Fixture::start().await;
    stage.moves_to(&other);
    let path = stage.path("/sign-in");
    let refused = stage.client().act::<McpConfiguration>(&path).await;
    let refused = refused.expect_err("nothing is opened");
    assert_eq!(refused.code, Code::McpSignInFailed);
    for issuer in [&stage.fixture.base, &other.base] {
        assert!(refused.detail.contains(issuer), "{refused}");
    }
    let hint = refused.hint.as_deref().unwrap_or_default();
    assert!(hint.contains("clear the server"), "{hint}");
    assert_eq!(stage.now().await.signing_in, None);
    assert!(!other.was_asked());

    stage.keep("secret-of-the-other-client").await;
    let begun = stage.begin().await.signing_in.expect("it waits");
    assert_eq!(begun.issuer, other.base);
    let (status, page) = browse(&begun.url).await;
    assert_eq!(status, 200, "{page}");
    assert!(other.was_told("secret-of-the-other-client"));
    assert!(!other.was_told(SECRET));
}

#[tokio::test]
async fn the_parameter_resource_is_left_out_where_the_settings_of_a_server_say_so() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.sign_in().await;
    let mut without = draft(&stage.fixture.mcp());
    without["auth"]["without_resource"] = json!(true);
    assert!(stage.edit(without).await.is_signed_in());
    stage.sign_in().await;
    for what in ["GET /authorize", "POST /token"] {
        let seen = stage.fixture.seen(what);
        let sent: Vec<_> = seen
            .iter()
            .map(|it| it.said.contains("resource="))
            .collect();
        assert_eq!(sent, [true, false], "{what}");
    }
}

impl Stage {
    /// The connection of an agent, whose session is given the server.
    async fn agent(&self) -> Connection {
        add_agent(&self.engine).await;
        let place = folder(&self.engine, "first");
        let (_, given) = session_in(self.client(), &place, "guarded").await;
        given.expect("it is given the server").connect().await
    }

    /// How often its tool was called at the server.
    fn calls(&self) -> usize {
        let asked = self.fixture.seen("POST /mcp");
        let calls = asked.iter().filter(|it| it.said.contains("tools/call"));
        calls.count()
    }
}

/// Whether a call of an agent failed, and what the agent reads.
async fn called(agent: &Connection) -> (bool, String) {
    let called = agent.try_call("echo", Map::new()).await;
    let called = called.expect("the gateway answers");
    let text = called.result["content"][0]["text"].as_str();
    (called.is_error, text.unwrap_or_default().to_owned())
}

fn wants_sign_in(now: &McpConfiguration) -> bool {
    matches!(now.state, McpState::NeedsSignIn { .. })
}

#[tokio::test]
async fn a_call_that_wants_more_access_works_for_the_same_agent_once_its_user_has_given_it() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.sign_in().await;
    let agent = stage.agent().await;
    let (failed, said) = called(&agent).await;
    assert!(!failed, "{said}");

    stage.fixture.wants_scope("more");
    let (failed, said) = called(&agent).await;
    assert!(failed && said.contains("sign in"), "{said}");
    assert!(said.contains("its user can do that, in Berth"), "{said}");
    let now = stage.now().await;
    assert!(wants_sign_in(&now) && now.is_signed_in(), "{now:?}");
    // That its tools can be seen is no access.
    agent.tools().await.expect("it tells them");
    assert!(wants_sign_in(&stage.now().await));

    stage.sign_in().await;
    let asked = stage.fixture.seen("GET /authorize");
    let asked = asked.last().expect("it was asked in the browser");
    assert!(asked.said.contains("scope=more"), "{asked:?}");
    let (failed, said) = called(&agent).await;
    assert!(!failed && said == "called", "{said}");
    agent.tools().await.expect("it tells them");
    let now = stage.now().await;
    assert!(matches!(now.state, McpState::Connected { .. }), "{now:?}");
    stage.client().assert_audit_valid().await;
}

#[tokio::test]
async fn a_server_that_wants_more_access_without_end_is_asked_once_for_each_call() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.sign_in().await;
    let agent = stage.agent().await;
    stage.fixture.change("/mcp", |answer| {
        if answer.body["result"]["content"].is_array() {
            answer.status = 403;
            answer.body = Value::Null;
            let challenge = "Bearer error=\"insufficient_scope\", scope=\"more\"";
            answer.set("www-authenticate", challenge);
        }
    });
    for _ in 0..2 {
        let (failed, said) = called(&agent).await;
        assert!(failed && said.contains("in Berth"), "{said}");
        assert!(wants_sign_in(&stage.now().await));
        stage.sign_in().await;
    }
    let (failed, _) = called(&agent).await;
    assert!(failed);
    assert_eq!(stage.calls(), 3, "nobody but the agent calls");
    let path = stage.path("/sign-in");
    let refused = stage.client().act::<McpConfiguration>(&path).await;
    let refused = refused.expect_err("it would not help");
    assert_eq!(refused.code, Code::McpSignedOut);
    assert!(refused.detail.contains("will not help"), "{refused}");
    agent.tools().await.expect("it tells them");
    let now = stage.now().await;
    assert!(wants_sign_in(&now) && now.signing_in.is_none(), "{now:?}");
}

#[tokio::test]
async fn a_sign_in_that_ends_while_an_agent_works_is_told_and_can_be_done_again() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.sign_in().await;
    let agent = stage.agent().await;
    let (failed, said) = called(&agent).await;
    assert!(!failed, "{said}");
    stage.fixture.change("/token", |answer| {
        answer.status = 400;
        answer.body = json!({"error": "invalid_grant"});
    });
    stage.fixture.forget_access_tokens();
    // At the connection that there is, and at the one that is opened in its place.
    for _ in 0..2 {
        let (failed, said) = called(&agent).await;
        assert!(failed && said.contains("in Berth"), "{said}");
        let now = stage.now().await;
        assert!(matches!(now.state, McpState::Expired { .. }), "{now:?}");
    }
    stage.fixture.change("/token", |_| ());
    stage.sign_in().await;
    let (failed, said) = called(&agent).await;
    assert!(!failed && said == "called", "{said}");
}

#[tokio::test]
async fn a_call_by_hand_that_wants_more_access_is_told_by_the_server_s_state() {
    let Some(stage) = Stage::set(draft).await else {
        return;
    };
    stage.sign_in().await;
    stage.fixture.wants_scope("more");
    let call = json!({"tool": "echo", "arguments": {}});
    let path = stage.path("/call");
    let refused = stage.client().post::<McpCalled>(&path, &call).await;
    let refused = refused.expect_err("it wants more access");
    assert_eq!(refused.code, Code::McpSignedOut);
    assert!(wants_sign_in(&stage.now().await));
    stage.sign_in().await;
    let answered = stage.client().post::<McpCalled>(&path, &call).await;
    assert!(!answered.expect("it answers").is_error);
}
