//! The workspace of a session: made before its agent starts, undone when it does not.

use std::path::{Path, PathBuf};

use berth_protocol::{Code, SessionId, Workspace, WorkspaceKind, WorkspaceRequest};
use berth_session::process::{Family, SESSION_VARIABLE};
use berth_store::{SessionRecord, UnfinishedWorkspace};
use berth_workspace::{
    BranchFate, CreateWorktree, Git, Head, Leftover, SessionWorktree, UnfinishedWorktree,
    WorkspaceError,
};
use serde_json::json;

use crate::{error::ApiError, projects, recovery::LEFTOVER_GRACE, state::State};

/// Folder of all workspaces in the data folder.
pub const FOLDER: &str = "workspaces";

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
    let git = marked_git(state, id).await?;
    let root = folder(state, project, id);
    let begun = UnfinishedWorkspace {
        session_id: id,
        project_path: text(project)?,
        path: text(&root)?,
    };
    state.store.workspace_begun(&begun).await?;
    let order = CreateWorktree {
        repo: project,
        path: &root,
        branch: branch.as_deref(),
        slug_from,
        base: base.as_deref(),
        session: id,
    };
    let made = match git.create_worktree(order).await {
        Ok(made) => made,
        Err(error) => {
            // Before what it has made is removed, which makes room.
            let store = state.store.clone();
            let full = tokio::task::spawn_blocking(move || store.is_full()).await;
            clear(state, &begun).await;
            if full.unwrap_or_default() {
                // git says so in words only, in many ways.
                let detail = format!("the disk is full: {error}");
                return Err(ApiError::new(Code::StoreFull, detail));
            }
            return Err(error.into());
        }
    };
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

/// git whose hooks, and whatever these start, belong to the session: they end with it, and after a
/// crash with what is left of it.
async fn marked_git(state: &State, id: SessionId) -> Result<Git, WorkspaceError> {
    let mut variables = state.environment().await.variables();
    variables.insert(SESSION_VARIABLE.into(), id.to_string().into());
    Ok(state.git().await?.with_env(variables))
}

/// Takes back what [`make`] did, for a session that did not start. In the workspace there is
/// nothing then but what was checked out.
pub async fn undo(
    state: &State,
    id: SessionId,
    project: &Path,
    workspace: &Workspace,
) -> Result<(), ApiError> {
    let (WorkspaceKind::Worktree, Some(branch)) = (workspace.kind, &workspace.branch) else {
        return Ok(());
    };
    let worktree = SessionWorktree {
        repo: project,
        path: Path::new(&workspace.path),
        branch,
        session: id,
    };
    state
        .git()
        .await?
        .delete(worktree, BranchFate::Delete)
        .await?;
    state.store.workspace_undone(id).await?;
    Ok(())
}

/// Removes what a killed engine left of the workspaces that it was making: their sessions were
/// never recorded, so nobody would ever find them.
///
/// Only what is in the list is looked at, and no session that is made from now on is in it, so this
/// may run beside everything else.
pub async fn clear_unfinished(state: &State, unfinished: &[UnfinishedWorkspace]) {
    for workspace in unfinished {
        let family = Family {
            session: workspace.session_id,
            leader: None,
            servers: false,
        };
        // git outlives an engine that is killed, and so does a hook that it waits for.
        state.reaper.end(family, LEFTOVER_GRACE).await;
        clear(state, workspace).await;
    }
    let swept = berth_workspace::sweep_removed(&state.config.data_dir.join(FOLDER)).await;
    if swept > 0 {
        tracing::info!(swept, "deleted the folders of worktrees that were removed");
    }
}

/// Removes what is left of one workspace, and forgets it when nothing is left. Whatever cannot be
/// removed now is looked at again at the next start.
async fn clear(state: &State, workspace: &UnfinishedWorkspace) {
    let id = workspace.session_id;
    let path = &workspace.path;
    let worktree = UnfinishedWorktree {
        repo: Path::new(&workspace.project_path),
        root: Path::new(path),
        session: id,
    };
    let cleared = match state.git().await {
        Ok(git) => git.clear_unfinished(worktree).await,
        Err(error) => Err(error),
    };
    let noted = match cleared {
        Ok(Leftover::Nothing) => state.store.workspace_undone(id).await,
        Ok(Leftover::Removed) => {
            tracing::warn!(session = %id, path, "removed a workspace whose session was never recorded");
            let noted = state
                .store
                .note(
                    "workspace.removed",
                    "session",
                    &id.to_string(),
                    json!({"reason": "unfinished"}),
                )
                .await;
            match noted {
                Ok(_) => state.store.workspace_undone(id).await,
                Err(error) => Err(error),
            }
        }
        Ok(Leftover::Kept { branch, work }) => {
            tracing::warn!(
                session = %id,
                path,
                branch,
                uncommitted = work.uncommitted,
                commits = work.unpushed,
                "a workspace whose session was never recorded is kept: it is in use or holds work \
                 that is nowhere else"
            );
            return;
        }
        Err(error) => {
            tracing::warn!(session = %id, path, %error,
                "what is left of a workspace whose session was never recorded stays for now");
            return;
        }
    };
    if let Err(error) = noted {
        tracing::warn!(session = %id, %error, "a removed workspace could not be noted");
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
    let head = match state.git().await {
        Ok(git) => git.head(project).await?,
        Err(_) => Head::default(),
    };
    Ok(Workspace {
        kind: WorkspaceKind::InPlace,
        path: text(project)?,
        branch: None,
        base: head.branch,
        base_commit: head.commit,
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
        .join(FOLDER)
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
