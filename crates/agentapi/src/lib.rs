//! The HTTP API of coder/agentapi for one agent: a server that its clients can use unchanged. The agent is
//! read from its terminal, or spoken to over the Agent Client Protocol.
//!
//! Paths, shapes, defaults, flags and the state file are those of agentapi 0.11; what it lacks is
//! added in ways that its clients do not see: event ids from which a client can go on, questions
//! that are answered by choice, the end of the agent, answers to the terminal's queries.

mod agent;
mod conversation;
mod events;
mod hosts;
mod http;
mod listen;
mod model;
mod state_file;
mod uploads;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use berth_protocol::{SessionId, Size, Status, Transport};
use berth_session::{
    agents::{self, Spec},
    live::{SessionEvent, SessionHandle},
};
use futures::future::{FusedFuture, FutureExt};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use conversation::Conversation;

pub use hosts::{Hosts, ListError, Origins};
pub use http::openapi_json;
pub use state_file::StateFileError;

/// The port of agentapi.
pub const PORT: u16 = 3284;

/// The terminal of agentapi: so high that whole answers stand on it.
pub const SIZE: Size = Size {
    rows: 1000,
    cols: 80,
};

/// How long open connections may take to end with the server.
const GOODBYE: Duration = Duration::from_secs(3);

/// What to serve.
#[derive(Debug)]
pub struct Config {
    /// The agent whose screen it is; `custom` for programs that Berth does not know.
    pub agent: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How it is spoken to.
    pub transport: Transport,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Size of the terminal.
    pub size: Size,
    /// Names under which the server may be addressed.
    pub hosts: Hosts,
    /// Pages that may use the server from a browser.
    pub origins: Origins,
    /// Where the web chat is reached, when a proxy serves it elsewhere than under `/chat`.
    pub chat_base_path: String,
    /// Sent to the agent when it takes messages.
    pub initial_prompt: Option<String>,
    /// Where messages are kept from one run to the next.
    pub state_file: Option<PathBuf>,
    /// Read the state file at the start.
    pub load_state: bool,
    /// Write it at the end, and when asked to by [`Request::Save`].
    pub save_state: bool,
    /// Where the process id is written while the server runs.
    pub pid_file: Option<PathBuf>,
}

/// Why a server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no agent of this name.
    #[error("invalid agent type: {0}")]
    UnknownAgent(String),
    /// The program is not there or cannot be executed.
    #[error("{0} is neither on the PATH nor an executable file")]
    Missing(String),
    /// The program could not be started.
    #[error("the agent could not be started: {0}")]
    Spawn(#[from] berth_session::pty::PtyError),
    /// The address could not be taken.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder that the server needs could not be made.
    #[error("{} cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state file is not usable.
    #[error(transparent)]
    State(#[from] StateFileError),
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(io::Error),
    /// The agent ended with an error.
    #[error("the agent ended {how}{}", shown(screen))]
    Ended {
        /// With which code, or by which signal.
        how: String,
        /// The last screen.
        screen: String,
    },
}

fn shown(screen: &str) -> String {
    if screen.is_empty() {
        return String::new();
    }
    format!("; its screen was:\n{screen}")
}

/// What a running server is asked to do from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Write the state file now.
    Save,
    /// End the agent, then the server. Asked for once more, the server does not wait for the agent.
    Stop,
}

/// The agent of a name as agentapi's flag `--type` knows it, aliases included.
pub fn agent_of(name: &str) -> Option<&'static Spec> {
    let id = match name {
        "cursor-agent" => "cursor",
        "q" => "amazonq",
        other => other,
    };
    agents::find(&id.parse().ok()?)
}

/// The agent that a program speaks for: its own, or the one that it is an adapter of.
pub fn agent_of_program(name: &str) -> Option<&'static Spec> {
    let speaks_for = |spec: &&Spec| {
        let acp = spec.acp.iter().flat_map(|acp| &acp.programs);
        acp.into_iter().any(|program| program == name)
    };
    agent_of(name).or_else(|| agents::all().iter().find(speaks_for))
}

/// A server that is bound to its address and whose agent runs.
pub struct Server {
    listeners: Vec<TcpListener>,
    port: u16,
    shared: Arc<Shared>,
    events: mpsc::UnboundedReceiver<SessionEvent>,
    save_to: Option<PathBuf>,
    /// Removed when dropped.
    pid_file: Option<PidFile>,
}

/// What the handlers share.
struct Shared {
    conversation: Conversation,
    session: SessionHandle,
    transport: Transport,
    /// Tells the ids of events of this run from those of others.
    run: String,
    uploads: uploads::Uploads,
    hosts: Hosts,
    origins: Origins,
    chat_base_path: String,
    stopping: CancellationToken,
}

impl Server {
    /// Takes the address, then starts the agent.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let spec = agent_of(&config.agent).ok_or(Error::UnknownAgent(config.agent.clone()))?;
        let session = SessionId(Uuid::now_v7());
        let launch = agent::launch(&config, spec, session)?;
        let loaded = match &config.state_file {
            Some(path) if config.load_state => state_file::load(path)?,
            _ => None,
        };
        let port = config.port;
        let (listeners, port) = listen::listen(config.hosts.addresses(), port)
            .await
            .map_err(|source| Error::Listen { port, source })?;
        let pid_file = config.pid_file.map(PidFile::write).transpose()?;
        let uploads = uploads::Uploads::new()?;
        // The task is started inside the runtime although the fork blocks.
        let runtime = tokio::runtime::Handle::current();
        let transport = config.transport;
        let started = tokio::task::spawn_blocking(move || {
            let _inside = runtime.enter();
            agent::start(transport, spec, session, launch)
        });
        let (session, events) = started
            .await
            .map_err(|error| Error::Serve(io::Error::other(error)))??;
        // Over the protocol there is no screen with which an agent begins.
        let opens = transport == Transport::Pty;
        let conversation = Conversation::new(spec, opens, config.initial_prompt, loaded);
        Ok(Self {
            listeners,
            port,
            shared: Arc::new(Shared {
                conversation,
                run: Uuid::new_v4().simple().to_string(),
                session,
                transport,
                uploads,
                hosts: config.hosts,
                origins: config.origins,
                chat_base_path: config.chat_base_path.trim_end_matches('/').to_owned(),
                stopping: CancellationToken::new(),
            }),
            events,
            save_to: config.state_file.filter(|_| config.save_state),
            pid_file,
        })
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves until the agent ends or is ended by a request. `prompt` is a first message that comes
    /// later than the start, or never.
    pub async fn run(
        self,
        mut requests: mpsc::Receiver<Request>,
        prompt: oneshot::Receiver<String>,
    ) -> Result<(), Error> {
        let Self {
            listeners,
            shared,
            mut events,
            save_to,
            pid_file: _pid_file,
            ..
        } = self;
        let save_now = || {
            if let Some(path) = &save_to
                && let Err(error) = state_file::save(path, &shared.conversation.saved())
            {
                tracing::warn!(%error, "the messages are not saved");
            }
        };
        let mut serving = JoinSet::new();
        for listener in listeners {
            let (router, stopping) = (http::router(Arc::clone(&shared)), shared.stopping.clone());
            serving.spawn(async move {
                axum::serve(listener, router)
                    .with_graceful_shutdown(async move { stopping.cancelled().await })
                    .await
            });
        }
        let mut asked = false;
        let mut prompt = prompt.fuse();
        let ended = loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(SessionEvent::Ended { status, screen }) => break Some((status, screen)),
                    Some(event) => {
                        if let Some(prompt) = shared.conversation.learn(event, &shared.session).await {
                            begin(&shared, prompt);
                        }
                    }
                    None => break None,
                },
                Some(request) = requests.recv() => match request {
                    Request::Save => save_now(),
                    Request::Stop if asked => break None,
                    Request::Stop => {
                        asked = true;
                        shared.session.stop().await;
                    }
                },
                offered = &mut prompt, if !prompt.is_terminated() => {
                    // Without one there is nothing to do: none came.
                    if let Some(prompt) = offered.ok().and_then(|text| shared.conversation.offer(&text)) {
                        begin(&shared, prompt);
                    }
                }
            }
        };
        save_now();
        let failure = ended.filter(|_| !asked).and_then(|(status, screen)| {
            let how = failure(&status)?;
            let screen = screen.trim_end().to_owned();
            Some(Error::Ended { how, screen })
        });
        shared
            .conversation
            .ended(failure.as_ref().map(ToString::to_string));
        shared.stopping.cancel();
        let mut served = Ok(());
        let goodbye = async {
            while let Some(ended) = serving.join_next().await {
                let ended = ended.unwrap_or_else(|error| Err(io::Error::other(error)));
                served = std::mem::replace(&mut served, Ok(())).and(ended);
            }
        };
        // Somebody who neither reads nor sends must not keep the server; what still serves ends with
        // the set.
        if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
            tracing::debug!("open connections are cut");
        }
        failure.map_or_else(|| served.map_err(Error::Serve), Err)
    }
}

/// Sends the first message. That it was taken is told by the session like any other.
fn begin(shared: &Arc<Shared>, prompt: String) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        if let Err(problem) = shared.session.send(prompt).await {
            shared.conversation.prompt_failed(&problem.detail);
        }
    });
}

fn failure(status: &Status) -> Option<String> {
    match status {
        Status::Exited { code: Some(0), .. } => None,
        Status::Exited {
            code: Some(code), ..
        } => Some(format!("with code {code}")),
        Status::Exited {
            signal: Some(signal),
            ..
        } => Some(format!("by signal {signal}")),
        Status::Failed { failure } => Some(format!("early: {}", failure.detail)),
        _ => Some("and left no code".to_owned()),
    }
}

/// A file with the process id, there while the server runs.
#[derive(Debug)]
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: PathBuf) -> Result<Self, Error> {
        std::fs::write(&path, format!("{}\n", std::process::id())).map_err(|source| {
            Error::File {
                path: path.clone(),
                source,
            }
        })?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the file with the process id is not removed");
        }
    }
}
