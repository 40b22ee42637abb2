//! The audit trail of an organization, as its admins see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UserId;

/// One event of an organization's audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailEvent {
    /// Position in the chain, from 1, without gaps.
    pub seq: i64,
    /// When it arrived, by the backend's clock.
    pub at: Timestamp,
    /// When it happened, by the clock of the machine that reported it; absent for what the backend has seen itself.
    #[serde(default)]
    pub occurred_at: Option<Timestamp>,
    /// Who did it: a pseudonym, or `system`.
    pub actor: String,
    /// Their name, or their address where they have none; absent once it is not known any more.
    #[serde(default)]
    pub actor_name: Option<String>,
    /// The machine that reported it; absent for what the backend has seen itself.
    #[serde(default)]
    pub device_id: Option<Uuid>,
    /// Its position in the chain of that machine's own trail, from 1.
    #[serde(default)]
    pub device_seq: Option<i64>,
    /// That machine is the one whose engine answers.
    #[serde(default)]
    pub is_here: bool,
    /// What happened, such as `session.created`.
    pub action: String,
    /// What kind of thing it happened to, such as `session`.
    pub subject_kind: String,
    /// Identifier of that thing; a pseudonym where it is a person.
    pub subject_id: String,
    /// The name of that person.
    #[serde(default)]
    pub subject_name: Option<String>,
    /// The session that it is about.
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// Further facts.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub details: serde_json::Value,
    /// Hash of the event before it, hexadecimal; 64 zeros for the first.
    pub prev_hash: String,
    /// Its own.
    pub hash: String,
    /// The engine has hashed it anew, and it is the same.
    pub is_whole: bool,
}

/// Answer of `GET /org/organizations/{id}/audit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailPage {
    /// Events, in the order that was asked for.
    pub events: Vec<OrgTrailEvent>,
    /// Pass this as `after` to get the next page in the same order; absent at the end.
    #[serde(default)]
    pub next: Option<i64>,
}

/// Somebody whom the trail speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailPerson {
    /// What stands for them in the trail.
    pub pseudonym: String,
    /// Who they are.
    pub user_id: UserId,
    /// What they are called.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
}

impl OrgTrailPerson {
    /// Their name, or their address where they have none.
    pub fn name(&self) -> Option<&str> {
        let name = self.display_name.as_deref().filter(|name| !name.is_empty());
        name.or(self.email.as_deref())
    }
}

/// Answer of `GET /org/organizations/{id}/audit/people`: those who were not erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailPeople {
    /// People, by their pseudonym.
    pub people: Vec<OrgTrailPerson>,
}

/// Where an event came from, as far as that is known and was not erased: answer of
/// `GET /org/organizations/{id}/audit/{seq}/origin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailOrigin {
    /// The network address, as the request named it to the backend: what stands before the backend decides whether that
    /// can be relied on.
    #[serde(default)]
    pub address: Option<String>,
    /// The program as it named itself: the user agent.
    #[serde(default)]
    pub program: Option<String>,
}

/// Answer of `POST /org/organizations/{id}/audit/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailVerification {
    /// The backend finds every event as it was written and none missing, and the chain goes through what this machine
    /// has kept of it.
    pub valid: bool,
    /// Number of events that were checked.
    pub checked: u64,
    /// The first event that was checked.
    #[serde(default)]
    pub first: Option<i64>,
    /// The last event that was checked.
    #[serde(default)]
    pub last: Option<i64>,
    /// The first event that is not as it must be.
    #[serde(default)]
    pub broken_at: Option<i64>,
    /// The last event before a checkpoint: those up to it were retired.
    #[serde(default)]
    pub checkpoint: Option<i64>,
    /// Hash of the last event.
    #[serde(default)]
    pub head: Option<String>,
    /// The end of the chain when this machine has last verified it, which the backend must still have. It is what
    /// shows that a chain was written anew as a whole.
    #[serde(default)]
    pub kept: Option<OrgTrailKept>,
}

/// An event that this machine has kept the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgTrailKept {
    /// Which event.
    pub seq: i64,
    /// The backend has it with the same hash.
    pub is_same: bool,
    /// The backend says that it was retired, but it is younger than what every backend keeps.
    #[serde(default)]
    pub is_retired: bool,
}
