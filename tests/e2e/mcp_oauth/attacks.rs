//! Servers that want something else than a sign-in. In each test nothing is opened, or nothing is sent.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use berth_mcp::{
    Challenge, Limits, McpError, OauthError, Registered, Revoked, SignIn, Wish, probe,
};
use berth_protocol::{Code, OauthProvider};
use berth_tests::{
    LIMIT,
    oauth::{Fixture, browse},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::stage::{KEY, broker, reach, sign_in, wish};

/// Addresses that must not be spoken to.
const PRIVATE: &[&str] = &[
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/token",
    "https://[::ffff:10.0.0.1]/token",
    "https://10.0.0.1/token",
    "https://192.168.1.1/token",
    "https://[fd00::1]/token",
    "https://0xa9fea9fe/token",
];

async fn refused(fixture: &Fixture) -> OauthError {
    refused_of(wish(fixture)).await
}

async fn refused_of(wish: Wish) -> OauthError {
    let begun = timeout(LIMIT, SignIn::begin(wish))
        .await
        .expect("it is judged soon");
    match begun {
        Ok(sign_in) => panic!("{} would be opened", sign_in.url()),
        Err(error) => {
            assert_eq!(error.code(), Code::McpSignInFailed, "{error}");
            error
        }
    }
}

/// Counts who connects.
fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    let port = listener.local_addr().expect("it has an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for _ in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

#[tokio::test]
async fn only_web_addresses_are_opened() {
    let fixture = Fixture::start().await;
    for bad in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://x$(calc.exe)/",
        "https://as.example/$(calc.exe)",
        "https://as.example/`calc`",
        "https://user:word@as.example/authorize",
        "http://as.example/authorize",
        "vbscript:x",
        "\\\\as.example\\share",
        "https://as.example/authorize x",
    ] {
        fixture.describe("authorization_endpoint", bad);
        let error = refused(&fixture).await;
        assert!(
            matches!(error, OauthError::Address { .. }),
            "{bad}: {error}"
        );
    }
    assert!(
        fixture.seen("POST /register").is_empty(),
        "nobody was told of anything"
    );
}

#[tokio::test]
async fn nothing_leads_into_private_networks() {
    let fixture = Fixture::start().await;
    for member in [
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
    ] {
        for bad in PRIVATE {
            fixture.describe(member, *bad);
            let error = refused(&fixture).await;
            assert!(
                matches!(error, OauthError::Address { .. }),
                "{member} {bad}: {error}"
            );
        }
    }
    let fixture = Fixture::start().await;
    for bad in PRIVATE {
        fixture.change("/.well-known/oauth-protected-resource/mcp", move |answer| {
            answer.body["authorization_servers"] = json!([bad]);
        });
        let error = refused(&fixture).await;
        assert!(
            matches!(error, OauthError::Address { .. }),
            "{bad}: {error}"
        );
        let mut challenged = wish(&fixture);
        challenged.challenge = Challenge {
            resource_metadata: Some((*bad).to_owned()),
            ..Challenge::default()
        };
        let begun = SignIn::begin(challenged).await;
        assert!(matches!(begun, Err(OauthError::Address { .. })), "{bad}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (port, connected) = trap();
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/register",
    ] {
        for to in [format!("http://127.0.0.1:{port}/"), PRIVATE[0].to_owned()] {
            let fixture = Fixture::start().await;
            fixture.change(path, move |answer| {
                answer.status = 302;
                answer.set("location", &to);
            });
            refused(&fixture).await;
        }
    }
    let fixture = Fixture::start().await;
    fixture.change("/token", move |answer| {
        answer.status = 307;
        answer.set("location", &format!("http://127.0.0.1:{port}/"));
    });
    sign_in(wish(&fixture))
        .await
        .expect_err("the code goes nowhere else");
    assert_eq!(connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn codes_and_secrets_go_to_the_authorization_server_alone() {
    let (fixture, other) = (Fixture::start().await, Fixture::start().await);
    for member in [
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
    ] {
        for foreign in [
            format!("{}/token", other.base),
            "https://evil.example/token".to_owned(),
        ] {
            fixture.describe(member, foreign);
            let error = refused(&fixture).await;
            assert!(
                matches!(error, OauthError::Address { .. }),
                "{member}: {error}"
            );
        }
    }
    assert!(other.seen("POST /token").is_empty());
}

#[tokio::test]
async fn nobody_is_signed_in_without_pkce() {
    let fixture = Fixture::start().await;
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        fixture.change("/.well-known/oauth-authorization-server", move |answer| {
            let description = answer.body.as_object_mut().expect("it is one");
            if methods.is_null() {
                description.remove("code_challenge_methods_supported");
            } else {
                description["code_challenge_methods_supported"] = methods.clone();
            }
        });
        let error = refused(&fixture).await;
        assert!(matches!(error, OauthError::Pkce(_)), "{error}");
    }
}

#[tokio::test]
async fn a_description_that_belongs_to_another_is_refused() {
    let fixture = Fixture::start().await;
    for issuer in [
        "https://evil.example".to_owned(),
        format!("{}/", fixture.base),
    ] {
        fixture.describe("issuer", issuer);
        let error = refused(&fixture).await;
        assert!(matches!(error, OauthError::Issuer { .. }), "{error}");
    }
    let fixture = Fixture::start().await;
    for resource in [
        "https://evil.example/mcp".to_owned(),
        format!("{}/mcp/more", fixture.base),
    ] {
        fixture.change("/.well-known/oauth-protected-resource/mcp", move |answer| {
            answer.body["resource"] = resource.clone().into();
        });
        let error = refused(&fixture).await;
        assert!(matches!(error, OauthError::Resource { .. }), "{error}");
    }
}

#[tokio::test]
async fn no_endpoint_is_made_up() {
    let fixture = Fixture::start().await;
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
    ] {
        fixture.change(path, |answer| *answer = gone(answer));
    }
    let error = refused(&fixture).await;
    assert!(
        matches!(error, OauthError::NoAuthorizationServer(_)),
        "{error}"
    );
    assert!(fixture.seen("POST /register").is_empty());
}

fn gone(answer: &berth_tests::oauth::Answer) -> berth_tests::oauth::Answer {
    let mut gone = answer.clone();
    (gone.status, gone.body) = (404, Value::Null);
    gone
}

#[tokio::test]
async fn an_answer_of_another_server_is_neither_redeemed_nor_shown() {
    let fixture = Fixture::start().await;
    let encoded = fixture.base.replace(':', "%3A").replace('/', "%2F");
    for (iss, error) in [
        (Some("https%3A%2F%2Fevil.example"), false),
        (Some("https%3A%2F%2Fevil.example"), true),
        (Some(&*format!("{encoded}%2F")), false),
        (Some(&*format!("{encoded}&iss={encoded}")), false),
        (None, false),
        (None, true),
    ] {
        let (from, iss) = (encoded.clone(), iss.map(str::to_owned));
        fixture.change("/authorize", move |answer| {
            let location = answer.header("location").expect("it redirects");
            let mut location = match &iss {
                Some(iss) => location.replace(&format!("iss={from}"), &format!("iss={iss}")),
                None => location.replace(&format!("&iss={from}"), ""),
            };
            if error {
                location = location.replace("code=", "error=x&error_description=call+555&y=");
            }
            answer.set("location", &location);
        });
        let begun = SignIn::begin(wish(&fixture)).await.expect("it begins");
        let url = begun.url().to_owned();
        let (grant, (_, page)) = tokio::join!(begun.finish(async |grant| Ok(grant)), browse(&url));
        let error = grant.expect_err("it is another's answer");
        assert!(matches!(error, OauthError::OtherIssuer(_)), "{error}");
        assert!(
            !error.to_string().contains("555") && !page.contains("555"),
            "{page}"
        );
    }
    assert!(fixture.seen("POST /token").is_empty());
}

#[tokio::test]
async fn the_callback_takes_one_path_one_host_and_one_state_once() {
    let fixture = Fixture::start().await;
    let begun = SignIn::begin(wish(&fixture)).await.expect("it begins");
    let url = reqwest::Url::parse(begun.url()).expect("it is one");
    let of = |name: &str| {
        let found = url.query_pairs().find(|(it, _)| it == name);
        found.expect("it is there").1.into_owned()
    };
    let (redirect, state) = (of("redirect_uri"), of("state"));
    let url = url.clone();
    let strangers = async {
        let client = reqwest::Client::new();
        let status = async |request: reqwest::RequestBuilder| {
            request.send().await.expect("it answers").status().as_u16()
        };
        let right = format!("{redirect}?code=a&state={state}");
        let evil = client.get(&right).header("host", "evil.example");
        assert_eq!(
            status(evil).await,
            403,
            "a name that was turned to this machine"
        );
        let path = right.replace("/callback", "/other");
        assert_eq!(status(client.get(path)).await, 404);
        assert_eq!(status(client.post(&right)).await, 405);
        for state in ["", "&state=x", &format!("&state={}", &state[1..])] {
            let wrong = format!("{redirect}?code=a{state}");
            assert_eq!(status(client.get(wrong)).await, 400);
        }
        // None of them has ended it.
        let (status, _) = browse(url.as_str()).await;
        assert_eq!(status, 200);
        client
            .get(&right)
            .send()
            .await
            .expect_err("it takes nothing any more");
    };
    let (grant, ()) = tokio::join!(begun.finish(async |grant| Ok(grant)), strangers);
    grant.expect("the right one was taken");
    assert_eq!(fixture.seen("POST /token").len(), 1);
}

#[tokio::test]
async fn what_was_given_by_one_authorization_server_is_never_sent_to_another() {
    let (fixture, other) = (Fixture::start().await, Fixture::start().await);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    fixture.tokens_live(0);
    broker
        .keep(KEY, sign_in(wish(&fixture)).await.expect("it works"))
        .await
        .expect("it is kept");
    // The server now names another, which describes itself well.
    switch(&fixture, &other);
    let foreign = format!("{}/token", other.base);
    fixture.describe("token_endpoint", foreign);
    broker
        .access_token(KEY, &fixture.mcp())
        .await
        .expect("the old one still refreshes");
    assert!(other.seen("POST /token").is_empty());
    // A new sign-in registers there, and takes nothing along.
    let grant = sign_in(wish(&fixture)).await;
    let sent = [
        other.seen("POST /register"),
        other.seen("POST /token"),
        other.seen("GET /authorize"),
    ];
    assert!(sent.iter().all(|seen| !seen.is_empty()), "{sent:?}");
    assert!(!other.was_told("refresh-"));
    let grant = grant.expect("it works");
    assert_eq!(grant.issuer, other.base);
    // A configuration that now names another server has no sign-in.
    let error = broker
        .access_token(KEY, &other.mcp())
        .await
        .expect_err("it is another server");
    assert!(matches!(error, OauthError::SignedOut(_)), "{error}");
}

/// From now on the server says that its users sign in at the other one.
fn switch(fixture: &Fixture, other: &Fixture) {
    let base = other.base.clone();
    fixture.change("/.well-known/oauth-protected-resource/mcp", move |answer| {
        answer.body["authorization_servers"] = json!([base]);
    });
}

/// A sign-in with a client that was registered by hand.
fn registered(fixture: &Fixture, id: &str, secret: Option<&str>) -> Wish {
    let mut wish = wish(fixture);
    wish.registered = Some(Registered {
        id: id.to_owned(),
        secret: secret.map(|secret| secret.to_owned().into()),
    });
    wish
}

#[tokio::test]
async fn a_registered_client_is_used_at_no_other_authorization_server_than_before() {
    const SECRET: &str = "secret-of-the-registered-client";
    let (fixture, other) = (Fixture::start().await, Fixture::start().await);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    fixture.tokens_live(0);
    let mut wish = registered(&fixture, "mine", Some(SECRET));
    let grant = sign_in(wish.clone()).await.expect("it works");
    assert!(fixture.was_told(SECRET), "it would be noticed");
    wish.issuer = Some(grant.issuer.clone());
    broker.keep(KEY, grant).await.expect("it is kept");

    switch(&fixture, &other);
    let refused_now = async || {
        let error = refused_of(wish.clone()).await;
        assert!(matches!(error, OauthError::OtherClient { .. }), "{error}");
        for issuer in [&fixture.base, &other.base] {
            assert!(error.to_string().contains(issuer), "{error}");
        }
        assert!(!error.to_string().contains(SECRET), "{error}");
    };
    refused_now().await;
    broker
        .access_token(KEY, &fixture.mcp())
        .await
        .expect("the old one still refreshes");
    assert!(fixture.was_told("refresh-"), "it would be noticed");
    let revoked = broker.sign_out(KEY).await.expect("it is forgotten");
    assert!(matches!(revoked, Revoked::Yes), "{revoked:?}");
    // Signing out forgets the tokens, and not where the client belongs.
    refused_now().await;
    for word in [SECRET, "refresh-", "mine"] {
        assert!(!other.was_told(word), "{word}");
    }
    assert!(!other.was_asked(), "it is not even asked who it is");

    // Its user has said that it belongs there.
    wish.issuer = None;
    let grant = sign_in(wish).await.expect("it works");
    assert_eq!(grant.issuer, other.base);
}

#[tokio::test]
async fn the_address_of_a_document_is_no_secret_of_one_authorization_server() {
    let (fixture, other) = (Fixture::start().await, Fixture::start().await);
    let document = "https://user.example/client.json";
    let mut wish = registered(&fixture, document, None);
    wish.issuer = Some(fixture.base.clone());
    switch(&fixture, &other);
    let grant = sign_in(wish).await.expect("it works");
    assert_eq!(grant.issuer, other.base);
    // With a secret it is a client like all others.
    let mut wish = registered(&fixture, document, Some("secret"));
    wish.issuer = Some(fixture.base.clone());
    let error = refused_of(wish).await;
    assert!(matches!(error, OauthError::OtherClient { .. }), "{error}");
}

#[tokio::test]
async fn the_client_of_a_provider_is_used_with_that_provider_alone() {
    let (fixture, other) = (Fixture::start().await, Fixture::start().await);
    switch(&fixture, &other);
    for provider in [
        OauthProvider::Github,
        OauthProvider::Google,
        OauthProvider::Auth0,
        OauthProvider::Azure,
    ] {
        let mut wish = registered(&fixture, "mine", Some("secret"));
        wish.provider = provider;
        // Not even where it was used before.
        for issuer in [None, Some(other.base.clone())] {
            wish.issuer = issuer;
            let error = refused_of(wish.clone()).await;
            assert!(matches!(error, OauthError::OtherProvider { .. }), "{error}");
        }
    }
    assert!(!other.was_asked());
}

#[tokio::test]
async fn asking_for_more_access_ends() {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    let challenge = Challenge::parse("Bearer error=\"insufficient_scope\", scope=\"more\"");
    broker
        .keep(KEY, sign_in(wish(&fixture)).await.expect("it works"))
        .await
        .expect("it is kept");
    let mut tries = 0;
    let error = loop {
        match broker.step_up(KEY, &fixture.mcp(), &challenge).await {
            Ok(scopes) => {
                assert_eq!(scopes, ["more"]);
                tries += 1;
                assert!(tries < 10, "it goes on");
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error, OauthError::ScopeLoop { .. }), "{error}");
    assert!(error.to_string().contains("more"), "{error}");
}

#[tokio::test]
async fn answers_that_are_no_answers_are_refused() {
    let fixture = Fixture::start().await;
    for body in [
        Value::String("x".repeat(300 * 1024)),
        Value::String("{".to_owned()),
        json!([]),
        json!({"issuer": 1}),
    ] {
        fixture.change("/.well-known/oauth-authorization-server", move |answer| {
            answer.body = body.clone();
        });
        refused(&fixture).await;
    }
    let fixture = Fixture::start().await;
    for body in [
        json!({"access_token": "a", "token_type": "mac"}),
        json!({"access_token": "a\r\nX: y", "token_type": "bearer"}),
        json!({"access_token": "", "token_type": "bearer"}),
        json!({"token_type": "bearer"}),
    ] {
        let text = body.to_string();
        fixture.change("/token", move |answer| answer.body = body.clone());
        let error = sign_in(wish(&fixture)).await.expect_err("it is no token");
        assert!(
            matches!(error, OauthError::Answer { .. }),
            "{text}: {error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_every_token_is_asked_twice_and_no_more() {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    broker
        .keep(KEY, sign_in(wish(&fixture)).await.expect("it works"))
        .await
        .expect("it is kept");
    fixture.change("/mcp", |answer| {
        answer.status = 401;
        answer.set("www-authenticate", "Bearer error=\"invalid_token\"");
    });
    let error = probe(&reach(&fixture.mcp(), &broker), Limits::default()).await;
    let error = error.expect_err("it lets nobody in");
    assert!(matches!(error, McpError::Unauthorized { .. }), "{error}");
    // One refresh for what was refused at each request: the first of discovery, then of the handshake.
    let refreshes = fixture.seen("POST /token").len() - 1;
    let asked = fixture.seen("POST /mcp").len();
    assert!(
        refreshes <= 2 && asked <= 4,
        "{refreshes} refreshes, {asked} requests"
    );
    assert_eq!(fixture.reused(), 0);
}
