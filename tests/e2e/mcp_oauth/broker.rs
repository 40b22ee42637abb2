//! Tokens of a sign-in that is kept: refreshed once, by whoever comes first, and never lost.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use berth_mcp::{Broker, Challenge, Connection, Grant, GrantState, Limits, McpError, OauthError};
use berth_protocol::Code;
use berth_tests::{oauth::Fixture, until};
use serde_json::json;
use tempfile::TempDir;

use super::stage::{KEY, broker, reach, sign_in, wish};

/// A sign-in whose access token is already over.
async fn signed_in(lives: u64) -> (Fixture, TempDir, Broker) {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    fixture.tokens_live(lives);
    let grant = sign_in(wish(&fixture)).await.expect("it works");
    broker.keep(KEY, grant).await.expect("it is kept");
    fixture.tokens_live(3600);
    (fixture, folder, broker)
}

fn refreshes(fixture: &Fixture) -> usize {
    let all = fixture.seen("POST /token");
    all.iter()
        .filter(|it| it.said.contains("grant_type=refresh_token"))
        .count()
}

/// A process that asks for a token once `go` is there.
fn asker(folder: &TempDir, fixture: &Fixture) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_mcp-client"))
        .arg("refresh")
        .arg(folder.path())
        .args([KEY, &fixture.mcp()])
        .stdin(Stdio::null())
        .spawn()
        .expect("it can be started")
}

fn files(folder: &TempDir, prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("it is there");
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| {
            path.file_name()
                .is_some_and(|it| it.to_string_lossy().starts_with(prefix))
        })
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}

#[tokio::test]
async fn five_processes_refresh_once() {
    let (fixture, folder, _) = signed_in(0).await;
    let mut askers: Vec<_> = (0..5).map(|_| asker(&folder, &fixture)).collect();
    until("all are ready", || files(&folder, "ready.").len() == 5).await;
    fs::write(folder.path().join("go"), "").expect("it can be written");
    for asker in &mut askers {
        let pid = asker.id();
        until("it has ended", || {
            !std::path::Path::new(&format!("/proc/{pid}/exe")).exists()
        })
        .await;
        assert!(asker.wait().expect("it has ended").success());
    }
    assert_eq!((refreshes(&fixture), fixture.reused()), (1, 0));
    let mut tokens = files(&folder, "token.");
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all have the same: {tokens:?}");
}

#[tokio::test]
async fn many_in_one_process_refresh_once() {
    let (fixture, _folder, broker) = signed_in(0).await;
    let url = fixture.mcp();
    let askers = (0..50).map(|_| broker.access_token(KEY, &url));
    let tokens = futures::future::join_all(askers).await;
    let tokens: Vec<_> = tokens
        .into_iter()
        .map(|it| it.expect("there is one"))
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!((refreshes(&fixture), fixture.reused()), (1, 0));
}

#[tokio::test]
async fn a_refresh_is_finished_although_nobody_waits_for_it() {
    let (fixture, _folder, broker) = signed_in(0).await;
    let url = fixture.mcp();
    {
        let mut asking = Box::pin(broker.access_token(KEY, &url));
        while fixture.seen("POST /token").len() < 2 {
            let soon = Duration::from_millis(5);
            if tokio::time::timeout(soon, &mut asking).await.is_ok() {
                break;
            }
        }
    }
    broker.settle().await;
    broker.access_token(KEY, &url).await.expect("it was kept");
    assert_eq!((refreshes(&fixture), fixture.reused()), (1, 0));
}

#[tokio::test]
async fn what_cannot_be_refreshed_now_is_kept() {
    let (fixture, _folder, broker) = signed_in(0).await;
    let url = fixture.mcp();
    fixture.change("/token", |answer| answer.status = 503);
    let error = broker
        .access_token(KEY, &url)
        .await
        .expect_err("nobody refreshes");
    assert!(error.is_transient(), "{error}");
    assert_eq!(broker.state(KEY, &url).await.unwrap(), GrantState::SignedIn);
}

#[tokio::test]
async fn a_sign_in_that_the_server_has_ended_is_expired_and_can_be_made_again() {
    let (fixture, folder, broker) = signed_in(0).await;
    let url = fixture.mcp();
    fixture.change("/token", |answer| {
        if !answer.body["refresh_token"].is_null() {
            answer.status = 400;
            answer.body = json!({"error": "invalid_grant"});
        }
    });
    let error = broker
        .access_token(KEY, &url)
        .await
        .expect_err("it is over");
    assert!(matches!(error, OauthError::Expired(_)), "{error}");
    assert_eq!(error.code(), Code::McpSignedOut);
    assert_eq!(broker.state(KEY, &url).await.unwrap(), GrantState::Expired);
    // Nobody is bothered with what is over.
    broker
        .access_token(KEY, &url)
        .await
        .expect_err("it is over");
    assert_eq!(refreshes(&fixture), 1);
    // Another process signs in again, and this one finds that.
    fixture.change("/token", |_| {});
    let other = super::stage::broker(folder.path());
    other
        .keep(KEY, sign_in(wish(&fixture)).await.expect("it works"))
        .await
        .expect("it is kept");
    broker
        .access_token(KEY, &url)
        .await
        .expect("somebody is signed in");
}

#[tokio::test]
async fn a_refusal_is_heard_also_where_its_status_is_that_of_success() {
    for (said, is_over) in [
        (json!({"error": "bad_refresh_token"}), true),
        (json!({"error": "incorrect_client_credentials"}), true),
        (json!({"error": "slow_down"}), false),
        // Who refuses gives nothing, whatever stands beside it.
        (
            json!({"error": "invalid_grant", "access_token": "a", "token_type": "bearer"}),
            true,
        ),
    ] {
        let (fixture, _folder, broker) = signed_in(0).await;
        let (url, body) = (fixture.mcp(), said.clone());
        fixture.change("/token", move |answer| {
            answer.status = 200;
            answer.body = body.clone();
        });
        let error = broker.access_token(KEY, &url).await;
        let error = error.expect_err("nothing was given");
        let state = broker.state(KEY, &url).await.expect("it can be read");
        if is_over {
            assert!(matches!(error, OauthError::Expired(_)), "{said}: {error}");
            assert_eq!(state, GrantState::Expired, "{said}");
        } else {
            assert!(
                matches!(error, OauthError::Denied { .. }),
                "{said}: {error}"
            );
            assert_eq!(state, GrantState::SignedIn, "{said}");
        }
    }
    // An empty word refuses nothing.
    let (fixture, _folder, broker) = signed_in(0).await;
    fixture.change("/token", |answer| answer.body["error"] = "".into());
    let token = broker.access_token(KEY, &fixture.mcp()).await;
    token.expect("it was given");
}

#[tokio::test]
async fn who_comes_too_late_takes_over_what_is_there() {
    let (fixture, folder, broker) = signed_in(0).await;
    let url = fixture.mcp();
    // Another sign-in is made while this one is being refreshed, by somebody without the lock.
    let theirs = sign_in(wish(&fixture)).await.expect("it works");
    let (path, kept) = (folder.path().join(KEY), theirs.to_secret());
    let before = fs::read_to_string(&path).expect("it is kept");
    fixture.change("/token", move |answer| {
        fs::write(&path, kept.expose()).expect("it can be written");
        answer.status = 400;
        answer.body = json!({"error": "invalid_grant"});
    });
    let token = broker
        .access_token(KEY, &url)
        .await
        .expect("theirs is good");
    let after = fs::read_to_string(folder.path().join(KEY)).expect("it is kept");
    assert_ne!(before, after);
    assert_eq!(Grant::from_secret(&after.into()).unwrap(), theirs);
    assert!(theirs.to_secret().expose().contains(token.expose()));
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_in_the_middle_of_a_connection() {
    let (fixture, _folder, broker) = signed_in(3600).await;
    let server = reach(&fixture.mcp(), &broker);
    let connection = Connection::open(&server, Limits::default())
        .await
        .expect("it is let in");
    fixture.forget_access_tokens();
    let called = connection.call("echo", None).await.expect("it goes on");
    assert_eq!(called["content"][0]["text"], "called");
    assert_eq!((refreshes(&fixture), fixture.reused()), (1, 0));
    connection.close().await;
}

#[tokio::test]
async fn more_access_is_asked_for_together_with_what_there_is() {
    let fixture = Fixture::start().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let broker = broker(folder.path());
    let (url, server) = (fixture.mcp(), reach(&fixture.mcp(), &broker));
    let mut first = wish(&fixture);
    first.scopes = vec!["read".to_owned()];
    broker
        .keep(KEY, sign_in(first.clone()).await.expect("it works"))
        .await
        .expect("it is kept");
    fixture.wants_scope("write");
    let connection = Connection::open(&server, Limits::default())
        .await
        .expect("it is let in");
    let error = connection
        .call("echo", None)
        .await
        .expect_err("it wants more");
    let McpError::Unauthorized { challenge } = error else {
        panic!("{error}");
    };
    let challenge = Challenge::parse(&challenge);
    assert!(challenge.wants_more());
    first.held = broker
        .step_up(KEY, &url, &challenge)
        .await
        .expect("it may be asked for");
    first.challenge = challenge;
    let grant = sign_in(first).await.expect("it works");
    assert_eq!(grant.scopes, ["read", "write"]);
    broker.keep(KEY, grant).await.expect("it is kept");
    connection
        .call("echo", None)
        .await
        .expect("the same connection may now");
    connection.close().await;
}
