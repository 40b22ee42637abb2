//! `/org/organizations/{id}`: who belongs to an organization, who may come, and what binds its sessions.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_protocol::{
    OrganizationId, PROBLEM_MEDIA_TYPE, UserId,
    tenant::{
        NewInvitation, OrgInvited, OrgMembers, OrgPolicy, OrgPolicyEdit, PolicyConflict,
        SetMemberRole,
    },
};
use uuid::Uuid;

use super::{
    Problems,
    extract::{Json, Path},
    org::carried_through,
};
use crate::{
    error::ApiError,
    organizations::administration::{self, PolicySet},
    state::State,
};

/// Who belongs to an organization and who may come, as this machine last heard: also without a network.
#[utoipa::path(get, path = "/org/organizations/{id}/members", tag = "org", params(("id" = OrganizationId, Path)),
    responses((status = 200, body = OrgMembers), Problems))]
pub async fn members(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgMembers>, ApiError> {
    Ok(Json(administration::members(&state, id).await?))
}

/// Says what a member may do. An organization keeps at least one admin.
#[utoipa::path(put, path = "/org/organizations/{id}/members/{user}/role", tag = "org",
    params(("id" = OrganizationId, Path), ("user" = UserId, Path)), request_body = SetMemberRole,
    responses((status = 204), Problems))]
pub async fn set_role(
    Shared(state): Shared<Arc<State>>,
    Path((id, user)): Path<(OrganizationId, UserId)>,
    Json(wanted): Json<SetMemberRole>,
) -> Result<StatusCode, ApiError> {
    carried_through(state.stopping.clone(), async move {
        administration::change_role(&state, id, user, wanted.role).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Ends a membership, and with it everything of the organization on that member's machines. Everybody may end their
/// own; an organization keeps at least one admin.
#[utoipa::path(delete, path = "/org/organizations/{id}/members/{user}", tag = "org",
    params(("id" = OrganizationId, Path), ("user" = UserId, Path)), responses((status = 204), Problems))]
pub async fn remove_member(
    Shared(state): Shared<Arc<State>>,
    Path((id, user)): Path<(OrganizationId, UserId)>,
) -> Result<StatusCode, ApiError> {
    carried_through(state.stopping.clone(), async move {
        administration::remove_member(&state, id, user).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Invites an address. The answer has the token that lets it in, once; it is kept nowhere.
#[utoipa::path(post, path = "/org/organizations/{id}/invitations", tag = "org",
    params(("id" = OrganizationId, Path)), request_body = NewInvitation,
    responses((status = 201, body = OrgInvited), Problems))]
pub async fn invite(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Json(wanted): Json<NewInvitation>,
) -> Result<(StatusCode, Json<OrgInvited>), ApiError> {
    let invited = carried_through(state.stopping.clone(), async move {
        administration::invite(&state, id, wanted).await
    })
    .await?;
    Ok((StatusCode::CREATED, Json(invited)))
}

/// Ends an invitation that nobody has used.
#[utoipa::path(delete, path = "/org/organizations/{id}/invitations/{invitation}", tag = "org",
    params(("id" = OrganizationId, Path), ("invitation" = Uuid, Path)), responses((status = 204), Problems))]
pub async fn withdraw(
    Shared(state): Shared<Arc<State>>,
    Path((id, invitation)): Path<(OrganizationId, Uuid)>,
) -> Result<StatusCode, ApiError> {
    carried_through(state.stopping.clone(), async move {
        administration::withdraw(&state, id, invitation).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// What binds the sessions of an organization's users, as this machine last heard: also without a network.
#[utoipa::path(get, path = "/org/organizations/{id}/policy", tag = "org", params(("id" = OrganizationId, Path)),
    responses((status = 200, body = OrgPolicy), Problems))]
pub async fn policy(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgPolicy>, ApiError> {
    Ok(Json(administration::policy(&state, id).await?))
}

/// Replaces the whole policy. One of an older version than the newest is refused with `policy.conflict` and the
/// newest.
#[utoipa::path(put, path = "/org/organizations/{id}/policy", tag = "org", params(("id" = OrganizationId, Path)),
    request_body = OrgPolicyEdit,
    responses(Problems, (status = 200, body = OrgPolicy),
        (status = 409, content_type = "application/problem+json", body = PolicyConflict)))]
pub async fn set_policy(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Json(edit): Json<OrgPolicyEdit>,
) -> Result<Response, ApiError> {
    let set = carried_through(state.stopping.clone(), async move {
        administration::set_policy(&state, id, edit).await
    })
    .await?;
    Ok(match set {
        PolicySet::Holds(policy) => Json(policy).into_response(),
        PolicySet::Late(conflict) => {
            let body = serde_json::to_vec(&conflict).unwrap_or_default();
            let media = [(header::CONTENT_TYPE, PROBLEM_MEDIA_TYPE)];
            (StatusCode::CONFLICT, media, body).into_response()
        }
    })
}
