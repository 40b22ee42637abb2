use std::{
    collections::BTreeMap,
    fs::{self, File},
    time::{Duration, SystemTime},
};

use super::*;
use crate::{Worktree, fixture::Fixture};

/// How git finds out whether a file is as the index knows it.
#[derive(Clone, Copy, Debug)]
enum Ages {
    /// By the file's time, which is before the index's.
    Settled,
    /// By its content: it is not older than the index, as right after a checkout.
    Racy,
}

/// A repository whose user wants CRLF in work trees, and a worktree in it.
async fn windows_like() -> (Fixture, Worktree) {
    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["config", "core.autocrlf", "true"]);
    for name in ["moved", "script", "rewritten", "lf-now", "sub/removed"] {
        fixture.write(&format!("repo/{name}"), format!("{name}\nsecond\n"));
    }
    fixture.commit(&fixture.repo, "More files");
    let worktree = fixture.worktree().await;
    (fixture, worktree)
}

fn settle(fixture: &Fixture, root: &Path, ages: Ages) {
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let set = |path: &Path, time| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(time).unwrap();
    };
    for name in contents(root).keys() {
        set(&root.join(name), long_ago);
    }
    // Its exit code only says that there are changes.
    fixture.try_run(root, ["update-index", "-q", "--refresh"]);
    if let Ages::Racy = ages {
        let index = fixture.run(root, ["rev-parse", "--git-path", "index"]);
        set(&root.join(index), long_ago - Duration::from_secs(1));
    }
}

fn contents(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(".git") {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

fn status(fixture: &Fixture, root: &Path) -> String {
    fixture.run(root, ["status", "--porcelain=v2", "--untracked-files=all"])
}

/// Archives the worktree and brings it back, which must change no byte; returns what was kept.
async fn check_round_trip(fixture: &Fixture, worktree: &Worktree) -> Option<String> {
    let root = &worktree.root;
    let before = (contents(root), status(fixture, root));
    let session = fixture.session(worktree);
    let archived = fixture.git.archive(session).await.unwrap();
    assert!(!root.exists());
    fixture.git.restore(session).await.unwrap();
    assert_eq!((contents(root), status(fixture, root)), before);
    archived.commit
}

#[tokio::test]
async fn line_ends_come_back_however_old_the_files_are() {
    for ages in [Ages::Settled, Ages::Racy] {
        let (fixture, worktree) = windows_like().await;
        let root = &worktree.root;
        let write = |name: &str, text: &str| fixture.write(&format!("wt/work/{name}"), text);
        write("rewritten", "other\r\nlines\r\n");
        write("lf-now", "other\nlines\n");
        write("new-crlf", "one\r\ntwo\r\n");
        write("new-lf", "one\ntwo\n");
        write("staged-crlf", "one\r\ntwo\r\n");
        write("staged-lf", "one\ntwo\n");
        write("staged-mixed", "one\r\ntwo\n");
        fixture.run(root, ["mv", "moved", "moved-to"]);
        fixture.run(root, ["add", "staged-crlf", "staged-lf", "staged-mixed"]);
        fixture.run(root, ["rm", "--quiet", "--cached", "script"]);
        fs::remove_file(root.join("sub/removed")).unwrap();
        settle(&fixture, root, ages);
        let kept = contents(root);
        assert_eq!(kept[Path::new("moved-to")], "moved\r\nsecond\r\n");
        assert_eq!(kept[Path::new("sub/b.txt")], "b\r\n");
        assert!(
            check_round_trip(&fixture, &worktree).await.is_some(),
            "{ages:?}"
        );
    }
}

#[tokio::test]
async fn files_that_nobody_changed_are_not_kept_whatever_their_line_ends() {
    for ages in [Ages::Settled, Ages::Racy] {
        let (fixture, worktree) = windows_like().await;
        settle(&fixture, &worktree.root, ages);
        let kept = check_round_trip(&fixture, &worktree).await;
        assert_eq!(kept, None, "{ages:?}");
        fixture.write("wt/work/a.txt", "changed\r\n");
        settle(&fixture, &worktree.root, ages);
        let kept = check_round_trip(&fixture, &worktree).await.unwrap();
        let names = ["diff", "--name-only", "HEAD", &kept];
        assert_eq!(fixture.run(&fixture.repo, names), "a.txt", "{ages:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_checkout_as_fast_as_the_clock_keeps_its_line_ends() {
    use std::os::unix::fs::PermissionsExt;

    let (fixture, worktree) = windows_like().await;
    // From the moment of the checkout on, no file is older than the index.
    let hook = fixture.repo.join(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(
        &hook,
        "#!/bin/sh\ntouch -d 2001-01-01 \"$(git rev-parse --git-path index)\"\n",
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    fixture.write("wt/work/a.txt", "changed\r\n");
    assert!(check_round_trip(&fixture, &worktree).await.is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn what_changed_its_kind_comes_back_as_what_it_became() {
    let fixture = Fixture::new();
    for name in ["folder/x", "other/x", "file", "link/x"] {
        fixture.write(&format!("repo/{name}"), name);
    }
    fixture.commit(&fixture.repo, "More files");
    let worktree = fixture.worktree().await;
    let root = &worktree.root;
    for folder in ["folder", "link"] {
        fs::remove_dir_all(root.join(folder)).unwrap();
    }
    fs::remove_file(root.join("file")).unwrap();
    fixture.write("wt/work/folder", "now a file\n");
    fixture.write("wt/work/file/x", "now a folder\n");
    // Behind the link there is a file of the same name.
    std::os::unix::fs::symlink("other", root.join("link")).unwrap();
    let before = status(&fixture, root);
    let session = fixture.session(&worktree);
    assert!(fixture.git.archive(session).await.unwrap().commit.is_some());
    fixture.git.restore(session).await.unwrap();
    assert_eq!(status(&fixture, root), before);
    assert_eq!(
        fs::read_link(root.join("link")).unwrap(),
        Path::new("other")
    );
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    assert_eq!(read("folder"), "now a file\n");
    assert_eq!(read("file/x"), "now a folder\n");
}
