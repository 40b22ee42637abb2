//! The routes.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{
        DefaultBodyLimit, Multipart, Request, State, multipart::MultipartRejection,
        rejection::JsonRejection,
    },
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use berth_protocol::{Code, MESSAGE_LIMIT, Problem, Transport};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{Shared, events, model::*, uploads::LARGEST};

/// The web chat: one page without anything that has to be fetched from elsewhere.
const CHAT: &str = include_str!("chat.html");

/// Room for the frame of an upload around the file.
const FRAME: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "AgentAPI",
    description = "The HTTP API of coder/agentapi, served by Berth. What is not in agentapi says so."
))]
struct Base;

/// The description of the API.
pub fn openapi_json() -> String {
    let (_, api) = described().split_for_parts();
    api.to_pretty_json().unwrap_or_default()
}

fn described() -> OpenApiRouter<Arc<Shared>> {
    let mut base = Base::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut base.info.version);
    OpenApiRouter::with_openapi(base)
        .routes(routes!(status))
        .routes(routes!(messages))
        .routes(routes!(message))
        .routes(routes!(answer))
        .routes(routes!(upload))
        .routes(routes!(subscribe))
}

pub fn router(shared: Arc<Shared>) -> Router {
    let (router, api) = described().split_for_parts();
    router
        .route("/internal/screen", get(screen))
        .route("/", get(to_chat))
        .route("/chat", get(chat))
        .route("/chat/", get(chat))
        .route("/chat/{*page}", get(chat))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", api))
        .layer(DefaultBodyLimit::max(LARGEST + FRAME))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

/// Refuses requests for other names, and lets pages of allowed origins read the answers.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let host = request
        .uri()
        .host()
        .map(str::to_owned)
        .or_else(|| text(request.headers(), &header::HOST));
    if !host
        .as_deref()
        .is_some_and(|host| shared.hosts.allows(host))
    {
        let known = shared.hosts.shown();
        let said = format!("Invalid host header. Allowed hosts: {known}\n");
        return (StatusCode::BAD_REQUEST, said).into_response();
    }
    let origin = text(request.headers(), &header::ORIGIN);
    let own = origin
        .as_deref()
        .and_then(|origin| origin.split_once("://"))
        .is_some_and(|(_, name)| host.as_deref() == Some(name));
    // Nobody is asked for a token, so a page of another origin must not even be able to ask: some
    // requests are sent by browsers without asking first.
    let foreign = origin
        .as_ref()
        .is_some_and(|origin| !own && !shared.origins.allows(origin));
    if foreign && request.method() != Method::GET && request.method() != Method::OPTIONS {
        let detail = "the request comes from a page whose origin is not allowed; \
                      --allowed-origins names those that are"
            .to_owned();
        return Refused(StatusCode::FORBIDDEN, detail).into_response();
    }
    let allowed = origin.filter(|origin| shared.origins.allows(origin));
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed.and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, POST, PUT, DELETE, OPTIONS",
            ),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Accept, Authorization, Content-Type, X-CSRF-Token, Last-Event-ID",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "300"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Tells whether the agent works.
#[utoipa::path(get, path = "/status", responses((status = 200, body = StatusResponseBody)))]
async fn status(State(shared): State<Arc<Shared>>) -> Json<StatusResponseBody> {
    let (status, attention) = shared.conversation.status();
    Json(StatusResponseBody {
        status,
        agent_type: shared.conversation.agent().to_owned(),
        transport: match shared.transport {
            Transport::Pty => "pty",
            Transport::Acp => "acp",
        },
        attention,
    })
}

/// Lists all messages.
#[utoipa::path(get, path = "/messages", responses((status = 200, body = MessagesResponseBody)))]
async fn messages(State(shared): State<Arc<Shared>>) -> Json<MessagesResponseBody> {
    Json(MessagesResponseBody {
        messages: shared.conversation.messages(),
    })
}

/// Says something to the agent and answers when the agent has begun to work on it, or types keys into
/// its terminal. A message that is typed as keys stands among the messages once the agent repeats it.
///
/// An agent that is spoken to over the Agent Client Protocol has no terminal: keys are refused with 400, and
/// what is exactly the id of an answer to its open question chooses that answer, for clients that know no
/// `POST /answer`.
#[utoipa::path(post, path = "/message", request_body = MessageRequestBody,
    responses((status = 200, body = MessageResponseBody),
        (status = "default", body = ErrorModel, content_type = "application/problem+json")))]
async fn message(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<MessageRequestBody>, JsonRejection>,
) -> Result<Json<MessageResponseBody>, Refused> {
    let Json(body) = body.map_err(|refused| Refused(refused.status(), refused.body_text()))?;
    match body.kind {
        MessageType::User => {
            let content = body.content.trim();
            if content.is_empty() || content.len() > MESSAGE_LIMIT {
                let detail =
                    format!("a message has 1 to {MESSAGE_LIMIT} bytes, not only white space");
                return Err(Refused(StatusCode::BAD_REQUEST, detail));
            }
            match shared.chosen(content) {
                Some(attention) => choose(&shared, attention, content.to_owned()).await?,
                None => drop(shared.session.send(content.to_owned()).await?),
            }
        }
        MessageType::Raw => shared
            .session
            .input(body.content.into_bytes())
            .await
            .map_err(|error| error.problem(shared.session.id()))?,
    }
    Ok(Json(MessageResponseBody { ok: true }))
}

/// Answers a question of the agent by choice. Not in agentapi.
#[utoipa::path(post, path = "/answer", request_body = AnswerRequestBody,
    responses((status = 200, body = MessageResponseBody),
        (status = "default", body = ErrorModel, content_type = "application/problem+json")))]
async fn answer(
    State(shared): State<Arc<Shared>>,
    body: Result<Json<AnswerRequestBody>, JsonRejection>,
) -> Result<Json<MessageResponseBody>, Refused> {
    let Json(body) = body.map_err(|refused| Refused(refused.status(), refused.body_text()))?;
    choose(&shared, body.attention, body.option).await?;
    Ok(Json(MessageResponseBody { ok: true }))
}

async fn choose(shared: &Shared, attention: String, option: String) -> Result<(), Refused> {
    let answered = shared.session.answer(attention, option).await;
    Ok(answered.map_err(|error| error.problem(shared.session.id()))?)
}

impl Shared {
    /// The open question that a message answers: nothing else can be said to an agent over the protocol
    /// while it asks, and its terminal, where others would press the key, is not there.
    fn chosen(&self, content: &str) -> Option<String> {
        let (_, attention) = self.conversation.status();
        let attention = attention.filter(|_| self.transport == Transport::Acp)?;
        let offered = attention.options.iter().any(|option| option.id == content);
        offered.then_some(attention.id)
    }
}

/// Keeps a file for the agent; the answer tells where. 10 MB at most.
#[utoipa::path(post, path = "/upload",
    request_body(content = String, content_type = "multipart/form-data", description = "one field `file`"),
    responses((status = 200, body = UploadResponseBody),
        (status = "default", body = ErrorModel, content_type = "application/problem+json")))]
async fn upload(
    State(shared): State<Arc<Shared>>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<UploadResponseBody>, Refused> {
    let bad = |detail: String| Refused(StatusCode::BAD_REQUEST, detail);
    let mut form = form.map_err(|refused| bad(refused.body_text()))?;
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| bad(error.body_text()))?
    {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or("file").to_owned();
        let content = field.bytes().await;
        let content = content.map_err(|_| bad("file size exceeds 10MB limit".to_owned()))?;
        if content.len() > LARGEST {
            return Err(bad("file size exceeds 10MB limit".to_owned()));
        }
        let kept = {
            let shared = Arc::clone(&shared);
            tokio::task::spawn_blocking(move || shared.uploads.keep(&name, &content)).await
        };
        let path = kept
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|error| {
                let detail = format!("the file could not be kept: {error}");
                Refused(StatusCode::INTERNAL_SERVER_ERROR, detail)
            })?;
        return Ok(Json(UploadResponseBody {
            ok: true,
            file_path: path.display().to_string(),
        }));
    }
    Err(bad("the form has no field named file".to_owned()))
}

/// Streams the conversation: first all of it, or what has changed since `Last-Event-ID`, then what
/// changes. Events are `message_update`, `status_change` and `agent_error`.
#[utoipa::path(get, path = "/events",
    responses((status = 200, body = MessageUpdateBody, content_type = "text/event-stream")))]
async fn subscribe(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let seen = text(&headers, &HeaderName::from_static("last-event-id"));
    let seen = seen.map_or(0, |id| events::seen(&shared, &id));
    unbuffered(events::conversation(shared, seen).into_response())
}

async fn screen(State(shared): State<Arc<Shared>>) -> Response {
    unbuffered(events::screen(shared).into_response())
}

/// Keeps proxies from collecting events.
fn unbuffered(mut response: Response<Body>) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

async fn to_chat(State(shared): State<Arc<Shared>>) -> Redirect {
    Redirect::temporary(&format!("{}/embed", shared.chat_base_path))
}

async fn chat() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                  connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(CHAT))
}

/// A request that was refused.
struct Refused(StatusCode, String);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let status = match problem.code {
            Code::MessageNotTaken => StatusCode::GATEWAY_TIMEOUT,
            Code::BadRequest | Code::TransportUnsupported => StatusCode::BAD_REQUEST,
            Code::SessionEnded => StatusCode::GONE,
            Code::SessionNotReady
            | Code::SessionBusy
            | Code::SessionNeedsAttention
            | Code::AttentionGone => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, problem.detail)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let model = ErrorModel {
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
        };
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, Json(model)).into_response()
    }
}
