//! Writes a file that proves itself.
//!
//! It is NDJSON: each line is a JSON object and ends with a line feed. First come the events, in their order, one on a
//! line; the last line is `{"manifest":…}`. An export that broke off has no manifest and proves nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Event, chain::hexadecimal};

/// The form of the file.
pub const FORMAT: &str = "berth.audit.1";

/// Whose chain it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chain {
    /// A machine's.
    Local,
    /// An organization's.
    Organization,
}

/// The last line of a file: what it says of the events before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Whose chain it is.
    pub chain: Chain,
    /// The organization, where it is one's.
    pub org_id: Option<String>,
    /// By what the events were chosen; empty when all are there.
    pub filter: Map<String, Value>,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first_seq: Option<i64>,
    /// Its hash.
    pub first_hash: Option<String>,
    /// The last of them.
    pub last_seq: Option<i64>,
    /// Its hash.
    pub last_hash: Option<String>,
    /// The last event that there was when the export began.
    pub until_seq: Option<i64>,
    /// Its hash.
    pub head_hash: Option<String>,
    /// When the export began, by the clock of whoever has the chain.
    pub exported_at: String,
    /// SHA-256 of all lines before this one with their line feeds, hexadecimal.
    pub sha256: String,
}

#[derive(Serialize)]
struct Line<'a> {
    manifest: &'a Manifest,
}

/// What the manifest says that the events do not.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Whose chain it is.
    pub chain: Chain,
    /// The organization, where it is one's.
    pub org_id: Option<String>,
    /// By what the events were chosen; empty when all are there.
    pub filter: Map<String, Value>,
    /// The last event that there was when the export began.
    pub until_seq: Option<i64>,
    /// Its hash.
    pub head_hash: Option<String>,
    /// When the export began.
    pub exported_at: String,
}

/// Makes the lines of a file, and keeps no more than a few numbers of them.
#[derive(Clone, Debug, Default)]
pub struct Sealer {
    digest: Sha256,
    count: u64,
    first: Option<(i64, String)>,
    last: Option<(i64, String)>,
}

impl Sealer {
    /// With no event yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The line of the next event, with its line feed.
    pub fn event(&mut self, event: &Event) -> String {
        let line = line(event);
        self.digest.update(&line);
        self.count += 1;
        let end = (event.seq(), event.hash().to_owned());
        self.first.get_or_insert_with(|| end.clone());
        self.last = Some(end);
        line
    }

    /// How many events there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last event that there was.
    pub fn last_seq(&self) -> Option<i64> {
        self.last.as_ref().map(|(seq, _)| *seq)
    }

    /// The last line, with its line feed.
    pub fn manifest(self, sealed: Sealed) -> String {
        let (first_seq, first_hash) = self.first.unzip();
        let (last_seq, last_hash) = self.last.unzip();
        line(&Line {
            manifest: &Manifest {
                format: FORMAT.to_owned(),
                chain: sealed.chain,
                org_id: sealed.org_id,
                filter: sealed.filter,
                count: self.count,
                first_seq,
                first_hash,
                last_seq,
                last_hash,
                until_seq: sealed.until_seq,
                head_hash: sealed.head_hash,
                exported_at: sealed.exported_at,
                sha256: hexadecimal(&self.digest.finalize()),
            },
        })
    }
}

fn line(value: &impl Serialize) -> String {
    // What is given here has neither keys that are no text nor a part that fails.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}
