//! git repositories for tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A repository with a few commits on `main` and another branch.
pub struct Repository {
    /// Its folder.
    pub path: PathBuf,
}

impl Repository {
    /// Makes one with history in a folder that must not exist.
    pub fn with_history(path: &Path) -> Self {
        let repository = Self::empty(path);
        for (name, content) in [
            ("README.md", "# Test\n"),
            ("notes.txt", "one\ntwo\nthree\n"),
        ] {
            repository.commit(name, content);
        }
        repository.git(&["branch", "other", "HEAD~1"]);
        repository
    }

    /// Makes one without a commit in a folder that must not exist.
    pub fn empty(path: &Path) -> Self {
        fs::create_dir_all(path).expect("the repository's folder can be made");
        let path = path
            .canonicalize()
            .expect("the repository's folder is there");
        let repository = Self { path };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "user.name", "Test"]);
        repository.git(&["config", "user.email", "test@example.org"]);
        repository
    }

    /// Writes a file and commits it.
    pub fn commit(&self, name: &str, content: &str) {
        self.write(name, content);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", &format!("Add {name}")]);
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.path.join(name), content).expect("the file can be written");
    }

    /// Runs git and returns what it printed, without blanks around it.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.path, arguments)
    }
}

/// Runs git in a folder and returns what it printed, without blanks around it.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "git {arguments:?} in {}: {said}",
        folder.display()
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
