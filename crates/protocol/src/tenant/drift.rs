//! In what a machine differs from what an organization wants.

use serde::{Deserialize, Serialize};

use crate::{McpConfigurationId, OrganizationId, PromptId, SessionId};

/// In what this machine differs from what an organization wants: answer of `GET /org/organizations/{id}/drift`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgDrift {
    /// The organization.
    pub organization: OrganizationId,
    /// The differences, those of the organization as a whole first; empty when this machine is as it wants it.
    pub findings: Vec<Drift>,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Drift {
    /// What it is.
    pub kind: DriftKind,
    /// What it is about, and where it is mended.
    pub about: DriftAbout,
    /// The name of that.
    pub name: String,
    /// What differs, in a sentence.
    pub detail: String,
    /// What to do, in a sentence.
    pub hint: String,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The organization is not the active one: nothing of it holds here.
    NotActive,
    /// What is here may not be what the backend has.
    SyncNotFresh,
    /// Changes wait for a choice, or are refused.
    ChangesHeld,
    /// What this machine tells of its sessions and sign-ins is refused: admins do not see it.
    ToldRefused,
    /// Its policy is not here, or not understood: nothing can begin.
    PolicyMissing,
    /// Its user does without a prompt.
    PromptDeclined,
    /// A prompt is for agents or projects that this machine does not have.
    PromptNotTargeted,
    /// The agent of a session takes no prompts.
    PromptUndelivered,
    /// Nobody here has agreed to a server that is installed.
    ServerNotConsented,
    /// Nobody here is signed in to a server that is installed, or a secret of it is missing.
    ServerNotSignedIn,
    /// A server that is installed does not work.
    ServerFailed,
    /// Tools of a server that is installed are not what they were.
    ServerQuarantined,
    /// A server is blocked in words that this version does not understand: no server of the user's own is used.
    ServerUnreadable,
    /// A server of the user's own is one that is blocked.
    OwnServerBlocked,
    /// A session runs that the policy would not let begin now.
    SessionNotAllowed,
    /// A session runs with other prompts than it would be given now.
    SessionPromptOld,
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DriftAbout {
    /// The organization as a whole.
    Organization,
    /// A prompt.
    Prompt {
        /// Which.
        id: PromptId,
    },
    /// An MCP server.
    Server {
        /// Which.
        id: McpConfigurationId,
    },
    /// The MCP servers as a whole.
    Servers,
    /// A session.
    Session {
        /// Which.
        id: SessionId,
    },
}
