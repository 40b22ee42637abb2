//! Puts a session's worktree away and brings it back as it was.
//!
//! Archiving writes everything uncommitted into a commit under `refs/berth/archive/`, through an
//! index of its own, and only then removes the worktree; the branch stays. The commit has the shape
//! of a stash: its tree is the work tree, its first parent what was checked out, its second one
//! holds the index. A crash in between leaves either the whole worktree or the whole archive, and
//! the same call done again finishes it. Ignored files are not kept.

use std::path::{Path, PathBuf};

use berth_protocol::SessionId;

use crate::{
    Git, SessionWorktree, WorkspaceError,
    repository::Repository,
    snapshot::Snapshot,
    text,
    worktree::{Parents, carried_through},
};

/// Why a worktree is locked while it is being filled. One that is found with it was interrupted.
const RESTORING: &str = "berth: restoring";

/// What was put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedWork {
    /// The commit with the uncommitted changes; absent when there were none.
    pub commit: Option<String>,
}

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The branch was changed while the session was archived, in the same places: the files hold
    /// conflict marks, and the archived commit is kept.
    pub conflicted: bool,
    /// What git said when the user's post-checkout hook failed.
    pub hook_failure: Option<String>,
}

/// Where a session's uncommitted changes are kept.
pub(crate) fn ref_name(session: SessionId) -> String {
    format!("refs/berth/archive/{session}")
}

/// [`SessionWorktree`] that outlives its caller.
struct Order {
    repo: PathBuf,
    path: PathBuf,
    branch: String,
    session: SessionId,
}

impl From<SessionWorktree<'_>> for Order {
    fn from(worktree: SessionWorktree<'_>) -> Self {
        Self {
            repo: worktree.repo.to_owned(),
            path: text::resolved(worktree.path),
            branch: worktree.branch.to_owned(),
            session: worktree.session,
        }
    }
}

impl Git {
    /// Puts a session's worktree away. Doing it again is no error.
    ///
    /// # Errors
    /// [`WorkspaceError::NestedRepository`] and [`WorkspaceError::Unfinished`] when something could
    /// not be kept, [`WorkspaceError::NotAWorktree`], [`WorkspaceError::NotARepository`] and the
    /// failures of git and the file system. The worktree is then as it was.
    pub async fn archive(
        &self,
        worktree: SessionWorktree<'_>,
    ) -> Result<ArchivedWork, WorkspaceError> {
        let git = self.clone();
        let order = Order::from(worktree);
        carried_through(
            "archive a worktree",
            async move { git.put_away(order).await },
        )
        .await
    }

    /// Brings a session's worktree back at its old place, on its branch and with its uncommitted
    /// changes, staged or not. Doing it again is no error.
    ///
    /// # Errors
    /// [`WorkspaceError::PathTaken`], [`WorkspaceError::BranchInUse`],
    /// [`WorkspaceError::BranchGone`], [`WorkspaceError::NotARepository`] and the failures of git
    /// and the file system. The archive is then as it was.
    pub async fn restore(&self, worktree: SessionWorktree<'_>) -> Result<Restored, WorkspaceError> {
        let git = self.clone();
        let order = Order::from(worktree);
        carried_through("bring back a worktree", async move {
            git.bring_back(order).await
        })
        .await
    }

    async fn put_away(&self, order: Order) -> Result<ArchivedWork, WorkspaceError> {
        let repository = self
            .anchor(&order.repo, &order.path)
            .await?
            .ok_or_else(|| WorkspaceError::NotARepository {
                path: order.repo.clone(),
            })?;
        let _lock = repository.lock().await;
        let archived = ref_name(order.session);
        let root = self
            .session_worktree(&repository, &order.repo, &order.path)
            .await?;
        let Some(root) = root else {
            if order.path.exists() {
                return Err(WorkspaceError::NotAWorktree { path: order.path });
            }
            let commit = self.commit(&repository.common_dir, &archived).await?;
            return Ok(ArchivedWork { commit });
        };
        let commit = if root.exists() {
            let there = self.repository(&root).await?;
            let commit = self.snapshot(&there, &order.branch, order.session).await?;
            self.point(&repository, &archived, commit.as_deref())
                .await?;
            commit
        } else {
            self.commit(&repository.common_dir, &archived).await?
        };
        self.remove_worktree(&repository, &root).await?;
        Ok(ArchivedWork { commit })
    }

    /// Lets a ref point to the commit, or removes it.
    async fn point(
        &self,
        repository: &Repository,
        name: &str,
        commit: Option<&str>,
    ) -> Result<(), WorkspaceError> {
        let run = self.write_shared(repository, format!("update {name}"));
        let run = match commit {
            Some(commit) => run.args(["-c", "core.fsync=all", "update-ref", name, commit]),
            None => run.args(["update-ref", "-d", name]),
        };
        run.succeed().await.map(|_| ())
    }

    async fn bring_back(&self, order: Order) -> Result<Restored, WorkspaceError> {
        let repository = self.repository(&order.repo).await?;
        let _lock = repository.lock().await;
        let root = root_of(&order.path, &repository.prefix(&order.repo));
        let archived = ref_name(order.session);
        let snapshot = match self.commit(&repository.common_dir, &archived).await? {
            Some(commit) => Some(self.read_snapshot(&repository, commit).await?),
            None => None,
        };
        let entries = self.worktrees(&repository).await?;
        let known = entries
            .iter()
            .find(|entry| entry.path == root && !entry.main);
        if let Some(known) = known {
            let whole = known.locked.as_deref() != Some(RESTORING) && root.exists();
            if whole {
                self.point(&repository, &archived, None).await?;
                return Ok(Restored {
                    conflicted: false,
                    hook_failure: None,
                });
            }
            self.remove_worktree(&repository, &root).await?;
        }
        if root.symlink_metadata().is_ok() {
            return Err(WorkspaceError::PathTaken { path: root });
        }
        let start = self
            .start(&repository, &order, snapshot.as_ref(), &root)
            .await?;
        let parents = Parents::make(&root)?;
        let filled = self
            .fill(&repository, &order, snapshot.as_ref(), &start, &root)
            .await;
        match filled {
            Ok(restored) => {
                if !restored.conflicted {
                    self.point(&repository, &archived, None).await?;
                }
                Ok(restored)
            }
            Err(error) => {
                self.undo_worktree(&repository, &root).await;
                parents.undo();
                Err(error)
            }
        }
    }

    /// Where the worktree's HEAD goes.
    async fn start(
        &self,
        repository: &Repository,
        order: &Order,
        snapshot: Option<&Snapshot>,
        root: &Path,
    ) -> Result<Start, WorkspaceError> {
        let branch = match snapshot {
            Some(Snapshot {
                branch: None, head, ..
            }) => return Ok(Start::detached(head)),
            Some(Snapshot {
                branch: Some(branch),
                ..
            }) => branch,
            None => &order.branch,
        };
        let full = format!("refs/heads/{branch}");
        let entries = self.worktrees(repository).await?;
        let elsewhere = entries
            .into_iter()
            .find(|entry| entry.branch.as_deref() == Some(&full) && entry.path != root);
        if let Some(entry) = elsewhere {
            return match snapshot {
                // The agent had left its own branch for one that is taken now.
                Some(snapshot) if *branch != order.branch => Ok(Start::detached(&snapshot.head)),
                _ => Err(WorkspaceError::BranchInUse {
                    branch: branch.clone(),
                    path: entry.path,
                }),
            };
        }
        let tip = match (self.commit(&repository.common_dir, &full).await?, snapshot) {
            (Some(tip), _) => tip,
            (None, Some(snapshot)) => {
                let reason = format!("branch: Created from {}", snapshot.head);
                self.add_branch(repository, branch, &snapshot.head, &reason)
                    .await?;
                snapshot.head.clone()
            }
            (None, None) => {
                return Err(WorkspaceError::BranchGone {
                    branch: branch.clone(),
                    repo: order.repo.clone(),
                });
            }
        };
        Ok(Start {
            revision: branch.clone(),
            commit: tip,
            detached: false,
        })
    }

    async fn fill(
        &self,
        repository: &Repository,
        order: &Order,
        snapshot: Option<&Snapshot>,
        start: &Start,
        root: &Path,
    ) -> Result<Restored, WorkspaceError> {
        let mut options = vec!["--lock", "--reason", RESTORING];
        if start.detached {
            options.push("--detach");
        }
        let hook_failure = self
            .add_worktree(repository, root, &options, &start.revision)
            .await?;
        let conflicted = match snapshot {
            None => false,
            Some(snapshot) if snapshot.head == start.commit => {
                self.unpack_snapshot(root, snapshot).await?;
                false
            }
            Some(snapshot) => self.merge_snapshot(root, snapshot).await?,
        };
        std::fs::create_dir_all(&order.path).map_err(|source| WorkspaceError::Io {
            action: "make the folder",
            path: order.path.clone(),
            source,
        })?;
        self.write_shared(repository, format!("unlock {}", root.display()))
            .args(["worktree", "unlock", "--"])
            .arg(root)
            .succeed()
            .await?;
        Ok(Restored {
            conflicted,
            hook_failure,
        })
    }
}

/// What a worktree is checked out at.
struct Start {
    revision: String,
    commit: String,
    detached: bool,
}

impl Start {
    fn detached(commit: &str) -> Self {
        Self {
            revision: commit.to_owned(),
            commit: commit.to_owned(),
            detached: true,
        }
    }
}

/// Top folder of the worktree in which the session's folder is where the project's folder is in its
/// repository.
fn root_of(path: &Path, prefix: &Path) -> PathBuf {
    if path.ends_with(prefix) {
        let depth = prefix.components().count();
        path.ancestors().nth(depth).unwrap_or(path).to_owned()
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests;
