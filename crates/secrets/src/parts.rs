//! Secrets of any length in entries of a bounded one.
//!
//! A short secret is one entry, as earlier versions kept all of them. The entry of a long one says which parts make it,
//! and the digest of the whole; they are `<name>/<slot>/<number>`. New parts go into the slot that the entry does not
//! name, and the entry is written when they are there: whatever a kill leaves is the secret of before, and parts that the
//! next change overwrites or removes. Parts that do not make what the entry says make no secret.

use aws_lc_rs::digest::{SHA256, digest};
use berth_protocol::Secret;

use crate::{SecretsError, entry};

/// What an entry begins with that names parts. No secret has a line break in it.
const IN_PARTS: &str = "berth-parts-1\n";

/// How often a secret is read that another process replaces meanwhile.
const TRIES: usize = 3;

/// Where entries are.
pub trait Entries: Sync {
    /// Longest entry, in bytes.
    fn longest(&self) -> usize;

    /// What an entry holds.
    fn get(&self, name: &str) -> impl Future<Output = Result<Option<Secret>, SecretsError>> + Send;

    /// Makes an entry or writes it over.
    fn set(
        &self,
        name: &str,
        secret: Secret,
    ) -> impl Future<Output = Result<(), SecretsError>> + Send;

    /// Removes an entry, if it is there.
    fn remove(&self, name: &str) -> impl Future<Output = Result<(), SecretsError>> + Send;
}

/// The keychain, or the file in its place.
pub struct Place;

impl Entries for Place {
    fn longest(&self) -> usize {
        entry::longest()
    }

    async fn get(&self, name: &str) -> Result<Option<Secret>, SecretsError> {
        entry::get(name).await
    }

    async fn set(&self, name: &str, secret: Secret) -> Result<(), SecretsError> {
        entry::set(name, secret).await
    }

    async fn remove(&self, name: &str) -> Result<(), SecretsError> {
        entry::remove(name).await
    }
}

/// What an entry says of its secret.
enum Kept {
    /// It is the secret.
    Whole(Secret),
    /// These parts are.
    Parts(Parts),
    /// A newer version has written it, or it is damaged.
    Unreadable,
}

/// Which parts make a secret.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    slot: Slot,
    number: usize,
    /// SHA-256 of the whole, in hexadecimal digits.
    digest: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    A,
    B,
}

impl Slot {
    fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl Kept {
    fn read(entry: Secret) -> Self {
        let Some(said) = entry.expose().strip_prefix(IN_PARTS) else {
            return Self::Whole(entry);
        };
        Parts::read(said).map_or(Self::Unreadable, Self::Parts)
    }
}

impl Parts {
    fn read(said: &str) -> Option<Self> {
        let mut words = said.split(' ');
        let (slot, number, digest) = (words.next()?, words.next()?, words.next()?);
        let slot = match slot {
            "a" => Slot::A,
            "b" => Slot::B,
            _ => return None,
        };
        Some(Self {
            slot,
            number: number.parse().ok()?,
            digest: digest.to_owned(),
        })
    }

    fn entry(&self) -> Secret {
        let (slot, number, digest) = (self.slot.name(), self.number, &self.digest);
        Secret::new(format!("{IN_PARTS}{slot} {number} {digest}"))
    }
}

fn digest_of(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

fn part_name(name: &str, slot: Slot, number: usize) -> String {
    format!("{name}/{}/{number}", slot.name())
}

/// A text in pieces of at most so many bytes.
fn split(text: &str, longest: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(longest));
        parts.push(part);
        rest = after;
    }
    parts
}

/// The secret of this name. One whose parts are not there, or are those of another one, is none.
pub async fn get(entries: &impl Entries, name: &str) -> Result<Option<Secret>, SecretsError> {
    for _ in 0..TRIES {
        let Some(entry) = entries.get(name).await? else {
            return Ok(None);
        };
        let parts = match Kept::read(entry) {
            Kept::Whole(secret) => return Ok(Some(secret)),
            Kept::Parts(parts) => parts,
            Kept::Unreadable => return Ok(None),
        };
        let mut text = String::new();
        for number in 0..parts.number {
            let part = entries.get(&part_name(name, parts.slot, number)).await?;
            let Some(part) = part else { break };
            text.push_str(part.expose());
        }
        if digest_of(&text) == parts.digest {
            return Ok(Some(Secret::new(text)));
        }
        // Another process may have replaced it between the entry and its parts.
    }
    Ok(None)
}

/// Keeps a secret under a name, instead of any before it.
pub async fn set(entries: &impl Entries, name: &str, secret: &Secret) -> Result<(), SecretsError> {
    let text = secret.expose();
    if text.len() <= entries.longest() && !text.starts_with(IN_PARTS) {
        entries.set(name, secret.clone()).await?;
        tidy(entries, name, None).await;
        return Ok(());
    }
    let slot = match entries.get(name).await?.map(Kept::read) {
        Some(Kept::Parts(parts)) => parts.slot.other(),
        _ => Slot::A,
    };
    let pieces = split(text, entries.longest());
    for (number, piece) in pieces.iter().enumerate() {
        let piece = Secret::new((*piece).to_owned());
        entries.set(&part_name(name, slot, number), piece).await?;
    }
    let parts = Parts {
        slot,
        number: pieces.len(),
        digest: digest_of(text),
    };
    entries.set(name, parts.entry()).await?;
    tidy(entries, name, Some(&parts)).await;
    Ok(())
}

/// Removes the secret of this name. There being none is no error.
pub async fn remove(entries: &impl Entries, name: &str) -> Result<(), SecretsError> {
    // From here on there is none, whatever is left of it.
    entries.remove(name).await?;
    clear(entries, name, Slot::A, 0).await?;
    clear(entries, name, Slot::B, 0).await
}

/// Removes parts that do not count. What is left goes with the next change: the secret is kept in any case.
async fn tidy(entries: &impl Entries, name: &str, count: Option<&Parts>) {
    for slot in [Slot::A, Slot::B] {
        let from = match count {
            Some(parts) if parts.slot == slot => parts.number,
            _ => 0,
        };
        if clear(entries, name, slot, from).await.is_err() {
            return;
        }
    }
}

/// Removes the parts of a slot from this number on, as far as there are any.
async fn clear(
    entries: &impl Entries,
    name: &str,
    slot: Slot,
    from: usize,
) -> Result<(), SecretsError> {
    let mut end = from;
    while entries.get(&part_name(name, slot, end)).await?.is_some() {
        end += 1;
    }
    // From the end, so that whoever is cut off in between leaves parts that are found again.
    for number in (from..end).rev() {
        entries.remove(&part_name(name, slot, number)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Mutex, PoisonError},
    };

    use super::*;

    /// Longest entry of the tests.
    const LONGEST: usize = 200;

    /// Entries that are cut off from their writer after some changes.
    struct Cut(Mutex<(BTreeMap<String, String>, usize)>);

    impl Cut {
        fn never() -> Self {
            Self(Mutex::new((BTreeMap::new(), usize::MAX)))
        }

        fn after(&self, changes: usize) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = changes;
        }

        fn names(&self) -> Vec<String> {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.0.keys().cloned().collect()
        }

        fn change(
            &self,
            change: impl FnOnce(&mut BTreeMap<String, String>),
        ) -> Result<(), SecretsError> {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.1 = kept.1.checked_sub(1).ok_or(SecretsError::Silent)?;
            change(&mut kept.0);
            Ok(())
        }
    }

    impl Entries for Cut {
        fn longest(&self) -> usize {
            LONGEST
        }

        async fn get(&self, name: &str) -> Result<Option<Secret>, SecretsError> {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(kept.0.get(name).cloned().map(Secret::new))
        }

        async fn set(&self, name: &str, secret: Secret) -> Result<(), SecretsError> {
            assert!(secret.expose().len() <= LONGEST);
            self.change(|kept| drop(kept.insert(name.to_owned(), secret.expose().clone())))
        }

        async fn remove(&self, name: &str) -> Result<(), SecretsError> {
            self.change(|kept| drop(kept.remove(name)))
        }
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    async fn is(entries: &Cut) -> Option<String> {
        let kept = get(entries, "x").await.unwrap();
        kept.map(|kept| kept.expose().clone())
    }

    /// None, one of an entry, of two and of four parts.
    fn secrets() -> [Option<String>; 4] {
        let long = |letter: &str, length: usize| Some(letter.repeat(length));
        [
            None,
            long("s", 5),
            long("ä", LONGEST),
            long("l", 3 * LONGEST + 1),
        ]
    }

    #[test]
    fn a_text_is_split_into_parts_that_fit_and_make_it_whole_again() {
        for text in ["", "a", &"x".repeat(LONGEST), &"ä€😀".repeat(1000)] {
            let parts = split(text, LONGEST);
            assert!(parts.iter().all(|part| part.len() <= LONGEST));
            assert_eq!(parts.concat(), text);
        }
        assert_eq!(split(&"x".repeat(LONGEST + 1), LONGEST).len(), 2);
    }

    #[tokio::test]
    async fn a_short_secret_is_one_entry_as_it_always_was_and_a_long_one_is_read_whole() {
        let entries = Cut::never();
        set(&entries, "x", &secret("short")).await.unwrap();
        assert_eq!(entries.names(), ["x"]);
        let kept = entries.get("x").await.unwrap().unwrap();
        assert_eq!(kept.expose(), "short");

        let long = "ä€😀".repeat(100);
        set(&entries, "x", &secret(&long)).await.unwrap();
        assert_eq!(is(&entries).await, Some(long));
        assert_eq!(
            entries.names().len(),
            6,
            "nine hundred bytes, and the entry"
        );
        remove(&entries, "x").await.unwrap();
        assert_eq!(entries.names(), [""; 0]);
    }

    #[tokio::test]
    async fn whoever_is_cut_off_leaves_the_secret_of_before_or_the_new_one() {
        for before in secrets() {
            for after in secrets() {
                for cut in 0.. {
                    let entries = Cut::never();
                    if let Some(before) = &before {
                        set(&entries, "x", &secret(before)).await.unwrap();
                    }
                    entries.after(cut);
                    let done = match &after {
                        Some(after) => set(&entries, "x", &secret(after)).await,
                        None => remove(&entries, "x").await,
                    };
                    let left = is(&entries).await;
                    match done {
                        Ok(()) => assert_eq!(left, after),
                        // A removal that leaves parts behind says so, and is made again.
                        Err(_) => assert!(left == before || left == after, "{before:?} {cut}"),
                    }
                    entries.after(usize::MAX);
                    let next = "n".repeat(LONGEST + 1);
                    set(&entries, "x", &secret(&next)).await.unwrap();
                    assert_eq!(is(&entries).await.as_ref(), Some(&next));
                    assert_eq!(entries.names().len(), 3, "nothing else is left: {cut}");
                    remove(&entries, "x").await.unwrap();
                    assert_eq!(entries.names(), [""; 0]);
                    if done.is_ok() && cut > 20 {
                        break;
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn parts_that_do_not_make_the_whole_make_no_secret() {
        let long = "abc".repeat(LONGEST);
        for damage in ["x/a/1", "x/a/2"] {
            let entries = Cut::never();
            set(&entries, "x", &secret(&long)).await.unwrap();
            entries.set(damage, secret("other")).await.unwrap();
            assert_eq!(is(&entries).await, None);
            entries.remove(damage).await.unwrap();
            assert_eq!(is(&entries).await, None);
        }
        for damaged in ["", "a", "a 3", "c 3 00", "a x 00", "a 3 00"] {
            let entries = Cut::never();
            let entry = format!("{IN_PARTS}{damaged}");
            entries.set("x", secret(&entry)).await.unwrap();
            assert_eq!(is(&entries).await, None, "{damaged}");
        }
    }

    #[tokio::test]
    async fn a_secret_that_looks_like_an_entry_with_parts_is_a_secret() {
        let entries = Cut::never();
        let odd = format!("{IN_PARTS}a 1 00");
        set(&entries, "x", &secret(&odd)).await.unwrap();
        assert_eq!(is(&entries).await, Some(odd));
    }
}
