//! A connection to one server, whichever era of the specification it speaks.

mod child;
mod visible;

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use berth_protocol::{Code, McpCalled, McpProbe, McpTool, Secret};
use http::{HeaderName, HeaderValue};
use rmcp::{
    Peer, RoleClient,
    model::{
        CallToolRequestParams, CallToolResult, ClientConfig, Implementation, ProtocolVersion,
        ServerPeerInfo, Tool,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RunningService, ServiceError,
    },
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use sha2::{Digest, Sha256};

use child::Child;
pub use visible::visible;

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

/// Why a server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// Its program cannot be started.
    #[error("{program} cannot be started: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended, or closed the connection.
    #[error("the server ended before it answered{}", wrote(.said))]
    Ended {
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// It does not answer.
    #[error("the server did not answer within {} s{}", .after.as_secs(), wrote(.said))]
    Silent {
        /// How long it was waited for.
        after: Duration,
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// It wants to know who asks.
    #[error("the server wants its user to sign in")]
    Unauthorized {
        /// What it said of how (`WWW-Authenticate`).
        challenge: String,
    },
    /// It cannot be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It does not speak the protocol.
    #[error("the server does not speak MCP: {why}{}", wrote(.said))]
    Protocol {
        /// What it did instead.
        why: String,
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// It refused a request.
    #[error("the server refused: {0}")]
    Refused(String),
    /// It could not be reached, and is not tried again yet.
    #[error("the server could not be reached and is tried again in {seconds} s")]
    Paused {
        /// How long that is.
        seconds: u64,
    },
    /// A header cannot be sent.
    #[error("the header {0} cannot be sent")]
    Header(String),
}

fn wrote(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("; it wrote: {text}"),
    }
}

impl McpError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Spawn { .. } | Self::Ended { .. } => Code::McpEnded,
            Self::Silent { .. } | Self::Unreachable(_) | Self::Paused { .. } => {
                Code::McpUnreachable
            }
            Self::Unauthorized { .. } => Code::McpSignedOut,
            Self::Protocol { .. } | Self::Refused(_) => Code::McpProtocol,
            Self::Header(_) => Code::McpInvalid,
        }
    }
}

/// A connection. Dropping it ends it, and with it the server's program and what that has started.
pub struct Connection {
    service: RunningService<RoleClient, ClientConfig>,
    child: Option<Child>,
    limits: Limits,
    connected_in: Duration,
}

impl Connection {
    /// Connects: with `server/discover` where the server knows it, else with the handshake of before.
    ///
    /// # Errors
    /// [`McpError`]. Nothing is left running then.
    pub async fn open(reach: &Reach, limits: Limits) -> Result<Self, McpError> {
        let started = Instant::now();
        match reach {
            Reach::Stdio {
                program,
                args,
                env,
                folder,
            } => {
                let (transport, child) = child::start(program, args, env, folder)?;
                let served = client().serve_with_lifecycle(transport, lifecycle());
                let service = match tokio::time::timeout(limits.connect, served).await {
                    Ok(Ok(service)) => service,
                    Ok(Err(error)) => return Err(not_begun(&error, &child.said().await)),
                    Err(_) => {
                        let (after, said) = (limits.connect, child.said().await);
                        return Err(McpError::Silent { after, said });
                    }
                };
                Ok(Self {
                    service,
                    child: Some(child),
                    limits,
                    connected_in: started.elapsed(),
                })
            }
            Reach::Http {
                url,
                headers,
                bearer,
            } => {
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
                config.custom_headers = checked_headers(headers)?;
                config.auth_header = bearer.as_ref().map(|token| token.expose().to_owned());
                let transport = StreamableHttpClientTransport::from_config(config);
                let served = client().serve_with_lifecycle(transport, lifecycle());
                let service = match tokio::time::timeout(limits.connect, served).await {
                    Ok(Ok(service)) => service,
                    Ok(Err(error)) => return Err(not_begun(&error, "")),
                    Err(_) => {
                        return Err(McpError::Silent {
                            after: limits.connect,
                            said: String::new(),
                        });
                    }
                };
                Ok(Self {
                    service,
                    child: None,
                    limits,
                    connected_in: started.elapsed(),
                })
            }
        }
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

    /// Calls a tool.
    ///
    /// # Errors
    /// [`McpError`].
    pub async fn call(
        &self,
        tool: &str,
        arguments: serde_json::Map<String, serde_json::Value>,
    ) -> Result<McpCalled, McpError> {
        let asked = Instant::now();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.raw_call(request, self.limits.request).await?;
        Ok(McpCalled {
            is_error: result.is_error.unwrap_or_default(),
            result: serde_json::to_value(result).map_err(|error| McpError::Protocol {
                why: error.to_string(),
                said: String::new(),
            })?,
            took_ms: millis(asked.elapsed()),
        })
    }

    /// What it says about itself, and its tools.
    ///
    /// # Errors
    /// [`McpError`].
    pub async fn describe(&self) -> Result<McpProbe, McpError> {
        let info = self.service.peer_info();
        let asked = Instant::now();
        let tools = self.tools().await?;
        let list_ms = millis(asked.elapsed());
        let implementation = info.as_ref().and_then(|info| info.server_info.as_ref());
        Ok(McpProbe {
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
            list_ms,
        })
    }

    /// It can still be spoken through.
    pub(crate) fn is_open(&self) -> bool {
        !self.service.is_closed() && !self.service.is_transport_closed()
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
    /// nobody waits for it any more.
    pub(crate) async fn raw_call(
        &self,
        request: CallToolRequestParams,
        longest: Duration,
    ) -> Result<CallToolResult, McpError> {
        self.within_time(longest, self.service.call_tool(request))
            .await
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
            Ok(Err(error)) => Err(self.failed(error).await),
            Err(_) => Err(McpError::Silent {
                after: longest,
                said: self.said().await,
            }),
        }
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

    async fn failed(&self, error: ServiceError) -> McpError {
        if let Some(challenge) = error.auth_challenge() {
            let challenge = challenge.to_owned();
            return McpError::Unauthorized { challenge };
        }
        match error {
            ServiceError::McpError(error) => McpError::Refused(visible(&error.message)),
            ServiceError::TransportClosed => McpError::Ended {
                said: self.said().await,
            },
            ServiceError::Timeout { timeout } => McpError::Silent {
                after: timeout,
                said: self.said().await,
            },
            ServiceError::TransportSend(error) => McpError::Unreachable(visible(&causes(&error))),
            error => McpError::Protocol {
                why: visible(&causes(&error)),
                said: self.said().await,
            },
        }
    }
}

/// Connects, asks for everything that can be known, and ends the connection.
///
/// # Errors
/// [`McpError`].
pub async fn probe(reach: &Reach, limits: Limits) -> Result<McpProbe, McpError> {
    let connection = Connection::open(reach, limits).await?;
    let described = connection.describe().await;
    connection.close().await;
    described
}

fn client() -> ClientConfig {
    let mut config = ClientConfig::default();
    config.client_info = Implementation::new("berth", env!("CARGO_PKG_VERSION"));
    config
}

fn lifecycle() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    }
}

fn checked_headers(
    headers: &BTreeMap<String, Secret>,
) -> Result<HashMap<HeaderName, HeaderValue>, McpError> {
    let mut checked = HashMap::new();
    for (name, value) in headers {
        let bad = || McpError::Header(name.clone());
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| bad())?;
        value.set_sensitive(true);
        checked.insert(header, value);
    }
    Ok(checked)
}

fn not_begun(error: &ClientInitializeError, said: &str) -> McpError {
    if let Some(challenge) = error.auth_challenge() {
        let challenge = challenge.to_owned();
        return McpError::Unauthorized { challenge };
    }
    match error {
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => not_begun(fallback, said),
        ClientInitializeError::ConnectionClosed(_) => McpError::Ended {
            said: said.to_owned(),
        },
        ClientInitializeError::TransportError { .. } if said.is_empty() => {
            McpError::Unreachable(visible(&causes(error)))
        }
        ClientInitializeError::TransportError { .. } => McpError::Ended {
            said: said.to_owned(),
        },
        ClientInitializeError::JsonRpcError(error) => McpError::Refused(visible(&error.message)),
        error => McpError::Protocol {
            why: visible(&causes(error)),
            said: said.to_owned(),
        },
    }
}

/// An error with what caused it, shortened.
fn causes(error: &dyn std::error::Error) -> String {
    const LONGEST: usize = 400;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.chars().take(LONGEST).collect()
}

pub(crate) fn tool(tool: Tool) -> McpTool {
    McpTool {
        name: tool.name.into_owned(),
        title: tool.title.as_deref().map(visible),
        description: tool.description.as_deref().map(visible),
        input_schema: serde_json::Value::Object((*tool.input_schema).clone()),
    }
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn millis(time: Duration) -> u32 {
    time.as_millis().try_into().unwrap_or(u32::MAX)
}
