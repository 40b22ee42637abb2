//! Sign-ins in the keychain. One is larger than what a keychain takes (the Credential Manager of Windows: 2,560
//! bytes of UTF-16), so that it is kept in parts.
//!
//! An entry `mcp/<id>/sign_in` says which parts count; they are `mcp/<id>/sign_in/<slot>/<number>`. New parts go
//! into the other slot, and count once the entry says so: whatever a kill leaves is the sign-in of before, and
//! parts that the next change overwrites or removes.

use berth_mcp::{Grant, Later, StoreError, TokenStore};
use berth_protocol::{LONGEST_SECRET, Secret};
use berth_secrets::SecretsError;
use serde::{Deserialize, Serialize};

/// Most parts of one sign-in.
const MOST: usize = 64;

/// How often a sign-in is read that another process replaces meanwhile.
const TRIES: usize = 3;

/// The keychain as the place of sign-ins; their keys are the identifiers of configurations.
pub struct KeychainGrants;

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

/// The form that this program writes.
const VERSION: u8 = 1;

fn entry_name(key: &str) -> String {
    format!("mcp/{key}/sign_in")
}

fn part_name(key: &str, slot: Slot, number: usize) -> String {
    let slot = match slot {
        Slot::A => "a",
        Slot::B => "b",
    };
    format!("mcp/{key}/sign_in/{slot}/{number}")
}

fn unavailable(error: SecretsError) -> StoreError {
    StoreError::Unavailable {
        code: error.code(),
        why: error.to_string(),
    }
}

async fn get(name: &str) -> Result<Option<Secret>, StoreError> {
    berth_secrets::get(name).await.map_err(unavailable)
}

/// What is said of the parts. What cannot be read stands for something.
async fn entry(key: &str) -> Result<Option<Result<Entry, StoreError>>, StoreError> {
    let kept = get(&entry_name(key)).await?;
    Ok(kept.map(|kept| {
        serde_json::from_str::<Entry>(kept.expose())
            .ok()
            .filter(|entry| entry.version == VERSION && entry.parts <= MOST)
            .ok_or(StoreError::Unreadable)
    }))
}

/// A text in pieces that a keychain takes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST_SECRET));
        parts.push(part);
        rest = after;
    }
    parts
}

impl KeychainGrants {
    async fn whole(key: &str, entry: &Entry) -> Result<Option<Grant>, StoreError> {
        let mut text = String::new();
        for number in 0..entry.parts {
            match get(&part_name(key, entry.slot, number)).await? {
                Some(part) => text.push_str(part.expose()),
                None => return Ok(None),
            }
        }
        let grant = Grant::from_secret(&Secret::new(text));
        Ok(grant.ok().filter(|grant| grant.revision == entry.revision))
    }

    /// Removes the parts of a slot, as far as there are any.
    async fn clear(key: &str, slot: Slot) -> Result<(), StoreError> {
        let mut parts = 0;
        while parts < MOST && get(&part_name(key, slot, parts)).await?.is_some() {
            parts += 1;
        }
        // From the end, so that whoever is cut off in between leaves parts that are found again.
        for number in (0..parts).rev() {
            let name = part_name(key, slot, number);
            berth_secrets::remove(&name).await.map_err(unavailable)?;
        }
        Ok(())
    }
}

impl TokenStore for KeychainGrants {
    fn load<'a>(&'a self, key: &'a str) -> Later<'a, Result<Option<Grant>, StoreError>> {
        Box::pin(async move {
            for _ in 0..TRIES {
                let Some(entry) = entry(key).await? else {
                    return Ok(None);
                };
                if let Some(grant) = Self::whole(key, &entry?).await? {
                    return Ok(Some(grant));
                }
                // Another process may have replaced it between the entry and its parts.
            }
            Err(StoreError::Unreadable)
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        before: Option<u64>,
        grant: &'a Grant,
    ) -> Later<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let slot = match (entry(key).await?, before) {
                (None, None) => Slot::A,
                (Some(Ok(entry)), Some(before)) if entry.revision == before => entry.slot.other(),
                _ => return Ok(false),
            };
            let text = grant.to_secret();
            let parts = split(text.expose());
            if parts.len() > MOST {
                let length = text.expose().len();
                return Err(unavailable(SecretsError::TooLong(length)));
            }
            for (number, part) in parts.iter().enumerate() {
                let name = part_name(key, slot, number);
                let part = Secret::new((*part).to_owned());
                berth_secrets::set(&name, part).await.map_err(unavailable)?;
            }
            let entry = Entry {
                version: VERSION,
                revision: grant.revision,
                slot,
                parts: parts.len(),
            };
            let said = serde_json::to_string(&entry).unwrap_or_default();
            let name = entry_name(key);
            let set = berth_secrets::set(&name, Secret::new(said));
            set.await.map_err(unavailable)?;
            // It counts; what was there before goes, now or with the next one.
            if let Err(error) = Self::clear(key, slot.other()).await {
                tracing::debug!(%error, "parts of a replaced sign-in are still in the keychain");
            }
            Ok(true)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let removed = berth_secrets::remove(&entry_name(key)).await;
            removed.map_err(unavailable)?;
            for slot in Slot::ALL {
                Self::clear(key, slot).await?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_into_parts_that_fit_and_make_it_whole_again() {
        for text in ["", "a", &"x".repeat(LONGEST_SECRET), &"ä€😀".repeat(1000)] {
            let parts = split(text);
            assert!(parts.iter().all(|part| part.len() <= LONGEST_SECRET));
            assert_eq!(parts.concat(), text);
        }
        assert_eq!(split(&"x".repeat(LONGEST_SECRET + 1)).len(), 2);
    }
}
