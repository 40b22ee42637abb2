use std::{collections::BTreeMap, fs};

use berth_protocol::Code;

use super::*;
use crate::{
    Worktree,
    fixture::{Fixture, SESSION},
};

/// What a user sees of a worktree: all files with their bytes and modes, and what git says of them.
#[derive(Debug, PartialEq)]
struct Seen {
    files: BTreeMap<PathBuf, (u32, Vec<u8>)>,
    status: String,
    head: String,
}

fn seen(fixture: &Fixture, root: &Path) -> Seen {
    let mut files = BTreeMap::new();
    collect(root, root, &mut files);
    Seen {
        files,
        status: fixture.run(
            root,
            [
                "status",
                "--porcelain=v2",
                "--branch",
                "--untracked-files=all",
            ],
        ),
        head: fixture.run(root, ["rev-parse", "HEAD"]),
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = path.symlink_metadata().unwrap();
        if path.ends_with(".git") {
            continue;
        }
        if found.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let bytes = if found.is_symlink() {
            fs::read_link(&path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        let name = path.strip_prefix(root).unwrap().to_owned();
        files.insert(name, (mode(&found), bytes));
    }
}

#[cfg(unix)]
fn mode(found: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111
}

#[cfg(not(unix))]
fn mode(_found: &fs::Metadata) -> u32 {
    0
}

async fn archive(fixture: &Fixture, worktree: &Worktree) -> Option<String> {
    let archived = fixture
        .git
        .archive(fixture.session(worktree))
        .await
        .unwrap();
    assert!(!worktree.root.exists());
    let trash = fs::read_dir(worktree.root.parent().unwrap())
        .unwrap()
        .count();
    assert_eq!(trash, 0, "something is left beside the worktree");
    archived.commit
}

async fn restore(fixture: &Fixture, worktree: &Worktree) -> Restored {
    fixture
        .git
        .restore(fixture.session(worktree))
        .await
        .unwrap()
}

fn archive_refs(fixture: &Fixture) -> String {
    fixture.run(&fixture.repo, ["for-each-ref", "refs/berth/"])
}

async fn refused(fixture: &Fixture, worktree: &Worktree) -> WorkspaceError {
    let before = seen(fixture, &worktree.root);
    let error = fixture
        .git
        .archive(fixture.session(worktree))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::WorkspaceHasWork, "{error}");
    assert_eq!(seen(fixture, &worktree.root), before);
    assert_eq!(archive_refs(fixture), "");
    error
}

#[tokio::test]
async fn a_clean_worktree_comes_back_without_a_commit() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let before = seen(&fixture, &worktree.root);
    assert_eq!(archive(&fixture, &worktree).await, None);
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
}

#[cfg(unix)]
#[tokio::test]
async fn everything_uncommitted_comes_back_as_it_was() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["config", "core.autocrlf", "true"]);
    for name in [
        "staged",
        "both",
        "gone",
        "gone-staged",
        "moved",
        "script",
        "to-link",
        "uncached",
    ] {
        fixture.write(&format!("repo/{name}"), format!("{name}\n"));
    }
    fixture.write("repo/.gitignore", "ignored\n");
    fixture.commit(&fixture.repo, "More files");
    let worktree = fixture.worktree().await;
    let root = &worktree.root;
    let write = |name: &str, text: &str| fixture.write(&format!("wt/work/{name}"), text);
    write("a.txt", "unstaged\n");
    write("staged", "staged\n!\n");
    write("both", "first\n");
    fixture.run(root, ["add", "staged", "both"]);
    write("both", "second\n");
    fs::remove_file(root.join("gone")).unwrap();
    fixture.run(root, ["rm", "--quiet", "gone-staged"]);
    fixture.run(root, ["mv", "moved", "moved-to"]);
    fixture.run(root, ["rm", "--quiet", "--cached", "uncached"]);
    fs::set_permissions(root.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(root.join("to-link")).unwrap();
    symlink("a.txt", root.join("to-link")).unwrap();
    write("new/deep/crlf", "one\r\ntwo\n");
    write("new/deep/lf", "one\ntwo\n");
    write("odd \"name\"\n", "x");
    fs::write(
        root.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9")),
        [0, 159, 146],
    )
    .unwrap();
    write("added-then-changed", "1\n");
    fixture.run(root, ["add", "added-then-changed"]);
    write("added-then-changed", "2\n");
    write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();

    let before = seen(&fixture, root);
    let commit = archive(&fixture, &worktree).await.unwrap();
    assert!(archive_refs(&fixture).starts_with(&commit));
    assert_eq!(
        fixture.run(&fixture.repo, ["rev-parse", &format!("{commit}^1")]),
        before.head
    );
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, root), before);
    assert_eq!(archive_refs(&fixture), "");
    assert_eq!(
        fixture
            .run(&fixture.repo, ["worktree", "list", "--porcelain"])
            .matches("locked")
            .count(),
        0
    );
}

#[tokio::test]
async fn a_change_in_the_same_moment_as_the_checkout_is_not_missed() {
    let fixture = Fixture::new();
    for _ in 0..5 {
        let worktree = fixture.worktree().await;
        // The same size and second as what the index remembers.
        fixture.write("wt/work/a.txt", "ONE\ntwo\n");
        assert!(archive(&fixture, &worktree).await.is_some());
        fixture
            .git
            .delete(fixture.session(&worktree), crate::BranchFate::Delete)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn ignored_files_are_not_kept() {
    let fixture = Fixture::new();
    fixture.write("repo/.gitignore", "ignored\n");
    fixture.commit(&fixture.repo, "Ignore");
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/ignored", "");
    assert_eq!(archive(&fixture, &worktree).await, None);
    restore(&fixture, &worktree).await;
    assert!(!worktree.root.join("ignored").exists());
}

#[tokio::test]
async fn a_detached_head_with_commits_comes_back() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.run(&worktree.root, ["checkout", "--quiet", "--detach"]);
    fixture.write("wt/work/new", "");
    fixture.commit(&worktree.root, "Loose");
    let before = seen(&fixture, &worktree.root);
    assert!(archive(&fixture, &worktree).await.is_some());
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
}

#[tokio::test]
async fn the_branch_that_the_agent_switched_to_comes_back_or_its_commit() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.run(&worktree.root, ["switch", "--quiet", "-c", "elsewhere"]);
    fixture.write("wt/work/a.txt", "changed\n");
    let before = seen(&fixture, &worktree.root);
    archive(&fixture, &worktree).await;
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
    archive(&fixture, &worktree).await;
    fixture.run(&fixture.repo, ["switch", "--quiet", "elsewhere"]);
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root).files, before.files);
    assert_eq!(
        fixture.run(&worktree.root, ["branch", "--show-current"]),
        ""
    );
}

#[tokio::test]
async fn a_branch_that_was_deleted_comes_back_when_its_place_is_known() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    assert_eq!(archive(&fixture, &worktree).await, None);
    fixture.run(&fixture.repo, ["branch", "-D", "work"]);
    let error = fixture
        .git
        .restore(fixture.session(&worktree))
        .await
        .unwrap_err();
    assert!(
        matches!(error, WorkspaceError::BranchGone { .. }),
        "{error}"
    );
    assert!(!fixture.root.join("wt/work").exists());

    let worktree = fixture.worktree().await;
    fixture.write("wt/work/a.txt", "changed\n");
    let before = seen(&fixture, &worktree.root);
    archive(&fixture, &worktree).await;
    fixture.run(&fixture.repo, ["branch", "-D", "work"]);
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
}

#[tokio::test]
async fn a_branch_that_moved_on_gets_the_changes_merged() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/a.txt", "one\ntwo\nmine\n");
    fixture.write("wt/work/new", "new\n");
    archive(&fixture, &worktree).await;
    fixture.run(&fixture.repo, ["switch", "--quiet", "work"]);
    fixture.write("repo/sub/b.txt", "theirs\n");
    fixture.commit(&fixture.repo, "Meanwhile");
    let error = fixture
        .git
        .restore(fixture.session(&worktree))
        .await
        .unwrap_err();
    assert!(
        matches!(error, WorkspaceError::BranchInUse { .. }),
        "{error}"
    );
    fixture.run(&fixture.repo, ["switch", "--quiet", "main"]);
    assert!(!restore(&fixture, &worktree).await.conflicted);
    let read = |name: &str| fs::read_to_string(worktree.root.join(name)).unwrap();
    assert_eq!(read("a.txt"), "one\ntwo\nmine\n");
    assert_eq!(read("sub/b.txt"), "theirs\n");
    assert_eq!(read("new"), "new\n");
    assert_eq!(archive_refs(&fixture), "");
}

#[tokio::test]
async fn a_conflict_is_told_and_the_archive_kept() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/a.txt", "mine\n");
    archive(&fixture, &worktree).await;
    fixture.run(&fixture.repo, ["switch", "--quiet", "work"]);
    fixture.write("repo/a.txt", "theirs\n");
    fixture.commit(&fixture.repo, "Meanwhile");
    fixture.run(&fixture.repo, ["switch", "--quiet", "main"]);
    assert!(restore(&fixture, &worktree).await.conflicted);
    let text = fs::read_to_string(worktree.root.join("a.txt")).unwrap();
    assert!(text.contains("mine") && text.contains("theirs"), "{text}");
    assert_ne!(archive_refs(&fixture), "");
}

#[tokio::test]
async fn both_can_be_done_again_after_every_crash() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let session = fixture.session(&worktree);
    fixture.write("wt/work/a.txt", "changed\n");
    fixture.write("wt/work/new", "");
    let before = seen(&fixture, &worktree.root);

    // After the commit was written, and more was changed since.
    fixture.run(&fixture.repo, ["update-ref", &ref_name(SESSION), "HEAD"]);
    let commit = archive(&fixture, &worktree).await.unwrap();
    // After everything.
    let again = fixture.git.archive(session).await.unwrap();
    assert_eq!(again.commit.as_deref(), Some(&*commit));

    // While it was being brought back.
    fixture.run(
        &fixture.repo,
        [
            "worktree",
            "add",
            "--quiet",
            "--lock",
            "--reason",
            RESTORING,
            worktree.root.to_str().unwrap(),
            "work",
        ],
    );
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
    // After it was brought back, with and without the commit.
    fixture.run(&fixture.repo, ["update-ref", &ref_name(SESSION), &commit]);
    restore(&fixture, &worktree).await;
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
    assert_eq!(archive_refs(&fixture), "");

    // After the folder was moved aside.
    fixture.run(&fixture.repo, ["update-ref", &ref_name(SESSION), &commit]);
    fs::rename(&worktree.root, fixture.root.join("wt/work.berth-removed")).unwrap();
    assert_eq!(archive(&fixture, &worktree).await, Some(commit));
    restore(&fixture, &worktree).await;
    assert_eq!(seen(&fixture, &worktree.root), before);
}

#[tokio::test]
async fn a_project_below_the_top_gets_its_whole_worktree_back() {
    let fixture = Fixture::new();
    let sub = fixture.repo.join("sub");
    let mut worktree = fixture.worktree().await;
    worktree.path = worktree.root.join("sub");
    let session = SessionWorktree {
        repo: &sub,
        ..fixture.session(&worktree)
    };
    fixture.write("wt/work/a.txt", "changed\n");
    fs::remove_file(worktree.root.join("sub/b.txt")).unwrap();
    let before = seen(&fixture, &worktree.root);
    fixture.git.archive(session).await.unwrap();
    assert!(!worktree.root.exists());
    fixture.git.restore(session).await.unwrap();
    assert_eq!(seen(&fixture, &worktree.root), before);
    assert!(worktree.path.is_dir());
}

#[tokio::test]
async fn a_failed_return_leaves_the_archive() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("wt/work/a.txt", "changed\n");
    archive(&fixture, &worktree).await;
    fixture.write("wt/work/precious", "");
    let before = fixture.state();
    let error = fixture
        .git
        .restore(fixture.session(&worktree))
        .await
        .unwrap_err();
    assert!(matches!(error, WorkspaceError::PathTaken { .. }), "{error}");
    assert_eq!(fixture.state(), before);
    assert!(worktree.root.join("precious").exists());
}

#[tokio::test]
async fn an_unfinished_merge_is_not_archived() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    fixture.write("repo/a.txt", "theirs\n");
    fixture.commit(&fixture.repo, "Theirs");
    fixture.write("wt/work/a.txt", "mine\n");
    fixture.commit(&worktree.root, "Mine");
    fixture.try_run(&worktree.root, ["merge", "main"]);
    let error = refused(&fixture, &worktree).await;
    assert!(
        error.to_string().contains("a merge is under way"),
        "{error}"
    );
    fixture.run(&worktree.root, ["merge", "--abort"]);
    fixture.try_run(&worktree.root, ["rebase", "main"]);
    let error = refused(&fixture, &worktree).await;
    assert!(
        error.to_string().contains("a rebase is under way"),
        "{error}"
    );
}

#[tokio::test]
async fn a_repository_inside_is_not_lost() {
    let fixture = Fixture::new();
    let worktree = fixture.worktree().await;
    let nested = worktree.root.join("dir/nested");
    fixture.init(&nested);
    fixture.write("wt/work/dir/nested/x", "");
    let error = refused(&fixture, &worktree).await;
    assert!(error.to_string().contains("dir/nested"), "{error}");
    fixture.commit(&nested, "Committed there only");
    refused(&fixture, &worktree).await;
}

#[tokio::test]
async fn a_submodule_is_archived_once_its_work_is_elsewhere() {
    let fixture = Fixture::new();
    let library = fixture.root.join("library");
    fixture.init(&library);
    fixture.commit(&library, "Library");
    fixture.run(
        &fixture.repo,
        ["submodule", "--quiet", "add", "../library", "lib"],
    );
    fixture.commit(&fixture.repo, "Add a submodule");
    let worktree = fixture.worktree().await;
    fixture.run(
        &fixture.repo,
        ["config", "submodule.lib.url", library.to_str().unwrap()],
    );
    fixture.run(&worktree.root, ["submodule", "--quiet", "update", "--init"]);
    let lib = worktree.root.join("lib");
    fixture.write("wt/work/lib/x", "");
    refused(&fixture, &worktree).await;
    fixture.commit(&lib, "Committed there only");
    refused(&fixture, &worktree).await;
    fixture.run(
        &lib,
        ["push", "--quiet", "origin", "HEAD:refs/heads/pushed"],
    );
    fixture.run(&lib, ["fetch", "--quiet"]);
    let tip = fixture.run(&lib, ["rev-parse", "HEAD"]);
    assert!(archive(&fixture, &worktree).await.is_some());
    restore(&fixture, &worktree).await;
    fixture.run(&worktree.root, ["submodule", "--quiet", "update", "--init"]);
    assert!(lib.join(".git").exists());
    assert_ne!(tip, "");
}
