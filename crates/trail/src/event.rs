//! An event as a line of a file has it: exactly what is hashed, with the hashes beside it.
//!
//! The chain of an organization is hashed by its backend, whose migrations give the rule:
//!
//! ```text
//! hash      = lower-case hex of SHA-256( UTF-8 of prev_hash ‖ UTF-8 of canonical )
//! canonical = {"action":…,"actor":…,"at":…,"details":…,"device_hash":…,"device_id":…,"device_seq":…,"id":…,
//!              "occurred_at":…,"org_id":…,"origin":…,"seq":…,"session_id":…,"subject_id":…,"subject_kind":…}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use sha2::{Digest, Sha256};

use crate::{
    canonical::quoted,
    chain::{ChainedEvent, event_hash, hexadecimal},
};

/// An event of either chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// Of a machine.
    Local(LocalEvent),
    /// Of an organization.
    Organization(Box<OrgEvent>),
}

/// An event of this machine's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalEvent {
    /// Position in the chain, from 1.
    pub seq: i64,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// What happened.
    pub action: String,
    /// What kind of thing it happened to.
    pub subject_kind: String,
    /// Identifier of that thing.
    pub subject_id: String,
    /// Further facts, as the text of the JSON object that is hashed.
    pub details: String,
    /// The hash of the event before it.
    pub prev_hash: String,
    /// Its own.
    pub hash: String,
}

/// An event of an organization's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrgEvent {
    /// The organization.
    pub org_id: String,
    /// Position in the chain, from 1.
    pub seq: i64,
    /// What its reporter has named it.
    pub id: String,
    /// When it arrived, by the backend's clock, in milliseconds since 1970.
    pub at: i64,
    /// When it happened, by the reporter's clock, in milliseconds since 1970.
    pub occurred_at: Option<i64>,
    /// Who did it: a pseudonym, or `system`.
    pub actor: String,
    /// The device that reported it; absent for what the backend has seen itself.
    pub device_id: Option<String>,
    /// Its position in that device's own chain.
    pub device_seq: Option<i64>,
    /// Its hash there.
    pub device_hash: Option<String>,
    /// What happened.
    pub action: String,
    /// What kind of thing it happened to.
    pub subject_kind: String,
    /// Identifier of that thing; a pseudonym where it is a person.
    pub subject_id: String,
    /// The session that it is about.
    pub session_id: Option<String>,
    /// Further facts, as the text of the JSON object that is hashed.
    pub details: String,
    /// HMAC of where it came from.
    pub origin: Option<String>,
    /// The hash of the event before it.
    pub prev_hash: String,
    /// Its own.
    pub hash: String,
}

impl LocalEvent {
    /// The hash that it must have behind the event that has `prev_hash`.
    pub fn right_hash(&self) -> String {
        let event = ChainedEvent {
            seq: self.seq,
            at: self.at,
            action: &self.action,
            subject_kind: &self.subject_kind,
            subject_id: &self.subject_id,
            details: &self.details,
        };
        event_hash(&self.prev_hash, &event)
    }

    /// It has the hash that it must have.
    pub fn is_whole(&self) -> bool {
        is_object(&self.details) && self.hash == self.right_hash()
    }
}

impl OrgEvent {
    /// The hash that it must have behind the event that has `prev_hash`.
    pub fn right_hash(&self) -> String {
        let or_null = |text: &Option<String>| text.as_deref().map_or("null".to_owned(), quoted);
        let number = |value: Option<i64>| value.map_or("null".to_owned(), |it| it.to_string());
        let members = [
            ("action", quoted(&self.action)),
            ("actor", quoted(&self.actor)),
            ("at", self.at.to_string()),
            ("details", self.details.clone()),
            ("device_hash", or_null(&self.device_hash)),
            ("device_id", or_null(&self.device_id)),
            ("device_seq", number(self.device_seq)),
            ("id", quoted(&self.id)),
            ("occurred_at", number(self.occurred_at)),
            ("org_id", quoted(&self.org_id)),
            ("origin", or_null(&self.origin)),
            ("seq", self.seq.to_string()),
            ("session_id", or_null(&self.session_id)),
            ("subject_id", quoted(&self.subject_id)),
            ("subject_kind", quoted(&self.subject_kind)),
        ];
        let mut digest = Sha256::new();
        digest.update(&self.prev_hash);
        for (place, (name, value)) in members.iter().enumerate() {
            let before = if place == 0 { "{" } else { "," };
            digest.update(format!("{before}\"{name}\":"));
            digest.update(value);
        }
        digest.update("}");
        hexadecimal(&digest.finalize())
    }

    /// It has the hash that it must have.
    pub fn is_whole(&self) -> bool {
        is_object(&self.details) && self.hash == self.right_hash()
    }
}

impl Event {
    /// Position in the chain.
    pub fn seq(&self) -> i64 {
        match self {
            Self::Local(event) => event.seq,
            Self::Organization(event) => event.seq,
        }
    }

    /// Its hash.
    pub fn hash(&self) -> &str {
        match self {
            Self::Local(event) => &event.hash,
            Self::Organization(event) => &event.hash,
        }
    }

    /// The hash of the event before it.
    pub fn prev_hash(&self) -> &str {
        match self {
            Self::Local(event) => &event.prev_hash,
            Self::Organization(event) => &event.prev_hash,
        }
    }

    /// It has the hash that it must have.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Local(event) => event.is_whole(),
            Self::Organization(event) => event.is_whole(),
        }
    }
}

/// The text is one JSON object. It is hashed as it stands, so that more than one could say what the fields behind it
/// say.
fn is_object(text: &str) -> bool {
    text.starts_with('{') && serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text).is_ok()
}
