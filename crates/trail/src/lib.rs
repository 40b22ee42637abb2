//! Chains of audit events: how an event is hashed, on this machine and in an organization's backend, and the file in
//! which a trail is handed on and proved without either.
//!
//! Nothing here reads or writes anything: whoever has the events gives them to a [`Sealer`] and writes what it says;
//! whoever has a file gives its lines to a [`Proof`].
//!
//! ```
//! use berth_trail::{Chain, Event, GENESIS_HASH, LocalEvent, Proof, Sealed, Sealer};
//!
//! let mut event = LocalEvent {
//!     seq: 1,
//!     at: 1_700_000_000_123,
//!     action: "session.created".to_owned(),
//!     subject_kind: "session".to_owned(),
//!     subject_id: "one".to_owned(),
//!     details: "{}".to_owned(),
//!     prev_hash: GENESIS_HASH.to_owned(),
//!     hash: String::new(),
//! };
//! event.hash = event.right_hash();
//! let mut sealer = Sealer::new();
//! let mut file = sealer.event(&Event::Local(event.clone()));
//! let sealed = Sealed {
//!     chain: Chain::Local,
//!     org_id: None,
//!     filter: serde_json::Map::new(),
//!     until_seq: Some(1),
//!     head_hash: Some(event.hash),
//!     exported_at: "2023-11-14T22:13:21Z".to_owned(),
//! };
//! file.push_str(&sealer.manifest(sealed));
//!
//! let mut proof = Proof::new();
//! for line in file.lines() {
//!     proof.line(line.as_bytes())?;
//! }
//! assert_eq!(proof.end()?.count, 1);
//! # Ok::<(), berth_trail::Fault>(())
//! ```

mod canonical;
mod chain;
mod event;
mod fault;
mod moment;
mod proof;
mod seal;

pub use canonical::canonical_json;
pub use chain::{ChainedEvent, GENESIS_HASH, event_hash, sha256};
pub use event::{Event, LocalEvent, OrgEvent};
pub use fault::Fault;
pub use moment::milliseconds;
pub use proof::{Begins, LONGEST_LINE, Proof, Proved};
pub use seal::{Chain, FORMAT, Manifest, Sealed, Sealer};

#[cfg(test)]
mod canonical_tests;
#[cfg(test)]
mod file_tests;
