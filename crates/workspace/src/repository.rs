//! Where a folder's repository is, which worktrees it has, and who may change it now.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

use crate::{Git, WorkspaceError, run::Run, text};

/// Exit code of git when it does not know an option.
const USAGE: Option<i32> = Some(129);

/// Bytes that the name of a revision has at most.
const MAX_REVISION: usize = 1024;

/// One asynchronous mutex for each repository that is being changed, by its common folder.
type Locks = HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>;

/// Git takes its own locks, but fails when one is taken instead of waiting. Sessions that start at
/// the same time in one project therefore wait for each other here.
static LOCKS: LazyLock<Mutex<Locks>> = LazyLock::new(Mutex::default);

/// The repository of a folder in a git work tree. All paths are absolute and resolved.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// Top folder of the work tree.
    pub(crate) top: PathBuf,
    /// Where this work tree's HEAD and index are.
    pub(crate) git_dir: PathBuf,
    /// Where the branches and objects are, shared by all work trees.
    pub(crate) common_dir: PathBuf,
}

/// A work tree as `git worktree list` knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    /// Full name of the branch that is checked out.
    pub(crate) branch: Option<String>,
    /// Why it is locked; empty when no reason was given.
    pub(crate) locked: Option<String>,
    /// The first one, which is the repository's own and not linked.
    pub(crate) main: bool,
}

impl Repository {
    pub(crate) fn is_linked(&self) -> bool {
        self.git_dir != self.common_dir
    }

    /// The folder's path below the top folder; empty for the top folder itself.
    pub(crate) fn prefix(&self, folder: &Path) -> PathBuf {
        let folder = text::resolved(folder);
        folder
            .strip_prefix(&self.top)
            .map(Path::to_owned)
            .unwrap_or_default()
    }

    /// Waits until nobody else changes this repository through Berth.
    pub(crate) async fn lock(&self) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            match locks.get(&self.common_dir).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::new(tokio::sync::Mutex::new(()));
                    locks.insert(self.common_dir.clone(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}

impl Git {
    /// The repository whose work tree contains the folder.
    ///
    /// # Errors
    /// [`WorkspaceError::PathMissing`], [`WorkspaceError::NotARepository`] (also for a bare one and
    /// inside a `.git`) and [`WorkspaceError::DubiousOwnership`].
    pub(crate) async fn repository(&self, folder: &Path) -> Result<Repository, WorkspaceError> {
        if !folder.exists() {
            return Err(WorkspaceError::PathMissing {
                path: folder.to_owned(),
            });
        }
        let not_a_repository = || WorkspaceError::NotARepository {
            path: folder.to_owned(),
        };
        let ask = || {
            self.read(
                folder,
                format!("find the repository of {}", folder.display()),
            )
            .arg("rev-parse")
        };
        // All in one run of git, which is most of what every look at a repository costs. Outside a
        // work tree the first answer comes before the second question fails.
        let answer = ask()
            .args(["--path-format=absolute", "--is-inside-work-tree"])
            .args(["--show-toplevel", "--absolute-git-dir", "--git-common-dir"])
            .answer()
            .await?;
        let lines: Vec<&[u8]> = answer.stdout.split(|byte| *byte == b'\n').collect();
        if lines[0] != b"true" {
            return Err(match answer.exit {
                Some(0) => not_a_repository(),
                _ if lines[0] == b"false" => not_a_repository(),
                _ => answer.into_error(),
            });
        }
        if let [_, top, git_dir, common_dir, b""] = lines[..]
            && answer.exit == Some(0)
        {
            let resolved = |path| text::resolved(&text::path(path));
            return Ok(Repository {
                top: resolved(top),
                git_dir: resolved(git_dir),
                common_dir: resolved(common_dir),
            });
        }
        // A path with a line feed in it: one question after the other.
        let one = |what: &'static str| async move {
            let answer = ask()
                .args(["--path-format=absolute", what])
                .succeed()
                .await?;
            let answer = answer.strip_suffix(b"\n").unwrap_or(&answer);
            Ok::<_, WorkspaceError>(text::resolved(&text::path(answer)))
        };
        let (top, git_dir, common_dir) = tokio::try_join!(
            one("--show-toplevel"),
            one("--absolute-git-dir"),
            one("--git-common-dir"),
        )?;
        Ok(Repository {
            top,
            git_dir,
            common_dir,
        })
    }

    /// A question to the repository as a whole, whichever of its work trees exist.
    pub(crate) fn read_shared(&self, repository: &Repository, action: impl Into<String>) -> Run {
        let folder = &repository.common_dir;
        self.read(folder, action).arg("--git-dir").arg(folder)
    }

    /// A change to the repository as a whole, whichever of its work trees exist.
    pub(crate) fn write_shared(&self, repository: &Repository, action: impl Into<String>) -> Run {
        let folder = &repository.common_dir;
        self.write(folder, action).arg("--git-dir").arg(folder)
    }

    /// All work trees of the repository, also those whose folder is gone.
    pub(crate) async fn worktrees(
        &self,
        repository: &Repository,
    ) -> Result<Vec<Entry>, WorkspaceError> {
        let action = format!("list the worktrees of {}", repository.common_dir.display());
        let ask = |options: &'static [&'static str]| {
            self.read_shared(repository, &action)
                .args(["worktree", "list", "--porcelain"])
                .args(options)
        };
        let mut answer = ask(&["-z"]).answer().await?;
        let mut end = 0;
        if answer.exit == USAGE {
            // Before 2.36 there is no `-z`.
            answer = ask(&[]).answer().await?;
            end = b'\n';
        }
        if answer.exit != Some(0) {
            return Err(answer.into_error());
        }
        Ok(parse_worktrees(&answer.stdout, end))
    }

    /// The commit that a revision means, if it means one.
    pub(crate) async fn commit(
        &self,
        folder: &Path,
        revision: &str,
    ) -> Result<Option<String>, WorkspaceError> {
        if revision.is_empty() || revision.len() > MAX_REVISION || revision.contains('\0') {
            return Ok(None);
        }
        let answer = self
            .read(
                folder,
                format!("look up {revision} in {}", folder.display()),
            )
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{revision}^{{commit}}"))
            .answer()
            .await?;
        if answer.exit == Some(0) {
            let hash = text::lossy(&answer.stdout).trim().to_owned();
            return Ok(Some(hash));
        }
        match answer.into_error() {
            // `--quiet` keeps silent only about names that it does not know, not about names that
            // it cannot read, so whatever it says means that there is no such commit.
            WorkspaceError::GitFailed { .. } => Ok(None),
            other => Err(other),
        }
    }
}

fn parse_worktrees(listing: &[u8], end: u8) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in listing.split(|byte| *byte == end) {
        let (key, value) = match line.iter().position(|byte| *byte == b' ') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        if key == b"worktree" {
            entries.push(Entry {
                path: text::resolved(&text::path(value)),
                main: entries.is_empty(),
                ..Entry::default()
            });
        }
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        match key {
            b"branch" => entry.branch = Some(text::lossy(value)),
            b"locked" => entry.locked = Some(text::lossy(value)),
            _ => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests;
