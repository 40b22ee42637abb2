//! Sessions that are begun and not kept, or replaced: none goes on at the backend of which nobody has the tokens.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use berth_protocol::Code;
use berth_tenant::auth::{AuthError, Keeper, Session, SignedOut};
use berth_tests::tenant::{SessionFile, SignInServer};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    refresh::{access, keeper_in, keeper_over, kept, sign_in, signed_in},
    sign_in::{EMAIL, PASSWORD, github, secret, server, session, through_browser},
};

/// A session that is kept nowhere.
async fn new_session(keeper: &Keeper) -> Session {
    let begun = keeper
        .client()
        .with_password(EMAIL, &secret(PASSWORD))
        .await;
    session(begun.expect("it works"))
}

/// A keeper over a store that nothing can be written to, and a session that it should keep.
async fn locked() -> (SignInServer, Keeper, Arc<SessionFile>, TempDir, Uuid) {
    let (server, _, account) = server().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    store.is_locked.store(true, Ordering::SeqCst);
    let error = keeper.keep(new_session(&keeper).await).await;
    let error = error.expect_err("it cannot be kept");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    assert!(kept(&folder).is_none());
    (server, keeper, store, folder, account)
}

#[tokio::test]
async fn a_sign_in_that_fails_halfway_leaves_no_session() {
    let (server, client, account) = server().await;
    for (status, body) in [
        (503, Value::Null),
        (403, json!({"code": "bad_jwt", "message": "invalid JWT"})),
        (200, json!({"id": Uuid::nil()})),
        (200, json!([])),
    ] {
        let told = format!("{status} {body}");
        server.change("/user", move |answer| {
            answer.status = status;
            answer.body = body.clone();
        });
        let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
        begun.expect_err("nobody knows whose it is");
        assert_eq!(server.sessions(account), 0, "{told}");
        let (begun, (status, _)) = through_browser(&client, github()).await;
        begun.expect_err("nobody knows whose it is");
        assert_eq!(status, 400);
        assert_eq!(server.sessions(account), 0, "{told}");
    }
    assert_eq!(server.seen("POST /logout").len(), 8);
}

#[tokio::test]
async fn a_new_sign_in_ends_the_one_that_it_replaces() {
    let (server, keeper, folder, account) = signed_in(3600).await;
    let before = access(&keeper).await;
    // Whether this process knows of it or not, and whatever has become of its token.
    for other in [keeper.clone(), keeper_in(server.backend(), &folder)] {
        server.forget_access();
        sign_in(&other).await;
        other.settle().await;
        assert_eq!(server.sessions(account), 1);
        let token = access(&keeper).await;
        assert_ne!(token, before);
        let renewed = other.access_after_refusal(&token).await;
        renewed.expect("the new one goes on");
    }
    assert_eq!(server.reused(), 0);
}

#[tokio::test]
async fn what_cannot_be_kept_is_held_until_it_can() {
    let (server, keeper, store, folder, account) = locked().await;
    let error = keeper.access().await.expect_err("it cannot be kept");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    assert_eq!(keeper.signed_in().await.expect("it is known"), None);
    store.is_locked.store(false, Ordering::SeqCst);
    let token = access(&keeper).await;
    let now_kept = kept(&folder).expect("it is kept");
    assert_eq!(now_kept["access_token"], token.expose().as_str());
    assert_eq!(server.sessions(account), 1);

    // In place of another one.
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    store.is_locked.store(true, Ordering::SeqCst);
    let refused = keeper.keep(new_session(&keeper).await).await;
    refused.expect_err("it cannot be kept");
    assert_eq!(kept(&folder), Some(now_kept), "what was there stays");
    assert_eq!(server.sessions(account), 2);
    store.is_locked.store(false, Ordering::SeqCst);
    assert_ne!(access(&keeper).await, token);
    keeper.settle().await;
    assert_eq!(server.sessions(account), 1);
}

#[tokio::test]
async fn what_is_held_is_ended_by_a_sign_out_and_by_another_sign_in() {
    let (server, keeper, store, _folder, account) = locked().await;
    store.is_locked.store(false, Ordering::SeqCst);
    let ended = keeper.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
    assert_eq!(server.sessions(account), 0);

    let (server, keeper, store, _folder, account) = locked().await;
    store.is_locked.store(false, Ordering::SeqCst);
    sign_in(&keeper).await;
    keeper.settle().await;
    assert_eq!(server.sessions(account), 1);
    access(&keeper).await;
}

#[tokio::test]
async fn a_session_of_another_backend_is_not_kept() {
    let (_server, keeper, folder, _) = signed_in(3600).await;
    let before = kept(&folder);
    let (other, _, _) = server().await;
    let elsewhere = tempfile::tempdir().expect("a folder can be made");
    let theirs = new_session(&keeper_in(other.backend(), &elsewhere)).await;
    let error = keeper.keep(theirs).await.expect_err("it is another's");
    assert!(matches!(error, AuthError::Elsewhere { .. }), "{error}");
    assert_eq!(error.code(), Code::TenantSignInFailed);
    assert_eq!(kept(&folder), before);
    access(&keeper).await;
}

#[tokio::test]
async fn who_comes_between_is_replaced_like_anybody() {
    let (server, _, account) = server().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    let theirs = new_session(&keeper).await;
    store
        .meanwhile
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(theirs);
    sign_in(&keeper).await;
    keeper.settle().await;
    assert_eq!(server.sessions(account), 1, "theirs is ended");
    access(&keeper).await;
}
