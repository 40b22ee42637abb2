//! The organizations of whoever is signed in: looked for, made, come into by an invitation, and which of them is active.

use std::sync::Arc;

use berth_protocol::{
    Code, OrganizationId, Secret, UserId,
    tenant::{NewOrganization, OrgState, Tenant},
};
use berth_store::OrganizationRecord;
use berth_tenant::sync::Wake;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{activate, auth, call, publish, remote, signed_out, syncing};
use crate::{error::ApiError, state::State};

/// Chooses the organization whose prompts, servers and policy hold; nothing to be alone.
pub async fn set_active(
    state: &Arc<State>,
    wanted: Option<OrganizationId>,
) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let tenant = match wanted {
        None => None,
        Some(org) => {
            let now = organizations.now();
            let user = now.signed_in.as_ref().map(|it| UserId(it.user));
            let known = now.organizations.contains_key(&org);
            match (user, known) {
                (Some(user), true) => Some(Tenant { org, user }),
                _ => {
                    let detail = format!("nobody who is signed in belongs to organization {org}");
                    return Err(ApiError::new(Code::TenantNotFound, detail));
                }
            }
        }
    };
    activate(state, tenant).await?;
    Ok(publish(state))
}

/// Makes an organization, of which whoever is signed in is the admin.
pub async fn create(state: &Arc<State>, new: NewOrganization) -> Result<OrgState, ApiError> {
    let name = crate::http::checked_text("name", &new.name, 120)?;
    let arguments = json!({"id": Uuid::now_v7(), "name": name});
    let _: Value = call(state, "create_organization", &arguments).await?;
    Ok(look_after(state).await)
}

/// Comes into an organization by an invitation.
pub async fn join(state: &Arc<State>, token: &Secret) -> Result<OrgState, ApiError> {
    let arguments = json!({"token": token.expose().trim()});
    let _: Value = call(state, "accept_invitation", &arguments).await?;
    Ok(look_after(state).await)
}

/// Looks for organizations that are new, and for what is new in those that are known.
pub async fn look_again(state: &Arc<State>) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let signed_in = organizations.now().signed_in.clone();
    let signed_in = signed_in.ok_or_else(signed_out)?;
    let user = UserId(signed_in.user);
    let discovered = discover(state, user).await;
    if discovered.is_ok() {
        state.store.tell_sign_in(user).await?;
        let root = organizations.connected()?.remote.root().to_owned();
        for record in state.store.organizations().await? {
            if record.tenant.user == user && record.url == root {
                syncing::begin(state, &record).await?;
            }
        }
    }
    // Also where the backend does not answer: that it does not is what each of them shows then.
    for known in organizations.now().organizations.values() {
        known.sync.wake(Wake::Asked);
    }
    discovered?;
    Ok(publish(state))
}

/// Looks for what a call has changed. The call is done, whatever becomes of this.
async fn look_after(state: &Arc<State>) -> OrgState {
    match look_again(state).await {
        Ok(shown) => shown,
        Err(error) => {
            tracing::warn!(problem = %error.0, "a new organization is seen when it is looked for again");
            publish(state)
        }
    }
}

/// Looks up the organizations of whoever is signed in, and keeps those that are new.
pub(super) async fn discover(state: &Arc<State>, user: UserId) -> Result<(), ApiError> {
    let connected = state.organizations.connected()?;
    let token = connected.keeper.access_of(user.0).await;
    let token = token.map_err(|error| auth(&error))?;
    let found = connected.remote.memberships(&token, user).await;
    let found = found.map_err(|error| remote(&error))?;
    let root = connected.remote.root();
    for membership in found {
        let tenant = Tenant {
            org: membership.org_id,
            user,
        };
        let known = state.store.organization(tenant).await?;
        let is_same = |known: &OrganizationRecord| {
            known.url == root && known.name == membership.name() && known.role == membership.role
        };
        if !known.as_ref().is_some_and(is_same) {
            let (name, role) = (membership.name(), membership.role);
            state
                .store
                .add_organization(tenant, root, name, role)
                .await?;
        }
    }
    Ok(())
}
