//! `/routers`.

use std::sync::Arc;

use axum::{extract::State as Shared, http::StatusCode};
use berth_protocol::{Router, RouterDraft, RouterId, RouterKey, RouterList};

use super::{
    Problems, carried_through,
    extract::{Json, Path, SecretJson},
};
use crate::{error::ApiError, routers, state::State};

/// All routers, and the program that runs them on this machine.
#[utoipa::path(get, path = "/routers", tag = "routers", responses((status = 200, body = RouterList), Problems))]
pub async fn list(Shared(state): Shared<Arc<State>>) -> Result<Json<RouterList>, ApiError> {
    Ok(Json(routers::list(&state).await?))
}

/// Adds a router. What is wrong with its settings is told by field.
#[utoipa::path(post, path = "/routers", tag = "routers", request_body = RouterDraft,
    responses((status = 201, body = Router), Problems))]
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    Json(draft): Json<RouterDraft>,
) -> Result<(StatusCode, Json<Router>), ApiError> {
    let made = carried_through(async move { routers::create(&state, draft).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One router.
#[utoipa::path(get, path = "/routers/{id}", tag = "routers", params(("id" = RouterId, Path)),
    responses((status = 200, body = Router), Problems))]
pub async fn get(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<RouterId>,
) -> Result<Json<Router>, ApiError> {
    Ok(Json(routers::get(&state, id).await?))
}

/// Changes a router's name and settings. Sessions use them from their next start. Keys of providers that
/// are gone are removed from the keychain.
#[utoipa::path(put, path = "/routers/{id}", tag = "routers", params(("id" = RouterId, Path)),
    request_body = RouterDraft, responses((status = 200, body = Router), Problems))]
pub async fn update(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<RouterId>,
    Json(draft): Json<RouterDraft>,
) -> Result<Json<Router>, ApiError> {
    carried_through(async move { routers::update(&state, id, draft).await })
        .await
        .map(Json)
}

/// Removes a router that no running session uses, and its keys from the keychain.
#[utoipa::path(delete, path = "/routers/{id}", tag = "routers", params(("id" = RouterId, Path)),
    responses((status = 204), Problems))]
pub async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<RouterId>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { routers::delete(&state, id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the key of a provider into the keychain. It is never shown again.
#[utoipa::path(put, path = "/routers/{id}/keys/{provider}", tag = "routers",
    params(("id" = RouterId, Path), ("provider" = String, Path)),
    request_body = RouterKey, responses((status = 200, body = Router), Problems))]
pub async fn set_key(
    Shared(state): Shared<Arc<State>>,
    Path((id, provider)): Path<(RouterId, String)>,
    SecretJson(key): SecretJson<RouterKey>,
) -> Result<Json<Router>, ApiError> {
    carried_through(async move { routers::set_key(&state, id, &provider, key).await })
        .await
        .map(Json)
}

/// Removes the key of a provider from the keychain.
#[utoipa::path(delete, path = "/routers/{id}/keys/{provider}", tag = "routers",
    params(("id" = RouterId, Path), ("provider" = String, Path)),
    responses((status = 200, body = Router), Problems))]
pub async fn remove_key(
    Shared(state): Shared<Arc<State>>,
    Path((id, provider)): Path<(RouterId, String)>,
) -> Result<Json<Router>, ApiError> {
    carried_through(async move { routers::remove_key(&state, id, &provider).await })
        .await
        .map(Json)
}
