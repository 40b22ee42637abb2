//! A port of this machine that leads to the REST root of a real Supabase, and says its publishable key for whoever
//! comes. So a real backend is reached as the one of a test's own is: at a port, without a path and without a key, and
//! over the same cables and bad lines.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::AbortHandle};

use super::real::Real;

/// Longest request that is carried, in bytes.
const LONGEST: usize = 2 * 1024 * 1024;

/// The header that says the key.
const KEY: &str = "apikey";

/// What belongs to one connection, and is not carried to the next.
const OF_CONNECTION: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

/// A front that is there until it is dropped.
pub(super) struct Front {
    pub(super) port: u16,
    server: AbortHandle,
}

struct Inside {
    http: reqwest::Client,
    root: String,
    key: HeaderValue,
    secret: HeaderValue,
    /// As whoever has the secret key says it.
    bearer: String,
}

impl Front {
    /// One before this backend.
    pub(super) async fn of(real: &Real) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let value = |key: &str| HeaderValue::from_str(key).expect("a key fits into a header");
        let inside = Arc::new(Inside {
            http: http.build().expect("an HTTP client can be made"),
            root: format!("{}/rest/v1", real.backend.url()),
            key: value(real.backend.key()),
            secret: value(real.secret.as_str()),
            bearer: format!("Bearer {}", real.secret),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let app = Router::new().fallback(carry).with_state(inside);
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, app).await;
        });
        Self {
            port,
            server: server.abort_handle(),
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Inside {
    async fn forward(&self, request: Request) -> Option<Response> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, LONGEST).await.ok()?;
        let url = format!("{}{}", self.root, parts.uri.path_and_query()?.as_str());
        let mut headers = parts.headers;
        for name in OF_CONNECTION {
            headers.remove(name);
        }
        let bearer = headers.get("authorization");
        if bearer.is_some_and(|it| it.as_bytes() == self.bearer.as_bytes()) {
            // The secret key of today is no token: what stands before PostgREST makes one of it.
            if self.secret.as_bytes().starts_with(b"sb_") {
                headers.remove("authorization");
            }
            headers.insert(KEY, self.secret.clone());
        } else {
            headers.insert(KEY, self.key.clone());
        }
        let wanted = self.http.request(parts.method, url).headers(headers);
        let answer = wanted.body(body).send().await.ok()?;
        let (status, mut head) = (answer.status(), answer.headers().clone());
        for name in OF_CONNECTION {
            head.remove(name);
        }
        let mut response = Response::new(Body::from(answer.bytes().await.ok()?));
        *response.status_mut() = status;
        *response.headers_mut() = head;
        Some(response)
    }
}

async fn carry(State(inside): State<Arc<Inside>>, request: Request) -> Response {
    let answer = inside.forward(request).await;
    answer.unwrap_or_else(|| StatusCode::BAD_GATEWAY.into_response())
}
