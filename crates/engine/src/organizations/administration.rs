//! What admins do with an organization of the backend: its members, its invitations and its policy.
//!
//! What is told is the replica on this machine, with a network or without. What is done are functions of the backend,
//! which alone says who may; the replica follows by its sync.

use std::{cmp::Reverse, time::Duration};

use berth_protocol::{
    Code, OrganizationId, Problem, Secret, Timestamp, UserId,
    tenant::{
        Invitation, Membership, NewInvitation, OrgInvitation, OrgInvited, OrgMember, OrgMembers,
        OrgPolicy, OrgPolicyEdit, OrgPolicyState, OrganizationRole, PolicyConflict, PolicyState,
        Tenant,
    },
};
use berth_store::{OrganizationRecord, Store, StoreError, TenantRow};
use berth_tenant::sync::Wake;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    authorized, call,
    checks::{checked_days, checked_email, problems},
};
use crate::{error::ApiError, state::State};

/// How long an answer waits for the replica to follow, so that whoever asks next sees what was done.
const FOLLOWS: Duration = Duration::from_secs(3);

/// What came of setting a policy.
pub enum PolicySet {
    /// It binds.
    Holds(OrgPolicy),
    /// It was of an older version, and nothing has changed.
    Late(Box<PolicyConflict>),
}

/// Who belongs to an organization, and who may come.
pub async fn members(state: &State, org: OrganizationId) -> Result<OrgMembers, ApiError> {
    let record = known(state, org).await?;
    let is_admin = is_admin(&record);
    let mut members = Vec::new();
    for row in state.store.tenant_rows(record.tenant, "membership").await? {
        let read: Membership = read(&row, "membership")?;
        members.push(OrgMember {
            user: read.user_id,
            name: read.display_name,
            email: read.email,
            role: read.role,
            since: read.created_at,
            is_you: read.user_id == record.tenant.user,
        });
    }
    members.sort_by_cached_key(|it| by_name(&it.name, &it.email, it.user));
    let mut invitations = Vec::new();
    if is_admin {
        for row in state.store.tenant_rows(record.tenant, "invitation").await? {
            let read: Invitation = read(&row, "invitation")?;
            if read.accepted_at.is_none() {
                invitations.push(OrgInvitation {
                    id: read.id,
                    email: read.email,
                    role: read.role,
                    expires_at: read.expires_at,
                });
            }
        }
        // Identifiers begin with their time.
        invitations.sort_by_key(|open: &OrgInvitation| Reverse(open.id));
    }
    Ok(OrgMembers {
        is_admin,
        members,
        invitations,
    })
}

/// Says what a member may do.
pub async fn change_role(
    state: &State,
    org: OrganizationId,
    user: UserId,
    role: OrganizationRole,
) -> Result<(), ApiError> {
    let tenant = known(state, org).await?.tenant;
    let arguments = json!({"org": org, "member": user, "role": role});
    let _: Value = act(state, org, "change_role", &arguments).await?;
    note(state, org, "org.role_changed", json!({"role": role})).await?;
    follow(state, tenant, Seen::Role(user, role)).await;
    Ok(())
}

/// Ends a membership. Everybody may end their own.
pub async fn remove_member(
    state: &State,
    org: OrganizationId,
    user: UserId,
) -> Result<(), ApiError> {
    let tenant = known(state, org).await?.tenant;
    let arguments = json!({"org": org, "member": user});
    let _: Value = act(state, org, "remove_member", &arguments).await?;
    note(state, org, "org.member_removed", json!({})).await?;
    follow(state, tenant, Seen::NoMember(user)).await;
    Ok(())
}

/// An invitation as the backend has made it.
#[derive(Deserialize)]
struct Invited {
    id: Uuid,
    token: Secret,
    expires_at: Timestamp,
}

/// Invites an address. The token is in the answer and nowhere else.
pub async fn invite(
    state: &State,
    org: OrganizationId,
    wanted: NewInvitation,
) -> Result<OrgInvited, ApiError> {
    let NewInvitation { email, role, days } = wanted;
    let email = checked_email(&email)?;
    let days = checked_days(days)?;
    let tenant = known(state, org).await?.tenant;
    let arguments = json!({"org": org, "email": email, "role": role, "days": days});
    let invited: Invited = act(state, org, "invite", &arguments).await?;
    let details = json!({"invitation_id": invited.id, "role": role, "days": days});
    note(state, org, "org.invited", details).await?;
    follow(state, tenant, Seen::Invitation(invited.id)).await;
    Ok(OrgInvited {
        id: invited.id,
        token: invited.token.expose().clone(),
        expires_at: invited.expires_at,
    })
}

/// Ends an invitation that nobody has used.
pub async fn withdraw(state: &State, org: OrganizationId, id: Uuid) -> Result<(), ApiError> {
    let record = known(state, org).await?;
    let tenant = record.tenant;
    // The backend goes by the invitation alone, which may be one of another organization.
    let here = Seen::Invitation(id);
    if is_admin(&record) && !here.holds(&state.store, tenant).await? {
        // It may be newer than the replica.
        follow(state, tenant, here).await;
        if !here.holds(&state.store, tenant).await? {
            let detail = format!("organization {org} has no open invitation {id}");
            return Err(ApiError::new(Code::InvitationNotFound, detail));
        }
    }
    let arguments = json!({"invitation": id});
    let _: Value = act(state, org, "withdraw_invitation", &arguments).await?;
    let details = json!({"invitation_id": id});
    note(state, org, "org.invitation_withdrawn", details).await?;
    follow(state, tenant, Seen::NoInvitation(id)).await;
    Ok(())
}

/// What binds the sessions of an organization's users.
pub async fn policy(state: &State, org: OrganizationId) -> Result<OrgPolicy, ApiError> {
    let record = known(state, org).await?;
    let policy = state.store.tenant_policy(record.tenant).await?;
    Ok(told(&record, &policy))
}

/// Replaces the policy that was looked at.
pub async fn set_policy(
    state: &State,
    org: OrganizationId,
    edit: OrgPolicyEdit,
) -> Result<PolicySet, ApiError> {
    let problems = problems(&edit);
    if let Some(first) = problems.first() {
        let problem = Problem::new(Code::PolicyInvalid, first.to_string());
        return Err(problem.with_fields(problems).into());
    }
    let record = known(state, org).await?;
    let arguments = json!({"org": org, "version": edit.version, "policy": edit.policy});
    let row: Value = match act(state, org, "set_policy", &arguments).await {
        Ok(row) => row,
        Err(error) if error.0.code == Code::PolicyConflict => {
            return late(state, &record, *error.0).await;
        }
        Err(error) => return Err(error),
    };
    let details = json!({"version": row["version"]});
    note(state, org, "org.policy_set", details).await?;
    let set = PolicyState::of(Some(&row));
    if let PolicyState::Known(policy) = &set {
        follow(state, record.tenant, Seen::Policy(policy.version)).await;
    }
    Ok(PolicySet::Holds(told(&record, &set)))
}

/// A policy came too late: what binds instead is asked of the backend, for the replica has not followed yet.
async fn late(
    state: &State,
    record: &OrganizationRecord,
    problem: Problem,
) -> Result<PolicySet, ApiError> {
    let (connected, token) = authorized(state).await?;
    let newest = match connected.remote.policy(&token, record.tenant.org).await {
        Ok(newest) => PolicyState::of(newest.as_ref()),
        Err(error) => {
            tracing::info!(%error, "the newest policy could not be asked for");
            return Err(problem.into());
        }
    };
    Ok(PolicySet::Late(Box::new(PolicyConflict {
        problem,
        newest: told(record, &newest),
    })))
}

fn told(record: &OrganizationRecord, policy: &PolicyState) -> OrgPolicy {
    OrgPolicy {
        is_admin: is_admin(record),
        policy: OrgPolicyState::from(policy),
    }
}

/// What people are listed by: their name, else their address, in whichever case.
pub(super) fn by_name(name: &str, email: &str, user: UserId) -> (String, UserId) {
    let shown = if name.is_empty() { email } else { name };
    (shown.to_lowercase(), user)
}

pub(super) fn is_admin(record: &OrganizationRecord) -> bool {
    record.role == OrganizationRole::Admin
}

/// An organization of whoever is signed in. What is active here is told even before the keychain has said who that is.
pub(super) async fn known(
    state: &State,
    org: OrganizationId,
) -> Result<OrganizationRecord, ApiError> {
    let user = {
        let now = state.organizations.now();
        let signed_in = now.signed_in.as_ref().map(|it| UserId(it.user));
        let active = now.active.as_ref().map(|active| active.tenant);
        let active = active.filter(|tenant| tenant.org == org);
        signed_in.or(active.map(|tenant| tenant.user))
    };
    let record = match user {
        Some(user) => state.store.organization(Tenant { org, user }).await?,
        None => None,
    };
    record.ok_or_else(|| {
        let detail = format!("nobody who is signed in belongs to organization {org}");
        ApiError::new(Code::TenantNotFound, detail)
    })
}

pub(super) fn read<T: DeserializeOwned>(row: &TenantRow, what: &str) -> Result<T, ApiError> {
    row.read().map_err(|error| {
        let detail = format!("{what} {} cannot be read: {error}", row.id);
        ApiError::new(Code::TenantProtocol, detail)
    })
}

/// Calls a function of the backend. What it refuses may be what the replica has not heard of.
pub(super) async fn act<T: DeserializeOwned>(
    state: &State,
    org: OrganizationId,
    function: &'static str,
    arguments: &Value,
) -> Result<T, ApiError> {
    let answered = call(state, function, arguments).await;
    if answered.is_err() {
        wake(state, org);
    }
    answered
}

/// Notes in the trail of this machine what was done. Whom it was done to is told by the organization's trail alone, under
/// a pseudonym: an erasure reaches that and not this. The row of the membership would name them too.
pub(super) async fn note(
    state: &State,
    org: OrganizationId,
    action: &str,
    details: Value,
) -> Result<(), ApiError> {
    let entity = org.to_string();
    let noted = state.store.note(action, "organization", &entity, details);
    Ok(noted.await?)
}

/// What the replica shows once it has followed.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    Role(UserId, OrganizationRole),
    NoMember(UserId),
    Invitation(Uuid),
    NoInvitation(Uuid),
    /// This version of the policy, or a later one.
    Policy(u32),
}

impl Seen {
    async fn holds(self, store: &Store, tenant: Tenant) -> Result<bool, StoreError> {
        Ok(match self {
            Self::Role(user, role) => {
                member(store, tenant, user)
                    .await?
                    .map(|row| row["role"].clone())
                    == Some(json!(role))
            }
            Self::NoMember(user) => member(store, tenant, user).await?.is_none(),
            Self::Invitation(id) => is_invited(store, tenant, id).await?,
            Self::NoInvitation(id) => !is_invited(store, tenant, id).await?,
            Self::Policy(version) => match store.tenant_policy(tenant).await? {
                PolicyState::Known(policy) => policy.version >= version,
                PolicyState::Absent | PolicyState::Unreadable { .. } => false,
            },
        })
    }
}

async fn member(store: &Store, tenant: Tenant, user: UserId) -> Result<Option<Value>, StoreError> {
    let rows = store.tenant_rows(tenant, "membership").await?;
    let found = rows.into_iter().find(|it| it.row["user_id"] == json!(user));
    Ok(found.map(|it| it.row))
}

async fn is_invited(store: &Store, tenant: Tenant, id: Uuid) -> Result<bool, StoreError> {
    let row = store.tenant_row(tenant, "invitation", id).await?;
    Ok(row.is_some())
}

/// Has the sync of an organization look at the backend now.
pub(super) fn wake(state: &State, org: OrganizationId) {
    if let Some(known) = state.organizations.now().organizations.get(&org) {
        known.sync.wake(Wake::Asked);
    }
}

/// Has the replica follow what was just done, and waits a moment for it. What does not follow in time does later.
pub(super) async fn follow(state: &State, tenant: Tenant, seen: Seen) {
    let told = {
        let now = state.organizations.now();
        now.organizations
            .get(&tenant.org)
            .map(|known| known.sync.state())
    };
    let Some(mut told) = told else { return };
    wake(state, tenant.org);
    let follows = async {
        loop {
            told.mark_unchanged();
            if seen.holds(&state.store, tenant).await? || told.changed().await.is_err() {
                return Ok::<_, StoreError>(());
            }
        }
    };
    match tokio::time::timeout(FOLLOWS, follows).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "whether the replica has followed is not known"),
        Err(_) => tracing::info!(%tenant, "the replica follows later"),
    }
}
