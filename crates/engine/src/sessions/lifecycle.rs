//! Stopping, restarting, archiving and deleting sessions.

use std::{path::Path, sync::Arc};

use berth_protocol::{Beginning, Code, Problem, Session, SessionId, UnsavedWork, WorkspaceKind};
use berth_session::agents::{self, Order, injection::Injection};
use berth_store::{Phase, SessionRecord};
use berth_workspace::BranchFate;

use super::{
    announce, beginning, create, private, publish_removed, record, recordings, shown, unstored,
    workspaces::Place,
};
use crate::{
    defined_agents,
    error::ApiError,
    http::checked_text,
    mcp::shared::admits_of_session,
    projects,
    prompts::{self, Composing},
    routers,
    state::State,
};

pub async fn rename(state: &State, id: SessionId, title: &str) -> Result<Session, ApiError> {
    let title = checked_text("title", title, create::TITLE)?;
    let renamed = state.store.rename_session(id, &title).await?;
    Ok(announce(state, renamed).await)
}

/// Ends a session's programs and waits until that is recorded. Stopping an ended one does nothing.
pub async fn stop(state: &State, id: SessionId) -> Result<Session, ApiError> {
    if state.sessions.handle(id).is_none() && record(state, id).await?.phase.is_live() {
        // It is being started, which may take a while: it is stopped right after.
        let _turn = state.sessions.exclusive(id).await;
        return end(state, id).await;
    }
    end(state, id).await
}

/// As [`stop`], for those who have the right to start the session.
async fn end(state: &State, id: SessionId) -> Result<Session, ApiError> {
    if let Some(handle) = state.sessions.handle(id) {
        let mut runs = state.sessions.runs(id);
        handle.stop().await;
        // An error means that the session was forgotten, and so has ended.
        let _ = runs.wait_for(Option::is_none).await;
    }
    Ok(shown(state, record(state, id).await?))
}

/// Sees to it that everything of a session is in the store, for what builds on that.
async fn recorded(state: &State, id: SessionId) -> Result<(), ApiError> {
    match state.sessions.unstored(id) {
        Some(unstored) => Ok(unstored.store_now(state).await?),
        None => Ok(()),
    }
}

/// Starts an ended session again in its workspace; a running one is stopped first.
pub async fn restart(
    state: &Arc<State>,
    id: SessionId,
    wanted: Option<Beginning>,
) -> Result<Session, ApiError> {
    let _turn = state.sessions.exclusive(id).await;
    let old = record(state, id).await?;
    if old.archived_at.is_some() {
        return Err(archived(&old));
    }
    let spec = &defined_agents::spec(state, &old.agent)?;
    if !Path::new(&old.workspace.path).is_dir() {
        let detail = format!(
            "the workspace {} of session {id} is gone",
            old.workspace.path
        );
        return Err(ApiError::new(Code::WorkspaceMissing, detail));
    }
    // What is wrong with policy, prompts, secrets, router and store is found while the agent still runs.
    let composing = Composing::now(state).await?;
    let tenant = composing.organization();
    if let Some(bound) = state.organizations.bound_of(tenant) {
        bound.lets_begin(spec, old.permission_mode.as_deref())?;
        bound.lets_bring(&old.mcp_servers)?;
    }
    let project = projects::record(state, old.project_id).await?;
    let session = prompts::wanted_by(&old, spec, &project);
    let given = prompts::given(state, &composing, &session).await?;
    let secrets = defined_agents::secrets(state, &old.agent).await?;
    let router = match old.router {
        Some(id) => Some(routers::prepare(state, id).await?),
        None => None,
    };
    recorded(state, id).await?;
    end(state, id).await?;
    recorded(state, id).await?;
    let old = record(state, id).await?;
    let workspace = Path::new(&old.workspace.path);
    let start = beginning::decide(state, &old, spec, wanted).await?;
    let private = private(state, id);
    let draft = match &router {
        Some(router) => Some(router.draft(state).await?),
        None => None,
    };
    let given = match start.beginning {
        Beginning::Resumed => prompts::given_again(state, &old, spec, given).await?,
        Beginning::New | Beginning::Transcript => given,
    };
    let words = create::words(&given).map(str::to_owned);
    let order = Order {
        session: id,
        workspace,
        size: old.size,
        transport: old.transport,
        permission_mode: old.permission_mode.as_deref(),
        command: old.command.as_deref(),
        agent_session: start.agent_session.as_deref().unwrap_or_default(),
        resume: start.beginning == Beginning::Resumed,
        injection: Injection {
            instructions: words.as_deref(),
            mcp_servers: &old.mcp_servers,
            berth: state.config.program.as_deref(),
        },
        private: &private,
        secrets: &secrets,
        router: draft.as_ref(),
    };
    if let Some(bound) = state.organizations.bound_of(tenant) {
        bound.lets_begin(spec, old.permission_mode.as_deref())?;
        bound.lets_bring(&old.mcp_servers)?;
    }
    for server in &old.mcp_servers {
        admits_of_session(state, server)?;
    }
    agents::plan(spec, &order, state.environment().await)?;
    crate::agents::check_version(state, spec, old.transport).await?;
    let name = start.agent_session.as_deref();
    let new = state
        .store
        .session_restarted(id, start.beginning, name, &given, tenant)
        .await?;
    let run = new.run;
    let started = async {
        let undelivered = match (new.undelivered, &start.transcript) {
            (Some(message), _) => state.store.message(message).await?,
            (None, Some(transcript)) => {
                let message = state.store.append_undelivered(id, transcript, run);
                Some(message.await?)
            }
            (None, None) => None,
        };
        let new = record(state, id).await?;
        let how = create::How {
            tenant,
            router,
            secrets,
            words,
            resume: start.resume,
            undelivered,
        };
        create::run(state, new, spec, how).await
    };
    match started.await {
        Ok(session) => Ok(session),
        Err(error) => {
            let failure = berth_protocol::Failure {
                code: error.0.code,
                detail: error.0.detail.clone(),
            };
            unstored::end(state, id, run, Phase::Failed(failure)).await;
            Err(error)
        }
    }
}

/// What would be lost with the workspace.
pub async fn work(state: &State, id: SessionId) -> Result<UnsavedWork, ApiError> {
    let record = record(state, id).await?;
    unsaved(state, &record).await
}

async fn unsaved(state: &State, record: &SessionRecord) -> Result<UnsavedWork, ApiError> {
    let Some(place) = Place::of(state, record).await? else {
        // The project's folder stays when a session that works in it goes.
        return Ok(UnsavedWork::default());
    };
    let git = state.git().await?;
    let base = record.workspace.base_commit.as_deref();
    if record.archived_at.is_some() || !place.path.is_dir() {
        let mut work = git
            .unpushed_work(&place.project, base, &place.branch)
            .await?;
        if record.archive_commit.is_some() {
            work.uncommitted = work.uncommitted.max(1);
        }
        return Ok(work);
    }
    Ok(git
        .unsaved_work(&place.path, base, Some(&place.branch))
        .await?)
}

/// Puts a session away: its worktree is removed with everything in it kept, to be brought back.
pub async fn archive(state: &State, id: SessionId) -> Result<Session, ApiError> {
    let _turn = state.sessions.exclusive(id).await;
    let old = record(state, id).await?;
    if old.archived_at.is_some() {
        return Ok(shown(state, old));
    }
    recorded(state, id).await?;
    end(state, id).await?;
    recorded(state, id).await?;
    let commit = match Place::of(state, &old).await? {
        Some(place) => state.git().await?.archive(place.worktree()).await?.commit,
        None => None,
    };
    state.sessions.comparisons.forget(id);
    let archived = state.store.archive_session(id, commit).await?;
    Ok(announce(state, archived).await)
}

/// Brings an archived session back, with its worktree as it was.
pub async fn restore(state: &State, id: SessionId) -> Result<Session, ApiError> {
    let _turn = state.sessions.exclusive(id).await;
    let old = record(state, id).await?;
    if old.archived_at.is_none() {
        return Ok(shown(state, old));
    }
    if let Some(place) = Place::of(state, &old).await? {
        let restored = state.git().await?.restore(place.worktree()).await?;
        if let Some(hook) = restored.hook_failure {
            tracing::warn!(session = %id, hook, "the repository's post-checkout hook failed");
        }
    }
    let restored = state.store.restore_session(id, None).await?;
    Ok(announce(state, restored).await)
}

/// Deletes a session with its transcript, recording, worktree and branch. Work that is nowhere
/// else is deleted only when `discard` says so.
pub async fn delete(state: &State, id: SessionId, discard: bool) -> Result<(), ApiError> {
    let _turn = state.sessions.exclusive(id).await;
    let old = record(state, id).await?;
    if !discard {
        nothing_is_lost(state, &old).await?;
    }
    end(state, id).await?;
    if !discard {
        // What its agent did until it ended is work too.
        nothing_is_lost(state, &old).await?;
    }
    if old.workspace.kind == WorkspaceKind::Worktree
        && let Some(place) = Place::of(state, &old).await?
    {
        state
            .git()
            .await?
            .delete(place.worktree(), BranchFate::Delete)
            .await?;
    }
    // After the worktree: on a full disk it makes the room for this.
    recorded(state, id).await?;
    // Before it is forgotten: whoever is killed in between can delete it again.
    create::remove_private(state, id).await;
    let folder = recordings(state, id);
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "a recording stays behind");
    }
    state.store.delete_session(id).await?;
    state.sessions.forget(id);
    state.gateways.asking.forget(id);
    publish_removed(state, id).await;
    Ok(())
}

/// Refuses to lose work that is nowhere else.
async fn nothing_is_lost(state: &State, record: &SessionRecord) -> Result<(), ApiError> {
    let work = unsaved(state, record).await?;
    if work.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "the workspace of {:?} has {} uncommitted files and {} commits that are nowhere else",
        record.title, work.uncommitted, work.unpushed
    );
    Err(Problem::new(Code::WorkspaceHasWork, detail)
        .with_work(work)
        .into())
}

fn archived(record: &SessionRecord) -> ApiError {
    ApiError::new(
        Code::SessionArchived,
        format!("session {} is archived", record.id),
    )
}
