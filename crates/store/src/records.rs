//! The rows of the store as typed records: persisted facts only. What the engine derives, such as
//! whether an agent works or waits, is not among them.

use berth_protocol::{
    AgentId, Beginning, DiffStat, EffectivePrompt, Failure, MessageId, ProjectId, RouterId,
    SessionId, SessionMcpServer, Size, Timestamp, Transport, Workspace, tenant::Tenant,
};

/// A project as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRecord {
    /// Identifier.
    pub id: ProjectId,
    /// Absolute path, unique among projects.
    pub path: String,
    /// Name shown to people.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Whether a session's program runs, as far as the store was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was started, or is about to be, and its end was not reported.
    Live,
    /// It ended.
    Exited {
        /// Exit code; absent when a signal ended it.
        code: Option<i32>,
        /// Name of the signal that ended it, such as `SIGTERM`.
        signal: Option<String>,
    },
    /// It could not be started, or was lost.
    Failed(Failure),
}

impl Phase {
    /// The phase as one word: `live`, `exited` or `failed`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Exited { .. } => "exited",
            Self::Failed(_) => "failed",
        }
    }

    /// There is a program, or there will be one shortly.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }
}

/// A process of the operating system, told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in seconds since 1970.
    pub started_at: u64,
}

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Identifier.
    pub id: SessionId,
    /// The project it belongs to.
    pub project_id: ProjectId,
    /// The kind of agent.
    pub agent: AgentId,
    /// Name shown to people.
    pub title: String,
    /// Whether its program runs.
    pub phase: Phase,
    /// Where it works.
    pub workspace: Workspace,
    /// How the engine talks with the agent.
    pub transport: Transport,
    /// The permission mode it was started with.
    pub permission_mode: Option<String>,
    /// Program and arguments, for the `custom` agent.
    pub command: Option<Vec<String>>,
    /// Size of its terminal.
    pub size: Size,
    /// How often it was started, from 1.
    pub run: u32,
    /// Its process, once it was started and until its end was reported.
    pub process: Option<Process>,
    /// The agent's own name for the conversation, with which it can be resumed.
    pub agent_session: Option<String>,
    /// Where this run of it began.
    pub beginning: Beginning,
    /// What is added to the agent's own instructions at each start.
    pub instructions: Option<String>,
    /// The MCP servers that the agent is given at each start.
    pub mcp_servers: Vec<SessionMcpServer>,
    /// The router that its agent's requests go through.
    pub router: Option<RouterId>,
    /// Changes in its workspace when last looked at.
    pub changes: Option<DiffStat>,
    /// The message that its agent has not taken yet.
    pub undelivered: Option<MessageId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its phase last changed, or it was archived or brought back.
    pub updated_at: Timestamp,
    /// When its program ended; absent while live.
    pub ended_at: Option<Timestamp>,
    /// When it was archived, if it is.
    pub archived_at: Option<Timestamp>,
    /// The commit that keeps its uncommitted work, if it is archived and had any.
    pub archive_commit: Option<String>,
}

/// What [`Store::create_session`](crate::Store::create_session) is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Identifier, made by the caller because the path of the workspace depends on it.
    pub id: SessionId,
    /// The project it belongs to.
    pub project_id: ProjectId,
    /// The kind of agent.
    pub agent: AgentId,
    /// Name shown to people.
    pub title: String,
    /// Where it works.
    pub workspace: Workspace,
    /// How the engine talks with the agent.
    pub transport: Transport,
    /// The permission mode it is started with.
    pub permission_mode: Option<String>,
    /// Program and arguments, for the `custom` agent.
    pub command: Option<Vec<String>>,
    /// Size of its terminal.
    pub size: Size,
    /// The agent's own name for the conversation, when it is known before the start.
    pub agent_session: Option<String>,
    /// What is added to the agent's own instructions at each start.
    pub instructions: Option<String>,
    /// The MCP servers that the agent is given at each start.
    pub mcp_servers: Vec<SessionMcpServer>,
    /// The router that its agent's requests go through.
    pub router: Option<RouterId>,
    /// What its first run is given of the system prompts.
    pub prompt: GivenPrompt,
    /// The organization under which it begins, which is told of it.
    pub tenant: Option<Tenant>,
}

/// What a run of a session is given of the system prompts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenPrompt {
    /// What was put together for it.
    pub effective: EffectivePrompt,
    /// Why the agent does not get it, if it does not.
    pub undelivered: Option<String>,
    /// The day it was put together for, as `2026-11-25`.
    pub date: String,
    /// The time zone it was put together for.
    pub time_zone: String,
}

/// A workspace that is being made for a session which is not recorded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedWorkspace {
    /// The session that it is for.
    pub session_id: SessionId,
    /// Absolute path of the project's folder.
    pub project_path: String,
    /// Absolute path of the workspace's top folder.
    pub path: String,
}

/// A change that waits for sync.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    /// Position, ascending; a number is never given twice.
    pub id: i64,
    /// What kind of thing changed, such as `session`.
    pub entity_kind: String,
    /// Identifier of that thing.
    pub entity_id: String,
    /// What to do with it.
    pub op: Op,
    /// Identifiers and versions; whoever sends the entry reads the row itself.
    pub payload: serde_json::Value,
    /// When it changed.
    pub created_at: Timestamp,
}

/// What an outbox entry does to its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The entity is new or changed.
    Upsert,
    /// The entity is gone.
    Delete,
}

impl Op {
    /// The word that stands in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Delete => "delete",
        }
    }
}
