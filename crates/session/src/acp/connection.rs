//! The connection to an agent: shaking hands, and what comes from it as messages for the actor.

use std::{path::PathBuf, sync::atomic::Ordering, time::Duration};

use agent_client_protocol::{
    Agent, ByteStreams, Client, Error,
    schema::ProtocolVersion,
    v1::{
        ConnectionTo, Responder,
        schema::{
            AgentCapabilities, CancelNotification, ContentBlock, HttpHeader, Implementation,
            InitializeRequest, LoadSessionRequest, McpServer, McpServerHttp, McpServerStdio,
            NewSessionRequest, PromptRequest, RequestPermissionRequest, RequestPermissionResponse,
            SessionConfigKind, SessionConfigOption, SessionConfigOptionCategory,
            SessionConfigSelectOptions, SessionConfigValueId, SessionId, SessionModeState,
            SessionNotification, SessionUpdate, SetSessionConfigOptionRequest,
            SetSessionModeRequest, StopReason, SystemPrompt, TextContent,
        },
    },
};
use berth_protocol::SessionMcpServer;
use serde_json::{Map, Value};
use tokio::{
    process::{ChildStdin, ChildStdout},
    sync::mpsc,
};
use tokio_util::{
    compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt},
    sync::CancellationToken,
};

use super::{
    bounded::{self, Bounded},
    refusal::Refusal,
};

/// How long an agent may take until it takes messages. Some need ten seconds on a slow machine.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// The protocol's code of an agent that wants its user to sign in (schema, `ErrorCode`).
const AUTH_REQUIRED: i32 = -32000;

/// What comes from the agent.
pub enum Incoming {
    /// It takes messages.
    Ready(Conversation),
    /// It tells of what it says or does.
    Update(Box<SessionUpdate>),
    /// It asks for a permission.
    Asks(
        Box<RequestPermissionRequest>,
        Responder<RequestPermissionResponse>,
    ),
    /// It has finished with a message.
    Finished(Result<StopReason, Error>),
    /// It cannot be spoken with, or not any more.
    Failed(Refusal),
}

/// The agent's conversation, in which messages are sent.
#[derive(Clone)]
pub struct Conversation {
    connection: ConnectionTo<Agent>,
    id: SessionId,
    resumed: bool,
    incoming: mpsc::UnboundedSender<Incoming>,
}

impl Conversation {
    /// The agent's name for it.
    pub fn name(&self) -> String {
        self.id.0.to_string()
    }

    /// The agent goes on with an earlier one.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Gives the agent a message. What comes of it is told, and in the end that it has finished.
    pub fn send(&self, content: &str) -> Result<(), Error> {
        let words = ContentBlock::Text(TextContent::new(content));
        let request = PromptRequest::new(self.id.clone(), vec![words]);
        let incoming = self.incoming.clone();
        // Told in its order: behind everything that the agent said before.
        self.connection
            .prepare_request(request)
            .on_receiving_result(async move |result| {
                let result = result.map(|response| response.stop_reason);
                // The session may have ended.
                let _ = incoming.send(Incoming::Finished(result));
                Ok(())
            })
    }

    /// Asks the agent to stop what it does.
    pub fn cancel(&self) -> Result<(), Error> {
        self.connection
            .send_notification(CancelNotification::new(self.id.clone()))
    }
}

/// What an agent is asked for when it is met.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where it works.
    pub folder: PathBuf,
    /// The mode that it is put in.
    pub mode: Option<String>,
    /// The conversation that it goes on with.
    pub resume: Option<Resume>,
    /// What is added to its own instructions.
    pub instructions: Option<String>,
    /// The servers that it is given.
    pub mcp_servers: Vec<SessionMcpServer>,
    /// What it is told besides.
    pub meta: Map<String, Value>,
}

/// A conversation to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The agent's name for it.
    pub name: String,
    /// When the agent has not kept it, a new one is begun.
    pub or_new: bool,
}

/// Shakes hands with the agent and stays connected until it closes its output or `ended`.
pub async fn connect(
    (input, output): (ChildStdin, ChildStdout),
    wish: Wish,
    incoming: mpsc::UnboundedSender<Incoming>,
    ended: CancellationToken,
) {
    let output = Bounded::new(output, bounded::LINE);
    let overrun = output.overrun();
    let transport = ByteStreams::new(input.compat_write(), output.compat());
    let (updates, questions, ready) = (incoming.clone(), incoming.clone(), incoming.clone());
    let connected = Client
        .v1()
        .name("berth")
        .on_receive_notification(
            async move |notification: SessionNotification, _| {
                // The session may have ended.
                let _ = updates.send(Incoming::Update(Box::new(notification.update)));
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, _| {
                // The session may have ended; the agent is told so when the responder is dropped.
                let _ = questions.send(Incoming::Asks(Box::new(request), responder));
                Ok(())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(transport, async move |connection: ConnectionTo<Agent>| {
            let closed = async {
                tokio::select! {
                    // By then everything that it said has been told.
                    () = connection.incoming_closed() => true,
                    () = ended.cancelled() => false,
                }
            };
            tokio::pin!(closed);
            let shaken = shake_hands(&connection, wish);
            let shaken = tokio::time::timeout(HANDSHAKE, shaken);
            let closed = tokio::select! {
                biased;
                shaken = shaken => {
                    let told = match shaken {
                        Err(_) => Incoming::Failed(Refusal::Silent),
                        Ok(Err(_)) if connection.is_incoming_closed() => {
                            Incoming::Failed(Refusal::Closed)
                        }
                        Ok(Err(refusal)) => Incoming::Failed(refusal),
                        Ok(Ok(begun)) => Incoming::Ready(Conversation {
                            connection: connection.clone(),
                            id: begun.id,
                            resumed: begun.resumed,
                            incoming: ready.clone(),
                        }),
                    };
                    // The session may have ended.
                    let _ = ready.send(told);
                    closed.await
                }
                closed = &mut closed => closed,
            };
            if closed {
                // The session may have ended.
                let _ = ready.send(Incoming::Failed(Refusal::Closed));
            }
            Ok(())
        });
    let connected = connected.await;
    let failed = match connected {
        _ if overrun.load(Ordering::Relaxed) => Some(Refusal::Endless),
        Err(error) => Some(refusal(error)),
        Ok(()) => None,
    };
    if let Some(refusal) = failed {
        // The session may have ended.
        let _ = incoming.send(Incoming::Failed(refusal));
    }
}

async fn shake_hands(connection: &ConnectionTo<Agent>, wish: Wish) -> Result<Begun, Refusal> {
    let berth = Implementation::new("berth", env!("CARGO_PKG_VERSION")).title("Berth".to_owned());
    let hello = InitializeRequest::new(ProtocolVersion::V1).client_info(berth);
    let answer = connection.send_request(hello).block_task().await;
    let answer = answer.map_err(refusal)?;
    if answer.protocol_version != ProtocolVersion::V1 {
        let version = answer.protocol_version;
        return Err(Refusal::Protocol(format!(
            "it speaks version {version} of the protocol, not 1"
        )));
    }
    let able = answer.agent_capabilities;
    let begun = begin(connection, &able, &wish).await?;
    if let Some(wanted) = wish.mode {
        set_mode(connection, begun.clone(), wanted).await?;
    }
    Ok(begun)
}

/// A conversation that was begun or loaded.
#[derive(Clone)]
struct Begun {
    id: SessionId,
    resumed: bool,
    modes: Option<SessionModeState>,
    options: Option<Vec<SessionConfigOption>>,
}

async fn begin(
    connection: &ConnectionTo<Agent>,
    able: &AgentCapabilities,
    wish: &Wish,
) -> Result<Begun, Refusal> {
    let words = wish.instructions.clone();
    let meta = (!wish.meta.is_empty()).then(|| wish.meta.clone());
    if words.is_some() && able.session_capabilities.system_prompt.is_none() {
        return Err(Refusal::Takes("instructions"));
    }
    let words = words.map(|words| {
        let words = vec![ContentBlock::Text(TextContent::new(words))];
        // Appended, unless it is said otherwise.
        SystemPrompt::new(words)
    });
    // The gateway is left out where it cannot go in: nobody has asked for it by name.
    let servers = wish.mcp_servers.iter().filter(|server| {
        let is_gateway = matches!(
            server,
            SessionMcpServer::Http {
                bearer: Some(_),
                ..
            }
        );
        !is_gateway || able.mcp_capabilities.http
    });
    let servers = servers.map(|server| match server {
        SessionMcpServer::Stdio {
            name,
            command,
            args,
        } => {
            let server = McpServerStdio::new(name, command).args(args.clone());
            Ok(McpServer::Stdio(server))
        }
        SessionMcpServer::Http { .. } if !able.mcp_capabilities.http => {
            Err(Refusal::Takes("MCP servers over HTTP"))
        }
        SessionMcpServer::Http { name, url, bearer } => {
            let token = bearer.iter().map(|token| {
                HttpHeader::new("Authorization", format!("Bearer {}", token.expose()))
            });
            let server = McpServerHttp::new(name, url).headers(token.collect());
            Ok(McpServer::Http(server))
        }
    });
    let servers: Vec<McpServer> = servers.collect::<Result<_, _>>()?;
    if let Some(resume) = &wish.resume {
        let id = SessionId::new(resume.name.clone());
        let load = LoadSessionRequest::new(id.clone(), wish.folder.clone())
            .mcp_servers(servers.clone())
            .meta(meta.clone())
            .system_prompt(words.clone());
        let loaded = match able.load_session {
            // What it repeats of the conversation comes before its answer.
            true => connection.send_request(load).block_task().await,
            false => Err(Error::method_not_found()),
        };
        match loaded {
            Ok(loaded) => {
                let (modes, options) = (loaded.modes, loaded.config_options);
                return Ok(Begun {
                    id,
                    resumed: true,
                    modes,
                    options,
                });
            }
            Err(error) if i32::from(error.code) == AUTH_REQUIRED => return Err(Refusal::SignedOut),
            Err(error) if !resume.or_new => return Err(Refusal::NoConversation(said(&error))),
            Err(error) => {
                tracing::info!(%error, "an agent has not kept its conversation");
            }
        }
    }
    let begin = NewSessionRequest::new(wish.folder.clone())
        .mcp_servers(servers)
        .meta(meta)
        .system_prompt(words);
    let begun = connection.send_request(begin).block_task().await;
    let begun = begun.map_err(refusal)?;
    Ok(Begun {
        id: begun.session_id,
        resumed: false,
        modes: begun.modes,
        options: begun.config_options,
    })
}

/// Puts the agent in a mode, which some have as such and others among their options.
async fn set_mode(
    connection: &ConnectionTo<Agent>,
    begun: Begun,
    wanted: String,
) -> Result<(), Refusal> {
    let session = begun.id;
    if let Some(modes) = begun.modes {
        let known = modes
            .available_modes
            .iter()
            .map(|mode| mode.id.0.to_string());
        has(&wanted, &modes.current_mode_id.0, known.collect())?;
        if *modes.current_mode_id.0 != wanted {
            let change = SetSessionModeRequest::new(session, wanted);
            let changed = connection.send_request(change).block_task().await;
            changed.map_err(refusal)?;
        }
        return Ok(());
    }
    let options = begun.options.into_iter().flatten();
    let mut modes = options.filter_map(|option| match (option.category, option.kind) {
        (Some(SessionConfigOptionCategory::Mode), SessionConfigKind::Select(modes)) => {
            Some((option.id, modes))
        }
        _ => None,
    });
    let Some((option, modes)) = modes.next() else {
        let known = Vec::new();
        return Err(Refusal::NoMode { wanted, known });
    };
    if *modes.current_value.0 != wanted {
        let known = match modes.options {
            SessionConfigSelectOptions::Ungrouped(options) => options,
            SessionConfigSelectOptions::Grouped(groups) => {
                groups.into_iter().flat_map(|group| group.options).collect()
            }
            _ => Vec::new(),
        };
        let known = known.iter().map(|option| option.value.0.to_string());
        has(&wanted, &modes.current_value.0, known.collect())?;
        let value = SessionConfigValueId::from(wanted);
        let change = SetSessionConfigOptionRequest::new(session, option, value);
        let changed = connection.send_request(change).block_task().await;
        changed.map_err(refusal)?;
    }
    Ok(())
}

fn has(wanted: &str, current: &str, known: Vec<String>) -> Result<(), Refusal> {
    if wanted == current || known.iter().any(|mode| mode == wanted) {
        return Ok(());
    }
    let wanted = wanted.to_owned();
    Err(Refusal::NoMode { wanted, known })
}

fn refusal(error: Error) -> Refusal {
    match i32::from(error.code) {
        AUTH_REQUIRED => Refusal::SignedOut,
        _ => Refusal::Protocol(said(&error)),
    }
}

/// An error of an agent, for people.
pub fn said(error: &Error) -> String {
    let data = error.data.as_ref();
    let detail = data.and_then(|data| {
        data.as_str()
            .or_else(|| data.get("details")?.as_str())
            .or_else(|| data.get("message")?.as_str())
    });
    match detail {
        Some(detail) if !error.message.contains(detail) => format!("{}: {detail}", error.message),
        _ => error.message.clone(),
    }
}
