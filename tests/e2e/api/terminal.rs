//! What viewers of a terminal see, and what is recorded of it.

use std::collections::BTreeSet;

use berth_protocol::{Code, ServerControl, Session, Size, Status};
use berth_tests::{Engine, Shown};
use serde_json::Value;

use crate::folder;

pub fn is_exit(control: &ServerControl) -> Option<Status> {
    match control {
        ServerControl::Ended { status } => Some(status.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_terminal_begins_with_a_repaint_and_echoes_what_is_typed() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    engine
        .client
        .input(session.id, "echo bef''ore\r")
        .await
        .unwrap();

    let mut viewer = engine.client.view(session.id).await;
    let Some(Shown::Control(first)) = viewer.next().await else {
        panic!("a repaint comes first")
    };
    assert_eq!(
        first,
        ServerControl::Snapshot {
            size: Size::DEFAULT,
            run: 1,
            skipped: 0
        }
    );
    viewer.sees("before").await;
    viewer.forget();
    viewer.type_in("echo by''tes\r").await;
    viewer.sees("echo by''tes").await;
    viewer.sees("bytes\r\n").await;

    let mut late = engine.client.view(session.id).await;
    late.sees("bytes").await;
    let screen = engine.client.screen(session.id).await;
    assert!(
        screen.text.contains("before\n") && screen.text.contains("bytes\n"),
        "{screen:?}"
    );
}

#[tokio::test]
async fn the_size_of_a_viewer_becomes_that_of_the_program_and_of_other_viewers() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let mut one = engine.client.view(session.id).await;
    let mut two = engine.client.view(session.id).await;
    one.snapshot().await;
    two.snapshot().await;
    one.resize(31, 97).await;
    let resized = |control: &ServerControl| match control {
        ServerControl::Resized { size } => Some(*size),
        _ => None,
    };
    let wanted = Size { rows: 31, cols: 97 };
    assert_eq!(two.control(resized).await, wanted);
    two.type_in("stty size\r").await;
    two.sees("31 97").await;
    one.sees("31 97").await;
    assert_eq!(engine.client.screen(session.id).await.size, wanted);
    let kept = engine
        .client
        .session_until(session.id, "has the size", |s| s.size == wanted);
    kept.await;
}

#[tokio::test]
async fn a_size_that_is_asked_for_is_the_size_that_the_program_sees() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let mut viewer = engine.client.view(session.id).await;
    viewer.snapshot().await;
    let path = format!("/sessions/{}/resize", session.id);
    for (rows, cols) in [(31, 97), (52, 133)] {
        let size = Size { rows, cols };
        engine.client.tell(&path, &size).await.unwrap();
        engine
            .client
            .input(session.id, "stty size\r")
            .await
            .unwrap();
        viewer.sees(&format!("{rows} {cols}")).await;
        assert_eq!(engine.client.screen(session.id).await.size, size);
        let kept = engine
            .client
            .session_until(session.id, "has the size", |s| s.size == size);
        kept.await;
    }
    engine.client.stop(session.id).await;
    let refused = engine.client.tell(&path, &Size::DEFAULT).await.unwrap_err();
    assert_eq!(refused.code, Code::SessionEnded);
}

#[tokio::test]
async fn a_viewer_that_acknowledges_nothing_stops_nobody_and_is_repainted() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let mut stalled = engine.client.view(session.id).await;
    stalled.stall();
    stalled.snapshot().await;
    let mut other = engine.client.view(session.id).await;
    other.snapshot().await;

    // Far more than a window and everything that is kept for viewers that are a little behind.
    engine
        .client
        .input(session.id, "seq 4000000; echo do''ne\r")
        .await
        .unwrap();
    other.sees("done").await;
    while stalled.unacknowledged() < berth_protocol::VIEWER_WINDOW {
        stalled.next().await.expect("the window is filled");
    }
    let got = stalled.unacknowledged();
    assert!(
        got < 2 * berth_protocol::VIEWER_WINDOW,
        "{got} bytes beyond the window"
    );
    stalled.acknowledge().await;
    let (_, run, skipped) = stalled.snapshot().await;
    assert_eq!(run, 1);
    assert!(skipped > 1_000_000, "only {skipped} bytes were skipped");
    stalled.sees("done").await;
}

#[tokio::test]
async fn keys_arrive_in_the_form_that_the_program_asked_for() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let mut viewer = engine.client.view(session.id).await;
    // It shows as many bytes as the keys have in the new form.
    let program = "stty raw -echo; printf '\\e[>1u%s' rea''dy; head -c 31 | cat -v; printf '\\e[<u'; stty sane\r";
    viewer.type_in(program).await;
    viewer.sees("ready").await;
    viewer.type_in("\x03").await;
    viewer.type_in("\x1b\x1bx\x1b[Z\x1bOAq\r").await;
    viewer.sees("^[[99;5u^[[27u^[[120;3u^[[9;2u^[[Aq^M").await;
    // Afterwards a signal is one again.
    viewer.type_in("sleep 1000; echo en''ded\r").await;
    viewer.sees("echo en''ded").await;
    viewer.type_in("\x03").await;
    viewer.sees("^C").await;
}

#[tokio::test]
async fn an_ended_session_is_shown_and_restarted_while_somebody_looks() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    engine
        .client
        .input(session.id, "echo last-wo''rds; exit 7\r")
        .await
        .unwrap();
    let ended = engine.client.ended(session.id).await;
    assert_eq!(
        ended.status,
        Status::Exited {
            code: Some(7),
            signal: None
        }
    );
    let mut viewer = engine.client.view(session.id).await;
    assert_eq!(viewer.control(is_exit).await, ended.status);
    assert!(viewer.drawn().contains("last-words"));
    engine
        .client
        .act::<Session>(&format!("/sessions/{}/restart", session.id))
        .await
        .unwrap();
    assert_eq!(viewer.snapshot().await.1, 2);
    viewer.type_in("echo bac''k\r").await;
    viewer.sees("back").await;
}

#[tokio::test]
async fn a_recording_is_a_whole_asciicast() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let mut viewer = engine.client.view(session.id).await;
    viewer.resize(30, 90).await;
    viewer.type_in("echo wö''rd\r").await;
    viewer.sees("wörd").await;
    engine.client.stop(session.id).await;

    let recording = engine.client.recording(session.id).await.unwrap();
    let mut lines = recording.lines();
    let header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(header["version"], 2);
    assert_eq!(
        (&header["width"], &header["height"]),
        (&120.into(), &40.into())
    );
    assert!(header["timestamp"].is_u64());
    let mut last = 0.0;
    let mut printed = String::new();
    let mut kinds = BTreeSet::new();
    for line in lines {
        let (time, kind, data): (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!(time >= last, "times never go back");
        last = time;
        if kind == "o" {
            printed.push_str(&data);
        } else {
            assert_eq!((kind.as_str(), data.as_str()), ("r", "90x30"));
        }
        kinds.insert(kind);
    }
    assert_eq!(kinds.len(), 2, "output and the new size are recorded");
    assert!(printed.contains("wörd"));
    let screen = engine.client.screen(session.id).await;
    assert!(
        screen.text.contains("wörd"),
        "the last screen is drawn from it: {screen:?}"
    );
}
