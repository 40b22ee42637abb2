//! `/org/organizations/{id}/changes`: a user's changes that have not gone through.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_protocol::{
    MutationId, OrganizationId, PROBLEM_MEDIA_TYPE,
    tenant::{ChangeMoved, ChangeResolved, OrgChange, OrgChanges, ResolveChange},
};

use super::{
    Problems, carried_through,
    extract::{Json, Path},
};
use crate::{
    error::ApiError,
    organizations::changes::{self, Resolved},
    state::State,
};

/// The user's changes of what an organization shares that its replica does not show yet, the oldest first: those that
/// wait, those in conflict, and those that its backend refuses. What this machine tells of sessions, workspaces and
/// sign-ins is no change of anybody's: `told` says how much of it waits, and what of it is refused and why.
#[utoipa::path(get, path = "/org/organizations/{id}/changes", tag = "org",
    params(("id" = OrganizationId, Path)), responses((status = 200, body = OrgChanges), Problems))]
pub async fn list(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgChanges>, ApiError> {
    changes::list(&state, id).await.map(Json)
}

/// Ends a conflict: the user's side is kept, or the others', or both. When the others' has changed since it was
/// looked at, nothing is done, and `sync.conflict_moved` has both sides as they are now.
#[utoipa::path(post, path = "/org/organizations/{id}/changes/{mutation}/resolve", tag = "org",
    params(("id" = OrganizationId, Path), ("mutation" = MutationId, Path)), request_body = ResolveChange,
    responses(
        Problems,
        (status = 200, body = ChangeResolved),
        (status = 409, body = ChangeMoved, content_type = "application/problem+json"),
    ))]
pub async fn resolve(
    Shared(state): Shared<Arc<State>>,
    Path((id, mutation)): Path<(OrganizationId, MutationId)>,
    Json(wanted): Json<ResolveChange>,
) -> Result<Response, ApiError> {
    let resolved =
        carried_through(async move { changes::resolve(&state, id, mutation, wanted).await });
    Ok(match resolved.await? {
        Resolved::Ended(ended) => Json(ended).into_response(),
        Resolved::Moved(moved) => {
            let kind = [(header::CONTENT_TYPE, PROBLEM_MEDIA_TYPE)];
            (StatusCode::CONFLICT, kind, Json(moved)).into_response()
        }
    })
}

/// Sends a refused change again. It gets another identifier.
#[utoipa::path(post, path = "/org/organizations/{id}/changes/{mutation}/retry", tag = "org",
    params(("id" = OrganizationId, Path), ("mutation" = MutationId, Path)),
    responses((status = 200, body = OrgChange), Problems))]
pub async fn retry(
    Shared(state): Shared<Arc<State>>,
    Path((id, mutation)): Path<(OrganizationId, MutationId)>,
) -> Result<Json<OrgChange>, ApiError> {
    carried_through(async move { changes::retry(&state, id, mutation).await })
        .await
        .map(Json)
}

/// Sends again what this machine tells by itself and the backend has refused. Answers with what waits then.
#[utoipa::path(post, path = "/org/organizations/{id}/told/retry", tag = "org",
    params(("id" = OrganizationId, Path)), responses((status = 200, body = OrgChanges), Problems))]
pub async fn retry_told(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgChanges>, ApiError> {
    carried_through(async move { changes::retry_told(&state, id).await })
        .await
        .map(Json)
}

/// Drops a change that is refused, or that waits and was never sent. What this machine tells by itself cannot be dropped.
#[utoipa::path(delete, path = "/org/organizations/{id}/changes/{mutation}", tag = "org",
    params(("id" = OrganizationId, Path), ("mutation" = MutationId, Path)), responses((status = 204), Problems))]
pub async fn discard(
    Shared(state): Shared<Arc<State>>,
    Path((id, mutation)): Path<(OrganizationId, MutationId)>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { changes::discard(&state, id, mutation).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
