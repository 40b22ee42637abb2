//! The user's git program: where it is and which environment it runs with.
//!
//! Everything else in this crate asks git through [`Git::read`] and [`Git::write`], which start it
//! as a program with arguments, never through a shell.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{WorkspaceError, run::Run};

/// Time that a question may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Time that a change may take; checking out a large repository takes minutes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Variables that would point git at another repository than the one it is asked about, or change
/// what its answers look like. They are set when Berth itself was started from a git hook.
const REMOVED: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// The user's git program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Git(Arc<Setup>);

#[derive(Clone, Debug)]
struct Setup {
    program: PathBuf,
    /// The whole environment; the process's own when absent.
    env: Option<Vec<(OsString, OsString)>>,
    path: Option<OsString>,
}

impl Git {
    /// Looks for git on the given search path, or on the process's own `PATH` when absent. Git
    /// and the hooks that it runs get the same search path.
    ///
    /// # Errors
    /// [`WorkspaceError::GitMissing`].
    pub fn find(path_env: Option<&OsStr>) -> Result<Self, WorkspaceError> {
        let search = match path_env {
            Some(path) => path.to_owned(),
            None => std::env::var_os("PATH").unwrap_or_default(),
        };
        let name = if cfg!(windows) { "git.exe" } else { "git" };
        let program = std::env::split_paths(&search)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|candidate| is_program(candidate))
            .ok_or(WorkspaceError::GitMissing)?;
        Ok(Self(Arc::new(Setup {
            program,
            env: None,
            path: path_env.map(OsStr::to_owned),
        })))
    }

    /// The same git with this whole environment, such as the one of the user's login shell,
    /// instead of the process's own.
    #[must_use]
    pub fn with_env<K, V>(&self, env: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let env = env
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(Arc::new(Setup {
            env: Some(env.collect()),
            ..(*self.0).clone()
        }))
    }

    /// Where the program is.
    pub fn program(&self) -> &Path {
        &self.0.program
    }

    /// A question in the folder. `action` completes "could not …".
    pub(crate) fn read(&self, folder: &Path, action: impl Into<String>) -> Run {
        self.run(folder, action.into(), READ_TIMEOUT)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .args(["-c", "core.fsmonitor=false"])
    }

    /// A change in the folder. `action` completes "could not …".
    pub(crate) fn write(&self, folder: &Path, action: impl Into<String>) -> Run {
        let run = self.run(folder, action.into(), WRITE_TIMEOUT);
        if cfg!(windows) {
            return run.args(["-c", "core.longpaths=true"]);
        }
        run
    }

    fn run(&self, folder: &Path, action: String, timeout: Duration) -> Run {
        let mut command = tokio::process::Command::new(&self.0.program);
        if let Some(env) = &self.0.env {
            command
                .env_clear()
                .envs(env.iter().map(|(name, value)| (name, value)));
        }
        if let Some(path) = &self.0.path {
            command.env("PATH", path);
        }
        for name in REMOVED {
            command.env_remove(name);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .arg("-C")
            .arg(folder);
        Run::new(command, folder.to_owned(), action, timeout)
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    // Without Apple's developer tools `/usr/bin/git` only opens a dialog that offers to install
    // them; `xcode-select` tells without opening it.
    if cfg!(target_os = "macos") && path == Path::new("/usr/bin/git") {
        let tools = std::process::Command::new("/usr/bin/xcode-select")
            .arg("-p")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
        if !tools.is_ok_and(|status| status.success()) {
            return false;
        }
    }
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests;
