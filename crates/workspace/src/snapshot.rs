//! Everything uncommitted in a worktree as one commit, and back.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use berth_protocol::SessionId;
use uuid::Uuid;

use crate::{
    Git, WorkspaceError,
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
        let run = || {
            self.write(top, &action)
                .env("GIT_INDEX_FILE", &index.path)
                .args(EXACT)
        };
        if index.is_new {
            run().args(["read-tree", &head]).succeed().await?;
        }
        let staged = run().arg("write-tree").line().await?;
        let mut add = run().args(["add", "--all"]);
        if there.git_dir.join("info/sparse-checkout").exists() {
            add = add.arg("--sparse");
        }
        add.succeed().await?;
        let worked = run().arg("write-tree").line().await?;
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
        let run = || self.write(root, &action).args(EXACT);
        run()
            .args(["read-tree", "--reset", "-u", &snapshot.commit])
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

/// Commits of Berth's own, which also work where the user has not told git a name yet.
fn as_berth(run: Run) -> Run {
    run.env("GIT_AUTHOR_NAME", "Berth")
        .env("GIT_AUTHOR_EMAIL", "berth@localhost")
        .env("GIT_COMMITTER_NAME", "Berth")
        .env("GIT_COMMITTER_EMAIL", "berth@localhost")
}

/// A copy of a worktree's index, removed when it is dropped.
struct Index {
    path: PathBuf,
    /// There was nothing to copy.
    is_new: bool,
}

impl Index {
    /// Copies the index rather than making one from HEAD, so that files which did not change need
    /// not be read again and a sparse checkout stays sparse.
    fn copy_of(there: &Repository) -> Result<Self, WorkspaceError> {
        let from = there.git_dir.join("index");
        let path = there
            .git_dir
            .join(format!("berth-index-{}", Uuid::new_v4()));
        let failed = |source| WorkspaceError::Io {
            action: "copy the index",
            path: from.clone(),
            source,
        };
        let modified = match fs::metadata(&from).and_then(|found| found.modified()) {
            Ok(modified) => modified,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, is_new: true });
            }
            Err(error) => return Err(failed(error)),
        };
        let copy = Self {
            path,
            is_new: false,
        };
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
