//! What a workspace changed since the commit that it started from, file by file.
//!
//! A comparison is made once and then read in pages, so that a page costs nothing and all pages
//! show the same moment. The text of one file's changes is in [`crate::patch`].

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use berth_protocol::{ChangeKind, DiffPage, DiffStat, FileChange};
use uuid::Uuid;

use crate::{
    Git, WorkspaceError,
    file::{self, Content},
    raw_diff::{RawChange, RawChanges},
    repository::Repository,
    text::lossy,
};

/// Files of one page at most.
const MAX_PAGE: usize = 1_000;

/// Time for a comparison; the first one after a checkout reads every file.
const COMPARE_TIMEOUT: Duration = Duration::from_secs(120);

/// Bytes of untracked files that are read for counting their lines; files beyond it have no count.
const COUNT_BUDGET: u64 = 256 * 1024 * 1024;

/// All changes of a workspace at one moment, sorted by path.
#[derive(Clone, Debug)]
pub struct Comparison {
    id: Uuid,
    root: PathBuf,
    base_commit: Option<String>,
    total: DiffStat,
    files: Vec<FileChange>,
}

impl Comparison {
    /// Top folder of the work tree, which the paths of the files start from.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All changed files together.
    pub fn total(&self) -> DiffStat {
        self.total
    }

    /// All changed files, sorted by path.
    pub fn files(&self) -> &[FileChange] {
        &self.files
    }

    /// Whether the cursor comes from a page of this comparison.
    pub fn owns(&self, cursor: &str) -> bool {
        self.offset(cursor).is_some()
    }

    /// The page that starts at the cursor, or the first one, with 1 to 1,000 files.
    ///
    /// # Errors
    /// [`WorkspaceError::ComparisonStale`] when the cursor is of another comparison.
    pub fn page(&self, cursor: Option<&str>, limit: usize) -> Result<DiffPage, WorkspaceError> {
        let start = match cursor {
            None => 0,
            Some(cursor) => self
                .offset(cursor)
                .ok_or_else(|| WorkspaceError::ComparisonStale {
                    cursor: cursor.to_owned(),
                })?,
        };
        let end = self.files.len().min(start + limit.clamp(1, MAX_PAGE));
        Ok(DiffPage {
            base_commit: self.base_commit.clone(),
            total: self.total,
            files: self.files[start..end].to_vec(),
            next: (end < self.files.len()).then(|| format!("{}.{end}", self.id.simple())),
        })
    }

    fn offset(&self, cursor: &str) -> Option<usize> {
        let (id, offset) = cursor.split_once('.')?;
        let offset = offset.parse().ok()?;
        (id == self.id.simple().to_string() && offset <= self.files.len()).then_some(offset)
    }
}

impl Git {
    /// Compares the whole work tree that the folder is in, untracked files included and ignored
    /// ones not, with a commit; with nothing at all before the first commit.
    ///
    /// # Errors
    /// [`WorkspaceError::PathMissing`], [`WorkspaceError::NotARepository`],
    /// [`WorkspaceError::BaseNotFound`] and the failures of git.
    pub async fn compare(
        &self,
        path: &Path,
        base_commit: Option<&str>,
    ) -> Result<Comparison, WorkspaceError> {
        let repository = self.repository(path).await?;
        let tree = self.tree(&repository, base_commit).await?;
        let action = format!("compare {} with its base", path.display());
        let run = self.read(&repository.top, &action).patient(COMPARE_TIMEOUT);
        let (mut changes, untracked, conflicted) = tokio::try_join!(
            self.raw_changes(run, &tree, true, &[], &action),
            self.listed(&repository, &["--others", "--exclude-standard"]),
            self.conflicted(&repository),
        )?;
        for path in conflicted {
            if let Some(change) = changes.get_mut(&path) {
                change.kind = ChangeKind::Conflicted;
            }
        }
        let root = repository.top;
        let work = tokio::task::spawn_blocking(move || {
            add_untracked(&root, untracked, &mut changes);
            (root, changes)
        });
        let (root, changes) = work.await.map_err(|_| WorkspaceError::Interrupted {
            action: "compare the workspace with its base",
        })?;
        Ok(comparison(root, base_commit, changes))
    }

    /// The tree of the commit; the empty tree without one.
    pub(crate) async fn tree(
        &self,
        repository: &Repository,
        commit: Option<&str>,
    ) -> Result<String, WorkspaceError> {
        let Some(commit) = commit else {
            // Its hash depends on the repository's hash function.
            return self
                .read(&repository.top, "name the empty tree")
                .args(["hash-object", "-t", "tree", "--stdin"])
                .line()
                .await;
        };
        self.commit(&repository.top, commit)
            .await?
            .ok_or_else(|| WorkspaceError::BaseNotFound {
                base: commit.to_owned(),
                repo: repository.top.clone(),
            })
    }

    /// The paths that `git ls-files` lists with the options.
    pub(crate) async fn listed(
        &self,
        repository: &Repository,
        options: &[&str],
    ) -> Result<Vec<Vec<u8>>, WorkspaceError> {
        let mut paths = Vec::new();
        self.read(
            &repository.top,
            format!("list the files of {}", repository.top.display()),
        )
        .patient(COMPARE_TIMEOUT)
        .env("GIT_LITERAL_PATHSPECS", "1")
        .args(["ls-files", "-z"])
        .args(options)
        .records(|path| paths.push(path.to_owned()))
        .await?;
        Ok(paths)
    }

    /// The files that a merge left undecided.
    pub(crate) async fn conflicted(
        &self,
        repository: &Repository,
    ) -> Result<Vec<Vec<u8>>, WorkspaceError> {
        let stages = self.listed(repository, &["--unmerged"]).await?;
        // Each record is `MODE HASH STAGE TAB path`, up to three for one path.
        let mut paths: Vec<Vec<u8>> = stages
            .into_iter()
            .filter_map(|mut record| {
                let tab = record.iter().position(|byte| *byte == b'\t')?;
                Some(record.split_off(tab + 1))
            })
            .collect();
        paths.dedup();
        Ok(paths)
    }
}

fn add_untracked(root: &Path, untracked: Vec<Vec<u8>>, changes: &mut RawChanges) {
    let mut budget = COUNT_BUDGET;
    for path in untracked {
        let lines = count(root, &path, &mut budget);
        // A file that was taken out of the index but is still there is changed, not removed.
        if let Some(known) = changes.get_mut(&path) {
            if known.kind == ChangeKind::Deleted {
                known.kind = ChangeKind::Modified;
                known.added = lines;
            }
            continue;
        }
        let change = RawChange {
            kind: ChangeKind::Untracked,
            old_path: None,
            added: lines,
            removed: lines.map(|_| 0),
        };
        changes.insert(path, change);
    }
}

fn count(root: &Path, path: &[u8], budget: &mut u64) -> Option<u64> {
    if *budget == 0 {
        return None;
    }
    match file::read(root, path).ok()? {
        Content::Text(bytes) => {
            *budget = budget.saturating_sub(bytes.len() as u64);
            Some(file::lines(&bytes))
        }
        Content::Link(_) => Some(1),
        Content::Binary | Content::Other => None,
    }
}

fn comparison(root: PathBuf, base_commit: Option<&str>, changes: RawChanges) -> Comparison {
    let mut total = DiffStat::default();
    let files = changes
        .into_iter()
        .map(|(path, change)| {
            total.files = total.files.saturating_add(1);
            total.added += change.added.unwrap_or(0);
            total.removed += change.removed.unwrap_or(0);
            FileChange {
                path: lossy(&path),
                old_path: change.old_path.as_deref().map(lossy),
                kind: change.kind,
                added: change.added,
                removed: change.removed,
            }
        })
        .collect();
    Comparison {
        id: Uuid::new_v4(),
        root,
        base_commit: base_commit.map(str::to_owned),
        total,
        files,
    }
}

#[cfg(test)]
mod tests;
