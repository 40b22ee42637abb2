//! Agents: the kinds of CLI that Berth can run.

mod definition;

use serde::{Deserialize, Serialize};

pub use definition::*;

use crate::{AgentId, RouterKind};

/// A kind of CLI, and what was found of it on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agent {
    /// Name used in requests.
    pub id: AgentId,
    /// Name shown to people.
    pub name: String,
    /// Whether and how it can be started.
    pub state: AgentState,
    /// Where the program is.
    pub path: Option<String>,
    /// How the program was found.
    pub found: Option<Found>,
    /// Version that the program reports, without its name.
    pub version: Option<String>,
    /// What is wrong, when `state` is `broken` or `too_old`.
    pub detail: Option<String>,
    /// What to run to sign in.
    pub sign_in_hint: Option<String>,
    /// What to run to install it.
    pub install_hint: Option<String>,
    /// Permission modes that a session may start with, the default first. Empty when the program
    /// has none.
    pub permission_modes: Vec<PermissionMode>,
    /// It can go on with a conversation of an earlier run.
    #[serde(default)]
    pub resumes: bool,
    /// The kinds of router that its requests can go through.
    #[serde(default)]
    pub routers: Vec<RouterKind>,
    /// It cannot be run without one.
    #[serde(default)]
    pub needs_router: bool,
    /// A user described it; see `GET /agents/{id}/definition`.
    #[serde(default)]
    pub defined: bool,
    /// How it can be spoken to over the Agent Client Protocol; absent when it does not speak it.
    #[serde(default)]
    pub acp: Option<AcpSupport>,
    /// Why the active organization lets no session of it begin, for people; absent when it does.
    #[serde(default)]
    pub refused: Option<String>,
}

/// How an agent can be spoken to over the Agent Client Protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcpSupport {
    /// The program that speaks it is there.
    pub installed: bool,
    /// What to run to install that program.
    pub install_hint: Option<String>,
    /// The permission modes that can be had that way, by their names in requests.
    pub permission_modes: Vec<String>,
}

/// Whether an agent can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Found; its version is being asked.
    Checking,
    /// Found, and it answered.
    Ready,
    /// Found, but it cannot be executed or does not answer.
    Broken,
    /// Found, but Berth needs a newer version.
    TooOld,
    /// Not found.
    Missing,
    /// Found, but this version of Berth has no adapter to run it yet.
    Unsupported,
}

/// How an agent's program was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// On the `PATH` of the user's login shell.
    Path,
    /// In a folder where its installer usually puts it.
    UsualFolder,
    /// It belongs to the system or is named by the request.
    BuiltIn,
}

/// A choice of how much an agent may do without asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermissionMode {
    /// Name used in requests.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// What it allows, in one sentence.
    pub description: String,
    /// The agent's own checks are off in this mode.
    pub unchecked: bool,
    /// Why the active organization lets no session begin in it, for people; absent when it does.
    #[serde(default)]
    pub refused: Option<String>,
}

/// Answer of `GET /agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentList {
    /// Every agent that Berth knows, those that are ready first.
    pub agents: Vec<Agent>,
}
