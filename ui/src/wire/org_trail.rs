//! The audit trail of an organization. Only its page needs it, so it stands apart.

use berth_protocol::Timestamp;
use berth_protocol::tenant::{OrgTrailKept, OrgTrailPeople, OrgTrailPerson, OrgTrailVerification};

use super::json::Json;
use super::read::{Read, Wrong, facts, member, structs};

/// An event, with its facts as texts: nothing but people reads them here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgTrailEntry {
    /// Position in the chain.
    pub seq: i64,
    /// When it arrived.
    pub at: Timestamp,
    /// Who did it: a pseudonym, or `system`.
    pub actor: String,
    /// Their name, while it is known.
    pub actor_name: Option<String>,
    /// What happened.
    pub action: String,
    /// What kind of thing it happened to.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// Its name, where it is a person whose name is known.
    pub subject_name: Option<String>,
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
    OrgTrailKept { seq, is_same }
    OrgTrailPeople { people }
    OrgTrailPerson { pseudonym, user_id, display_name, email }
    OrgTrailVerification { valid, checked, first, last, broken_at, checkpoint, head, kept }
}

impl Read for OrgTrailEntry {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            seq: member(json, "seq")?,
            at: member(json, "at")?,
            actor: member(json, "actor")?,
            actor_name: member(json, "actor_name")?,
            action: member(json, "action")?,
            subject_kind: member(json, "subject_kind")?,
            subject_id: member(json, "subject_id")?,
            subject_name: member(json, "subject_name")?,
            details: facts(json.get("details")),
            hash: member(json, "hash")?,
            is_whole: member(json, "is_whole")?,
        })
    }
}

#[cfg(test)]
#[path = "org_trail_tests.rs"]
mod tests;
