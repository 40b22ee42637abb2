//! A connection to one server, whichever era of the specification it speaks.

#[expect(
    deprecated,
    reason = "sampling, roots and logging are leaving the specification, and servers of before have them"
)]
mod asked;
pub(crate) mod breaker;
mod bridge;
mod child;
mod error;
mod http;
mod listening;
mod pool;
mod progress;
mod sse;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use berth_browser_sign_in::causes;
pub use berth_browser_sign_in::visible;
use berth_protocol::{McpCalled, McpProbe, McpTool, Secret};
use rmcp::{
    Peer, RoleClient,
    model::{
        CallToolRequestParams, CallToolResult, JsonObject, ProtocolVersion, ServerPeerInfo, Tool,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RunningService, ServiceError,
    },
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use asked::{Absent, Answered, Asked, Elicited, Offers};
use asked::{Calls, Handler, Nobody};
pub use bridge::bridge;
use child::Child;
pub use error::McpError;
use http::{Authorized, Proof};
use listening::Listening;
use pool::Http;
pub(crate) use progress::Progress;
use progress::{Following, Marked};
use sse::SseTransport;

use crate::TokenSource;

/// How long it may take until a server is told that nobody waits for a call any more.
const TOLD: Duration = Duration::from_secs(1);

/// How a server is reached, with everything that its configuration only names. Not `Debug`: the environment
/// has secrets in it.
#[derive(Clone)]
pub enum Reach {
    /// A program.
    Stdio {
        /// Its whole path.
        program: PathBuf,
        /// Its arguments.
        args: Vec<OsString>,
        /// All of its environment.
        env: BTreeMap<OsString, OsString>,
        /// Where it works.
        folder: PathBuf,
        /// What of its environment is secret, and is shown nowhere although it may write it.
        secrets: Vec<Secret>,
    },
    /// Streamable HTTP.
    Http {
        /// Its address, which was checked.
        url: String,
        /// Headers of every request.
        headers: BTreeMap<String, Secret>,
        /// The token.
        bearer: Option<Secret>,
    },
    /// HTTP with server-sent events, of the specification of 2024-11-05.
    Sse {
        /// Address of its stream, which was checked.
        url: String,
        /// Headers of every request.
        headers: BTreeMap<String, Secret>,
        /// The token.
        bearer: Option<Secret>,
    },
    /// A server that is signed in to: one of those before, whose token is another each time. A program signs
    /// in by itself, and is started as if it stood alone.
    SignedIn {
        /// How it is reached; its own token is not used.
        reach: Box<Reach>,
        /// Where the tokens come from.
        tokens: Arc<dyn TokenSource>,
    },
}

/// How long a server may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until it has answered for the first time. A program may have to be fetched before.
    pub connect: Duration,
    /// For one request.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            request: Duration::from_secs(60),
        }
    }
}

/// A connection. Dropping it ends it, and with it the server's program and what that has started.
pub struct Connection {
    service: Running,
    calls: Calls,
    following: Following,
    child: Option<Child>,
    limits: Limits,
    connected_in: Duration,
}

impl Connection {
    /// Connects: with `server/discover` where the server knows it, else with the handshake of before. What
    /// the server asks of its client is denied.
    ///
    /// # Errors
    /// [`McpError`]. Nothing is left running then.
    pub async fn open(reach: &Reach, limits: Limits) -> Result<Self, McpError> {
        Self::open_for(reach, limits, Arc::new(Nobody)).await
    }

    /// Connects, for somebody who answers what the server asks.
    ///
    /// # Errors
    /// [`McpError`]. Nothing is left running then.
    pub async fn open_for(
        reach: &Reach,
        limits: Limits,
        asked: Arc<dyn Asked>,
    ) -> Result<Self, McpError> {
        let started = Instant::now();
        let calls = Calls::default();
        let following = Following::default();
        let handler = Handler {
            asked,
            calls: calls.clone(),
            following: following.clone(),
        };
        let (service, child) = match reach {
            Reach::SignedIn { reach, tokens } => {
                let proof = Proof::Tokens(Arc::clone(tokens));
                begin(reach, Some(proof), limits, handler).await?
            }
            reach => begin(reach, None, limits, handler).await?,
        };
        Ok(Self {
            service,
            calls,
            following,
            child,
            limits,
            connected_in: started.elapsed(),
        })
    }

    /// Connects to a server in this process. What it asks is denied.
    #[cfg(test)]
    pub(crate) async fn over(pipe: tokio::io::DuplexStream) -> Result<Self, McpError> {
        let (started, limits) = (Instant::now(), Limits::default());
        let handler = Handler {
            asked: Arc::new(Nobody),
            calls: Calls::default(),
            following: Following::default(),
        };
        let (calls, following) = (handler.calls.clone(), handler.following.clone());
        let (read, write) = tokio::io::split(pipe);
        let pipe =
            rmcp::transport::async_rw::AsyncRwTransport::<RoleClient, _, _>::new(read, write);
        let served = handler.serve_with_lifecycle(Marked::new(pipe, &following), lifecycle());
        let (service, child) = begun(in_time(limits, served).await)?;
        Ok(Self {
            service,
            calls,
            following,
            child,
            limits,
            connected_in: started.elapsed(),
        })
    }

    /// Its tools.
    ///
    /// # Errors
    /// [`McpError`].
    pub async fn tools(&self) -> Result<Vec<McpTool>, McpError> {
        let has_tools = self
            .service
            .peer_info()
            .is_some_and(|info| info.capabilities.tools.is_some());
        if !has_tools {
            return Ok(Vec::new());
        }
        let tools = self.raw_tools().await?;
        Ok(tools.into_iter().map(tool).collect())
    }

    /// Calls a tool; answers with the result as the server gave it. Dropping the call cancels it.
    ///
    /// # Errors
    /// [`McpError`]. A tool that reports an error has answered.
    pub async fn call(&self, tool: &str, arguments: Option<JsonObject>) -> Result<Value, McpError> {
        let mut call = CallToolRequestParams::new(tool.to_owned());
        call.arguments = arguments;
        let result = self.raw_call(call, self.limits.request, None).await?;
        as_json(result)
    }

    /// Calls a tool, and measures how long it takes.
    ///
    /// # Errors
    /// [`McpError`].
    pub async fn try_call(&self, tool: &str, arguments: JsonObject) -> Result<McpCalled, McpError> {
        let asked = Instant::now();
        let call = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.raw_call(call, self.limits.request, None).await?;
        Ok(McpCalled {
            is_error: result.is_error.unwrap_or_default(),
            result: as_json(result)?,
            took_ms: millis(asked.elapsed()),
        })
    }

    /// What it says about itself, and its tools.
    ///
    /// # Errors
    /// [`McpError`].
    pub async fn describe(&self) -> Result<McpProbe, McpError> {
        let asked = Instant::now();
        let tools = self.tools().await?;
        Ok(self.probed(tools, asked.elapsed()))
    }

    /// What it said about itself, with tools that took so long to list.
    pub(crate) fn probed(&self, tools: Vec<McpTool>, listed_in: Duration) -> McpProbe {
        let info = self.service.peer_info();
        let implementation = info.as_ref().and_then(|info| info.server_info.as_ref());
        McpProbe {
            name: implementation.map(|it| visible(it.title.as_ref().unwrap_or(&it.name))),
            version: implementation.map(|it| visible(&it.version)),
            protocol: info
                .as_ref()
                .map(|info| info.protocol_version.to_string())
                .unwrap_or_default(),
            instructions: info
                .as_ref()
                .and_then(|info| info.instructions.as_deref())
                .map(visible),
            tools,
            connect_ms: millis(self.connected_in),
            list_ms: millis(listed_in),
        }
    }

    /// What the server said of itself.
    pub(crate) fn info(&self) -> Option<Arc<ServerPeerInfo>> {
        self.service.peer_info()
    }

    pub(crate) fn peer(&self) -> &Peer<RoleClient> {
        self.service.peer()
    }

    /// Its tools as it describes them.
    pub(crate) async fn raw_tools(&self) -> Result<Vec<Tool>, McpError> {
        self.within(self.service.list_all_tools()).await
    }

    /// Calls a tool, which may take as long as it is given. When this is dropped, the server is told that
    /// nobody waits for it any more. `heard` hears how far it is.
    pub(crate) async fn raw_call(
        &self,
        mut request: CallToolRequestParams,
        longest: Duration,
        heard: Option<Progress>,
    ) -> Result<CallToolResult, McpError> {
        let _under_way = self.calls.begin();
        Following::unmark(&mut request);
        let _followed = heard.map(|heard| self.following.follow(&mut request, heard));
        let mut told = self.following.told();
        let called = self
            .within_time(longest, self.service.call_tool(request))
            .await;
        if matches!(called, Err(McpError::Silent { .. })) {
            // Whoever hears of that ends the connection, which would overtake what tells the server.
            let _ = tokio::time::timeout(TOLD, told.changed()).await;
        }
        called
    }

    /// A request, for as long as one may take.
    pub(crate) async fn within<T>(
        &self,
        request: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, McpError> {
        self.within_time(self.limits.request, request).await
    }

    async fn within_time<T>(
        &self,
        longest: Duration,
        request: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, McpError> {
        match tokio::time::timeout(longest, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(McpError::failed(error, self.said().await)),
            Err(_) => Err(McpError::Silent {
                after: longest,
                said: self.said().await,
            }),
        }
    }

    /// The server has ended it.
    pub fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.is_transport_closed()
    }

    /// Ends it, whoever still uses it.
    pub(crate) fn end(&self) {
        self.service.cancellation_token().cancel();
    }

    /// Ends it, and waits until nothing of it runs any more.
    pub async fn close(self) {
        // It is dropped when it cannot be ended in order, which ends it too.
        let _ = self.service.cancel().await;
    }

    async fn said(&self) -> String {
        match &self.child {
            Some(child) => child.said().await,
            None => String::new(),
        }
    }
}

/// Connects as an agent's gateway does, asks for everything that can be known, and ends the connection.
///
/// # Errors
/// [`McpError`].
pub async fn probe(reach: &Reach, limits: Limits) -> Result<McpProbe, McpError> {
    let connection = Connection::open_for(reach, limits, Arc::new(Absent)).await?;
    let described = connection.describe().await;
    connection.close().await;
    described
}

type Running = RunningService<RoleClient, Handler>;

/// Begins a connection, with `proof` in place of the token in `reach`.
async fn begin(
    reach: &Reach,
    proof: Option<Proof>,
    limits: Limits,
    handler: Handler,
) -> Result<(Running, Option<Child>), McpError> {
    match reach {
        Reach::Stdio {
            program,
            args,
            env,
            folder,
            secrets,
        } => {
            let (transport, mut child) = child::start(program, args, env, folder)?;
            child.hide(secrets.clone());
            let transport = Marked::new(transport, &handler.following);
            let served = handler.serve_with_lifecycle(transport, lifecycle());
            match in_time(limits, served).await {
                Begun::Yes(service) => Ok((*service, Some(child))),
                Begun::No(error) => Err(McpError::not_begun(&error, &child.said().await)),
                Begun::Late(after) => Err(McpError::Silent {
                    after,
                    said: child.said().await,
                }),
            }
        }
        Reach::Http {
            url,
            headers,
            bearer,
        } => {
            let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
            config.custom_headers = http::checked_headers(headers)?;
            let authorized = Authorized {
                http: Http::to(url)?,
                proof: proof.unwrap_or_else(|| Proof::Fixed(bearer.clone())),
                listening: Listening::default(),
            };
            let serve = |lifecycle| {
                let (authorized, config) = (authorized.clone(), config.clone());
                let transport = StreamableHttpClientTransport::with_client(authorized, config);
                let transport = Marked::new(transport, &handler.following);
                handler.clone().serve_with_lifecycle(transport, lifecycle)
            };
            let served = async {
                match serve(lifecycle()).await {
                    // Servers of before answer `server/discover` with whatever they answer to what they do
                    // not know: an empty result, an error of another request, a page. The handshake tells
                    // whether they are servers.
                    Err(error)
                        if error.auth_challenge().is_none()
                            && McpError::tokenless(&error).is_none() =>
                    {
                        serve(ClientLifecycleMode::Initialize).await
                    }
                    served => served,
                }
            };
            begun(in_time(limits, served).await)
        }
        Reach::Sse {
            url,
            headers,
            bearer,
        } => {
            let headers = http::checked_headers(headers)?;
            let proof = proof.unwrap_or_else(|| Proof::Fixed(bearer.clone()));
            let until = tokio::time::Instant::now() + limits.connect;
            let opened = SseTransport::open(url, headers, proof, limits.request);
            let late = || McpError::Silent {
                after: limits.connect,
                said: String::new(),
            };
            let transport = tokio::time::timeout_at(until, opened);
            let transport = transport.await.map_err(|_| late())??;
            let transport = Marked::new(transport, &handler.following);
            // Its era knows nothing but the handshake.
            let served = handler.serve_with_lifecycle(transport, ClientLifecycleMode::Initialize);
            let left = Limits {
                connect: until.saturating_duration_since(tokio::time::Instant::now()),
                ..limits
            };
            match in_time(left, served).await {
                Begun::Late(_) => Err(late()),
                other => begun(other),
            }
        }
        Reach::SignedIn { reach, .. } => Box::pin(begin(reach, proof, limits, handler)).await,
    }
}

enum Begun {
    Yes(Box<Running>),
    No(Box<ClientInitializeError>),
    Late(Duration),
}

async fn in_time(
    limits: Limits,
    served: impl Future<Output = Result<Running, ClientInitializeError>>,
) -> Begun {
    match tokio::time::timeout(limits.connect, served).await {
        Ok(Ok(service)) => Begun::Yes(Box::new(service)),
        Ok(Err(error)) => Begun::No(Box::new(error)),
        Err(_) => Begun::Late(limits.connect),
    }
}

/// What became of a connection to a server that is no program.
fn begun(begun: Begun) -> Result<(Running, Option<Child>), McpError> {
    match begun {
        Begun::Yes(service) => Ok((*service, None)),
        Begun::No(error) => Err(McpError::not_begun(&error, "")),
        Begun::Late(after) => Err(McpError::Silent {
            after,
            said: String::new(),
        }),
    }
}

fn lifecycle() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    }
}

pub(crate) fn tool(tool: Tool) -> McpTool {
    McpTool {
        name: tool.name.into_owned(),
        title: tool.title.as_deref().map(visible),
        description: tool.description.as_deref().map(visible),
        input_schema: serde_json::Value::Object((*tool.input_schema).clone()),
    }
}

fn as_json(result: CallToolResult) -> Result<Value, McpError> {
    serde_json::to_value(result).map_err(|error| McpError::Protocol {
        why: error.to_string(),
        said: String::new(),
    })
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn millis(time: Duration) -> u32 {
    time.as_millis().try_into().unwrap_or(u32::MAX)
}
