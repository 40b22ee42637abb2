//! Proves a file by itself: no engine, no backend, no network.
//!
//! What it shows: that the events are those that were hashed, that they follow each other, and, unless a filter chose
//! them, that none is missing from the first to the last. What it cannot show: that somebody who has all of a chain has
//! not written it anew. That takes a hash that somebody else has kept.

use serde::{Deserialize, de::IgnoredAny};
use sha2::{Digest, Sha256};

use crate::{
    Chain, Event, FORMAT, Fault, GENESIS_HASH, Manifest, OrgEvent, chain::hexadecimal,
    event::LocalEvent,
};

/// Longest line of a file, in bytes.
pub const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// Tells what a line is, before it is read strictly.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    manifest: Option<IgnoredAny>,
    #[serde(default)]
    org_id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    manifest: Manifest,
}

/// The check of one file, which is given line by line.
#[derive(Debug, Default)]
pub struct Proof {
    lines: u64,
    count: u64,
    digest: Sha256,
    first: Option<End>,
    last: Option<End>,
    /// The first event that is not there between two that are.
    gap: Option<i64>,
    manifest: Option<Manifest>,
}

/// What is kept of an event.
#[derive(Clone, Debug)]
struct End {
    chain: Chain,
    org_id: Option<String>,
    seq: i64,
    hash: String,
    prev_hash: String,
}

/// Where the events of a file begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begins {
    /// With the first of the chain, or the file has none.
    AtFirst,
    /// Behind a checkpoint: those up to it were retired.
    Behind {
        /// The last event before the checkpoint.
        seq: i64,
        /// Its hash.
        hash: String,
    },
    /// Somewhere: a filter has chosen.
    Chosen,
}

/// What a file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// How many events it has.
    pub count: u64,
    /// Where they begin.
    pub begins: Begins,
    /// What its last line says.
    pub manifest: Manifest,
}

impl End {
    fn of(event: &Event) -> Self {
        let (chain, org_id) = match event {
            Event::Local(_) => (Chain::Local, None),
            Event::Organization(event) => (Chain::Organization, Some(event.org_id.clone())),
        };
        Self {
            chain,
            org_id,
            seq: event.seq(),
            hash: event.hash().to_owned(),
            prev_hash: event.prev_hash().to_owned(),
        }
    }

    fn is_of_the_chain_of(&self, other: &Self) -> bool {
        (self.chain, &self.org_id) == (other.chain, &other.org_id)
    }
}

impl Proof {
    /// Of a file of which nothing was given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line, without its line feed.
    ///
    /// # Errors
    /// What is not as it must be. The file proves nothing then.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.lines += 1;
        if self.manifest.is_some() {
            return Err(Fault::AfterManifest { line: self.lines });
        }
        if line.len() > LONGEST_LINE {
            return Err(self.not_understood("it is too long"));
        }
        let kind: Kind = serde_json::from_slice(line).map_err(|it| self.not_understood(it))?;
        if kind.manifest.is_some() {
            let last: Last = serde_json::from_slice(line).map_err(|it| self.not_understood(it))?;
            self.manifest = Some(last.manifest);
            return Ok(());
        }
        let event = match kind.org_id {
            Some(_) => serde_json::from_slice::<OrgEvent>(line)
                .map(Box::new)
                .map(Event::Organization),
            None => serde_json::from_slice::<LocalEvent>(line).map(Event::Local),
        };
        let event = event.map_err(|it| self.not_understood(it))?;
        self.digest.update(line);
        self.digest.update(b"\n");
        self.follow(&event)
    }

    fn follow(&mut self, event: &Event) -> Result<(), Fault> {
        let (line, seq) = (self.lines, event.seq());
        let end = End::of(event);
        if let Some(last) = &self.last {
            if !end.is_of_the_chain_of(last) {
                return Err(Fault::OtherChain { line, seq });
            }
            if seq <= last.seq {
                return Err(Fault::OutOfOrder {
                    line,
                    seq,
                    before: last.seq,
                });
            }
        }
        let next = self
            .last
            .as_ref()
            .map_or(1, |last| last.seq.saturating_add(1));
        let before = match &self.last {
            Some(last) => last.hash.as_str(),
            None => GENESIS_HASH,
        };
        if seq < 1 || (seq == next && end.prev_hash != before) {
            return Err(Fault::NotLinked { line, seq });
        }
        if !event.is_whole() {
            return Err(Fault::Changed { line, seq });
        }
        if self.last.is_some() && seq != next {
            self.gap.get_or_insert(next);
        }
        self.count += 1;
        self.first.get_or_insert_with(|| end.clone());
        self.last = Some(end);
        Ok(())
    }

    /// The file has no further line.
    ///
    /// # Errors
    /// What is not as it must be.
    pub fn end(mut self) -> Result<Proved, Fault> {
        let Some(manifest) = self.manifest.take() else {
            let seq = self.next();
            return Err(Fault::NoManifest { seq });
        };
        if manifest.format != FORMAT {
            return Err(Fault::Format {
                format: manifest.format,
                known: FORMAT,
            });
        }
        let begins = match manifest.filter.is_empty() {
            true => self.whole(&manifest)?,
            false => Begins::Chosen,
        };
        self.agrees(&manifest)?;
        Ok(Proved {
            count: self.count,
            begins,
            manifest,
        })
    }

    /// All events up to the head are there, from the first or from a checkpoint on.
    fn whole(&self, manifest: &Manifest) -> Result<Begins, Fault> {
        if let Some(seq) = self.gap {
            return Err(Fault::Missing { seq });
        }
        let begins = match &self.first {
            Some(first) if first.seq == 1 => Begins::AtFirst,
            // Nothing of a machine's chain is ever retired.
            Some(first) if first.chain == Chain::Organization => Begins::Behind {
                seq: first.seq - 1,
                hash: first.prev_hash.clone(),
            },
            Some(_) => return Err(Fault::Missing { seq: 1 }),
            None => Begins::AtFirst,
        };
        // Where nothing is left behind a checkpoint, the head is the checkpoint.
        let Some(last) = &self.last else {
            return match (manifest.chain, manifest.until_seq) {
                (Chain::Local, Some(_)) => Err(Fault::Missing { seq: 1 }),
                _ => Ok(begins),
            };
        };
        if manifest.until_seq.is_some_and(|until| until > last.seq) {
            return Err(Fault::Missing { seq: last.seq + 1 });
        }
        differs(
            "last event of the chain",
            &manifest.until_seq,
            &Some(last.seq),
        )?;
        let head = Some(last.hash.clone());
        differs("hash of the chain's last event", &manifest.head_hash, &head)?;
        Ok(begins)
    }

    /// The manifest speaks of these events.
    fn agrees(&self, manifest: &Manifest) -> Result<(), Fault> {
        let (first, last) = (self.first.as_ref(), self.last.as_ref());
        if let Some(last) = last {
            differs("chain", &Some(manifest.chain), &Some(last.chain))?;
            differs("organization", &manifest.org_id, &last.org_id)?;
        }
        differs("number of events", &Some(manifest.count), &Some(self.count))?;
        differs("first event", &manifest.first_seq, &first.map(|it| it.seq))?;
        let hash = |end: Option<&End>| end.map(|it| it.hash.clone());
        differs(
            "hash of the first event",
            &manifest.first_hash,
            &hash(first),
        )?;
        differs("last event", &manifest.last_seq, &last.map(|it| it.seq))?;
        differs("hash of the last event", &manifest.last_hash, &hash(last))?;
        let digest = hexadecimal(&self.digest.clone().finalize());
        differs("SHA-256", &Some(manifest.sha256.clone()), &Some(digest))
    }

    /// The event that would come next.
    fn next(&self) -> Option<i64> {
        self.last.as_ref().map(|last| last.seq.saturating_add(1))
    }

    fn not_understood(&self, why: impl ToString) -> Fault {
        Fault::NotUnderstood {
            line: self.lines,
            seq: self.next(),
            // What stands in a file is shown on terminals, which heed control characters.
            why: why.to_string().replace(char::is_control, "\u{fffd}"),
        }
    }
}

fn differs<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    said: &Option<T>,
    found: &Option<T>,
) -> Result<(), Fault> {
    if said == found {
        return Ok(());
    }
    let shown = |value: &Option<T>| {
        value
            .as_ref()
            .map_or("none".to_owned(), |it| format!("{it:?}"))
    };
    Err(Fault::Manifest {
        what,
        said: shown(said),
        found: shown(found),
    })
}
