use std::fs;

use berth_protocol::Code;

use super::*;
use crate::fixture::Fixture;

async fn patch(fixture: &Fixture, base: &str, file: &str) -> FilePatch {
    fixture
        .git
        .patch(&fixture.repo, Some(base), file)
        .await
        .unwrap()
}

fn head(fixture: &Fixture) -> String {
    fixture.run(&fixture.repo, ["rev-parse", "HEAD"])
}

/// The part of a patch after the line with the hashes.
fn body(patch: &FilePatch) -> &str {
    assert!(!patch.binary && !patch.truncated);
    let at = patch.patch.find("\n--- ").unwrap();
    &patch.patch[at + 1..]
}

#[tokio::test]
async fn a_changed_file_is_a_unified_diff_whatever_the_users_settings() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    for (name, value) in [
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("diff.context", "0"),
        ("color.ui", "always"),
        ("diff.relative", "true"),
    ] {
        fixture.run(&fixture.repo, ["config", name, value]);
    }
    fixture.write("repo/a.txt", "one\nTWO\n");
    let found = fixture
        .git
        .patch(&fixture.repo.join("sub"), Some(&base), "a.txt")
        .await
        .unwrap();
    assert_eq!(
        body(&found),
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n"
    );
    assert_eq!(found.path, "a.txt");
}

#[tokio::test]
async fn a_renamed_file_is_compared_with_what_it_was() {
    let fixture = Fixture::new();
    fixture.write("repo/old name", "line\n".repeat(20));
    let base = fixture.commit(&fixture.repo, "Base");
    fixture.run(&fixture.repo, ["mv", "old name", "sub/new name"]);
    fixture.write(
        "repo/sub/new name",
        format!("{}more\n", "line\n".repeat(20)),
    );
    let found = patch(&fixture, &base, "sub/new name").await;
    assert!(
        found
            .patch
            .contains("rename from old name\nrename to sub/new name\n"),
        "{found:?}"
    );
    assert!(found.patch.contains("+more\n"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_patch_of_an_untracked_file_is_what_git_would_print() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let fixture = Fixture::new();
    let base = head(&fixture);
    let repo = &fixture.repo;
    let files: &[(&str, &str)] = &[
        ("plain", "1\n2\n"),
        ("one", "1\n"),
        ("unfinished", "1\n2"),
        ("empty", ""),
        ("with space", "x\n"),
        ("odd\n\"\t\\", "x\n"),
        ("ünï", "x\n"),
        ("script", "#!/bin/sh\n"),
        (":(top)magic*", "x\n"),
    ];
    for (name, text) in files {
        fixture.write(&format!("repo/{name}"), text);
    }
    fs::set_permissions(repo.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/etc/passwd", repo.join("link")).unwrap();
    let names = files.iter().map(|(name, _)| *name).chain(["link"]);
    for name in names {
        let untracked = patch(&fixture, &base, name).await;
        fixture.run(
            repo,
            ["--literal-pathspecs", "add", "--intent-to-add", "--", name],
        );
        let tracked = patch(&fixture, &base, name).await;
        fixture.run(
            repo,
            [
                "--literal-pathspecs",
                "rm",
                "--quiet",
                "--cached",
                "--",
                name,
            ],
        );
        let without_hashes: String = tracked
            .patch
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("index "))
            // Git ends a name with white space in it by a tab.
            .map(|line| line.replace("b/with space\t\n", "b/with space\n"))
            .collect();
        assert_eq!(untracked.patch, without_hashes, "{name:?}");
        assert!(!untracked.binary && !untracked.truncated);
    }
}

#[tokio::test]
async fn a_binary_file_has_no_text() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    fixture.write("repo/a.txt", [0, 1]);
    fixture.write("repo/new", [0, 1]);
    fixture.write("repo/large", vec![b'x'; 1024 * 1024 + 1]);
    for file in ["a.txt", "new", "large"] {
        let found = patch(&fixture, &base, file).await;
        assert!(found.binary && found.patch.is_empty(), "{file}");
    }
}

#[tokio::test]
async fn a_long_patch_ends_early_at_a_whole_line() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    fixture.write("repo/a.txt", "0123456789 äöü\n".repeat(200_000));
    fixture.write("repo/new", "y\n".repeat(500_000));
    for file in ["a.txt", "new"] {
        let found = patch(&fixture, &base, file).await;
        assert!(found.truncated && !found.binary, "{file}");
        assert!(found.patch.len() <= MAX_PATCH && found.patch.len() > MAX_PATCH - 100);
        assert!(found.patch.ends_with('\n') && !found.patch.contains('\u{fffd}'));
    }
}

#[tokio::test]
async fn deleted_retyped_and_uncached_files_have_a_patch() {
    let fixture = Fixture::new();
    fixture.write("repo/uncached", "old\n");
    let base = fixture.commit(&fixture.repo, "Base");
    fs::remove_file(fixture.repo.join("a.txt")).unwrap();
    let found = patch(&fixture, &base, "a.txt").await;
    assert_eq!(
        body(&found),
        "--- a/a.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n"
    );
    fixture.run(&fixture.repo, ["rm", "--quiet", "--cached", "uncached"]);
    fixture.write("repo/uncached", "new\n");
    let found = patch(&fixture, &base, "uncached").await;
    assert!(
        found.patch.contains("-old\n") && found.patch.contains("+new\n"),
        "{found:?}"
    );
}

#[tokio::test]
async fn conflicts_and_submodules_have_a_patch() {
    let fixture = Fixture::new();
    let repo = &fixture.repo;
    let library = fixture.root.join("library");
    fixture.init(&library);
    fixture.commit(&library, "Library");
    fixture.run(repo, ["submodule", "--quiet", "add", "../library", "lib"]);
    let base = fixture.commit(repo, "Base");
    fixture.run(repo, ["switch", "--quiet", "-c", "other"]);
    fixture.write("repo/a.txt", "other\n");
    fixture.commit(repo, "Other");
    fixture.run(repo, ["switch", "--quiet", "main"]);
    fixture.write("repo/a.txt", "main\n");
    fixture.commit(repo, "Main");
    fixture.try_run(repo, ["merge", "other"]);
    fixture.commit(&repo.join("lib"), "More");
    assert!(
        patch(&fixture, &base, "a.txt")
            .await
            .patch
            .contains("+<<<<<<< HEAD\n")
    );
    assert!(
        patch(&fixture, &base, "lib")
            .await
            .patch
            .contains("+Subproject commit ")
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_is_not_text_is_found_as_it_was_told() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let fixture = Fixture::new();
    let name = fixture.repo.join(OsStr::from_bytes(b"caf\xe9"));
    fs::write(&name, "1\n").unwrap();
    let base = head(&fixture);
    let untracked = patch(&fixture, &base, "caf\u{fffd}").await;
    assert!(
        untracked.patch.contains("+++ \"b/caf\\351\"\n"),
        "{untracked:?}"
    );
    let base = fixture.commit(&fixture.repo, "Base");
    fs::write(&name, "2\n").unwrap();
    let tracked = patch(&fixture, &base, "caf\u{fffd}").await;
    assert!(tracked.patch.contains("-1\n+2\n"), "{tracked:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn no_path_leads_out_of_the_workspace() {
    let fixture = Fixture::new();
    let base = head(&fixture);
    fixture.write("outside/secret", "1\n");
    std::os::unix::fs::symlink("../outside", fixture.repo.join("way")).unwrap();
    let code = async |file: &str| {
        let found = fixture.git.patch(&fixture.repo, Some(&base), file).await;
        found.unwrap_err().code()
    };
    for file in [
        "",
        "/etc/passwd",
        "../outside/secret",
        "sub/../../outside/secret",
        ".git/config",
        "sub/.GIT/x",
        "a\0",
        ".",
        "./a.txt",
    ] {
        assert_eq!(code(file).await, Code::BadRequest, "{file:?}");
    }
    for file in [
        "way/secret",
        "a.txt",
        "sub",
        "nothing",
        "*",
        ":(top)",
        "--output=x",
    ] {
        assert_eq!(code(file).await, Code::FileNotFound, "{file:?}");
    }
}

#[tokio::test]
async fn before_the_first_commit_everything_is_an_addition() {
    let fixture = Fixture::new();
    let empty = fixture.root.join("empty");
    fixture.init(&empty);
    fixture.write("empty/staged", "1\n");
    fixture.run(&empty, ["add", "staged"]);
    let found = fixture.git.patch(&empty, None, "staged").await.unwrap();
    assert_eq!(
        body(&found),
        "--- /dev/null\n+++ b/staged\n@@ -0,0 +1 @@\n+1\n"
    );
}
