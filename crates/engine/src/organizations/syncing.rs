//! The sync of one organization of whoever is signed in, and who is told of it.

use std::sync::Arc;

use berth_protocol::{
    Code,
    tenant::{SyncStatus, Tenant},
};
use berth_store::{OrganizationRecord, StoreError};
use berth_tenant::{
    access::Bound,
    sync::{Pace, Sync},
};
use uuid::Uuid;

use super::{Known, account, publish};
use crate::{error::ApiError, mcp::shared as servers, state::State};

/// Syncs an organization, unless it is already.
pub async fn begin(state: &Arc<State>, record: &OrganizationRecord) -> Result<(), ApiError> {
    let organizations = &state.organizations;
    let connected = organizations.connected()?;
    let id = record.tenant.org;
    {
        let mut now = organizations.now();
        if let Some(known) = now.organizations.get_mut(&id) {
            known.name.clone_from(&record.name);
            known.role = record.role;
            return Ok(());
        }
    }
    let device = state.store.installation().await?;
    let device = Uuid::parse_str(&device)
        .map_err(|error| ApiError::new(Code::Internal, format!("this installation: {error}")))?;
    let sync = Sync {
        store: state.store.clone(),
        remote: connected.remote,
        access: Bound::new(connected.keeper, record.tenant.user),
        tenant: record.tenant,
        device,
        pace: Pace::default(),
    };
    let sync = sync.start();
    let mut told = sync.state();
    let ends = state.stopping.child_token();
    let known = Known {
        name: record.name.clone(),
        role: record.role,
        sync,
        _watch: ends.clone().drop_guard(),
    };
    organizations.now().organizations.insert(id, known);
    let state = Arc::clone(state);
    let tenant = record.tenant;
    tokio::spawn(async move {
        let watched = async {
            while told.changed().await.is_ok() {
                let status = told.borrow_and_update().status.clone();
                // What follows from an end goes on beside this watch, which ends with it.
                let tasks = &state.organizations.tasks;
                let ended = Arc::clone(&state);
                match status {
                    SyncStatus::Wiped { .. } => {
                        tasks.spawn(async move { left(&ended, tenant).await });
                        return;
                    }
                    SyncStatus::SignedOut => {
                        tasks.spawn(async move { account::over(&ended, tenant.user).await });
                    }
                    _ => {}
                }
                look(&state, tenant).await;
                publish(&state);
                // Beside this watch too: what an organization says is heard while a keychain asks its user.
                let left = Arc::clone(&state);
                tasks.spawn(async move { servers::sweep(&left).await });
            }
        };
        tokio::select! {
            () = watched => {}
            () = ends.cancelled() => {}
        }
    });
    Ok(())
}

/// The membership has ended: what came of it here is gone already, and nobody works under it any more.
async fn left(state: &Arc<State>, tenant: Tenant) {
    let _turn = state.organizations.turn.lock().await;
    let was_active = {
        let mut now = state.organizations.now();
        let user = now.signed_in.as_ref().map(|it| it.user);
        if user == Some(tenant.user.0) {
            now.organizations.remove(&tenant.org);
        }
        now.active
            .take_if(|active| active.tenant == tenant)
            .is_some()
    };
    if was_active && let Err(error) = super::activate(state, None).await {
        tracing::error!(%error, "that an organization is not active any more was not noted");
    }
    publish(state);
    servers::sweep(state).await;
}

/// Takes up the policy, the name and the role that may have come.
pub(super) async fn look(state: &State, tenant: Tenant) {
    let looked = async {
        let active = super::active(state, tenant).await?;
        let record = state.store.organization(tenant).await?;
        Ok::<_, StoreError>((active, record))
    };
    let (active, record) = match looked.await {
        Ok(looked) => looked,
        // What was known holds.
        Err(error) => return tracing::error!(%error, "what an organization says could not be read"),
    };
    {
        let mut now = state.organizations.now();
        if now.active.as_ref().is_some_and(|it| it.tenant == tenant) {
            // Gone is said by its sync.
            if let Some(active) = active {
                now.active = Some(active);
            }
        }
        if let (Some(known), Some(record)) = (now.organizations.get_mut(&tenant.org), record) {
            (known.name, known.role) = (record.name, record.role);
        }
    }
    if let Err(error) = servers::follow(state).await {
        tracing::error!(%error, "the MCP servers that an organization shares could not be read");
    }
}
