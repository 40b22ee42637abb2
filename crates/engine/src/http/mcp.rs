//! `/mcp`.

use std::sync::Arc;

use axum::{extract::State as Shared, http::StatusCode};
use berth_protocol::{
    AgentId, Code, McpAccept, McpCall, McpCalled, McpCatalogEdit, McpConfiguration,
    McpConfigurationId, McpConsent, McpDraft, McpEdit, McpGiven, McpImport, McpImported, McpList,
    McpSecret, McpShare, McpSignedOut, McpTake, McpTest, McpTested, McpTools, SessionId,
    SessionMcp,
};

use super::{
    Problems, Seen, carried_through,
    extract::{Json, Path, Query, SecretJson},
};
use crate::{error::ApiError, gateway, mcp, state::State};

/// All MCP servers, and how they were doing when they were last asked: the user's own, and those of the active
/// organization with what its catalog says of them.
#[utoipa::path(get, path = "/mcp/configurations", tag = "mcp",
    responses((status = 200, body = McpList), Problems))]
pub async fn list(Shared(state): Shared<Arc<State>>) -> Result<Json<McpList>, ApiError> {
    Ok(Json(mcp::list(&state).await?))
}

/// Adds a server. What is wrong with it is told by field. It is not started or asked before its user has agreed
/// to its command or address.
#[utoipa::path(post, path = "/mcp/configurations", tag = "mcp", request_body = McpDraft,
    responses((status = 201, body = McpConfiguration), Problems))]
pub async fn create(
    Shared(state): Shared<Arc<State>>,
    Json(draft): Json<McpDraft>,
) -> Result<(StatusCode, Json<McpConfiguration>), ApiError> {
    let made = carried_through(async move { mcp::create(&state, draft).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Adds a server to the catalog of the active organization, whose admin the caller is. All its users see it; each
/// agrees to its command or address on their own machine before it is started or asked there.
#[utoipa::path(post, path = "/mcp/catalog", tag = "mcp", request_body = McpShare,
    responses((status = 201, body = McpConfiguration), Problems))]
pub async fn share(
    Shared(state): Shared<Arc<State>>,
    Json(share): Json<McpShare>,
) -> Result<(StatusCode, Json<McpConfiguration>), ApiError> {
    let made = carried_through(async move { mcp::shared::share(&state, share).await }).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Changes what the organization's catalog says of one of its servers: installed, available or blocked. Only for its
/// admins.
#[utoipa::path(put, path = "/mcp/configurations/{id}/catalog", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), request_body = McpCatalogEdit,
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn set_catalog(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Json(wanted): Json<McpCatalogEdit>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::shared::set_catalog(&state, id, wanted).await })
        .await
        .map(Json)
}

/// Takes a server that the organization's catalog offers, or leaves it: a choice of this user on this machine.
#[utoipa::path(put, path = "/mcp/configurations/{id}/taken", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), request_body = McpTake,
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn take(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Json(wanted): Json<McpTake>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::shared::take(&state, id, wanted).await })
        .await
        .map(Json)
}

/// One server.
#[utoipa::path(get, path = "/mcp/configurations/{id}", tag = "mcp", params(("id" = McpConfigurationId, Path)),
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn get(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
) -> Result<Json<McpConfiguration>, ApiError> {
    Ok(Json(mcp::get(&state, id).await?))
}

/// Changes a server, which gets a new version. Another command or address needs a new consent; secrets that are
/// no longer named are removed from the keychain. What an organization says of its servers is changed by its admins
/// alone; their rules and offers are each user's own.
#[utoipa::path(put, path = "/mcp/configurations/{id}", tag = "mcp", params(("id" = McpConfigurationId, Path)),
    request_body = McpEdit, responses((status = 200, body = McpConfiguration), Problems))]
pub async fn update(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Json(edit): Json<McpEdit>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::update(&state, id, edit).await })
        .await
        .map(Json)
}

/// Removes a server, and its secrets from the keychain.
#[utoipa::path(delete, path = "/mcp/configurations/{id}", tag = "mcp",
    params(("id" = McpConfigurationId, Path), Seen), responses((status = 204), Problems))]
pub async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Query(seen): Query<Seen>,
) -> Result<StatusCode, ApiError> {
    carried_through(async move { mcp::delete(&state, id, seen.version).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that the user has seen the whole command or address of a version, and agrees to it.
#[utoipa::path(post, path = "/mcp/configurations/{id}/consent", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), request_body = McpConsent,
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn consent(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Json(shown): Json<McpConsent>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::consent(&state, id, shown.version).await })
        .await
        .map(Json)
}

/// Accepts tools as they are now, which were quarantined because they are not what they were.
#[utoipa::path(post, path = "/mcp/configurations/{id}/accept", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), request_body = McpAccept,
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn accept(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Json(accepted): Json<McpAccept>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::accept(&state, id, &accepted.tools).await })
        .await
        .map(Json)
}

/// Puts a secret of a server into the keychain. It is never shown again. Its name is `env/NAME`, `header/NAME`,
/// `token` or `client_secret`, with the slash written as `%2F`.
#[utoipa::path(put, path = "/mcp/configurations/{id}/secrets/{name}", tag = "mcp",
    params(("id" = McpConfigurationId, Path), ("name" = String, Path)), request_body = McpSecret,
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn set_secret(
    Shared(state): Shared<Arc<State>>,
    Path((id, name)): Path<(McpConfigurationId, String)>,
    SecretJson(secret): SecretJson<McpSecret>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::set_secret(&state, id, &name, &secret.value).await })
        .await
        .map(Json)
}

/// Removes a secret of a server from the keychain.
#[utoipa::path(delete, path = "/mcp/configurations/{id}/secrets/{name}", tag = "mcp",
    params(("id" = McpConfigurationId, Path), ("name" = String, Path)),
    responses((status = 200, body = McpConfiguration), Problems))]
pub async fn remove_secret(
    Shared(state): Shared<Arc<State>>,
    Path((id, name)): Path<(McpConfigurationId, String)>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::remove_secret(&state, id, &name).await })
        .await
        .map(Json)
}

/// Begins a sign-in to a server with OAuth, in place of one that is under way. The address to open in the browser is
/// `signing_in.url` of the answer. What comes of it is told by the server's state: it is tried once somebody is
/// signed in, and has failed when nobody was in time.
#[utoipa::path(post, path = "/mcp/configurations/{id}/sign-in", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), responses((status = 200, body = McpConfiguration), Problems))]
pub async fn sign_in(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
) -> Result<Json<McpConfiguration>, ApiError> {
    Ok(Json(mcp::sign_in::begin(&state, id).await?))
}

/// Ends a sign-in that waits for the browser. There being none is no error.
#[utoipa::path(delete, path = "/mcp/configurations/{id}/sign-in", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), responses((status = 200, body = McpConfiguration), Problems))]
pub async fn cancel_sign_in(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
) -> Result<Json<McpConfiguration>, ApiError> {
    Ok(Json(mcp::sign_in::cancel(&state, id).await?))
}

/// Signs out of a server: its tokens are revoked where that is offered, and forgotten in any case.
#[utoipa::path(post, path = "/mcp/configurations/{id}/sign-out", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), responses((status = 200, body = McpSignedOut), Problems))]
pub async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
) -> Result<Json<McpSignedOut>, ApiError> {
    carried_through(async move { mcp::sign_in::sign_out(&state, id).await })
        .await
        .map(Json)
}

/// Forgets everything that is kept of a server besides its settings: its sign-in, its secrets in the keychain, and how
/// it was doing. What its tools were when they were accepted stays known.
#[utoipa::path(post, path = "/mcp/configurations/{id}/clear", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), responses((status = 200, body = McpConfiguration), Problems))]
pub async fn clear(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
) -> Result<Json<McpConfiguration>, ApiError> {
    carried_through(async move { mcp::clear(&state, id).await })
        .await
        .map(Json)
}

/// Starts or asks a server, and answers with what it says: a server that is kept and was agreed to, or a draft,
/// which is agreed to by sending it.
#[utoipa::path(post, path = "/mcp/test", tag = "mcp", request_body = McpTest,
    responses((status = 200, body = McpTested), Problems))]
pub async fn test(
    Shared(state): Shared<Arc<State>>,
    SecretJson(request): SecretJson<McpTest>,
) -> Result<Json<McpTested>, ApiError> {
    Ok(Json(mcp::test(&state, request).await?))
}

/// The tools of a server as they were when it was last asked.
#[utoipa::path(get, path = "/mcp/configurations/{id}/tools", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), responses((status = 200, body = McpTools), Problems))]
pub async fn tools(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
) -> Result<Json<McpTools>, ApiError> {
    Ok(Json(mcp::tools(&state, id).await?))
}

/// Calls a tool by hand.
#[utoipa::path(post, path = "/mcp/configurations/{id}/call", tag = "mcp",
    params(("id" = McpConfigurationId, Path)), request_body = McpCall,
    responses((status = 200, body = McpCalled), Problems))]
pub async fn call(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<McpConfigurationId>,
    Json(call): Json<McpCall>,
) -> Result<Json<McpCalled>, ApiError> {
    // What was called is told to the trail, whether or not anybody waits for the answer.
    carried_through(async move { mcp::call(&state, id, call).await })
        .await
        .map(Json)
}

/// What is asked about.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GivenTo {
    /// The agent.
    agent: AgentId,
    /// The name of the server.
    name: String,
}

/// What an agent would be given of a server of this name.
#[utoipa::path(get, path = "/mcp/given", tag = "mcp", params(GivenTo),
    responses((status = 200, body = McpGiven), Problems))]
pub async fn given(
    Shared(state): Shared<Arc<State>>,
    Query(to): Query<GivenTo>,
) -> Result<Json<McpGiven>, ApiError> {
    Ok(Json(mcp::given(&state, &to.agent, &to.name).await?))
}

/// The MCP servers that the agent of a session has, and how each is doing for it.
#[utoipa::path(get, path = "/sessions/{id}/mcp", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 200, body = SessionMcp), Problems))]
pub async fn of_session(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionMcp>, ApiError> {
    Ok(Json(gateway::given::of_session(&state, id).await?))
}

/// Reads settings of another program, and answers with the servers that they name. Nothing is kept or started.
#[utoipa::path(post, path = "/mcp/import", tag = "mcp", request_body = McpImport,
    responses((status = 200, body = McpImported), Problems))]
pub async fn import(Json(files): Json<McpImport>) -> Result<Json<McpImported>, ApiError> {
    // It may be long.
    let read = tokio::task::spawn_blocking(move || mcp::import(&files)).await;
    let read = read.map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    Ok(Json(read?))
}
