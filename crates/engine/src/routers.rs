//! Routers: settings that sessions can be routed by, the keys of their providers, and what of them
//! runs beside a session.
//!
//! Keys are in the keychain under `router/<id>/<provider>`. The store is told of a key after the
//! keychain has it, and no longer tells of one before it is removed there, except when a router goes:
//! then its row goes last, so that whatever a kill leaves of it can be seen and removed.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use berth_protocol::{
    Code, Event, Problem, Router, RouterDraft, RouterId, RouterKey, RouterKind, RouterList,
    RouterProgram, Secret, SessionId,
};
use berth_session::router::{self, Installed, Instance, Keys, Order, Route, RouterError};

use crate::{error::ApiError, http::checked_text, keychain, state::State};

/// Longest name, in characters.
const NAME: usize = 100;

/// Longest key of a provider, in bytes.
const KEY: usize = berth_protocol::LONGEST_SECRET;

/// Where the routers of running sessions have their folders, below the data folder.
pub const FOLDER: &str = "routers";

/// All routers and the program that runs them.
pub async fn list(state: &State) -> Result<RouterList, ApiError> {
    Ok(RouterList {
        routers: state.store.routers().await?,
        program: program(state).await,
    })
}

async fn program(state: &State) -> RouterProgram {
    match router::find(state.environment().await).await {
        Ok(found) => RouterProgram {
            kind: Some(found.kind),
            version: Some(found.version),
            detail: None,
            hint: None,
        },
        Err(error) => {
            let problem = ApiError::from(error).0;
            RouterProgram {
                kind: None,
                version: None,
                detail: Some(problem.detail),
                hint: problem.hint,
            }
        }
    }
}

pub async fn get(state: &State, id: RouterId) -> Result<Router, ApiError> {
    let found = state.store.router(id).await?;
    found.ok_or_else(|| ApiError::new(Code::RouterNotFound, format!("there is no router {id}")))
}

pub async fn create(state: &State, draft: RouterDraft) -> Result<Router, ApiError> {
    let draft = checked(draft)?;
    Ok(changed(state, state.store.create_router(&draft).await?))
}

/// Changes name and settings. Keys of providers that are gone are removed.
pub async fn update(state: &State, id: RouterId, draft: RouterDraft) -> Result<Router, ApiError> {
    let _turn = state.keeping.lock().await;
    let draft = checked(draft)?;
    let old = get(state, id).await?;
    let mut router = changed(state, state.store.update_router(id, &draft).await?);
    let mut gone = holders(&old);
    for provider in &router.settings.providers {
        gone.remove(&provider.name);
    }
    for provider in gone {
        router = changed(state, forget_key(state, router, &provider).await?);
    }
    Ok(router)
}

/// Removes a router that no running session uses, with its keys.
pub async fn delete(state: &State, id: RouterId) -> Result<(), ApiError> {
    let _turn = state.keeping.lock().await;
    let mut router = get(state, id).await?;
    // Looked at before any key is removed; the store looks again.
    let live = state.store.live_sessions().await?;
    let users: Vec<_> = live
        .iter()
        .filter(|session| session.router == Some(id))
        .collect();
    if let [session, ..] = users[..] {
        let detail = format!(
            "{} running sessions use router {:?}, such as {:?}",
            users.len(),
            router.name,
            session.title
        );
        return Err(ApiError::new(Code::RouterInUse, detail));
    }
    for provider in holders(&router) {
        router = changed(state, forget_key(state, router, &provider).await?);
    }
    state.store.delete_router(id).await?;
    state.publish(Event::RouterRemoved { id });
    Ok(())
}

/// Puts the key of a provider into the keychain, instead of any before it.
pub async fn set_key(
    state: &State,
    id: RouterId,
    provider: &str,
    key: RouterKey,
) -> Result<Router, ApiError> {
    let _turn = state.keeping.lock().await;
    let router = get(state, id).await?;
    let providers = &router.settings.providers;
    if !providers.iter().any(|known| known.name == provider) {
        let detail = format!("router {:?} has no provider {provider:?}", router.name);
        return Err(ApiError::new(Code::RouterNotFound, detail));
    }
    let text = key.key.expose().trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > KEY || !is_plain {
        let detail = format!("a key has 1 to {KEY} visible ASCII characters, without blanks");
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    let key = Secret::new(text.to_owned());
    keychain::set(state, &name_of(id, provider), key).await?;
    let router = state.store.set_router_key(id, provider, true).await;
    Ok(changed(state, router?))
}

/// Removes the key of a provider from the keychain.
pub async fn remove_key(state: &State, id: RouterId, provider: &str) -> Result<Router, ApiError> {
    let _turn = state.keeping.lock().await;
    let router = get(state, id).await?;
    if !holders(&router).contains(provider) {
        return Ok(router);
    }
    Ok(changed(state, forget_key(state, router, provider).await?))
}

/// Whose keys may be in the keychain: of one that was put there when the engine was killed the store does
/// not know.
fn holders(router: &Router) -> BTreeSet<String> {
    let named = router.settings.providers.iter();
    let named = named.map(|provider| provider.name.clone());
    named.chain(router.keys.iter().cloned()).collect()
}

/// Removes a key. Of one that the store does not know of it is only made sure: without a keychain there is
/// none, and the trail tells of no removal.
async fn forget_key(state: &State, router: Router, provider: &str) -> Result<Router, ApiError> {
    let removed = keychain::remove(state, &name_of(router.id, provider)).await;
    if !router.keys.iter().any(|name| name == provider) {
        if let Err(error) = removed {
            tracing::debug!(problem = %error.0, "whether a key is in the keychain is not known");
        }
        return Ok(router);
    }
    removed?;
    let router = state.store.set_router_key(router.id, provider, false).await;
    Ok(router?)
}

fn name_of(id: RouterId, provider: &str) -> String {
    format!("router/{id}/{provider}")
}

fn changed(state: &State, router: Router) -> Router {
    state.publish(Event::RouterChanged {
        router: Box::new(router.clone()),
    });
    router
}

fn checked(mut draft: RouterDraft) -> Result<RouterDraft, ApiError> {
    draft.name = checked_text("name", &draft.name, NAME)?;
    let problems = draft.settings.validate();
    if problems.is_empty() {
        Ok(draft)
    } else {
        Err(RouterError::Invalid(problems).into())
    }
}

/// A router that a session can be started with.
pub struct Prepared {
    router: Router,
    keys: Keys,
    /// Nothing for settings that need no process.
    installed: Option<Installed>,
}

/// Finds everything that a session needs to run through a router, before anything is started.
pub async fn prepare(state: &State, id: RouterId) -> Result<Prepared, ApiError> {
    let router = get(state, id).await?;
    let missing: Vec<&str> = router.missing_keys().collect();
    if !missing.is_empty() {
        return Err(key_missing(&router, &missing.join(", ")));
    }
    let installed = match router.settings.kind {
        RouterKind::ClaudeVertex => None,
        RouterKind::CcrV1 | RouterKind::CcrV3 => {
            Some(router::find(state.environment().await).await?)
        }
    };
    let mut keys = Keys::new();
    for provider in &router.settings.providers {
        let name = &provider.name;
        if !router.keys.contains(name) {
            continue;
        }
        match keychain::get(state, &name_of(id, name)).await? {
            Some(key) => drop(keys.insert(name.clone(), key)),
            // Somebody removed it there.
            None if provider.needs_key() => return Err(key_missing(&router, name)),
            None => {}
        }
    }
    Ok(Prepared {
        router,
        keys,
        installed,
    })
}

fn key_missing(router: &Router, providers: &str) -> ApiError {
    let detail = format!(
        "router {:?} has no key for {providers} in {}",
        router.name,
        berth_secrets::place()
    );
    ApiError::new(Code::RouterKeyMissing, detail)
}

impl Prepared {
    /// The route that an agent would be given, to find out whether it could be sent there.
    pub async fn draft(&self, state: &State) -> Result<Route, ApiError> {
        Ok(match &self.installed {
            Some(_) => Route::draft(&self.router.settings),
            None => Route::to_vertex(&self.router.settings, state.environment().await)?,
        })
    }

    /// Starts what the session needs; the instance, if there is one, runs until it is dropped.
    pub async fn start(
        &self,
        state: &State,
        session: SessionId,
        run: u32,
    ) -> Result<(Route, Option<Instance>), ApiError> {
        let environment = state.environment().await;
        let Some(installed) = &self.installed else {
            let route = Route::to_vertex(&self.router.settings, environment)?;
            return Ok((route, None));
        };
        let order = Order {
            session,
            folder: &folder_of(state, session, run),
            settings: &self.router.settings,
            keys: &self.keys,
            installed,
            environment,
        };
        let instance = router::start(&order).await?;
        Ok((instance.route().clone(), Some(instance)))
    }

    /// What the audit trail tells of it.
    pub fn told(&self) -> serde_json::Value {
        serde_json::json!({
            "kind": self.router.settings.kind,
            "router": self.router.id,
            "version": self.router.version,
        })
    }
}

/// One for each run: the router of the run before may still be tidying up.
fn folder_of(state: &State, session: SessionId, run: u32) -> PathBuf {
    let folder = state.config.data_dir.join(FOLDER);
    folder.join(format!("{session}-{run}"))
}

/// Removes what an engine that was killed left of its routers, once nothing of them runs.
pub async fn clear(state: &Arc<State>) {
    let folder = state.config.data_dir.join(FOLDER);
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "what is left of routers stays behind");
    }
}

impl From<RouterError> for ApiError {
    fn from(error: RouterError) -> Self {
        let mut problem = Problem::new(error.code(), error.to_string());
        if let Some(hint) = error.hint() {
            problem = problem.with_hint(hint);
        }
        if let RouterError::Invalid(fields) = error {
            problem = problem.with_fields(fields);
        }
        Self::from(problem)
    }
}

impl From<berth_secrets::SecretsError> for ApiError {
    fn from(error: berth_secrets::SecretsError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
