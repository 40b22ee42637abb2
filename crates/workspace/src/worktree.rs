//! Makes the worktree that a session works in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use berth_protocol::SessionId;
use tracing::Instrument;

use crate::{Git, WorkspaceError, branch_name, repository::Repository, text, unfinished};

/// Names that are tried when others make branches of the wanted name at the same time.
const ATTEMPTS: usize = 5;

/// A worktree to be made.
#[derive(Clone, Copy, Debug)]
pub struct CreateWorktree<'a> {
    /// The project's folder, which may be below the top folder of its repository.
    pub repo: &'a Path,
    /// Top folder of the new worktree, absolute; nothing may be there yet.
    pub path: &'a Path,
    /// Name of the new branch.
    pub branch: Option<&'a str>,
    /// Message or title that a name is made from when none is given.
    pub slug_from: &'a str,
    /// Branch, tag or commit to start from; the project's HEAD when absent.
    pub base: Option<&'a str>,
    /// The session that it is for. What is left of it when the engine is killed before the session
    /// is recorded is found by this: see [`Git::clear_unfinished`].
    pub session: SessionId,
}

/// A worktree that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// Where the session works: the folder in the worktree that corresponds to the project's
    /// folder in its repository.
    pub path: PathBuf,
    /// Top folder of the worktree.
    pub root: PathBuf,
    /// The new branch.
    pub branch: String,
    /// What was asked to start from, or the project's branch.
    pub base: Option<String>,
    /// The commit that it starts from.
    pub base_commit: String,
    /// What git said when the user's post-checkout hook failed. The worktree is whole all the same.
    pub hook_failure: Option<String>,
}

/// A session's worktree, there or archived.
#[derive(Clone, Copy, Debug)]
pub struct SessionWorktree<'a> {
    /// The project's folder.
    pub repo: &'a Path,
    /// The session's folder: [`Worktree::path`].
    pub path: &'a Path,
    /// The session's branch.
    pub branch: &'a str,
    /// The session, which names what is archived.
    pub session: SessionId,
}

/// [`CreateWorktree`] that outlives its caller.
struct Order {
    repo: PathBuf,
    root: PathBuf,
    branch: Option<String>,
    slug_from: String,
    base: Option<String>,
    session: SessionId,
}

impl Git {
    /// Makes a worktree on a new branch. When it fails, no branch, folder or entry is left. It is
    /// carried through even when nobody waits for it any more.
    ///
    /// # Errors
    /// [`WorkspaceError::NotARepository`], [`WorkspaceError::NoCommits`],
    /// [`WorkspaceError::BaseNotFound`], [`WorkspaceError::BranchInvalid`],
    /// [`WorkspaceError::BranchExists`], [`WorkspaceError::BranchConflict`],
    /// [`WorkspaceError::PathTaken`] and the failures of git and the file system.
    pub async fn create_worktree(
        &self,
        wanted: CreateWorktree<'_>,
    ) -> Result<Worktree, WorkspaceError> {
        let git = self.clone();
        let order = Order {
            repo: wanted.repo.to_owned(),
            root: text::resolved(wanted.path),
            branch: wanted.branch.map(str::to_owned),
            slug_from: branch_name(wanted.slug_from),
            base: wanted.base.map(str::to_owned),
            session: wanted.session,
        };
        carried_through("make a worktree", async move { git.create(order).await }).await
    }

    async fn create(&self, order: Order) -> Result<Worktree, WorkspaceError> {
        let repository = self.repository(&order.repo).await?;
        if let Some(branch) = &order.branch {
            self.check_branch_name(&repository.top, branch).await?;
        }
        let base_commit = self.base_commit(&repository, &order).await?;
        let base = match &order.base {
            Some(base) => Some(base.clone()),
            None => self.current_branch(&repository.top).await?,
        };
        let _lock = repository.lock().await;
        if order.root.symlink_metadata().is_ok() {
            return Err(WorkspaceError::PathTaken { path: order.root });
        }
        let branch = self.make_branch(&repository, &order, &base_commit).await?;
        let made = self.check_out(&repository, &order, &branch).await;
        let (path, hook_failure) = match made {
            Ok(made) => made,
            Err(error) => {
                self.undo_branch(&repository, &branch, &base_commit).await;
                return Err(error);
            }
        };
        Ok(Worktree {
            path,
            root: order.root,
            branch,
            base,
            base_commit,
            hook_failure,
        })
    }

    async fn base_commit(
        &self,
        repository: &Repository,
        order: &Order,
    ) -> Result<String, WorkspaceError> {
        let top = &repository.top;
        let Some(base) = &order.base else {
            return self
                .commit(top, "HEAD")
                .await?
                .ok_or_else(|| WorkspaceError::NoCommits {
                    repo: order.repo.clone(),
                });
        };
        // What a list of branches offers is a branch, also when a tag has the same name.
        if !base.is_empty() {
            for folder in ["refs/heads/", "refs/remotes/", ""] {
                if let Some(commit) = self.commit(top, &format!("{folder}{base}")).await? {
                    return Ok(commit);
                }
            }
        }
        if self.commit(top, "HEAD").await?.is_none() {
            return Err(WorkspaceError::NoCommits {
                repo: order.repo.clone(),
            });
        }
        Err(WorkspaceError::BaseNotFound {
            base: base.clone(),
            repo: order.repo.clone(),
        })
    }

    /// Makes the branch by itself, because git can do that on the condition that it does not exist;
    /// only so it is certain whose branch a failure may remove.
    async fn make_branch(
        &self,
        repository: &Repository,
        order: &Order,
        commit: &str,
    ) -> Result<String, WorkspaceError> {
        let reason = unfinished::reason(commit, order.session);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let taken = self.taken(repository).await?;
            let name = match &order.branch {
                Some(branch) => match taken.conflict(branch) {
                    Some(existing) if existing == branch => {
                        return Err(WorkspaceError::BranchExists {
                            branch: branch.clone(),
                            repo: order.repo.clone(),
                        });
                    }
                    Some(existing) => {
                        return Err(WorkspaceError::BranchConflict {
                            branch: branch.clone(),
                            existing: existing.to_owned(),
                            repo: order.repo.clone(),
                        });
                    }
                    None => branch.clone(),
                },
                None => taken.unused(&order.slug_from),
            };
            match self.add_branch(repository, &name, commit, &reason).await {
                Ok(()) => return Ok(name),
                // Somebody else may have made it in the meantime; then the next look tells.
                Err(_) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes a branch that must not exist; its reflog begins with the reason.
    pub(crate) async fn add_branch(
        &self,
        repository: &Repository,
        branch: &str,
        commit: &str,
        reason: &str,
    ) -> Result<(), WorkspaceError> {
        let action = format!("make the branch {branch} in {}", repository.top.display());
        self.write_shared(repository, action)
            .args(["update-ref", "--create-reflog", "-m", reason])
            .arg(format!("refs/heads/{branch}"))
            .args([commit, &"0".repeat(commit.len())])
            .succeed()
            .await
            .map(|_| ())
    }

    /// Removes a branch that was just made, unless it was moved since.
    pub(crate) async fn undo_branch(&self, repository: &Repository, branch: &str, commit: &str) {
        let undone = self
            .write_shared(repository, format!("remove the branch {branch}"))
            .args(["update-ref", "-d"])
            .arg(format!("refs/heads/{branch}"))
            .arg(commit)
            .succeed()
            .await;
        if let Err(error) = undone {
            tracing::warn!(%error, branch, "a branch of a failed worktree is left");
        }
    }

    async fn check_out(
        &self,
        repository: &Repository,
        order: &Order,
        branch: &str,
    ) -> Result<(PathBuf, Option<String>), WorkspaceError> {
        let parents = Parents::make(&order.root)?;
        // Joining an empty path would leave a slash at the end.
        let prefix = repository.prefix(&order.repo);
        let path = if prefix.as_os_str().is_empty() {
            order.root.clone()
        } else {
            order.root.join(prefix)
        };
        let added = self
            .add_worktree(repository, &order.root, &["--no-guess-remote"], branch)
            .await;
        let made = match added {
            // The project's folder may not exist in an older commit.
            Ok(failure) => match fs::create_dir_all(&path) {
                Ok(()) => Ok((path, failure)),
                Err(source) => Err(WorkspaceError::Io {
                    action: "make the folder",
                    path,
                    source,
                }),
            },
            Err(error) => Err(error),
        };
        if made.is_err() {
            self.undo_worktree(repository, &order.root).await;
            parents.undo();
        }
        made
    }

    /// Runs `git worktree add`, and returns what git said when only the user's hook failed.
    pub(crate) async fn add_worktree(
        &self,
        repository: &Repository,
        root: &Path,
        options: &[&str],
        revision: &str,
    ) -> Result<Option<String>, WorkspaceError> {
        let answer = self
            .write(
                &repository.top,
                format!("make a worktree at {}", root.display()),
            )
            .args(["worktree", "add", "--quiet"])
            .args(options)
            .arg("--")
            .arg(root)
            .arg(revision)
            .answer()
            .await?;
        if answer.exit == Some(0) {
            return Ok(None);
        }
        // Git removes what it could not finish, but keeps a worktree whose post-checkout hook
        // failed, as it keeps any checkout then. A git that was killed had no time to remove
        // anything.
        let entries = self.worktrees(repository).await?;
        let whole = answer.exit.is_some()
            && entries.iter().any(|entry| {
                entry.path == root
                    && root.join(".git").exists()
                    && entry.locked.as_deref() != Some("initializing")
            });
        if whole {
            tracing::warn!(root = %root.display(), hook = answer.stderr, "a post-checkout hook failed");
            return Ok(Some(answer.stderr));
        }
        Err(answer.into_error())
    }

    /// Removes what a failed worktree left, as far as possible.
    pub(crate) async fn undo_worktree(&self, repository: &Repository, root: &Path) {
        let undone = match self.linked(repository, root).await {
            Ok(Some(_)) => self.remove_worktree(repository, root).await,
            Ok(None) => crate::remove::remove_folder(root.to_owned()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, root = %root.display(), "a failed worktree is left");
        }
    }
}

/// Lets a change run to its end also when its caller gives up, so that nothing is left half done.
pub(crate) async fn carried_through<T: Send + 'static>(
    action: &'static str,
    change: impl Future<Output = Result<T, WorkspaceError>> + Send + 'static,
) -> Result<T, WorkspaceError> {
    tokio::spawn(change.in_current_span())
        .await
        .map_err(|_| WorkspaceError::Interrupted { action })?
}

/// Folders above a worktree that did not exist before.
pub(crate) struct Parents(Vec<PathBuf>);

impl Parents {
    pub(crate) fn make(root: &Path) -> Result<Self, WorkspaceError> {
        let missing = root
            .ancestors()
            .skip(1)
            .take_while(|folder| !folder.exists())
            .map(Path::to_owned)
            .collect();
        let parents = Self(missing);
        let Some(parent) = root.parent() else {
            return Ok(parents);
        };
        match fs::create_dir_all(parent) {
            Ok(()) => Ok(parents),
            Err(source) => {
                parents.undo();
                Err(WorkspaceError::Io {
                    action: "make the folder",
                    path: parent.to_owned(),
                    source,
                })
            }
        }
    }

    /// Removes them again, from the lowest, as far as they are empty.
    pub(crate) fn undo(&self) {
        for folder in &self.0 {
            match fs::remove_dir(folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
