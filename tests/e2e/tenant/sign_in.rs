//! Signing in to the backend, each way from its begin to its end.

use std::{sync::Arc, time::Duration};

use berth_protocol::{Code, Secret};
use berth_tenant::auth::{
    Aal, AuthError, Client, FactorKind, Keeper, Outcome, SecondFactor, Session, SignedOut, Way,
};
use berth_tests::{
    oauth::browse,
    tenant::{Backend, SessionFile, Shape, SignInServer, Stack, with_stand_in_alone},
};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

pub const EMAIL: &str = "me@acme.example";
pub const PASSWORD: &str = "correct horse battery staple";

/// A server with an account.
pub async fn server() -> (SignInServer, Client, Uuid) {
    with_stand_in_alone("it says what the sign-in server answers");
    let server = SignInServer::start().await;
    let account = server.account(EMAIL, PASSWORD);
    let client = Client::new(server.backend()).expect("a client can be made");
    (server, client, account)
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Who has been signed in by one factor.
pub fn session(outcome: Outcome) -> Session {
    match outcome {
        Outcome::SignedIn(session) => session,
        Outcome::SecondFactor(second) => panic!("a second factor is wanted: {second:?}"),
    }
}

fn second(outcome: Outcome) -> SecondFactor {
    match outcome {
        Outcome::SecondFactor(second) => second,
        Outcome::SignedIn(session) => panic!("no second factor is wanted: {session:?}"),
    }
}

/// A keeper of this process over a new folder.
pub fn keeper(server: &SignInServer) -> (Keeper, TempDir) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    (super::refresh::keeper_in(server.backend(), &folder), folder)
}

/// Signs in through a browser that follows every redirect; returns the page it ends at too.
pub async fn through_browser(
    client: &Client,
    way: Way,
) -> (Result<Outcome, AuthError>, (u16, String)) {
    let begun = client.begin(way).await.expect("it begins");
    let url = begun.url().to_owned();
    tokio::join!(begun.finish(async |outcome| Ok(outcome)), browse(&url))
}

pub fn github() -> Way {
    Way::Provider("github".to_owned())
}

/// Where the browser is to answer.
fn redirect(url: &str) -> String {
    let url = reqwest::Url::parse(url).expect("it is an address");
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_to");
    redirect.expect("it has one").1.into_owned()
}

#[tokio::test]
async fn a_password_signs_in_and_a_sign_out_ends_this_session_alone() {
    for stack in Stack::all().await {
        let account = stack.account().await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let keeper = super::refresh::keeper_in(stack.backend(), &folder);
        assert_eq!(keeper.signed_in().await.expect("it is known"), None);
        let error = keeper.access().await.expect_err("nobody is signed in");
        assert_eq!(error.code(), Code::TenantSignedOut);

        let client = keeper.client();
        let (email, password) = (&account.email, &account.password);
        let kept = session(
            client
                .with_password(email, password)
                .await
                .expect("it works"),
        );
        let other = session(
            client
                .with_password(email, password)
                .await
                .expect("it works"),
        );
        let signed_in = keeper.keep(kept).await.expect("it is kept");
        assert_eq!(signed_in.user, account.id);
        assert_eq!(signed_in.email.as_deref(), Some(email.as_str()));
        assert_eq!(signed_in.aal, Aal::One);
        assert_eq!(
            keeper.signed_in().await.expect("it is known"),
            Some(signed_in)
        );
        let token = keeper.access().await.expect("there is one");
        let user = client.user(&token).await.expect("it is taken");
        assert_eq!(user.id, account.id);

        let ended = keeper.sign_out().await.expect("it can be forgotten");
        assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
        assert_eq!(keeper.signed_in().await.expect("it is known"), None);
        let error = client.user(&token).await.expect_err("it has ended");
        assert_eq!(error.code(), Code::TenantSignedOut, "{error}");
        assert!(matches!(keeper.sign_out().await, Ok(SignedOut::Nothing)));

        // On another machine the same user stays signed in.
        let folder = tempfile::tempdir().expect("a folder can be made");
        let elsewhere = super::refresh::keeper_in(stack.backend(), &folder);
        elsewhere.keep(other).await.expect("it is kept");
        let token = elsewhere.access().await.expect("there is one");
        elsewhere
            .access_after_refusal(&token)
            .await
            .expect("it goes on");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_whoever_it_is_of() {
    for stack in Stack::all().await {
        let account = stack.account().await;
        let client = Client::new(stack.backend()).expect("a client can be made");
        for (email, password) in [
            (account.email.as_str(), "another password"),
            ("nobody@berth.example", "another password"),
            (account.email.as_str(), ""),
            ("nobody", "another password"),
        ] {
            let error = client
                .with_password(email, &secret(password))
                .await
                .expect_err("it is wrong");
            assert_eq!(error.code(), Code::TenantPasswordWrong, "{email}: {error}");
            assert!(!error.is_transient());
        }
    }
}

#[tokio::test]
async fn errors_of_every_version_are_understood() {
    let (server, client, _) = server().await;
    for shape in [Shape::Today, Shape::Numbered, Shape::Old] {
        server.shape(shape);
        let wrong = client.with_password(EMAIL, &secret("wrong")).await;
        let error = wrong.expect_err("it is wrong");
        assert_eq!(error.code(), Code::TenantPasswordWrong, "{shape:?} {error}");
        let wrong = client.with_code(EMAIL, &secret("000000")).await;
        let error = wrong.expect_err("it is wrong");
        assert_eq!(error.code(), Code::TenantCodeWrong, "{shape:?} {error}");
        let (keeper, _folder) = keeper(&server);
        let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
        let kept = session(begun.expect("it works"));
        let account = keeper.keep(kept).await.expect("it is kept").user;
        let token = keeper.access().await.expect("there is one");
        server.end_sessions(account);
        let error = keeper
            .access_after_refusal(&token)
            .await
            .expect_err("it has ended");
        assert_eq!(error.code(), Code::TenantSignedOut, "{shape:?} {error}");
    }
}

#[tokio::test]
async fn a_code_that_was_mailed_signs_in_once() {
    let (server, client, account) = server().await;
    client.send_code(EMAIL, false).await.expect("it is sent");
    let code = server.mailed(EMAIL).expect("it was mailed");
    let wrong = client.with_code(EMAIL, &secret("000000")).await;
    let error = wrong.expect_err("it is another");
    assert_eq!(error.code(), Code::TenantCodeWrong);
    // As it is read from a mail.
    let spaced = secret(&format!(" {} {} ", &code[..3], &code[3..]));
    let outcome = client.with_code(EMAIL, &spaced).await.expect("it works");
    assert_eq!(session(outcome).signed_in().user, account);
    let again = client.with_code(EMAIL, &spaced).await;
    let error = again.expect_err("it was used");
    assert_eq!(error.code(), Code::TenantCodeWrong);
    let asked = server.seen("POST /verify").len();
    for no_code in ["", "12 34 _", "\u{202e}123456", &"1".repeat(100)] {
        let refused = client.with_code(EMAIL, &secret(no_code)).await;
        let error = refused.expect_err("it is none");
        assert_eq!(error.code(), Code::TenantCodeWrong, "{no_code}");
    }
    assert_eq!(server.seen("POST /verify").len(), asked, "nobody was asked");
}

#[tokio::test]
async fn who_has_no_account_gets_one_only_when_that_is_wanted() {
    let (server, client, _) = server().await;
    let new = "new@acme.example";
    let error = client
        .send_code(new, false)
        .await
        .expect_err("who is that?");
    assert_eq!(error.code(), Code::TenantRefused);
    assert!(error.to_string().contains("Signups not allowed"), "{error}");
    client.send_code(new, true).await.expect("it is sent");
    let code = secret(&server.mailed(new).expect("it was mailed"));
    session(client.with_code(new, &code).await.expect("it works"));
    let error = client.send_code("no address", true).await;
    assert_eq!(error.expect_err("it is none").code(), Code::TenantRefused);
}

#[tokio::test]
async fn the_browser_signs_in_with_a_proof_of_who_asked() {
    let (server, client, account) = server().await;
    let (outcome, (status, page)) = through_browser(&client, github()).await;
    let signed_in = session(outcome.expect("it works")).signed_in();
    assert_eq!(signed_in.user, account);
    assert_eq!(status, 200);
    assert!(page.contains("You are signed in"), "{page}");

    let asked = &server.seen("GET /authorize")[0].query;
    assert_eq!(asked["code_challenge_method"], "s256");
    assert_eq!(asked["code_challenge"].len(), 43);
    let redirect = &asked["redirect_to"];
    let nonce = redirect
        .strip_prefix("http://127.0.0.1:")
        .and_then(|it| it.split_once("/cb/"))
        .expect("it is the loopback address")
        .1;
    assert_eq!(nonce.len(), 43, "256 bits");
    assert!(!asked.contains_key("state"));
    let redeemed = &server.seen("POST /token")[0];
    assert_eq!(redeemed.query["grant_type"], "pkce");
    assert_ne!(redeemed.body["code_verifier"], asked["code_challenge"]);
}

#[tokio::test]
async fn the_browser_signs_in_at_the_single_sign_on_of_a_domain() {
    let (server, client, account) = server().await;
    server.add_domain("acme.example", account);
    let domain = Way::Domain(EMAIL.to_owned());
    let (outcome, (status, _)) = through_browser(&client, domain).await;
    assert_eq!(
        session(outcome.expect("it works")).signed_in().user,
        account
    );
    assert_eq!(status, 200);
    assert_eq!(server.seen("POST /sso")[0].body["skip_http_redirect"], true);

    let other = Way::Domain("other.example".to_owned());
    let error = client.begin(other).await.err().expect("nobody knows it");
    assert_eq!(error.code(), Code::TenantRefused);
    assert!(error.to_string().contains("No SSO provider"), "{error}");
}

#[tokio::test]
async fn the_ways_to_sign_in_are_told() {
    let (_server, client, _) = server().await;
    let providers = client.providers().await.expect("they are told");
    assert_eq!(providers.browser, ["github"]);
    assert!(providers.email && providers.sso && !providers.sign_up);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_any_first_one() {
    let (server, client, account) = server().await;
    server.add_domain("acme.example", account);
    let factor = server.add_factor(account, "totp", "123456");
    client.send_code(EMAIL, false).await.expect("it is sent");
    let code = secret(&server.mailed(EMAIL).expect("it was mailed"));
    for way in 0..4 {
        // One after the other: a second factor ends all else that the account has with one alone.
        let outcome = match way {
            0 => client.with_password(EMAIL, &secret(PASSWORD)).await,
            1 => client.with_code(EMAIL, &code).await,
            2 => {
                let (outcome, (_, page)) = through_browser(&client, github()).await;
                assert!(page.contains("It asks for your second factor"), "{page}");
                assert!(!page.contains("You are signed in"), "{page}");
                outcome
            }
            _ => {
                let sso = Way::Domain("acme.example".to_owned());
                through_browser(&client, sso).await.0
            }
        };
        let second = second(outcome.expect("the first factor is good"));
        assert_eq!(second.who().user, account);
        assert_eq!(second.who().aal, Aal::One);
        assert_eq!(second.factors().len(), 1);
        assert_eq!(second.factors()[0].id, factor);
        assert_eq!(second.factors()[0].kind, FactorKind::Totp);
        let wrong = second.verify(factor, &secret("654321")).await;
        let error = wrong.expect_err("it is another");
        assert_eq!(error.code(), Code::TenantCodeWrong);
        let session = second.verify(factor, &secret("123 456")).await;
        let session = session.expect("it can be tried again");
        assert_eq!(session.signed_in().aal, Aal::Two);
        let (keeper, _folder) = keeper(&server);
        keeper.keep(session).await.expect("it is kept");
        let token = keeper.access().await.expect("there is one");
        keeper
            .access_after_refusal(&token)
            .await
            .expect("it goes on");
        let kept = keeper.signed_in().await.expect("it is known");
        assert_eq!(kept.map(|it| it.aal), Some(Aal::Two));
    }
}

#[tokio::test]
async fn who_gives_up_at_the_second_factor_leaves_no_session() {
    let (server, client, account) = server().await;
    server.add_factor(account, "totp", "123456");
    let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let second = second(begun.expect("the first factor is good"));
    assert_eq!(server.sessions(account), 1);
    second.give_up().await.expect("it is ended");
    assert_eq!(server.sessions(account), 0);
}

#[tokio::test]
async fn a_factor_that_berth_cannot_ask_for_is_named() {
    let (server, client, account) = server().await;
    let factor = server.add_factor(account, "webauthn", "");
    let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let second = second(begun.expect("the first factor is good"));
    for id in [factor, Uuid::nil()] {
        let error = second.verify(id, &secret("123456")).await;
        let error = error.expect_err("there is no way");
        assert_eq!(error.code(), Code::TenantMfaNeeded, "{error}");
    }
    assert!(
        server
            .seen(&format!("POST /factors/{factor}/challenge"))
            .is_empty()
    );
}

#[tokio::test]
async fn a_user_who_says_no_is_heard() {
    let (server, client, _) = server().await;
    server.nobody_agrees();
    let (outcome, (status, page)) = through_browser(&client, github()).await;
    let error = outcome.expect_err("they said no");
    assert_eq!(error.code(), Code::TenantSignInFailed);
    let said = error.to_string();
    assert!(
        said.contains("The user has denied access (user_said_no)"),
        "{said}"
    );
    assert_eq!(status, 400);
    assert!(page.contains("You are not signed in"), "{page}");
    assert!(server.seen("POST /token").is_empty());
}

#[tokio::test]
async fn the_browser_is_told_it_is_signed_in_only_once_that_is_kept() {
    let (server, client, account) = server().await;
    let begun = client.begin(github()).await.expect("it begins");
    let url = begun.url().to_owned();
    let keep =
        async |_| -> Result<(), AuthError> { Err(AuthError::SignedOut("the keychain".to_owned())) };
    let (kept, (status, page)) = tokio::join!(begun.finish(keep), browse(&url));
    assert!(kept.is_err());
    assert_eq!(status, 400);
    assert!(page.contains("You are not signed in"), "{page}");
    assert_eq!(server.sessions(account), 0, "and nobody is");
}

#[tokio::test]
async fn strangers_at_the_callback_change_nothing() {
    let (_server, client, account) = server().await;
    let begun = client.begin(github()).await.expect("it begins");
    let url = begun.url().to_owned();
    let redirect = redirect(&url);
    let finished = tokio::spawn(begun.finish(async |outcome| Ok(outcome)));
    let (base, nonce) = redirect.rsplit_once('/').expect("it has a path");
    for (stranger, status) in [
        (format!("{base}/wrong?code=stolen"), 404),
        (
            format!("{base}/{}?code=stolen", "x".repeat(nonce.len())),
            404,
        ),
        (format!("{base}/?error=access_denied"), 404),
        // Without a word it is no answer, such as a page that the browser loads ahead.
        (redirect.clone(), 400),
        (format!("{redirect}?state=x"), 400),
    ] {
        assert_eq!(browse(&stranger).await.0, status, "{stranger}");
    }
    let (status, _) = browse(&url).await;
    assert_eq!(status, 200);
    let outcome = finished.await.expect("it goes on").expect("it works");
    assert_eq!(session(outcome).signed_in().user, account);
    // And a second answer finds nobody.
    let error = reqwest::get(format!("{redirect}?code=again")).await;
    let error = error.expect_err("nobody listens any more");
    assert!(error.is_connect(), "{error}");
}

#[tokio::test]
async fn an_answer_that_says_two_things_is_not_redeemed() {
    let (server, client, _) = server().await;
    for query in ["code=a&code=b", "code=a&error=b", "error=a&error=b"] {
        let begun = client.begin(github()).await.expect("it begins");
        let answer = format!("{}?{query}", redirect(begun.url()));
        let finish = begun.finish(async |outcome| Ok(outcome));
        let (outcome, (status, _)) = tokio::join!(finish, browse(&answer));
        let error = outcome.expect_err("which one?");
        assert_eq!(error.code(), Code::TenantSignInFailed, "{query}: {error}");
        assert_eq!(status, 400);
    }
    assert!(server.seen("POST /token").is_empty());
}

#[tokio::test]
async fn a_code_that_is_over_or_somebody_elses_does_not_sign_in() {
    let (server, client, _) = server().await;
    // A code that another sign-in was given: its verifier is another.
    let other = client.begin(github()).await.expect("it begins");
    let no_redirect = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client can be made");
    let sent_back = no_redirect.get(other.url()).send().await;
    let sent_back = sent_back.expect("the server answers");
    let location = sent_back.headers()["location"]
        .to_str()
        .expect("it is text");
    let (_, code) = location.split_once("?code=").expect("it has a code");
    let begun = client.begin(github()).await.expect("it begins");
    let stolen = format!("{}?code={code}", redirect(begun.url()));
    let finish = begun.finish(async |outcome| Ok(outcome));
    let (outcome, _) = tokio::join!(finish, browse(&stolen));
    let error = outcome.expect_err("it is not ours");
    assert_eq!(error.code(), Code::TenantSignInFailed, "{error}");
    assert!(error.to_string().contains("bad_code_verifier"), "{error}");
    assert!(!error.to_string().contains(code), "{error}");

    server.forget_flows();
    let late = format!("{}?code={code}", redirect(other.url()));
    let finish = other.finish(async |outcome| Ok(outcome));
    let (outcome, _) = tokio::join!(finish, browse(&late));
    let error = outcome.expect_err("it is over");
    assert_eq!(error.code(), Code::TenantSignInFailed, "{error}");
}

#[tokio::test]
async fn a_sign_in_ends_at_its_limit_and_when_it_is_dropped() {
    let (_server, client, _) = server().await;
    let begun = client.begin(github()).await.expect("it begins");
    let left = begun.until() - tokio::time::Instant::now();
    assert!(left > Duration::from_secs(290) && left <= Duration::from_secs(300));
    let short = begun.within(Duration::from_millis(50));
    let error = short.finish(async |outcome| Ok(outcome)).await;
    let error = error.expect_err("nobody comes");
    assert!(matches!(error, AuthError::TimedOut(_)), "{error}");
    assert_eq!(error.code(), Code::TenantSignInFailed);

    let begun = client.begin(github()).await.expect("it begins");
    let redirect = redirect(begun.url());
    drop(begun);
    let error = reqwest::get(redirect).await;
    let error = error.expect_err("nobody listens any more");
    assert!(error.is_connect(), "{error}");
}

#[tokio::test]
async fn a_session_opens_the_organization_of_its_user() {
    let Some(backend) = Backend::own("its session is one of the stand-in").await else {
        return;
    };
    let org = backend.organization("acme").await;
    let server = SignInServer::start().await;
    server.account_of(org.user.id, EMAIL, PASSWORD);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = Keeper::new(server.backend(), store, folder.path().join("locks"));
    let keeper = keeper.expect("a keeper can be made");
    let begun = keeper
        .client()
        .with_password(EMAIL, &secret(PASSWORD))
        .await;
    let kept = session(begun.expect("it works"));
    keeper.keep(kept).await.expect("it is kept");
    let token = keeper.access().await.expect("there is one");
    let renewed = keeper.access_after_refusal(&token).await;
    for token in [token, renewed.expect("there is another")] {
        let caller = backend.caller(Some(token.expose().clone()));
        let rows = caller.get("organizations").await.rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["id"], json!(org.id));
    }
}
