//! Requests to the sign-in server: to it alone, small, and answered soon or not at all.

use std::time::Duration;

use berth_browser_sign_in::{causes, visible};
use berth_protocol::Secret;
use reqwest::{
    Method,
    header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    AuthError, Backend, LOOPBACK,
    refusal::{Asked, Said, refusal},
};

/// Time for one request, from the first byte to the last. A server may send a mail meanwhile.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// The same for a request whose answer nobody may lose: so long that a second one still comes within [`GRACE`] of the
/// first.
const REPEATED_LIMIT: Duration = Duration::from_secs(8);

/// So long a refresh token may come again (`GOTRUE_SECURITY_REFRESH_TOKEN_REUSE_INTERVAL`, as it is set from the
/// start).
const GRACE: Duration = Duration::from_secs(10);

const _: () = assert!(REPEATED_LIMIT.as_secs() < GRACE.as_secs());

/// Time for a connection to be there.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Largest answer, in bytes. An account with all of its identities stays far below.
const LARGEST: usize = 512 * 1024;

/// The form of answers that is asked for; servers of before know one only.
const VERSION: (&str, &str) = ("x-supabase-api-version", "2024-01-01");

/// Asks one backend.
pub(super) struct Web {
    client: reqwest::Client,
    pub(super) backend: Backend,
}

/// A request.
pub(super) struct Request<'a> {
    pub(super) asked: Asked,
    pub(super) method: Method,
    /// Below the sign-in server's address.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The access token of whoever asks.
    pub(super) token: Option<&'a Secret>,
    pub(super) body: Option<Value>,
    /// What stands in it and must not be shown.
    pub(super) secrets: &'a [&'a Secret],
}

impl<'a> Request<'a> {
    pub(super) fn get(asked: Asked, path: &'a str) -> Self {
        Self {
            asked,
            method: Method::GET,
            path,
            query: &[],
            token: None,
            body: None,
            secrets: &[],
        }
    }

    pub(super) fn post(asked: Asked, path: &'a str, body: Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(asked, path)
        }
    }
}

/// What was answered to a request that was done.
pub(super) struct Answer {
    asked: Asked,
    backend: String,
    body: Vec<u8>,
}

impl Answer {
    /// The body, which has to be JSON of this shape.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, AuthError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // Its text could quote a token.
            let place = format!("line {}, column {}", error.line(), error.column());
            self.wrong(&format!("something that is not understood ({place})"))
        })
    }

    pub(super) fn wrong(&self, why: &str) -> AuthError {
        AuthError::Answer {
            what: self.asked.name(),
            backend: self.backend.clone(),
            why: why.to_owned(),
        }
    }
}

impl Web {
    pub(super) fn new(backend: Backend) -> Result<Self, AuthError> {
        let failed = |why: String| AuthError::Unreachable {
            what: "sign-in server",
            backend: backend.url().to_owned(),
            why,
        };
        let mut headers = HeaderMap::new();
        let key = HeaderValue::from_str(backend.key()).map_err(|error| failed(causes(&error)))?;
        headers.insert("apikey", key);
        headers.insert(VERSION.0, HeaderValue::from_static(VERSION.1));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut client = reqwest::Client::builder()
            .default_headers(headers)
            // Passwords and tokens go to no other address.
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            .connect_timeout(CONNECT_LIMIT)
            .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")));
        if backend.is_local() {
            // A proxy has another idea of which machine this is.
            client = client.no_proxy();
        }
        if let Some(name) = backend.local_name() {
            // Whoever answers for this name elsewhere, a name server or a file, is not asked.
            client = client.resolve_to_addrs(name, &LOOPBACK);
        }
        let client = client.build().map_err(|error| failed(causes(&error)))?;
        Ok(Self { client, backend })
    }

    /// Asks, and takes an answer of at most [`LARGEST`] bytes.
    pub(super) async fn ask(&self, request: Request<'_>) -> Result<Answer, AuthError> {
        let answered = match self.once(&request).await {
            Err(Failed::Lost(_)) if request.asked.is_repeated() => self.once(&request).await,
            answered => answered,
        };
        answered.map_err(|failed| match failed {
            Failed::Lost(error) | Failed::Told(error) => error,
        })
    }

    async fn once(&self, request: &Request<'_>) -> Result<Answer, Failed> {
        let asked = request.asked;
        let backend = self.backend.url().to_owned();
        let unreachable = |error: reqwest::Error| {
            let never_came = error.is_connect();
            let failed = AuthError::Unreachable {
                what: asked.name(),
                backend: backend.clone(),
                why: visible(&causes(&error.without_url())),
            };
            match never_came {
                true => Failed::Told(failed),
                false => Failed::Lost(failed),
            }
        };
        let mut url = self.backend.endpoint(request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(request.query);
        }
        let mut sent = self.client.request(request.method.clone(), url);
        if asked.is_repeated() {
            sent = sent.timeout(REPEATED_LIMIT);
        }
        if let Some(token) = request.token {
            sent = sent.bearer_auth(token.expose());
        }
        if let Some(body) = &request.body {
            sent = sent.json(body);
        }
        let mut response = sent.send().await.map_err(unreachable)?;
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER);
        let after = after.and_then(|it| it.to_str().ok()).map(str::to_owned);
        let mut answer = Answer {
            asked,
            backend: backend.clone(),
            body: Vec::new(),
        };
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if answer.body.len() + piece.len() > LARGEST {
                let wrong = answer.wrong(&format!("more than {} KiB", LARGEST / 1024));
                return Err(Failed::Told(wrong));
            }
            answer.body.extend_from_slice(&piece);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let secrets: Vec<&Secret> = request
            .secrets
            .iter()
            .copied()
            .chain(request.token)
            .collect();
        let said = Said::read(&answer.body, &secrets);
        let after = after.as_deref();
        let refused = refusal(asked, &backend, status.as_u16(), after, &said);
        Err(Failed::Told(refused))
    }
}

/// Why there is no answer.
enum Failed {
    /// It was asked, and the answer did not come: what was asked may have been done.
    Lost(AuthError),
    /// Nobody was asked, or that is the answer.
    Told(AuthError),
}
