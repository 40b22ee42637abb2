//! Everything uncommitted in a worktree as one commit, and back.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use berth_protocol::SessionId;
use uuid::Uuid;

use crate::{
    Git, WorkspaceError, raw_diff,
    repository::Repository,
    run::Run,
    text::{self, lossy},
};

/// Where a snapshot's message says which branch was checked out.
const HEAD_LINE: &str = "Berth-Head: ";

/// Time for looking through all files.
const LOOK_TIMEOUT: Duration = Duration::from_secs(120);

/// Files are stored and written as they are, not with the line ends of the user's settings, and
/// reach the disk before what they replace is deleted.
const EXACT: &[&str] = &[
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.safecrlf=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.splitIndex=false",
    "-c",
    "core.fsync=all",
    "-c",
    "core.fsyncMethod=batch",
];

/// A snapshot that was read.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    commit: String,
    /// The commit that was checked out.
    pub(crate) head: String,
    /// A commit with the index.
    index: String,
    /// The branch that was checked out; nothing when HEAD was detached.
    pub(crate) branch: Option<String>,
}

impl Git {
    /// Writes everything uncommitted into a commit that nothing points to yet. Nothing is written
    /// when there is nothing to keep: no changes, and `branch` checked out.
    pub(crate) async fn snapshot(
        &self,
        there: &Repository,
        branch: &str,
        session: SessionId,
    ) -> Result<Option<String>, WorkspaceError> {
        let top = &there.top;
        let unfinished = |operation| WorkspaceError::Unfinished {
            path: top.clone(),
            operation,
        };
        if let Some(operation) = self.operation(there).await? {
            return Err(unfinished(operation));
        }
        if let Some(nested) = self.nested_work(there).await? {
            return Err(WorkspaceError::NestedRepository {
                path: top.clone(),
                nested,
            });
        }
        let Some(head) = self.commit(top, "HEAD").await? else {
            return Err(unfinished("first commit of a new history"));
        };
        let current = self.current_branch(top).await?;
        let action = format!("keep the uncommitted changes of {}", top.display());
        let index = Index::copy_of(there)?;
        let with = |index: &Index| {
            self.write(top, &action)
                .env("GIT_INDEX_FILE", &index.path)
                .args(EXACT)
        };
        let run = || with(&index);
        if index.is_new {
            run().args(["read-tree", &head]).succeed().await?;
        }
        let staged = run().arg("write-tree").line().await?;
        let changed = self.changed(there, &index, &head).await?;
        let work = Index::empty(there);
        with(&work).args(["read-tree", &head]).succeed().await?;
        // What is gone goes first: a folder may be a file or a link now, and the other way round.
        for (how, paths) in [("--force-remove", changed.gone), ("--add", changed.there)] {
            if !paths.is_empty() {
                with(&work)
                    .args(["update-index", "-z", how, "--stdin"])
                    .input(paths)
                    .succeed()
                    .await?;
            }
        }
        let worked = with(&work).arg("write-tree").line().await?;
        let before = run()
            .args(["rev-parse", "--verify"])
            .arg(format!("{head}^{{tree}}"))
            .line()
            .await?;
        if staged == before && worked == before && current.as_deref() == Some(branch) {
            return Ok(None);
        }
        let staged = as_berth(run())
            .args(["commit-tree", "--no-gpg-sign", &staged, "-p", &head])
            .args(["-m", &format!("Index of the archived session {session}")])
            .line()
            .await?;
        let checked_out = current.as_deref().unwrap_or_default();
        let message = format!("Archived session {session}\n\n{HEAD_LINE}{checked_out}");
        let commit = as_berth(run())
            .args(["commit-tree", "--no-gpg-sign", &worked])
            .args(["-p", &head, "-p", &staged, "-m", &message])
            .line()
            .await?;
        Ok(Some(commit))
    }

    /// Reads what [`Self::snapshot`] wrote.
    pub(crate) async fn read_snapshot(
        &self,
        repository: &Repository,
        commit: String,
    ) -> Result<Snapshot, WorkspaceError> {
        let action = format!("read the archived changes in {commit}");
        let text = self
            .read_shared(repository, &action)
            .args(["cat-file", "commit", &commit])
            .succeed()
            .await?;
        let text = lossy(&text);
        let mut parents = text
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.strip_prefix("parent "));
        let (Some(head), Some(index)) = (parents.next(), parents.next()) else {
            return Err(WorkspaceError::GitAnswer {
                action,
                detail: "it does not have two parents".to_owned(),
            });
        };
        let branch = text
            .lines()
            .find_map(|line| line.strip_prefix(HEAD_LINE))
            .filter(|branch| !branch.is_empty());
        Ok(Snapshot {
            head: head.to_owned(),
            index: index.to_owned(),
            branch: branch.map(str::to_owned),
            commit,
        })
    }

    /// Makes a clean worktree at the snapshot's HEAD as it was.
    pub(crate) async fn unpack_snapshot(
        &self,
        root: &Path,
        snapshot: &Snapshot,
    ) -> Result<(), WorkspaceError> {
        let action = format!("bring back the uncommitted changes of {}", root.display());
        let run = || self.write(root, &action);
        // From one tree to the other, so that only what differs between the two is written. Given
        // the second one alone, git would also write what differs from the index, to which every
        // file with line ends of the user's settings belongs now that these are switched off.
        run()
            .args(EXACT)
            .args(["read-tree", "--reset", "-u"])
            .args([&snapshot.head, &snapshot.commit])
            .succeed()
            .await?;
        run()
            .args(["read-tree", "--reset", &snapshot.index])
            .succeed()
            .await?;
        // Its exit code only says that there are changes.
        run()
            .args(["update-index", "-q", "--refresh"])
            .answer()
            .await?;
        Ok(())
    }

    /// Brings the snapshot's changes into a clean worktree whose branch was changed since, and says
    /// whether they conflict.
    pub(crate) async fn merge_snapshot(
        &self,
        root: &Path,
        snapshot: &Snapshot,
    ) -> Result<bool, WorkspaceError> {
        let answer = as_berth(self.write(
            root,
            format!("bring back the uncommitted changes of {}", root.display()),
        ))
        .args(["stash", "apply", "--quiet", &snapshot.commit])
        .answer()
        .await?;
        if answer.exit == Some(0) {
            return Ok(false);
        }
        let there = self.repository(root).await?;
        if self.conflicted(&there).await?.is_empty() {
            return Err(answer.into_error());
        }
        Ok(true)
    }

    /// The files that are not as the user's checkout of `head` would make them, untracked ones
    /// included, whether staged or not.
    ///
    /// They are told by git with the user's own settings and not by comparing the index, which
    /// knows of a staged file only that it has not changed since, not which line ends it has.
    async fn changed(
        &self,
        there: &Repository,
        index: &Index,
        head: &str,
    ) -> Result<Changed, WorkspaceError> {
        let look = |what: &str| {
            let action = format!("look for {what} files in {}", there.top.display());
            self.read(&there.top, action)
                .patient(LOOK_TIMEOUT)
                .env("GIT_INDEX_FILE", &index.path)
        };
        let mut changed = Changed::default();
        let mut status = None;
        raw_diff::diff(look("changed"))
            .args(["--name-status", "-z", "--no-renames"])
            .args(["--end-of-options", head, "--"])
            .records(|record| match status.take() {
                None => status = Some(record.to_owned()),
                Some(letter) if letter == b"D" => push(&mut changed.gone, record),
                Some(_) => push(&mut changed.there, record),
            })
            .await?;
        look("untracked")
            .args(["ls-files", "-z", "--others", "--exclude-standard"])
            .records(|path| push(&mut changed.there, path))
            .await?;
        Ok(changed)
    }

    /// What is under way in a worktree, whose state is in files that go with it.
    async fn operation(&self, there: &Repository) -> Result<Option<&'static str>, WorkspaceError> {
        for (name, operation) in [
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("sequencer", "cherry-pick or revert"),
            ("BISECT_LOG", "bisect"),
        ] {
            if there.git_dir.join(name).exists() {
                return Ok(Some(operation));
            }
        }
        for (name, operation) in [
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
        ] {
            if self.commit(&there.top, name).await?.is_some() {
                return Ok(Some(operation));
            }
        }
        let conflicted = self.conflicted(there).await?;
        Ok((!conflicted.is_empty()).then_some("merge"))
    }

    /// A repository inside the worktree with work that is nowhere else: one that git does not know
    /// as a submodule, or a submodule with changes or commits that are on no remote.
    async fn nested_work(&self, there: &Repository) -> Result<Option<String>, WorkspaceError> {
        let untracked = self
            .listed(there, &["--others", "--exclude-standard"])
            .await?;
        if let Some(nested) = untracked.iter().find(|path| path.ends_with(b"/")) {
            return Ok(Some(lossy(nested)));
        }
        let mut submodules = Vec::new();
        self.read(
            &there.top,
            format!("list the submodules of {}", there.top.display()),
        )
        .patient(LOOK_TIMEOUT)
        .args(["ls-files", "-z", "--stage"])
        .records(|record| {
            // `MODE HASH STAGE TAB path`
            let path = record.splitn(2, |byte| *byte == b'\t').nth(1);
            if let (true, Some(path)) = (record.starts_with(b"160000 "), path) {
                submodules.push(path.to_owned());
            }
        })
        .await?;
        for path in submodules {
            let folder = there.top.join(text::path(&path));
            if folder.join(".git").exists() && self.has_own_work(&folder).await? {
                return Ok(Some(lossy(&path)));
            }
        }
        Ok(None)
    }

    async fn has_own_work(&self, folder: &Path) -> Result<bool, WorkspaceError> {
        let nested = self.repository(folder).await?;
        if self.uncommitted(&nested).await?.uncommitted > 0 {
            return Ok(true);
        }
        let mut tips = vec!["--branches".to_owned()];
        tips.extend(self.commit(folder, "HEAD").await?);
        let own = self
            .read(
                folder,
                format!("look for commits that are only in {}", folder.display()),
            )
            .args(["rev-list", "--max-count=1"])
            .args(tips)
            .args(["--not", "--remotes", "--"])
            .succeed()
            .await?;
        Ok(!own.is_empty())
    }
}

/// Paths of changed files, each with a zero byte behind it.
#[derive(Default)]
struct Changed {
    /// Not in the work tree, or not in the index any more.
    gone: Vec<u8>,
    /// In the work tree, new or with other content.
    there: Vec<u8>,
}

fn push(paths: &mut Vec<u8>, path: &[u8]) {
    paths.extend_from_slice(path);
    paths.push(0);
}

/// Commits of Berth's own, which also work where the user has not told git a name yet.
fn as_berth(run: Run) -> Run {
    run.env("GIT_AUTHOR_NAME", "Berth")
        .env("GIT_AUTHOR_EMAIL", "berth@localhost")
        .env("GIT_COMMITTER_NAME", "Berth")
        .env("GIT_COMMITTER_EMAIL", "berth@localhost")
}

/// An index beside a worktree's own, removed when it is dropped.
struct Index {
    path: PathBuf,
    /// There was nothing to copy.
    is_new: bool,
}

impl Index {
    /// The name of an index that git is still to make.
    fn empty(there: &Repository) -> Self {
        let name = format!("berth-index-{}", Uuid::new_v4());
        Self {
            path: there.git_dir.join(name),
            is_new: true,
        }
    }

    /// Copies the index rather than making one from HEAD, so that files which did not change need
    /// not be read again and a sparse checkout stays sparse.
    fn copy_of(there: &Repository) -> Result<Self, WorkspaceError> {
        let from = there.git_dir.join("index");
        let mut copy = Self::empty(there);
        let failed = |source| WorkspaceError::Io {
            action: "copy the index",
            path: from.clone(),
            source,
        };
        let modified = match fs::metadata(&from).and_then(|found| found.modified()) {
            Ok(modified) => modified,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(copy),
            Err(error) => return Err(failed(error)),
        };
        copy.is_new = false;
        fs::copy(&from, &copy.path).map_err(failed)?;
        // Git reads a file again that is as new as the index ("racy git" in git's technical
        // documentation); a younger copy would hide what was changed in that moment.
        fs::OpenOptions::new()
            .write(true)
            .open(&copy.path)
            .and_then(|file| file.set_modified(modified))
            .map_err(failed)?;
        Ok(copy)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // It goes with the worktree at the latest.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
