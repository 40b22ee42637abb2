use std::{collections::HashSet, fs};

use berth_protocol::Code;

use super::*;
use crate::fixture::Fixture;

async fn compare(fixture: &Fixture, base: Option<&str>) -> Comparison {
    fixture.git.compare(&fixture.repo, base).await.unwrap()
}

fn head(fixture: &Fixture) -> String {
    fixture.run(&fixture.repo, ["rev-parse", "HEAD"])
}

/// One line for each file: kind, lines, path and the path before.
fn told(comparison: &Comparison) -> Vec<String> {
    let number = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
    comparison
        .files()
        .iter()
        .map(|file| {
            let old = file.old_path.as_ref().map(|old| format!(" from {old}"));
            format!(
                "{:?} +{} -{} {}{}",
                file.kind,
                number(file.added),
                number(file.removed),
                file.path,
                old.unwrap_or_default()
            )
        })
        .collect()
}

#[tokio::test]
async fn a_clean_workspace_has_one_empty_page() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    let comparison = compare(&fixture, Some(&base)).await;
    let page = comparison.page(None, 10).unwrap();
    assert_eq!(
        page,
        DiffPage {
            base_commit: Some(base),
            total: DiffStat::default(),
            files: vec![],
            next: None,
        }
    );
}

#[cfg(unix)]
#[tokio::test]
async fn every_kind_of_change_is_told() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let fixture = Fixture::new();
    let repo = fixture.repo.clone();
    for name in [
        "binary",
        "deleted",
        "mode",
        "rename",
        "type",
        "uncached",
        "committed",
    ] {
        fixture.write(&format!("repo/{name}"), format!("{name}\n").repeat(9));
    }
    fixture.write("repo/.gitignore", "ignored\n");
    let base = fixture.commit(&repo, "Base");
    fixture.write("repo/committed", "less\n");
    fixture.commit(&repo, "After the base");
    fixture.write("repo/ignored", "");
    fixture.write("repo/a.txt", "one\nTWO\nthree\n");
    fixture.write("repo/binary", [0, 1, 2]);
    fs::remove_file(repo.join("deleted")).unwrap();
    fs::set_permissions(repo.join("mode"), fs::Permissions::from_mode(0o755)).unwrap();
    fixture.run(&repo, ["mv", "rename", "renamed to"]);
    fs::remove_file(repo.join("type")).unwrap();
    symlink("a.txt", repo.join("type")).unwrap();
    fixture.run(&repo, ["rm", "--quiet", "--cached", "uncached"]);
    fixture.write("repo/added", "1\n2");
    fixture.run(&repo, ["add", "added"]);
    fixture.write("repo/new/text", "1\n2\n3");
    fixture.write("repo/new/binary", [0]);
    fixture.write("repo/new/empty", "");
    fixture.write("repo/new/line\nfeed \"quoted\"\t", "x\n");
    symlink("/etc/passwd", repo.join("new/link")).unwrap();
    fixture.init(&repo.join("new/nested"));
    let comparison = compare(&fixture, Some(&base)).await;
    assert_eq!(
        told(&comparison),
        [
            "Modified +2 -1 a.txt",
            "Added +2 -0 added",
            "Modified +- -- binary",
            "Modified +1 -9 committed",
            "Deleted +0 -9 deleted",
            "Modified +0 -0 mode",
            "Untracked +- -- new/binary",
            "Untracked +0 -0 new/empty",
            "Untracked +1 -0 new/line\nfeed \"quoted\"\t",
            "Untracked +1 -0 new/link",
            "Untracked +- -- new/nested/",
            "Untracked +3 -0 new/text",
            "Renamed +0 -0 renamed to from rename",
            "TypeChanged +1 -9 type",
            "Modified +9 -9 uncached",
        ]
    );
    let total = DiffStat {
        files: 15,
        added: 20,
        removed: 37,
    };
    assert_eq!(comparison.total(), total);
    assert_eq!(comparison.root(), repo);
}

#[tokio::test]
async fn a_conflicted_file_is_told_once() {
    let fixture = Fixture::new();
    let repo = &fixture.repo;
    let base = head(&fixture);
    fixture.run(repo, ["switch", "--quiet", "-c", "other"]);
    fixture.write("repo/a.txt", "other\n");
    fixture.run(repo, ["rm", "--quiet", "sub/b.txt"]);
    fixture.commit(repo, "Other");
    fixture.run(repo, ["switch", "--quiet", "main"]);
    fixture.write("repo/a.txt", "main\n");
    fixture.write("repo/sub/b.txt", "changed\n");
    fixture.commit(repo, "Main");
    fixture.try_run(repo, ["merge", "other"]);
    let comparison = compare(&fixture, Some(&base)).await;
    assert_eq!(
        told(&comparison),
        ["Conflicted +5 -2 a.txt", "Conflicted +1 -1 sub/b.txt"]
    );
}

#[tokio::test]
async fn a_submodule_with_new_commits_is_changed() {
    let fixture = Fixture::new();
    let library = fixture.root.join("library");
    fixture.init(&library);
    fixture.commit(&library, "Library");
    fixture.run(
        &fixture.repo,
        ["submodule", "--quiet", "add", "../library", "lib"],
    );
    let base = fixture.commit(&fixture.repo, "Add it");
    fixture.commit(&fixture.repo.join("lib"), "More");
    assert_eq!(
        told(&compare(&fixture, Some(&base)).await),
        ["Modified +1 -1 lib"]
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn names_that_are_not_text_are_told_as_far_as_they_are() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let fixture = Fixture::new();
    let base = head(&fixture);
    fs::write(fixture.repo.join(OsStr::from_bytes(b"caf\xe9")), "x\n").unwrap();
    fs::write(fixture.repo.join(OsStr::from_bytes(b"caf\xe8")), "x\n").unwrap();
    assert_eq!(
        told(&compare(&fixture, Some(&base)).await),
        ["Untracked +1 -0 caf\u{fffd}", "Untracked +1 -0 caf\u{fffd}"]
    );
}

#[tokio::test]
async fn before_the_first_commit_everything_is_new() {
    let fixture = Fixture::new();
    let empty = fixture.root.join("empty");
    fixture.init(&empty);
    fixture.write("empty/staged", "1\n");
    fixture.run(&empty, ["add", "staged"]);
    fixture.write("empty/untracked", "1\n");
    let comparison = fixture.git.compare(&empty, None).await.unwrap();
    assert_eq!(
        told(&comparison),
        ["Added +1 -0 staged", "Untracked +1 -0 untracked"]
    );
}

#[tokio::test]
async fn a_folder_below_the_top_compares_the_whole_work_tree() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    fixture.run(&fixture.repo, ["config", "diff.relative", "true"]);
    fixture.write("repo/a.txt", "x\n");
    fixture.write("repo/new", "x\n");
    let sub = fixture.repo.join("sub");
    let comparison = fixture.git.compare(&sub, Some(&base)).await.unwrap();
    assert_eq!(
        told(&comparison),
        ["Modified +1 -2 a.txt", "Untracked +1 -0 new"]
    );
}

#[tokio::test]
async fn the_users_settings_and_tools_do_not_change_the_comparison() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    fixture.write("repo/.git/info/attributes", "*.txt diff=odd\n");
    for (name, value) in [
        ("diff.odd.textconv", "false"),
        ("diff.odd.command", "false"),
        ("diff.external", "false"),
        ("core.fsmonitor", "false-program"),
        ("diff.renames", "false"),
        ("color.ui", "always"),
        ("status.showUntrackedFiles", "no"),
    ] {
        fixture.run(&fixture.repo, ["config", name, value]);
    }
    fixture.write("repo/a.txt", "x\n");
    fixture.run(&fixture.repo, ["mv", "sub/b.txt", "moved"]);
    assert_eq!(
        told(&compare(&fixture, Some(&base)).await),
        ["Modified +1 -2 a.txt", "Renamed +0 -0 moved from sub/b.txt"]
    );
}

#[tokio::test]
async fn an_unknown_base_is_an_error() {
    let fixture = Fixture::new();
    for base in ["nothing", "--output=/tmp/x", ""] {
        let error = fixture
            .git
            .compare(&fixture.repo, Some(base))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::BaseNotFound);
    }
}

#[tokio::test]
async fn the_pages_of_20000_files_have_each_file_once() {
    const FILES: usize = 20_000;
    let fixture = Fixture::new();
    let base = head(&fixture);
    for number in 0..FILES {
        let path = fixture.repo.join(format!("d{}", number % 100));
        if number < 100 {
            fs::create_dir(&path).unwrap();
        }
        fs::write(path.join(format!("f{number}")), "x\n").unwrap();
    }
    fixture.run(&fixture.repo, ["add", "d1", "d2", "d3"]);
    let comparison = compare(&fixture, Some(&base)).await;
    assert_eq!(comparison.total().files as usize, FILES);
    assert_eq!(comparison.total().added as usize, FILES);
    let mut seen = HashSet::new();
    let mut cursor: Option<String> = None;
    let mut last = String::new();
    loop {
        let page = comparison.page(cursor.as_deref(), 333).unwrap();
        for file in page.files {
            assert!(last < file.path, "{} is not after {last}", file.path);
            last.clone_from(&file.path);
            assert!(seen.insert(file.path), "{last} stands twice");
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), FILES);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_comparison() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    fixture.write("repo/x", "");
    fixture.write("repo/y", "");
    let first = compare(&fixture, Some(&base)).await;
    let cursor = first.page(None, 0).unwrap().next.unwrap();
    assert!(first.owns(&cursor));
    assert_eq!(
        first.page(Some(&cursor), usize::MAX).unwrap().files[0].path,
        "y"
    );
    let second = compare(&fixture, Some(&base)).await;
    for cursor in [&cursor, "", ".", "1", &format!("{}.99", second.id.simple())] {
        assert!(!second.owns(cursor));
        let error = second.page(Some(cursor), 1).unwrap_err();
        assert_eq!(error.code(), Code::DiffStale);
    }
}
