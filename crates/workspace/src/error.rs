//! What can go wrong with folders and git, and the stable code of each case.

use std::{io, path::PathBuf, time::Duration};

use berth_protocol::Code;

/// A folder or git operation that could not be done. Each message says what was attempted, on what.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// No git program on the search path.
    #[error("git was not found on the search path")]
    GitMissing,
    /// The path is relative, or names a home folder that is not known.
    #[error("{path:?} is not an absolute path")]
    PathNotAbsolute {
        /// As it was given.
        path: String,
    },
    /// Nothing is there.
    #[error("there is no folder {}", path.display())]
    PathMissing {
        /// The path, with `~/` expanded.
        path: PathBuf,
    },
    /// Something else than a folder is there.
    #[error("{} is not a folder", path.display())]
    PathNotFolder {
        /// The path, with `~/` expanded.
        path: PathBuf,
    },
    /// The folder cannot be listed or entered.
    #[error("the folder {} cannot be read: {source}", path.display())]
    PathNotReadable {
        /// The path, with `~/` expanded.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder is in no git work tree.
    #[error("{} is not in a git repository", path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// Git refuses a repository that another user owns (`safe.directory`).
    #[error(
        "git does not trust the repository at {0}, because another user owns it; to trust it run: \
         git config --global --add safe.directory {0}",
        path.display()
    )]
    DubiousOwnership {
        /// The folder.
        path: PathBuf,
    },
    /// HEAD points to no commit yet.
    #[error("the repository at {} has no commit yet", repo.display())]
    NoCommits {
        /// The project's folder.
        repo: PathBuf,
    },
    /// Neither a branch nor a tag nor a commit.
    #[error("{base:?} is no branch, tag or commit of the repository at {}", repo.display())]
    BaseNotFound {
        /// What was asked for.
        base: String,
        /// The project's folder.
        repo: PathBuf,
    },
    /// A branch of that name exists.
    #[error("the branch {branch} exists already in {}", repo.display())]
    BranchExists {
        /// The wanted name.
        branch: String,
        /// The project's folder.
        repo: PathBuf,
    },
    /// Git keeps branches like files: `fix` and `fix/x` cannot both exist.
    #[error("the branch {branch} cannot exist beside the branch {existing} in {}", repo.display())]
    BranchConflict {
        /// The wanted name.
        branch: String,
        /// The branch that is in the way.
        existing: String,
        /// The project's folder.
        repo: PathBuf,
    },
    /// Git does not allow that name.
    #[error("{branch:?} is not a name that git allows for a branch")]
    BranchInvalid {
        /// The wanted name.
        branch: String,
    },
    /// The branch of an archived worktree is checked out in another one.
    #[error("the branch {branch} is checked out in {}; switch that one to another branch first", path.display())]
    BranchInUse {
        /// The branch.
        branch: String,
        /// Where it is checked out.
        path: PathBuf,
    },
    /// The branch of an archived worktree was deleted, and no commit tells where it was.
    #[error("the branch {branch} no longer exists in {}", repo.display())]
    BranchGone {
        /// The branch.
        branch: String,
        /// The project's folder.
        repo: PathBuf,
    },
    /// Something is where the worktree should go.
    #[error("cannot make a worktree at {}: something is there already", path.display())]
    PathTaken {
        /// Top folder of the wanted worktree.
        path: PathBuf,
    },
    /// The folder is not a worktree that Berth may remove.
    #[error("{} is not a linked worktree of the project's repository; it was left as it is", path.display())]
    NotAWorktree {
        /// The folder.
        path: PathBuf,
    },
    /// The workspace's folder is gone.
    #[error("the workspace's folder {} is gone", path.display())]
    WorkspaceMissing {
        /// The folder.
        path: PathBuf,
    },
    /// The worktree contains another repository whose contents an archive would not keep.
    #[error(
        "cannot archive {}: it contains the git repository {nested:?} with work that an archive \
         cannot keep; push or move it first",
        path.display()
    )]
    NestedRepository {
        /// Top folder of the worktree.
        path: PathBuf,
        /// The repository, relative to it.
        nested: String,
    },
    /// A merge, rebase or the like is under way; an archive could not keep its state.
    #[error("cannot archive {}: a {operation} is under way there; finish or abort it first", path.display())]
    Unfinished {
        /// Top folder of the worktree.
        path: PathBuf,
        /// What is under way, such as `merge`.
        operation: &'static str,
    },
    /// The path is absolute, leaves the workspace or is empty.
    #[error("{file:?} is not a path inside the workspace")]
    FileInvalid {
        /// As it was given.
        file: String,
    },
    /// The file is not among the changed files.
    #[error("{file:?} is not a changed file of {}", path.display())]
    FileNotFound {
        /// As it was given.
        file: String,
        /// The workspace's folder.
        path: PathBuf,
    },
    /// The cursor belongs to another comparison.
    #[error("the cursor {cursor:?} does not belong to this comparison")]
    ComparisonStale {
        /// As it was given.
        cursor: String,
    },
    /// Git could not be started.
    #[error("could not {action}: git could not be started: {source}")]
    GitSpawn {
        /// What was attempted, on what.
        action: String,
        /// Why.
        source: io::Error,
    },
    /// Git did not finish in time and was ended.
    #[error("could not {action}: git did not finish within {} seconds", after.as_secs())]
    GitTimedOut {
        /// What was attempted, on what.
        action: String,
        /// The time that it was given.
        after: Duration,
    },
    /// Git reported an error.
    #[error("could not {action}: {}", if stderr.is_empty() { "git failed without a message" } else { stderr })]
    GitFailed {
        /// What was attempted, on what.
        action: String,
        /// Exit code; absent when a signal ended it.
        exit: Option<i32>,
        /// The end of what git said, without credentials.
        stderr: String,
    },
    /// Git answered something that could not be read.
    #[error("could not {action}: git's answer could not be read: {detail}")]
    GitAnswer {
        /// What was attempted, on what.
        action: String,
        /// What was wrong with it.
        detail: String,
    },
    /// The file system reported an error.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The engine stopped in the middle.
    #[error("could not {action}: the engine is stopping")]
    Interrupted {
        /// What was attempted, on what.
        action: &'static str,
    },
}

impl WorkspaceError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::GitMissing => Code::GitMissing,
            Self::PathNotAbsolute { .. } => Code::PathNotAbsolute,
            Self::PathMissing { .. } => Code::PathMissing,
            Self::PathNotFolder { .. } => Code::PathNotFolder,
            Self::PathNotReadable { .. } => Code::PathNotReadable,
            Self::NotARepository { .. } => Code::NotARepository,
            Self::NoCommits { .. } => Code::NoCommits,
            Self::BaseNotFound { .. } => Code::BaseNotFound,
            Self::BranchExists { .. } | Self::BranchConflict { .. } => Code::BranchExists,
            Self::BranchInvalid { .. } => Code::BranchInvalid,
            Self::WorkspaceMissing { .. } => Code::WorkspaceMissing,
            Self::NestedRepository { .. } | Self::Unfinished { .. } => Code::WorkspaceHasWork,
            Self::FileInvalid { .. } => Code::BadRequest,
            Self::FileNotFound { .. } => Code::FileNotFound,
            Self::ComparisonStale { .. } => Code::DiffStale,
            Self::BranchInUse { .. }
            | Self::BranchGone { .. }
            | Self::PathTaken { .. }
            | Self::NotAWorktree { .. }
            | Self::Io { .. } => Code::WorkspaceFailed,
            Self::Interrupted { .. } => Code::ShuttingDown,
            Self::DubiousOwnership { .. }
            | Self::GitSpawn { .. }
            | Self::GitTimedOut { .. }
            | Self::GitFailed { .. }
            | Self::GitAnswer { .. } => Code::GitFailed,
        }
    }

    /// Whether there is simply no usable work tree, as opposed to a failure to look.
    pub(crate) fn is_not_a_repository(&self) -> bool {
        matches!(self, Self::NotARepository { .. } | Self::PathMissing { .. })
    }
}
