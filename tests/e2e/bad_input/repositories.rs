//! Repositories, bases and branches that cannot be had.

use std::path::Path;

use berth_protocol::{Code, CreateSession, WorkspaceKind, WorkspaceRequest};
use berth_tests::{Engine, Repository, git, session};

use crate::{plain_project, repository};

fn worktree(base: Option<&str>, branch: Option<&str>) -> Option<WorkspaceRequest> {
    Some(WorkspaceRequest::Worktree {
        base: base.map(str::to_owned),
        branch: branch.map(str::to_owned),
    })
}

#[tokio::test]
async fn a_worktree_is_refused_where_there_is_none_to_be_had() {
    let engine = Engine::start().await;
    let plain = plain_project(&engine).await;
    let empty = Repository::empty(&engine.setup().folder().join("empty"));
    let empty = engine.client.add_project(&empty.path).await;
    assert!(!empty.git.clone().unwrap().has_commits);
    for (project, code) in [
        (plain.id, Code::NotARepository),
        (empty.id, Code::NoCommits),
    ] {
        let wanted = CreateSession {
            workspace: worktree(None, None),
            ..session(project, "shell")
        };
        let refused = engine.client.try_start(&wanted).await.unwrap_err();
        assert_eq!(refused.code, code);
        assert!(refused.hint.is_some());
        let usual = engine.client.start(&session(project, "shell")).await;
        assert_eq!(
            usual.workspace.kind,
            WorkspaceKind::InPlace,
            "without a wish it works in place"
        );
    }
}

#[tokio::test]
async fn bases_and_branches_that_cannot_be_are_refused_and_leave_nothing() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let project = engine.client.add_project(&repository.path).await;
    let branches = repository.git(&["branch", "--list"]);
    for (base, branch, code) in [
        (Some("no-such-branch"), None, Code::BaseNotFound),
        (Some("--force"), None, Code::BaseNotFound),
        (None, Some("main"), Code::BranchExists),
        (None, Some("other"), Code::BranchExists),
        (None, Some("other/below"), Code::BranchExists),
        (None, Some("two..dots"), Code::BranchInvalid),
        (None, Some("-dash"), Code::BranchInvalid),
        (None, Some("with space"), Code::BranchInvalid),
        (None, Some(""), Code::BranchInvalid),
    ] {
        let wanted = CreateSession {
            workspace: worktree(base, branch),
            ..session(project.id, "shell")
        };
        let refused = engine.client.try_start(&wanted).await.unwrap_err();
        assert_eq!(refused.code, code, "{base:?} {branch:?}: {refused:?}");
    }
    assert_eq!(repository.git(&["branch", "--list"]), branches);
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(engine.client.sessions().await, []);

    let wanted = CreateSession {
        workspace: worktree(Some("other"), Some("mine")),
        ..session(project.id, "shell")
    };
    let made = engine.client.start(&wanted).await.workspace;
    assert_eq!(
        (made.branch.as_deref(), made.base.as_deref()),
        (Some("mine"), Some("other"))
    );
    assert_eq!(
        made.base_commit.unwrap(),
        repository.git(&["rev-parse", "other"])
    );
}

#[tokio::test]
async fn a_project_inside_another_worktree_works() {
    let engine = Engine::start().await;
    let repository = repository(&engine);
    let linked = engine.setup().folder().join("linked");
    repository.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "other"]);
    let project = engine.client.add_project(&linked).await;
    let info = project.git.unwrap();
    assert!(info.linked_worktree);
    assert_eq!(info.branch.as_deref(), Some("other"));
    let session = engine.client.shell(project.id).await;
    assert_eq!(session.workspace.kind, WorkspaceKind::Worktree);
    assert_ne!(Path::new(&session.workspace.path), linked);
    let head = git(Path::new(&session.workspace.path), &["rev-parse", "HEAD"]);
    assert_eq!(
        head,
        repository.git(&["rev-parse", "other"]),
        "it starts where the project is"
    );
}
