//! The list of agents as clients see it: found at once, asked for their versions one by one.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use berth_protocol::{
    AcpSupport, Agent, AgentId, AgentState, Event, Found, PermissionMode, Transport,
};
use berth_session::agents::{self, CUSTOM, LaunchError, SHELL, Spec, detect as finder};
use futures::{StreamExt, stream};

use crate::{
    defined_agents::{self, Entry},
    organizations::policy::Bound,
    state::State,
};

/// Programs that are asked for their version at the same time. Some of them take a whole core for
/// seconds.
const AT_ONCE: usize = 2;

#[derive(Default)]
pub struct AgentCatalog {
    known: Mutex<Option<Vec<Agent>>>,
    /// Only one detection runs at a time.
    detecting: tokio::sync::Mutex<()>,
    /// Held while clients are told, so that what they are told last is what is known.
    telling: Mutex<()>,
    /// The policy that clients know the agents under.
    bound: Mutex<Option<Bound>>,
}

impl AgentCatalog {
    fn with<T>(&self, act: impl FnOnce(&mut Option<Vec<Agent>>) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn turn_to_tell(&self) -> MutexGuard<'_, ()> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State, update: impl FnOnce(&mut Vec<Agent>)) {
        let _turn = self.turn_to_tell();
        let agents = self.with(|known| {
            let known = known.get_or_insert_default();
            update(known);
            known.clone()
        });
        state.publish(Event::AgentsChanged {
            agents: shown(state, agents),
        });
    }
}

impl AgentCatalog {
    /// An agent said its version, or did not. Of one that is known as another than was asked meanwhile,
    /// because it was described anew or its program is elsewhere, the answer says nothing.
    fn answered(&self, state: &State, asked: &Agent, answered: Agent) {
        self.publish(state, |known| {
            if let Some(entry) = known.iter_mut().find(|entry| *entry == asked) {
                *entry = answered;
            }
        });
    }
}

/// All agents as far as they are known; looks for their programs when that was not done yet.
pub async fn list(state: &Arc<State>) -> Vec<Agent> {
    if let Some(known) = state.agents.with(|known| known.clone()) {
        return shown(state, known);
    }
    let found = locate(state).await;
    let known = state
        .agents
        .with(|known| known.get_or_insert(found).clone());
    shown(state, known)
}

/// Tells clients what may be started under the policy that holds now, unless that is what they know.
pub fn follow_policy(state: &State) {
    let bound = state.organizations.bound();
    {
        let mut told = state
            .agents
            .bound
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *told == bound {
            return;
        }
        *told = bound;
    }
    let _turn = state.agents.turn_to_tell();
    // Whoever never asked for the list gets it with what holds then.
    if let Some(known) = state.agents.with(|known| known.clone()) {
        state.publish(Event::AgentsChanged {
            agents: shown(state, known),
        });
    }
}

/// Looks for all agents and asks those that were found for their versions.
pub async fn detect(state: &Arc<State>) {
    let _turn = state.agents.detecting.lock().await;
    let looked_at = state.defined.entries();
    let found = locate(state).await;
    state.agents.publish(state, |known| {
        // What was described, changed or forgotten since the look began is known better than it saw.
        let is_as_seen = |agent: &&Agent| {
            let mut seen = looked_at.iter();
            let seen = seen.find(|(id, _)| *id == agent.id);
            let now = state.defined.entry(&agent.id);
            !agent.defined || matches!((seen, now), (Some((_, seen)), Some(now)) if seen.is(&now))
        };
        let seen: Vec<&Agent> = found.iter().filter(is_as_seen).collect();
        let newer = known.iter().filter(|agent| {
            agent.defined
                && !seen.iter().any(|seen| seen.id == agent.id)
                && state.defined.entry(&agent.id).is_some()
        });
        let all = seen.iter().copied().chain(newer);
        *known = all.cloned().collect();
    });
    let asked = found
        .into_iter()
        .filter(|agent| agent.state == AgentState::Checking);
    stream::iter(asked)
        .for_each_concurrent(AT_ONCE, |agent| async move {
            let answered = ask(state, agent.clone()).await;
            state.agents.answered(state, &agent, answered);
        })
        .await;
}

async fn locate(state: &Arc<State>) -> Vec<Agent> {
    let environment = state.environment().await.clone();
    let defined = state.defined.entries();
    let found = tokio::task::spawn_blocking(move || {
        let known = agents::all()
            .iter()
            .map(|spec| describe(spec, &environment));
        let defined = defined
            .iter()
            .map(|(id, entry)| describe_defined(id, entry, &environment));
        known.chain(defined).collect()
    });
    found.await.unwrap_or_default()
}

/// Looks anew at an agent that a user described, or no longer describes.
pub async fn look_at(state: &Arc<State>, id: &AgentId) {
    // Whoever never asked for the list gets all of it when they do.
    list(state).await;
    let Some(entry) = state.defined.entry(id) else {
        state
            .agents
            .publish(state, |known| known.retain(|agent| agent.id != *id));
        return;
    };
    let (id, environment) = (id.clone(), state.environment().await.clone());
    let looked =
        tokio::task::spawn_blocking(move || describe_defined(&id, &entry, &environment)).await;
    let Ok(agent) = looked else { return };
    state.agents.publish(state, |known| {
        match known.iter_mut().find(|known| known.id == agent.id) {
            Some(old) => *old = agent.clone(),
            None => known.push(agent.clone()),
        }
    });
    if agent.state == AgentState::Checking {
        let state = Arc::clone(state);
        tokio::spawn(async move {
            let answered = ask(&state, agent.clone()).await;
            state.agents.answered(&state, &agent, answered);
        });
    }
}

fn describe_defined(
    id: &AgentId,
    entry: &Entry,
    environment: &berth_session::environment::Environment,
) -> Agent {
    let agent = match &entry.spec {
        Ok(spec) => describe(spec, environment),
        Err(why) => Agent {
            id: id.clone(),
            name: entry.name.clone(),
            state: AgentState::Broken,
            path: None,
            found: None,
            version: None,
            detail: Some(why.clone()),
            sign_in_hint: None,
            install_hint: None,
            permission_modes: Vec::new(),
            resumes: false,
            routers: Vec::new(),
            needs_router: false,
            defined: true,
            acp: None,
            refused: None,
        },
    };
    Agent {
        defined: true,
        ..agent
    }
}

fn describe(spec: &Spec, environment: &berth_session::environment::Environment) -> Agent {
    let built_in = matches!(spec.id.as_str(), SHELL | CUSTOM);
    let located = if built_in {
        None
    } else {
        finder::locate(spec, environment)
    };
    let state = match &located {
        _ if built_in => AgentState::Ready,
        None => AgentState::Missing,
        Some(located) if !finder::is_executable(&located.path) => AgentState::Broken,
        // It says no version.
        Some(_) if spec.version_args.is_empty() => AgentState::Ready,
        Some(_) if spec.launch.is_none() => AgentState::Unsupported,
        Some(_) => AgentState::Checking,
    };
    let path = match &located {
        Some(located) => Some(located.path.display().to_string()),
        None if spec.id.as_str() == SHELL => Some(
            berth_session::environment::login_shell()
                .display()
                .to_string(),
        ),
        None => None,
    };
    Agent {
        id: spec.id.clone(),
        name: spec.name.clone(),
        state,
        path,
        found: if built_in {
            Some(Found::BuiltIn)
        } else {
            located.map(|located| located.found)
        },
        version: None,
        detail: (state == AgentState::Broken).then(|| "the file is not executable".to_owned()),
        sign_in_hint: spec.sign_in_hint.clone(),
        install_hint: spec.install_hint.clone(),
        permission_modes: spec
            .permission_modes
            .iter()
            .map(|mode| PermissionMode {
                id: mode.id.clone(),
                name: mode.name.clone(),
                description: mode.description.clone(),
                unchecked: mode.unchecked,
                refused: None,
            })
            .collect(),
        resumes: spec.resumes(),
        routers: spec.routers().collect(),
        needs_router: spec.needs_router,
        defined: false,
        acp: finder::locate_acp(spec, environment).map(|found| AcpSupport {
            installed: found.is_some(),
            install_hint: spec.acp_install_hint().map(str::to_owned),
            permission_modes: spec.acp_modes().map(str::to_owned).collect(),
        }),
        refused: None,
    }
}

async fn ask(state: &State, mut agent: Agent) -> Agent {
    let Some(path) = agent.path.clone() else {
        return agent;
    };
    let Ok(spec) = defined_agents::spec(state, &agent.id) else {
        return agent;
    };
    match version(state, &spec, &path).await {
        Ok(version) => {
            let too_old = finder::check_version(&spec, &version).err();
            agent.state = match too_old {
                Some(_) => AgentState::TooOld,
                None => AgentState::Ready,
            };
            agent.detail = too_old.map(|error| error.to_string());
            agent.version = Some(version);
        }
        Err(detail) => {
            agent.state = AgentState::Broken;
            agent.detail = Some(detail);
        }
    }
    agent
}

/// The version of an agent's program, which is asked for it once. The error says what happened, for
/// people.
async fn version(state: &State, spec: &Spec, path: &str) -> Result<String, String> {
    // A user may have one ask in another way than the agent that the program belongs to.
    let is_known = agents::find(&spec.id).is_some();
    let stamp = stamp(Path::new(path)).filter(|_| is_known);
    if let Some((mtime, size)) = stamp
        && let Ok(Some(version)) = state.store.agent_version(path, mtime, size).await
    {
        return Ok(version);
    }
    let version = finder::version_of(spec, Path::new(path), state.environment().await).await?;
    if let Some((mtime, size)) = stamp
        && let Err(error) = state
            .store
            .set_agent_version(path, mtime, size, &version)
            .await
    {
        tracing::warn!(%error, "an agent's version could not be remembered");
    }
    Ok(version)
}

/// Refuses to start an agent that is too old for what it would be started with. One whose version is not
/// to be found out is started: it may say itself what it does not know.
pub async fn check_version(
    state: &State,
    spec: &Spec,
    transport: Transport,
) -> Result<(), LaunchError> {
    // An adapter starts the agent in its own way.
    let adapter = spec.acp.as_ref().filter(|acp| !acp.programs.is_empty());
    if spec.minimum_version.is_none() || (transport == Transport::Acp && adapter.is_some()) {
        return Ok(());
    }
    let environment = state.environment().await;
    let Some(located) = finder::locate(spec, environment) else {
        return Ok(());
    };
    match version(state, spec, &located.path.display().to_string()).await {
        Ok(version) => finder::check_version(spec, &version),
        Err(error) => {
            tracing::warn!(agent = %spec.id, error, "an agent does not tell its version");
            Ok(())
        }
    }
}

/// When the program was changed and how large it is: its version is asked again when either is
/// another.
fn stamp(path: &Path) -> Option<(i64, u64)> {
    let meta = path.metadata().ok()?;
    let changed = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((i64::try_from(changed.as_millis()).ok()?, meta.len()))
}

/// The agents as clients see them: in order, and with what the active organization lets no session begin with.
fn shown(state: &State, agents: Vec<Agent>) -> Vec<Agent> {
    let mut agents = in_order(agents);
    let Some(bound) = state.organizations.bound() else {
        return agents;
    };
    for agent in &mut agents {
        // One that cannot be read begins nothing anyway.
        let Ok(spec) = defined_agents::spec(state, &agent.id) else {
            continue;
        };
        for mode in &mut agent.permission_modes {
            mode.refused = bound.why_not(&spec, Some(&mode.id));
        }
        let mut modes = agent.permission_modes.iter();
        let none_is_left = modes.all(|mode| mode.refused.is_some());
        agent.refused = bound.why_not(&spec, None).filter(|_| none_is_left);
    }
    agents
}

/// Those that can be used first; otherwise the order of the catalog.
fn in_order(mut agents: Vec<Agent>) -> Vec<Agent> {
    agents.sort_by_key(|agent| match agent.state {
        AgentState::Ready | AgentState::Checking => 0,
        AgentState::Broken | AgentState::TooOld => 1,
        AgentState::Unsupported => 2,
        AgentState::Missing => 3,
    });
    agents
}
