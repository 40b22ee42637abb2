use super::*;
use crate::{
    CreateWorktree, Worktree,
    fixture::{Fixture, SESSION},
};

const OTHER: SessionId = SessionId(uuid::Uuid::from_u128(8));

async fn clear(fixture: &Fixture, worktree: &Worktree) -> Leftover {
    let unfinished = UnfinishedWorktree {
        repo: &fixture.repo,
        root: &worktree.root,
        session: SESSION,
    };
    fixture.git.clear_unfinished(unfinished).await.unwrap()
}

/// The worktree is taken away, and with it everything that came with it.
async fn check_removed(fixture: &Fixture, worktree: &Worktree, before: &str) {
    assert_eq!(clear(fixture, worktree).await, Leftover::Removed);
    assert!(worktree.root.symlink_metadata().is_err());
    assert!(!aside(&worktree.root).exists());
    assert_eq!(fixture.refs_and_worktrees(), before);
    assert_eq!(clear(fixture, worktree).await, Leftover::Nothing);
}

/// The worktree is left as it is; returns what it holds.
async fn check_kept(fixture: &Fixture, worktree: &Worktree) -> UnsavedWork {
    let before = (
        fixture.state(),
        fixture.run(&worktree.root, ["status", "--short"]),
    );
    let Leftover::Kept { branch, work } = clear(fixture, worktree).await else {
        panic!("it is gone");
    };
    assert_eq!(branch, "work");
    let after = (
        fixture.state(),
        fixture.run(&worktree.root, ["status", "--short"]),
    );
    assert_eq!(after, before);
    work
}

#[tokio::test]
async fn a_worktree_in_which_nothing_was_done_goes_with_its_branch() {
    let fixture = Fixture::new();
    let before = fixture.refs_and_worktrees();
    let worktree = fixture.worktree().await;
    check_removed(&fixture, &worktree, &before).await;
}

#[tokio::test]
async fn a_branch_without_its_worktree_goes() {
    let fixture = Fixture::new();
    let before = fixture.refs_and_worktrees();
    let worktree = fixture.worktree().await;
    let root = worktree.root.to_str().unwrap();
    fixture.run(&fixture.repo, ["worktree", "remove", root]);
    check_removed(&fixture, &worktree, &before).await;
}

#[tokio::test]
async fn a_worktree_whose_folder_was_deleted_or_moved_aside_goes() {
    let fixture = Fixture::new();
    let before = fixture.refs_and_worktrees();
    let worktree = fixture.worktree().await;
    fs::remove_dir_all(&worktree.root).unwrap();
    check_removed(&fixture, &worktree, &before).await;
    let worktree = fixture.worktree().await;
    fs::rename(&worktree.root, aside(&worktree.root)).unwrap();
    check_removed(&fixture, &worktree, &before).await;
}

#[tokio::test]
async fn a_checkout_that_git_did_not_finish_goes() {
    let fixture = Fixture::new();
    let before = fixture.refs_and_worktrees();
    let worktree = fixture.worktree().await;
    // What a killed `git worktree add` leaves: its lock, no index, and some of the files.
    let index = fixture.run(&worktree.root, ["rev-parse", "--git-path", "index"]);
    fs::remove_file(worktree.root.join(index)).unwrap();
    fs::remove_file(worktree.root.join("a.txt")).unwrap();
    let root = worktree.root.to_str().unwrap();
    let lock = ["worktree", "lock", "--reason", INITIALIZING, root];
    fixture.run(&fixture.repo, lock);
    check_removed(&fixture, &worktree, &before).await;
}

#[tokio::test]
async fn uncommitted_files_are_kept() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/made-by-a-hook", "");
    let work = check_kept(&fixture, &worktree).await;
    assert_eq!((work.uncommitted, work.unpushed), (1, 0));
    assert_eq!(work.files, ["made-by-a-hook"]);
}

#[tokio::test]
async fn commits_that_are_nowhere_else_are_kept_and_others_are_not() {
    let fixture = Fixture::new();
    let before = fixture.refs_and_worktrees();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/new", "");
    let own = fixture.commit(&worktree.root, "Own");
    let work = check_kept(&fixture, &worktree).await;
    assert_eq!((work.uncommitted, work.unpushed), (0, 1));
    assert_eq!(work.commits[0].hash, own);

    fixture.run(&fixture.repo, ["branch", "elsewhere", &own]);
    assert_eq!(clear(&fixture, &worktree).await, Leftover::Removed);
    assert!(!worktree.root.exists());
    fixture.run(&fixture.repo, ["branch", "--quiet", "-D", "elsewhere"]);
    assert_eq!(fixture.refs_and_worktrees(), before);
}

#[tokio::test]
async fn a_worktree_that_left_its_branch_is_kept() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.run(&worktree.root, ["switch", "--quiet", "--detach"]);
    fixture.write("wt/work/new", "");
    fixture.commit(&worktree.root, "Loose");
    check_kept(&fixture, &worktree).await;
}

#[tokio::test]
async fn a_branch_that_somebody_uses_elsewhere_is_kept() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.run(&worktree.root, ["switch", "--quiet", "-c", "other"]);
    fixture.run(&fixture.repo, ["switch", "--quiet", "work"]);
    check_kept(&fixture, &worktree).await;
}

#[tokio::test]
async fn what_was_made_for_another_session_or_by_somebody_else_is_not_touched() {
    let fixture = Fixture::new();
    let root = fixture.root.join("wt/work");
    let order = CreateWorktree {
        repo: &fixture.repo,
        path: &root,
        branch: Some("theirs"),
        slug_from: "",
        base: None,
        session: OTHER,
    };
    let theirs = fixture.git.create_worktree(order).await.unwrap();
    fixture.run(&fixture.repo, ["branch", "users-own"]);
    let before = fixture.state();
    // At the place of an unfinished worktree, which could not be made there therefore.
    assert_eq!(clear(&fixture, &theirs).await, Leftover::Nothing);
    assert_eq!(fixture.state(), before);
    assert!(root.join("a.txt").exists());

    // Its own branch goes all the same.
    let mine = Worktree {
        root: fixture.root.join("wt/mine"),
        ..theirs
    };
    let order = CreateWorktree {
        path: &mine.root,
        branch: Some("mine"),
        session: SESSION,
        ..order
    };
    fixture.git.create_worktree(order).await.unwrap();
    assert_eq!(clear(&fixture, &mine).await, Leftover::Removed);
    assert_eq!(fixture.state(), before);
}

#[tokio::test]
async fn a_repository_that_is_gone_is_told_while_the_folder_is_there() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fs::remove_dir_all(&fixture.repo).unwrap();
    let unfinished = UnfinishedWorktree {
        repo: &fixture.repo,
        root: &worktree.root,
        session: SESSION,
    };
    let error = fixture.git.clear_unfinished(unfinished).await.unwrap_err();
    assert!(
        matches!(error, WorkspaceError::NotARepository { .. }),
        "{error}"
    );
    assert!(worktree.root.join("a.txt").exists());
    fs::remove_dir_all(&worktree.root).unwrap();
    let cleared = fixture.git.clear_unfinished(unfinished).await.unwrap();
    assert_eq!(cleared, Leftover::Nothing);
}
