//! `/org`: the tenant backend, who is signed in, and which organization is active.

use std::sync::Arc;

use axum::extract::State as Shared;
use berth_protocol::{
    Code, OrganizationId,
    tenant::{
        JoinOrganization, NewOrganization, OrgDrift, OrgFactorCode, OrgSignIn, OrgState, OrgWays,
        SetActiveOrg, SetOrgBackend,
    },
};
use tokio_util::sync::CancellationToken;

use super::{
    Problems,
    extract::{Json, Path, SecretJson},
};
use crate::{error::ApiError, organizations, state::State};

/// Does something to the end even when the client goes away in the middle, unless the engine stops: a backend that says
/// nothing holds up nobody.
pub(super) async fn carried_through<T: Send + 'static>(
    stopping: CancellationToken,
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    super::carried_through(async move {
        tokio::select! {
            done = work => done,
            () = stopping.cancelled() => {
                let detail = "the engine is stopping, and the backend has not answered yet";
                Err(ApiError::new(Code::ShuttingDown, detail))
            }
        }
    })
    .await
}

/// How it stands with organizations: the backend, who is signed in, and which organization is active.
#[utoipa::path(get, path = "/org", tag = "org", responses((status = 200, body = OrgState), Problems))]
pub async fn get(Shared(state): Shared<Arc<State>>) -> Json<OrgState> {
    Json(organizations::get(&state))
}

/// Names the backend: a Supabase project with Berth's schema. Nobody may be signed in.
#[utoipa::path(put, path = "/org/backend", tag = "org", request_body = SetOrgBackend,
    responses((status = 200, body = OrgState), Problems))]
pub async fn set_backend(
    Shared(state): Shared<Arc<State>>,
    Json(backend): Json<SetOrgBackend>,
) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(stopping, async move {
        organizations::set_backend(&state, backend).await
    })
    .await
    .map(Json)
}

/// The ways to sign in that the backend has.
#[utoipa::path(get, path = "/org/ways", tag = "org", responses((status = 200, body = OrgWays), Problems))]
pub async fn ways(Shared(state): Shared<Arc<State>>) -> Result<Json<OrgWays>, ApiError> {
    organizations::ways(&state).await.map(Json)
}

/// Begins a sign-in. In the browser, `account` has the page to open, and `org_changed` tells what comes of it; else
/// the answer does. An account with a second factor is asked for it next.
#[utoipa::path(post, path = "/org/sign-in", tag = "org", request_body = OrgSignIn,
    responses((status = 200, body = OrgState), Problems))]
pub async fn sign_in(
    Shared(state): Shared<Arc<State>>,
    SecretJson(way): SecretJson<OrgSignIn>,
) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(stopping, async move {
        organizations::sign_in(&state, way).await
    })
    .await
    .map(Json)
}

/// Ends a sign-in that is under way.
#[utoipa::path(delete, path = "/org/sign-in", tag = "org", responses((status = 200, body = OrgState), Problems))]
pub async fn cancel(Shared(state): Shared<Arc<State>>) -> Result<Json<OrgState>, ApiError> {
    Ok(Json(organizations::cancel(&state)))
}

/// Gives the code of a second factor.
#[utoipa::path(post, path = "/org/sign-in/factor", tag = "org", request_body = OrgFactorCode,
    responses((status = 200, body = OrgState), Problems))]
pub async fn factor(
    Shared(state): Shared<Arc<State>>,
    SecretJson(code): SecretJson<OrgFactorCode>,
) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(stopping, async move {
        organizations::factor(&state, code).await
    })
    .await
    .map(Json)
}

/// Signs out on this machine. Changes that wait to be sent stay, and go on when the same user signs in again.
#[utoipa::path(post, path = "/org/sign-out", tag = "org", responses((status = 200, body = OrgState), Problems))]
pub async fn sign_out(Shared(state): Shared<Arc<State>>) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(
        stopping,
        async move { organizations::sign_out(&state).await },
    )
    .await
    .map(Json)
}

/// Chooses the organization whose prompts, servers and policy hold; nothing to be alone.
#[utoipa::path(put, path = "/org/active", tag = "org", request_body = SetActiveOrg,
    responses((status = 200, body = OrgState), Problems))]
pub async fn set_active(
    Shared(state): Shared<Arc<State>>,
    Json(wanted): Json<SetActiveOrg>,
) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(stopping, async move {
        organizations::set_active(&state, wanted.organization).await
    })
    .await
    .map(Json)
}

/// Makes an organization, of which whoever is signed in is the admin.
#[utoipa::path(post, path = "/org/organizations", tag = "org", request_body = NewOrganization,
    responses((status = 200, body = OrgState), Problems))]
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    Json(new): Json<NewOrganization>,
) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(
        stopping,
        async move { organizations::create(&state, new).await },
    )
    .await
    .map(Json)
}

/// Looks for organizations that are new to this machine.
#[utoipa::path(post, path = "/org/organizations/refresh", tag = "org",
    responses((status = 200, body = OrgState), Problems))]
pub async fn refresh(Shared(state): Shared<Arc<State>>) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(
        stopping,
        async move { organizations::look_again(&state).await },
    )
    .await
    .map(Json)
}

/// Comes into an organization by an invitation.
#[utoipa::path(post, path = "/org/join", tag = "org", request_body = JoinOrganization,
    responses((status = 200, body = OrgState), Problems))]
pub async fn join(
    Shared(state): Shared<Arc<State>>,
    SecretJson(invitation): SecretJson<JoinOrganization>,
) -> Result<Json<OrgState>, ApiError> {
    let stopping = state.stopping.clone();
    carried_through(stopping, async move {
        organizations::join(&state, &invitation.token).await
    })
    .await
    .map(Json)
}

/// In what this machine differs from what the organization wants: prompts that are not given, servers that nobody has
/// agreed to, sessions that run under what held before, and sync that is not fresh.
#[utoipa::path(get, path = "/org/organizations/{id}/drift", tag = "org", params(("id" = OrganizationId, Path)),
    responses((status = 200, body = OrgDrift), Problems))]
pub async fn drift(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<OrganizationId>,
) -> Result<Json<OrgDrift>, ApiError> {
    organizations::drift::of(&state, id).await.map(Json)
}
