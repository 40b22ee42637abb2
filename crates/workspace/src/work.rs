//! What would be lost with a workspace.

use std::path::Path;

use berth_protocol::{CommitLine, UnsavedWork};

use crate::{Git, WorkspaceError, repository::Repository, text::lossy};

/// Files and commits that are named; the others are only counted.
const NAMED: usize = 50;

impl Git {
    /// What is only in this workspace: uncommitted changes of its whole work tree, untracked files
    /// included and ignored ones not, and commits of its branch (and of a detached HEAD) that are on
    /// no other local branch and no remote's. Without a branch, as for a session in place, only the
    /// uncommitted changes count. Commits that `base_commit` reaches never count.
    ///
    /// # Errors
    /// [`WorkspaceError::WorkspaceMissing`], [`WorkspaceError::NotARepository`] and the failures of
    /// git.
    pub async fn unsaved_work(
        &self,
        path: &Path,
        base_commit: Option<&str>,
        branch: Option<&str>,
    ) -> Result<UnsavedWork, WorkspaceError> {
        let repository = self.workspace(path).await?;
        let mut work = self.uncommitted(&repository).await?;
        if let Some(branch) = branch {
            let (unpushed, commits) = self
                .only_here(&repository, &repository.top, base_commit, branch, true)
                .await?;
            work.unpushed = unpushed;
            work.commits = commits;
        }
        Ok(work)
    }

    /// The commits that are only on this branch, for a session whose worktree is archived. `repo`
    /// is the project's folder.
    ///
    /// # Errors
    /// [`WorkspaceError::NotARepository`] and the failures of git.
    pub async fn unpushed_work(
        &self,
        repo: &Path,
        base_commit: Option<&str>,
        branch: &str,
    ) -> Result<UnsavedWork, WorkspaceError> {
        let repository = self.repository(repo).await?;
        let (unpushed, commits) = self
            .only_here(&repository, &repository.top, base_commit, branch, false)
            .await?;
        Ok(UnsavedWork {
            unpushed,
            commits,
            ..UnsavedWork::default()
        })
    }

    /// The repository of a workspace that must be there.
    pub(crate) async fn workspace(&self, path: &Path) -> Result<Repository, WorkspaceError> {
        self.repository(path).await.map_err(|error| match error {
            WorkspaceError::PathMissing { path } => WorkspaceError::WorkspaceMissing { path },
            other => other,
        })
    }

    /// The files with uncommitted changes.
    pub(crate) async fn uncommitted(
        &self,
        repository: &Repository,
    ) -> Result<UnsavedWork, WorkspaceError> {
        let mut work = UnsavedWork::default();
        self.read(
            &repository.top,
            format!(
                "look for uncommitted changes in {}",
                repository.top.display()
            ),
        )
        .args(["status", "--porcelain=v1", "-z", "--no-renames"])
        .args(["--untracked-files=all", "--ignore-submodules=none"])
        .records(|record| {
            // `XY path`
            work.uncommitted = work.uncommitted.saturating_add(1);
            if work.files.len() < NAMED {
                work.files.push(lossy(record.get(3..).unwrap_or_default()));
            }
        })
        .await?;
        Ok(work)
    }

    pub(crate) async fn only_here(
        &self,
        repository: &Repository,
        folder: &Path,
        base_commit: Option<&str>,
        branch: &str,
        with_head: bool,
    ) -> Result<(u32, Vec<CommitLine>), WorkspaceError> {
        let full = format!("refs/heads/{branch}");
        let mut tips = Vec::new();
        // A branch that is gone has nothing to lose.
        if let Some(tip) = self.commit(folder, &full).await? {
            tips.push(tip);
        }
        if with_head && let Some(head) = self.commit(folder, "HEAD").await? {
            tips.push(head);
        }
        if tips.is_empty() {
            return Ok((0, Vec::new()));
        }
        let mut range = tips;
        range.push("--not".to_owned());
        range.push(format!("--exclude={branch}"));
        range.push("--branches".to_owned());
        range.push("--remotes".to_owned());
        if let Some(base) = base_commit {
            range.extend(self.commit(folder, base).await?);
        }
        let action = format!(
            "look for commits that are only on {branch} in {}",
            repository.top.display()
        );
        let count = self
            .read(folder, &action)
            .args(["rev-list", "--count"])
            .args(&range)
            .arg("--")
            .line()
            .await?;
        let count: u32 = count.parse().map_err(|_| WorkspaceError::GitAnswer {
            action: action.clone(),
            detail: format!("{count:?} is not a number"),
        })?;
        if count == 0 {
            return Ok((0, Vec::new()));
        }
        let mut commits = Vec::new();
        self.read(folder, &action)
            .args(["log", "-z", "--format=%H %s", "--encoding=UTF-8"])
            .args(["--no-color", "--no-show-signature", "--no-patch"])
            .arg(format!("--max-count={NAMED}"))
            .args(&range)
            .arg("--")
            .records(|record| {
                let record = lossy(record);
                if let Some((hash, subject)) = record.split_once(' ') {
                    commits.push(CommitLine {
                        hash: hash.to_owned(),
                        subject: subject.to_owned(),
                    });
                }
            })
            .await?;
        Ok((count, commits))
    }
}

#[cfg(test)]
mod tests;
