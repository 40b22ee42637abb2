//! A whole project at one address, as its clients know it: sign-in below `/auth/v1`, the schema below `/rest/v1`, and
//! where a test asks for it Realtime below `/realtime/v1`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Backend, Realtime, SignInServer};
use crate::ports::OwnPort;

/// Longest request that is carried.
const LONGEST: usize = 2 * 1024 * 1024;

/// What is carried of a request's head, and of an answer's.
const CARRIED: [&str; 6] = [
    "apikey",
    "authorization",
    "content-type",
    "location",
    "user-agent",
    "x-supabase-api-version",
];

/// A project that is there until it is dropped.
pub struct Project {
    /// The database, with PostgREST before it.
    pub backend: Backend,
    /// The one address.
    pub url: String,
    /// The stand-in for Supabase Auth, unless the backend is a real one with its own.
    sign_in: Option<SignInServer>,
    realtime: Option<Realtime>,
    /// Present until it is unplugged.
    server: Option<JoinHandle<()>>,
    /// Its own also once it is unplugged.
    _port: OwnPort,
}

/// Where requests go.
struct Inside {
    http: reqwest::Client,
    sign_in: String,
    rest: String,
}

impl Project {
    /// Starts one; skips the test and returns `None` where a program is not installed. Where a real Supabase is given,
    /// it is that, as [`Backend::start`] says.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        let backend = Backend::start().await?;
        Some(Self::of(backend, None).await)
    }

    /// Starts one of a test that cannot run against a real Supabase, as [`Backend::own`].
    ///
    /// # Panics
    /// When it does not start.
    pub async fn own(why: &str) -> Option<Self> {
        let backend = Backend::own(why).await?;
        Some(Self::of(backend, None).await)
    }

    /// The same with the stand-in for Realtime.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn with_realtime() -> Option<Self> {
        let backend = Backend::with_realtime().await?;
        let realtime = Realtime::start(&backend.cluster).await;
        Some(Self::of(backend, Some(realtime)).await)
    }

    async fn of(backend: Backend, realtime: Option<Realtime>) -> Self {
        let sign_in = match backend.as_real() {
            Some(_) => None,
            None => Some(SignInServer::start().await),
        };
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let inside = Arc::new(Inside {
            http: http.build().expect("an HTTP client can be made"),
            sign_in: match (&sign_in, backend.as_real()) {
                (Some(sign_in), _) => sign_in.base.clone(),
                (None, real) => real.expect("it is a real one").backend.url().to_owned(),
            },
            rest: backend.root(),
        });
        let port = OwnPort::any();
        let listener = port.listen();
        let app: Router = Router::new().fallback(carry).with_state(inside);
        let app = match &realtime {
            Some(realtime) => app.merge(realtime.router()),
            None => app,
        };
        let server = tokio::spawn(async move {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            // It ends with the test.
            let _ = axum::serve(listener, app).await;
        });
        Self {
            backend,
            sign_in,
            url: format!("http://{}", port.address()),
            realtime,
            server: Some(server),
            _port: port,
        }
    }

    /// Its REST root.
    pub fn root(&self) -> String {
        format!("{}/rest/v1", self.url)
    }

    /// Its port.
    ///
    /// # Panics
    /// Never: it has one.
    pub fn port(&self) -> u16 {
        let port = self.url.rsplit(':').next().and_then(|it| it.parse().ok());
        port.expect("the address ends with it")
    }

    /// Its Realtime.
    ///
    /// # Panics
    /// When it was started without.
    pub fn realtime(&self) -> &Realtime {
        let realtime = self.realtime.as_ref();
        realtime.expect("it was started with Realtime")
    }

    /// The stand-in for Supabase Auth.
    ///
    /// # Panics
    /// When it is a real one: whoever needs the stand-in starts the project with [`Self::own`].
    pub fn sign_in(&self) -> &SignInServer {
        let sign_in = self.sign_in.as_ref();
        sign_in.expect("it was started with the stand-in")
    }

    /// Its publishable key.
    pub fn key(&self) -> String {
        match self.backend.as_real() {
            Some(real) => real.backend.key().to_owned(),
            None => self.sign_in().backend().key().to_owned(),
        }
    }

    /// Ends it for its clients, as a network does that is gone: once it returns, nobody is let in any more.
    pub async fn unplug(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // Only that it has ended matters.
            let _ = server.await;
        }
    }

    /// Gives somebody whom the database knows a password. Whoever comes to the stand-in with the browser from now on is
    /// them.
    pub async fn account(&self, person: Uuid, email: &str, password: &str) {
        match self.backend.as_real() {
            Some(real) => real.change_account(person, email, password).await,
            None => {
                self.sign_in().account_of(person, email, password);
            }
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl Inside {
    async fn forward(&self, peer: SocketAddr, request: Request) -> Option<Response> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, LONGEST).await.ok()?;
        let path = parts.uri.path_and_query()?.as_str();
        if path.starts_with("/realtime/") {
            return Some(StatusCode::NOT_FOUND.into_response());
        }
        let url = match path.strip_prefix("/rest/v1") {
            Some(path) => format!("{}{path}", self.rest),
            None => format!("{}{path}", self.sign_in),
        };
        let mut wanted = self.http.request(parts.method, url).body(body);
        // As what stands before a hosted project says where a request comes from.
        wanted = wanted.header("x-forwarded-for", peer.ip().to_string());
        for name in CARRIED {
            if let Some(value) = parts.headers.get(name) {
                wanted = wanted.header(name, value);
            }
        }
        let answer = wanted.send().await.ok()?;
        let (status, head) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(Body::from(answer.bytes().await.ok()?));
        *response.status_mut() = status;
        for name in CARRIED {
            if let Some(value) = head.get(name) {
                let name = HeaderName::from_static(name);
                response.headers_mut().insert(name, value.clone());
            }
        }
        Some(response)
    }
}

async fn carry(
    State(inside): State<Arc<Inside>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let answer = inside.forward(peer, request).await;
    answer.unwrap_or_else(|| StatusCode::BAD_GATEWAY.into_response())
}
