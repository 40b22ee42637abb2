//! `/org/organizations/{id}`: what people ask an organization to erase, and what it asks them to agree to.

use std::sync::Arc;

use axum::{extract::State as Shared, http::StatusCode};
use berth_protocol::{
    OrganizationId,
    tenant::{NewConsentText, NewErasure, OrgConsents, OrgErasureAsked, OrgErasures},
};
use uuid::Uuid;

use super::{
    Problems,
    extract::{Json, Path},
    org::carried_through,
};
use crate::{
    error::ApiError,
    organizations::{consents, erasures},
    state::State,
};

/// Requests to erase what the organization knows of somebody, as its backend has them now: admins see all of them, and
/// others those that are about themselves.
#[utoipa::path(get, path = "/org/organizations/{id}/erasures", tag = "org", params(("id" = OrganizationId, Path)),
    responses((status = 200, body = OrgErasures), Problems))]
pub async fn erasures(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgErasures>, ApiError> {
    erasures::list(&state, id).await.map(Json)
}

/// Asks that what the organization knows of somebody be erased: everybody for themselves, and admins for others.
/// Nothing is erased yet. A request that is open already is answered again.
#[utoipa::path(post, path = "/org/organizations/{id}/erasures", tag = "org", params(("id" = OrganizationId, Path)),
    request_body = NewErasure, responses((status = 200, body = OrgErasureAsked), Problems))]
pub async fn ask_erasure(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Json(wanted): Json<NewErasure>,
) -> Result<Json<OrgErasureAsked>, ApiError> {
    carried_through(state.stopping.clone(), async move {
        erasures::ask(&state, id, wanted).await
    })
    .await
    .map(Json)
}

/// Performs a request, for good: the membership ends, and what the organization knows of the person is removed. The
/// audit trail keeps its events and its chain, under a pseudonym that leads to nobody any more. An admin may, but for
/// one that is about themselves.
#[utoipa::path(post, path = "/org/organizations/{id}/erasures/{request}/perform", tag = "org",
    params(("id" = OrganizationId, Path), ("request" = Uuid, Path)), responses((status = 204), Problems))]
pub async fn perform_erasure(
    Shared(state): Shared<Arc<State>>,
    Path((id, request)): Path<(OrganizationId, Uuid)>,
) -> Result<StatusCode, ApiError> {
    carried_through(state.stopping.clone(), async move {
        erasures::perform(&state, id, request).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// What the organization asks its members to agree to and who does, as this machine last heard: also without a network.
#[utoipa::path(get, path = "/org/organizations/{id}/consent-texts", tag = "org",
    params(("id" = OrganizationId, Path)), responses((status = 200, body = OrgConsents), Problems))]
pub async fn consent_texts(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgConsents>, ApiError> {
    consents::list(&state, id).await.map(Json)
}

/// Publishes a text, as the next version of its purpose. It never changes. Only admins publish; it is sent with the
/// next sync.
#[utoipa::path(post, path = "/org/organizations/{id}/consent-texts", tag = "org",
    params(("id" = OrganizationId, Path)), request_body = NewConsentText,
    responses((status = 200, body = OrgConsents), Problems))]
pub async fn publish_consent_text(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Json(wanted): Json<NewConsentText>,
) -> Result<Json<OrgConsents>, ApiError> {
    carried_through(state.stopping.clone(), async move {
        consents::publish(&state, id, wanted).await
    })
    .await
    .map(Json)
}

/// Agrees to a text, as whoever is signed in. It is sent with the next sync.
#[utoipa::path(put, path = "/org/organizations/{id}/consent-texts/{text}/agreement", tag = "org",
    params(("id" = OrganizationId, Path), ("text" = Uuid, Path)),
    responses((status = 200, body = OrgConsents), Problems))]
pub async fn agree(
    Shared(state): Shared<Arc<State>>,
    Path((id, text)): Path<(OrganizationId, Uuid)>,
) -> Result<Json<OrgConsents>, ApiError> {
    carried_through(state.stopping.clone(), async move {
        consents::agree(&state, id, text).await
    })
    .await
    .map(Json)
}

/// Takes back what whoever is signed in has agreed to. The backend keeps that they did, and until when.
#[utoipa::path(delete, path = "/org/organizations/{id}/consent-texts/{text}/agreement", tag = "org",
    params(("id" = OrganizationId, Path), ("text" = Uuid, Path)),
    responses((status = 200, body = OrgConsents), Problems))]
pub async fn withdraw_agreement(
    Shared(state): Shared<Arc<State>>,
    Path((id, text)): Path<(OrganizationId, Uuid)>,
) -> Result<Json<OrgConsents>, ApiError> {
    carried_through(state.stopping.clone(), async move {
        consents::withdraw(&state, id, text).await
    })
    .await
    .map(Json)
}
