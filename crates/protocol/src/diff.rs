//! The changes of a workspace against its base, in pages.

use serde::{Deserialize, Serialize};

use crate::DiffStat;

/// One page of changed files. Answer of `GET /sessions/{id}/diff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffPage {
    /// The commit that the workspace is compared with; absent before the repository's first commit.
    pub base_commit: Option<String>,
    /// All changed files together.
    pub total: DiffStat,
    /// The files of this page, by path.
    pub files: Vec<FileChange>,
    /// Pass this as `cursor` to get the next page of the same comparison; absent at the end.
    pub next: Option<String>,
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileChange {
    /// Path in the workspace, with `/` between its parts.
    pub path: String,
    /// Path before, for a renamed file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_path: Option<String>,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Lines added; absent for a binary file.
    pub added: Option<u64>,
    /// Lines removed; absent for a binary file.
    pub removed: Option<u64>,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// New, and known to git.
    Added,
    /// New, and not known to git yet.
    Untracked,
    /// Changed.
    Modified,
    /// Removed.
    Deleted,
    /// Moved.
    Renamed,
    /// Its type changed, such as from a file to a symbolic link.
    TypeChanged,
    /// In the middle of a merge.
    Conflicted,
}

/// The changes of one file. Answer of `GET /sessions/{id}/diff/file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilePatch {
    /// Path in the workspace.
    pub path: String,
    /// Unified diff with three lines of context; empty for a binary file.
    pub patch: String,
    /// The file is not text.
    pub binary: bool,
    /// The patch was longer than 1 MiB and ends early.
    pub truncated: bool,
}
