//! The workspace of a session: made before its agent starts, undone when it does not.

use std::path::{Path, PathBuf};

use berth_protocol::{Code, SessionId, Workspace, WorkspaceKind, WorkspaceRequest};
use berth_store::SessionRecord;
use berth_workspace::{BranchFate, CreateWorktree, SessionWorktree, WorkspaceError};

use crate::{error::ApiError, projects, state::State};

/// Makes the workspace that was asked for: without a wish, a worktree where git allows one.
pub async fn make(
    state: &State,
    id: SessionId,
    project: &Path,
    request: Option<WorkspaceRequest>,
    slug_from: &str,
) -> Result<Workspace, ApiError> {
    let request = match request {
        Some(request) => request,
        None => usual(state, project).await?,
    };
    let WorkspaceRequest::Worktree { base, branch } = request else {
        return in_place(state, project).await;
    };
    let root = folder(state, project, id);
    let order = CreateWorktree {
        repo: project,
        path: &root,
        branch: branch.as_deref(),
        slug_from,
        base: base.as_deref(),
    };
    let made = state.git().await?.create_worktree(order).await?;
    if let Some(hook) = &made.hook_failure {
        tracing::warn!(%id, hook, "the repository's post-checkout hook failed");
    }
    Ok(Workspace {
        kind: WorkspaceKind::Worktree,
        path: text(&made.path)?,
        branch: Some(made.branch),
        base: made.base,
        base_commit: Some(made.base_commit),
    })
}

/// Takes back what [`make`] did.
pub async fn undo(state: &State, id: SessionId, project: &Path, workspace: &Workspace) {
    let (WorkspaceKind::Worktree, Some(branch)) = (workspace.kind, &workspace.branch) else {
        return;
    };
    let worktree = SessionWorktree {
        repo: project,
        path: Path::new(&workspace.path),
        branch,
        session: id,
    };
    let undone = match state.git().await {
        Ok(git) => git.delete(worktree, BranchFate::Delete).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = undone {
        tracing::error!(%id, %error, "the worktree of a session that did not start stays behind");
    }
}

/// What a session has of git, when it has a worktree.
pub struct Place {
    pub project: PathBuf,
    pub path: PathBuf,
    pub branch: String,
    pub session: SessionId,
}

impl Place {
    pub async fn of(state: &State, record: &SessionRecord) -> Result<Option<Self>, ApiError> {
        let (WorkspaceKind::Worktree, Some(branch)) =
            (record.workspace.kind, &record.workspace.branch)
        else {
            return Ok(None);
        };
        let project = projects::record(state, record.project_id).await?;
        Ok(Some(Self {
            project: project.path.into(),
            path: record.workspace.path.clone().into(),
            branch: branch.clone(),
            session: record.id,
        }))
    }

    pub fn worktree(&self) -> SessionWorktree<'_> {
        SessionWorktree {
            repo: &self.project,
            path: &self.path,
            branch: &self.branch,
            session: self.session,
        }
    }
}

async fn usual(state: &State, project: &Path) -> Result<WorkspaceRequest, ApiError> {
    let git = match state.git().await {
        Ok(git) => git.info(project).await?,
        Err(WorkspaceError::GitMissing) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(match git {
        Some(info) if info.has_commits => WorkspaceRequest::Worktree {
            base: None,
            branch: None,
        },
        _ => WorkspaceRequest::InPlace,
    })
}

async fn in_place(state: &State, project: &Path) -> Result<Workspace, ApiError> {
    let (branch, base_commit) = match state.git().await {
        Ok(git) => {
            let info = git.info(project).await?;
            (
                info.and_then(|info| info.branch),
                git.head_commit(project).await?,
            )
        }
        Err(_) => (None, None),
    };
    Ok(Workspace {
        kind: WorkspaceKind::InPlace,
        path: text(project)?,
        branch: None,
        base: branch,
        base_commit,
    })
}

/// `workspaces/<project's folder name>/<session>`: readable in a terminal's prompt, and unique.
fn folder(state: &State, project: &Path, id: SessionId) -> PathBuf {
    let name = project.file_name().map_or_else(
        || "root".to_owned(),
        |name| {
            let plain = |c: char| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '-'
                }
            };
            name.to_string_lossy().chars().map(plain).take(40).collect()
        },
    );
    state
        .config
        .data_dir
        .join("workspaces")
        .join(name)
        .join(id.short())
}

fn text(path: &Path) -> Result<String, ApiError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        ApiError::new(
            Code::WorkspaceFailed,
            format!("the path {path:?} is not valid Unicode"),
        )
    })
}
