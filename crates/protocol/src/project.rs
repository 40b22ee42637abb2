//! Projects: folders that the user added.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ProjectId;

/// A folder that the user added, usually a git repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Project {
    /// Identifier.
    pub id: ProjectId,
    /// Absolute path with symbolic links resolved; unique among projects.
    pub path: String,
    /// Name shown to people; the folder's name unless changed.
    pub name: String,
    /// What git says of the folder; absent when it is not in a git work tree.
    pub git: Option<GitInfo>,
    /// The folder cannot be read now (moved, unmounted, no permission).
    pub missing: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What git says of a project's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GitInfo {
    /// Top folder of the work tree that contains the project.
    pub root: String,
    /// Branch that is checked out; absent when HEAD is detached.
    pub branch: Option<String>,
    /// The folder is itself a linked worktree of another checkout.
    pub linked_worktree: bool,
    /// HEAD points to a commit. A repository without one cannot have worktrees yet.
    pub has_commits: bool,
}

/// Body of `POST /projects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    /// Absolute path of an existing, readable folder; a leading `~/` means the user's home.
    pub path: String,
    /// Name, 1 to 100 characters; the folder's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Body of `PATCH /projects/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateProject {
    /// New name, 1 to 100 characters.
    pub name: String,
}

/// Answer of `GET /projects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectList {
    /// All projects, oldest first.
    pub projects: Vec<Project>,
}

/// Answer of `GET /projects/{id}/branches`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BranchList {
    /// Local and remote branch names, most recently committed first, at most 500.
    pub branches: Vec<String>,
    /// The branch that a new worktree starts from when none is named.
    pub default: Option<String>,
}

/// Answer of `GET /folders`: the sub-folders of one folder, for choosing a project in a browser,
/// where there is no native folder picker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FolderList {
    /// The folder that is listed, absolute.
    pub path: String,
    /// Its parent; absent at the top.
    pub parent: Option<String>,
    /// Visible sub-folders by name, at most 1,000.
    pub folders: Vec<Folder>,
}

/// A folder that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// Its absolute path.
    pub path: String,
    /// It holds a `.git`.
    pub git: bool,
}
