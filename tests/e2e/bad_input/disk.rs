//! A disk that is full.

use std::{fs, path::PathBuf, process::Command};

use berth_protocol::{
    Code, CreateSession, Event, Message, Role, Session, SessionId, Status, WorkspaceKind,
    WorkspaceRequest,
};
use berth_tests::{Answer, Engine, EventStream, Setup, session, skip, this_test};
use reqwest::Method;
use serde_json::json;

use crate::{folder, plain_project, repository};

/// Why no small disk can be had.
const WHY: &str = "a tmpfs cannot be mounted here: it needs Linux and root";

/// A small file system of its own, if one can be mounted.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = berth_tests::programs::folder();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(folder))
    }

    /// Takes all the space that is left.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.0.path().join("ballast");
        let mut file = fs::File::create(&path).expect("the ballast can be made");
        while file.write_all(&[1; 4096]).is_ok() {}
        while file.write_all(&[1; 1]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "the small disk stays mounted"
        );
    }
}

/// An engine whose data is on a small disk, and a shell that waits for a message.
struct Stage {
    engine: Engine,
    shell: SessionId,
    disk: SmallDisk,
}

impl Stage {
    async fn set() -> Option<Self> {
        let disk = SmallDisk::mount("12m")?;
        let setup = Setup::new().data_dir(&disk.0.path().join("data"));
        let engine = setup.start().await;
        let project = plain_project(&engine).await;
        let shell = engine.client.shell(project.id).await.id;
        Some(Self {
            engine,
            shell,
            disk,
        })
    }

    /// Fills the disk until the store takes neither a project nor a session's title: what is allocated already takes
    /// a few changes more. A message and the end of a session need more room than a title.
    async fn fill(&self) -> PathBuf {
        let ballast = self.disk.fill();
        let client = &self.engine.client;
        for kept in 0.. {
            assert!(kept < 500, "the disk is never full");
            let path = folder(&self.engine, &format!("extra-{kept}"));
            if is_full(client.try_add_project(&path).await) {
                break;
            }
        }
        for kept in 0.. {
            assert!(kept < 500, "the disk is never full");
            let title = json!({"title": format!("shell {kept}")});
            let rename = client.request(Method::PATCH, &format!("/sessions/{}", self.shell));
            if is_full(client.value::<Session>(rename.json(&title)).await) {
                break;
            }
        }
        ballast
    }

    /// How often the trail has this.
    async fn trails(&self, action: &str) -> usize {
        let trail = self.engine.client.audit().await;
        trail.iter().filter(|event| event.action == action).count()
    }

    /// Everything that was said, when all of it is stored.
    async fn said(&self) -> Vec<Message> {
        let messages = self.engine.client.messages(self.shell).await;
        for (message, seq) in messages.iter().zip(1..) {
            assert_eq!((message.seq, message.partial), (seq, false), "{message:?}");
        }
        messages
    }
}

/// Whether a change was refused because the disk is full; there is no other reason.
fn is_full<T>(answer: Answer<T>) -> bool {
    let Err(refused) = answer else {
        return false;
    };
    assert_eq!(refused.code, Code::StoreFull, "{refused:?}");
    assert_eq!(refused.status, 507);
    true
}

/// The first that is told of an agent's message with this in it.
async fn told(events: &mut EventStream, words: &str) -> Message {
    loop {
        if let Event::MessageChanged { message } = events.next().await.event
            && message.role == Role::Agent
            && message.content.contains(words)
        {
            return message;
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount("12m") else {
        return skip(&this_test(), WHY);
    };
    let setup = Setup::new().data_dir(&disk.0.path().join("data"));
    let mut engine = setup.start().await;
    let project = plain_project(&engine).await;
    let id = engine.client.shell(project.id).await.id;
    engine.client.chat(id, "echo bef''ore").await.unwrap();
    engine.client.message_with(id, Role::Agent, "before").await;
    engine.client.waiting(id).await;

    let ballast = disk.fill();
    // What is allocated already may take a few changes more.
    let mut kept = 0;
    let refused = loop {
        let path = folder(&engine, &format!("extra-{kept}"));
        match engine.client.try_add_project(&path).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 500, "the disk is never full");
    };
    assert_eq!(refused.code, Code::StoreFull, "{refused:?}");
    assert_eq!(refused.status, 507);
    let listed = async |engine: &Engine| {
        let listed: serde_json::Value = engine.client.get("/projects").await.unwrap();
        listed["projects"].as_array().unwrap().len()
    };
    assert_eq!(
        listed(&engine).await,
        kept + 1,
        "what was acknowledged is still served"
    );
    let words = engine.client.messages(id).await;
    assert!(words.iter().any(|message| message.content == "before"));
    let terminal = engine.client.input(id, "echo st''ill\r").await;
    assert!(terminal.is_ok(), "the terminal goes on: {terminal:?}");
    engine.client.view(id).await.sees("still").await;

    fs::remove_file(ballast).unwrap();
    let after = engine.client.add_project(&folder(&engine, "after")).await;
    assert_eq!(after.name, "after");
    engine.client.assert_audit_valid().await;
    engine.client.stop(id).await;
    engine.restart().await;
    assert_eq!(listed(&engine).await, kept + 2);
    engine.client.assert_audit_valid().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_reply_that_ends_while_the_disk_is_full_is_stored_once_there_is_room() {
    let Some(mut stage) = Stage::set().await else {
        return skip(&this_test(), WHY);
    };
    let (client, id) = (stage.engine.client.clone(), stage.shell);
    let go = folder(&stage.engine, "plain").join("go");
    let made = Command::new("mkfifo").arg(&go).status();
    assert!(made.is_ok_and(|status| status.success()));
    // One program, which owns the terminal to its end. Its words fit in nothing that is allocated already.
    let long = r#"bash -c 'cat go; seq -s " " 1000 2500; echo do"ne"'"#;
    client.chat(id, long).await.unwrap();
    let ballast = stage.fill().await;
    let mut events = client.chat_events(id, None).await;
    // It opens once the program reads.
    let opened = tokio::task::spawn_blocking(move || fs::write(go, ""));
    let opened = tokio::time::timeout(berth_tests::LIMIT, opened).await;
    opened.expect("the program reads").unwrap().unwrap();
    let shown = told(&mut events, "done").await;
    assert!(shown.partial, "it is not in the transcript yet");
    client.waiting(id).await;
    assert!(
        is_full(client.chat(id, "echo an''other").await),
        "nothing is said to the agent as long as something waits"
    );
    assert_eq!(stage.said().await.len(), 1, "the message alone is stored");

    fs::remove_file(ballast).unwrap();
    let stored = client.message_with(id, Role::Agent, "done").await;
    assert_eq!((stored.id, stored.seq), (shown.id, shown.seq));
    assert!(stored.content.contains("1000 1001"), "all of it");
    loop {
        if let Event::MessageChanged { message } = events.next().await.event
            && !message.partial
        {
            assert_eq!(message, stored, "whoever listens is told");
            break;
        }
    }
    assert_eq!(
        stage.trails("recording.stopped").await,
        1,
        "that the recording has ended is told late, but told"
    );
    client.chat(id, "echo fol''lows").await.unwrap();
    client.message_with(id, Role::Agent, "follows").await;
    client.waiting(id).await;
    let before = stage.said().await;
    assert_eq!(before.len(), 4, "nothing is there twice: {before:?}");
    stage.engine.restart().await;
    assert_eq!(stage.said().await, before);
    stage.engine.client.assert_audit_valid().await;
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_message_that_an_agent_takes_while_the_disk_is_full_is_stored_in_its_place() {
    let Some(mut stage) = Stage::set().await else {
        return skip(&this_test(), WHY);
    };
    let (client, id) = (stage.engine.client.clone(), stage.shell);
    let ballast = stage.fill().await;
    let mut events = client.chat_events(id, None).await;
    let taken = client.chat(id, "echo he''ld").await.unwrap();
    assert!(taken.partial, "it is said that it is not stored: {taken:?}");
    assert!(told(&mut events, "held").await.partial);
    client.waiting(id).await;
    assert!(is_full(client.chat(id, "echo an''other").await));
    assert_eq!(stage.said().await, []);

    fs::remove_file(ballast).unwrap();
    // Whoever speaks again need not wait for the next attempt.
    client.chat(id, "echo fol''lows").await.unwrap();
    client.message_with(id, Role::Agent, "follows").await;
    client.waiting(id).await;
    let said = stage.said().await;
    let expected = [
        (Role::User, "echo he''ld"),
        (Role::Agent, "held"),
        (Role::User, "echo fol''lows"),
        (Role::Agent, "follows"),
    ];
    assert_eq!(said.len(), expected.len(), "{said:?}");
    for (message, (role, words)) in said.iter().zip(expected) {
        assert!(
            message.role == role && message.content.contains(words),
            "{said:?}"
        );
    }
    assert_eq!((said[0].id, said[0].seq), (taken.id, taken.seq));
    client.assert_audit_valid().await;
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_session_that_ends_while_the_disk_is_full_is_recorded_as_ended_once_there_is_room() {
    let Some(mut stage) = Stage::set().await else {
        return skip(&this_test(), WHY);
    };
    let (client, id) = (stage.engine.client.clone(), stage.shell);
    let ballast = stage.fill().await;
    client.input(id, "exit 3\r").await.unwrap();
    let exited = Status::Exited {
        code: Some(3),
        signal: None,
    };
    let ended = client.ended(id).await;
    assert_eq!(ended.status, exited, "it is told before it is stored");
    assert!(ended.ended_at.is_some());
    assert_eq!(stage.trails("session.ended").await, 0);
    let archive = format!("/sessions/{id}/archive");
    assert!(
        is_full(client.act::<Session>(&archive).await),
        "nothing builds on an end that is not stored"
    );

    fs::remove_file(ballast).unwrap();
    let recorded = client.until("the end is recorded", async || {
        (stage.trails("session.ended").await == 1).then_some(())
    });
    recorded.await;
    let stored = client.session(id).await;
    assert_eq!(stored.status, exited);
    let moment = |session: &Session| session.ended_at.map(|at| at.as_millisecond());
    assert_eq!(moment(&stored), moment(&ended), "when it has ended");
    client.act::<Session>(&archive).await.unwrap();
    stage.engine.restart().await;
    assert_eq!(stage.engine.client.session(id).await.status, exited);
    assert_eq!(stage.trails("session.ended").await, 1);
    stage.engine.client.assert_audit_valid().await;
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_session_that_cannot_start_on_a_full_disk_is_refused_and_leaves_nothing() {
    let Some(mut stage) = Stage::set().await else {
        return skip(&this_test(), WHY);
    };
    let client = stage.engine.client.clone();
    let repository = repository(&stage.engine);
    let project = client.add_project(&repository.path).await;
    let git = || repository.git(&["for-each-ref"]) + &repository.git(&["worktree", "list"]);
    let before = git();
    let ballast = stage.fill().await;
    for workspace in [None, Some(WorkspaceRequest::InPlace)] {
        let wanted = CreateSession {
            message: Some("echo hel''lo".to_owned()),
            workspace,
            ..session(project.id, "shell")
        };
        assert!(is_full(client.try_start(&wanted).await));
        assert_eq!(git(), before, "neither a worktree nor a branch");
        let sessions = client.sessions().await;
        assert_eq!(sessions.len(), 1, "the shell alone: {sessions:?}");
    }
    fs::remove_file(ballast).unwrap();
    let started = client.start(&session(project.id, "shell")).await;
    assert_eq!(started.workspace.kind, WorkspaceKind::Worktree);
    client.assert_audit_valid().await;
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_file_for_which_there_is_no_room_is_refused_and_leaves_nothing() {
    let Some(mut stage) = Stage::set().await else {
        return skip(&this_test(), WHY);
    };
    let (client, id) = (stage.engine.client.clone(), stage.shell);
    let private = stage.engine.data_dir().join("private");
    let folder = private.join(id.to_string()).join("uploads");
    let left = || fs::read_dir(&folder).map_or(0, Iterator::count);
    let ballast = stage.fill().await;
    let large = vec![b'x'; 64 * 1024];
    assert!(is_full(client.upload(id, "a.txt", &large).await));
    assert_eq!(left(), 0);
    // One without content fits, until the trail has no room to tell of it.
    let mut told = 0;
    while !is_full(client.upload(id, "empty.txt", b"").await) {
        told += 1;
        assert!(told < 500, "the disk is never full");
    }
    assert_eq!(left(), told);
    fs::remove_file(ballast).unwrap();
    let kept = client.upload(id, "a.txt", b"content").await.unwrap();
    assert_eq!(kept.name, "a.txt");
    assert_eq!(fs::read(kept.path).unwrap(), b"content");
    assert_eq!(stage.trails("session.uploaded").await, told + 1);
    client.assert_audit_valid().await;
    stage.engine.stop().await;
}
