use std::path::PathBuf;

use berth_protocol::Code;

use super::*;
use crate::fixture::Fixture;

async fn info(fixture: &Fixture, path: &Path) -> Option<GitInfo> {
    fixture.git.info(path).await.unwrap()
}

fn expected(root: &Path, branch: Option<&str>) -> Option<GitInfo> {
    Some(GitInfo {
        root: root.to_str().unwrap().to_owned(),
        branch: branch.map(str::to_owned),
        linked_worktree: false,
        has_commits: true,
    })
}

/// Says that the test does not run here, and why, where `cargo xtask test` reads it. `berth_tests::skip` does the
/// same, but depends on this crate.
#[cfg(unix)]
fn skip(reason: &str) {
    use std::io::Write;

    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    println!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("BERTH_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(path).unwrap();
        // At once, for other tests write there too.
        let line = format!("{test}\t{reason}\n");
        file.write_all(line.as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn a_folder_below_the_top_belongs_to_the_repository() {
    let fixture = Fixture::new();
    let sub = fixture.repo.join("sub");
    assert_eq!(
        info(&fixture, &sub).await,
        expected(&fixture.repo, Some("main"))
    );
}

#[tokio::test]
async fn a_plain_missing_bare_or_internal_folder_has_no_work_tree() {
    let fixture = Fixture::new();
    let bare = fixture.root.join("bare");
    fixture.run(&fixture.root, ["init", "--quiet", "--bare", "bare"]);
    let missing = PathBuf::from("/nowhere/at/all");
    for path in [&fixture.root, &missing, &bare, &fixture.repo.join(".git")] {
        assert_eq!(info(&fixture, path).await, None, "{path:?}");
        assert_eq!(fixture.git.head(path).await.unwrap().commit, None);
    }
}

#[tokio::test]
async fn a_linked_worktree_says_so() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let found = info(&fixture, &worktree.path).await.unwrap();
    assert!(found.linked_worktree);
    assert_eq!(found.branch.as_deref(), Some("work"));
    assert_eq!(found.root, worktree.root.to_str().unwrap());
}

#[tokio::test]
async fn a_submodule_is_a_repository_of_its_own() {
    let fixture = Fixture::new();
    let outer = fixture.root.join("outer");
    fixture.init(&outer);
    fixture.run(&outer, ["submodule", "--quiet", "add", "../repo", "inner"]);
    fixture.commit(&outer, "Add it");
    let inner = outer.join("inner");
    assert_eq!(info(&fixture, &inner).await, expected(&inner, Some("main")));
}

#[tokio::test]
async fn a_repository_without_commits_has_a_branch_but_no_head() {
    let fixture = Fixture::new();
    let empty = fixture.root.join("empty");
    fixture.init(&empty);
    let found = info(&fixture, &empty).await.unwrap();
    assert_eq!(found.branch.as_deref(), Some("main"));
    assert!(!found.has_commits);
    assert_eq!(fixture.git.head(&empty).await.unwrap().commit, None);
    let list = fixture.git.branches(&empty).await.unwrap();
    assert_eq!((list.branches, list.default), (vec![], None));
}

#[tokio::test]
async fn a_detached_head_has_no_branch() {
    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["checkout", "--quiet", "--detach"]);
    assert_eq!(
        info(&fixture, &fixture.repo).await,
        expected(&fixture.repo, None)
    );
    let head = fixture.run(&fixture.repo, ["rev-parse", "HEAD"]);
    assert_eq!(
        fixture.git.head(&fixture.repo).await.unwrap().commit,
        Some(head)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_line_feed_in_the_path_and_a_tag_of_the_same_name_do_not_confuse() {
    let fixture = Fixture::new();
    let odd = fixture.root.join("odd\n name");
    fixture.init(&odd);
    fixture.commit(&odd, "First");
    fixture.run(&odd, ["tag", "main"]);
    assert_eq!(info(&fixture, &odd).await, expected(&odd, Some("main")));
    fixture.run(&odd, ["worktree", "add", "--quiet", "-b", "x", "../wt\nx"]);
    let linked = fixture.root.join("wt\nx");
    assert_eq!(
        fixture
            .git
            .linked(&fixture.git.repository(&odd).await.unwrap(), &linked)
            .await
            .unwrap()
            .unwrap()
            .path,
        linked
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_repository_of_another_user_says_how_to_trust_it() {
    if !nix::unistd::geteuid().is_root() {
        skip("only root can give a folder to another user");
        return;
    }
    let fixture = Fixture::new();
    for path in [fixture.repo.clone(), fixture.repo.join(".git")] {
        std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    }
    let error = fixture.git.info(&fixture.repo).await.unwrap_err();
    assert!(error.to_string().contains("safe.directory"), "{error}");
    assert_eq!(error.code(), Code::GitFailed);
}

#[tokio::test]
async fn branches_are_listed_newest_first_without_the_head_of_a_remote() {
    let fixture = Fixture::new();
    let clone = fixture.root.join("clone");
    fixture.run(&fixture.root, ["clone", "--quiet", "repo", "clone"]);
    fixture.run(&clone, ["switch", "--quiet", "-c", "new/er"]);
    fixture.run(
        &clone,
        [
            "-c",
            "user.name=x",
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "x",
            "--date=2100-01-01T00:00:00",
        ],
    );
    let list = fixture.git.branches(&clone.join("sub")).await.unwrap();
    assert_eq!(list.default.as_deref(), Some("new/er"));
    let mut names = list.branches;
    names.sort();
    assert_eq!(names, ["main", "new/er", "origin/main"]);
}
