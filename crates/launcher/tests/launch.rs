//! Finding, starting and stopping, against a shell script in place of the engine's process and a
//! small server in place of its API.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests set up must work, and a panic says where it did not"
)]

mod fake_api;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use berth_launcher::{
    LaunchError, StartOptions, Stopped, attach_or_start, probe, read_endpoint, stop,
};
use berth_protocol::Endpoint;
use fake_api::FakeApi;
use tempfile::TempDir;

/// Announces readiness and goes on.
const READY: &str = "echo '{\"ready\":true,\"url\":\"http://127.0.0.1:1\"}'\n";

fn stand_in(data_dir: &Path, plan: &str) -> StartOptions {
    fs::write(data_dir.join("plan"), plan).unwrap();
    StartOptions {
        engine_program: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stand-in.sh"),
        data_dir: data_dir.to_owned(),
        timeout: Duration::from_secs(10),
    }
}

/// Shell commands that publish an endpoint as the engine does: whole, and for its owner alone.
fn publish(endpoint: &Endpoint) -> String {
    let text = serde_json::to_string(endpoint).unwrap();
    format!("umask 077; echo '{text}' > engine.new; mv engine.new engine.json\n")
}

fn write_endpoint(data_dir: &Path, text: &str, mode: u32) {
    let path = data_dir.join("engine.json");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

fn remember(data_dir: &Path, endpoint: &Endpoint) {
    write_endpoint(data_dir, &serde_json::to_string(endpoint).unwrap(), 0o600);
}

#[tokio::test]
async fn a_running_engine_is_attached_to_and_none_is_started() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    remember(home.path(), &api.endpoint());

    let options = stand_in(home.path(), "touch started; exit 1");

    assert_eq!(attach_or_start(&options).await.unwrap(), api.endpoint());
    assert!(!home.path().join("started").exists());
}

#[tokio::test]
async fn without_an_engine_one_is_started_and_awaited() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    let plan = format!("sleep 0.2\n{}{READY}", publish(&api.endpoint()));

    let endpoint = attach_or_start(&stand_in(home.path(), &plan))
        .await
        .unwrap();

    assert_eq!(endpoint, api.endpoint());
    assert!(probe(&endpoint).await);
}

#[tokio::test]
async fn an_engine_that_was_started_has_a_process_group_of_its_own() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    let plan = format!(
        "echo $$ $(ps -o pgid= -p $$) > group\n{}{READY}",
        publish(&api.endpoint())
    );

    attach_or_start(&stand_in(home.path(), &plan))
        .await
        .unwrap();

    let text = fs::read_to_string(home.path().join("group")).unwrap();
    let (pid, group) = text.trim().split_once(' ').unwrap();
    assert_eq!(pid, group, "it leads its group");
}

#[tokio::test]
async fn an_endpoint_left_by_a_crash_does_not_prevent_a_start() {
    let home = TempDir::new().unwrap();
    let gone = FakeApi::start(6).await;
    let api = FakeApi::start(7).await;
    remember(home.path(), &gone.endpoint());
    gone.shut();
    let plan = format!("{}{READY}", publish(&api.endpoint()));

    let endpoint = attach_or_start(&stand_in(home.path(), &plan))
        .await
        .unwrap();

    assert_eq!(endpoint.pid, 7);
}

#[tokio::test]
async fn a_garbled_endpoint_file_does_not_prevent_a_start() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    write_endpoint(home.path(), "{\"url\":", 0o600);
    let plan = format!("{}{READY}", publish(&api.endpoint()));

    let endpoint = attach_or_start(&stand_in(home.path(), &plan))
        .await
        .unwrap();

    assert_eq!(endpoint.pid, 7);
}

#[tokio::test]
async fn an_engine_that_ends_is_quoted() {
    let home = TempDir::new().unwrap();
    let options = stand_in(home.path(), "echo 'first try' >&2; exit 1");
    attach_or_start(&options).await.unwrap_err();
    let options = stand_in(home.path(), "echo 'error: the disk is full' >&2; exit 1");

    let error = attach_or_start(&options).await.unwrap_err();

    assert_eq!(error.code(), "launch.engine_exited");
    assert_eq!(
        error.full_message(),
        "the engine ended while it started (exit status: 1): error: the disk is full",
        "only the words of this start are shown"
    );
}

#[tokio::test]
async fn whoever_comes_second_attaches_to_the_first() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    let plan = format!(
        "(sleep 0.3; {}) >/dev/null & exit 3\n",
        publish(&api.endpoint()).trim()
    );

    let endpoint = attach_or_start(&stand_in(home.path(), &plan))
        .await
        .unwrap();

    assert_eq!(endpoint, api.endpoint());
}

#[tokio::test]
async fn an_engine_that_is_just_ending_is_replaced() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    let plan = format!(
        "if mkdir ending 2>/dev/null; then exit 3; fi\n{}{READY}",
        publish(&api.endpoint())
    );

    let endpoint = attach_or_start(&stand_in(home.path(), &plan))
        .await
        .unwrap();

    assert_eq!(endpoint, api.endpoint());
}

#[tokio::test]
async fn an_engine_that_owns_the_data_and_stays_silent_is_an_error() {
    let home = TempDir::new().unwrap();
    let mut options = stand_in(home.path(), "exit 3");
    options.timeout = Duration::from_millis(300);

    let error = attach_or_start(&options).await.unwrap_err();

    assert!(matches!(error, LaunchError::OtherSilent { .. }), "{error}");
}

#[tokio::test]
async fn an_engine_that_is_never_ready_is_not_awaited_for_ever() {
    let home = TempDir::new().unwrap();
    let mut options = stand_in(home.path(), "echo 'still migrating' >&2; sleep 5");
    options.timeout = Duration::from_millis(400);
    let before = Instant::now();

    let error = attach_or_start(&options).await.unwrap_err();

    assert_eq!(error.code(), "launch.engine_timeout");
    assert!(error.to_string().ends_with("still migrating"), "{error}");
    assert!(before.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let home = TempDir::new().unwrap();
    let options = StartOptions::new(home.path().join("berth"), home.path().to_owned());

    let error = attach_or_start(&options).await.unwrap_err();

    assert_eq!(error.code(), "launch.engine_missing");
    assert!(error.to_string().contains("berth does not exist"));
}

#[tokio::test]
async fn another_engine_on_the_same_port_is_not_taken_for_this_one() {
    let api = FakeApi::start(7).await;
    assert!(probe(&api.endpoint()).await);

    let mut other = api.endpoint();
    other.pid = 8;
    assert!(!probe(&other).await, "another process");

    let mut other = api.endpoint();
    other.token = "old".to_owned();
    assert!(!probe(&other).await, "another token");

    let mut other = api.endpoint();
    other.version = "9.9.9".to_owned();
    assert!(!probe(&other).await, "another version");
}

#[test]
fn an_endpoint_file_that_others_can_read_is_refused() {
    let home = TempDir::new().unwrap();
    let text = r#"{"url":"http://127.0.0.1:1","token":"t","pid":1,"version":"0.1.0"}"#;
    write_endpoint(home.path(), text, 0o640);

    let error = read_endpoint(home.path()).unwrap_err();

    assert!(
        matches!(error, LaunchError::EndpointExposed { .. }),
        "{error}"
    );
    assert!(
        !format!("{error:?}").contains("\"t\""),
        "no token in errors"
    );
}

#[test]
fn an_endpoint_on_another_machine_is_refused() {
    let home = TempDir::new().unwrap();
    let text = r#"{"url":"http://10.0.0.1:80","token":"t","pid":1,"version":"0.1.0"}"#;
    write_endpoint(home.path(), text, 0o600);

    let error = read_endpoint(home.path()).unwrap_err();

    assert!(
        matches!(error, LaunchError::EndpointForeign { .. }),
        "{error}"
    );
}

#[test]
fn no_endpoint_file_means_no_engine() {
    let home = TempDir::new().unwrap();
    assert_eq!(read_endpoint(home.path()).unwrap(), None);
}

#[tokio::test]
async fn stopping_waits_until_the_engine_is_gone() {
    let home = TempDir::new().unwrap();
    let api = FakeApi::start(7).await;
    remember(home.path(), &api.endpoint());

    let stopped = stop(home.path(), Duration::from_secs(5)).await.unwrap();

    assert_eq!(stopped, Stopped::Stopped);
    assert!(!probe(&api.endpoint()).await);
    assert_eq!(
        stop(home.path(), Duration::from_secs(5)).await.unwrap(),
        Stopped::NotRunning
    );
}
