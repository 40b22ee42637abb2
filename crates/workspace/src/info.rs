//! What git says of a project's folder: its branch, its branches, its commit.

use std::{collections::HashSet, path::Path};

use berth_protocol::{BranchList, GitInfo};

use crate::{
    Git, WorkspaceError,
    text::{lossy, lossy_path},
};

/// Branches that [`Git::branches`] returns at most.
const MAX_BRANCHES: usize = 500;

/// What is checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The branch; absent when HEAD is detached.
    pub branch: Option<String>,
    /// The commit; absent before the first one.
    pub commit: Option<String>,
}

impl Git {
    /// What git says of the folder; nothing when it is gone or not in a git work tree, which also
    /// holds for a bare repository.
    ///
    /// # Errors
    /// [`WorkspaceError::DubiousOwnership`] when git refuses the repository, and the failures of
    /// git itself.
    pub async fn info(&self, path: &Path) -> Result<Option<GitInfo>, WorkspaceError> {
        let repository = match self.repository(path).await {
            Ok(repository) => repository,
            Err(error) if error.is_not_a_repository() => return Ok(None),
            Err(error) => return Err(error),
        };
        let head = self.head_of(&repository.top).await?;
        Ok(Some(GitInfo {
            root: lossy_path(&repository.top),
            branch: head.branch,
            linked_worktree: repository.is_linked(),
            has_commits: head.commit.is_some(),
        }))
    }

    /// The branches that a new worktree can start from.
    ///
    /// # Errors
    /// [`WorkspaceError::PathMissing`], [`WorkspaceError::NotARepository`] and the failures of git.
    pub async fn branches(&self, path: &Path) -> Result<BranchList, WorkspaceError> {
        let repository = self.repository(path).await?;
        let answer = self
            .read_shared(
                &repository,
                format!("list the branches of {}", path.display()),
            )
            .args([
                "for-each-ref",
                "--sort=-committerdate",
                // A remote's HEAD is listed too and left out below.
                "--count=600",
                "--format=%(refname)%09%(symref)",
                "refs/heads/",
                "refs/remotes/",
            ])
            .succeed()
            .await?;
        let mut seen = HashSet::new();
        let branches: Vec<String> = lossy(&answer)
            .lines()
            .filter_map(|line| line.strip_suffix('\t'))
            .filter_map(|name| {
                name.strip_prefix("refs/heads/")
                    .or_else(|| name.strip_prefix("refs/remotes/"))
            })
            .filter(|name| seen.insert((*name).to_owned()))
            .take(MAX_BRANCHES)
            .map(str::to_owned)
            .collect();
        // The current branch of a repository without commits does not exist yet.
        let default = match self.commit(&repository.top, "HEAD").await? {
            Some(_) => self.current_branch(&repository.top).await?,
            None => None,
        };
        Ok(BranchList { branches, default })
    }

    /// What is checked out in the folder; nothing outside git.
    ///
    /// # Errors
    /// [`WorkspaceError::DubiousOwnership`] and the failures of git itself.
    pub async fn head(&self, path: &Path) -> Result<Head, WorkspaceError> {
        match self.repository(path).await {
            Ok(repository) => self.head_of(&repository.top).await,
            Err(error) if error.is_not_a_repository() => Ok(Head::default()),
            Err(error) => Err(error),
        }
    }

    async fn head_of(&self, top: &Path) -> Result<Head, WorkspaceError> {
        let (branch, commit) =
            tokio::try_join!(self.current_branch(top), self.commit(top, "HEAD"))?;
        Ok(Head { branch, commit })
    }

    /// The branch that is checked out; nothing when HEAD is detached.
    pub(crate) async fn current_branch(
        &self,
        top: &Path,
    ) -> Result<Option<String>, WorkspaceError> {
        let answer = self
            .read(top, format!("find the branch of {}", top.display()))
            .args(["symbolic-ref", "--quiet", "HEAD"])
            .answer()
            .await?;
        match answer.exit {
            Some(0) => Ok(lossy(&answer.stdout)
                .trim_end()
                .strip_prefix("refs/heads/")
                .map(str::to_owned)),
            Some(1) => Ok(None),
            _ => Err(answer.into_error()),
        }
    }
}

#[cfg(test)]
mod tests;
