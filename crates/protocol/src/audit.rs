//! The audit trail: what happened, in an order that cannot be changed unseen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::SessionId;

/// One event of the audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEvent {
    /// Position in the chain, from 1, without gaps.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, such as `session.created`.
    pub action: String,
    /// What kind of thing it happened to, such as `session`.
    pub subject_kind: String,
    /// Identifier of that thing.
    pub subject_id: String,
    /// The session that it is about; absent when it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Further facts. Never free text of the user or the agent, but for the name of a file that a
    /// session was handed; never a secret.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub details: serde_json::Value,
    /// Hash of the event before it, hexadecimal; 64 zeros for the first.
    pub prev_hash: String,
    /// SHA-256 over `prev_hash` and the event's own fields, hexadecimal.
    pub hash: String,
}

/// In which order events come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditOrder {
    /// As they happened.
    #[default]
    Oldest,
    /// The newest first.
    Newest,
}

/// Answer of `GET /audit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// Events, in the order that was asked for.
    pub events: Vec<AuditEvent>,
    /// Pass this as `after` to get the next page in the same order; absent at the end.
    pub next: Option<i64>,
}

/// Answer of `GET /audit/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditVerification {
    /// Every event has the hash it must have, and none is missing between first and last.
    pub valid: bool,
    /// Number of events that were checked.
    pub checked: u64,
    /// The first event that was checked.
    pub first: Option<i64>,
    /// The last event that was checked.
    pub last: Option<i64>,
    /// The first event that is not as it must be.
    pub broken_at: Option<i64>,
}
