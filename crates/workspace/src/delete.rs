//! Deletes a session's worktree, and its branch when that is asked for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use berth_protocol::SessionId;

use crate::{
    Git, SessionWorktree, WorkspaceError, archive,
    remove::{is_dead, remove_folder},
    repository::Repository,
    text,
    worktree::carried_through,
};

/// What becomes of a deleted session's branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchFate {
    /// It stays.
    Keep,
    /// It is deleted, also with commits that are nowhere else.
    Delete,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The branch no longer exists. It stays when it was to be kept or is checked out elsewhere.
    pub branch_deleted: bool,
}

impl Git {
    /// Deletes a session's worktree with its uncommitted changes, what was archived of it, and its
    /// branch if asked for. It is no error when some or all of it is gone, the project's folder
    /// included. Whether something would be lost is for the caller to ask before.
    ///
    /// # Errors
    /// [`WorkspaceError::NotAWorktree`] when something else is in the worktree's place, and the
    /// failures of git and the file system.
    pub async fn delete(
        &self,
        worktree: SessionWorktree<'_>,
        branch: BranchFate,
    ) -> Result<Deleted, WorkspaceError> {
        let git = self.clone();
        let repo = worktree.repo.to_owned();
        let path = worktree.path.to_owned();
        let session = worktree.session;
        let doomed = (branch == BranchFate::Delete).then(|| worktree.branch.to_owned());
        carried_through("delete a worktree", async move {
            let Some(repository) = git.anchor(&repo, &path).await? else {
                remove_dead(&path).await?;
                // The branch went with its repository.
                return Ok(Deleted {
                    branch_deleted: true,
                });
            };
            git.delete_in(&repository, &repo, &path, doomed, session)
                .await
        })
        .await
    }

    async fn delete_in(
        &self,
        repository: &Repository,
        repo: &Path,
        path: &Path,
        doomed: Option<String>,
        session: SessionId,
    ) -> Result<Deleted, WorkspaceError> {
        let _lock = repository.lock().await;
        match self.session_worktree(repository, repo, path).await? {
            Some(root) => self.remove_worktree(repository, &root).await?,
            None => remove_dead(path).await?,
        }
        let branch_deleted = match doomed {
            Some(branch) => self.delete_branch(repository, &branch).await?,
            None => false,
        };
        let name = archive::ref_name(session);
        self.write_shared(repository, format!("delete {name}"))
            .args(["update-ref", "-d", &name])
            .succeed()
            .await?;
        Ok(Deleted { branch_deleted })
    }

    /// The repository that a session's worktree belongs to, found from the project or, if that is
    /// gone, from the worktree.
    pub(crate) async fn anchor(
        &self,
        repo: &Path,
        path: &Path,
    ) -> Result<Option<Repository>, WorkspaceError> {
        match self.repository(repo).await {
            Err(error) if error.is_not_a_repository() => {}
            found => return found.map(Some),
        }
        match self.repository(path).await {
            // A folder that is no worktree any more may lie in a repository that has nothing to do
            // with it, such as one of the whole home folder.
            Ok(repository) => Ok(Some(repository).filter(Repository::is_linked)),
            Err(error) if error.is_not_a_repository() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Top folder of the linked worktree that the session works in, as far as git knows it.
    ///
    /// # Errors
    /// [`WorkspaceError::NotAWorktree`] when the project itself is in that worktree: then it is the
    /// user's and not the session's.
    pub(crate) async fn session_worktree(
        &self,
        repository: &Repository,
        repo: &Path,
        path: &Path,
    ) -> Result<Option<PathBuf>, WorkspaceError> {
        let Some(entry) = self.linked(repository, path).await? else {
            return Ok(None);
        };
        if text::resolved(repo).starts_with(&entry.path) {
            return Err(WorkspaceError::NotAWorktree {
                path: path.to_owned(),
            });
        }
        Ok(Some(entry.path))
    }

    /// Deletes a branch, and says whether it no longer exists.
    async fn delete_branch(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<bool, WorkspaceError> {
        let full = format!("refs/heads/{branch}");
        let entries = self.worktrees(repository).await?;
        if entries
            .iter()
            .any(|entry| entry.branch.as_deref() == Some(&full))
        {
            return Ok(false);
        }
        if self.commit(&repository.common_dir, &full).await?.is_none() {
            return Ok(true);
        }
        self.write_shared(repository, format!("delete the branch {branch}"))
            .args(["branch", "--quiet", "-D", "--", branch])
            .succeed()
            .await?;
        Ok(true)
    }
}

/// Deletes what is left of a worktree that no repository knows: an empty folder, or one whose
/// `.git` points to nothing.
async fn remove_dead(path: &Path) -> Result<(), WorkspaceError> {
    if path.symlink_metadata().is_err() || fs::remove_dir(path).is_ok() {
        return Ok(());
    }
    let root = path
        .ancestors()
        .find(|folder| folder.join(".git").symlink_metadata().is_ok())
        .filter(|folder| is_dead(folder));
    match root {
        Some(root) => remove_folder(root.to_owned()).await,
        None => Err(WorkspaceError::NotAWorktree {
            path: path.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
