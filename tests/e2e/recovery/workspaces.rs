//! Worktrees that an engine was making when it was killed, whose sessions nobody knows.

#![expect(
    clippy::unwrap_used,
    reason = "what sets the stage may fail like a test"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use berth_tests::{Engine, LIMIT, Repository, git, processes, session};
use nix::{sys::stat::Mode, unistd::mkfifo};

/// How often what the engine does in the background is looked at: it is no event for clients.
const LOOK_EVERY: Duration = Duration::from_millis(25);

async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !check() {
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// All branches and worktrees.
fn refs_and_worktrees(repository: &Repository) -> String {
    repository.git(&["for-each-ref"]) + &repository.git(&["worktree", "list"])
}

fn hook(repository: &Repository) -> PathBuf {
    repository.path.join(".git/hooks/post-checkout")
}

/// Kills the engine while it makes a worktree: git has written it, and waits for a hook, which has
/// run this script. Returns where the worktree is and the hook's process.
async fn kill_in_hook(
    engine: &mut Engine,
    repository: &Repository,
    script: &str,
) -> (PathBuf, u32) {
    let pipe = engine.setup().folder().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let text = format!(
        "#!/bin/sh\n{script}\necho \"$$ $PWD\" > '{}'\nexec sleep 1000\n",
        pipe.display()
    );
    fs::create_dir_all(hook(repository).parent().unwrap()).unwrap();
    fs::write(hook(repository), text).unwrap();
    fs::set_permissions(hook(repository), fs::Permissions::from_mode(0o755)).unwrap();
    let project = engine.client.add_project(&repository.path).await;
    let wanted = engine
        .client
        .request(reqwest::Method::POST, "/sessions")
        .json(&session(project.id, "shell"));
    // The kill cuts it off.
    let wanted = tokio::spawn(wanted.send());
    let told = tokio::task::spawn_blocking(move || {
        let told = fs::read_to_string(&pipe);
        fs::remove_file(pipe).map(|()| told)
    });
    let told = told.await.unwrap().unwrap().unwrap();
    engine.kill();
    wanted.await.unwrap().unwrap_err();
    let (pid, folder) = told.trim().split_once(' ').unwrap();
    let (folder, pid) = (PathBuf::from(folder), pid.parse().unwrap());
    assert!(folder.join("README.md").exists());
    assert!(processes::is_alive(pid), "git and its hook go on");
    (folder, pid)
}

/// The engine's warning that a workspace is kept.
fn has_told(engine: &Engine, folder: &Path) -> bool {
    let logs = fs::read_dir(engine.data_dir().join("logs")).unwrap();
    let mut texts = logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap());
    let folder = folder.to_str().unwrap();
    texts.any(|text| {
        let mut lines = text.lines();
        lines.any(|line| line.contains("is kept") && line.contains(folder))
    })
}

#[tokio::test]
async fn a_worktree_whose_session_was_not_recorded_is_removed_at_the_next_start() {
    let mut engine = Engine::start().await;
    let repository = Repository::with_history(&engine.setup().folder().join("repository"));
    let before = refs_and_worktrees(&repository);
    let (folder, pid) = kill_in_hook(&mut engine, &repository, "").await;
    assert_ne!(refs_and_worktrees(&repository), before);
    fs::remove_file(hook(&repository)).unwrap();

    engine.restart().await;
    // A session that is started meanwhile, in the same repository, is not touched.
    let projects: berth_protocol::ProjectList = engine.client.get("/projects").await.unwrap();
    let started = engine.client.shell(projects.projects[0].id).await;
    let place = Path::new(&started.workspace.path);
    eventually("the worktree goes", || !folder.exists()).await;
    eventually("only the new session's worktree is left", || {
        repository.git(&["worktree", "list"]).lines().count() == 2
            && repository.git(&["branch", "--list"]).lines().count() == 3
    })
    .await;
    assert_eq!(
        processes::gone(&[pid], LIMIT).await,
        Vec::<u32>::new(),
        "git's hook is ended"
    );
    assert_eq!(git(place, &["status", "--short"]), "");
    assert_eq!(engine.client.sessions().await.len(), 1);
    engine.client.stop(started.id).await;
    engine
        .client
        .delete(&format!("/sessions/{}", started.id))
        .await
        .unwrap();
    assert_eq!(refs_and_worktrees(&repository), before);
    let audit = engine.client.audit().await;
    let removed = audit.iter().filter(|e| e.action == "workspace.removed");
    assert_eq!(removed.count(), 1);
    engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn work_in_a_worktree_whose_session_was_not_recorded_is_kept() {
    let mut engine = Engine::start().await;
    let repository = Repository::with_history(&engine.setup().folder().join("repository"));
    let before = refs_and_worktrees(&repository);
    let script = "echo precious > precious.txt";
    let (folder, _) = kill_in_hook(&mut engine, &repository, script).await;
    fs::remove_file(hook(&repository)).unwrap();
    let with_it = refs_and_worktrees(&repository);

    engine.restart().await;
    eventually("the engine tells of it", || has_told(&engine, &folder)).await;
    engine.stop().await;
    assert_eq!(refs_and_worktrees(&repository), with_it);
    let precious = folder.join("precious.txt");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious\n");

    // Once that is elsewhere, the worktree goes.
    fs::remove_file(precious).unwrap();
    engine.restart().await;
    eventually("the worktree goes", || {
        refs_and_worktrees(&repository) == before
    })
    .await;
}
