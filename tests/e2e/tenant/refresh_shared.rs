//! A session that others change too: other users of this machine's account, other processes, other backends.

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use berth_protocol::{Code, Secret};
use berth_tenant::auth::{AuthError, Client, Session, SignedOut};
use berth_tests::tenant::{SessionFile, SignInServer};
use uuid::Uuid;

use super::{
    refresh::{access, keeper_in, keeper_over, kept, sign_in, signed_in},
    sign_in::{PASSWORD, secret, session},
};

const OTHER: &str = "other@acme.example";

/// A session of another user, which is kept nowhere.
async fn of_another(server: &SignInServer) -> (Uuid, Session) {
    let user = server.account(OTHER, PASSWORD);
    let client = Client::new(server.backend()).expect("a client can be made");
    let begun = client.with_password(OTHER, &secret(PASSWORD)).await;
    (user, session(begun.expect("it works")))
}

fn signed_out(token: Result<Secret, AuthError>, what: &str) {
    let error = token.expect_err(what);
    assert!(matches!(error, AuthError::SignedOut(_)), "{what}: {error}");
}

#[tokio::test]
async fn what_was_begun_as_one_user_is_not_repeated_as_another() {
    let (server, keeper, folder, account) = signed_in(3600).await;
    let refused = access(&keeper).await;
    let (other, theirs) = of_another(&server).await;
    let process = keeper_in(server.backend(), &folder);
    process.keep(theirs).await.expect("it is kept");
    let before = kept(&folder);
    signed_out(keeper.access_after_refusal(&refused).await, "another token");
    signed_out(keeper.access_of(account).await, "a token");
    let token = keeper.access_of(other).await.expect("they are signed in");
    assert_eq!(access(&keeper).await, token);
    let renewed = keeper.access_of_after_refusal(account, &token).await;
    signed_out(renewed, "a token in place of somebody else's");
    let nobodys = secret("of nobody knows whom");
    signed_out(keeper.access_after_refusal(&nobodys).await, "whose?");
    assert_eq!(server.refreshes(), 0);
    assert_eq!(kept(&folder), before);
    let renewed = keeper.access_of_after_refusal(other, &token).await;
    assert_ne!(renewed.expect("theirs goes on"), token);
}

#[tokio::test]
async fn who_signs_in_during_a_refresh_is_not_taken_for_its_user() {
    for is_ended in [false, true] {
        let (server, keeper, folder, account) = signed_in(3600).await;
        let refused = access(&keeper).await;
        let (other, theirs) = of_another(&server).await;
        if is_ended {
            server.end_sessions(account);
        }
        let (path, text) = (folder.path().join("session"), theirs.to_secret());
        server.change("/token", move |_| {
            fs::write(&path, text.expose()).expect("it can be written");
        });
        let renewed = keeper.access_after_refusal(&refused).await;
        signed_out(renewed, "another token");
        keeper.settle().await;
        assert_eq!(server.sessions(account), 0, "nobody has its tokens");
        assert_eq!(server.sessions(other), 1);
        let kept = kept(&folder).expect("theirs stays");
        assert_eq!(kept["user"], other.to_string());
    }
}

#[tokio::test]
async fn a_sign_out_and_a_sign_in_of_another_process_are_seen_at_once() {
    let (server, keeper, folder, account) = signed_in(3600).await;
    let token = access(&keeper).await;
    let process = keeper_in(server.backend(), &folder);
    let ended = process.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
    signed_out(keeper.access().await, "a token");
    assert_eq!(keeper.signed_in().await.expect("it is known"), None);

    sign_in(&process).await;
    let next = access(&keeper).await;
    assert_ne!(next, token);
    let (other, theirs) = of_another(&server).await;
    process.keep(theirs).await.expect("it is kept");
    assert_ne!(access(&keeper).await, next);
    let signed_in = keeper.signed_in().await.expect("it is known");
    assert_eq!(signed_in.map(|it| it.user), Some(other));
    process.settle().await;
    assert_eq!(server.sessions(account), 0);
}

#[tokio::test]
async fn who_cannot_look_goes_on_with_what_is_known() {
    let (server, _, folder, _) = signed_in(3600).await;
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    let token = access(&keeper).await;
    let known = keeper.signed_in().await.expect("it is known");
    store.is_away.store(true, Ordering::SeqCst);
    assert_eq!(access(&keeper).await, token);
    assert_eq!(keeper.signed_in().await.expect("it is known"), known);
    // Who knows nothing yet is told why.
    let next = keeper_over(server.backend(), &folder, store);
    let error = next.access().await.expect_err("it cannot be read");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    let error = next.signed_in().await.expect_err("it cannot be read");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
}

#[tokio::test]
async fn what_is_kept_of_another_backend_is_not_removed() {
    let (server, keeper, folder, account) = signed_in(0).await;
    let (_other, _keeper, theirs, _) = signed_in(3600).await;
    let theirs = kept(&theirs).expect("it is kept");
    let (path, text) = (folder.path().join("session"), theirs.to_string());
    server.end_sessions(account);
    server.change("/token", move |_| {
        fs::write(&path, &text).expect("it can be written");
    });
    let error = keeper.access().await.expect_err("it is over");
    assert!(matches!(error, AuthError::Ended(_)), "{error}");
    assert_eq!(kept(&folder), Some(theirs.clone()));
    let ended = keeper.sign_out().await;
    assert!(matches!(ended, Ok(SignedOut::Nothing)), "{ended:?}");
    assert_eq!(kept(&folder), Some(theirs));
}
