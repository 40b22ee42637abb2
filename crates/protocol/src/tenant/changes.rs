//! A user's changes of what an organization shares that have not gone through, and what is decided about them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Problem,
    tenant::{EntityKind, Mutation, Resolution},
};

/// The user's changes that the replica does not show yet: answer of `GET /org/organizations/{id}/changes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgChanges {
    /// The oldest first.
    pub changes: Vec<OrgChange>,
    /// What this machine tells by itself and the organization does not have yet.
    #[serde(default)]
    pub told: OrgTold,
}

/// What a machine tells an organization of its sessions, workspaces and sign-ins, as far as it has not arrived. These are
/// facts: they cannot be dropped, and where the organization has something else, what the machine says holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTold {
    /// Facts that wait to be sent or answered.
    pub waiting: u64,
    /// Those that the backend refuses, by kind and reason.
    pub refused: Vec<ToldRefused>,
}

/// Facts of one kind that the backend refuses for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToldRefused {
    /// What they are about.
    pub kind: EntityKind,
    /// Why, as the backend says, such as `sync.invalid`.
    pub code: String,
    /// More about it, such as the constraint that they break.
    #[serde(default)]
    pub reason: Option<String>,
    /// How many there are.
    pub count: u64,
}

/// A change, and what it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgChange {
    /// What the row is called: by the backend if it has it, else by the change. Absent where a row has no name.
    #[serde(default)]
    pub name: Option<String>,
    /// The change.
    pub change: Mutation,
}

/// How a conflict shall end: body of `POST /org/organizations/{id}/changes/{mutation}/resolve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResolveChange {
    /// The revision of the other side that was looked at: `server_rev` of the conflict.
    pub seen_rev: i64,
    /// What is kept.
    pub choice: Resolution,
}

/// How a conflict has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeResolved {
    /// The row that the user's change is about from here on; absent when the change was dropped.
    #[serde(default)]
    pub kept: Option<Uuid>,
}

/// The problem `sync.conflict_moved`, with the conflict as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeMoved {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// Both sides as they are now; absent when the change does not wait any more.
    #[serde(default)]
    pub change: Option<OrgChange>,
}
