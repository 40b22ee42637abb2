//! What goes wrong when a session is refreshed or ended: nothing is lost, and nobody waits for the same twice.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use berth_protocol::Code;
use berth_tenant::auth::{
    AuthError, Backend, Keeper, Later, Session, SessionStore, SignedOut, StoreError,
};
use berth_tests::{
    LIMIT,
    cable::Cable,
    tenant::{SessionFile, now},
};
use tokio::time::timeout;

use super::{
    refresh::{access, given_at, keeper_in, keeper_over, kept, sign_in, signed_in},
    sign_in::{EMAIL, PASSWORD, secret, server, session},
};

#[tokio::test]
async fn many_who_wait_are_told_of_one_failure() {
    let (server, keeper, _folder, _) = signed_in(0).await;
    server.change("/token", |answer| answer.status = 503);
    for asked in 1..3 {
        let tokens = futures::future::join_all((0..20).map(|_| keeper.access())).await;
        for token in tokens {
            let error = token.expect_err("nobody refreshes");
            assert_eq!(error.code(), Code::TenantUnreachable, "{error}");
        }
        assert_eq!(server.refreshes(), asked, "who comes later asks again");
    }
    server.mend("/token");
    access(&keeper).await;
}

#[tokio::test]
async fn who_is_signed_in_is_told_while_nobody_answers() {
    let (server, _, _) = server().await;
    let cable = Cable::plug_in(server.port()).await;
    let near = Backend::new(&format!("http://{}", cable.address), server.backend().key());
    let near = near.expect("it is a backend");
    let folder = tempfile::tempdir().expect("a folder can be made");
    sign_in(&keeper_in(near.clone(), &folder)).await;
    given_at(&folder, now() - 4000);
    let silent = cable.fall_silent().await;
    let keeper = keeper_in(near, &folder);
    let asking = keeper.clone();
    let asking = tokio::spawn(async move { asking.access().await });
    let connection = timeout(LIMIT, silent.accept()).await;
    let connection = connection.expect("it is asked").expect("it connects");
    let told = timeout(LIMIT, keeper.signed_in()).await;
    let told = told.expect("it does not wait").expect("it is known");
    assert!(told.is_some());
    assert!(!asking.is_finished(), "nobody has answered");
    drop((silent, connection));
    let token = timeout(LIMIT, asking).await.expect("it ends");
    let error = token
        .expect("it is waited for")
        .expect_err("nobody answers");
    assert_eq!(error.code(), Code::TenantUnreachable, "{error}");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again_at_once() {
    let (server, keeper, _folder, _) = signed_in(0).await;
    server.lose("/token", 1);
    access(&keeper).await;
    assert_eq!((server.refreshes(), server.reused()), (2, 1));

    let (server, keeper, folder, _) = signed_in(0).await;
    server.lose("/token", 2);
    let error = keeper.access().await.expect_err("it is lost again");
    assert_eq!(error.code(), Code::TenantUnreachable, "{error}");
    assert_eq!(server.refreshes(), 2, "and not for ever");
    assert!(kept(&folder).is_some());
    access(&keeper).await;
}

#[tokio::test]
async fn a_sign_out_that_fails_loses_nothing() {
    let (server, _, folder, account) = signed_in(3600).await;
    server.grace(Duration::ZERO);
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    let token = access(&keeper).await;
    store.is_locked.store(true, Ordering::SeqCst);
    let renewed = keeper.access_after_refusal(&token).await;
    renewed.expect_err("it cannot be kept");
    let error = keeper.sign_out().await.expect_err("it is not forgotten");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    store.is_locked.store(false, Ordering::SeqCst);
    let renewed = keeper.access_after_refusal(&token).await;
    assert_ne!(renewed.expect("it is kept now"), token);
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
    assert_eq!(server.sessions(account), 1);
}

#[tokio::test]
async fn a_sign_out_ends_what_was_renewed_and_not_yet_kept() {
    let (server, _, folder, account) = signed_in(3600).await;
    server.grace(Duration::ZERO);
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    let token = access(&keeper).await;
    store.is_locked.store(true, Ordering::SeqCst);
    let renewed = keeper.access_after_refusal(&token).await;
    renewed.expect_err("it cannot be kept");
    store.is_locked.store(false, Ordering::SeqCst);
    // Only the refresh token that is not kept is good.
    server.forget_access();
    let ended = keeper.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
    assert_eq!((server.sessions(account), server.reused()), (0, 0));
}

#[tokio::test]
async fn a_sign_out_ends_who_is_signed_in_by_now() {
    let (server, _, folder, account) = signed_in(3600).await;
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    let token = access(&keeper).await;
    store.is_locked.store(true, Ordering::SeqCst);
    let renewed = keeper.access_after_refusal(&token).await;
    renewed.expect_err("it cannot be kept");
    store.is_locked.store(false, Ordering::SeqCst);
    // Another process signs in again, and its session is what is kept.
    let process = keeper_in(server.backend(), &folder);
    sign_in(&process).await;
    process.settle().await;
    assert_eq!(server.sessions(account), 1);
    let ended = keeper.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
    keeper.settle().await;
    assert_eq!(server.sessions(account), 0);
    assert!(kept(&folder).is_none());
}

/// A store with a fault.
struct Faulty;

impl SessionStore for Faulty {
    fn load(&self) -> Later<'_, Result<Option<Session>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn replace<'a>(
        &'a self,
        _: Option<u64>,
        _: &'a Session,
    ) -> Later<'a, Result<bool, StoreError>> {
        Box::pin(async { panic!("a fault of a test") })
    }

    fn delete(&self, _: Option<u64>) -> Later<'_, Result<bool, StoreError>> {
        Box::pin(async { Ok(false) })
    }
}

#[tokio::test]
async fn a_fault_inside_is_told_as_one() {
    let (server, client, _) = server().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let locks = folder.path().join("locks");
    let keeper = Keeper::new(server.backend(), Arc::new(Faulty), locks);
    let keeper = keeper.expect("a keeper can be made");
    let begun = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let kept = keeper.keep(session(begun.expect("it works"))).await;
    let error = kept.expect_err("its store has a fault");
    assert!(matches!(error, AuthError::Broken(_)), "{error}");
    assert_eq!(error.code(), Code::Internal);
    assert!(!error.is_transient());
    assert_eq!(keeper.signed_in().await.expect("it is known"), None);
}

#[tokio::test]
async fn a_backend_is_found_on_this_machine_by_its_name() {
    let (server, _, _) = server().await;
    let named = format!("http://localhost:{}", server.port());
    let named = Backend::new(&named, server.backend().key());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let keeper = keeper_in(named.expect("it is a backend"), &folder);
    sign_in(&keeper).await;
    access(&keeper).await;
}
