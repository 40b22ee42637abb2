use tempfile::TempDir;

use super::*;

/// A data folder with an endpoint file that has this content.
struct Left {
    folder: TempDir,
    lock: EngineLock,
}

impl Left {
    fn new(content: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let lock = EngineLock::take(folder.path()).expect("nobody has the lock");
        let left = Self { folder, lock };
        private(OpenOptions::new().create_new(true).write(true))
            .open(left.file())
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .expect("the file can be written");
        left
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    fn read(&self) -> Result<Option<LeftBehind>, UselessFile> {
        left_behind(&self.lock, self.folder.path())
    }
}

fn content(url: &str, token: &str) -> String {
    format!(r#"{{"url": "{url}", "token": "{token}", "pid": 7, "version": "0.1.0"}}"#)
}

fn whole() -> String {
    content("http://127.0.0.1:4000", &"5e".repeat(32))
}

#[test]
fn what_a_killed_engine_wrote_is_read() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let lock = EngineLock::take(folder.path()).expect("nobody has the lock");
    assert_eq!(
        left_behind(&lock, folder.path()).expect("there is none"),
        None
    );
    let token = new_token();
    let endpoint = Endpoint {
        url: "http://127.0.0.1:4000".to_owned(),
        token: token.0.clone(),
        pid: 7,
        version: "0.1.0".to_owned(),
    };
    let file = EndpointFile::write(folder.path(), &endpoint).expect("it can be written");
    assert_eq!(
        left_behind(&lock, folder.path()).expect("it is whole"),
        Some(LeftBehind { port: 4000, token })
    );
    file.remove();
    assert_eq!(left_behind(&lock, folder.path()).expect("it is gone"), None);
}

#[test]
fn garbage_is_not_taken_over() {
    let token = "5e".repeat(32);
    for content in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        content("http://127.0.0.1:4000", ""),
        content("http://127.0.0.1:4000", "guess me"),
        content("http://127.0.0.1:4000", &"é5".repeat(22)),
        content("http://127.0.0.1:0", &token),
        content("http://127.0.0.1:70000", &token),
        content("http://127.0.0.1", &token),
        content("http://192.168.0.9:4000", &token),
        content("http://127.0.0.1:4000/", &token),
    ] {
        assert!(Left::new(&content).read().is_err(), "{content}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_not_taken_over() {
    use std::os::unix::fs::PermissionsExt;

    let left = Left::new(&whole());
    assert!(matches!(left.read(), Ok(Some(_))));
    for mode in [0o644, 0o620, 0o602, 0o601] {
        fs::set_permissions(left.file(), fs::Permissions::from_mode(mode))
            .expect("its permissions can be set");
        assert!(matches!(left.read(), Err(UselessFile::Exposed)), "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_taken_over_and_not_waited_for() {
    let left = Left::new(&whole());
    let elsewhere = left.folder.path().join("elsewhere");
    fs::rename(left.file(), &elsewhere).expect("it can be moved");
    std::os::unix::fs::symlink(&elsewhere, left.file()).expect("a link can be made");
    assert!(matches!(left.read(), Err(UselessFile::NotAFile)));

    fs::remove_file(left.file()).expect("the link can be removed");
    nix::unistd::mkfifo(&left.file(), nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    assert!(matches!(left.read(), Err(UselessFile::NotAFile)));

    fs::remove_file(left.file()).expect("the pipe can be removed");
    fs::create_dir(left.file()).expect("a folder can be made");
    assert!(matches!(left.read(), Err(UselessFile::NotAFile)));
}
