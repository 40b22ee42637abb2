//! A user's changes of what an organization shares that have not gone through: shown, decided about, sent again or
//! dropped. Nothing of this needs the backend; its sync is told.

use std::collections::BTreeMap;

use berth_protocol::{
    AuditEvent, Code, MutationId, OrganizationId, Problem, UserId,
    tenant::{
        ChangeMoved, ChangeResolved, Mutation, MutationState, OrgChange, OrgChanges, OrgTold,
        ResolveChange, Tenant, ToldRefused,
    },
};
use berth_store::StoreError;
use berth_tenant::sync::Wake;
use serde_json::Value;
use uuid::Uuid;

use super::{Organizations, publish, signed_out};
use crate::{error::ApiError, state::State};

/// What organizations are told of with the change itself: their sync is woken, so that it is not late.
const TOLD: [&str; 8] = [
    "mcp.signed_in",
    "mcp.signed_out",
    "session.archived",
    "session.created",
    "session.deleted",
    "session.ended",
    "session.restarted",
    "session.restored",
];

/// What a choice has come to.
pub enum Resolved {
    /// The conflict has ended.
    Ended(ChangeResolved),
    /// The other side is another one than that which was looked at.
    Moved(Box<ChangeMoved>),
}

impl Organizations {
    /// Waits until nobody else edits what the active organization shares. What is looked at from here on stays as it
    /// is until this is dropped, but for what its sync brings.
    pub async fn editing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.editing.lock().await
    }

    /// Tells the sync of an organization that something waits for it. Nobody may be signed in; then it is sent later.
    pub fn edited(&self, org: OrganizationId) {
        if let Some(known) = self.now().organizations.get(&org) {
            known.sync.wake(Wake::Edited);
        }
    }

    /// Something has happened here, of which an organization may be told, whichever is active.
    pub fn happened(&self, event: &AuditEvent) {
        if TOLD.contains(&event.action.as_str()) {
            self.told();
        }
    }

    /// Something waits that an organization is told, whichever that is.
    pub fn told(&self) {
        for known in self.now().organizations.values() {
            known.sync.wake(Wake::Edited);
        }
    }

    /// Whose changes of an organization are meant: of whoever is signed in, or of whom it is active.
    fn user_of(&self, org: OrganizationId) -> Option<UserId> {
        let now = self.now();
        let active = now.active.as_ref().map(|active| active.tenant);
        let active = active.filter(|active| active.org == org);
        let signed_in = now.signed_in.as_ref().map(|it| UserId(it.user));
        active.map(|active| active.user).or(signed_in)
    }
}

async fn tenant(state: &State, org: OrganizationId) -> Result<Tenant, ApiError> {
    let user = state.organizations.user_of(org).ok_or_else(signed_out)?;
    let tenant = Tenant { org, user };
    match state.store.organization(tenant).await? {
        Some(_) => Ok(tenant),
        None => Err(StoreError::TenantNotFound(tenant).into()),
    }
}

/// The user's changes of an organization that have not gone through, the oldest first, and how much of what this machine
/// tells by itself has not.
pub async fn list(state: &State, org: OrganizationId) -> Result<OrgChanges, ApiError> {
    let tenant = tenant(state, org).await?;
    let mutations = state.store.mutations(tenant).await?;
    let names = state.store.changed_names(tenant).await?;
    let (facts, changes): (Vec<_>, Vec<_>) =
        mutations.into_iter().partition(|it| it.kind.is_told());
    let changes = changes.into_iter().map(|change| named(change, &names));
    Ok(OrgChanges {
        changes: changes.collect(),
        told: of_facts(facts),
    })
}

fn of_facts(facts: Vec<Mutation>) -> OrgTold {
    let mut all = OrgTold::default();
    for fact in facts {
        let (code, reason) = match fact.state {
            MutationState::Applied => continue,
            // A conflict about one ends by itself.
            MutationState::Pending | MutationState::Sending | MutationState::Conflict { .. } => {
                all.waiting += 1;
                continue;
            }
            MutationState::Parked { code, reason } => (code, reason),
        };
        let kind = fact.kind;
        let mut known = all.refused.iter_mut();
        match known.find(|it| (it.kind, &it.code, &it.reason) == (kind, &code, &reason)) {
            Some(same) => same.count += 1,
            None => all.refused.push(ToldRefused {
                kind,
                code,
                reason,
                count: 1,
            }),
        }
    }
    all
}

/// Sends again what this machine tells by itself and the backend has refused.
pub async fn retry_told(state: &State, org: OrganizationId) -> Result<OrgChanges, ApiError> {
    let tenant = tenant(state, org).await?;
    state.store.retry_told(tenant).await?;
    // Looked at before it is sent: a moment later it may have arrived.
    let changes = list(state, org).await?;
    told(state, org).await;
    Ok(changes)
}

async fn one(state: &State, tenant: Tenant, id: MutationId) -> Result<Option<OrgChange>, ApiError> {
    let Some(change) = state.store.mutation(tenant, id).await? else {
        return Ok(None);
    };
    let names = state.store.changed_names(tenant).await?;
    Ok(Some(named(change, &names)))
}

fn named(change: Mutation, names: &BTreeMap<Uuid, String>) -> OrgChange {
    let of = |row: &Value| {
        let mut words = ["name", "title", "purpose"].into_iter();
        words.find_map(|word| row.get(word)?.as_str().map(str::to_owned))
    };
    let theirs = match &change.state {
        MutationState::Conflict { server, .. } => of(server),
        _ => None,
    };
    let known = names.get(&change.entity_id).cloned();
    OrgChange {
        name: known.or(theirs).or_else(|| of(&change.patch)),
        change,
    }
}

/// Ends a conflict. Whoever has looked at an older other side is told the newest one.
pub async fn resolve(
    state: &State,
    org: OrganizationId,
    id: MutationId,
    wanted: ResolveChange,
) -> Result<Resolved, ApiError> {
    let tenant = tenant(state, org).await?;
    let ResolveChange { seen_rev, choice } = wanted;
    let ended = state
        .store
        .resolve_conflict(tenant, id, seen_rev, choice)
        .await;
    match ended {
        Ok(kept) => {
            told(state, org).await;
            Ok(Resolved::Ended(ChangeResolved { kept }))
        }
        Err(error @ StoreError::ConflictMoved { .. }) => {
            Ok(Resolved::Moved(Box::new(ChangeMoved {
                problem: Problem::new(Code::ConflictMoved, error.to_string()),
                change: one(state, tenant, id).await?,
            })))
        }
        Err(error) => Err(error.into()),
    }
}

/// Sends a refused change again, under another identifier.
pub async fn retry(
    state: &State,
    org: OrganizationId,
    id: MutationId,
) -> Result<OrgChange, ApiError> {
    let tenant = tenant(state, org).await?;
    let id = state.store.retry_parked(tenant, id).await?;
    // Looked at before it is sent: a moment later it may have arrived.
    let change = one(state, tenant, id).await?;
    told(state, org).await;
    change.ok_or_else(|| StoreError::MutationNotFound(id).into())
}

/// Drops a change that is refused, or waits and was never sent.
pub async fn discard(state: &State, org: OrganizationId, id: MutationId) -> Result<(), ApiError> {
    let tenant = tenant(state, org).await?;
    state.store.discard_change(tenant, id).await?;
    told(state, org).await;
    Ok(())
}

async fn told(state: &State, org: OrganizationId) {
    state.organizations.edited(org);
    super::take_up(state).await;
    publish(state);
}
