//! How it stands with sync, as people see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Code, MutationId, tenant::EntityKind};

/// How it stands with the sync of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncState {
    /// Whether what is here is what the backend has.
    pub status: SyncStatus,
    /// When it last was; absent before the first time.
    #[serde(default)]
    pub fresh_at: Option<Timestamp>,
    /// Changes of the user that wait to be sent or answered.
    pub waiting: u64,
    /// Changes of the user that somebody must choose about.
    pub conflicts: u64,
    /// Changes of the user that the backend refuses.
    pub parked: u64,
    /// Why the newest of them is refused, as the backend says, such as `sync.forbidden`.
    #[serde(default)]
    pub parked_code: Option<String>,
    /// What this machine tells of its sessions, workspaces and sign-ins by itself.
    #[serde(default)]
    pub told: ToldCounts,
    /// Audit events that wait to be sent.
    pub audit_waiting: u64,
    /// Audit events that the backend has refused.
    pub audit_refused: u64,
    /// Rounds of sync that have ended, in whichever way, since the program started.
    pub rounds: u64,
    /// The backend tells of changes as they happen: none waits for the next time that it is asked.
    #[serde(default)]
    pub listening: bool,
}

/// How much of what a machine tells by itself has not arrived. It is no edit, so it is not among the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToldCounts {
    /// Facts that wait to be sent or answered.
    pub waiting: u64,
    /// Facts that the backend refuses.
    pub refused: u64,
    /// Why the newest of them is refused, as the backend says, such as `sync.invalid`.
    #[serde(default)]
    pub refused_code: Option<String>,
}

/// Whether what is here is what the backend has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SyncStatus {
    /// Nobody has asked yet.
    Starting,
    /// It was, when it was last asked.
    Fresh,
    /// The backend answers, and something is wrong.
    Stale {
        /// Since when.
        since: Timestamp,
        /// What is wrong.
        code: Code,
        /// The same in words.
        detail: String,
    },
    /// The backend does not answer.
    Offline {
        /// Since when.
        since: Timestamp,
    },
    /// Nobody is signed in any more.
    SignedOut,
    /// The backend has a schema that this version does not know: nothing is taken from it and nothing is sent.
    Schema {
        /// The backend's; absent when it is too old to say.
        #[serde(default)]
        backend: Option<u32>,
        /// This version's.
        known: u32,
    },
    /// The membership has ended, and with it everything of the organization on this machine.
    Wiped {
        /// Changes that had not been sent.
        unsent: u64,
    },
}

/// Where a change of a user stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum MutationState {
    /// It waits to be sent.
    Pending,
    /// It was sent, and the answer has not come.
    Sending,
    /// The backend has it; the next pull shows it.
    Applied,
    /// Somebody else has changed the same.
    Conflict {
        /// How, as the backend says: `sync.changed`, `sync.deleted` or `sync.exists`.
        code: String,
        /// The fields that both have changed; empty where it is about the row as a whole.
        fields: Vec<String>,
        /// The row as the backend has it, or had it before it was deleted.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        server: Value,
        /// Its revision: a choice names the one that was seen.
        server_rev: i64,
    },
    /// The backend refuses it. It stays until its user retries or discards it.
    Parked {
        /// Why, as the backend says, such as `sync.forbidden`.
        code: String,
        /// More about it, such as the constraint that it breaks.
        #[serde(default)]
        reason: Option<String>,
    },
}

/// A change of a user that the replica does not show yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mutation {
    /// Identifier. A change that is retried gets another.
    pub id: MutationId,
    /// What kind of row it changes.
    pub kind: EntityKind,
    /// Which.
    pub entity_id: Uuid,
    /// It deletes the row.
    pub deletes: bool,
    /// The revision that was edited; absent for a row that the backend has never had.
    #[serde(default)]
    pub base_rev: Option<i64>,
    /// The new values by field.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub patch: Value,
    /// Where it stands.
    pub state: MutationState,
    /// When it was first made.
    pub created_at: Timestamp,
}

/// How a conflict ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The user's values replace the others. A row that was deleted comes back as a new one.
    KeepMine,
    /// The user's change is dropped.
    KeepTheirs,
    /// The others' row stays, and the user's becomes a new one under a name that is free.
    KeepBoth,
}
