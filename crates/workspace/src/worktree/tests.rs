use std::fs;

use berth_protocol::Code;

use super::*;
use crate::fixture::{Fixture, SESSION};

struct Case<'a> {
    branch: Option<&'a str>,
    slug_from: &'a str,
    base: Option<&'a str>,
}

const PLAIN: Case = Case {
    branch: None,
    slug_from: "Fix the login",
    base: None,
};

async fn create(fixture: &Fixture, name: &str, case: Case<'_>) -> Result<Worktree, WorkspaceError> {
    create_in(fixture, &fixture.repo, name, case).await
}

async fn create_in(
    fixture: &Fixture,
    repo: &Path,
    name: &str,
    case: Case<'_>,
) -> Result<Worktree, WorkspaceError> {
    fixture
        .git
        .create_worktree(CreateWorktree {
            repo,
            path: &fixture.root.join("wt").join(name),
            branch: case.branch,
            slug_from: case.slug_from,
            base: case.base,
            session: SESSION,
        })
        .await
}

/// It fails with the code and leaves everything as it was.
async fn fails(fixture: &Fixture, case: Case<'_>, code: Code) -> WorkspaceError {
    let before = fixture.state();
    let error = create(fixture, "x", case).await.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(fixture.state(), before, "something is left after: {error}");
    error
}

#[tokio::test]
async fn a_worktree_starts_at_head_on_a_branch_named_after_the_message() {
    let fixture = Fixture::new();
    let head = fixture.run(&fixture.repo, ["rev-parse", "HEAD"]);
    let worktree = create(&fixture, "a", PLAIN).await.unwrap();
    assert_eq!(
        worktree,
        Worktree {
            path: fixture.root.join("wt/a"),
            root: fixture.root.join("wt/a"),
            branch: "fix-login".to_owned(),
            base: Some("main".to_owned()),
            base_commit: head,
            hook_failure: None,
        }
    );
    assert_eq!(
        fs::read_to_string(worktree.path.join("a.txt")).unwrap(),
        "one\ntwo\n"
    );
    assert_eq!(
        fixture.run(&worktree.path, ["branch", "--show-current"]),
        "fix-login"
    );
    assert_eq!(fixture.run(&worktree.path, ["status", "--porcelain"]), "");
    let next = create(&fixture, "b", PLAIN).await.unwrap();
    assert_eq!(next.branch, "fix-login-2");
}

#[tokio::test]
async fn a_project_below_the_top_works_in_the_same_folder_of_its_worktree() {
    let fixture = Fixture::new();
    let empty = fixture.repo.join("not/committed");
    fs::create_dir_all(&empty).unwrap();
    let sub = create_in(&fixture, &fixture.repo.join("sub"), "a", PLAIN)
        .await
        .unwrap();
    assert_eq!(sub.path, fixture.root.join("wt/a/sub"));
    assert!(sub.path.join("b.txt").exists());
    let empty = create_in(&fixture, &empty, "b", PLAIN).await.unwrap();
    assert!(empty.path.ends_with("wt/b/not/committed") && empty.path.is_dir());
}

#[tokio::test]
async fn a_linked_worktree_can_be_a_project() {
    let fixture = Fixture::new();
    let first = fixture.worktree().await;
    fixture.commit(&first.path, "More");
    let second = create_in(&fixture, &first.path, "second", PLAIN)
        .await
        .unwrap();
    assert_eq!(second.base.as_deref(), Some("work"));
    assert_eq!(
        second.base_commit,
        fixture.run(&first.path, ["rev-parse", "HEAD"])
    );
}

#[tokio::test]
async fn the_base_is_a_branch_before_it_is_a_tag() {
    let fixture = Fixture::new();
    let first = fixture.run(&fixture.repo, ["rev-parse", "HEAD"]);
    let second = fixture.commit(&fixture.repo, "Second");
    fixture.run(&fixture.repo, ["tag", "-a", "both", "-m", "x", &first]);
    fixture.run(&fixture.repo, ["tag", "old", &first]);
    fixture.run(&fixture.repo, ["branch", "both", &second]);
    fixture.run(
        &fixture.repo,
        ["update-ref", "refs/remotes/origin/far", &first],
    );
    for (number, (base, commit)) in [
        ("both", &second),
        ("old", &first),
        ("origin/far", &first),
        (&first[..10], &first),
        ("main~1", &first),
    ]
    .into_iter()
    .enumerate()
    {
        let case = Case {
            base: Some(base),
            ..PLAIN
        };
        let made = create(&fixture, &number.to_string(), case).await.unwrap();
        assert_eq!(&made.base_commit, commit, "{base}");
        assert_eq!(made.base.as_deref(), Some(base));
        assert_eq!(&fixture.run(&made.path, ["rev-parse", "HEAD"]), commit);
    }
}

#[tokio::test]
async fn a_tag_of_the_branch_name_does_not_change_what_is_checked_out() {
    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["tag", "same"]);
    let second = fixture.commit(&fixture.repo, "Second");
    let case = Case {
        branch: Some("same"),
        ..PLAIN
    };
    let made = create(&fixture, "a", case).await.unwrap();
    assert_eq!(fixture.run(&made.path, ["rev-parse", "HEAD"]), second);
    assert_eq!(fixture.run(&made.path, ["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_base_that_is_no_commit_is_not_found() {
    let fixture = Fixture::new();
    for base in [
        "",
        "nothing",
        "-x",
        "--help",
        "HEAD:a.txt",
        "HEAD^{tree}",
        "a\0b",
        "..",
        "@{u}",
        "main..main",
    ] {
        let case = Case {
            base: Some(base),
            ..PLAIN
        };
        let error = fails(&fixture, case, Code::BaseNotFound).await;
        assert!(matches!(error, WorkspaceError::BaseNotFound { .. }));
    }
}

#[tokio::test]
async fn a_given_branch_must_be_new_and_valid() {
    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["branch", "fix"]);
    fixture.run(&fixture.repo, ["branch", "dir/x"]);
    for (branch, code) in [
        ("main", Code::BranchExists),
        ("fix/x", Code::BranchExists),
        ("dir", Code::BranchExists),
        ("a b", Code::BranchInvalid),
        ("-f", Code::BranchInvalid),
        ("@{-1}", Code::BranchInvalid),
        ("HEAD", Code::BranchInvalid),
    ] {
        let case = Case {
            branch: Some(branch),
            ..PLAIN
        };
        fails(&fixture, case, code).await;
    }
}

#[tokio::test]
async fn without_a_commit_or_a_repository_there_is_no_worktree() {
    let fixture = Fixture::new();
    let empty = fixture.root.join("empty");
    fixture.init(&empty);
    for base in [None, Some("main")] {
        let case = Case { base, ..PLAIN };
        let error = create_in(&fixture, &empty, "x", case).await.unwrap_err();
        assert_eq!(error.code(), Code::NoCommits);
    }
    let error = create_in(&fixture, &fixture.root, "x", PLAIN)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::NotARepository);
    assert!(!fixture.root.join("wt").exists());
}

#[tokio::test]
async fn what_is_in_the_way_stays() {
    let fixture = Fixture::new();
    fixture.write("wt/x/precious", "1");
    fails(&fixture, PLAIN, Code::WorkspaceFailed).await;
    assert!(fixture.root.join("wt/x/precious").exists());
}

#[tokio::test]
async fn a_checkout_that_fails_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.write("repo/.gitattributes", "*.txt filter=broken\n");
    fixture.commit(&fixture.repo, "Attributes");
    fixture.run(&fixture.repo, ["config", "filter.broken.smudge", "false"]);
    fixture.run(&fixture.repo, ["config", "filter.broken.required", "true"]);
    let error = fails(&fixture, PLAIN, Code::GitFailed).await;
    assert!(error.to_string().contains("smudge filter"), "{error}");
}

#[tokio::test]
async fn a_parent_that_is_a_file_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.write("wt", "a file");
    fails(&fixture, PLAIN, Code::WorkspaceFailed).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_failing_hook_is_told_but_does_not_undo_the_worktree() {
    use std::os::unix::fs::PermissionsExt;

    let fixture = Fixture::new();
    let hook = fixture.repo.join(".git/hooks/post-checkout");
    fixture.write(
        "repo/.git/hooks/post-checkout",
        "#!/bin/sh\necho no tools >&2\nexit 3\n",
    );
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    let made = create(&fixture, "a", PLAIN).await.unwrap();
    assert_eq!(made.hook_failure.as_deref(), Some("no tools"));
    assert!(made.path.join("a.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_start_together_all_get_a_worktree() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    let made = std::thread::scope(|scope| {
        // Each in a runtime of its own, so that only what is shared by the process can help.
        let threads: Vec<_> = names
            .iter()
            .map(|name| {
                let fixture = &fixture;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Runtime::new().unwrap();
                    runtime
                        .block_on(create(fixture, name, PLAIN))
                        .unwrap()
                        .branch
                })
            })
            .collect();
        let mut made: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        made.sort();
        made
    });
    assert_eq!(made[0], "fix-login");
    assert_eq!(
        made[1..],
        (2..9).map(|n| format!("fix-login-{n}")).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_worktree_is_finished_when_its_caller_gives_up() {
    let fixture = Fixture::new();
    let path = fixture.root.join("wt/x");
    let wanted = CreateWorktree {
        repo: &fixture.repo,
        path: &path,
        branch: None,
        slug_from: "x",
        base: None,
        session: SESSION,
    };
    let waited = tokio::time::timeout(
        std::time::Duration::from_millis(1),
        fixture.git.create_worktree(wanted),
    );
    assert!(waited.await.is_err(), "it was too quick to give up");
    let start = std::time::Instant::now();
    while !path.join("sub/b.txt").exists() {
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
