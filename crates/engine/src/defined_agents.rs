//! Agents that a user described: their definitions in the store, the secrets of their environment in
//! the keychain, and the data that sessions are started with.
//!
//! Secrets are in the keychain under `agent/<installation>/<id>/<variable>`; as with routers, the store is told of one
//! after the keychain has it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_protocol::{
    AgentDefinition, AgentId, AgentSecret, Code, DefineAgent, DefinedAgent, FieldProblem, Problem,
    Secret,
};
use berth_session::agents::{self, Known, Spec, defined};
use berth_store::StoreError;

use crate::{error::ApiError, keychain, state::State};

/// The data of agents that a user described; of one whose definition cannot be used any more, why.
#[derive(Default)]
pub struct Defined(Mutex<BTreeMap<AgentId, Entry>>);

/// One of them.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub spec: Result<Arc<Spec>, String>,
}

impl Entry {
    /// It follows from the same description.
    pub fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && match (&self.spec, &other.spec) {
                (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
                (Err(one), Err(other)) => one == other,
                _ => false,
            }
    }
}

impl Defined {
    fn all(&self) -> MutexGuard<'_, BTreeMap<AgentId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, by their names in requests.
    pub fn entries(&self) -> Vec<(AgentId, Entry)> {
        let all = self.all();
        all.iter()
            .map(|(id, entry)| (id.clone(), entry.clone()))
            .collect()
    }

    /// One of them.
    pub fn entry(&self, id: &AgentId) -> Option<Entry> {
        self.all().get(id).cloned()
    }

    fn take(&self, agent: &DefinedAgent) {
        let spec = defined::spec(&agent.id, &agent.definition);
        let entry = Entry {
            name: agent.definition.name.clone(),
            // It was usable when it was kept: an earlier version took what this one does not.
            spec: spec.map(Arc::new).map_err(|problems| listed(&problems)),
        };
        self.all().insert(agent.id.clone(), entry);
    }
}

fn listed(problems: &[FieldProblem]) -> String {
    let each: Vec<String> = problems.iter().map(FieldProblem::to_string).collect();
    each.join(" ")
}

/// Takes what the store has, before anybody asks.
pub async fn load(state: &State) -> Result<(), StoreError> {
    for agent in state.store.defined_agents().await? {
        if agents::find(&agent.id).is_some() {
            tracing::warn!(agent = %agent.id, "Berth knows this agent by itself now; what a user described is not used");
            continue;
        }
        state.defined.take(&agent);
    }
    Ok(())
}

/// The data of an agent, whoever described it.
pub fn spec(state: &State, id: &AgentId) -> Result<Known, ApiError> {
    if let Some(spec) = agents::find(id) {
        return Ok(Known::BuiltIn(spec));
    }
    match state.defined.entry(id).map(|entry| entry.spec) {
        Some(Ok(spec)) => Ok(Known::Defined(spec)),
        Some(Err(why)) => Err(ApiError::new(Code::AgentInvalid, why)),
        None => {
            let detail = format!("there is no agent {id}");
            Err(ApiError::new(Code::AgentNotFound, detail))
        }
    }
}

pub async fn get(state: &State, id: &AgentId) -> Result<DefinedAgent, ApiError> {
    // One that Berth has come to know by itself since can still be looked at and forgotten.
    let found = state.store.defined_agent(id).await?;
    found.ok_or_else(|| StoreError::AgentNotFound(id.clone()).into())
}

pub async fn define(state: &Arc<State>, request: DefineAgent) -> Result<DefinedAgent, ApiError> {
    let DefineAgent { id, definition } = request;
    if agents::find(&id).is_some() {
        let detail = format!("Berth knows an agent {id} by itself");
        return Err(ApiError::new(Code::AgentExists, detail));
    }
    check(&id, &definition)?;
    let _turn = state.keeping.lock().await;
    let agent = state.store.define_agent(&id, &definition).await?;
    changed(state, &agent).await;
    Ok(agent)
}

/// Describes an agent anew. Secrets that it no longer names are removed.
pub async fn redefine(
    state: &Arc<State>,
    id: &AgentId,
    definition: AgentDefinition,
) -> Result<DefinedAgent, ApiError> {
    check(id, &definition)?;
    let _turn = state.keeping.lock().await;
    let old = get(state, id).await?;
    if agents::find(id).is_some() {
        let detail = format!("Berth knows the agent {id} by itself now");
        return Err(ApiError::new(Code::AgentExists, detail));
    }
    let mut agent = state.store.redefine_agent(id, &definition).await?;
    // Used from now on, also when the keychain refuses what follows.
    changed(state, &agent).await;
    let mut gone = holders(&old);
    for name in &agent.definition.secrets {
        gone.remove(name);
    }
    for name in gone {
        agent = forget_secret(state, agent, &name).await?;
    }
    Ok(agent)
}

/// Removes an agent of which no session runs, with its secrets.
pub async fn forget(state: &Arc<State>, id: &AgentId) -> Result<(), ApiError> {
    let _turn = state.keeping.lock().await;
    let mut agent = get(state, id).await?;
    // Looked at before any secret is removed; the store looks again.
    let live = state.store.live_sessions().await?;
    let count = live.iter().filter(|session| session.agent == *id).count();
    if count > 0 {
        let id = id.clone();
        let count = count as u64;
        return Err(StoreError::AgentInUse { id, count }.into());
    }
    for name in holders(&agent) {
        agent = forget_secret(state, agent, &name).await?;
    }
    state.store.forget_agent(id).await?;
    state.defined.all().remove(id);
    crate::agents::look_at(state, id).await;
    Ok(())
}

/// Puts the value of a secret into the keychain, instead of any before it.
pub async fn set_secret(
    state: &State,
    id: &AgentId,
    name: &str,
    secret: AgentSecret,
) -> Result<DefinedAgent, ApiError> {
    let _turn = state.keeping.lock().await;
    let agent = get(state, id).await?;
    if !agent.definition.secrets.iter().any(|known| known == name) {
        let detail = format!("agent {id} has no secret {name}");
        return Err(ApiError::new(Code::AgentNotFound, detail));
    }
    let value = secret.value.expose().trim();
    if value.is_empty()
        || value.len() > berth_protocol::LONGEST_SECRET
        || value.chars().any(char::is_control)
    {
        let longest = berth_protocol::LONGEST_SECRET;
        let detail = format!("a secret has 1 to {longest} bytes on one line");
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    keychain::set(
        state,
        &name_of(state, id, name).await?,
        Secret::new(value.to_owned()),
    )
    .await?;
    Ok(state.store.set_agent_secret(id, name, true).await?)
}

/// Removes the value of a secret from the keychain.
pub async fn remove_secret(
    state: &State,
    id: &AgentId,
    name: &str,
) -> Result<DefinedAgent, ApiError> {
    let _turn = state.keeping.lock().await;
    let agent = get(state, id).await?;
    if !holders(&agent).contains(name) {
        return Ok(agent);
    }
    forget_secret(state, agent, name).await
}

/// The variables of an agent whose values are in the keychain.
pub async fn secrets(state: &State, id: &AgentId) -> Result<BTreeMap<String, Secret>, ApiError> {
    let mut secrets = BTreeMap::new();
    if agents::find(id).is_some() {
        return Ok(secrets);
    }
    let agent = get(state, id).await?;
    for name in &agent.definition.secrets {
        let value = match agent.secrets.contains(name) {
            true => keychain::get(state, &name_of(state, id, name).await?).await?,
            false => None,
        };
        let Some(value) = value else {
            let detail = format!("{name} of agent {id} is not in {}", berth_secrets::place());
            return Err(ApiError::new(Code::AgentSecretMissing, detail));
        };
        secrets.insert(name.clone(), value);
    }
    Ok(secrets)
}

/// Secrets that may be in the keychain: of one that was put there when the engine was killed the store does
/// not know.
fn holders(agent: &DefinedAgent) -> BTreeSet<String> {
    let named = agent.definition.secrets.iter();
    named.chain(&agent.secrets).cloned().collect()
}

/// Removes a secret; see the same of routers' keys.
async fn forget_secret(
    state: &State,
    agent: DefinedAgent,
    name: &str,
) -> Result<DefinedAgent, ApiError> {
    let removed = keychain::remove(state, &name_of(state, &agent.id, name).await?).await;
    if !agent.secrets.iter().any(|known| known == name) {
        if let Err(error) = removed {
            tracing::debug!(problem = %error.0, "whether a secret is in the keychain is not known");
        }
        return Ok(agent);
    }
    removed?;
    Ok(state.store.set_agent_secret(&agent.id, name, false).await?)
}

/// Its name in the keychain. Another data folder of the same user may have an agent of this name, too.
async fn name_of(state: &State, id: &AgentId, name: &str) -> Result<String, StoreError> {
    let installation = state.store.installation().await?;
    Ok(format!("agent/{installation}/{id}/{name}"))
}

fn check(id: &AgentId, definition: &AgentDefinition) -> Result<(), ApiError> {
    match defined::spec(id, definition) {
        Ok(_) => Ok(()),
        Err(problems) => {
            let problem = Problem::new(Code::AgentInvalid, listed(&problems));
            Err(problem.with_fields(problems).into())
        }
    }
}

async fn changed(state: &Arc<State>, agent: &DefinedAgent) {
    state.defined.take(agent);
    crate::agents::look_at(state, &agent.id).await;
}
