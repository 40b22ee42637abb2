//! A user's changes of what an organization shares that have not gone through, and what is decided about them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Problem,
    tenant::{Mutation, Resolution},
};

/// The user's changes that the replica does not show yet: answer of `GET /org/organizations/{id}/changes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgChanges {
    /// The oldest first.
    pub changes: Vec<OrgChange>,
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
