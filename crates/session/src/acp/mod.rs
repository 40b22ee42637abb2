//! Agents that speak the Agent Client Protocol (<https://agentclientprotocol.com>, version 1).
//!
//! A session over it is the same to everybody else as one on a terminal: the same
//! [`SessionHandle`], the same events. What the agent says, plans, asks and does comes as data, so
//! nothing is read from a screen. Its terminal shows a plain account of the conversation; nobody can type
//! into it.
//!
//! The agent gets no files and no terminals from Berth: it works in its workspace with its own tools,
//! and asks before it uses them as its mode says.

mod account;
mod actor;
mod bounded;
mod connection;
mod process;
mod refusal;
mod turn;

use std::{path::PathBuf, sync::Arc, time::Duration};

use agent_client_protocol::v1::schema::{ContentBlock, ContentChunk, SessionUpdate};
use berth_protocol::{SessionId, SessionMcpServer};
pub use connection::Resume;
use regex::Regex;
use tokio::sync::mpsc;

use crate::{
    live::{self, COMMANDS, SessionEvent, SessionHandle},
    process::{Family, Reaper},
    pty::{Launch, PtyError},
    router::Instance,
};

/// What a session over the protocol is started with.
pub struct Start {
    /// The session.
    pub id: SessionId,
    /// Which start of the session this is.
    pub run: u32,
    /// What to run.
    pub launch: Launch,
    /// The agent's name, for people.
    pub agent: String,
    /// How to sign in, for people.
    pub sign_in_hint: Option<String>,
    /// The mode that the agent is put in before it takes messages.
    pub mode: Option<String>,
    /// The conversation that the agent goes on with.
    pub resume: Option<Resume>,
    /// What is added to the agent's own instructions over the protocol.
    pub instructions: Option<String>,
    /// The servers that the agent is given.
    pub mcp_servers: Vec<SessionMcpServer>,
    /// What the agent is told besides when a conversation is begun or loaded.
    pub meta: serde_json::Map<String, serde_json::Value>,
    /// Words that the agent says for programs and not for its user.
    pub noise: Arc<[Regex]>,
    /// Where the recording of its account goes; a file that must not exist.
    pub recording: Option<PathBuf>,
    /// Title in the recording.
    pub title: String,
    /// The router that its requests go through; it is stopped with the session.
    pub router: Option<Instance>,
    /// Ends what the program leaves behind.
    pub reaper: Reaper,
    /// How long the program has to end when it is stopped.
    pub grace: Duration,
}

impl Start {
    fn is_noise(&self, update: &SessionUpdate) -> bool {
        match update {
            SessionUpdate::AgentMessageChunk(ContentChunk {
                content: ContentBlock::Text(text),
                ..
            }) => self.noise.iter().any(|noise| noise.is_match(&text.text)),
            _ => false,
        }
    }
}

/// Starts an agent and the task that speaks with it. Blocks for the time of a fork, and must be called
/// inside the runtime.
///
/// That the agent takes messages is told by its first status, or by its end why it does not.
pub fn start(
    start: Start,
) -> Result<(SessionHandle, mpsc::UnboundedReceiver<SessionEvent>), PtyError> {
    let process = process::spawn(&start.launch)?;
    let leader = crate::process::started_at(process.pid).map(|at| (process.pid, at));
    let family = Family {
        session: start.id,
        leader,
        servers: false,
    };
    let (events, receiver) = mpsc::unbounded_channel();
    let size = start.launch.size;
    let recorder = live::recorder(start.recording.as_deref(), size, &start.title, &events);
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let handle = SessionHandle::new(start.id, start.run, family, commands);
    let account = account::Account::new(size, recorder);
    tokio::spawn(actor::Actor::new(start, family, account, events).run(inbox, process));
    Ok((handle, receiver))
}
