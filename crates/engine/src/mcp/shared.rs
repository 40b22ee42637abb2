//! The servers that the active organization shares: what its admins may change of them, what each user chooses for
//! themselves on this machine, and what becomes of them when the organization says something else or is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use berth_protocol::{
    Code, Event, McpCatalogEdit, McpConfiguration, McpConfigurationId, McpDraft, McpScope,
    McpServer, McpShare, McpTake, Problem, SessionMcpServer,
    tenant::{Catalog, EntityKind, Tenant},
};
use berth_store::{StoreError, TenantEdit};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    MOST, blocked, changed, checked, get, is_elsewhere, is_same_sign_in, name_of, sign_in,
};
use crate::{error::ApiError, keychain, organizations, state::State};

/// How long the answer to an edit waits until what it leaves in the keychain is gone from there: the keychain may ask its
/// user, and a server may not answer. Whatever is left then goes with the next round of the sync.
const SWEEPS: Duration = Duration::from_secs(3);

/// The organization's servers as clients were last told of them, and the turn of whoever clears up behind them.
#[derive(Default)]
pub struct Told {
    servers: Mutex<BTreeMap<McpConfigurationId, McpConfiguration>>,
    sweeping: Mutex<()>,
}

/// Takes over what the active organization says of its servers, and tells what is different now.
pub async fn follow(state: &State) -> Result<(), StoreError> {
    if let Some(tenant) = state.organizations.active() {
        state.store.share_servers(tenant, stays).await?;
    }
    tell(state).await
}

/// Which secrets of a server are still good for what it becomes: what was given for one program or host is not taken along
/// to another.
fn stays(old: &McpDraft, new: &McpDraft) -> BTreeSet<String> {
    let mut stays = match is_elsewhere(&old.server, &new.server) {
        true => BTreeSet::new(),
        false => new.secrets(),
    };
    if is_same_sign_in(old, new) {
        stays.insert(McpConfiguration::SIGN_IN.to_owned());
    }
    stays
}

async fn tell(state: &State) -> Result<(), StoreError> {
    let mut told = state.shared_servers.servers.lock().await;
    let all = state.store.mcp_configurations().await?;
    let now: BTreeMap<_, _> = all
        .into_iter()
        .filter(|server| server.scope == McpScope::Organization)
        .map(|server| (server.id, server))
        .collect();
    let before = std::mem::replace(&mut *told, now.clone());
    for (id, was) in &before {
        let Some(is) = now.get(id).map(|server| &server.draft) else {
            state.sign_ins.forget(*id);
            state.gateways.asking.forget_of(*id, |_| true);
            state.publish(Event::McpRemoved { id: *id });
            continue;
        };
        let was = &was.draft;
        if was.server != is.server || was.auth != is.auth {
            // It would be a sign-in to what it was.
            state.sign_ins.end_waiting(*id);
        }
        if was.server != is.server {
            state.gateways.asking.forget_of(*id, |_| true);
        }
    }
    for (id, server) in now {
        if before.get(&id) != Some(&server) {
            changed(state, server);
        }
    }
    Ok(())
}

/// Removes from the keychain what is left there of servers that are gone. What cannot be removed now is tried again.
/// One does it at a time, and none of it outlives the engine.
pub async fn sweep(state: &State) {
    let Ok(_turn) = state.shared_servers.sweeping.try_lock() else {
        return;
    };
    let swept = tokio::select! {
        swept = swept(state) => swept,
        () = state.stopping.cancelled() => return,
    };
    if let Err(error) = swept {
        tracing::warn!(problem = %error.0, "secrets of MCP servers that are gone are still in the keychain");
    }
}

async fn swept(state: &State) -> Result<(), ApiError> {
    let is_sign_in = |name: &str| name == McpConfiguration::SIGN_IN;
    let mut failed = None;
    for orphan in state.store.mcp_orphans().await? {
        let removed = if is_sign_in(&orphan.name) {
            match orphan.is_kept {
                true => Ok(false),
                false => sign_in::end_left(state, &orphan).await,
            }
        } else {
            // Whoever has given the secret again meanwhile has it.
            let _turn = state.keeping.lock().await;
            let now = state.store.mcp_orphans().await?;
            match now.contains(&orphan) && !orphan.is_kept {
                true => {
                    let name = name_of(orphan.id, &orphan.name);
                    keychain::remove(state, &name).await.map(|()| true)
                }
                false => Ok(false),
            }
        };
        let removed = match removed {
            Ok(removed) => removed,
            Err(error) if orphan.known => {
                failed = Some(error);
                continue;
            }
            // Of one that nobody knows of it is only made sure.
            Err(_) => false,
        };
        state.store.forget_mcp_orphan(&orphan, removed).await?;
    }
    failed.map_or(Ok(()), Err)
}

/// Whether a server may be started or asked at all: not what the active organization blocks, also under another name, and
/// of its own servers only those that are as servers must be.
pub fn admits(state: &State, configuration: &McpConfiguration) -> Result<(), ApiError> {
    admits_draft(state, &configuration.draft)?;
    match configuration.scope {
        // What comes from a backend was checked by nobody here.
        McpScope::Organization => checked(configuration.draft.clone()).map(drop),
        McpScope::User => Ok(()),
    }
}

/// The same of a server that is not kept.
pub fn admits_draft(state: &State, draft: &McpDraft) -> Result<(), ApiError> {
    unless_blocked(state, &draft.name, &draft.server)
}

/// The same of a server that a session brings along.
pub fn admits_of_session(state: &State, server: &SessionMcpServer) -> Result<(), ApiError> {
    unless_blocked(state, server.name(), &blocked::of_session(server))
}

fn unless_blocked(state: &State, name: &str, server: &McpServer) -> Result<(), ApiError> {
    let Some((organization, blocked)) = state.organizations.blocks(server) else {
        return Ok(());
    };
    let detail = format!(
        "organization {organization:?} blocks MCP server {blocked:?}, and {name:?} is the same one"
    );
    Err(Problem::new(Code::PolicyRefused, detail)
        .with_hint("Use another server, or ask an admin of the organization.")
        .into())
}

/// The active organization, if the user may change what it shares.
fn shared_by(state: &State) -> Result<Tenant, ApiError> {
    state.organizations.administered().ok_or_else(|| {
        let detail = "MCP servers of an organization are changed by its admins";
        ApiError::new(Code::McpScopeDenied, detail)
    })
}

/// Adds a server to the catalog of the active organization.
pub async fn share(state: &State, share: McpShare) -> Result<McpConfiguration, ApiError> {
    let tenant = shared_by(state)?;
    let draft = checked(share.configuration)?;
    let known = state.store.mcp_configurations().await?;
    let is_shared = |server: &&McpConfiguration| server.scope == McpScope::Organization;
    if known.iter().filter(is_shared).count() >= MOST {
        let detail = format!("there are {MOST} MCP servers already, and there can be no more");
        return Err(ApiError::new(Code::McpInvalid, detail));
    }
    let id = McpConfigurationId(Uuid::now_v7());
    let mut fields = settings(&draft);
    fields.insert("scope".to_owned(), json!(McpScope::Organization));
    fields.insert("catalog".to_owned(), json!(share.catalog));
    let add = TenantEdit::Add {
        kind: EntityKind::McpConfiguration,
        id: id.0,
        fields: Value::Object(fields),
    };
    edit(state, tenant, None, add).await?;
    get(state, id).await
}

/// Changes what the organization says of a server, and what its user says of it here: the former only by an admin.
pub async fn update(
    state: &State,
    old: &McpConfiguration,
    version: u32,
    draft: &McpDraft,
) -> Result<McpConfiguration, ApiError> {
    let id = old.id;
    if old.version != version {
        let found = old.version;
        return Err(StoreError::McpChanged { id, found }.into());
    }
    let mut fields = settings(draft);
    let before = settings(&old.draft);
    fields.retain(|name, value| before.get(name) != Some(value));
    if !fields.is_empty() {
        let tenant = shared_by(state)?;
        let change = TenantEdit::Change {
            kind: EntityKind::McpConfiguration,
            id: id.0,
            fields: Value::Object(fields),
        };
        edit(state, tenant, Some((id, version)), change).await?;
    }
    let now = get(state, id).await?;
    if now.draft.rules == draft.rules && now.draft.offers == draft.offers {
        return Ok(now);
    }
    let own = McpDraft {
        rules: draft.rules.clone(),
        offers: draft.offers,
        ..now.draft.clone()
    };
    // The server is the same: nothing of what is kept goes, also not what was given since it was read.
    let mut kept = own.secrets();
    kept.insert(McpConfiguration::SIGN_IN.to_owned());
    kept.extend(now.kept_secrets.iter().cloned());
    let is = state.store.update_mcp(id, now.version, &own, &kept).await?;
    let (was, rules) = (&now.draft.rules, &is.draft.rules);
    let is_other = |tool: &str| was.of(tool) != rules.of(tool);
    state.gateways.asking.forget_of(id, is_other);
    Ok(changed(state, is))
}

/// What an organization says of a server.
fn settings(draft: &McpDraft) -> Map<String, Value> {
    let all = [
        ("name", json!(draft.name)),
        ("server", json!(draft.server)),
        ("auth", json!(draft.auth)),
        ("enabled", json!(draft.enabled)),
        ("target", json!(draft.target)),
    ];
    all.map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

/// Removes a server from the catalog.
pub async fn delete(state: &State, id: McpConfigurationId, version: u32) -> Result<(), ApiError> {
    let tenant = shared_by(state)?;
    let delete = TenantEdit::Delete {
        kind: EntityKind::McpConfiguration,
        id: id.0,
    };
    edit(state, tenant, Some((id, version)), delete).await
}

/// Changes what the catalog says of a server.
pub async fn set_catalog(
    state: &State,
    id: McpConfigurationId,
    wanted: McpCatalogEdit,
) -> Result<McpConfiguration, ApiError> {
    of_organization(state, id).await?;
    let tenant = shared_by(state)?;
    let change = TenantEdit::Change {
        kind: EntityKind::McpConfiguration,
        id: id.0,
        fields: json!({"catalog": wanted.catalog}),
    };
    edit(state, tenant, Some((id, wanted.version)), change).await?;
    get(state, id).await
}

/// Notes whether the user wants what the catalog offers.
pub async fn take(
    state: &State,
    id: McpConfigurationId,
    wanted: McpTake,
) -> Result<McpConfiguration, ApiError> {
    let server = of_organization(state, id).await?;
    if wanted.taken && server.catalog != Some(Catalog::Available) {
        let detail = format!(
            "MCP server {:?} is not among those that its organization offers",
            server.draft.name
        );
        return Err(ApiError::new(Code::McpInvalid, detail));
    }
    Ok(changed(
        state,
        state.store.take_server(id, wanted.taken).await?,
    ))
}

async fn of_organization(
    state: &State,
    id: McpConfigurationId,
) -> Result<McpConfiguration, ApiError> {
    let server = get(state, id).await?;
    match server.scope {
        McpScope::Organization => Ok(server),
        McpScope::User => {
            let detail = format!(
                "MCP server {:?} is in no organization's catalog",
                server.draft.name
            );
            Err(ApiError::new(Code::McpInvalid, detail))
        }
    }
}

async fn edit(
    state: &State,
    tenant: Tenant,
    seen: Option<(McpConfigurationId, u32)>,
    edit: TenantEdit,
) -> Result<(), ApiError> {
    let edited = state.store.edit_server(tenant, seen, edit, stays).await;
    // What has come meanwhile is taken over also when the edit came too late.
    organizations::take_up(state).await;
    state.organizations.edited(tenant.org);
    // What takes longer is cleared up by the sync.
    let _ = tokio::time::timeout(SWEEPS, sweep(state)).await;
    Ok(edited?)
}
