//! The session that is kept: refreshed once, by whoever comes first, and never lost.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use berth_protocol::{Code, Secret};
use berth_tenant::auth::{AuthError, Backend, Client, Keeper, SignedOut};
use berth_tests::{
    LIMIT,
    cable::Cable,
    tenant::{SessionFile, SignInServer, Stack, now},
    until,
};
use futures::FutureExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use super::sign_in::{EMAIL, PASSWORD, secret, server, session};

/// A day, in seconds.
const DAY: u64 = 24 * 3600;

/// A keeper of this process over a folder.
pub fn keeper_in(backend: Backend, folder: &TempDir) -> Keeper {
    keeper_over(backend, folder, Arc::new(SessionFile::new(folder.path())))
}

pub fn keeper_over(backend: Backend, folder: &TempDir, store: Arc<SessionFile>) -> Keeper {
    let locks = folder.path().join("locks");
    Keeper::new(backend, store, locks).expect("a keeper can be made")
}

/// A session that is kept, whose token lives so long, in seconds; those after it live an hour.
pub async fn signed_in(lives: u64) -> (SignInServer, Keeper, TempDir, Uuid) {
    let (server, _, account) = server().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let keeper = keeper_in(server.backend(), &folder);
    server.tokens_live(lives);
    sign_in(&keeper).await;
    server.tokens_live(3600);
    (server, keeper, folder, account)
}

pub async fn sign_in(keeper: &Keeper) {
    let begun = keeper
        .client()
        .with_password(EMAIL, &secret(PASSWORD))
        .await;
    let kept = session(begun.expect("it works"));
    keeper.keep(kept).await.expect("it is kept");
}

pub async fn access(keeper: &Keeper) -> Secret {
    keeper.access().await.expect("there is a token")
}

/// What is kept.
pub fn kept(folder: &TempDir) -> Option<Value> {
    let kept = fs::read_to_string(folder.path().join("session")).ok()?;
    Some(serde_json::from_str(&kept).expect("it is JSON"))
}

/// Makes what is kept as if it had been asked for at another time, in seconds since 1970.
pub fn given_at(folder: &TempDir, time: u64) {
    let mut session = kept(folder).expect("something is kept");
    session["given_at"] = time.into();
    fs::write(folder.path().join("session"), session.to_string()).expect("it can be written");
}

/// A process that asks for a token once `go` is there.
fn asker(folder: &TempDir, backend: &Backend) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tenant-client"))
        .arg(folder.path())
        .args([backend.url(), backend.key()])
        .stdin(Stdio::null())
        .spawn()
        .expect("it can be started")
}

fn files(folder: &TempDir, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("it is there");
    let named = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(prefix)
    });
    named
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .collect()
}

#[tokio::test]
async fn five_processes_refresh_once() {
    let (server, _keeper, folder, _) = signed_in(0).await;
    server.grace(Duration::ZERO);
    let backend = server.backend();
    let askers: Vec<_> = (0..5).map(|_| asker(&folder, &backend)).collect();
    until("all are ready", || files(&folder, "ready.").len() == 5).await;
    fs::write(folder.path().join("go"), "").expect("it can be written");
    for mut asker in askers {
        let ended = tokio::task::spawn_blocking(move || asker.wait());
        let ended = timeout(LIMIT, ended).await.expect("it ends soon");
        let ended = ended.expect("it is waited for").expect("it has ended");
        assert!(ended.success());
    }
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
    let mut tokens = files(&folder, "token.");
    assert_eq!(tokens.len(), 5);
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all have the same");
}

#[tokio::test]
async fn many_in_one_process_refresh_once() {
    let (server, keeper, _folder, _) = signed_in(0).await;
    server.grace(Duration::ZERO);
    let tokens = futures::future::join_all((0..50).map(|_| access(&keeper))).await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
    // And many whose token was refused.
    let refused = &tokens[0];
    let askers = (0..50).map(|_| keeper.access_after_refusal(refused));
    let renewed = futures::future::join_all(askers).await;
    let renewed: Vec<_> = renewed
        .into_iter()
        .map(|it| it.expect("there is one"))
        .collect();
    assert!(renewed.iter().all(|it| *it == renewed[0] && it != refused));
    assert_eq!((server.refreshes(), server.reused()), (2, 0));
}

#[tokio::test]
async fn a_session_is_refreshed_again_and_again() {
    for stack in Stack::all().await {
        let account = stack.account().await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let keeper = keeper_in(stack.backend(), &folder);
        let begun = keeper
            .client()
            .with_password(&account.email, &account.password)
            .await;
        let first = session(begun.expect("it works"));
        keeper.keep(first).await.expect("it is kept");
        for _ in 0..3 {
            let before = kept(&folder).expect("it is kept");
            let token = access(&keeper).await;
            let renewed = keeper.access_after_refusal(&token).await;
            let renewed = renewed.expect("it is renewed");
            let after = kept(&folder).expect("it is kept");
            assert_ne!(before["refresh_token"], after["refresh_token"]);
            assert_eq!(after["access_token"], renewed.expose().as_str());
            let user = keeper.client().user(&renewed).await;
            assert_eq!(user.expect("it is taken").id, account.id);
        }
        // Another process goes on with it.
        let next = keeper_in(stack.backend(), &folder);
        let token = access(&next).await;
        next.access_after_refusal(&token)
            .await
            .expect("it is renewed");
    }
}

#[tokio::test]
async fn what_another_process_has_refreshed_is_taken_over() {
    let (server, keeper, folder, _) = signed_in(3600).await;
    server.grace(Duration::ZERO);
    let other = keeper_in(server.backend(), &folder);
    let token = access(&keeper).await;
    assert_eq!(access(&other).await, token);
    let renewed = keeper.access_after_refusal(&token).await;
    let renewed = renewed.expect("it is renewed");
    assert_eq!(other.access_after_refusal(&token).await.ok(), Some(renewed));
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
}

#[tokio::test]
async fn a_refresh_is_finished_although_nobody_waits_for_it() {
    let (server, keeper, _folder, _) = signed_in(0).await;
    server.grace(Duration::ZERO);
    // Asked once, it has only begun; a limit of no time would be up a moment later, and it might be finished by then.
    assert!(keeper.access().now_or_never().is_none());
    keeper.settle().await;
    assert_eq!(server.refreshes(), 1, "it was finished");
    access(&keeper).await;
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
}

#[tokio::test]
async fn a_token_is_refreshed_when_four_fifths_of_its_life_are_over() {
    let (server, _, folder, _) = signed_in(3600).await;
    for (age, refreshes) in [(2800, 0), (2881, 1), (3601, 2)] {
        given_at(&folder, now() - age);
        let keeper = keeper_in(server.backend(), &folder);
        access(&keeper).await;
        access(&keeper).await;
        assert_eq!(server.refreshes(), refreshes, "{age}");
    }
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_costs_a_refresh_at_most() {
    // The server's: its token was over long ago, or will be long after.
    for ahead in [-(DAY as i64), DAY as i64] {
        let (server, _, _) = server().await;
        server.clock_ahead(ahead);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let keeper = keeper_in(server.backend(), &folder);
        sign_in(&keeper).await;
        access(&keeper).await;
        access(&keeper_in(server.backend(), &folder)).await;
        assert_eq!(server.refreshes(), 0, "{ahead}");
    }
    // Ours, which was set while nothing ran.
    for time in [now() - DAY, now() + DAY] {
        let (server, _, folder, _) = signed_in(3600).await;
        given_at(&folder, time);
        for _ in 0..3 {
            let keeper = keeper_in(server.backend(), &folder);
            access(&keeper).await;
            access(&keeper).await;
        }
        assert_eq!((server.refreshes(), server.reused()), (1, 0));
    }
}

#[tokio::test]
async fn who_is_offline_keeps_the_session_and_uses_what_is_still_good() {
    let (server, _, _) = server().await;
    let cable = Cable::plug_in(server.port()).await;
    let near = Backend::new(&format!("http://{}", cable.address), server.backend().key());
    let near = near.expect("it is a backend");
    let folder = tempfile::tempdir().expect("a folder can be made");
    sign_in(&keeper_in(near.clone(), &folder)).await;
    cable.cut().await;
    // Due, but not over.
    given_at(&folder, now() - 3000);
    let keeper = keeper_in(near.clone(), &folder);
    let token = access(&keeper).await;
    assert_eq!(access(&keeper).await, token);
    let error = keeper.access_after_refusal(&token).await;
    let error = error.expect_err("nobody answers");
    assert_eq!(error.code(), Code::TenantUnreachable);
    assert!(error.is_transient());
    // Over.
    given_at(&folder, now() - 4000);
    let keeper = keeper_in(near.clone(), &folder);
    let error = keeper.access().await.expect_err("nobody answers");
    assert_eq!(error.code(), Code::TenantUnreachable);
    assert!(keeper.signed_in().await.expect("it is known").is_some());
    assert!(kept(&folder).is_some());
    cable.mend();
    assert_ne!(access(&keeper).await, token);
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
}

#[tokio::test]
async fn a_server_that_cannot_now_ends_nothing() {
    let (server, keeper, folder, _) = signed_in(0).await;
    // Its answers are changed after it has given another token.
    server.grace(Duration::from_secs(3600));
    let page = Value::String("<html>not now</html>".to_owned());
    let refusals = [
        page.clone(),
        json!({"message": "not now"}),
        json!({"code": "bad_jwt", "message": "invalid JWT"}),
        json!({"code": "no_authorization", "message": "This endpoint requires a Bearer token"}),
        json!({"code": "validation_failed", "message": "Invalid Refresh Token"}),
        json!({"code": 403, "error_code": "bad_jwt", "msg": "invalid JWT"}),
    ];
    let refused = [400, 401, 403].into_iter();
    let refused = refused.flat_map(|status| refusals.iter().map(move |it| (status, it.clone())));
    let down = [429, 500, 502, 503, 409, 408, 302, 404].into_iter();
    for (status, body) in down.map(|status| (status, page.clone())).chain(refused) {
        let told = format!("{status} {body}");
        server.change("/token", move |answer| {
            answer.status = status;
            answer.body = body.clone();
        });
        let error = keeper.access().await.expect_err("nobody refreshes");
        assert_ne!(error.code(), Code::TenantSignedOut, "{told}: {error}");
        assert!(kept(&folder).is_some(), "{told}");
    }
    server.mend("/token");
    access(&keeper).await;
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_is_signed_out_and_nothing_is_left() {
    let (server, keeper, folder, account) = signed_in(0).await;
    server.end_sessions(account);
    let error = keeper.access().await.expect_err("it is over");
    assert!(matches!(error, AuthError::Ended(_)), "{error}");
    assert_eq!(error.code(), Code::TenantSignedOut);
    assert!(kept(&folder).is_none(), "its tokens are removed");
    // Nobody is bothered with what is over.
    let error = keeper.access().await.expect_err("nobody is signed in");
    assert!(matches!(error, AuthError::SignedOut(_)), "{error}");
    assert_eq!(keeper.signed_in().await.expect("it is known"), None);
    assert_eq!(server.refreshes(), 1);
    // Another process signs in again, and this one finds that.
    sign_in(&keeper_in(server.backend(), &folder)).await;
    access(&keeper).await;
}

#[tokio::test]
async fn who_comes_too_late_takes_over_what_is_there() {
    let (server, keeper, folder, account) = signed_in(0).await;
    // Another sign-in is made while this one is being refreshed, by somebody without the lock.
    let theirs = tempfile::tempdir().expect("a folder can be made");
    sign_in(&keeper_in(server.backend(), &theirs)).await;
    let theirs = kept(&theirs).expect("it is kept");
    let (path, text) = (folder.path().join("session"), theirs.to_string());
    server.end_sessions(account);
    server.change("/token", move |_| {
        fs::write(&path, &text).expect("it can be written");
    });
    let token = access(&keeper).await;
    assert_eq!(theirs["access_token"], token.expose().as_str());
    assert_eq!(kept(&folder), Some(theirs));
}

#[tokio::test]
async fn nobody_gets_a_token_that_is_not_kept() {
    let (server, _, folder, _) = signed_in(3600).await;
    server.grace(Duration::ZERO);
    let store = Arc::new(SessionFile::new(folder.path()));
    let keeper = keeper_over(server.backend(), &folder, Arc::clone(&store));
    let token = access(&keeper).await;
    store.is_locked.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = keeper.access_after_refusal(&token).await;
        let error = error.expect_err("it cannot be kept");
        assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    }
    // Who has not been refused has the one of before.
    assert_eq!(access(&keeper).await, token);
    store.is_locked.store(false, Ordering::SeqCst);
    let renewed = keeper.access_after_refusal(&token).await;
    let renewed = renewed.expect("it is kept now");
    assert_ne!(renewed, token);
    let after = kept(&folder).expect("it is kept");
    assert_eq!(after["access_token"], renewed.expose().as_str());
    assert_eq!((server.refreshes(), server.reused()), (1, 0));
}

#[tokio::test]
async fn a_kill_between_a_refresh_and_its_keeping_loses_nothing_within_the_grace() {
    for (grace, is_lost) in [(Duration::from_secs(3600), false), (Duration::ZERO, true)] {
        let (server, _, folder, account) = signed_in(3600).await;
        server.grace(grace);
        let store = Arc::new(SessionFile::new(folder.path()));
        let killed = keeper_over(server.backend(), &folder, Arc::clone(&store));
        let token = access(&killed).await;
        store.is_locked.store(true, Ordering::SeqCst);
        let error = killed.access_after_refusal(&token).await;
        error.expect_err("it cannot be kept");
        drop(killed);

        let next = keeper_in(server.backend(), &folder);
        let renewed = next.access_after_refusal(&token).await;
        assert_eq!(server.reused(), 1);
        if is_lost {
            let error = renewed.expect_err("the server takes it for stolen");
            assert_eq!(error.code(), Code::TenantSignedOut, "{error}");
            assert!(kept(&folder).is_none());
            assert_eq!(server.sessions(account), 0);
        } else {
            renewed.expect("the server gives it again");
            let token = access(&next).await;
            next.access_after_refusal(&token).await.expect("it goes on");
        }
    }
}

#[tokio::test]
async fn a_sign_out_forgets_although_nobody_answers() {
    let (server, _, _) = server().await;
    let cable = Cable::plug_in(server.port()).await;
    let near = Backend::new(&format!("http://{}", cable.address), server.backend().key());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let keeper = keeper_in(near.expect("it is a backend"), &folder);
    sign_in(&keeper).await;
    cable.cut().await;
    let ended = keeper.sign_out().await.expect("it is forgotten");
    let SignedOut::Failed(error) = ended else {
        panic!("who has ended it? {ended:?}");
    };
    assert_eq!(error.code(), Code::TenantUnreachable);
    assert!(kept(&folder).is_none());
    assert_eq!(keeper.signed_in().await.expect("it is known"), None);
}

#[tokio::test]
async fn a_session_whose_token_is_over_is_ended_at_the_server_too() {
    let (server, keeper, folder, account) = signed_in(0).await;
    let ended = keeper.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
    assert_eq!(server.sessions(account), 0);
    assert!(kept(&folder).is_none());

    let (server, keeper, _folder, account) = signed_in(0).await;
    server.end_sessions(account);
    let ended = keeper.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
}

#[tokio::test]
async fn a_token_that_is_not_taken_says_nothing_of_its_session() {
    // As it is after an hour, after a change of the server's key, and when our clock is behind.
    for is_set_back in [false, true] {
        let (server, _, folder, account) = signed_in(3600).await;
        if is_set_back {
            given_at(&folder, now() + DAY);
        }
        server.forget_access();
        let keeper = keeper_in(server.backend(), &folder);
        let ended = keeper.sign_out().await.expect("it is forgotten");
        assert!(matches!(ended, SignedOut::Yes), "{ended:?}");
        assert_eq!(server.sessions(account), 0, "it was ended");
        assert_eq!((server.refreshes(), server.reused()), (1, 0));
    }
    let (server, keeper, _folder, account) = signed_in(3600).await;
    server.forget_access();
    server.change("/token", |answer| answer.status = 503);
    let ended = keeper.sign_out().await.expect("it is forgotten");
    assert!(matches!(ended, SignedOut::Failed(_)), "{ended:?}");
    assert_eq!(server.sessions(account), 1, "nobody has ended it");
}

#[tokio::test]
async fn a_session_is_used_with_no_other_backend() {
    let (_server, _keeper, folder, _) = signed_in(0).await;
    let (other, _, _) = server().await;
    let keeper = keeper_in(other.backend(), &folder);
    assert_eq!(keeper.signed_in().await.expect("it is known"), None);
    let error = keeper.access().await.expect_err("it is another");
    assert_eq!(error.code(), Code::TenantSignedOut);
    assert_eq!(other.refreshes(), 0);
    assert!(matches!(keeper.sign_out().await, Ok(SignedOut::Nothing)));
    assert!(other.seen("POST /logout").is_empty());
    assert!(
        kept(&folder).is_some(),
        "it is not this backend's to forget"
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_replaced_by_a_sign_in() {
    let (server, _, folder, _) = signed_in(3600).await;
    fs::write(folder.path().join("session"), "{\"revision\":1").expect("it can be written");
    let keeper = keeper_in(server.backend(), &folder);
    let error = keeper.access().await.expect_err("it cannot be read");
    assert_eq!(error.code(), Code::TenantSignedOut, "{error}");
    // The store of this test cannot replace what it cannot read either, so that it is forgotten first.
    sign_in(&keeper).await;
    access(&keeper).await;
}

#[tokio::test]
async fn a_refresh_that_names_somebody_else_changes_nothing() {
    let (server, keeper, folder, _) = signed_in(0).await;
    let before = kept(&folder);
    let other = server.account("other@acme.example", PASSWORD);
    let client = Client::new(server.backend()).expect("a client can be made");
    let theirs = client
        .with_password("other@acme.example", &secret(PASSWORD))
        .await;
    let theirs = session(theirs.expect("it works"));
    let text = theirs.to_secret();
    let theirs: Value = serde_json::from_str(text.expose()).expect("it is JSON");
    server.change("/token", move |answer| {
        answer.body["access_token"] = theirs["access_token"].clone();
        answer.body["user"]["id"] = other.to_string().into();
    });
    let error = keeper.access().await.expect_err("who is that?");
    assert_eq!(error.code(), Code::TenantProtocol, "{error}");
    assert_eq!(kept(&folder), before);
}

#[tokio::test]
async fn a_refresh_that_gives_another_session_changes_nothing() {
    let (server, keeper, folder, _) = signed_in(0).await;
    let before = kept(&folder);
    let client = Client::new(server.backend()).expect("a client can be made");
    let other = client.with_password(EMAIL, &secret(PASSWORD)).await;
    let other = session(other.expect("it works")).to_secret();
    let other: Value = serde_json::from_str(other.expose()).expect("it is JSON");
    server.change("/token", move |answer| {
        answer.body["access_token"] = other["access_token"].clone();
    });
    let error = keeper.access().await.expect_err("which session is that?");
    assert_eq!(error.code(), Code::TenantProtocol, "{error}");
    assert_eq!(kept(&folder), before);
}
