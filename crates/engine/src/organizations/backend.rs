//! The tenant backend: the one that whoever runs the engine has chosen, or the one that was named here.

use std::sync::Arc;

use berth_protocol::{
    Code, Secret,
    tenant::{OrgState, OrgWays, SetOrgBackend},
};
use berth_tenant::{
    auth::{Backend, Keeper},
    sync::Remote,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Connected, auth, publish, remote, session::KeychainSession};
use crate::{error::ApiError, state::State};

/// The setting with the backend that was named here.
const BACKEND: &str = "tenant.backend";

/// Longest address and key of a backend, in bytes.
const LONGEST_ADDRESS: usize = 2048;

/// A backend as it is kept. Its key is no secret.
#[derive(Serialize, Deserialize)]
struct Named {
    url: String,
    key: String,
}

/// Names the backend. Who is signed in to another one must sign out first: what waits to be sent would be lost from
/// sight.
pub async fn set_backend(state: &Arc<State>, wanted: SetOrgBackend) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    if wanted.url.len().max(wanted.key.len()) > LONGEST_ADDRESS {
        let detail = format!("the address or the key has more than {LONGEST_ADDRESS} bytes");
        return Err(ApiError::new(Code::TenantInvalid, detail));
    }
    let backend = Backend::new(&wanted.url, &wanted.key)
        .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    {
        let now = organizations.now();
        if now.connected.as_ref().is_some_and(|it| it.fixed) {
            let detail = "the backend was chosen by whoever runs the engine";
            return Err(ApiError::new(Code::TenantInvalid, detail));
        }
        if now.signed_in.is_some() {
            let detail = "somebody is signed in; sign out before another backend is named";
            return Err(ApiError::new(Code::TenantInvalid, detail));
        }
    }
    let named = Named {
        url: backend.url().to_owned(),
        key: backend.key().to_owned(),
    };
    let kept = json!(named).to_string();
    state.store.set_setting(BACKEND, &kept).await?;
    let details = json!({"url": named.url});
    state
        .store
        .note("org.backend_named", "organization", "backend", details)
        .await?;
    organizations.forget_attempts();
    connect(state, backend, false).await?;
    Ok(organizations.shown())
}

/// The ways to sign in that the backend has.
pub async fn ways(state: &State) -> Result<OrgWays, ApiError> {
    let connected = state.organizations.connected()?;
    let providers = connected.keeper.client().providers().await;
    let providers = providers.map_err(|error| auth(&error))?;
    Ok(OrgWays {
        email: providers.email,
        providers: providers.browser,
        domain: providers.sso,
    })
}

/// Takes up the backend that was named, or chosen.
pub(super) async fn connect_to_known(state: &State) -> Result<(), ApiError> {
    let named = match &state.config.tenant {
        Some(fixed) => Some((fixed.clone(), true)),
        None => {
            let kept = state.store.setting(BACKEND).await?;
            let named = kept.and_then(|kept| serde_json::from_str::<Named>(&kept).ok());
            let backend = named.map(|named| Backend::new(&named.url, &named.key));
            match backend {
                Some(Ok(backend)) => Some((backend, false)),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the backend that was named is not used");
                    None
                }
                None => None,
            }
        }
    };
    let Some((backend, fixed)) = named else {
        return Ok(());
    };
    connect(state, backend, fixed).await
}

async fn connect(state: &State, backend: Backend, fixed: bool) -> Result<(), ApiError> {
    let organizations = &state.organizations;
    let installation = state.store.installation().await?;
    let keeper = Keeper::new(
        backend.clone(),
        Arc::new(KeychainSession::of(&installation)),
        organizations.locks.clone(),
    );
    let keeper = keeper.map_err(|error| auth(&error))?;
    let root = format!("{}/rest/v1", backend.url());
    let remote_end = Remote::new(&root, Secret::new(backend.key().to_owned()));
    let remote = remote_end.map_err(|error| remote(&error))?;
    organizations.now().connected = Some(Connected {
        backend,
        keeper,
        remote,
        fixed,
    });
    publish(state);
    Ok(())
}
