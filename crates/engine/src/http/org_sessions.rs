//! `/org/organizations/{id}/sessions`: the sessions that an organization was told of.

use std::sync::Arc;

use axum::extract::State as Shared;
use berth_protocol::{
    OrganizationId, UserId,
    tenant::{OrgSessionState, OrgSessions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{Json, Path, Query},
};
use crate::{
    error::ApiError,
    organizations::sessions::{self, Wanted},
    state::State,
};

/// Sessions on a page when the client does not say.
const SESSIONS: u32 = 50;

/// Which page of which sessions, as query parameters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionParams {
    /// Only sessions behind those of the page before: its `next`.
    after: Option<String>,
    /// Most sessions on the page, up to 200; 50 when absent.
    limit: Option<u32>,
    /// Only those of this member, by their user's identifier.
    #[param(inline)]
    person: Option<UserId>,
    /// Only those that run, or that have ended.
    #[param(inline)]
    state: Option<OrgSessionState>,
}

/// The sessions that an organization was told of, the newest first, as its backend has them now: admins see those of
/// all, and others their own. Titles, words and folders are not among what it was told.
#[utoipa::path(get, path = "/org/organizations/{id}/sessions", tag = "org",
    params(("id" = OrganizationId, Path), SessionParams),
    responses((status = 200, body = OrgSessions), Problems))]
pub async fn page(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
    Query(wanted): Query<SessionParams>,
) -> Result<Json<OrgSessions>, ApiError> {
    let wanted = Wanted {
        person: wanted.person,
        state: wanted.state,
        after: wanted.after,
        limit: wanted.limit.unwrap_or(SESSIONS),
    };
    sessions::page(&state, id, wanted).await.map(Json)
}
