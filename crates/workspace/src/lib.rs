//! Folders and git: everything that projects and sessions ask of them.
//!
//! A session's workspace is a git worktree on its own branch, or the project's folder itself. This
//! crate makes, archives, brings back and deletes such worktrees, says what would be lost with one,
//! and compares one with the commit that it started from. It runs the user's own `git`, so that
//! hooks, filters and settings are the user's, and keeps no state besides the repository's. Which
//! session owns which workspace is not known here.
//!
//! ```
//! let branch = berth_workspace::branch_name("Please fix the login timeout in the API");
//! assert_eq!(branch, "fix-login-timeout-api");
//! ```

mod archive;
mod branch;
mod compare;
mod delete;
mod error;
mod file;
mod folder;
mod git;
mod info;
mod patch;
mod raw_diff;
mod remove;
mod repository;
mod run;
mod snapshot;
mod text;
mod unfinished;
mod work;
mod worktree;

#[cfg(test)]
mod fixture;

pub use archive::{ArchivedWork, Restored};
pub use branch::branch_name;
pub use compare::Comparison;
pub use delete::{BranchFate, Deleted};
pub use error::WorkspaceError;
pub use folder::{check_folder, list_folders};
pub use git::Git;
pub use info::Head;
pub use remove::sweep_removed;
pub use unfinished::{Leftover, UnfinishedWorktree};
pub use worktree::{CreateWorktree, SessionWorktree, Worktree};
