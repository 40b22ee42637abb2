//! A sign-in from its begin to its end.

use std::time::Duration;

use berth_mcp::{GrantState, Limits, OauthError, Registered, Revoked, SignIn, probe};
use berth_protocol::Code;
use berth_tests::oauth::{Fixture, browse};

use super::stage::{KEY, broker, challenge, reach, sign_in, wish};

#[tokio::test]
async fn a_signed_out_server_is_used_after_a_sign_in_and_signed_out_again_after_a_sign_out() {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    let (url, server) = (fixture.mcp(), reach(&fixture.mcp(), &broker));
    assert_eq!(
        broker.state(KEY, &url).await.unwrap(),
        GrantState::SignedOut
    );
    let error = broker
        .access_token(KEY, &url)
        .await
        .expect_err("nobody is signed in");
    assert_eq!(error.code(), Code::McpSignedOut);

    let mut wish = wish(&fixture);
    wish.challenge = challenge(&server).await;
    let grant = sign_in(wish).await.expect("it works");
    broker.keep(KEY, grant).await.expect("it is kept");
    let said = probe(&server, Limits::default())
        .await
        .expect("it is let in");
    assert_eq!(said.tools[0].name, "echo");
    assert_eq!(broker.state(KEY, &url).await.unwrap(), GrantState::SignedIn);

    let registered = &fixture.seen("POST /register")[0].said;
    for part in [r#""application_type":"native""#, r#""client_secret_basic""#] {
        assert!(registered.contains(part), "{registered}");
    }
    let asked = &fixture.seen("GET /authorize")[0].said;
    for part in [
        "code_challenge_method=S256",
        "resource=",
        "state=",
        "127.0.0.1",
    ] {
        assert!(asked.contains(part), "{asked}");
    }

    let revoked = broker.sign_out(KEY).await.expect("it can be forgotten");
    assert!(matches!(revoked, Revoked::Yes), "{revoked:?}");
    assert!(
        fixture.seen("POST /revoke")[0]
            .said
            .contains("token_type_hint=refresh_token")
    );
    assert_eq!(
        broker.state(KEY, &url).await.unwrap(),
        GrantState::SignedOut
    );
    assert!(broker.access_token(KEY, &url).await.is_err());
    assert!(matches!(broker.sign_out(KEY).await, Ok(Revoked::Nothing)));
}

#[tokio::test]
async fn a_registered_client_and_a_document_come_before_a_registration() {
    let fixture = Fixture::start().await;
    fixture.describe("client_id_metadata_document_supported", true);
    let mut with_client = wish(&fixture);
    with_client.document = Some("https://berth.example/client.json".to_owned());
    let with_document = with_client.clone();
    with_client.registered = Some(Registered {
        id: "mine".to_owned(),
        secret: Some("my-secret".to_owned().into()),
    });
    for (wish, id) in [
        (with_client, "mine"),
        (with_document, "https%3A%2F%2Fberth.example%2Fclient.json"),
    ] {
        let sign_in = SignIn::begin(wish).await.expect("it begins");
        assert!(
            sign_in.url().contains(&format!("client_id={id}")),
            "{}",
            sign_in.url()
        );
    }
    assert!(fixture.seen("POST /register").is_empty());

    fixture.describe("registration_endpoint", serde_json::Value::Null);
    let error = sign_in(wish(&fixture))
        .await
        .expect_err("there is no way in");
    assert!(matches!(error, OauthError::Unregistered(_)), "{error}");
}

#[tokio::test]
async fn the_address_of_a_users_own_document_is_the_client_without_a_registration() {
    let fixture = Fixture::start().await;
    fixture.describe("client_id_metadata_document_supported", true);
    let mut wish = wish(&fixture);
    wish.registered = Some(Registered {
        id: "https://user.example/client.json".to_owned(),
        secret: None,
    });
    sign_in(wish).await.expect("it works");
    assert!(fixture.seen("POST /register").is_empty());
    for what in ["GET /authorize", "POST /token"] {
        let said = &fixture.seen(what)[0].said;
        let client = "client_id=https%3A%2F%2Fuser.example%2Fclient.json";
        assert!(said.contains(client), "{what}: {said}");
    }
    assert_eq!(fixture.seen("POST /token")[0].authorization, None);
}

#[tokio::test]
async fn the_parameter_resource_can_be_left_out() {
    let fixture = Fixture::start().await;
    let mut wish = wish(&fixture);
    wish.resource = false;
    sign_in(wish).await.expect("it works");
    for what in ["GET /authorize", "POST /token"] {
        assert!(!fixture.seen(what)[0].said.contains("resource="), "{what}");
    }
}

#[tokio::test]
async fn the_browser_is_told_what_happened() {
    let fixture = Fixture::start().await;
    let begun = SignIn::begin(wish(&fixture)).await.expect("it begins");
    let url = begun.url().to_owned();
    let (grant, (status, page)) = tokio::join!(begun.finish(async |grant| Ok(grant)), browse(&url));
    assert!(grant.is_ok());
    assert_eq!(status, 200);
    assert!(page.contains("You are signed in"), "{page}");

    fixture.change("/token", |answer| {
        answer.status = 400;
        answer.body = serde_json::json!({"error": "invalid_request",
            "error_description": "<b>\u{1b}[31mno\u{202e}</b>"});
    });
    let begun = SignIn::begin(wish(&fixture)).await.expect("it begins");
    let url = begun.url().to_owned();
    let (grant, (status, page)) = tokio::join!(begun.finish(async |grant| Ok(grant)), browse(&url));
    let error = grant.expect_err("the code is not taken");
    assert!(matches!(&error, OauthError::Denied { error, .. } if error == "invalid_request"));
    assert_eq!(error.code(), Code::McpSignInFailed);
    assert_eq!(status, 400);
    assert!(page.contains("&lt;b&gt;no&lt;/b&gt;"), "{page}");
}

#[tokio::test]
async fn a_user_who_says_no_is_heard() {
    let fixture = Fixture::start().await;
    fixture.change("/authorize", |answer| {
        let location = answer.header("location").expect("it redirects").to_owned();
        answer.set(
            "location",
            &location.replace("code=", "error=access_denied&x="),
        );
    });
    let error = sign_in(wish(&fixture)).await.expect_err("they said no");
    assert!(
        matches!(&error, OauthError::Denied { error, .. } if error == "access_denied"),
        "{error}"
    );
    assert!(fixture.seen("POST /token").is_empty());
}

#[tokio::test]
async fn a_sign_in_ends_at_its_limit_and_when_it_is_dropped() {
    let fixture = Fixture::start().await;
    let mut short = wish(&fixture);
    short.time_limit = Duration::from_millis(50);
    let begun = SignIn::begin(short).await.expect("it begins");
    let error = begun
        .finish(async |grant| Ok(grant))
        .await
        .expect_err("nobody comes");
    assert!(matches!(error, OauthError::TimedOut(_)), "{error}");

    let begun = SignIn::begin(wish(&fixture)).await.expect("it begins");
    let url = reqwest::Url::parse(begun.url()).expect("it is one");
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let redirect = redirect.expect("it has one").1.into_owned();
    drop(begun);
    let error = reqwest::get(redirect)
        .await
        .expect_err("nobody listens any more");
    assert!(error.is_connect(), "{error}");
}
