use std::fs;

use berth_protocol::Code;

use super::*;

fn check(path: &str) -> Result<PathBuf, Code> {
    check_folder(path, None).map_err(|error| error.code())
}

#[test]
fn each_kind_of_unusable_path_has_its_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(check(""), Err(Code::PathNotAbsolute));
    assert_eq!(check("relative/x"), Err(Code::PathNotAbsolute));
    assert_eq!(check("./x"), Err(Code::PathNotAbsolute));
    assert_eq!(check("~somebody/x"), Err(Code::PathNotAbsolute));
    assert_eq!(check("~/x"), Err(Code::PathNotAbsolute), "no home is known");
    assert_eq!(check(&format!("{file}-not")), Err(Code::PathMissing));
    assert_eq!(check(&format!("{file}/below")), Err(Code::PathMissing));
    assert_eq!(check(&format!("{file}\0")), Err(Code::PathMissing));
    assert_eq!(
        check(&format!("{file}{}", "x".repeat(5000))),
        Err(Code::PathMissing)
    );
    assert_eq!(check(file), Err(Code::PathNotFolder));
}

#[test]
fn a_leading_tilde_means_home_and_never_leads_to_the_top() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("x")).unwrap();
    let resolved = plain(home.path().canonicalize().unwrap());
    let check = |path| check_folder(path, Some(home.path())).unwrap();
    assert_eq!(check("~"), resolved);
    assert_eq!(check("~/"), resolved);
    assert_eq!(check("~/x"), resolved.join("x"));
    assert_eq!(check("~//x"), resolved.join("x"));
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    fs::create_dir(&target).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let found = check(link.to_str().unwrap()).unwrap();
    assert_eq!(found, target.canonicalize().unwrap());
}

/// Root may read everything, so the check runs as another user, in a copy of this test program
/// that this user can reach.
#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_listed_or_entered_is_not_readable() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};

    const NOBODY: u32 = 65534;
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), 0o755);
    let hidden = folder.path().join("hidden");
    let locked = folder.path().join("locked");
    for (path, mode) in [(&hidden, 0o311), (&locked, 0o644)] {
        fs::create_dir(path).unwrap();
        open(path, mode);
    }
    let program = folder.path().join("test-program");
    // By another program: a file that this one has written may still be open in a process that another test
    // is starting, and cannot be run then (ETXTBSY).
    let copied = std::process::Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    open(&program, 0o755);
    for path in [&hidden, &locked] {
        let mut child = std::process::Command::new(&program);
        child
            .args(["--ignored", "--exact", "folder::tests::as_another_user"])
            .arg("--nocapture")
            .current_dir("/")
            .env("BERTH_TEST_FOLDER", path);
        if nix::unistd::geteuid().is_root() {
            child.uid(NOBODY).gid(NOBODY);
        }
        let output = child.output().unwrap();
        assert!(output.status.success(), "{path:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("is refused"), "{said}");
    }
    open(&hidden, 0o755);
    open(&locked, 0o755);
}

/// The part of the test above that runs as another user; nothing by itself.
#[cfg(unix)]
#[test]
#[ignore = "a part of another test"]
fn as_another_user() {
    let Ok(path) = std::env::var("BERTH_TEST_FOLDER") else {
        return;
    };
    assert_eq!(check(&path), Err(Code::PathNotReadable));
    println!("{path} is refused");
}

#[test]
fn the_list_has_visible_folders_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b/.git", "A", "c", ".hidden"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("file"), "").unwrap();
    let list = list_folders(folder.path()).unwrap();
    let found: Vec<_> = list
        .folders
        .iter()
        .map(|folder| (folder.name.as_str(), folder.git))
        .collect();
    assert_eq!(found, [("A", false), ("b", true), ("c", false)]);
    assert_eq!(list.path, folder.path().to_str().unwrap());
}
