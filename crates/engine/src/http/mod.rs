//! The HTTP face of the engine: who may ask, how errors look, and which address is what.

mod agents;
mod auth;
mod docs;
mod extract;
mod gateway;
mod mcp;
mod org;
mod org_admin;
mod org_audit;
mod org_changes;
mod org_requests;
mod org_sessions;
mod projects;
mod prompts;
mod rest;
mod routers;
mod sessions;
mod stream;
mod system;
mod terminal;
mod ui;
mod uploads;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
    routing::any,
};
use berth_protocol::{Code, PROBLEM_MEDIA_TYPE, Problem, UPLOAD_LIMIT};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
    set_header::SetResponseHeaderLayer,
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{error::ApiError, state::State};

pub use extract::checked_text;

/// Largest request body, in bytes: a message of 256 KiB whose every byte is escaped.
const BODY: usize = 2 * 1024 * 1024;

/// Largest body with files to import, in bytes: all prompts that a scope can have, with every byte escaped, or a file with
/// MCP servers.
const IMPORT: usize = 64 * 1024 * 1024;

/// Largest body with a file for a session, in bytes: the file, and room for the frame of the form around it.
const UPLOAD: usize = UPLOAD_LIMIT + 64 * 1024;

/// Everything under `/api/v1`, with its description.
fn api() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(projects::get, projects::rename, projects::delete))
        .routes(routes!(projects::branches))
        .routes(routes!(projects::folders))
        .routes(routes!(agents::list, agents::define))
        .routes(routes!(
            agents::definition,
            agents::redefine,
            agents::forget
        ))
        .routes(routes!(agents::set_secret, agents::remove_secret))
        .routes(routes!(agents::refresh))
        .routes(routes!(routers::list, routers::create))
        .routes(routes!(routers::get, routers::update, routers::delete))
        .routes(routes!(routers::set_key, routers::remove_key))
        .routes(routes!(org::get))
        .routes(routes!(org::set_backend))
        .routes(routes!(org::ways))
        .routes(routes!(org::sign_in, org::cancel))
        .routes(routes!(org::factor))
        .routes(routes!(org::sign_out))
        .routes(routes!(org::set_active))
        .routes(routes!(org::create))
        .routes(routes!(org::refresh))
        .routes(routes!(org::join))
        .routes(routes!(org_changes::list))
        .routes(routes!(org_changes::discard))
        .routes(routes!(org_changes::resolve))
        .routes(routes!(org_changes::retry))
        .routes(routes!(org_changes::retry_told))
        .routes(routes!(org_admin::members))
        .routes(routes!(org_admin::set_role))
        .routes(routes!(org_admin::remove_member))
        .routes(routes!(org_admin::invite))
        .routes(routes!(org_admin::withdraw))
        .routes(routes!(org_admin::policy, org_admin::set_policy))
        .routes(routes!(org_requests::erasures, org_requests::ask_erasure))
        .routes(routes!(org_requests::perform_erasure))
        .routes(routes!(
            org_requests::consent_texts,
            org_requests::publish_consent_text
        ))
        .routes(routes!(
            org_requests::agree,
            org_requests::withdraw_agreement
        ))
        .routes(routes!(org::drift))
        .routes(routes!(org_sessions::page))
        .routes(routes!(org_audit::page))
        .routes(routes!(org_audit::people))
        .routes(routes!(org_audit::origin))
        .routes(routes!(org_audit::verify))
        .routes(routes!(org_audit::export))
        .routes(routes!(mcp::list, mcp::create))
        .routes(routes!(mcp::get, mcp::update, mcp::delete))
        .routes(routes!(mcp::share))
        .routes(routes!(mcp::set_catalog))
        .routes(routes!(mcp::take))
        .routes(routes!(mcp::consent))
        .routes(routes!(mcp::accept))
        .routes(routes!(mcp::set_secret, mcp::remove_secret))
        .routes(routes!(mcp::sign_in, mcp::cancel_sign_in))
        .routes(routes!(mcp::sign_out))
        .routes(routes!(mcp::clear))
        .routes(routes!(mcp::test))
        .routes(routes!(mcp::tools))
        .routes(routes!(mcp::call))
        .routes(routes!(mcp::given))
        .routes(routes!(mcp::of_session))
        .routes(routes!(mcp::import).layer(DefaultBodyLimit::max(IMPORT)))
        .routes(routes!(prompts::list, prompts::create))
        .routes(routes!(prompts::get, prompts::update, prompts::delete))
        .routes(routes!(prompts::decline))
        .routes(routes!(prompts::reorder))
        .routes(routes!(prompts::versions))
        .routes(routes!(prompts::restore))
        .routes(routes!(prompts::diff))
        .routes(routes!(prompts::set_policy))
        .routes(routes!(prompts::preview, prompts::preview_draft))
        .routes(routes!(prompts::import).layer(DefaultBodyLimit::max(IMPORT)))
        .routes(routes!(prompts::export))
        .routes(routes!(prompts::export_one))
        .routes(routes!(prompts::of_session))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::get, sessions::rename, sessions::delete))
        .routes(routes!(sessions::input))
        .routes(routes!(sessions::resize))
        .routes(routes!(uploads::upload).layer(DefaultBodyLimit::max(UPLOAD)))
        .routes(routes!(sessions::interrupt))
        .routes(routes!(sessions::stop))
        .routes(routes!(sessions::restart))
        .routes(routes!(sessions::approval))
        .routes(routes!(sessions::form, sessions::fill_form))
        .routes(routes!(sessions::archive))
        .routes(routes!(sessions::restore))
        .routes(routes!(sessions::work))
        .routes(routes!(sessions::screen))
        .routes(routes!(sessions::messages))
        .routes(routes!(sessions::recording))
        .routes(routes!(sessions::diff))
        .routes(routes!(sessions::patch))
        .routes(routes!(sessions::chat))
        .routes(routes!(terminal::connect))
        .routes(routes!(stream::events))
        .routes(routes!(stream::chat))
        .routes(routes!(system::engine))
        .routes(routes!(system::stop))
        .routes(routes!(system::audit))
        .routes(routes!(system::verify))
        .routes(routes!(system::export))
}

fn described() -> (Router<Arc<State>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(docs::base())
        .routes(routes!(system::health))
        .routes(routes!(system::ready))
        .nest(&format!("/api/{}", berth_protocol::API_VERSION), api())
        .split_for_parts()
}

/// The description of the API, as it stands at `/openapi.json`.
pub fn openapi_json() -> String {
    described().1.to_pretty_json().unwrap_or_default()
}

/// Every address: those of the API, which are described because they are served, and those of the
/// description itself.
fn addresses() -> Router<Arc<State>> {
    let (api, description) = described();
    api.merge(docs::router(description))
}

/// The whole service.
pub fn router(state: Arc<State>) -> Router {
    let compressed = SizeAbove::new(1024)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"));
    let router = addresses()
        .route("/mcp/{session}/{server}", any(gateway::answer))
        .fallback(ui::serve)
        .method_not_allowed_fallback(async || {
            ApiError::new(
                Code::MethodNotAllowed,
                "the address exists, but not for this method",
            )
        })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(
            auth::Gate::of_engine(&state),
            auth::check,
        ))
        .layer(middleware::from_fn(rest::discard))
        .layer(CompressionLayer::new().compress_when(compressed));
    guarded(router).with_state(state)
}

/// What agents are answered at an address of their own, and nothing else. What they are answered is not compressed: it
/// stays on this machine, and they wait for it.
pub fn agents_router(state: Arc<State>, port: u16) -> Router {
    let gate = auth::Gate::at(&state, port);
    // One layer: of several, each makes a box for each request.
    let before = ServiceBuilder::new()
        .layer(middleware::from_fn(rest::discard))
        .layer(middleware::from_fn_with_state(gate, auth::check))
        .layer(DefaultBodyLimit::max(BODY));
    let router = Router::new()
        .route("/mcp/{session}/{server}", any(gateway::answer))
        .fallback(async || ApiError::new(Code::NotFound, "only MCP servers are at this address"))
        .layer(before);
    guarded(router).with_state(state)
}

/// What holds for every answer.
fn guarded(router: Router<Arc<State>>) -> Router<Arc<State>> {
    let every = ServiceBuilder::new()
        // What was erased or signed out of would otherwise live on in the files of a browser.
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(CatchPanicLayer::custom(panicked));
    router.layer(every)
}

/// An answer in several small pieces would otherwise wait for the other side's system.
pub fn send_at_once(stream: &mut tokio::net::TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection collects small pieces");
    }
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(what, "a request handler panicked");
    ApiError::new(
        Code::Internal,
        "the engine failed while it answered this request",
    )
    .into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = axum::http::StatusCode::from_u16(self.0.status)
            .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, PROBLEM_MEDIA_TYPE)], body).into_response()
    }
}

/// What a client looked at before it asks for something to be removed.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Seen {
    /// The version that was looked at.
    version: u32,
}

/// Does something to the end even when the client goes away in the middle.
async fn carried_through<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::spawn(work).await;
    done.map_err(|error| ApiError::new(Code::Internal, error.to_string()))?
}

/// What every operation may answer besides its own answers, for the description.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum Problems {
    /// The request is not as it must be.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
    /// The token is missing or wrong.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// The state of things does not allow it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// The engine or something it needs failed.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Failed(#[to_schema] Problem),
}

#[cfg(test)]
mod tests;
