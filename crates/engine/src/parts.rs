//! Sign-ins, which are larger than what a keychain takes in one entry (the Credential Manager of Windows: 2,560 bytes of
//! UTF-16) and larger than any other secret, kept in parts. Each has a revision, and is replaced only by who has read it.
//!
//! An entry says which parts count; they are `<entry>/<slot>/<number>`. New parts go into the other slot, and count
//! once the entry says so: whatever a kill leaves is the secret of before, and parts that the next change overwrites or
//! removes.

use berth_protocol::{Code, Secret};
use berth_secrets::{
    SecretsError,
    entry::{self, LONGEST_ENTRY},
};
use serde::{Deserialize, Serialize};

/// Most parts of one secret.
const MOST: usize = 64;

/// How often a secret is read that another process replaces meanwhile.
const TRIES: usize = 3;

/// The form that this program writes.
const VERSION: u8 = 1;

/// Why a secret cannot be kept or read.
pub enum PartsError {
    /// Something is kept that cannot be read.
    Unreadable,
    /// The keychain does not work.
    Unavailable {
        /// The stable code of what happened.
        code: Code,
        /// What it says.
        why: String,
    },
}

impl From<SecretsError> for PartsError {
    fn from(error: SecretsError) -> Self {
        Self::Unavailable {
            code: error.code(),
            why: error.to_string(),
        }
    }
}

/// Which parts count.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Of this form.
    version: u8,
    revision: u64,
    slot: Slot,
    parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Slot {
    A,
    B,
}

impl Slot {
    const ALL: [Self; 2] = [Self::A, Self::B];

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

fn part_name(name: &str, slot: Slot, number: usize) -> String {
    let slot = match slot {
        Slot::A => "a",
        Slot::B => "b",
    };
    format!("{name}/{slot}/{number}")
}

/// What is said of the parts. What cannot be read stands for something.
async fn entry(name: &str) -> Result<Option<Result<Entry, PartsError>>, PartsError> {
    let kept = entry::get(name).await?;
    Ok(kept.map(|kept| {
        serde_json::from_str::<Entry>(kept.expose())
            .ok()
            .filter(|entry| entry.version == VERSION && entry.parts <= MOST)
            .ok_or(PartsError::Unreadable)
    }))
}

/// A text in pieces that a keychain takes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST_ENTRY));
        parts.push(part);
        rest = after;
    }
    parts
}

async fn whole(name: &str, entry: &Entry) -> Result<Option<Secret>, PartsError> {
    let mut text = String::new();
    for number in 0..entry.parts {
        match entry::get(&part_name(name, entry.slot, number)).await? {
            Some(part) => text.push_str(part.expose()),
            None => return Ok(None),
        }
    }
    Ok(Some(Secret::new(text)))
}

/// Removes the parts of a slot, as far as there are any.
async fn clear(name: &str, slot: Slot) -> Result<(), PartsError> {
    let mut parts = 0;
    while parts < MOST && entry::get(&part_name(name, slot, parts)).await?.is_some() {
        parts += 1;
    }
    // From the end, so that whoever is cut off in between leaves parts that are found again.
    for number in (0..parts).rev() {
        entry::remove(&part_name(name, slot, number)).await?;
    }
    Ok(())
}

/// The secret of this name, as `read` understands it, with its revision: parts of two of them make none.
pub async fn load<T>(
    name: &str,
    read: impl Fn(&Secret) -> Option<(u64, T)>,
) -> Result<Option<T>, PartsError> {
    for _ in 0..TRIES {
        let Some(entry) = entry(name).await? else {
            return Ok(None);
        };
        let entry = entry?;
        let found = whole(name, &entry).await?;
        if let Some((revision, secret)) = found.as_ref().and_then(&read)
            && revision == entry.revision
        {
            return Ok(Some(secret));
        }
        // Another process may have replaced it between the entry and its parts.
    }
    Err(PartsError::Unreadable)
}

/// Keeps a secret in place of the one with the revision `before`. Says whether that was still there.
pub async fn replace(
    name: &str,
    before: Option<u64>,
    (revision, secret): (u64, &Secret),
) -> Result<bool, PartsError> {
    let slot = match (entry(name).await?, before) {
        (None, None) => Slot::A,
        (Some(Ok(entry)), Some(before)) if entry.revision == before => entry.slot.other(),
        _ => return Ok(false),
    };
    let parts = split(secret.expose());
    if parts.len() > MOST {
        return Err(SecretsError::TooLong(secret.expose().len()).into());
    }
    for (number, part) in parts.iter().enumerate() {
        let part = Secret::new((*part).to_owned());
        entry::set(&part_name(name, slot, number), part).await?;
    }
    let entry = Entry {
        version: VERSION,
        revision,
        slot,
        parts: parts.len(),
    };
    let said = serde_json::to_string(&entry).unwrap_or_default();
    entry::set(name, Secret::new(said)).await?;
    // It counts; what was there before goes, now or with the next one.
    if clear(name, slot.other()).await.is_err() {
        tracing::debug!(name, "parts of a replaced secret are still in the keychain");
    }
    Ok(true)
}

/// Removes a secret.
pub async fn delete(name: &str) -> Result<(), PartsError> {
    entry::remove(name).await?;
    for slot in Slot::ALL {
        clear(name, slot).await?;
    }
    Ok(())
}

/// Removes a secret if it has this revision. Says whether nothing is kept any more.
pub async fn delete_revision(name: &str, revision: u64) -> Result<bool, PartsError> {
    match entry(name).await? {
        None => Ok(true),
        Some(Ok(entry)) if entry.revision == revision => delete(name).await.map(|()| true),
        Some(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_into_parts_that_fit_and_make_it_whole_again() {
        for text in ["", "a", &"x".repeat(LONGEST_ENTRY), &"ä€😀".repeat(1000)] {
            let parts = split(text);
            assert!(parts.iter().all(|part| part.len() <= LONGEST_ENTRY));
            assert_eq!(parts.concat(), text);
        }
        assert_eq!(split(&"x".repeat(LONGEST_ENTRY + 1)).len(), 2);
    }
}
