//! State changes that the engine pushes to its clients.

use serde::{Deserialize, Serialize};

use crate::{
    Agent, AuditEvent, McpConfiguration, McpConfigurationId, Message, Project, ProjectId, PromptId,
    PromptPolicy, Router, RouterId, Session, SessionId, SystemPrompt, tenant::OrgState,
};

/// One state change, sent on `GET /events` (all kinds) and `GET /chat/stream` (messages and
/// status of one session) as server-sent events: `event` is the tag, `data` this value as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The stream cannot be resumed from the given id: fetch everything anew.
    Reset,
    /// A project was added or changed.
    ProjectChanged {
        /// The project as it is now.
        project: Project,
    },
    /// A project was removed.
    ProjectRemoved {
        /// Which.
        id: ProjectId,
    },
    /// Agents were detected, or one's state changed.
    AgentsChanged {
        /// All agents as they are now.
        agents: Vec<Agent>,
    },
    /// A router was added or changed.
    RouterChanged {
        /// The router as it is now.
        router: Box<Router>,
    },
    /// A router was removed.
    RouterRemoved {
        /// Which.
        id: RouterId,
    },
    /// A prompt was added or changed.
    PromptChanged {
        /// The prompt as it is now.
        prompt: Box<SystemPrompt>,
    },
    /// A prompt was removed.
    PromptRemoved {
        /// Which.
        id: PromptId,
    },
    /// What holds for all prompts has changed.
    PromptPolicyChanged {
        /// The policy as it is now.
        policy: PromptPolicy,
    },
    /// An MCP server was added or changed, or is doing otherwise than before.
    McpChanged {
        /// The server as it is now.
        configuration: Box<McpConfiguration>,
    },
    /// An MCP server was removed.
    McpRemoved {
        /// Which.
        id: McpConfigurationId,
    },
    /// It stands otherwise with organizations, or with their sync.
    OrgChanged {
        /// How it is now.
        org: Box<OrgState>,
    },
    /// A session was created or changed.
    SessionChanged {
        /// The session as it is now.
        session: Box<Session>,
    },
    /// A session was deleted.
    SessionRemoved {
        /// Which.
        id: SessionId,
    },
    /// A message was added, grew (while `partial`) or was completed.
    MessageChanged {
        /// The message as it is now.
        message: Message,
    },
    /// Something happened that the audit trail tells.
    AuditAdded {
        /// What.
        event: Box<AuditEvent>,
    },
}

impl Event {
    /// The tag, used as the event name of the stream.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::ProjectChanged { .. } => "project_changed",
            Self::ProjectRemoved { .. } => "project_removed",
            Self::AgentsChanged { .. } => "agents_changed",
            Self::RouterChanged { .. } => "router_changed",
            Self::RouterRemoved { .. } => "router_removed",
            Self::PromptChanged { .. } => "prompt_changed",
            Self::PromptRemoved { .. } => "prompt_removed",
            Self::PromptPolicyChanged { .. } => "prompt_policy_changed",
            Self::McpChanged { .. } => "mcp_changed",
            Self::McpRemoved { .. } => "mcp_removed",
            Self::OrgChanged { .. } => "org_changed",
            Self::SessionChanged { .. } => "session_changed",
            Self::SessionRemoved { .. } => "session_removed",
            Self::MessageChanged { .. } => "message_changed",
            Self::AuditAdded { .. } => "audit_added",
        }
    }
}
