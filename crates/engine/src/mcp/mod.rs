//! MCP servers: who may change which, their secrets, and what becomes of a test.
//!
//! Secrets are in the keychain under `mcp/<id>/<name>`. The store is told of one after the keychain has it, and
//! no longer tells of one before it is removed there, except when a server goes: then its row goes last, so
//! that whatever a kill leaves of it can be seen and removed.

pub mod blocked;
mod by_hand;
mod given;
mod grants;
pub mod hint;
pub mod midway;
pub mod reach;
pub mod shared;
pub mod sign_in;
pub mod unattended;

pub use by_hand::call;
pub use given::given;

use std::collections::{BTreeMap, BTreeSet};

use berth_mcp::{Limits, McpError};
use berth_protocol::{
    Code, Event, FieldProblem, McpAuth, McpConfiguration, McpConfigurationId, McpDraft, McpEdit,
    McpImport, McpImported, McpImportedServer, McpList, McpScope, McpServer, McpState, McpTest,
    McpTested, McpTools, Problem, Secret, Timestamp,
};
use berth_store::StoreError;
use url::Url;

use crate::{error::ApiError, keychain, state::State};

/// Most servers of a scope.
const MOST: usize = 200;

/// All servers.
pub async fn list(state: &State) -> Result<McpList, ApiError> {
    let known = state.store.mcp_configurations().await?.into_iter();
    let mut writable = vec![McpScope::User];
    if state.organizations.administered().is_some() {
        writable.insert(0, McpScope::Organization);
    }
    Ok(McpList {
        configurations: known.map(|it| with_sign_in(state, it)).collect(),
        writable,
        unreadable: state.store.unreadable_mcp().await?,
        secrets_file: berth_secrets::is_file(),
    })
}

pub async fn get(state: &State, id: McpConfigurationId) -> Result<McpConfiguration, ApiError> {
    let found = state.store.mcp_configuration(id).await?;
    let found = found.ok_or(StoreError::McpNotFound(id))?;
    Ok(with_sign_in(state, found))
}

fn with_sign_in(state: &State, mut configuration: McpConfiguration) -> McpConfiguration {
    configuration.signing_in = state.sign_ins.shown(configuration.id);
    configuration
}

pub async fn create(state: &State, draft: McpDraft) -> Result<McpConfiguration, ApiError> {
    let draft = checked(draft)?;
    let known = state.store.mcp_configurations().await?;
    let is_own = |known: &&McpConfiguration| known.scope == McpScope::User;
    if known.iter().filter(is_own).count() >= MOST {
        let detail = format!("there are {MOST} MCP servers already, and there can be no more");
        return Err(ApiError::new(Code::McpInvalid, detail));
    }
    Ok(changed(state, state.store.create_mcp(&draft).await?))
}

/// Changes a server. Secrets that it no longer names are removed from the keychain.
pub async fn update(
    state: &State,
    id: McpConfigurationId,
    edit: McpEdit,
) -> Result<McpConfiguration, ApiError> {
    let turn = state.keeping.lock().await;
    let old = get(state, id).await?;
    let draft = checked(edit.configuration)?;
    if old.scope == McpScope::Organization {
        drop(turn);
        return shared::update(state, &old, edit.version, &draft).await;
    }
    let named = draft.secrets();
    // What was given for one program or host is not taken along to another.
    let mut kept: BTreeSet<String> = match is_elsewhere(&old.draft.server, &draft.server) {
        true => BTreeSet::new(),
        false => holders(&old).intersection(&named).cloned().collect(),
    };
    let stays_signed_in = is_same_sign_in(&old.draft, &draft);
    if stays_signed_in {
        kept.insert(McpConfiguration::SIGN_IN.to_owned());
    }
    let now = state
        .store
        .update_mcp(id, edit.version, &draft, &kept)
        .await?;
    for gone in holders(&old).difference(&kept) {
        // The store no longer knows of it, so that nothing uses it whatever becomes of this.
        if let Err(error) = keychain::remove(state, &name_of(id, gone)).await {
            tracing::debug!(problem = %error.0, "whether a secret is in the keychain is not known");
        }
    }
    let (was, is) = (&old.draft, &now.draft);
    if was.server != is.server || was.auth != is.auth {
        // It would be a sign-in to what it was.
        state.sign_ins.end_waiting(id);
    }
    state.gateways.asking.forget_of(id, |tool| {
        was.server != is.server || was.rules.of(tool) != is.rules.of(tool)
    });
    let now = changed(state, now);
    // An authorization server may take its time, and nobody else has to wait for that.
    drop(turn);
    if stays_signed_in || !old.draft.is_oauth() {
        return Ok(now);
    }
    if let Err(error) = sign_in::end(state, id).await {
        // The edit is made. Nothing uses what is left, and whoever removes the server tries again.
        tracing::warn!(problem = %error.0, "a sign-in to what an MCP server was is still in the keychain");
    }
    get(state, id).await
}

/// A sign-in to the one is a sign-in to the other.
fn is_same_sign_in(old: &McpDraft, new: &McpDraft) -> bool {
    let address = |draft: &McpDraft| sign_in::address(&draft.server).map(str::to_owned);
    match (&old.auth, &new.auth) {
        (
            McpAuth::Oauth {
                client_id: old_client,
                ..
            },
            McpAuth::Oauth {
                client_id: new_client,
                ..
            },
        ) if old.is_oauth() && new.is_oauth() => {
            old_client == new_client && address(old) == address(new)
        }
        _ => false,
    }
}

/// Another program or another host.
fn is_elsewhere(old: &McpServer, new: &McpServer) -> bool {
    let host = |text: &str| Url::parse(text).map(|url| url.origin()).ok();
    match (old, new) {
        (McpServer::Stdio { command: old, .. }, McpServer::Stdio { command: new, .. }) => {
            old != new
        }
        (
            McpServer::Http { url: old, .. } | McpServer::Sse { url: old, .. },
            McpServer::Http { url: new, .. } | McpServer::Sse { url: new, .. },
        ) => host(old) != host(new),
        _ => true,
    }
}

/// Removes a server with its secrets.
pub async fn delete(state: &State, id: McpConfigurationId, version: u32) -> Result<(), ApiError> {
    let unreadable = state.store.unreadable_mcp().await?;
    if unreadable.iter().any(|it| it.id == id) {
        return delete_unreadable(state, id).await;
    }
    let old = get(state, id).await?;
    if old.scope == McpScope::Organization {
        return shared::delete(state, id, version).await;
    }
    if old.version != version {
        let found = old.version;
        return Err(StoreError::McpChanged { id, found }.into());
    }
    // It may have been signed in to as what it was before. A program signs in by itself.
    if sign_in::address(&old.draft.server).is_some() {
        sign_in::end(state, id).await?;
    }
    let _turn = state.keeping.lock().await;
    let mut old = get(state, id).await?;
    for secret in holders(&old) {
        old = forget(state, old, &secret).await?;
    }
    state.store.delete_mcp(id, version).await?;
    state.sign_ins.forget(id);
    state.gateways.asking.forget_of(id, |_| true);
    state.publish(Event::McpRemoved { id });
    Ok(())
}

/// Removes a server that cannot be read, with the secrets that it names.
async fn delete_unreadable(state: &State, id: McpConfigurationId) -> Result<(), ApiError> {
    state.store.delete_unreadable_mcp(id).await?;
    state.sign_ins.forget(id);
    state.gateways.asking.forget_of(id, |_| true);
    state.publish(Event::McpRemoved { id });
    shared::sweep(state).await;
    Ok(())
}

/// Notes that the user has seen the whole command or address, and agrees to it.
pub async fn consent(
    state: &State,
    id: McpConfigurationId,
    shown: u32,
) -> Result<McpConfiguration, ApiError> {
    shared::admits(state, &get(state, id).await?)?;
    Ok(changed(state, state.store.consent_mcp(id, shown).await?))
}

/// Accepts tools as they are now. The server is no longer quarantined when there are no others.
pub async fn accept(
    state: &State,
    id: McpConfigurationId,
    tools: &[String],
) -> Result<McpConfiguration, ApiError> {
    let configuration = get(state, id).await?;
    let left = state.store.accept_mcp_tools(id, tools).await?;
    // Whoever has allowed them has allowed what they were.
    let accepted = |tool: &str| tools.iter().any(|it| it == tool);
    state.gateways.asking.forget_of(id, accepted);
    if let McpState::Quarantined { at, .. } = configuration.state {
        let now = match left.is_empty() {
            true => McpState::Untried,
            false => McpState::Quarantined { tools: left, at },
        };
        note(state, &configuration, now, None).await?;
    }
    get(state, id).await
}

/// Puts a secret into the keychain, instead of any before it.
pub async fn set_secret(
    state: &State,
    id: McpConfigurationId,
    name: &str,
    value: &Secret,
) -> Result<McpConfiguration, ApiError> {
    let _turn = state.keeping.lock().await;
    let configuration = get(state, id).await?;
    if !configuration.draft.secrets().contains(name) {
        let detail = format!(
            "MCP server {:?} names no secret {name:?}",
            configuration.draft.name
        );
        return Err(ApiError::new(Code::McpNotFound, detail));
    }
    let value = checked_secret(value)?;
    keychain::set(state, &name_of(id, name), value).await?;
    // Its organization may have made it another one meanwhile, which is not given what was meant for this one.
    let is = get(state, id).await?;
    if is_elsewhere(&configuration.draft.server, &is.draft.server) {
        keychain::remove(state, &name_of(id, name)).await?;
        let found = is.version;
        return Err(StoreError::McpChanged { id, found }.into());
    }
    let now = state.store.set_mcp_secret(id, name, true).await?;
    Ok(changed(state, now))
}

/// Removes a secret from the keychain.
pub async fn remove_secret(
    state: &State,
    id: McpConfigurationId,
    name: &str,
) -> Result<McpConfiguration, ApiError> {
    let _turn = state.keeping.lock().await;
    let configuration = get(state, id).await?;
    if !holders(&configuration).contains(name) {
        return Ok(configuration);
    }
    let now = forget(state, configuration, name).await?;
    Ok(changed(state, now))
}

/// Forgets everything that is kept of a server besides its settings: its sign-in, its secrets, and how it was doing.
pub async fn clear(state: &State, id: McpConfigurationId) -> Result<McpConfiguration, ApiError> {
    let configuration = get(state, id).await?;
    if sign_in::address(&configuration.draft.server).is_some() {
        sign_in::end(state, id).await?;
    }
    state.gateways.asking.forget_of(id, |_| true);
    state.sign_ins.clients().forget(id);
    let _turn = state.keeping.lock().await;
    let mut configuration = get(state, id).await?;
    for secret in holders(&configuration) {
        configuration = forget(state, configuration, &secret).await?;
    }
    Ok(changed(state, state.store.clear_mcp(id).await?))
}

/// Tries a server that is kept, as [`test`] does, for nobody who waits.
pub async fn try_kept(state: &State, id: McpConfigurationId) -> Result<(), ApiError> {
    let request = McpTest {
        id: Some(id),
        draft: None,
        secrets: BTreeMap::new(),
    };
    if let Err(error) = test(state, request).await {
        // It is noted with the server.
        tracing::debug!(problem = %error.0, "an MCP server does not answer");
    }
    Ok(())
}

/// Tries a server: one that is kept, or one that is not yet. What a kept one says is noted.
pub async fn test(state: &State, request: McpTest) -> Result<McpTested, ApiError> {
    let kept = match request.id {
        Some(id) => Some(get(state, id).await?),
        None => None,
    };
    let (draft, mut noted) = match (request.draft, &kept) {
        (Some(draft), kept) => {
            let draft = checked(draft)?;
            // What is said by a draft says nothing of the server that is kept, unless they are the same.
            let same = kept.as_ref().filter(|kept| kept.draft == draft);
            let noted = same.filter(|_| request.secrets.is_empty()).cloned();
            (draft, noted)
        }
        (None, Some(kept)) if !kept.consented => return Err(not_consented(kept)),
        (None, Some(kept)) => {
            shared::admits(state, kept)?;
            (kept.draft.clone(), Some(kept.clone()))
        }
        (None, None) => {
            let detail = "neither the id of a server nor a draft is given";
            return Err(ApiError::new(Code::BadRequest, detail));
        }
    };
    let mut given = BTreeMap::new();
    for (name, value) in request.secrets {
        given.insert(name, checked_secret(&value)?);
    }
    shared::admits_draft(state, &draft)?;
    // A client's secret that is typed now belongs nowhere yet.
    let is_typed = given.contains_key("client_secret") && draft.is_unattended();
    let asked = async {
        let secrets = secrets(state, kept.as_ref(), &draft, given).await?;
        let id = kept.as_ref().filter(|_| !is_typed).map(|kept| kept.id);
        let reach = reach::reach(state, (id, &draft), secrets, None).await?;
        let probed = berth_mcp::probe(&reach, Limits::default());
        let probed = unless_stopping(state, &draft.name, probed).await?;
        if let (Some(kept), Err(error)) = (&kept, &probed)
            && kept.draft.server == draft.server
        {
            state.sign_ins.remember(kept.id, &draft.server, error);
        }
        Ok::<_, ApiError>(probed?)
    };
    let asked = asked.await;
    if let Err(error) = &asked
        && error.0.code == Code::ShuttingDown
    {
        // It says nothing of the server.
        noted = None;
    }
    if let Some(noted) = noted {
        let at = Timestamp::now();
        let (now, tools) = match &asked {
            Ok(probe) => {
                // That it answers accepts nothing.
                let tools = state.store.quarantined_mcp_tools(noted.id).await?;
                let now = match tools.is_empty() {
                    true => McpState::connected(probe, at),
                    false => McpState::Quarantined { tools, at },
                };
                (now, Some(&probe.tools[..]))
            }
            Err(error) => (sign_in::state_of(state, &noted, error, at).await, None),
        };
        note(state, &noted, now, tools).await?;
    }
    Ok(McpTested { probe: asked? })
}

/// The tools of a server as they were when it was last asked.
pub async fn tools(state: &State, id: McpConfigurationId) -> Result<McpTools, ApiError> {
    get(state, id).await?;
    Ok(state.store.mcp_tools(id).await?)
}

/// What a server answers, unless the engine stops meanwhile: one that says nothing holds up nobody.
async fn unless_stopping<T>(
    state: &State,
    name: &str,
    asked: impl Future<Output = T>,
) -> Result<T, ApiError> {
    tokio::select! {
        answer = asked => Ok(answer),
        () = state.stopping.cancelled() => {
            let detail = format!("the engine stops while MCP server {name:?} is asked");
            Err(ApiError::new(Code::ShuttingDown, detail))
        }
    }
}

/// What a file of another program names. Nothing of it is kept or started.
pub fn import(files: &McpImport) -> Result<McpImported, ApiError> {
    let found = berth_mcp::import(&files.text)
        .map_err(|error| ApiError::new(Code::McpInvalid, error.to_string()))?;
    let servers = found.into_iter().map(|server| match server {
        Ok(server) => McpImportedServer {
            problems: berth_mcp::check(&server.draft),
            name: server.name,
            projects: server.projects,
            draft: Some(server.draft),
            secrets: server.secrets,
            notes: server.notes,
        },
        Err(unclear) => McpImportedServer {
            name: unclear.name,
            projects: unclear.projects,
            draft: None,
            secrets: BTreeSet::new(),
            notes: vec![unclear.why],
            problems: Vec::new(),
        },
    });
    Ok(McpImported {
        servers: servers.collect(),
    })
}

/// How a server that is kept and was agreed to is reached.
pub async fn reach_of(
    state: &State,
    configuration: &McpConfiguration,
    folder: Option<&std::path::Path>,
) -> Result<berth_mcp::Reach, ApiError> {
    if !configuration.consented {
        return Err(not_consented(configuration));
    }
    shared::admits(state, configuration)?;
    let draft = &configuration.draft;
    let secrets = secrets(state, Some(configuration), draft, BTreeMap::new()).await?;
    reach::reach(state, (Some(configuration.id), draft), secrets, folder).await
}

/// Notes how a server is doing, and tells everybody.
pub async fn note(
    state: &State,
    configuration: &McpConfiguration,
    now: McpState,
    tools: Option<&[berth_protocol::McpTool]>,
) -> Result<(), ApiError> {
    let (id, version) = (configuration.id, configuration.version);
    if let Some(noted) = state.store.set_mcp_state(id, version, &now, tools).await? {
        changed(state, noted);
    }
    Ok(())
}

/// The secrets that a server needs: those given, and those that are kept.
async fn secrets(
    state: &State,
    kept: Option<&McpConfiguration>,
    draft: &McpDraft,
    mut given: BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, Secret>, ApiError> {
    let named = draft.secrets();
    given.retain(|name, _| named.contains(name));
    for name in named {
        if given.contains_key(&name) {
            continue;
        }
        let kept = kept.filter(|kept| {
            // What is in the keychain was given for this server and is sent to no other.
            kept.kept_secrets.contains(&name) && kept.draft.server == draft.server
        });
        let value = match kept {
            Some(kept) => keychain::get(state, &name_of(kept.id, &name)).await?,
            None => None,
        };
        match value {
            Some(value) => drop(given.insert(name, value)),
            None if draft.can_miss(&name) => {}
            None => {
                let detail = format!(
                    "{name} of MCP server {:?} is not in {}",
                    draft.name,
                    berth_secrets::place()
                );
                return Err(Problem::new(Code::McpSecretMissing, detail)
                    .with_fields(vec![FieldProblem {
                        field: format!("secrets.{name}"),
                        message: "It is missing.".to_owned(),
                    }])
                    .into());
            }
        }
    }
    Ok(given)
}

/// Which secrets may be in the keychain, besides a sign-in: of one that was put there when the engine was killed the store does not
/// know.
fn holders(configuration: &McpConfiguration) -> BTreeSet<String> {
    let mut holders = configuration.draft.secrets();
    holders.extend(configuration.kept_secrets.iter().cloned());
    // A sign-in is more than an entry of the keychain, and is ended otherwise.
    holders.remove(McpConfiguration::SIGN_IN);
    holders
}

/// Removes a secret. Of one that the store does not know of it is only made sure.
async fn forget(
    state: &State,
    configuration: McpConfiguration,
    name: &str,
) -> Result<McpConfiguration, ApiError> {
    let removed = keychain::remove(state, &name_of(configuration.id, name)).await;
    if !configuration.kept_secrets.contains(name) {
        if let Err(error) = removed {
            tracing::debug!(problem = %error.0, "whether a secret is in the keychain is not known");
        }
        return Ok(configuration);
    }
    removed?;
    let now = state.store.set_mcp_secret(configuration.id, name, false);
    Ok(now.await?)
}

fn name_of(id: McpConfigurationId, name: &str) -> String {
    format!("mcp/{id}/{name}")
}

fn changed(state: &State, configuration: McpConfiguration) -> McpConfiguration {
    let configuration = with_sign_in(state, configuration);
    state.publish(Event::McpChanged {
        configuration: Box::new(configuration.clone()),
    });
    configuration
}

fn not_consented(configuration: &McpConfiguration) -> ApiError {
    let name = &configuration.draft.name;
    let detail = match &configuration.draft.server {
        McpServer::Stdio { command, .. } => {
            format!("nobody has agreed that MCP server {name:?} runs {command:?}")
        }
        McpServer::Http { url, .. } | McpServer::Sse { url, .. } => {
            format!("nobody has agreed that MCP server {name:?} is asked at {url}")
        }
    };
    ApiError::new(Code::McpNotConsented, detail)
}

/// Checks everything that can be wrong with a server, and says it by field.
fn checked(draft: McpDraft) -> Result<McpDraft, ApiError> {
    let problems = berth_mcp::check(&draft);
    if problems.is_empty() {
        return Ok(draft);
    }
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Err(Problem::new(Code::McpInvalid, said.join(" "))
        .with_fields(problems)
        .into())
}

fn checked_secret(value: &Secret) -> Result<Secret, ApiError> {
    let text = value.expose().trim();
    let longest = berth_protocol::LONGEST_SECRET;
    if text.is_empty() || text.len() > longest || text.chars().any(char::is_control) {
        let detail = format!("a secret has 1 to {longest} bytes on one line");
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    Ok(Secret::new(text.to_owned()))
}

impl From<McpError> for ApiError {
    fn from(error: McpError) -> Self {
        hint::told(&error)
    }
}
