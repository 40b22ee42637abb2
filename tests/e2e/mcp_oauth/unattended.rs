//! Clients for which nobody signs in.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use berth_mcp::{
    ClientProof, Connection, Limits, McpError, OauthError, Reach, TokenSource, TokenTerms,
    Unattended, Vouched, probe,
};
use berth_protocol::{Code, McpProbe, OauthProvider, Secret};
use berth_tests::oauth::{Fixture, Seen};
use futures::{future::join_all, poll};
use serde_json::{Value, json};

/// A key of nobody, made for these tests.
const KEY: &str = "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHRAEDkDB/JjG1RelqGqfHLpUcLJ9ZbQtb2bxlT3s3nShRANCAATWMIZvuv6CD5I3Zd1cGQFMveZhTdfrv/TyqWzLeMA9jr/8bjC2G84uVN2R1pV7fZCoQwgJD5LO/InU9PK9VsLR-----END PRIVATE KEY-----";

const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

fn terms(fixture: &Fixture) -> TokenTerms {
    TokenTerms {
        server: fixture.mcp(),
        client_id: "mine".to_owned(),
        proof: ClientProof::of("my-secret".to_owned().into()),
        provider: OauthProvider::Discovered,
        scopes: Vec::new(),
        resource: true,
        vouched: None,
    }
}

/// The server, for a client with these terms.
fn reach(terms: TokenTerms) -> Reach {
    let url = terms.server.clone();
    Reach::SignedIn {
        reach: Box::new(Reach::Http {
            url,
            headers: BTreeMap::new(),
            bearer: None,
        }),
        tokens: Arc::new(Unattended::new(terms)),
    }
}

async fn ask(reach: &Reach) -> Result<McpProbe, McpError> {
    probe(reach, Limits::default()).await
}

/// The code of a failure that the server had no part in.
fn code(failed: Result<McpProbe, McpError>) -> Code {
    match failed {
        Err(McpError::NoToken(error)) => error.code(),
        other => panic!("it does not say why there is no token: {other:?}"),
    }
}

fn tokens(fixture: &Fixture) -> Vec<Seen> {
    fixture.seen("POST /token")
}

/// What a form says under a name.
fn said(seen: &Seen, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://form/?{}", seen.said)).ok()?;
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(it, _)| it == name);
    found.map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_client_takes_one_token_for_itself_and_no_browser_is_opened() {
    let fixture = Fixture::start().await;
    let mut terms = terms(&fixture);
    terms.scopes = vec!["read".to_owned()];
    let server = reach(terms);
    for _ in 0..2 {
        let found = ask(&server).await.expect("it is let in");
        assert_eq!(found.tools[0].name, "echo");
    }
    for what in ["GET /authorize", "POST /register"] {
        assert!(fixture.seen(what).is_empty(), "{what}");
    }
    let seen = tokens(&fixture);
    assert_eq!(seen.len(), 1);
    assert_eq!(
        said(&seen[0], "grant_type").as_deref(),
        Some("client_credentials")
    );
    assert_eq!(said(&seen[0], "scope").as_deref(), Some("read"));
    assert_eq!(said(&seen[0], "resource"), Some(fixture.mcp()));
    let header = seen[0].authorization.as_deref().unwrap_or_default();
    assert!(header.starts_with("Basic "), "{header}");
    assert!(!seen[0].said.contains("my-secret"));
}

#[tokio::test]
async fn another_token_is_taken_when_one_is_refused_or_over() {
    let fixture = Fixture::start().await;
    let server = reach(terms(&fixture));
    ask(&server).await.expect("it is let in");
    fixture.forget_access_tokens();
    ask(&server).await.expect("it is let in with another token");
    assert_eq!(tokens(&fixture).len(), 2);

    let fixture = Fixture::start().await;
    fixture.tokens_live(0);
    let server = reach(terms(&fixture));
    ask(&server).await.expect("it is let in");
    let before = tokens(&fixture).len();
    ask(&server).await.expect("it is let in with another token");
    assert!(tokens(&fixture).len() > before);
}

#[tokio::test]
async fn a_client_whose_secret_is_refused_is_told_so_after_one_attempt() {
    let fixture = Fixture::start().await;
    fixture.change("/token", |answer| {
        answer.status = 401;
        answer.body = json!({"error": "invalid_client", "error_description": "who is that"});
    });
    let failed = ask(&reach(terms(&fixture))).await;
    let said = failed.as_ref().map_err(ToString::to_string);
    let said = said.expect_err("it is not let in");
    assert!(said.contains("invalid_client: who is that"), "{said}");
    assert_eq!(code(failed), Code::McpSignInFailed);
    assert_eq!(tokens(&fixture).len(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_every_token_does_not_ask_anybody_to_sign_in() {
    let fixture = Fixture::start().await;
    fixture.change("/mcp", |answer| {
        answer.status = 401;
        answer.body = Value::Null;
        answer.set("www-authenticate", "Bearer error=\"invalid_token\"");
    });
    let failed = ask(&reach(terms(&fixture))).await;
    let is_meant = |error: &OauthError| matches!(error, OauthError::Unadmitted(_));
    assert!(matches!(&failed, Err(McpError::NoToken(error)) if is_meant(error)));
    assert_eq!(code(failed), Code::McpSignInFailed);
}

#[tokio::test]
async fn what_only_a_browser_needs_is_not_asked_of_an_authorization_server() {
    let fixture = Fixture::start().await;
    fixture.change("/.well-known/oauth-authorization-server", |answer| {
        for gone in ["authorization_endpoint", "code_challenge_methods_supported"] {
            if let Some(said) = answer.body.as_object_mut() {
                said.remove(gone);
            }
        }
        answer.body["response_types_supported"] = json!([]);
        answer.body["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    });
    ask(&reach(terms(&fixture))).await.expect("it is let in");
    let seen = tokens(&fixture);
    assert_eq!(
        said(&seen[0], "client_secret").as_deref(),
        Some("my-secret")
    );
    assert_eq!(seen[0].authorization, None);
}

#[tokio::test]
async fn a_secret_goes_to_no_other_server_than_the_one_that_gives_out_tokens() {
    let (fixture, elsewhere) = (Fixture::start().await, Fixture::start().await);
    fixture.describe("token_endpoint", format!("{}/token", elsewhere.base));
    let failed = ask(&reach(terms(&fixture))).await;
    assert_eq!(code(failed), Code::McpSignInFailed);
    assert!(tokens(&elsewhere).is_empty());
}

#[tokio::test]
async fn a_private_key_signs_for_one_authorization_server_and_is_sent_to_nobody() {
    let fixture = Fixture::start().await;
    let mut terms = terms(&fixture);
    terms.proof = ClientProof::of(KEY.to_owned().into());
    ask(&reach(terms)).await.expect("it is let in");
    let seen = tokens(&fixture);
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(
        said(&seen[0], "client_assertion_type").as_deref(),
        Some(kind)
    );
    let assertion = said(&seen[0], "client_assertion").expect("it is there");
    assert_eq!(assertion.split('.').count(), 3);
    assert_eq!(seen[0].authorization, None);
    assert!(!seen[0].said.contains("PRIVATE"));
}

#[tokio::test]
async fn a_client_is_used_at_one_authorization_server_whatever_its_server_names_later() {
    let (fixture, elsewhere) = (Fixture::start().await, Fixture::start().await);
    let server = reach(terms(&fixture));
    ask(&server).await.expect("it is let in");
    let other = elsewhere.base.clone();
    fixture.change("/.well-known/oauth-protected-resource/mcp", move |answer| {
        answer.body["authorization_servers"] = json!([other]);
    });
    fixture.forget_access_tokens();
    let failed = ask(&server).await;
    let is_meant = |error: &OauthError| matches!(error, OauthError::OtherClient { .. });
    assert!(matches!(&failed, Err(McpError::NoToken(error)) if is_meant(error)));
    assert!(!elsewhere.was_asked());

    let mut elsewhere_registered = terms(&fixture);
    elsewhere_registered.provider = OauthProvider::Github;
    let failed = ask(&reach(elsewhere_registered)).await;
    assert_eq!(code(failed), Code::McpSignInFailed);
    assert!(!elsewhere.was_asked());
}

/// A challenge of a server whose token may do too little.
const WANTS_WRITE: &str = "Bearer error=\"insufficient_scope\", scope=\"write\"";

/// Connected, as a client that may read.
async fn connected(fixture: &Fixture) -> Connection {
    connected_with(fixture, "my-secret").await
}

async fn connected_with(fixture: &Fixture, proof: &str) -> Connection {
    let mut terms = terms(fixture);
    terms.proof = ClientProof::of(proof.to_owned().into());
    terms.scopes = vec!["read".to_owned()];
    let connection = Connection::open(&reach(terms), Limits::default()).await;
    connection.expect("it is let in")
}

/// Why there is no token for a call.
async fn refused(connection: &Connection) -> Arc<OauthError> {
    match connection.call("echo", None).await {
        Err(McpError::NoToken(why)) => why,
        other => panic!("it does not say why there is no token: {other:?}"),
    }
}

/// The scopes of each token that was asked for.
fn scopes(fixture: &Fixture) -> Vec<String> {
    let seen = tokens(fixture);
    let asked = seen
        .iter()
        .map(|seen| said(seen, "scope").unwrap_or_default());
    asked.collect()
}

fn calls(fixture: &Fixture) -> usize {
    let posted = fixture.seen("POST /mcp");
    let calls = posted.iter().filter(|it| it.body.contains("tools/call"));
    calls.count()
}

/// Answers calls that were let in with this refusal.
fn refuses(fixture: &Fixture, refusal: impl Fn() -> String + Send + Sync + 'static) {
    fixture.change("/mcp", move |answer| {
        if answer.status == 200 {
            answer.status = 403;
            answer.body = Value::Null;
            answer.set("www-authenticate", &refusal());
        }
    });
}

#[tokio::test]
async fn a_client_that_lacks_access_takes_a_token_with_what_it_has_and_what_is_wanted() {
    for proof in ["my-secret", KEY] {
        let fixture = Fixture::start().await;
        let connection = connected_with(&fixture, proof).await;
        fixture.wants_scope("write");
        for _ in 0..2 {
            let called = connection.call("echo", None).await.expect("it may");
            assert_eq!(called["content"][0]["text"], "called");
        }
        assert_eq!(scopes(&fixture), ["read", "read write"]);
        assert_eq!(calls(&fixture), 3);

        // What was added is asked for with the next token too.
        fixture.forget_access_tokens();
        connection.call("echo", None).await.expect("it still may");
        assert_eq!(scopes(&fixture), ["read", "read write", "read write"]);
        connection.close().await;
    }
}

#[tokio::test]
async fn a_client_that_is_given_no_more_access_is_told_so_and_keeps_its_token() {
    let fixture = Fixture::start().await;
    let connection = connected(&fixture).await;
    fixture.wants_scope("write");
    fixture.change("/token", |answer| {
        answer.status = 400;
        answer.body = json!({"error": "invalid_scope", "error_description": "not for you"});
    });
    let why = refused(&connection).await;
    assert!(matches!(*why, OauthError::NoMoreAccess { .. }), "{why}");
    assert_eq!(why.code(), Code::McpSignInFailed);
    let told = why.to_string();
    assert!(told.contains("(write)"), "{told}");
    assert!(told.contains("invalid_scope: not for you"), "{told}");
    assert_eq!(scopes(&fixture), ["read", "read write"]);
    assert_eq!(calls(&fixture), 1);

    connection.tools().await.expect("everything else goes on");
    assert_eq!(tokens(&fixture).len(), 2);
    connection.close().await;
}

#[tokio::test]
async fn a_server_that_always_wants_more_access_is_given_it_twice_and_no_more() {
    let fixture = Fixture::start().await;
    let connection = connected(&fixture).await;
    let asked = AtomicUsize::new(0);
    refuses(&fixture, move || {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        format!("Bearer error=\"insufficient_scope\", scope=\"more-{number}\"")
    });
    for _ in 0..4 {
        let why = refused(&connection).await;
        assert!(matches!(*why, OauthError::NoMoreAccess { .. }), "{why}");
    }
    let wanted = ["read", "read more-0", "read more-0 more-2"];
    assert_eq!(scopes(&fixture), wanted);
    assert_eq!(calls(&fixture), 2 + 2 + 1 + 1);
    connection.close().await;
}

#[tokio::test]
async fn a_refusal_that_wants_nothing_more_leads_to_no_other_token() {
    let fixture = Fixture::start().await;
    let connection = connected(&fixture).await;
    for (refusal, is_short) in [
        ("Bearer error=\"insufficient_scope\"", true),
        // The token has that.
        ("Bearer error=\"insufficient_scope\", scope=\"read\"", true),
        // The token does not matter.
        ("Bearer scope=\"write\"", false),
    ] {
        refuses(&fixture, move || refusal.to_owned());
        let why = refused(&connection).await;
        match &*why {
            OauthError::NoMoreAccess { .. } => assert!(is_short, "{refusal}"),
            OauthError::Unadmitted(_) => assert!(!is_short, "{refusal}"),
            other => panic!("{refusal}: {other}"),
        }
    }
    assert_eq!(scopes(&fixture), ["read"]);
    assert_eq!(calls(&fixture), 3);
    connection.close().await;
}

/// Who takes the tokens of a client, and the first of them.
async fn source(fixture: &Fixture) -> (Unattended, Secret) {
    let source = Unattended::new(terms(fixture));
    let first = source.first("Bearer").await.expect("there is one");
    (source, first.expect("there is one"))
}

#[tokio::test]
async fn all_who_lack_the_same_access_share_one_attempt_to_get_it() {
    let fixture = Fixture::start().await;
    let (source, first) = source(&fixture).await;
    fixture.change("/token", |answer| {
        answer.status = 400;
        answer.body = json!({"error": "invalid_scope"});
    });
    let asked = (0..3).map(|_| source.stepped_up(&first, WANTS_WRITE));
    for outcome in join_all(asked).await {
        let why = outcome.expect_err("it is refused");
        assert!(matches!(why, OauthError::NoMoreAccess { .. }), "{why}");
    }
    assert_eq!(scopes(&fixture), ["", "write"]);

    fixture.change("/token", |_| {});
    let asked = (0..3).map(|_| source.stepped_up(&first, WANTS_WRITE));
    let mut given = Vec::new();
    for outcome in join_all(asked).await {
        given.push(outcome.expect("it is given").expect("there is one"));
    }
    assert_ne!(given[0], first);
    assert!(given.iter().all(|token| *token == given[0]));
    assert_eq!(scopes(&fixture), ["", "write", "write"]);
}

#[tokio::test]
async fn the_token_that_there_is_serves_while_more_access_is_asked_for() {
    let fixture = Fixture::start().await;
    let (source, first) = source(&fixture).await;
    let mut more = source.stepped_up(&first, WANTS_WRITE);
    assert!(poll!(&mut more).is_pending());
    let now = poll!(source.token());
    assert!(
        matches!(&now, Poll::Ready(Ok(Some(token))) if *token == first),
        "{now:?}"
    );
    let more = more.await.expect("it is given");
    assert!(more.is_some_and(|more| more != first));
}

#[tokio::test]
async fn whoever_waits_while_no_token_can_be_had_takes_what_that_attempt_came_to() {
    let fixture = Fixture::start().await;
    let unavailable = |fixture: &Fixture| fixture.change("/token", |answer| answer.status = 503);
    unavailable(&fixture);
    let source = Unattended::new(terms(&fixture));
    // All of them have come before the first request of the first has an answer.
    let outcomes = join_all((0..4).map(|_| source.first("Bearer"))).await;
    let told = outcomes
        .into_iter()
        .map(|outcome| outcome.expect_err("there is none").to_string());
    let mut told: Vec<_> = told.collect();
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(tokens(&fixture).len(), 1);

    let later = source.first("Bearer").await;
    assert_eq!(later.expect_err("there is none").to_string(), told[0]);
    assert_eq!(tokens(&fixture).len(), 2, "who comes later tries anew");
    fixture.change("/token", |_| {});
    let token = source.first("Bearer").await.expect("it is given");
    let token = token.expect("there is one");

    // The same for one that the server has refused, also for those who do not know that yet.
    unavailable(&fixture);
    let waiting = vec![
        source.renewed(&token),
        source.renewed(&token),
        source.token(),
    ];
    for outcome in join_all(waiting).await {
        outcome.expect_err("there is none");
    }
    assert_eq!(tokens(&fixture).len(), 4);
}

#[tokio::test]
async fn an_attempt_that_was_given_up_is_made_by_the_next_who_waits() {
    let fixture = Fixture::start().await;
    let source = Unattended::new(terms(&fixture));
    let mut begins = source.first("Bearer");
    assert!(poll!(&mut begins).is_pending());
    let mut waits = source.first("Bearer");
    assert!(poll!(&mut waits).is_pending());
    drop(begins);
    let token = waits.await.expect("it is given");
    assert!(token.is_some());
    assert_eq!(tokens(&fixture).len(), 1);
}

/// Terms under which the fixture is the identity provider too.
fn vouched(fixture: &Fixture) -> TokenTerms {
    TokenTerms {
        vouched: Some(Vouched {
            token_endpoint: format!("{}/exchange", fixture.base),
            client_id: "mine-at-home".to_owned(),
            id_token: "who-i-am".to_owned().into(),
        }),
        ..terms(fixture)
    }
}

fn exchanges(fixture: &Fixture, kind: &'static str) {
    fixture.change("/exchange", move |answer| {
        answer.status = 200;
        answer.body =
            json!({"access_token": "my-word", "issued_token_type": kind, "token_type": "N_A"});
    });
}

#[tokio::test]
async fn the_word_of_an_identity_provider_is_for_one_server_and_gives_a_token() {
    let fixture = Fixture::start().await;
    exchanges(&fixture, ID_JAG);
    ask(&reach(vouched(&fixture))).await.expect("it is let in");
    let exchange = &fixture.seen("POST /exchange")[0];
    for (name, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("requested_token_type", ID_JAG),
        ("audience", fixture.base.as_str()),
        ("resource", &fixture.mcp()),
        ("subject_token", "who-i-am"),
        ("client_id", "mine-at-home"),
    ] {
        assert_eq!(said(exchange, name).as_deref(), Some(value), "{name}");
    }
    let seen = &tokens(&fixture)[0];
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    assert_eq!(said(seen, "grant_type").as_deref(), Some(grant));
    assert_eq!(said(seen, "assertion").as_deref(), Some("my-word"));
    assert!(!seen.said.contains("who-i-am"));
}

#[tokio::test]
async fn another_kind_of_token_from_an_identity_provider_is_passed_on_to_nobody() {
    let fixture = Fixture::start().await;
    exchanges(&fixture, "urn:ietf:params:oauth:token-type:access_token");
    let failed = ask(&reach(vouched(&fixture))).await;
    assert_eq!(code(failed), Code::McpSignInFailed);
    assert!(tokens(&fixture).is_empty());
}
