use berth_protocol::Code;

use super::*;
use crate::fixture::Fixture;

async fn work(fixture: &Fixture, worktree: &crate::Worktree) -> UnsavedWork {
    fixture
        .git
        .unsaved_work(
            &worktree.path,
            Some(&worktree.base_commit),
            Some(&worktree.branch),
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn a_new_worktree_has_nothing_to_lose() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    assert!(work(&fixture, &worktree).await.is_empty());
}

#[tokio::test]
async fn uncommitted_and_untracked_files_count_and_ignored_ones_do_not() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/.gitignore", "ignored\n");
    fixture.write("wt/work/ignored/x", "");
    fixture.write("wt/work/a.txt", "changed\n");
    fixture.write("wt/work/new dir/one", "");
    fixture.write("wt/work/new dir/two\n", "");
    fixture.run(&worktree.path, ["rm", "--quiet", "sub/b.txt"]);
    let mut found = work(&fixture, &worktree).await;
    found.files.sort();
    assert_eq!(found.uncommitted, 5);
    assert_eq!(
        found.files,
        [
            ".gitignore",
            "a.txt",
            "new dir/one",
            "new dir/two\n",
            "sub/b.txt"
        ]
    );
}

#[tokio::test]
async fn only_the_first_fifty_are_named() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    for number in 0..60 {
        fixture.write(&format!("wt/work/f{number}"), "");
        fixture.run(
            &worktree.path,
            ["commit", "--quiet", "--allow-empty", "-m", "x"],
        );
    }
    let found = work(&fixture, &worktree).await;
    assert_eq!((found.uncommitted, found.files.len()), (60, 50));
    assert_eq!((found.unpushed, found.commits.len()), (60, 50));
}

#[tokio::test]
async fn commits_count_until_another_branch_or_a_remote_has_them() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let one = fixture.commit(&worktree.path, "One: ünï");
    let two = fixture.commit(&worktree.path, "Two\n\nBody");
    let found = work(&fixture, &worktree).await;
    let line = |hash: &str, subject: &str| CommitLine {
        hash: hash.to_owned(),
        subject: subject.to_owned(),
    };
    assert_eq!(found.commits, [line(&two, "Two"), line(&one, "One: ünï")]);
    assert_eq!((found.uncommitted, found.unpushed), (0, 2));

    fixture.run(
        &fixture.repo,
        ["update-ref", "refs/remotes/origin/work", &one],
    );
    assert_eq!(work(&fixture, &worktree).await.commits, [line(&two, "Two")]);
    fixture.run(&fixture.repo, ["branch", "work-2", &two]);
    assert!(work(&fixture, &worktree).await.is_empty());
}

#[tokio::test]
async fn commits_of_a_detached_head_count() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.run(&worktree.path, ["checkout", "--quiet", "--detach"]);
    fixture.commit(&worktree.path, "Loose");
    assert_eq!(work(&fixture, &worktree).await.unpushed, 1);
}

#[tokio::test]
async fn commits_before_the_base_do_not_count() {
    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["checkout", "--quiet", "--detach"]);
    fixture.commit(&fixture.repo, "On no branch");
    let worktree = fixture.worktree().await;
    assert!(work(&fixture, &worktree).await.is_empty());
    let unknown = fixture
        .git
        .unsaved_work(&worktree.path, Some("1234567890"), Some("work"))
        .await
        .unwrap();
    assert_eq!(unknown.unpushed, 1, "a base that is gone does not fail");
}

#[tokio::test]
async fn an_archived_branch_is_asked_about_in_the_project() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.commit(&worktree.path, "One");
    fixture
        .git
        .archive(fixture.session(&worktree))
        .await
        .unwrap();
    let found = fixture
        .git
        .unpushed_work(&fixture.repo, Some(&worktree.base_commit), "work")
        .await
        .unwrap();
    assert_eq!(found.unpushed, 1);
    let gone = fixture
        .git
        .unpushed_work(&fixture.repo, None, "gone")
        .await
        .unwrap();
    assert!(gone.is_empty());
}

#[tokio::test]
async fn a_missing_workspace_is_told_from_a_missing_repository() {
    let fixture = Fixture::new();
    let ask = async |path: &Path| {
        fixture
            .git
            .unsaved_work(path, None, None)
            .await
            .unwrap_err()
            .code()
    };
    assert_eq!(
        ask(&fixture.root.join("gone")).await,
        Code::WorkspaceMissing
    );
    assert_eq!(ask(&fixture.root).await, Code::NotARepository);
}
