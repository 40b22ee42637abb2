//! `/agents`.

use std::sync::Arc;

use axum::{extract::State as Shared, http::StatusCode};
use berth_protocol::{AgentDefinition, AgentId, AgentList, AgentSecret, DefineAgent, DefinedAgent};

use super::{
    Problems, carried_through,
    extract::{Json, Path, SecretJson},
};
use crate::{agents, defined_agents, error::ApiError, state::State};

/// The agents that Berth knows, and what was found of them on this machine.
#[utoipa::path(get, path = "/agents", tag = "agents", responses((status = 200, body = AgentList), Problems))]
pub async fn list(Shared(state): Shared<Arc<State>>) -> Json<AgentList> {
    Json(AgentList {
        agents: agents::list(&state).await,
    })
}

/// Looks for all agents again; `agents_changed` events tell what is found.
#[utoipa::path(post, path = "/agents/refresh", tag = "agents", responses((status = 202), Problems))]
pub async fn refresh(Shared(state): Shared<Arc<State>>) -> StatusCode {
    tokio::spawn(async move { agents::detect(&state).await });
    StatusCode::ACCEPTED
}

/// Describes an agent that Berth does not know. What is wrong with the description is told by field.
#[utoipa::path(post, path = "/agents", tag = "agents", request_body = DefineAgent,
    responses((status = 201, body = DefinedAgent), Problems))]
pub async fn define(
    Shared(state): Shared<Arc<State>>,
    Json(request): Json<DefineAgent>,
) -> Result<(StatusCode, Json<DefinedAgent>), ApiError> {
    let made =
        carried_through(async move { defined_agents::define(&state, request).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// How a user described an agent.
#[utoipa::path(get, path = "/agents/{id}/definition", tag = "agents", params(("id" = AgentId, Path)),
    responses((status = 200, body = DefinedAgent), Problems))]
pub async fn definition(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<AgentId>,
) -> Result<Json<DefinedAgent>, ApiError> {
    Ok(Json(defined_agents::get(&state, &id).await?))
}

/// Describes an agent anew. Sessions are started so from then on. Secrets that it no longer names are
/// removed from the keychain.
#[utoipa::path(put, path = "/agents/{id}/definition", tag = "agents", params(("id" = AgentId, Path)),
    request_body = AgentDefinition, responses((status = 200, body = DefinedAgent), Problems))]
pub async fn redefine(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<AgentId>,
    Json(definition): Json<AgentDefinition>,
) -> Result<Json<DefinedAgent>, ApiError> {
    carried_through(async move { defined_agents::redefine(&state, &id, definition).await })
        .await
        .map(Json)
}

/// Removes an agent that a user described and of which no session runs, and its secrets from the keychain.
#[utoipa::path(delete, path = "/agents/{id}/definition", tag = "agents", params(("id" = AgentId, Path)),
    responses((status = 204), Problems))]
pub async fn forget(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<AgentId>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { defined_agents::forget(&state, &id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the value of a secret variable into the keychain. It is never shown again.
#[utoipa::path(put, path = "/agents/{id}/secrets/{name}", tag = "agents",
    params(("id" = AgentId, Path), ("name" = String, Path)),
    request_body = AgentSecret, responses((status = 200, body = DefinedAgent), Problems))]
pub async fn set_secret(
    Shared(state): Shared<Arc<State>>,
    Path((id, name)): Path<(AgentId, String)>,
    SecretJson(secret): SecretJson<AgentSecret>,
) -> Result<Json<DefinedAgent>, ApiError> {
    carried_through(async move { defined_agents::set_secret(&state, &id, &name, secret).await })
        .await
        .map(Json)
}

/// Removes the value of a secret variable from the keychain.
#[utoipa::path(delete, path = "/agents/{id}/secrets/{name}", tag = "agents",
    params(("id" = AgentId, Path), ("name" = String, Path)),
    responses((status = 200, body = DefinedAgent), Problems))]
pub async fn remove_secret(
    Shared(state): Shared<Arc<State>>,
    Path((id, name)): Path<(AgentId, String)>,
) -> Result<Json<DefinedAgent>, ApiError> {
    carried_through(async move { defined_agents::remove_secret(&state, &id, &name).await })
        .await
        .map(Json)
}
