//! Starting a session: check everything, prepare the workspace, record it, then run the agent.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use berth_protocol::{
    Beginning, Code, CreateSession, Failure, Message, Secret, Session, SessionId, Status,
    Timestamp, Transport, Workspace, tenant::Tenant,
};
use berth_session::{
    acp,
    agents::{self, Known, Order, Plan, Spec, injection::Injection},
    live::{self, SessionEvent, SessionHandle, Start},
    router::{Instance, Route},
};
use berth_store::{GivenPrompt, NewSession, Phase, SessionRecord};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{
    Live, STOP_MARGIN, announce, beginning, mcp, private, recording, supervise, talk,
    unstored::{self, Unstored},
    workspaces,
};
use crate::{
    defined_agents,
    error::ApiError,
    gateway,
    http::checked_text,
    mcp::shared::admits_of_session,
    projects,
    prompts::{self, Composing},
    routers::{self, Prepared},
    state::State,
};

/// Longest title, in characters.
pub const TITLE: usize = 200;

/// Characters of a message that become the title.
const TITLE_FROM_MESSAGE: usize = 60;

/// Longest instructions, in bytes: they are one part of what the agent is given.
const INSTRUCTIONS: usize = berth_prompt::MAX_CONTENT_BYTES;

/// Creates a session and starts its agent. The answer comes when the program runs; the first
/// message is handed over as soon as the agent takes it.
pub async fn create(state: &Arc<State>, request: CreateSession) -> Result<Session, ApiError> {
    let project = projects::record(state, request.project_id).await?;
    let spec = &defined_agents::spec(state, &request.agent)?;
    let transport = request.transport.unwrap_or_default();
    let message = request
        .message
        .as_deref()
        .map(talk::checked_message)
        .transpose()?;
    let title = match &request.title {
        Some(title) => checked_text("title", title, TITLE)?,
        None => title_from(message.as_deref(), spec),
    };
    let size = request.size.unwrap_or_default().clamped();
    // Whatever can be wrong with the agent is found before a workspace is made for it.
    let folder = projects::folder(project.path.clone(), None).await?;
    let id = SessionId(Uuid::now_v7());
    // Whoever wants to stop or delete it before it runs has to wait.
    let _turn = state.sessions.exclusive(id).await;
    let start = beginning::Start::new(spec, transport);
    let environment = state.environment().await;
    let instructions = checked_instructions(request.instructions.as_deref())?;
    let mcp_servers = mcp::checked(&request.mcp_servers, &folder, environment)?;
    let router = match request.router {
        Some(id) => Some(routers::prepare(state, id).await?),
        None => None,
    };
    let draft = match &router {
        Some(router) => Some(router.draft(state).await?),
        None => None,
    };
    let secrets = defined_agents::secrets(state, &spec.id).await?;
    let composing = Composing::now(state).await?;
    let tenant = composing.organization();
    if let Some(bound) = state.organizations.bound_of(tenant) {
        bound.lets_begin(spec, request.permission_mode.as_deref())?;
        bound.lets_bring(&mcp_servers)?;
    }
    for server in &mcp_servers {
        admits_of_session(state, server)?;
    }
    let own = instructions.as_deref().map(|words| (id, words));
    let wanted = prompts::wanted_before(&folder, (spec, transport), &project, own);
    let given = prompts::given(state, &composing, &wanted).await?;
    let order = Order {
        session: id,
        workspace: &folder,
        size,
        transport,
        permission_mode: request.permission_mode.as_deref(),
        command: request.command.as_deref(),
        agent_session: start.agent_session.as_deref().unwrap_or_default(),
        resume: false,
        injection: Injection {
            instructions: words(&given),
            mcp_servers: &mcp_servers,
            berth: state.config.program.as_deref(),
        },
        private: &private(state, id),
        secrets: &secrets,
        router: draft.as_ref(),
    };
    agents::plan(spec, &order, environment)?;
    crate::agents::check_version(state, spec, transport).await?;

    let slug_from = message.as_deref().unwrap_or(&title);
    let workspace =
        workspaces::make(state, id, &folder, request.workspace.clone(), slug_from).await?;
    let wanted = prompts::wanted_in(&workspace, (spec, transport), &project, own);
    let given = match prompts::given(state, &composing, &wanted).await {
        Ok(given) => given,
        Err(error) => {
            undo(state, id, &folder, &workspace).await;
            return Err(error);
        }
    };
    let instructed = words(&given).map(str::to_owned);
    let new = NewSession {
        id,
        project_id: project.id,
        agent: spec.id.clone(),
        title,
        workspace: workspace.clone(),
        transport,
        permission_mode: request
            .permission_mode
            .clone()
            .or_else(|| spec.permission_modes.first().map(|mode| mode.id.clone())),
        command: request.command.clone(),
        size,
        agent_session: start.agent_session.clone(),
        instructions: instructions.clone(),
        mcp_servers: mcp_servers.clone(),
        router: request.router,
        prompt: given,
        tenant,
    };
    let started = async {
        // Making the workspace takes a while, and the policy may be another one by now.
        if let Some(bound) = state.organizations.bound_of(tenant) {
            bound.lets_begin(spec, request.permission_mode.as_deref())?;
            bound.lets_bring(&mcp_servers)?;
        }
        for server in &mcp_servers {
            admits_of_session(state, server)?;
        }
        let record = state.store.create_session(new).await?;
        let first = match &message {
            Some(content) => {
                let run = record.run;
                Some(state.store.append_undelivered(id, content, run).await?)
            }
            None => None,
        };
        let record = super::record(state, record.id).await?;
        let how = How {
            tenant,
            router,
            secrets,
            words: instructed,
            resume: None,
            undelivered: first,
        };
        run(state, record, spec, how).await
    };
    match started.await {
        Ok(session) => Ok(session),
        Err(error) => {
            // The request failed, so it must leave nothing behind.
            undo(state, id, &folder, &workspace).await;
            Err(error)
        }
    }
}

/// How a session is run.
pub struct How {
    /// The organization whose policy and prompts it was checked and composed with.
    pub tenant: Option<Tenant>,
    /// The router that the agent's requests go through.
    pub router: Option<Prepared>,
    /// The agent's variables that are in the keychain.
    pub secrets: BTreeMap<String, Secret>,
    /// What is added to the agent's own instructions.
    pub words: Option<String>,
    /// The conversation that the agent is asked for over its protocol.
    pub resume: Option<acp::Resume>,
    /// The message that the agent has not taken yet.
    pub undelivered: Option<Message>,
}

/// Runs a session that is recorded as live, and hands the message over that its agent has not taken
/// yet. When this fails, nothing of the session runs.
pub async fn run(
    state: &Arc<State>,
    record: SessionRecord,
    spec: &Known,
    how: How,
) -> Result<Session, ApiError> {
    let How {
        tenant,
        router,
        secrets,
        words,
        resume,
        undelivered,
    } = how;
    let (id, run) = (record.id, record.run);
    let (route, instance) = match &router {
        Some(router) => {
            let (route, instance) = router.start(state, id, run).await?;
            (Some(route), instance)
        }
        None => (None, None),
    };
    let (gateways, gateway) = gateway::open(state, &record, spec, tenant).await?;
    let mut mcp_servers = record.mcp_servers.clone();
    mcp_servers.extend(gateways);
    let injection = Injection {
        instructions: words.as_deref(),
        mcp_servers: &mcp_servers,
        berth: state.config.program.as_deref(),
    };
    let plan = plan(state, &record, spec, injection, &secrets, route.as_ref()).await?;
    let cast = recording(state, id, run);
    if let Some(folder) = cast.parent() {
        crate::endpoint::prepare_folder(folder)
            .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    }
    let (title, reaper, grace) = (
        record.title.clone(),
        state.reaper.clone(),
        state.config.grace,
    );
    let transport = record.transport;
    let resumed = record.beginning == Beginning::Resumed;
    let routed = instance.as_ref().map(Instance::state);
    let own = private(state, id);
    let spec = spec.clone();
    // The task is started inside the runtime although the fork blocks.
    let runtime = tokio::runtime::Handle::current();
    let started = tokio::task::spawn_blocking(move || {
        let _inside = runtime.enter();
        let failed = |error: std::io::Error| {
            let code = match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Code::StoreFull
                }
                _ => Code::SpawnFailed,
            };
            ApiError::new(code, format!("{}: {error}", own.display()))
        };
        agents::private_folder(&own).map_err(failed)?;
        plan.write_files().map_err(failed)?;
        let instructions = words.filter(|_| plan.acp_instructions);
        match transport {
            Transport::Pty => live::start(Start {
                id,
                run,
                launch: plan.launch,
                rules: Arc::clone(&spec.screen),
                recording: Some(cast),
                follow_output: false,
                shows_earlier: resumed && spec.shows_earlier(),
                title,
                router: instance,
                reaper,
                grace,
            }),
            Transport::Acp => acp::start(acp::Start {
                id,
                run,
                launch: plan.launch,
                agent: spec.name.clone(),
                sign_in_hint: spec.sign_in_hint.clone(),
                mode: plan.acp_mode,
                resume,
                instructions,
                mcp_servers,
                meta: spec
                    .acp
                    .as_ref()
                    .map(|acp| acp.meta.clone())
                    .unwrap_or_default(),
                noise: spec
                    .acp
                    .as_ref()
                    .map_or_else(Arc::default, |acp| Arc::clone(&acp.noise)),
                recording: Some(cast),
                title,
                router: instance,
                reaper,
                grace,
            }),
        }
        .map_err(ApiError::from)
    });
    let (handle, events) = started
        .await
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))??;
    if let Some((pid, started_at)) = handle.family.leader
        && let Err(error) = state.store.session_spawned(id, pid, started_at).await
    {
        end(state, &handle, events).await;
        return Err(error.into());
    }
    let status = watch::Sender::new(Status::Starting);
    let unstored = Unstored::new(id, run);
    let live = Live {
        handle,
        status,
        since: Timestamp::now(),
        undelivered: undelivered.clone(),
        router: routed.clone(),
        unstored: Arc::clone(&unstored),
        _gateway: gateway,
    };
    state.sessions.began(id, live);
    if let Some(router) = &router {
        supervise::note(state, id, "session.routed", router.told()).await;
    }
    if let Some(routed) = routed {
        tokio::spawn(supervise::watch_router(Arc::clone(state), id, routed));
    }
    tokio::spawn(supervise::supervise(Arc::clone(state), unstored, events));
    if let Some(message) = undelivered {
        state.publish(berth_protocol::Event::MessageChanged { message });
        tokio::spawn(talk::deliver(Arc::clone(state), id));
    }
    Ok(announce(state, super::record(state, id).await?).await)
}

/// What a session that is recorded as live is run with.
async fn plan(
    state: &State,
    record: &SessionRecord,
    spec: &Spec,
    injection: Injection<'_>,
    secrets: &BTreeMap<String, Secret>,
    route: Option<&Route>,
) -> Result<Plan, ApiError> {
    let order = Order {
        session: record.id,
        workspace: Path::new(&record.workspace.path),
        size: record.size,
        transport: record.transport,
        permission_mode: record.permission_mode.as_deref(),
        command: record.command.as_deref(),
        agent_session: record.agent_session.as_deref().unwrap_or_default(),
        resume: record.beginning == Beginning::Resumed,
        injection,
        private: &private(state, record.id),
        secrets,
        router: route,
    };
    Ok(agents::plan(spec, &order, state.environment().await)?)
}

/// What goes to the agent of what was put together for it.
pub fn words(given: &GivenPrompt) -> Option<&str> {
    let text = given.effective.text.as_str();
    (given.undelivered.is_none() && !text.is_empty()).then_some(text)
}

/// Ends a program that could not be recorded and waits until nothing of it runs any more: its
/// workspace is removed next, and it must not write there meanwhile.
async fn end(
    state: &State,
    handle: &SessionHandle,
    mut events: mpsc::UnboundedReceiver<SessionEvent>,
) {
    let patience = state.config.grace + STOP_MARGIN;
    let ended = tokio::time::timeout(patience, async {
        handle.stop().await;
        while let Some(event) = events.recv().await {
            if matches!(event, SessionEvent::Ended { .. }) {
                break;
            }
        }
    });
    if ended.await.is_err() {
        tracing::error!(session = %handle.id(), "a program that was not recorded does not end");
    }
}

/// Takes back everything of a session that did not start. Its record goes last: as long as
/// something of the session is left, the session can be seen and deleted.
async fn undo(state: &Arc<State>, id: SessionId, project: &Path, workspace: &Workspace) {
    let failed = || {
        Phase::Failed(Failure {
            code: Code::SpawnFailed,
            detail: "the program could not be started".to_owned(),
        })
    };
    let undone = async {
        // First: on a full disk it makes the room that the record of the rest needs.
        workspaces::undo(state, id, project, workspace).await?;
        if state.store.session(id).await?.is_some() {
            state.store.session_ended(id, failed()).await?;
            state.store.delete_session(id).await?;
        }
        remove_private(state, id).await;
        state.sessions.forget(id);
        Ok::<(), ApiError>(())
    };
    if let Err(error) = undone.await {
        tracing::error!(%id, problem = %error.0, "something of a session that did not start is left");
        if let Ok(Some(record)) = state.store.session(id).await {
            unstored::end(state, id, record.run, failed()).await;
        }
    }
}

/// Removes what only the agent needed to read.
pub async fn remove_private(state: &State, id: SessionId) {
    let folder = private(state, id);
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "a session's private folder stays behind");
    }
}

/// Checks instructions; nothing when they are blank.
fn checked_instructions(text: Option<&str>) -> Result<Option<String>, ApiError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = text else {
        return Ok(None);
    };
    if text.len() > INSTRUCTIONS {
        let detail = format!(
            "the instructions have {} bytes; at most {INSTRUCTIONS} are allowed",
            text.len()
        );
        return Err(ApiError::new(Code::BodyTooLarge, detail));
    }
    if text.contains('\0') {
        let detail = "the instructions hold a NUL character";
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    Ok(Some(text.to_owned()))
}

fn title_from(message: Option<&str>, spec: &Spec) -> String {
    let line = message
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty());
    let Some(line) = line else {
        return format!("{} session", spec.name);
    };
    if line.chars().count() <= TITLE_FROM_MESSAGE {
        return line.to_owned();
    }
    let cut: String = line.chars().take(TITLE_FROM_MESSAGE).collect();
    let words = cut
        .rsplit_once(' ')
        .map_or(cut.as_str(), |(words, _)| words);
    format!("{words}…")
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
