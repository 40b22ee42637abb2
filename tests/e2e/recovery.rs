//! What is left after the engine was killed, and that nothing acknowledged is lost by it.

#![cfg(unix)]

#[path = "recovery/endpoint.rs"]
mod endpoint;
#[path = "recovery/messages.rs"]
mod messages;
#[path = "recovery/servers.rs"]
mod servers;
#[path = "recovery/workspaces.rs"]
mod workspaces;

use std::{fs, path::PathBuf, process::Command, time::Duration};

use berth_protocol::{Code, Role, Session, Status};
use berth_tests::{Engine, Setup, processes, skip, this_test, until};
use futures::{StreamExt, stream};

fn folder(engine: &Engine, name: &str) -> PathBuf {
    let path = engine.setup().folder().join(name);
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}

#[tokio::test]
async fn a_killed_engine_s_programs_are_ended_at_the_next_start_and_their_words_are_kept() {
    let mut engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let talk = engine.client.shell(project.id).await.id;
    engine.client.chat(talk, "echo answer-4''2").await.unwrap();
    engine
        .client
        .message_with(talk, Role::Agent, "answer-42")
        .await;
    engine.client.waiting(talk).await;
    // The loss of their terminal is a hangup for programs, which these ignore.
    let script = "trap '' HUP TERM; setsid bash -c 'trap \"\" HUP TERM; sleep 1000' & \
                  echo dea''f; while :; do sleep 1000; done";
    let deaf = engine
        .client
        .command(project.id, &["bash", "-c", script])
        .await
        .id;
    engine.client.view(deaf).await.sees("deaf").await;
    let ended = engine.client.command(project.id, &["true"]).await.id;
    let ended = engine.client.ended(ended).await;
    let family = || processes::with("BERTH_SESSION_ID", deaf.to_string());
    until("all of them run", || family().len() >= 3).await;
    let left = family();

    engine.kill();
    assert!(
        engine.data_dir().join("engine.json").exists(),
        "a killed engine removes nothing"
    );
    assert_eq!(
        processes::gone(&left, Duration::ZERO).await.len(),
        left.len(),
        "they go on"
    );
    let status = engine.setup().berth(&["status"]).await;
    assert_eq!(
        status.status.code(),
        Some(1),
        "the file that stayed deceives nobody"
    );

    engine.restart().await;
    assert_eq!(
        family(),
        Vec::<u32>::new(),
        "an engine that is ready has ended them"
    );
    for (id, words) in [(deaf, "deaf"), (talk, "answer-42")] {
        let session = engine.client.session(id).await;
        let Status::Failed { failure } = session.status else {
            panic!("{:?}", session.status)
        };
        assert_eq!(failure.code, Code::EngineLost);
        assert!(session.ended_at.is_some());
        assert!(
            engine.client.screen(id).await.text.contains(words),
            "its last screen is shown"
        );
        assert!(engine.client.recording(id).await.unwrap().contains(words));
        let mut viewer = engine.client.view(id).await;
        viewer.sees(words).await;
    }
    let said: Vec<_> = engine
        .client
        .messages(talk)
        .await
        .into_iter()
        .map(|m| m.content)
        .collect();
    assert_eq!(said, ["echo answer-4''2", "answer-42"]);
    assert_eq!(
        engine.client.session(ended.id).await.status,
        ended.status,
        "others are as they were"
    );
    engine.client.assert_audit_valid().await;

    let again: Session = engine
        .client
        .act(&format!("/sessions/{talk}/restart"))
        .await
        .unwrap();
    assert_eq!(again.run, 2);
    engine.client.waiting(talk).await;
    engine.client.chat(talk, "echo bac''k").await.unwrap();
    engine.client.message_with(talk, Role::Agent, "back").await;
}

#[tokio::test]
async fn a_kill_in_the_middle_loses_no_acknowledged_message() {
    const SESSIONS: usize = 4;
    let mut engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let mut ids = Vec::new();
    for _ in 0..SESSIONS {
        // It answers every line at once, so that many messages come in a short time.
        let id = engine
            .client
            .command(project.id, &["sed", "-u", "s/^/said /"])
            .await
            .id;
        engine.client.waiting(id).await;
        ids.push(id);
    }
    let (told, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let client = &engine.client;
    let talk = stream::iter(&ids).for_each_concurrent(SESSIONS, |&id| {
        let told = told.clone();
        async move {
            for number in 0.. {
                client.waiting(id).await;
                match client.chat(id, &format!("message {number}")).await {
                    Ok(message) => told.send(message).expect("the test goes on"),
                    Err(problem) if problem.code == Code::SessionBusy => {}
                    Err(problem) => panic!("{problem}"),
                }
            }
        }
    });
    let enough = async {
        let mut got = Vec::new();
        while got.len() < 3 * SESSIONS {
            got.extend(acknowledged.recv().await);
        }
        got
    };
    // The requests in flight are cut off with the engine.
    let mut got = tokio::select! {
        got = enough => got,
        () = talk => panic!("the talk never ends by itself"),
    };
    engine.kill();
    while let Ok(message) = acknowledged.try_recv() {
        got.push(message);
    }
    engine.restart().await;
    for message in &got {
        let kept = engine.client.messages(message.session_id).await;
        assert!(
            kept.contains(message),
            "{message:?} was acknowledged and is not in {kept:?}"
        );
    }
    for id in ids {
        let kept = engine.client.messages(id).await;
        for (message, seq) in kept.iter().zip(1..) {
            assert_eq!(message.seq, seq, "a transcript has no gaps");
        }
    }
    engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn kills_between_changes_lose_no_acknowledged_change() {
    let mut engine = Engine::start().await;
    let mut added = Vec::new();
    for round in 0..5 {
        let (told, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
        let client = engine.client.clone();
        let base = engine.setup().folder().to_owned();
        let adding = tokio::spawn(async move {
            for number in 0..1_000 {
                let path = base.join(format!("project-{round}-{number}"));
                fs::create_dir(&path).expect("a folder can be made");
                let path = path.to_str().expect("the path is text");
                let body = serde_json::json!({"path": path});
                let sent = client
                    .request(reqwest::Method::POST, "/projects")
                    .json(&body)
                    .send();
                // The kill cuts a request off.
                let Ok(answer) = sent.await else { return };
                assert_eq!(answer.status(), 201);
                if told.send(path.to_owned()).is_err() {
                    return;
                }
            }
        });
        for _ in 0..5 + 3 * round {
            added.push(acknowledged.recv().await.expect("projects are added"));
        }
        engine.kill();
        adding.await.unwrap();
        while let Some(path) = acknowledged.recv().await {
            added.push(path);
        }
        engine.restart().await;
        let listed: berth_protocol::ProjectList = engine.client.get("/projects").await.unwrap();
        for path in &added {
            let kept = listed.projects.iter().any(|project| project.path == *path);
            assert!(kept, "{path} was acknowledged and is gone");
        }
        engine.client.assert_audit_valid().await;
    }
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused_and_not_touched() {
    let mut engine = Engine::start().await;
    engine.client.add_project(&folder(&engine, "plain")).await;
    assert!(engine.stop().await.success());
    let file = engine.data_dir().join("berth.db");
    let change = "INSERT INTO _sqlx_migrations \
                  (version, description, success, checksum, execution_time) \
                  VALUES (9999, 'of a newer version', 1, x'00', 0)";
    let changed = Command::new("python3")
        .args([
            "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); \
                      c.execute(sys.argv[2]); c.commit(); \
                      c.execute('PRAGMA wal_checkpoint(TRUNCATE)'); c.close()",
        ])
        .args([file.as_os_str(), change.as_ref()])
        .status();
    if !changed.is_ok_and(|status| status.success()) {
        return skip(
            &this_test(),
            "python3 with sqlite3 is needed to change the data",
        );
    }
    let before = fs::read(&file).unwrap();
    let output = engine.setup().berth(&["serve", "--announce"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("9999") && said.contains("newest version of Berth"),
        "{said}"
    );
    assert!(said.contains(Code::StoreNewer.as_str()), "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read(&file).unwrap(), before, "not a byte is changed");
}

#[tokio::test]
async fn damaged_data_is_told_and_not_replaced() {
    let setup = Setup::new();
    let data = setup.folder().join("data");
    fs::create_dir(&data).unwrap();
    let damaged = vec![b'x'; 8192];
    fs::write(data.join("berth.db"), &damaged).unwrap();
    let output = setup.berth(&["serve", "--announce"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(Code::StoreCorrupt.as_str()), "{said}");
    assert!(said.contains("berth.db"), "it says what to do: {said}");
    assert_eq!(fs::read(data.join("berth.db")).unwrap(), damaged);
}
