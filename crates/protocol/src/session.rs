//! Sessions: one run of an agent in a workspace.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AgentId, Code, MessageId, ProjectId, RouterId, Secret, SessionId, SessionRouter};

/// One run of an agent in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// The project it belongs to.
    pub project_id: ProjectId,
    /// The kind of agent.
    pub agent: AgentId,
    /// Name shown to people.
    pub title: String,
    /// What it is doing.
    #[serde(flatten)]
    pub status: Status,
    /// Where it works.
    pub workspace: Workspace,
    /// How the engine talks with the agent.
    pub transport: Transport,
    /// The permission mode it was started with.
    pub permission_mode: Option<String>,
    /// Program and arguments, for the `custom` agent.
    pub command: Option<Vec<String>>,
    /// The router that its agent's requests go through.
    #[serde(default)]
    pub router: Option<SessionRouter>,
    /// Size of its terminal.
    pub size: Size,
    /// How often it was started: 1 at first, one more at each restart.
    pub run: u32,
    /// Where this run of it began.
    #[serde(default)]
    pub beginning: Beginning,
    /// Changed files in its workspace when last looked at.
    pub changes: Option<DiffStat>,
    /// The message of the transcript that the agent has not taken yet: it is handed over as soon
    /// as the agent takes messages, after a restart too.
    #[serde(default)]
    pub undelivered: Option<MessageId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
    /// When the agent ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// When it was archived, if it is.
    pub archived_at: Option<Timestamp>,
}

/// What a session is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// The program is starting and does not take messages yet.
    Starting,
    /// The agent works.
    Running,
    /// The agent waits for the user's next message.
    Waiting,
    /// The agent asks for an approval or an answer.
    NeedsAttention {
        /// What it asks.
        attention: Attention,
    },
    /// The program ended.
    Exited {
        /// Exit code; absent when a signal ended it.
        code: Option<i32>,
        /// Name of the signal that ended it, such as `SIGTERM`.
        signal: Option<String>,
    },
    /// The program could not be started, or was lost.
    Failed {
        /// Why.
        failure: Failure,
    },
}

impl Status {
    /// The status as one word, as it stands in the field `status`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::NeedsAttention { .. } => "needs_attention",
            Self::Exited { .. } => "exited",
            Self::Failed { .. } => "failed",
        }
    }

    /// There is a program that runs.
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Exited { .. } | Self::Failed { .. })
    }
}

/// What an agent asks the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attention {
    /// Identifies this question; an answer must name it, so that an answer to an old question
    /// never reaches a new one.
    pub id: String,
    /// The question as the agent shows it.
    pub question: String,
    /// The answers it offers. Empty when only the terminal can answer.
    pub options: Vec<AttentionOption>,
    /// What the option `accept` takes besides itself, in a question of an MCP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<AttentionNeeds>,
}

/// What an answer takes besides a chosen option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttentionNeeds {
    /// A form that is filled in: `GET` and `POST /sessions/{id}/form`.
    Form,
    /// A page that the user reads and opens. Nobody else opens it: it may lead anywhere.
    Page {
        /// Its address: https, or http on the loopback address.
        url: String,
    },
}

/// One of the answers that an agent offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttentionOption {
    /// Name used in `POST /sessions/{id}/approval`.
    pub id: String,
    /// The answer as the agent shows it.
    pub label: String,
}

/// Why a session failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// Stable code.
    pub code: Code,
    /// What happened, to what, and what to do next.
    pub detail: String,
}

/// Where a session works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workspace {
    /// A worktree of its own, or the project's folder.
    pub kind: WorkspaceKind,
    /// Absolute path of its folder.
    pub path: String,
    /// Its branch, for a worktree.
    pub branch: Option<String>,
    /// The branch or commit that it was asked to start from.
    pub base: Option<String>,
    /// The commit that its changes are compared with.
    pub base_commit: Option<String>,
}

/// Kinds of workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceKind {
    /// A git worktree on a branch of its own.
    Worktree,
    /// The project's folder itself.
    InPlace,
}

/// Which workspace a new session asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WorkspaceRequest {
    /// A git worktree on a new branch.
    Worktree {
        /// Branch, tag or commit to start from; the project's current HEAD when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// Name of the new branch; made from the message or title when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
    },
    /// The project's folder itself.
    InPlace,
}

/// How the engine talks with an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// A terminal whose screen is read.
    #[default]
    Pty,
    /// The Agent Client Protocol.
    Acp,
}

/// Where a run of an agent begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Beginning {
    /// In a new conversation.
    #[default]
    New,
    /// In the conversation that the agent itself kept of the run before.
    Resumed,
    /// In a new conversation, whose first message is the transcript.
    Transcript,
}

/// An MCP server that a session's agent is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum SessionMcpServer {
    /// A program that the agent starts and speaks to over its standard input and output.
    Stdio {
        /// Name, of letters, digits, `-` and `_`, at most 64; unique in the session.
        name: String,
        /// The program: a name on the `PATH`, or an absolute path.
        command: String,
        /// Its arguments. They are no place for secrets: every process of the user can read them.
        #[serde(default)]
        args: Vec<String>,
    },
    /// A server that is reached over streamable HTTP.
    Http {
        /// Name, as above.
        name: String,
        /// Its address: https, or http on loopback.
        url: String,
        /// What an agent proves with that it may ask Berth's own gateway. Clients give none, and none is stored
        /// or shown.
        #[serde(skip)]
        #[cfg_attr(feature = "openapi", schema(ignore))]
        bearer: Option<Secret>,
    },
}

impl SessionMcpServer {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Stdio { name, .. } | Self::Http { name, .. } => name,
        }
    }
}

/// Body of `POST /sessions/{id}/restart`, which may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RestartSession {
    /// Where it shall begin. When absent it is resumed if the agent has kept its conversation, and begins a
    /// new one otherwise; `resumed` refuses instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beginning: Option<Beginning>,
}

/// Size of a terminal in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Size {
    /// Rows, 2 to 2,000.
    pub rows: u16,
    /// Columns, 2 to 1,000.
    pub cols: u16,
}

impl Size {
    /// The size of a session that nobody looks at yet.
    pub const DEFAULT: Self = Self {
        rows: 40,
        cols: 120,
    };

    /// The nearest allowed size.
    pub fn clamped(self) -> Self {
        Self {
            rows: self.rows.clamp(2, 2000),
            cols: self.cols.clamp(2, 1000),
        }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Changed files and lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffStat {
    /// Files.
    pub files: u32,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// Body of `POST /sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateSession {
    /// The project to work in.
    pub project_id: ProjectId,
    /// The kind of agent to run.
    pub agent: AgentId,
    /// First message to the agent, sent as soon as it takes messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Name, 1 to 200 characters; made from the message when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where to work: a worktree when the project is a git repository with a commit, unless this
    /// says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceRequest>,
    /// How to talk with the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// One of the agent's permission modes; its default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    /// Program and arguments, required for the agent `custom` and refused for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The router that the agent's requests shall go through; each run uses its settings of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterId>,
    /// Size of the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Instructions that are added to the agent's own system prompt, at most 32 KiB; for agents that take
    /// some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// MCP servers that the agent is given besides those that its user has, at most 32; for agents that
    /// take some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<SessionMcpServer>,
}

/// Body of `PATCH /sessions/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateSession {
    /// New name, 1 to 200 characters.
    pub title: String,
}

/// Answer of `GET /sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// Sessions, newest first.
    pub sessions: Vec<Session>,
}

/// Body of `POST /sessions/{id}/input`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Text typed into the terminal, as it is; at most 1 MiB.
    pub data: String,
}

/// Body of `POST /sessions/{id}/approval`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The question that is answered.
    pub attention_id: String,
    /// The chosen option.
    pub option_id: String,
}

/// What would be lost with a session's workspace. Answer of `GET /sessions/{id}/work`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnsavedWork {
    /// Number of files with uncommitted changes, untracked ones included.
    pub uncommitted: u32,
    /// The first 50 of them.
    pub files: Vec<String>,
    /// Number of commits that are on no other branch, local or remote.
    pub unpushed: u32,
    /// The first 50 of them, as hash and subject.
    pub commits: Vec<CommitLine>,
}

impl UnsavedWork {
    /// Nothing would be lost.
    pub fn is_empty(&self) -> bool {
        self.uncommitted == 0 && self.unpushed == 0
    }
}

/// A commit in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitLine {
    /// Full hash.
    pub hash: String,
    /// First line of its message.
    pub subject: String,
}

/// The terminal's visible screen as text. Answer of `GET /sessions/{id}/screen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Screen {
    /// The rows joined by line feeds, without trailing blanks.
    pub text: String,
    /// The cursor.
    pub cursor: Cursor,
    /// Size in cells.
    pub size: Size,
    /// Title that the program set.
    pub title: String,
}

/// The terminal's cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cursor {
    /// Row, from 0.
    pub row: u16,
    /// Column, from 0.
    pub col: u16,
    /// The program shows it.
    pub visible: bool,
}
