//! The hash chain of this machine's audit trail, and how to verify it elsewhere.
//!
//! Every event carries the hash of the event before it, so that nothing can be changed, removed or
//! moved without every later hash being wrong. The rule, for a verifier in another language:
//!
//! ```text
//! hash      = lower-case hex of SHA-256( UTF-8 of prev_hash ‖ UTF-8 of canonical )
//! prev_hash = the hash of the event before, as its 64 hex digits; 64 zeros for the first
//! canonical = {"action":…,"at":…,"details":…,"seq":…,"subject_id":…,"subject_kind":…}
//! ```
//!
//! `canonical` is JSON in the form of [`canonical_json`](crate::canonical_json); `at` is an integer,
//! milliseconds since 1970-01-01T00:00:00Z; `seq` counts from 1 without gaps.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::canonical::quoted;

/// What stands as the previous hash in the first event.
pub const GENESIS_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The fields of an audit event that go into its hash.
#[derive(Clone, Copy, Debug)]
pub struct ChainedEvent<'a> {
    /// Position in the chain, from 1.
    pub seq: i64,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// What happened.
    pub action: &'a str,
    /// What kind of thing it happened to.
    pub subject_kind: &'a str,
    /// Identifier of that thing.
    pub subject_id: &'a str,
    /// Further facts as canonical JSON. The text is hashed as it stands, so that a change that
    /// leaves the value the same is noticed too.
    pub details: &'a str,
}

/// The hash that an event must have.
pub fn event_hash(prev_hash: &str, event: &ChainedEvent<'_>) -> String {
    let canonical = format!(
        r#"{{"action":{},"at":{},"details":{},"seq":{},"subject_id":{},"subject_kind":{}}}"#,
        quoted(event.action),
        event.at,
        event.details,
        event.seq,
        quoted(event.subject_id),
        quoted(event.subject_kind),
    );
    hexadecimal(
        &Sha256::new()
            .chain_update(prev_hash)
            .chain_update(canonical)
            .finalize(),
    )
}

/// SHA-256, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub(crate) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
