//! Stopping, restarting, archiving and deleting sessions.

use std::{fs, path::Path, time::Duration};

use berth_protocol::{ChangeKind, Code, Session, Status};
use berth_tests::{Engine, processes};
use reqwest::Method;

use crate::{folder, repository, terminal::is_exit};

/// Longer than programs that were asked to end are waited for before they are killed, which is 3 s.
const PAST_GRACE: Duration = Duration::from_secs(4);

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
async fn what_a_restart_has_ended_does_not_end_the_new_run() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(engine.client.shell(project.id).await.id);
    }
    for id in &ids {
        let path = format!("/sessions/{id}/restart");
        let restarted: Session = engine.client.act(&path).await.unwrap();
        assert_eq!(restarted.run, 2);
    }
    for id in &ids {
        let line = format!("sleep {}; echo still-he''re\r", PAST_GRACE.as_secs());
        engine.client.waiting(*id).await;
        engine.client.input(*id, &line).await.unwrap();
    }
    for id in &ids {
        engine.client.view(*id).await.sees("still-here").await;
    }
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
