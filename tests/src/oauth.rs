//! An authorization server and an MCP server in one, which behave unless a test changes what they say.
//!
//! It stands for servers that nobody could be asked to run: hostile ones. What real ones do is tested with
//! FastMCP and the conformance suite.

mod fastmcp;
mod server;
mod store;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

pub use fastmcp::{FastMcp, fastmcp};
use server::State;
pub use store::FileStore;

/// The server. It ends with its test.
pub struct Fixture {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    state: Mutex<State>,
    changes: Mutex<HashMap<String, Change>>,
    seen: Mutex<Vec<Seen>>,
}

type Change = Arc<dyn Fn(&mut Answer) + Send + Sync>;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and path, such as `POST /token`.
    pub what: String,
    /// The query, or the form or JSON in the body.
    pub said: String,
    /// The body, also beside a query.
    pub body: String,
    /// The header of that name.
    pub authorization: Option<String>,
}

impl Seen {
    /// It has this word in its query, its body or its header `authorization`, also where that is encoded.
    fn tells(&self, word: &str) -> bool {
        let header = self.authorization.as_deref();
        let basic = header.and_then(|it| it.strip_prefix("Basic "));
        let basic = basic.and_then(|it| STANDARD.decode(it).ok());
        let basic = basic.map(|it| String::from_utf8_lossy(&it).into_owned());
        let places = [
            Some(&*self.said),
            Some(&*self.body),
            header,
            basic.as_deref(),
        ];
        places.into_iter().flatten().any(|it| it.contains(word))
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers besides that of the type.
    pub headers: Vec<(String, String)>,
    /// JSON; `Null` for no body.
    pub body: Value,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    /// Replaces or adds a header.
    pub fn set(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(it, _)| !it.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let found = all.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Fixture {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("there is a port");
        let address: SocketAddr = listener.local_addr().expect("it has an address");
        let base = format!("http://{address}");
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(base.clone())),
            changes: Mutex::default(),
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

    /// The address of its MCP endpoint.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.base)
    }

    /// Changes what is answered at a path.
    pub fn change(&self, path: &str, change: impl Fn(&mut Answer) + Send + Sync + 'static) {
        let mut changes = locked(&self.shared.changes);
        changes.insert(path.to_owned(), Arc::new(change));
    }

    /// Changes one member of the authorization server's description.
    pub fn describe(&self, member: &str, value: impl Into<Value>) {
        let (member, value) = (member.to_owned(), value.into());
        self.change("/.well-known/oauth-authorization-server", move |answer| {
            answer.body[&member] = value.clone();
        });
    }

    /// All requests for a method and path.
    pub fn seen(&self, what: &str) -> Vec<Seen> {
        let seen = locked(&self.shared.seen);
        seen.iter().filter(|it| it.what == what).cloned().collect()
    }

    /// Whether this word, which no form writes otherwise, was in any request's query, body or header `authorization`.
    pub fn was_told(&self, word: &str) -> bool {
        locked(&self.shared.seen).iter().any(|it| it.tells(word))
    }

    /// Whether anybody has asked it for anything.
    pub fn was_asked(&self) -> bool {
        !locked(&self.shared.seen).is_empty()
    }

    /// Every token that was given from now on lives so long, in seconds.
    pub fn tokens_live(&self, seconds: u64) {
        locked(&self.shared.state).lives = seconds;
    }

    /// The MCP server wants this scope from now on.
    pub fn wants_scope(&self, scope: &str) {
        locked(&self.shared.state).wanted = Some(scope.to_owned());
    }

    /// Every access token stops to be taken.
    pub fn forget_access_tokens(&self) {
        locked(&self.shared.state).access.clear();
    }

    /// Refresh tokens that were used twice: the sign-in ends with that.
    pub fn reused(&self) -> usize {
        locked(&self.shared.state).reused
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
        let body = String::from_utf8_lossy(body).into_owned();
        let said = match uri.query() {
            Some(query) => query.to_owned(),
            None => body.clone(),
        };
        let authorization = headers.get("authorization");
        let authorization = authorization.map(|it| it.to_str().unwrap_or_default().to_owned());
        let seen = Seen {
            what: format!("{method} {}", uri.path()),
            said,
            body,
            authorization,
        };
        let mut answer = locked(&self.state).answer(&seen);
        locked(&self.seen).push(seen);
        let change = locked(&self.changes).get(uri.path()).cloned();
        if let Some(change) = change {
            change(&mut answer);
        }
        let mut response = Response::builder()
            .status(StatusCode::from_u16(answer.status).expect("it is a status"));
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

/// Goes to an address as a browser would whose user agrees to everything; returns the last page.
///
/// # Panics
/// When nobody answers.
pub async fn browse(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.expect("somebody answers");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("there is a page"))
}
