//! What a router's folder holds, for whom, and when it is removed.

use serde_json::json;

use super::*;

#[test]
fn a_folder_is_made_anew_and_removed_whole() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("routers/one");
    let folder = Folder::make(&path).unwrap();
    folder.write_config(&json!({"PORT": 1})).unwrap();
    fs::write(folder.home().join("left"), "x").unwrap();
    let folder = Folder::make(&path).unwrap();
    assert!(!folder.home().join("left").exists());
    folder.write_config(&json!({"PORT": 2})).unwrap();
    let config = fs::read(folder.home().join(".claude-code-router/config.json")).unwrap();
    assert_eq!(config, br#"{"PORT":2}"#);
    folder.remove().unwrap();
    assert!(!path.exists());
    folder.remove().unwrap();
}

#[test]
fn a_folder_with_something_else_in_it_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    fs::create_dir(folder.path().join("home")).unwrap();
    let refused = Folder::make(folder.path()).unwrap_err();
    assert!(matches!(refused, RouterError::FolderTaken(_)), "{refused}");
    assert!(folder.path().join("home").exists());
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let above = tempfile::tempdir().unwrap();
    let folder = Folder::make(&above.path().join("one")).unwrap();
    folder.write_config(&json!({})).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let config = folder.home().join(".claude-code-router/config.json");
    for (path, wanted) in [
        (&folder.0, 0o700),
        (&folder.home(), 0o700),
        (&folder.temporary(), 0o700),
        (&config, 0o600),
        (&folder.preload(), 0o600),
    ] {
        assert_eq!(mode(path), wanted, "{}", path.display());
    }
}
