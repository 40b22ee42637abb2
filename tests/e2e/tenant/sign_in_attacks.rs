//! Sign-in servers that say what they should not. In each test nobody is signed in, nothing is sent elsewhere, and
//! no secret is told.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_protocol::Code;
use berth_tenant::auth::{AuthError, Backend, Client, Outcome, Way};
use berth_tests::{LIMIT, oauth::Answer, tenant::Token};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::sign_in::{EMAIL, PASSWORD, keeper, secret, server, session};

/// Signs in with a password, and is refused soon.
async fn refused(client: &Client) -> AuthError {
    let password = secret(PASSWORD);
    let begun = client.with_password(EMAIL, &password);
    let begun = timeout(LIMIT, begun).await.expect("it is judged soon");
    begun.expect_err("nobody is signed in")
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
async fn an_answer_of_ten_megabytes_is_not_read() {
    let (server, client, _) = server().await;
    for path in ["/token", "/settings", "/user"] {
        for status in [200, 400] {
            server.change(path, move |answer| {
                answer.status = status;
                answer.body = Value::String("x".repeat(10 * 1024 * 1024));
            });
            let error = match path {
                "/settings" => client.providers().await.expect_err("it is too much"),
                _ => refused(&client).await,
            };
            assert_eq!(error.code(), Code::TenantProtocol, "{path}: {error}");
            assert!(error.to_string().contains("more than 512 KiB"), "{error}");
            server.mend(path);
        }
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (server, client, _) = server().await;
    let (port, connected) = trap();
    for status in [301, 302, 303, 307, 308] {
        server.change("/token", move |answer| {
            answer.status = status;
            answer.set("location", &format!("http://127.0.0.1:{port}/"));
        });
        let error = refused(&client).await;
        assert_eq!(error.code(), Code::TenantProtocol, "{status}: {error}");
    }
    assert_eq!(connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_that_is_none_signs_nobody_in_and_ends_no_session() {
    let (server, client, _) = server().await;
    // Its answers are changed after it has given another token.
    server.grace(Duration::from_secs(3600));
    let (keeper, _folder) = keeper(&server);
    let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let kept = session(begun.expect("it works"));
    keeper.keep(kept).await.expect("it is kept");
    let token = keeper.access().await.expect("there is one");
    let member = |name: &'static str, value: Value| -> Arc<dyn Fn(&mut Answer) + Send + Sync> {
        Arc::new(move |answer| answer.body[name] = value.clone())
    };
    let body = |text: &'static str| -> Arc<dyn Fn(&mut Answer) + Send + Sync> {
        Arc::new(move |answer| answer.body = Value::String(text.to_owned()))
    };
    let good = token.expose();
    for (what, change) in [
        ("a page", body("<html></html>")),
        ("nothing", body("")),
        ("half", body("{\"access_token\":\"secret-of-the-answer")),
        ("a list", body("[]")),
        ("null", body("null")),
        ("no token", member("access_token", Value::Null)),
        ("an empty token", member("access_token", json!(""))),
        (
            "a word",
            member("access_token", json!("secret-of-the-answer")),
        ),
        (
            "lines",
            member("access_token", json!(format!("{good}\r\nX-Evil: 1"))),
        ),
        (
            "a bell",
            member("access_token", json!(format!("{good}\u{7}"))),
        ),
        (
            "a long one",
            member("access_token", json!("x".repeat(100_000))),
        ),
        (
            "not ASCII",
            member("refresh_token", json!("secret-\u{202e}")),
        ),
        ("no refresh", member("refresh_token", Value::Null)),
        ("an empty refresh", member("refresh_token", json!(""))),
        ("another type", member("token_type", json!("mac"))),
        ("no life", member("expires_in", Value::Null)),
        ("a life before", member("expires_in", json!(-1))),
        ("a word of life", member("expires_in", json!("soon"))),
        ("nobody's", member("user", json!({"id": "me"}))),
        (
            "somebody else's",
            member(
                "user",
                json!({"id": "01890a5d-ac96-774b-bcce-b302099a8057"}),
            ),
        ),
    ] {
        server.change("/token", move |answer| change(answer));
        let error = refused(&client).await;
        assert_eq!(error.code(), Code::TenantProtocol, "{what}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("secret-"),
            "{error:?}"
        );
        let error = keeper.access_after_refusal(&token).await;
        let error = error.expect_err("there is none");
        assert_eq!(error.code(), Code::TenantProtocol, "{what}: {error}");
        assert!(keeper.signed_in().await.expect("it is known").is_some());
    }
}

#[tokio::test]
async fn an_account_of_somebody_else_is_not_taken() {
    let (server, client, account) = server().await;
    server.change("/user", |answer| {
        answer.body["id"] = json!("01890a5d-ac96-774b-bcce-b302099a8057");
    });
    assert_eq!(refused(&client).await.code(), Code::TenantProtocol);
    assert_eq!(server.sessions(account), 0, "what was begun is ended");
}

#[tokio::test]
async fn a_second_factor_that_changes_nothing_signs_nobody_in() {
    let (server, client, account) = server().await;
    let factor = server.add_factor(account, "totp", "123456");
    let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let Outcome::SecondFactor(second) = begun.expect("it is good") else {
        panic!("no second factor is wanted");
    };
    // It answers with a token that only knows of the first factor.
    let one = Token::of(account).signed();
    server.change(&format!("/factors/{factor}/verify"), move |answer| {
        answer.body["access_token"] = json!(one);
    });
    let error = second.verify(factor, &secret("123456")).await;
    let error = error.expect_err("it proves nothing");
    assert_eq!(error.code(), Code::TenantProtocol, "{error}");
}

#[tokio::test]
async fn what_a_server_repeats_is_not_told() {
    let (server, client, _) = server().await;
    server.change("/token", |answer| {
        answer.status = 400;
        answer.body = json!({
            "code": "validation_failed",
            "message": format!("\u{1b}[31m{PASSWORD}\u{202e} is\r\nnot good"),
        });
    });
    let error = refused(&client).await;
    assert_eq!(error.code(), Code::TenantRefused);
    let said = error.to_string();
    assert!(said.contains("… is not good (validation_failed)"), "{said}");
    assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
    server.change("/verify", |answer| {
        answer.status = 422;
        answer.body = json!({"code": "validation_failed", "message": "123456 is no code"});
    });
    let error = client.with_code(EMAIL, &secret("123 456")).await;
    let said = error.expect_err("it is refused").to_string();
    assert!(!said.contains("123456"), "{said}");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let (server, client, _) = server().await;
    server.change("/otp", |answer| {
        answer.status = 429;
        answer.set("retry-after", "42");
        answer.body = json!({"code": "over_email_send_rate_limit", "message": "wait"});
    });
    let error = client.send_code(EMAIL, false).await;
    let error = error.expect_err("it is too often");
    assert_eq!(error.code(), Code::TenantRateLimited);
    assert!(error.to_string().contains("in 42 s"), "{error}");
}

#[tokio::test]
async fn a_key_that_is_not_taken_is_no_sign_out() {
    let (server, _, _) = server().await;
    let (keeper, folder) = keeper(&server);
    let begun = keeper
        .client()
        .with_password(EMAIL, &secret(PASSWORD))
        .await;
    let kept = session(begun.expect("it works"));
    keeper.keep(kept).await.expect("it is kept");
    let token = keeper.access().await.expect("there is one");
    let other = Backend::new(&server.base, "sb_publishable_of-another").expect("it is one");
    let keeper = super::refresh::keeper_in(other, &folder);
    let error = keeper.access_after_refusal(&token).await;
    let error = error.expect_err("the gateway refuses");
    assert_eq!(error.code(), Code::TenantRefused);
    assert!(error.to_string().contains("Invalid API key"), "{error}");
    assert!(keeper.signed_in().await.expect("it is known").is_some());
    for (asked, error) in [
        ("settings", keeper.client().providers().await.err()),
        (
            "code",
            keeper.client().with_code(EMAIL, &secret("1")).await.err(),
        ),
    ] {
        let error = error.expect("the gateway refuses");
        assert_eq!(error.code(), Code::TenantRefused, "{asked}: {error}");
    }
}

#[tokio::test]
async fn a_single_sign_on_leads_nowhere_but_to_a_page_of_the_web() {
    let (server, client, account) = server().await;
    server.add_domain("acme.example", account);
    for bad in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://idp.example/saml",
        "https://me:word@idp.example/saml",
        "https://idp.example/$(calc.exe)",
        "https://idp.example/`calc`",
        "https://idp.example/a b",
        "\\\\idp.example\\share",
        "",
    ] {
        server.change("/sso", move |answer| answer.body["url"] = json!(bad));
        let begun = client.begin(Way::Domain("acme.example".to_owned())).await;
        let error = begun.err().expect("it is not opened");
        assert_eq!(error.code(), Code::TenantProtocol, "{bad}: {error}");
    }
    for (way, code) in [
        (Way::Domain("acme example".to_owned()), Code::TenantRefused),
        (Way::Domain(String::new()), Code::TenantRefused),
        (Way::Provider("git hub".to_owned()), Code::TenantRefused),
        (
            Way::Provider("a&redirect_to=b".to_owned()),
            Code::TenantRefused,
        ),
    ] {
        let error = client.begin(way).await.err().expect("it is none");
        assert_eq!(error.code(), code, "{error}");
    }
}

#[tokio::test]
async fn nothing_prints_a_token() {
    let (server, client, account) = server().await;
    let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let outcome = begun.expect("it works");
    server.add_factor(account, "totp", "123456");
    let second = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let second = second.expect("it is good");
    let printed = format!("{outcome:?} {second:?} {client:?}");
    let kept = session(outcome).to_secret();
    let kept: Value = serde_json::from_str(kept.expose()).expect("it is JSON");
    for name in ["access_token", "refresh_token"] {
        let token = kept[name].as_str().expect("it is there");
        assert!(!printed.contains(token), "{printed}");
    }
    assert!(!printed.contains("refresh-"), "{printed}");
}
