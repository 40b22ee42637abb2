//! The engine through its API, as the UI, scripts and people use it.

#![cfg(unix)]

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use berth_protocol::{
    ChangeKind, Code, CreateSession, DiffPage, Event, FilePatch, Health, Message, Project, Role,
    ServerControl, Session, SessionId, Size, Status, UpdateProject, UpdateSession, WorkspaceKind,
};
use berth_tests::{Engine, Repository, STOP_LIMIT, Shown, processes, programs, session, skip};
use reqwest::Method;
use serde_json::Value;

fn repository(engine: &Engine) -> Repository {
    Repository::with_history(&engine.setup().folder().join("repository"))
}

fn folder(engine: &Engine, name: &str) -> std::path::PathBuf {
    let path = engine.setup().folder().join(name);
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}

fn is_exit(control: &ServerControl) -> Option<Status> {
    match control {
        ServerControl::Ended { status } => Some(status.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn projects_are_added_listed_renamed_and_removed() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let plain = folder(&engine, "plain");
    let client = &engine.client;

    let git = client.add_project(&repository.path).await;
    assert_eq!(git.name, "repository");
    let info = git.git.clone().unwrap();
    assert_eq!(
        (info.branch.as_deref(), info.has_commits),
        (Some("main"), true)
    );
    assert_eq!(Path::new(&info.root), repository.path);
    let other = client.add_project(&plain).await;
    assert_eq!(other.git, None, "a plain folder is no repository");
    assert!(!other.missing);

    let branches = client.branches(git.id).await;
    assert_eq!(branches.branches.iter().collect::<BTreeSet<_>>().len(), 2);
    let path = format!("/projects/{}", git.id);
    let rename = UpdateProject {
        name: "Renamed".to_owned(),
    };
    let renamed: Project = client
        .value(client.request(Method::PATCH, &path).json(&rename))
        .await
        .unwrap();
    assert_eq!(
        renamed,
        Project {
            name: "Renamed".to_owned(),
            ..git.clone()
        }
    );
    assert_eq!(client.get::<Project>(&path).await.unwrap(), renamed);
    let listed: Value = client.get("/projects").await.unwrap();
    assert_eq!(listed["projects"].as_array().unwrap().len(), 2);

    client.delete(&path).await.unwrap();
    assert_eq!(
        client.get::<Project>(&path).await.unwrap_err().code,
        Code::ProjectNotFound
    );
    assert!(
        repository.path.join("README.md").is_file(),
        "the folder itself is not touched"
    );
    assert!(
        client.add_project(&repository.path).await.id != git.id,
        "it can be added again"
    );

    fs::remove_dir(&plain).unwrap();
    let gone: Project = client
        .get(&format!("/projects/{}", other.id))
        .await
        .unwrap();
    assert!(gone.missing, "a project whose folder is gone says so");
}

#[tokio::test]
async fn a_project_with_sessions_is_not_removed() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let session = engine.client.shell(project.id).await;
    let path = format!("/projects/{}", project.id);
    let refused = engine.client.delete(&path).await.unwrap_err();
    assert_eq!(refused.code, Code::ProjectHasSessions);
    engine
        .client
        .delete(&format!("/sessions/{}", session.id))
        .await
        .unwrap();
    engine.client.delete(&path).await.unwrap();
}

#[tokio::test]
async fn agents_are_found_with_their_versions() {
    let engine = Engine::start().await;
    let agents = engine.client.agents().await;
    let find = |id: &str| {
        agents
            .iter()
            .find(|agent| agent.id.as_str() == id)
            .unwrap()
            .clone()
    };
    assert_eq!(find("shell").state, berth_protocol::AgentState::Ready);
    let missing = find("goose");
    assert_eq!(missing.state, berth_protocol::AgentState::Missing);
    assert!(
        missing.install_hint.is_some(),
        "a missing agent says how to install it"
    );

    let Some(claude) = programs::agent("claude") else {
        return skip(
            "agents_are_found_with_their_versions",
            "claude is not installed",
        );
    };
    let found = engine.client.until("claude is ready", async || {
        let agents = engine.client.agents().await;
        agents.into_iter().find(|agent| {
            agent.id.as_str() == "claude" && agent.state == berth_protocol::AgentState::Ready
        })
    });
    let found = found.await;
    assert_eq!(found.path.as_deref(), claude.to_str());
    assert!(
        found
            .version
            .unwrap()
            .starts_with(|c: char| c.is_ascii_digit())
    );
    assert!(!found.permission_modes.is_empty());
}

#[tokio::test]
async fn a_shell_answers_a_message_and_both_stand_in_the_transcript() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&repository(&engine).path).await;
    let session = engine.client.shell(project.id).await;
    assert_eq!(
        session.workspace.kind,
        WorkspaceKind::Worktree,
        "a repository gives a worktree"
    );
    assert_eq!(session.run, 1);

    let sent = engine.client.chat(session.id, "expr 40 + 2").await.unwrap();
    assert_eq!((sent.role, sent.seq), (Role::User, 1));
    let reply = engine
        .client
        .message_with(session.id, Role::Agent, "42")
        .await;
    assert_eq!(reply.content, "42", "the reply has neither echo nor prompt");
    engine.client.waiting(session.id).await;
    let messages = engine.client.messages(session.id).await;
    assert_eq!(messages, [sent, reply]);
}

#[tokio::test]
async fn the_first_message_is_handed_over_and_names_the_session() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let request = CreateSession {
        message: Some("echo hel''lo".to_owned()),
        ..session(project.id, "shell")
    };
    let session = engine.client.start(&request).await;
    assert_eq!(session.title, "echo hel''lo");
    assert_eq!(
        session.workspace.kind,
        WorkspaceKind::InPlace,
        "no repository, no worktree"
    );
    engine
        .client
        .message_with(session.id, Role::Agent, "hello")
        .await;
    let rename = UpdateSession {
        title: "Greeting".to_owned(),
    };
    let path = format!("/sessions/{}", session.id);
    let renamed: Session = engine
        .client
        .value(engine.client.request(Method::PATCH, &path).json(&rename))
        .await
        .unwrap();
    assert_eq!(renamed.title, "Greeting");
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
async fn a_stream_is_resumed_with_exactly_what_was_missed() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let mut whole = client.events(None).await;
    let first = client.add_project(&folder(&engine, "first")).await;
    let mut known = whole.next().await;
    while known.event
        != (Event::ProjectChanged {
            project: first.clone(),
        })
    {
        known = whole.next().await;
    }
    let last_id = known.id.unwrap();

    let mut names = Vec::new();
    for name in ["second", "third"] {
        names.push(client.add_project(&folder(&engine, name)).await.name);
    }
    let mut expected = Vec::new();
    while expected
        .iter()
        .filter(|sent: &&berth_tests::Sent| matches!(sent.event, Event::ProjectChanged { .. }))
        .count()
        < 2
    {
        expected.push(whole.next().await);
    }
    let mut resumed = client.events(Some(&last_id)).await;
    for sent in &expected {
        assert_eq!(
            resumed.next().await,
            *sent,
            "nothing is missed and nothing comes twice"
        );
    }
    let fourth = client.add_project(&folder(&engine, "fourth")).await;
    loop {
        let (one, two) = (whole.next().await, resumed.next().await);
        assert_eq!(one, two, "both go on alike");
        if one.event
            == (Event::ProjectChanged {
                project: fourth.clone(),
            })
        {
            break;
        }
    }
    for foreign in ["0190a1b2c3d4e5f60190a1b2c3d4e5f6-1", "nonsense", "999999"] {
        let mut reset = client.events(Some(foreign)).await;
        assert_eq!(reset.next().await.event, Event::Reset, "{foreign}");
    }
}

#[tokio::test]
async fn a_stream_of_an_earlier_engine_is_reset() {
    let mut engine = Engine::start().await;
    let mut events = engine.client.events(None).await;
    engine.client.add_project(&folder(&engine, "plain")).await;
    let last_id = events.next().await.id.unwrap();
    engine.restart().await;
    let mut events = engine.client.events(Some(&last_id)).await;
    assert_eq!(events.next().await.event, Event::Reset);
}

#[tokio::test]
async fn the_chat_stream_tells_of_one_session_only() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let mine = engine.client.shell(project.id).await.id;
    let other = engine.client.shell(project.id).await.id;
    let mut events = engine.client.chat_events(mine, None).await;
    for (id, text) in [(other, "echo not-mine"), (mine, "echo min''e")] {
        engine.client.chat(id, text).await.unwrap();
        engine.client.message_with(id, Role::Agent, "mine").await;
        engine.client.waiting(id).await;
    }
    loop {
        match events.next().await.event {
            Event::MessageChanged { message } => {
                assert_eq!(message.session_id, mine);
                if message.role == Role::Agent && !message.partial {
                    assert_eq!(message.content, "mine");
                    break;
                }
            }
            Event::SessionChanged { session } => assert_eq!(session.id, mine),
            other => panic!("{other:?} is no matter of the chat"),
        }
    }
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

#[tokio::test]
async fn stopping_a_session_ends_everything_that_it_started() {
    let engine = Engine::start().await;
    let place = folder(&engine, "plain");
    // One that ignores being asked, and one that has left the group and the session.
    fs::write(
        place.join("tree.sh"),
        "#!/bin/bash\n\
         bash -c 'trap \"\" TERM HUP INT; while :; do sleep 1000; done' &\n\
         setsid bash -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' &\n\
         setsid sleep 1000 &\n\
         echo rea''dy\n\
         wait\n",
    )
    .unwrap();
    let project = engine.client.add_project(&place).await;
    let session = engine
        .client
        .command(project.id, &["bash", "tree.sh"])
        .await;
    engine.client.view(session.id).await.sees("ready").await;
    let other = engine.client.shell(project.id).await;
    let family = || processes::with("BERTH_SESSION_ID", session.id.to_string());
    let before = family();
    assert!(before.len() >= 4, "{before:?}");

    let stopped = engine.client.stop(session.id).await;
    assert!(
        matches!(stopped.status, Status::Exited { .. }),
        "{:?}",
        stopped.status
    );
    assert!(stopped.ended_at.is_some());
    assert_eq!(
        family(),
        Vec::<u32>::new(),
        "stopping answers when all have ended"
    );
    assert_eq!(
        processes::gone(&before, Duration::ZERO).await,
        Vec::<u32>::new()
    );
    assert!(
        engine.client.session(other.id).await.status.is_live(),
        "another session goes on"
    );
    let again = engine.client.stop(session.id).await;
    assert_eq!(
        again.status, stopped.status,
        "stopping again changes nothing"
    );
}

#[tokio::test]
async fn a_session_is_restarted_in_its_place_and_its_viewers_stay() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&repository(&engine).path).await;
    let session = engine.client.shell(project.id).await;
    let mut viewer = engine.client.view(session.id).await;
    viewer
        .type_in("echo first-r''un > kept.txt; cat kept.txt\r")
        .await;
    viewer.sees("first-run").await;

    let restarted: Session = engine
        .client
        .act(&format!("/sessions/{}/restart", session.id))
        .await
        .unwrap();
    assert_eq!((restarted.id, restarted.run), (session.id, 2));
    assert_eq!(restarted.workspace, session.workspace);
    assert!(
        viewer.control(is_exit).await.word() == "exited",
        "the viewer learns of the end"
    );
    let (_, run, _) = viewer.snapshot().await;
    assert_eq!(run, 2, "and of the new run");
    viewer.type_in("cat kept.txt\r").await;
    viewer.sees("first-run").await;
    let first = format!("/sessions/{}/recording?run=1", session.id);
    let first = engine
        .client
        .send(engine.client.request(Method::GET, &first))
        .await
        .unwrap();
    assert!(
        first.text().await.unwrap().contains("first-run"),
        "the first recording stays"
    );
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
async fn an_archived_session_comes_back_with_everything_uncommitted() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let project = engine.client.add_project(&repository.path).await;
    let session = engine.client.shell(project.id).await;
    let worktree = Path::new(&session.workspace.path);
    fs::write(worktree.join("notes.txt"), "changed\n").unwrap();
    fs::write(worktree.join("new.txt"), "untracked\n").unwrap();
    fs::remove_file(worktree.join("README.md")).unwrap();

    let path = format!("/sessions/{}", session.id);
    let archived: Session = engine.client.act(&format!("{path}/archive")).await.unwrap();
    assert!(archived.archived_at.is_some() && !archived.status.is_live());
    assert!(!worktree.exists(), "the worktree is removed");
    assert!(
        !repository
            .git(&["worktree", "list"])
            .contains(&session.workspace.path)
    );
    let refused = engine
        .client
        .act::<Session>(&format!("{path}/restart"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::SessionArchived);
    assert_eq!(
        engine
            .client
            .chat(session.id, "hello")
            .await
            .unwrap_err()
            .code,
        Code::SessionArchived
    );
    let refused = engine.client.delete(&path).await.unwrap_err();
    assert_eq!(
        refused.code,
        Code::WorkspaceHasWork,
        "what is archived is work too"
    );

    let restored: Session = engine.client.act(&format!("{path}/restore")).await.unwrap();
    assert_eq!(restored.archived_at, None);
    assert_eq!(restored.workspace, session.workspace);
    let read = |name: &str| fs::read_to_string(worktree.join(name)).unwrap();
    assert_eq!(
        (read("notes.txt"), read("new.txt")),
        ("changed\n".into(), "untracked\n".into())
    );
    assert!(
        !worktree.join("README.md").exists(),
        "what was removed stays removed"
    );
    let kinds: Vec<_> = engine
        .client
        .diff(session.id)
        .await
        .files
        .into_iter()
        .map(|f| (f.path, f.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("README.md".to_owned(), ChangeKind::Deleted),
            ("new.txt".to_owned(), ChangeKind::Untracked),
            ("notes.txt".to_owned(), ChangeKind::Modified),
        ]
    );
    engine
        .client
        .act::<Session>(&format!("{path}/restart"))
        .await
        .unwrap();
}

#[tokio::test]
async fn deleting_a_session_with_work_is_refused_with_what_would_be_lost() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let project = engine.client.add_project(&repository.path).await;
    let session = engine.client.shell(project.id).await;
    let branch = session.workspace.branch.clone().unwrap();
    let worktree = Path::new(&session.workspace.path);
    fs::write(worktree.join("committed.txt"), "x").unwrap();
    berth_tests::git(worktree, &["add", "--all"]);
    let author = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
    let commit = [&author[..], &["commit", "-q", "-m", "Only here"]].concat();
    berth_tests::git(worktree, &commit);
    fs::write(worktree.join("untracked.txt"), "x").unwrap();

    let path = format!("/sessions/{}", session.id);
    let refused = engine.client.delete(&path).await.unwrap_err();
    assert_eq!(refused.code, Code::WorkspaceHasWork);
    let work = refused.work.unwrap();
    assert_eq!(
        (work.uncommitted, work.files),
        (1, vec!["untracked.txt".to_owned()])
    );
    assert_eq!(
        (work.unpushed, work.commits[0].subject.as_str()),
        (1, "Only here")
    );
    assert_eq!(engine.client.work(session.id).await.unpushed, 1);
    assert!(
        worktree.join("untracked.txt").is_file(),
        "nothing was touched"
    );
    assert!(
        engine.client.session(session.id).await.status.is_live(),
        "and nothing was stopped"
    );

    engine
        .client
        .delete(&format!("{path}?discard=true"))
        .await
        .unwrap();
    assert!(!worktree.exists());
    assert!(
        !repository.git(&["branch", "--list"]).contains(&branch),
        "its branch goes with it"
    );
    let gone = engine.client.get::<Session>(&path).await.unwrap_err();
    assert_eq!(gone.code, Code::SessionNotFound);
    let recordings = engine
        .data_dir()
        .join("recordings")
        .join(session.id.to_string());
    assert!(!recordings.exists(), "its recording goes with it");
}

#[tokio::test]
async fn the_pages_of_a_large_diff_hold_every_file_once() {
    const FILES: usize = 3_000;
    let engine = Engine::start().await;
    let project = engine.client.add_project(&repository(&engine).path).await;
    let session = engine.client.shell(project.id).await;
    let worktree = Path::new(&session.workspace.path);
    for number in 0..FILES {
        fs::write(worktree.join(format!("file-{number:04}.txt")), "one\ntwo\n").unwrap();
    }
    let path = format!("/sessions/{}/diff", session.id);
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let more = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page: DiffPage = engine
            .client
            .get(&format!("{path}?limit=700{more}"))
            .await
            .unwrap();
        assert!(page.files.len() <= 700);
        assert_eq!(page.total.files as usize, FILES);
        seen.extend(page.files.into_iter().map(|file| file.path));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..FILES)
        .map(|number| format!("file-{number:04}.txt"))
        .collect();
    assert_eq!(seen, expected);
    let patch: FilePatch = engine
        .client
        .get(&format!("{path}/file?path=file-0042.txt"))
        .await
        .unwrap();
    assert!(patch.patch.contains("+one\n+two"), "{patch:?}");
    let none = engine
        .client
        .get::<FilePatch>(&format!("{path}/file?path=nothing.txt"))
        .await;
    assert_eq!(none.unwrap_err().code, Code::FileNotFound);
    let stale = engine
        .client
        .get::<DiffPage>(&format!("{path}?cursor=nonsense"))
        .await;
    assert_eq!(stale.unwrap_err().code, Code::DiffStale);
}

#[tokio::test]
async fn the_description_names_every_address_that_answers() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let response = client
        .send(client.bare(Method::GET, "/openapi.json"))
        .await
        .unwrap();
    let description: Value = response.json().await.unwrap();
    let paths = description["paths"].as_object().unwrap();
    for path in [
        "/projects",
        "/projects/{id}",
        "/projects/{id}/branches",
        "/folders",
        "/agents",
        "/agents/refresh",
        "/sessions",
        "/sessions/{id}",
        "/sessions/{id}/input",
        "/sessions/{id}/resize",
        "/sessions/{id}/interrupt",
        "/sessions/{id}/stop",
        "/sessions/{id}/restart",
        "/sessions/{id}/approval",
        "/sessions/{id}/archive",
        "/sessions/{id}/restore",
        "/sessions/{id}/work",
        "/sessions/{id}/screen",
        "/sessions/{id}/messages",
        "/sessions/{id}/recording",
        "/sessions/{id}/diff",
        "/sessions/{id}/diff/file",
        "/sessions/{id}/terminal",
        "/chat",
        "/chat/stream",
        "/events",
        "/engine",
        "/engine/stop",
        "/audit",
        "/audit/verify",
    ] {
        assert!(
            paths.contains_key(&format!("/api/v1{path}")),
            "{path} is not described"
        );
    }
    assert!(paths.contains_key("/health") && paths.contains_key("/ready"));
    // Whatever is described answers, if only with a problem of its own.
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (path, methods) in paths {
        let Some(below) = path.strip_prefix("/api/v1") else {
            continue;
        };
        if matches!(below, "/events" | "/engine/stop") {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let below = below.replace("{id}", nobody);
            let answer = client.send(client.request(method.clone(), &below)).await;
            if let Err(problem) = answer {
                let known = !matches!(problem.code, Code::NotFound | Code::MethodNotAllowed);
                assert!(
                    known && problem.status < 500,
                    "{method} {below}: {problem:?}"
                );
            }
        }
    }
    let docs = client
        .send(client.bare(Method::GET, "/docs/"))
        .await
        .unwrap();
    assert!(docs.text().await.unwrap().contains("swagger"));
    let printed = engine.setup().berth(&["openapi"]).await;
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, description, "the command prints the same");
}

#[tokio::test]
async fn the_audit_trail_tells_what_happened_and_is_whole() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = client.add_project(&repository(&engine).path).await;
    let session = client.shell(project.id).await;
    let path = format!("/sessions/{}", session.id);
    client.chat(session.id, "echo secret-wo''rd").await.unwrap();
    client
        .message_with(session.id, Role::Agent, "secret-word")
        .await;
    client.waiting(session.id).await;
    client.interrupt(session.id).await.unwrap();
    client.stop(session.id).await;
    client
        .act::<Session>(&format!("{path}/restart"))
        .await
        .unwrap();
    client
        .act::<Session>(&format!("{path}/archive"))
        .await
        .unwrap();
    client
        .act::<Session>(&format!("{path}/restore"))
        .await
        .unwrap();
    client.delete(&path).await.unwrap();
    client
        .delete(&format!("/projects/{}", project.id))
        .await
        .unwrap();

    let events = client.audit().await;
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    let mut rest = actions.as_slice();
    for expected in [
        "project.created",
        "session.created",
        "session.spawned",
        "message.added",
        "message.added",
        "session.interrupted",
        "session.ended",
        "session.restarted",
        "session.ended",
        "session.archived",
        "session.restored",
        "session.deleted",
        "project.deleted",
    ] {
        let at = rest.iter().position(|action| *action == expected);
        let at = at.unwrap_or_else(|| panic!("{expected} is not in its place in {actions:?}"));
        rest = &rest[at + 1..];
    }
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event.seq, seq, "there are no gaps");
    }
    let text = serde_json::to_string(&events).unwrap();
    assert!(
        !text.contains("secret-wo"),
        "no words of user or agent stand in it"
    );
    client.assert_audit_valid().await;
    let verified = engine.setup().berth(&["audit", "verify"]).await;
    assert!(verified.status.success());
    assert!(String::from_utf8_lossy(&verified.stdout).starts_with("valid: "));
}

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
