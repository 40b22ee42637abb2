//! Health, facts about the engine, and the audit trail.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_protocol::{AuditOrder, AuditPage, AuditVerification, EngineInfo, Health, SessionId};
use berth_store::AuditQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems, carried_through,
    extract::{Json, Query},
    org_audit::NDJSON,
};
use crate::{VERSION, audit, error::ApiError, state::State};

/// Events on a page when the client does not say.
const EVENTS: u32 = 200;

/// The engine runs.
#[utoipa::path(get, path = "/health", tag = "engine", responses((status = 200, body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: VERSION.to_owned(),
    })
}

/// The engine runs and its store answers.
#[utoipa::path(get, path = "/ready", tag = "engine", responses((status = 200, body = Health), Problems))]
pub async fn ready(Shared(state): Shared<Arc<State>>) -> Result<Json<Health>, ApiError> {
    state.store.setting("ready").await?;
    Ok(health().await)
}

/// Facts about the engine.
#[utoipa::path(get, path = "/engine", tag = "engine", responses((status = 200, body = EngineInfo), Problems))]
pub async fn engine(Shared(state): Shared<Arc<State>>) -> Json<EngineInfo> {
    let environment = state.environment_if_known();
    Json(EngineInfo {
        version: VERSION.to_owned(),
        pid: state.endpoint.pid,
        data_dir: state.config.data_dir.display().to_string(),
        log_dir: state.config.log_dir.display().to_string(),
        home_dir: state.home().map(|home| home.display().to_string()),
        os: std::env::consts::OS.to_owned(),
        schema_version: state.store.schema_version(),
        environment: environment
            .map_or("being read", |known| known.source.as_str())
            .to_owned(),
        warnings: environment
            .and_then(|known| known.warning.clone())
            .into_iter()
            .collect(),
    })
}

/// Stops the engine: every session is ended and recorded first.
#[utoipa::path(post, path = "/engine/stop", tag = "engine", responses((status = 202), Problems))]
pub async fn stop(Shared(state): Shared<Arc<State>>) -> StatusCode {
    tracing::info!("asked to stop over the API");
    state.stopping.cancel();
    StatusCode::ACCEPTED
}

/// What of the audit trail, as query parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// Only events of this session, its messages among them.
    session_id: Option<SessionId>,
    /// In which order; the oldest first when absent.
    #[serde(default)]
    #[param(inline, required = false)]
    order: AuditOrder,
    /// Only events behind the one with this `seq`, in that order: `next` of the page before.
    after: Option<i64>,
    /// Most events on the page, up to 1,000; 200 when absent.
    limit: Option<u32>,
}

/// The audit trail, in pages.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditParams),
    responses((status = 200, body = AuditPage), Problems))]
pub async fn audit(
    Shared(state): Shared<Arc<State>>,
    Query(wanted): Query<AuditParams>,
) -> Result<Json<AuditPage>, ApiError> {
    let query = AuditQuery {
        session: wanted.session_id,
        newest_first: wanted.order == AuditOrder::Newest,
        after: wanted.after,
        limit: wanted.limit.unwrap_or(EVENTS),
    };
    Ok(Json(state.store.audit_page(&query).await?))
}

/// Checks the whole audit trail.
#[utoipa::path(get, path = "/audit/verify", tag = "audit",
    responses((status = 200, body = AuditVerification), Problems))]
pub async fn verify(
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<AuditVerification>, ApiError> {
    Ok(Json(state.store.verify_audit().await?))
}

/// The audit trail as a file that proves itself (`berth audit verify --file`): an event on each line, as it was hashed,
/// and on the last line the manifest with their number, the first and the last of them and SHA-256 of all lines before
/// it. One that breaks off has no manifest. It is noted in the trail.
#[utoipa::path(get, path = "/audit/export", tag = "audit",
    responses((status = 200, content_type = "application/x-ndjson", body = String), Problems))]
pub async fn export(Shared(state): Shared<Arc<State>>) -> Result<Response, ApiError> {
    let lines = carried_through(async move { audit::export(state).await }).await?;
    let headers = [
        (header::CONTENT_TYPE, NDJSON),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"berth-audit.ndjson\"",
        ),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
