//! The gateway: one MCP endpoint for each session and server, through which an agent reaches that server and
//! nothing else of it than it may.
//!
//! The agent never sees a secret that the server is reached with. Whatever it asks is limited and asked of the
//! [`Guard`], which is told of each call of a tool by the shape of its arguments and never by their values. The
//! connection to the server is opened when the agent first asks and closed when nobody has asked for a while.

#[expect(
    deprecated,
    reason = "sampling and logging are leaving the specification, and agents of before have them"
)]
mod agents;
#[expect(deprecated, reason = "as above")]
mod door;
mod rate;
mod sessions;
mod shared;
mod telling;
#[expect(deprecated, reason = "as above")]
mod upstream;

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use berth_protocol::McpProbe;
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::Body;
use http_body_util::combinators::BoxBody;
use rmcp::{
    model::JsonObject,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Connection, McpError};

pub use agents::Agents;
use door::Door;
pub use door::shape;
use sessions::Sessions;
pub use shared::Shared;
use upstream::Upstream;

/// Largest request of an agent, in bytes.
const REQUEST: usize = 4 * 1024 * 1024;

/// How long an answer is kept for an agent whose connection broke while it came.
const KEPT_ANSWERS: Duration = Duration::from_secs(5);

/// A call that is over by then is told once, when it is over.
const SOON: Duration = Duration::from_secs(1);

/// What keeps an agent within bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long a call may take. Its user may have to answer a question of the server meanwhile, for which they have
    /// less.
    pub call: Duration,
    /// Largest answer that an agent is given, in bytes as JSON.
    pub answer: usize,
    /// Most calls within a minute.
    pub per_minute: u32,
    /// Most sessions of the protocol that are open at once. One more ends the one that has asked nothing for longest,
    /// and is refused when all are in use.
    pub sessions: usize,
    /// How long a connection is kept that nobody uses.
    pub idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(600),
            answer: 4 * 1024 * 1024,
            per_minute: 300,
            sessions: 64,
            idle: Duration::from_secs(600),
        }
    }
}

/// A call that an agent asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What tells it from all other calls.
    pub call: String,
    /// The tool.
    pub tool: String,
    /// The names of its arguments with their types: `{"path": "string"}`.
    pub shape: BTreeMap<String, &'static str>,
    given: Option<JsonObject>,
}

impl Asked {
    /// Its arguments as somebody reads them who has to decide, shortened. They are told to nobody else.
    pub fn arguments(&self) -> String {
        door::read(self.given.as_ref())
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tool answered.
    Answered,
    /// The tool says that it failed.
    Failed,
    /// It was not let through.
    Refused,
    /// The server could not be reached, took too long or answered with too much.
    Lost,
    /// The agent did not want it any more, or its session is over.
    Cancelled,
}

impl Outcome {
    /// Its word, for the audit trail.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What was asked.
    pub asked: Asked,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Bytes of the answer as JSON.
    pub bytes: usize,
    /// The guard was told that it begins, and has not refused that.
    pub begun: bool,
}

/// Who decides what an agent may do, and hears of what it did.
pub trait Guard: Send + Sync + 'static {
    /// Whether the server may be asked anything at all; why not, for the agent to read.
    fn admits(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Which tools are still what they were, of what the server says of itself. `hashes` has the SHA-256 of
    /// everything that is said of each, which tells whether it is still what it was.
    fn tools<'a>(
        &'a self,
        said: &'a McpProbe,
        hashes: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Vec<String>>;

    /// Which of these tools the agent is told of.
    fn shows<'a>(&'a self, tools: &'a [String]) -> BoxFuture<'a, Vec<String>>;

    /// Whether a call of a tool that the agent may see goes through; why not, for the agent to read. It may take
    /// as long as somebody thinks about it.
    fn allows<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<(), String>>;

    /// A call is about to leave, which is noted before it does; why it may not, for the agent to read.
    fn begins<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, Result<(), String>>;

    /// A call is under way, and takes longer than [`SOON`]: so long that somebody wants to see it before it is over.
    fn lasts<'a>(&'a self, asked: &'a Asked) -> BoxFuture<'a, ()>;

    /// Something else is read of the server.
    fn reads<'a>(&'a self, read: Read<'a>) -> BoxFuture<'a, ()>;

    /// A call is over.
    fn ended<'a>(&'a self, ended: &'a Ended) -> BoxFuture<'a, ()>;

    /// The server could not be reached.
    fn lost<'a>(&'a self, error: &'a McpError) -> BoxFuture<'a, ()>;

    /// The server was reached, and wants its user to sign in before it answers what it was asked. That it answers
    /// something else meanwhile says nothing of that.
    fn wants_sign_in<'a>(&'a self, error: &'a McpError) -> BoxFuture<'a, ()>;
}

/// Something of a server that is no tool.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    /// A resource, by its address.
    Resource(&'a str),
    /// A prompt, by its name.
    Prompt(&'a str),
}

/// Opens a connection to the server, for these agents.
pub type Opener =
    Arc<dyn Fn(Agents) -> BoxFuture<'static, Result<Connection, McpError>> + Send + Sync>;

/// The endpoint of one session and server. Dropped, it ends its connection and everything that an agent has
/// open.
pub struct Gateway {
    service: StreamableHttpService<Door, Sessions>,
    upstream: Arc<Upstream>,
    stop: CancellationToken,
    calls: TaskTracker,
}

impl Gateway {
    /// An endpoint that reaches its server through `open`. No web page may ask it.
    pub fn new(open: Opener, guard: Arc<dyn Guard>, bounds: Bounds, shared: Arc<Shared>) -> Self {
        let stop = CancellationToken::new();
        let upstream = Arc::new(Upstream::new(
            open,
            Arc::clone(&guard),
            bounds.idle,
            stop.clone(),
            shared,
        ));
        let calls = TaskTracker::new();
        let door = Door::new(Arc::clone(&upstream), guard, bounds, calls.clone());
        let mut sessions = LocalSessionManager::default();
        // An agent that says nothing for long is still there; what it has open ends with the gateway, or to make
        // room.
        sessions.session_config.keep_alive = None;
        sessions.session_config.sse_retry = None;
        // Each is as long as an answer may be, and its agent is on this machine.
        sessions.session_config.completed_cache_ttl = KEPT_ANSWERS;
        let sessions = Sessions::new(sessions, bounds.sessions);
        let config = StreamableHttpServerConfig::default()
            .with_max_request_body_bytes(REQUEST)
            .with_sse_retry(None)
            // An answer without news before it needs no stream of events, where there is no session.
            .with_json_response(true)
            .with_cancellation_token(stop.clone())
            .enforce_origin_validation();
        let service =
            StreamableHttpService::new(move || Ok(door.for_another()), Arc::new(sessions), config);
        Self {
            service,
            upstream,
            stop,
            calls,
        }
    }

    /// Ends its connection and everything that an agent has open, whoever still waits for an answer.
    pub fn end(&self) {
        self.stop.cancel();
    }

    /// Waits, once it has ended, until the guard has heard of every call that it is over.
    pub async fn over(&self) {
        self.calls.close();
        self.calls.wait().await;
    }

    /// Answers a request of the agent.
    ///
    /// # Errors
    /// [`McpError`] as long as the server could not be reached for the first time.
    pub async fn handle<B>(
        &self,
        request: http::Request<B>,
    ) -> Result<http::Response<BoxBody<Bytes, Infallible>>, McpError>
    where
        B: Body + Send + 'static,
        B::Error: std::fmt::Display,
    {
        // What the server can do has to be known before the agent is told.
        self.upstream.know().await?;
        Ok(self.service.handle(request).await)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
