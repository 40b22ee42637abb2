//! `/agents`.

use std::sync::Arc;

use axum::{extract::State as Shared, http::StatusCode};
use berth_protocol::AgentList;

use super::{Problems, extract::Json};
use crate::{agents, state::State};

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
