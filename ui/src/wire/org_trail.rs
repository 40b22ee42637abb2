//! The audit trail of an organization. Only its page needs it, so it stands apart.

use berth_protocol::Timestamp;
use berth_protocol::tenant::{
    OrgTrailKept, OrgTrailOrigin, OrgTrailPeople, OrgTrailPerson, OrgTrailVerification,
};

use super::json::Json;
use super::read::{Read, Wrong, facts, member, structs};

/// An event, with its facts as texts: nothing but people reads them here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgTrailEntry {
    /// Position in the chain.
    pub seq: i64,
    /// When it arrived, by the backend's clock.
    pub at: Timestamp,
    /// When it happened, by the clock of the machine that reported it; absent for what the backend has seen itself.
    pub occurred_at: Option<Timestamp>,
    /// Who did it: a pseudonym, or `system`.
    pub actor: String,
    /// Their name, while it is known.
    pub actor_name: Option<String>,
    /// The machine that reported it.
    pub device_id: Option<String>,
    /// Its position in that machine's own trail.
    pub device_seq: Option<i64>,
    /// That machine is this one.
    pub is_here: bool,
    /// What happened.
    pub action: String,
    /// What kind of thing it happened to.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// Its name, where it is a person whose name is known.
    pub subject_name: Option<String>,
    /// The session that it is about.
    pub session_id: Option<String>,
    /// Facts by name; those without a value are left out.
    pub details: Vec<(String, String)>,
    /// Its hash in the chain.
    pub hash: String,
    /// The engine has hashed it anew, and it is the same.
    pub is_whole: bool,
}

/// A page of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgTrailEntries {
    /// Events, in the order that was asked for.
    pub events: Vec<OrgTrailEntry>,
    /// Where the next page begins.
    pub next: Option<i64>,
}

structs! {
    OrgTrailEntries { events, next }
    OrgTrailKept { seq, is_same, is_retired }
    OrgTrailOrigin { address, program }
    OrgTrailPeople { people }
    OrgTrailPerson { pseudonym, user_id, display_name, email }
    OrgTrailVerification { valid, checked, first, last, broken_at, checkpoint, head, kept }
}

impl Read for OrgTrailEntry {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            seq: member(json, "seq")?,
            at: member(json, "at")?,
            occurred_at: member(json, "occurred_at")?,
            actor: member(json, "actor")?,
            actor_name: member(json, "actor_name")?,
            device_id: member(json, "device_id")?,
            device_seq: member(json, "device_seq")?,
            is_here: member(json, "is_here")?,
            action: member(json, "action")?,
            subject_kind: member(json, "subject_kind")?,
            subject_id: member(json, "subject_id")?,
            subject_name: member(json, "subject_name")?,
            session_id: member(json, "session_id")?,
            details: facts(json.get("details")),
            hash: member(json, "hash")?,
            is_whole: member(json, "is_whole")?,
        })
    }
}

#[cfg(test)]
#[path = "org_trail_tests.rs"]
mod tests;
