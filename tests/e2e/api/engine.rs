//! The engine as a process: how it is found, what it keeps, how it ends.

use std::{fs, path::Path, time::Duration};

use berth_protocol::{Health, Message, Role, SessionId, Status};
use berth_tests::{Engine, STOP_LIMIT, processes};
use reqwest::Method;

use crate::folder;

#[tokio::test]
async fn health_and_readiness_are_told_without_a_token() {
    let engine = Engine::start().await;
    for path in ["/health", "/ready"] {
        let health: Health = engine
            .client
            .value(engine.client.bare(Method::GET, path))
            .await
            .unwrap();
        assert_eq!(health.status, "ok");
        assert_eq!(health.version, engine.client.endpoint().version);
    }
    let about: berth_protocol::EngineInfo = engine.client.get("/engine").await.unwrap();
    assert_eq!(about.pid, engine.pid());
    assert_eq!(Path::new(&about.data_dir), engine.data_dir());
    assert_eq!(about.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn the_engine_keeps_its_files_to_itself() {
    use std::os::unix::fs::PermissionsExt;
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let recording = engine
        .data_dir()
        .join("recordings")
        .join(session.id.to_string())
        .join("1.cast");
    for path in [
        engine.data_dir(),
        &engine.data_dir().join("engine.json"),
        &engine.data_dir().join("berth.db"),
        &recording,
    ] {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            mode & 0o077,
            0,
            "{} is open to others: {mode:o}",
            path.display()
        );
    }
}

#[tokio::test]
async fn a_stopped_engine_has_ended_its_sessions_and_removed_its_file() {
    let mut engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    engine.client.chat(session.id, "echo he''re").await.unwrap();
    engine
        .client
        .message_with(session.id, Role::Agent, "here")
        .await;
    let mut events = engine.client.events(None).await;
    assert!(engine.stop().await.success());
    while events.try_next().await.is_some() {}
    assert!(!engine.data_dir().join("engine.json").exists());
    let left = processes::with("BERTH_SESSION_ID", session.id.to_string());
    assert_eq!(
        processes::gone(&left, Duration::ZERO).await,
        Vec::<u32>::new()
    );

    engine.restart().await;
    let known = engine.client.session(session.id).await;
    assert!(
        matches!(known.status, Status::Exited { .. }),
        "its end is known: {:?}",
        known.status
    );
    let messages = engine.client.messages(session.id).await;
    let words = |message: &Message| message.content.clone();
    assert_eq!(
        messages.iter().map(words).collect::<Vec<_>>(),
        ["echo he''re", "here"]
    );
    engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn the_command_finds_the_engine_and_stops_it() {
    let mut engine = Engine::start().await;
    let endpoint = engine.client.endpoint().clone();
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let status = engine.setup().berth(&["status"]).await;
    assert!(status.status.success());
    assert!(said(&status).contains(&endpoint.url), "{status:?}");
    assert!(
        said(&status).contains(&endpoint.pid.to_string()),
        "{status:?}"
    );
    assert!(
        !said(&status).contains(&endpoint.token),
        "the token is not shown"
    );
    let url = engine.setup().berth(&["url"]).await;
    assert_eq!(said(&url).trim(), engine.page());
    let stop = engine.setup().berth(&["stop"]).await;
    assert!(stop.status.success(), "{stop:?}");
    assert!(
        tokio::time::timeout(STOP_LIMIT, engine.ended())
            .await
            .unwrap()
            .success()
    );

    let status = engine.setup().berth(&["status"]).await;
    assert_eq!(status.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&status.stderr).contains("no engine runs"));
    let stop = engine.setup().berth(&["stop"]).await;
    assert!(stop.status.success(), "stopping twice is no error");
}

#[tokio::test]
async fn a_signal_stops_the_engine_gracefully_and_a_hangup_does_not() {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    let mut engine = Engine::start().await;
    let pid = Pid::from_raw(i32::try_from(engine.pid()).unwrap());
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session: SessionId = engine.client.shell(project.id).await.id;
    kill(pid, Signal::SIGHUP).unwrap();
    engine.client.chat(session, "echo st''ill").await.unwrap();
    engine
        .client
        .message_with(session, Role::Agent, "still")
        .await;
    kill(pid, Signal::SIGTERM).unwrap();
    assert!(engine.ended().await.success());
    assert!(!engine.data_dir().join("engine.json").exists());
}
