//! The keys that detach from a session, as docker names them: `ctrl-p,ctrl-q`.

use std::{fmt, str::FromStr};

/// A sequence of keys, as the bytes that a terminal sends for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachKeys {
    bytes: Vec<u8>,
    name: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no key: name single characters, or ctrl- and one of a-z, @, [, \\, ], ^ or _, \
     separated by commas"
)]
pub struct InvalidKey(String);

impl FromStr for DetachKeys {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: Result<_, _> = text.split(',').map(key).collect();
        Ok(Self {
            bytes: bytes?,
            name: text.to_owned(),
        })
    }
}

impl fmt::Display for DetachKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name.replace(',', " "))
    }
}

fn key(name: &str) -> Result<u8, InvalidKey> {
    let invalid = || InvalidKey(name.to_owned());
    let (letter, control) = match name.strip_prefix("ctrl-") {
        Some(letter) => (letter, true),
        None => (name, false),
    };
    let [byte] = letter.as_bytes() else {
        return Err(invalid());
    };
    match byte.to_ascii_uppercase() {
        // A control key sends the low five bits of its letter.
        upper @ b'@'..=b'_' if control => Ok(upper & 0x1f),
        b' '..=b'~' if !control => Ok(*byte),
        _ => Err(invalid()),
    }
}

/// Looks for the keys in what is typed.
pub struct Detaching {
    keys: DetachKeys,
    /// How many of the keys have been pressed and were not sent on yet.
    held: usize,
}

/// What is to be done with what was typed.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// This goes to the session.
    pub forward: Vec<u8>,
    /// The keys were pressed.
    pub detach: bool,
}

impl Detaching {
    pub fn new(keys: DetachKeys) -> Self {
        Self { keys, held: 0 }
    }

    pub fn take(&mut self, typed: &[u8]) -> Typed {
        let mut forward = Vec::with_capacity(typed.len());
        for &byte in typed {
            // What was held and the keys go on to agree in is still held; the rest was meant.
            while self.held > 0 && self.keys.bytes[self.held] != byte {
                let kept = self.overlap();
                forward.extend_from_slice(&self.keys.bytes[..self.held - kept]);
                self.held = kept;
            }
            if self.keys.bytes[self.held] != byte {
                forward.push(byte);
                continue;
            }
            self.held += 1;
            if self.held == self.keys.bytes.len() {
                self.held = 0;
                return Typed {
                    forward,
                    detach: true,
                };
            }
        }
        Typed {
            forward,
            detach: false,
        }
    }

    /// Length of the longest beginning of the keys that what is held ends with, short of all of it.
    fn overlap(&self) -> usize {
        let held = &self.keys.bytes[..self.held];
        (0..self.held)
            .rev()
            .find(|&length| held.ends_with(&held[..length]))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of typed pieces is forwarded, and whether they detach.
    #[track_caller]
    fn check(keys: &str, typed: &[&str], forwarded: &str, detaches: bool) {
        let mut detaching = Detaching::new(keys.parse().unwrap());
        let mut sent = Vec::new();
        let mut detached = false;
        for piece in typed {
            let typed = detaching.take(piece.as_bytes());
            sent.extend(typed.forward);
            detached |= typed.detach;
        }
        assert_eq!(
            (String::from_utf8(sent).unwrap().as_str(), detached),
            (forwarded, detaches)
        );
    }

    #[test]
    fn names_stand_for_the_bytes_of_the_keys() {
        for (name, bytes) in [
            ("ctrl-\\", &[0x1c][..]),
            ("ctrl-p,ctrl-q", &[0x10, 0x11]),
            ("ctrl-P,q", &[0x10, b'q']),
            ("ctrl-@", &[0]),
            ("~,.", b"~."),
        ] {
            let keys: DetachKeys = name.parse().unwrap();
            assert_eq!(keys.bytes, bytes, "{name}");
        }
        for wrong in [
            "", "ctrl-", "ctrl-ab", "ctrl-1", "ab", "ctrl-p,", "é", "ctrl-é",
        ] {
            assert!(wrong.parse::<DetachKeys>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_typed_before_the_keys_is_sent_and_what_comes_behind_is_not() {
        check("ctrl-\\", &["ls\r\x1cmore"], "ls\r", true);
        check("ctrl-\\", &["ls\r"], "ls\r", false);
        check("ctrl-p,ctrl-q", &["a\x10", "\x11b"], "a", true);
    }

    #[test]
    fn a_sequence_that_is_not_finished_is_sent_after_all() {
        check("ctrl-p,ctrl-q", &["\x10", "x"], "\x10x", false);
        check("ctrl-p,ctrl-q", &["\x10\x10\x11"], "\x10", true);
        check("a,a,b", &["aaab"], "a", true);
        check("a,b,a,c", &["ababac"], "ab", true);
        check("a,b", &["a"], "", false);
    }
}
