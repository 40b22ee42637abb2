//! An MCP server over streamable HTTP of the era with sessions (2025-11-25), which forgets them and redirects whoever
//! asks when it is told to.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// The server. It answers at every path alike, so that whoever is sent to one of them finds a server there, and ends
/// with its test. It has one tool, `one`, which answers `called in session-1`.
pub struct SessionServer {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    open: HashSet<String>,
    begun: usize,
    forgetful: bool,
    elsewhere: Option<Elsewhere>,
    asked: Vec<Asked>,
}

/// Where requests that begin so are sent to.
struct Elsewhere {
    whats: Vec<String>,
    status: u16,
    location: String,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method of HTTP, and behind it that of the protocol, such as `POST tools/call`.
    pub what: String,
    /// The path.
    pub path: String,
    /// The session that it names.
    pub session: Option<String>,
}

impl SessionServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(Mutex::new(State::default()));
        let for_app = Arc::clone(&state);
        let app = axum::Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
                let state = Arc::clone(&for_app);
                async move { locked(&state).answer(&method, &uri, &headers, &body) }
            },
        );
        let serving = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, app).await;
        });
        Self {
            base: format!("http://{address}"),
            state,
            serving,
        }
    }

    /// The address of its endpoint.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.base)
    }

    /// Forgets all sessions, as one does that is started anew.
    pub fn forget(&self) {
        locked(&self.state).open.clear();
    }

    /// Forgets all sessions, and from now on each as soon as it has begun.
    pub fn forget_always(&self) {
        let mut state = locked(&self.state);
        state.open.clear();
        state.forgetful = true;
    }

    /// Redirects the requests of which [`Asked::what`] begins with one of these, and no others.
    pub fn redirect(&self, whats: &[&str], status: u16, location: &str) {
        locked(&self.state).elsewhere = Some(Elsewhere {
            whats: whats.iter().map(|it| (*it).to_owned()).collect(),
            status,
            location: location.to_owned(),
        });
    }

    /// Redirects nothing any more.
    pub fn stay(&self) {
        locked(&self.state).elsewhere = None;
    }

    /// The requests of which [`Asked::what`] begins so, in their order.
    pub fn asked(&self, what: &str) -> Vec<Asked> {
        let state = locked(&self.state);
        let these = state.asked.iter().filter(|it| it.what.starts_with(what));
        these.cloned().collect()
    }

    /// The sessions that such requests named; nothing where they named none.
    pub fn sessions(&self, what: &str) -> Vec<String> {
        let asked = self.asked(what).into_iter();
        asked.map(|it| it.session.unwrap_or_default()).collect()
    }
}

impl Drop for SessionServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl State {
    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &str) -> Response {
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        let session = headers.get(SESSION).and_then(|it| it.to_str().ok());
        let asked = Asked {
            what: match message["method"].as_str() {
                Some(said) => format!("{method} {said}"),
                None => method.to_string(),
            },
            path: uri.path().to_owned(),
            session: session.map(str::to_owned),
        };
        self.asked.push(asked.clone());
        let sends = |it: &&Elsewhere| it.whats.iter().any(|what| asked.what.starts_with(what));
        if let Some(to) = self.elsewhere.as_ref().filter(sends) {
            let response = Response::builder().status(to.status);
            let response = response.header("location", to.location.as_str());
            return response.body(Body::empty()).expect("it is a response");
        }
        if asked.what == "POST initialize" {
            return self.begin(&message);
        }
        let Some(session) = asked.session else {
            let error = json!({"code": -32000, "message": "there is no session"});
            return said(400, None, json!({"id": null, "error": error}));
        };
        if !self.open.contains(&session) {
            let error = json!({"code": -32001, "message": "there is no such session"});
            return said(404, None, json!({"id": null, "error": error}));
        }
        let result = match asked.what.as_str() {
            "DELETE" => {
                self.open.remove(&session);
                return nothing(200);
            }
            // It tells nothing by itself.
            "GET" => return nothing(405),
            _ if message["id"].is_null() => return nothing(202),
            "POST tools/list" => {
                let tool = json!({"name": "one", "inputSchema": {"type": "object"}});
                json!({"tools": [tool]})
            }
            "POST tools/call" => {
                let text = format!("called in {session}");
                json!({"content": [{"type": "text", "text": text}]})
            }
            _ => {
                let error = json!({"code": -32601, "message": "there is no such method"});
                return said(200, None, json!({"id": message["id"], "error": error}));
            }
        };
        said(200, None, json!({"id": message["id"], "result": result}))
    }

    fn begin(&mut self, message: &Value) -> Response {
        self.begun += 1;
        let session = format!("session-{}", self.begun);
        if !self.forgetful {
            self.open.insert(session.clone());
        }
        let result = json!({
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "Sessions", "version": "1"},
        });
        let answer = json!({"id": message["id"], "result": result});
        said(200, Some(&session), answer)
    }
}

fn nothing(status: u16) -> Response {
    let response = Response::builder().status(status);
    response.body(Body::empty()).expect("it is a response")
}

fn said(status: u16, session: Option<&str>, mut message: Value) -> Response {
    message["jsonrpc"] = json!("2.0");
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    if let Some(session) = session {
        response = response.header(SESSION, session);
    }
    let body = Body::from(message.to_string());
    response.body(body).expect("it is a response")
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
