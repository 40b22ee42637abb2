//! A stand-in for Supabase Auth (GoTrue), because that has no package here.
//!
//! It follows the wire format of the real one: PKCE with codes that are good once, refresh tokens that rotate with a
//! time in which the last one may come again, the redirect allow-list, second factors, rate limits, and errors in each
//! of the shapes that versions of it have had. Its tokens are signed as PostgREST wants them. What is not there: pages
//! to type into (whoever follows the address of a provider is whom the test says), mail (the test asks for the code),
//! and codes that follow from the time (a factor's code is what the test says). The same tests run against the real
//! one where it is given ([`super::Stack`]).

mod answers;
mod state;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::Response,
};
use berth_tenant::auth::Backend;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use uuid::Uuid;

use crate::oauth::Answer;
use state::State;

/// The publishable key of the stand-in.
const KEY: &str = "sb_publishable_of-tests-and-nothing-else";

/// The server. It ends with its test.
pub struct SignInServer {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    changes: Mutex<HashMap<String, Change>>,
    losses: Mutex<HashMap<String, usize>>,
    seen: Mutex<Vec<Request>>,
}

type Change = Arc<dyn Fn(&mut Answer) + Send + Sync>;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and path below the sign-in server, such as `POST /token`.
    pub what: String,
    /// The query.
    pub query: HashMap<String, String>,
    /// The body.
    pub body: Value,
    /// The token of whoever asks.
    pub bearer: Option<String>,
    /// The header of that name.
    pub key: Option<String>,
    /// Errors are wanted as `{code, message}`.
    pub is_versioned: bool,
}

/// How errors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{code, message}` for who asks for that, else `{code, error_code, msg}`: what is there since 2024.
    Today,
    /// `{code, error_code, msg}` for everybody.
    Numbered,
    /// `{error, error_description}` from the token endpoint and `{code, msg}` elsewhere: before there were codes.
    Old,
}

impl SignInServer {
    /// Starts one on a free port, with the provider `github` switched on.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("there is a port");
        let address: SocketAddr = listener.local_addr().expect("it has an address");
        let base = format!("http://{address}");
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(base.clone())),
            changes: Mutex::default(),
            losses: Mutex::default(),
            seen: Mutex::default(),
        });
        let for_app = Arc::clone(&shared);
        let app = axum::Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let shared = Arc::clone(&for_app);
                async move { shared.answer(&method, &uri, &headers, &body) }
            },
        );
        let serving = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, app).await;
        });
        Self {
            base,
            shared,
            serving,
        }
    }

    /// As its clients know it.
    ///
    /// # Panics
    /// Never: its address and key are good.
    pub fn backend(&self) -> Backend {
        Backend::new(&self.base, KEY).expect("it is one")
    }

    /// Its port.
    ///
    /// # Panics
    /// Never: it has one.
    pub fn port(&self) -> u16 {
        let port = self.base.rsplit(':').next().and_then(|it| it.parse().ok());
        port.expect("the address ends with it")
    }

    /// Somebody with an account, whose address is confirmed. Whoever comes with the browser from now on is them.
    pub fn account(&self, email: &str, password: &str) -> Uuid {
        self.account_of(Uuid::now_v7(), email, password)
    }

    /// The same with an id that others know already.
    pub fn account_of(&self, id: Uuid, email: &str, password: &str) -> Uuid {
        self.state().add_account(id, email, password);
        id
    }

    /// Adds a second factor, whose code is always this one.
    pub fn add_factor(&self, account: Uuid, kind: &str, code: &str) -> Uuid {
        self.state().add_factor(account, kind, code)
    }

    /// Gives a domain a single sign-on, at which whoever comes is this account.
    pub fn add_domain(&self, domain: &str, account: Uuid) {
        self.state().domains.insert(domain.to_owned(), account);
    }

    /// Whoever comes with the browser from now on says no.
    pub fn nobody_agrees(&self) {
        self.state().visitor = None;
    }

    /// The code that was mailed last.
    pub fn mailed(&self, email: &str) -> Option<String> {
        self.state().mailed(email)
    }

    /// Codes that came through the browser are over.
    pub fn forget_flows(&self) {
        self.state().flows.clear();
    }

    /// Every token that is given from now on lives so long, in seconds.
    pub fn tokens_live(&self, seconds: u64) {
        self.state().lives = seconds;
    }

    /// So long the last refresh token may come again; 10 s at first.
    pub fn grace(&self, grace: Duration) {
        self.state().grace = grace;
    }

    /// Its clock is so far ahead of that of this machine, in seconds.
    pub fn clock_ahead(&self, seconds: i64) {
        self.state().ahead = seconds;
    }

    /// How errors are told from now on; as today at first.
    pub fn shape(&self, shape: Shape) {
        self.state().shape = shape;
    }

    /// Ends every session of an account, as an administrator would.
    pub fn end_sessions(&self, account: Uuid) {
        self.state().end_sessions(account);
    }

    /// It takes none of the access tokens any more that it has given so far: they are over, or its key is another.
    pub fn forget_access(&self) {
        self.state().access.clear();
    }

    /// How many sessions of an account go on.
    pub fn sessions(&self, account: Uuid) -> usize {
        self.state().live_sessions(account)
    }

    /// Refresh tokens that came again, within the grace or outside of it.
    pub fn reused(&self) -> usize {
        self.state().reused
    }

    /// Changes what is answered at a path, such as `/token`.
    pub fn change(&self, path: &str, change: impl Fn(&mut Answer) + Send + Sync + 'static) {
        let mut changes = locked(&self.shared.changes);
        changes.insert(path.to_owned(), Arc::new(change));
    }

    /// Does what is asked at a path so often, and the connection ends before its answer.
    pub fn lose(&self, path: &str, times: usize) {
        locked(&self.shared.losses).insert(path.to_owned(), times);
    }

    /// Answers at a path as it should again.
    pub fn mend(&self, path: &str) {
        locked(&self.shared.changes).remove(path);
    }

    /// All requests for a method and path, such as `POST /token`.
    pub fn seen(&self, what: &str) -> Vec<Request> {
        let seen = locked(&self.shared.seen);
        seen.iter().filter(|it| it.what == what).cloned().collect()
    }

    /// How often a token was refreshed, or was to be.
    pub fn refreshes(&self) -> usize {
        let all = self.seen("POST /token");
        all.iter()
            .filter(|it| {
                it.query
                    .get("grant_type")
                    .is_some_and(|it| it == "refresh_token")
            })
            .count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.shared.state)
    }
}

impl Drop for SignInServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn is_lost(&self, path: &str) -> bool {
        let mut losses = locked(&self.losses);
        let Some(left) = losses.get_mut(path).filter(|left| **left > 0) else {
            return false;
        };
        *left -= 1;
        true
    }

    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
        let path = uri.path();
        let path = path.strip_prefix("/auth/v1").unwrap_or(path);
        let header = |name: &str| {
            let value = headers.get(name).and_then(|it| it.to_str().ok());
            value.map(str::to_owned)
        };
        let query = reqwest::Url::parse(&format!("http://a/?{}", uri.query().unwrap_or_default()));
        let request = Request {
            what: format!("{method} {path}"),
            query: query
                .map(|url| url.query_pairs().into_owned().collect())
                .unwrap_or_default(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            bearer: header("authorization")
                .and_then(|it| it.strip_prefix("Bearer ").map(str::to_owned)),
            key: header("apikey"),
            is_versioned: header("x-supabase-api-version").is_some(),
        };
        let mut answer = locked(&self.state).answer(&request);
        locked(&self.seen).push(request);
        let change = locked(&self.changes).get(path).cloned();
        if let Some(change) = change {
            change(&mut answer);
        }
        if self.is_lost(path) {
            let ends = async { Err::<Bytes, _>(io::Error::other("the connection ends")) };
            return Response::new(Body::from_stream(futures::stream::once(ends)));
        }
        let status = StatusCode::from_u16(answer.status).expect("it is a status");
        let mut response = Response::builder().status(status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        let body = match answer.body {
            Value::Null => Body::empty(),
            Value::String(text) => Body::from(text),
            body => {
                response = response.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        response.body(body).expect("it is a response")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
