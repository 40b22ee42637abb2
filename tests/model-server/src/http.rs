//! The HTTP side: records every request and hands it to the API whose path it has.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    anthropic, chat,
    gemini::{self, Asked},
    log::{Pending, RequestLog},
    openai,
    script::Script,
    steps::{self, Step},
    turn::{Answer, Turn},
};

/// Bytes of a request body that are read; agents send about 100 KB for a short conversation.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Where the log can be read, and cleared with DELETE.
const LOG_PATH: &str = "/_requests";

/// One of the APIs that models are offered by.
pub(crate) trait Api {
    /// What the request asks.
    fn turn(request: &Value) -> Turn;
    /// The answer as one JSON document or, when `stream` is set, as server-sent events.
    fn respond(request: &Value, answer: &Answer, id: u64, stream: bool) -> Vec<Step>;
    /// The body of an error.
    fn error(status: u16, message: &str) -> Value;
}

/// Where clients of Vertex AI that are to use another identity get their token (RFC 8693).
const TOKEN_PATH: &str = "/token";

#[derive(Clone)]
struct Served {
    script: Script,
    log: Arc<RequestLog>,
    /// The key that every request must have; any will do when absent.
    key: Option<Arc<str>>,
}

pub(crate) fn router(script: Script, log: Arc<RequestLog>, key: Option<Arc<str>>) -> Router {
    // A single handler instead of routes: what is not known must be recorded too.
    Router::new()
        .fallback(handle)
        .with_state(Served { script, log, key })
}

async fn handle(State(served): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path == LOG_PATH {
        return show_log(&parts.method, &served.log);
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({"error": "the body is too large"}),
        );
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or(path, |target| target.as_str());
    let pending = served
        .log
        .receive(parts.method.as_str(), target, &parts.headers, &body);

    if path == TOKEN_PATH {
        return finish(pending, StatusCode::OK, &token(served.key.as_deref()));
    }
    if let Some(key) = served.key.as_deref()
        && !has_key(&parts.headers, key)
    {
        let body = anthropic::Messages::error(401, "this is not the provider's key");
        return finish(pending, StatusCode::UNAUTHORIZED, &body);
    }

    match Asked::read(path).filter(|_| parts.method == Method::POST) {
        Some(Asked::Answer { stream }) => {
            return answer::<gemini::Content>(&body, served.script, pending, Some(stream));
        }
        Some(Asked::Tokens) => {
            return finish(pending, StatusCode::OK, &json!({"totalTokens": 10}));
        }
        None => {}
    }
    match (&parts.method, path) {
        (&Method::POST, "/v1/messages") => {
            answer::<anthropic::Messages>(&body, served.script, pending, None)
        }
        (&Method::POST, "/v1/responses") => {
            answer::<openai::Responses>(&body, served.script, pending, None)
        }
        (&Method::POST, "/v1/chat/completions") => {
            answer::<chat::Completions>(&body, served.script, pending, None)
        }
        (&Method::POST, "/v1/messages/count_tokens") => finish(
            pending,
            StatusCode::OK,
            &json!({"input_tokens": tokens(body.len())}),
        ),
        (&Method::GET, "/v1/models") => finish(pending, StatusCode::OK, &models()),
        (&Method::GET, "/v1beta/models") => finish(pending, StatusCode::OK, &gemini::models()),
        // Agents look whether anybody is there before they ask.
        (&Method::GET | &Method::HEAD, "/" | "/api/hello") => {
            finish(pending, StatusCode::OK, &json!({}))
        }
        (&Method::POST, path) if path.starts_with("/api/event_logging") => {
            finish(pending, StatusCode::OK, &json!({}))
        }
        _ => {
            let message = format!("nothing is served at {} {path}", parts.method);
            let body = anthropic::Messages::error(404, &message);
            finish(pending, StatusCode::NOT_FOUND, &body)
        }
    }
}

fn has_key(headers: &HeaderMap, key: &str) -> bool {
    let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = given("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let keys = [bearer, given("x-api-key"), given("x-goog-api-key")];
    // No other may come along.
    keys.into_iter().flatten().all(|given| given == key) && keys.iter().any(Option::is_some)
}

/// A token that is as good as the key.
fn token(key: Option<&str>) -> Value {
    json!({
        "access_token": key.unwrap_or("test"),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
    })
}

/// Answers a request; `stream` says how where the request itself has no field for it.
fn answer<A: Api>(body: &[u8], script: Script, pending: Pending, stream: Option<bool>) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        let body = A::error(400, "the body is not JSON");
        return finish(pending, StatusCode::BAD_REQUEST, &body);
    };
    let turn = A::turn(&request);
    pending.asked(turn.kind());
    let answer = turn.answer(script);
    if let Answer::Error { status } = answer {
        let body = A::error(status, &format!("The script asked for an error {status}."));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = finish(pending, status, &body);
        // Claude Code follows this header and shows the error at once; Codex decides by the status
        // and by the provider's `request_max_retries` and `stream_max_retries`.
        response
            .headers_mut()
            .insert("x-should-retry", HeaderValue::from_static("false"));
        return response;
    }
    let stream = stream.unwrap_or(request["stream"] == true);
    let steps = A::respond(&request, &answer, pending.id(), stream);
    let kind = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    pending.status(200);
    let mut response = Response::new(steps::body(steps, pending));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn show_log(method: &Method, log: &RequestLog) -> Response {
    match *method {
        Method::GET => plain(StatusCode::OK, &json!(log.all())),
        Method::DELETE => {
            log.clear();
            plain(StatusCode::OK, &json!([]))
        }
        _ => plain(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"error": "use GET or DELETE"}),
        ),
    }
}

fn finish(pending: Pending, status: StatusCode, body: &Value) -> Response {
    pending.status(status.as_u16());
    with_body(status, steps::body(vec![Step::json(body)], pending))
}

fn plain(status: StatusCode, body: &Value) -> Response {
    with_body(status, Body::from(body.to_string()))
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Tokens in a text of so many bytes, roughly.
pub(crate) fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

/// The APIs of Anthropic and OpenAI list models at the same path; each client ignores the other's fields.
fn models() -> Value {
    let model = |id: &str, name: &str| {
        json!({
            "id": id, "type": "model", "object": "model", "display_name": name,
            "created_at": "2026-01-01T00:00:00Z", "created": 1_767_225_600, "owned_by": "test",
        })
    };
    json!({
        "object": "list",
        "data": [model("claude-test", "Claude Test"), model("gpt-test", "GPT Test")],
        "has_more": false, "first_id": "claude-test", "last_id": "gpt-test",
        "models": [],
    })
}
