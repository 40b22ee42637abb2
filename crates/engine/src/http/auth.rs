//! Who may ask: requests addressed to the loopback name of this engine, from its own pages or from
//! programs, with its token.
//!
//! The `Host` check defeats DNS rebinding, the `Origin` check keeps other web pages out, and both
//! come before the token so that a page cannot even learn whether a token is right.

use std::sync::Arc;

use axum::{
    extract::{Request, State as Shared},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use berth_protocol::{BEARER_SUBPROTOCOL_PREFIX, Code};
use subtle::ConstantTimeEq;

use crate::{error::ApiError, state::State};

/// Origins of the window: the web view serves the UI under these names, which no web page can
/// have.
const WINDOW_ORIGINS: [&str; 3] = [
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
];

/// How long a browser may remember that a request is allowed, in seconds.
const REMEMBER: HeaderValue = HeaderValue::from_static("600");

/// Where it is asked, and what for.
#[derive(Clone)]
pub struct Gate {
    state: Arc<State>,
    port: u16,
}

impl Gate {
    /// At the engine's own address.
    pub fn of_engine(state: &Arc<State>) -> Self {
        Self::at(state, port(state))
    }

    /// At another one.
    pub fn at(state: &Arc<State>, port: u16) -> Self {
        Self {
            state: Arc::clone(state),
            port,
        }
    }
}

pub async fn check(Shared(gate): Shared<Gate>, request: Request, next: Next) -> Response {
    let Gate { state, port } = gate;
    let headers = request.headers();
    let host = request
        .uri()
        .host()
        .map(str::to_owned)
        .or_else(|| text(headers, header::HOST));
    if !host.as_deref().is_some_and(|host| is_own_host(host, port)) {
        return refuse(
            Code::HostRefused,
            "the request is addressed to another name",
        );
    }
    let origin = headers.get(header::ORIGIN).cloned();
    if let Some(origin) = &origin
        && !origin
            .to_str()
            .is_ok_and(|origin| is_own_origin(origin, port))
    {
        return refuse(
            Code::OriginRefused,
            "the request comes from a page of another origin",
        );
    }
    if request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        return allowed(StatusCode::NO_CONTENT.into_response(), origin);
    }
    let response = if is_open(request.uri().path()) || has_token(headers, &state.endpoint.token) {
        next.run(request).await
    } else {
        refuse(
            Code::Unauthorized,
            "the token is missing or not this engine's",
        )
    };
    allowed(response, origin)
}

/// Addresses that tell nothing about the user.
fn is_open(path: &str) -> bool {
    !path.starts_with("/api/")
}

fn refuse(code: Code, detail: &str) -> Response {
    ApiError::new(code, detail).into_response()
}

/// Lets a page of an allowed origin read the answer.
fn allowed(mut response: Response, origin: Option<HeaderValue>) -> Response {
    let Some(origin) = origin else {
        return response;
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, last-event-id"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PATCH, PUT, DELETE"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBER);
    response
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let offered = bearer(headers)
        .map(str::to_owned)
        .or_else(|| subprotocol_token(headers));
    offered.is_some_and(|offered| offered.as_bytes().ct_eq(token.as_bytes()).into())
}

/// The token of the header `Authorization` (RFC 6750, section 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Browsers cannot set headers on a WebSocket, so its token travels among the subprotocols.
fn subprotocol_token(headers: &HeaderMap) -> Option<String> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.iter().filter_map(|value| value.to_str().ok());
    offered.find_map(|value| {
        let mut names = value.split(',').map(str::trim);
        names
            .find_map(|name| name.strip_prefix(BEARER_SUBPROTOCOL_PREFIX))
            .map(str::to_owned)
    })
}

fn is_own_host(host: &str, port: u16) -> bool {
    let (name, given) = match host.rsplit_once(':') {
        Some((name, given)) if given.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, given.parse().ok())
        }
        _ => (host, None),
    };
    matches!(name, "127.0.0.1" | "localhost") && given.is_none_or(|given: u16| given == port)
}

fn is_own_origin(origin: &str, port: u16) -> bool {
    WINDOW_ORIGINS.contains(&origin)
        || ["127.0.0.1", "localhost"]
            .iter()
            .any(|name| origin == format!("http://{name}:{port}"))
}

fn port(state: &State) -> u16 {
    let url = &state.endpoint.url;
    url.rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok())
        .unwrap_or(0)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engines_own_names_are_hosts() {
        for host in ["127.0.0.1:4000", "localhost:4000"] {
            assert!(is_own_host(host, 4000), "{host}");
        }
        for host in [
            "127.0.0.1:4001",
            "evil.example:4000",
            "127.0.0.1.evil.example",
            "",
            "[::1]:4000",
            "localhost.:4000",
        ] {
            assert!(!is_own_host(host, 4000), "{host}");
        }
    }

    #[test]
    fn only_the_engines_own_pages_and_the_window_are_origins() {
        for origin in ["http://127.0.0.1:4000", "tauri://localhost"] {
            assert!(is_own_origin(origin, 4000), "{origin}");
        }
        for origin in [
            "http://127.0.0.1:4001",
            "https://127.0.0.1:4000",
            "null",
            "http://evil.example",
            "tauri://localhost.evil.example",
        ] {
            assert!(!is_own_origin(origin, 4000), "{origin}");
        }
    }
}
