//! Takes away what is left of a worktree whose session was never recorded.
//!
//! The engine notes a worktree before it is made and forgets the note when the session is recorded.
//! If it is killed in between, the note tells the project and the folder, and the branch's reflog,
//! which git writes together with the branch, tells which branch was made for that session.

use std::{
    fs,
    path::{Path, PathBuf},
};

use berth_protocol::{SessionId, UnsavedWork};

use crate::{
    Git, WorkspaceError,
    remove::{aside, is_dead, remove_folder},
    repository::{Entry, Repository},
    text::{self, lossy},
    worktree::carried_through,
};

/// Why git keeps a worktree locked until it has written its files.
const INITIALIZING: &str = "initializing";

/// A worktree that was begun.
#[derive(Clone, Copy, Debug)]
pub struct UnfinishedWorktree<'a> {
    /// The project's folder.
    pub repo: &'a Path,
    /// Top folder of the worktree: [`CreateWorktree::path`](crate::CreateWorktree::path).
    pub root: &'a Path,
    /// The session that it was made for.
    pub session: SessionId,
}

/// What was left of a worktree that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing, or nothing that was made for that session.
    Nothing,
    /// A branch, perhaps with its worktree; neither is there any more.
    Removed,
    /// As [`Self::Removed`], but with work that is nowhere else. Everything is as it was.
    Kept {
        /// The first of its branches.
        branch: String,
        /// What would have been lost.
        work: UnsavedWork,
    },
}

/// A branch that was made for a session.
struct Made {
    name: String,
    /// The commit that it was made at.
    base: String,
    /// The commit that it is at now.
    tip: String,
}

impl Made {
    fn full_name(&self) -> String {
        format!("refs/heads/{}", self.name)
    }

    fn is_checked_out_in(&self, entry: &Entry) -> bool {
        entry.branch.as_deref() == Some(&*self.full_name())
    }
}

fn is_initializing(entry: &Entry) -> bool {
    entry.locked.as_deref() == Some(INITIALIZING)
}

/// What the reflog of a session's branch begins with.
pub(crate) fn reason(commit: &str, session: SessionId) -> String {
    format!("branch: Created from {commit} {}", mark(session))
}

fn mark(session: SessionId) -> String {
    format!("for Berth session {session}")
}

impl Git {
    /// Removes what is left of a worktree whose session was never recorded, with its branch. Work
    /// that is nowhere else is kept: uncommitted files, as a hook may leave them, and commits that
    /// are on no other branch. A checkout that git itself did not finish is no such work.
    ///
    /// # Errors
    /// [`WorkspaceError::NotARepository`] when the folder is there and its repository is not, and
    /// the failures of git and the file system.
    pub async fn clear_unfinished(
        &self,
        unfinished: UnfinishedWorktree<'_>,
    ) -> Result<Leftover, WorkspaceError> {
        let git = self.clone();
        let repo = unfinished.repo.to_owned();
        let root = text::resolved(unfinished.root);
        let session = unfinished.session;
        carried_through("clear an unfinished worktree", async move {
            git.clear(&repo, root, session).await
        })
        .await
    }

    async fn clear(
        &self,
        repo: &Path,
        root: PathBuf,
        session: SessionId,
    ) -> Result<Leftover, WorkspaceError> {
        let Some(repository) = self.anchor(repo, &root).await? else {
            if root.symlink_metadata().is_err() {
                return Ok(Leftover::Nothing);
            }
            return Err(WorkspaceError::NotARepository {
                path: repo.to_owned(),
            });
        };
        let _lock = repository.lock().await;
        let made = self.made_for(&repository, session).await?;
        let entries = self.worktrees(&repository).await?;
        let Some(first) = made.first() else {
            // Whatever is at that place, it was not made for this session.
            return Ok(Leftover::Nothing);
        };
        let entry = entries
            .iter()
            .find(|entry| !entry.main && entry.path == root);
        let work = self.work_in(&repository, &made, entry).await?;
        // Somebody uses a branch in another worktree, or switched this one to another branch.
        let is_used = entries.iter().any(|entry| {
            let here = entry.path == root;
            let begun = here && is_initializing(entry);
            here != made.iter().any(|branch| branch.is_checked_out_in(entry)) && !begun
        });
        if is_used || !work.is_empty() {
            return Ok(Leftover::Kept {
                branch: first.name.clone(),
                work,
            });
        }
        if entry.is_some() {
            self.remove_worktree(&repository, &root).await?;
        } else {
            remove_rest(&root).await?;
        }
        for branch in &made {
            let name = branch.full_name();
            self.write_shared(&repository, format!("delete the branch {}", branch.name))
                // Only where it was looked at: a commit that came since is not lost.
                .args(["update-ref", "-d", &name, &branch.tip])
                .succeed()
                .await?;
        }
        Ok(Leftover::Removed)
    }

    /// The branches that were made for a session.
    async fn made_for(
        &self,
        repository: &Repository,
        session: SessionId,
    ) -> Result<Vec<Made>, WorkspaceError> {
        let action = format!("look for branches of session {session}");
        let mut found = Vec::new();
        self.read_shared(repository, &action)
            .args(["log", "--walk-reflogs", "--branches", "-z"])
            .arg(format!("--grep-reflog={}", mark(session)))
            .args(["--format=%H %gD", "--no-show-signature", "--no-patch", "--"])
            .records(|record| {
                let record = lossy(record);
                let parts = record.split_once(' ').and_then(|(base, selector)| {
                    // `NAME@{NUMBER}`, where some versions of git write the full name.
                    let (name, _) = selector.rsplit_once("@{")?;
                    Some((base, name.strip_prefix("refs/heads/").unwrap_or(name)))
                });
                if let Some((base, name)) = parts {
                    found.push((base.to_owned(), name.to_owned()));
                }
            })
            .await?;
        let mut made = Vec::new();
        for (base, name) in found {
            let full = format!("refs/heads/{name}");
            if let Some(tip) = self.commit(&repository.common_dir, &full).await? {
                made.push(Made { name, base, tip });
            }
        }
        Ok(made)
    }

    /// What would be lost with the branches and the worktree.
    async fn work_in(
        &self,
        repository: &Repository,
        made: &[Made],
        entry: Option<&Entry>,
    ) -> Result<UnsavedWork, WorkspaceError> {
        let mut work = UnsavedWork::default();
        if let Some(entry) = entry
            && !is_initializing(entry)
            && entry.path.exists()
        {
            let there = self.repository(&entry.path).await?;
            work = self.uncommitted(&there).await?;
        }
        for branch in made {
            let (count, commits) = self
                .only_here(
                    repository,
                    &repository.common_dir,
                    Some(&branch.base),
                    &branch.name,
                    false,
                )
                .await?;
            work.unpushed = work.unpushed.saturating_add(count);
            work.commits.extend(commits);
        }
        Ok(work)
    }
}

/// Deletes what is at the place of a worktree that git does not know (any more): an empty folder,
/// or one that was moved aside to be deleted.
async fn remove_rest(root: &Path) -> Result<(), WorkspaceError> {
    let aside = aside(root);
    if is_dead(&aside) {
        remove_folder(aside).await?;
    }
    // Anything else there is none of git's doing, and so none of Berth's.
    let _ = fs::remove_dir(root);
    Ok(())
}

#[cfg(test)]
mod tests;
