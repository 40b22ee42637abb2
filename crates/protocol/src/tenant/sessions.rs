//! The sessions of an organization, as their machines have told its backend.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::OrgPerson;
use crate::{DiffStat, Transport};

/// Answer of `GET /org/organizations/{id}/sessions`. The backend is asked, which shows admins all of them and others
/// their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgSessions {
    /// Whoever is signed in sees those of everybody.
    pub is_admin: bool,
    /// Sessions, the newest first.
    pub sessions: Vec<OrgSession>,
    /// Pass this as `after` to get the next page; absent at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// A session as an organization knows it. Its title, its words and its folder stay on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgSession {
    /// Identifier, which the audit trail names too, unless its first run was not under this organization.
    pub id: Uuid,
    /// Whose.
    pub person: OrgPerson,
    /// The machine that it runs on.
    pub device_id: Uuid,
    /// That machine is the one whose engine answers.
    pub is_here: bool,
    /// The kind of agent.
    pub agent: String,
    /// How the engine talks with the agent.
    pub transport: Transport,
    /// The permission mode that it was started with.
    #[serde(default)]
    pub permission_mode: Option<String>,
    /// Whether it runs, as far as its machine has told.
    pub phase: OrgSessionPhase,
    /// The exit code of its program; absent while it runs, or when a signal has ended it.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The signal that has ended its program, such as `SIGTERM`.
    #[serde(default)]
    pub exit_signal: Option<String>,
    /// Stable code of why it failed.
    #[serde(default)]
    pub failure_code: Option<String>,
    /// How often it was started, from 1.
    pub run: u32,
    /// When it began, by the clock of its machine, as the next moments are.
    pub started_at: Timestamp,
    /// When it ended; absent while it runs.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// When it was archived, if it is.
    #[serde(default)]
    pub archived_at: Option<Timestamp>,
    /// Where it works; absent while that was not told.
    #[serde(default)]
    pub workspace: Option<OrgWorkspace>,
}

/// Whether a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrgSessionPhase {
    /// It runs.
    Live,
    /// It has ended.
    Exited,
    /// It could not be started, or was lost.
    Failed,
}

/// Where a session of an organization works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgWorkspace {
    /// What it is.
    pub kind: OrgWorkspaceKind,
    /// Its branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// The branch or commit that it was asked to start from.
    #[serde(default)]
    pub base: Option<String>,
    /// The commit that its changes are compared with.
    #[serde(default)]
    pub base_commit: Option<String>,
    /// Changes when they were last counted.
    #[serde(default)]
    pub changes: Option<DiffStat>,
}

/// Kinds of workspaces that an organization knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrgWorkspaceKind {
    /// A git worktree on a branch of its own.
    Worktree,
    /// The project's folder itself.
    InPlace,
    /// A folder on a server.
    Server,
}

/// Which sessions are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrgSessionState {
    /// Those that run.
    Running,
    /// Those that have ended or failed.
    Ended,
}
