//! Kills a process that writes, as nothing else does: `SIGKILL`, in the middle of its work.
//!
//! The writing process is this test program again, told to run [`child`] alone.

use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use berth_protocol::{Role, SessionId};
use berth_store::Store;

use crate::support::{Fixture, assert_consistent};

/// Names the store and the session in the environment of the child.
const FOLDER: &str = "BERTH_TEST_STORE";
const SESSION: &str = "BERTH_TEST_SESSION";

/// Not a test by itself: it writes until it is killed.
#[tokio::test]
#[ignore = "a part of another test"]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    println!("opening");
    let store = Store::open(Path::new(&folder)).await.unwrap();
    println!("opened");
    let Ok(id) = std::env::var(SESSION) else {
        return;
    };
    let id: SessionId = id.parse().unwrap();
    for n in 0.. {
        let message = store
            .append_message(id, Role::Agent, &text(n), 1)
            .await
            .unwrap();
        println!("ack {}", message.seq);
    }
}

fn text(n: usize) -> String {
    format!("message {n} ").repeat(n % 700 + 1)
}

fn spawn(folder: &Path, session: Option<SessionId>) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["kill::child", "--ignored", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(session) = session {
        command.env(SESSION, session.to_string());
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn acknowledged(line: &str) -> Option<i64> {
    line.rsplit_once("ack ")?.1.parse().ok()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let (fixture, _, session) = Fixture::with_session().await;
    let mut before = 0;
    let folder = fixture.closed().await;
    for round in 0..16 {
        let kill_after = [1, 2, 7, 40][round % 4];
        let (mut child, mut lines) = spawn(folder.path(), Some(session.id));
        let acks = lines
            .by_ref()
            .filter_map(|line| acknowledged(&line.unwrap()));
        assert_eq!(acks.take(kill_after).count(), kill_after);
        // A message takes some 200 µs, so the rounds end at different statements of one.
        std::thread::sleep(Duration::from_micros(round as u64 * 23));
        child.kill().unwrap();
        child.wait().unwrap();
        // It may have gone on until the signal came.
        let last = lines
            .filter_map(|line| acknowledged(&line.unwrap()))
            .last()
            .unwrap_or(before + kill_after as i64);

        let store = Store::open(folder.path()).await.unwrap();
        let page = store.messages(session.id, before, 1000).await.unwrap();
        assert!(
            before + page.messages.len() as i64 >= last,
            "{last} was acknowledged"
        );
        for (n, message) in page.messages.iter().enumerate() {
            assert_eq!(message.seq, before + n as i64 + 1);
            assert_eq!(message.content, text(n), "a message is whole");
        }
        assert_consistent(&store).await;
        before = store.message_count(session.id).await.unwrap() as i64;
        store.close().await;
    }
}

#[tokio::test]
async fn a_kill_at_any_moment_of_the_first_start_leaves_a_store_that_opens() {
    for step in 0..25 {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, mut lines) = spawn(folder.path(), None);
        let opening = |line: &std::io::Result<String>| line.as_ref().unwrap().ends_with("opening");
        assert!(lines.by_ref().any(|line| opening(&line)));
        std::thread::sleep(Duration::from_micros(step * 400));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        store.create_project("/a", "a").await.unwrap();
        assert_consistent(&store).await;
    }
}
