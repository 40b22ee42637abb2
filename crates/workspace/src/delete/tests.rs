use std::fs;

use berth_protocol::Code;

use super::*;
use crate::{Worktree, fixture::Fixture};

async fn delete(fixture: &Fixture, worktree: &Worktree, fate: BranchFate) -> bool {
    let deleted = fixture.git.delete(fixture.session(worktree), fate).await;
    deleted.unwrap().branch_deleted
}

fn branches(fixture: &Fixture) -> String {
    fixture.run(&fixture.repo, ["for-each-ref", "--format=%(refname)"])
}

#[tokio::test]
async fn the_worktree_goes_and_the_branch_only_when_asked() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/new", "");
    fixture.commit(&worktree.path, "Only here");
    fixture.write("wt/work/newer", "");
    assert!(!delete(&fixture, &worktree, BranchFate::Keep).await);
    assert!(!worktree.root.exists());
    assert_eq!(branches(&fixture), "refs/heads/main\nrefs/heads/work");
    assert!(delete(&fixture, &worktree, BranchFate::Delete).await);
    assert_eq!(branches(&fixture), "refs/heads/main");
    assert!(
        delete(&fixture, &worktree, BranchFate::Delete).await,
        "again is no error"
    );
    let list = fixture.run(&fixture.repo, ["worktree", "list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
}

#[tokio::test]
async fn a_missing_or_locked_worktree_is_no_error() {
    let fixture = Fixture::new();
    let other = fixture.root.join("wt/other");
    fixture.run(
        &fixture.repo,
        [
            "worktree",
            "add",
            "--quiet",
            "-b",
            "other",
            other.to_str().unwrap(),
        ],
    );
    let worktree = fixture.worktree().await;
    fixture.run(
        &fixture.repo,
        ["worktree", "lock", worktree.root.to_str().unwrap()],
    );
    for path in [&worktree.root, &other] {
        fs::remove_dir_all(path).unwrap();
    }
    assert!(delete(&fixture, &worktree, BranchFate::Delete).await);
    let list = fixture.run(&fixture.repo, ["worktree", "list"]);
    assert_eq!(
        list.lines().count(),
        2,
        "the user's own entry must stay: {list}"
    );
}

#[tokio::test]
async fn a_branch_that_is_checked_out_elsewhere_stays() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.run(&worktree.path, ["checkout", "--quiet", "--detach"]);
    fixture.run(&fixture.repo, ["switch", "--quiet", "work"]);
    assert!(!delete(&fixture, &worktree, BranchFate::Delete).await);
    assert_eq!(branches(&fixture), "refs/heads/main\nrefs/heads/work");
}

#[tokio::test]
async fn what_was_archived_is_deleted_too() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/new", "");
    fixture
        .git
        .archive(fixture.session(&worktree))
        .await
        .unwrap();
    assert!(branches(&fixture).contains("refs/berth/archive/"));
    delete(&fixture, &worktree, BranchFate::Delete).await;
    assert_eq!(branches(&fixture), "refs/heads/main");
}

#[tokio::test]
async fn a_worktree_whose_project_is_gone_can_be_deleted() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fs::remove_dir_all(&fixture.repo).unwrap();
    assert!(delete(&fixture, &worktree, BranchFate::Keep).await);
    assert!(!worktree.root.exists());
}

#[tokio::test]
async fn a_project_below_the_top_deletes_the_whole_worktree() {
    let fixture = Fixture::new();
    let mut worktree = fixture.worktree().await;
    worktree.path = worktree.root.join("sub");
    delete(&fixture, &worktree, BranchFate::Delete).await;
    assert!(!worktree.root.exists());
}

#[tokio::test]
async fn what_is_not_the_sessions_worktree_is_left() {
    let fixture = Fixture::new();
    fixture.write("plain/file", "");
    let linked = fixture.worktree().await;
    let refused = async |repo: &Path, path: &Path| {
        let worktree = SessionWorktree {
            repo,
            path,
            branch: "work",
            session: crate::fixture::SESSION,
        };
        let deleted = fixture.git.delete(worktree, BranchFate::Delete).await;
        assert_eq!(
            deleted.unwrap_err().code(),
            Code::WorkspaceFailed,
            "{path:?}"
        );
        let archived = fixture.git.archive(worktree).await;
        assert_eq!(
            archived.unwrap_err().code(),
            Code::WorkspaceFailed,
            "{path:?}"
        );
        assert!(
            path.read_dir().unwrap().next().is_some(),
            "{path:?} was touched"
        );
    };
    refused(&fixture.repo, &fixture.repo).await;
    refused(&fixture.repo, &fixture.repo.join("sub")).await;
    refused(&fixture.repo, &fixture.root.join("plain")).await;
    refused(&linked.path, &linked.path).await;
    refused(&linked.path.join("sub"), &linked.path).await;
}

#[tokio::test]
async fn a_branch_of_an_unrelated_repository_around_it_stays() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fs::remove_dir_all(&fixture.repo).unwrap();
    fs::remove_dir_all(&worktree.root).unwrap();
    fs::create_dir(&worktree.root).unwrap();
    fixture.init(&fixture.root);
    fixture.commit(&fixture.root, "Home");
    fixture.run(&fixture.root, ["branch", "work"]);
    delete(&fixture, &worktree, BranchFate::Delete).await;
    assert!(!worktree.root.exists());
    fixture.run(&fixture.root, ["rev-parse", "--verify", "refs/heads/work"]);
}
