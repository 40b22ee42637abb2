//! The last that a router printed, to explain how it failed. Keys are taken out.

use std::sync::{Arc, Mutex, PoisonError};

use berth_protocol::Secret;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Output that is kept, in bytes. An exception with its stack has about 1 KiB.
const KEPT: usize = 8 * 1024;

/// Most of it that is told, in characters.
const TOLD: usize = 1500;

/// The last output of a process.
#[derive(Clone, Default)]
pub struct Tail {
    kept: Arc<Mutex<Kept>>,
    secrets: Arc<[Secret]>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// The beginning is gone, so the first row may be the rest of one.
    is_cut: bool,
}

impl Tail {
    /// An empty one, out of which these are kept.
    pub fn without(secrets: Arc<[Secret]>) -> Self {
        Self {
            kept: Arc::default(),
            secrets,
        }
    }

    /// Reads to the end of an output.
    pub async fn read(self, mut output: impl AsyncRead + Unpin) {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut chunk).await {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.bytes.extend_from_slice(&chunk[..count]);
            if let Some(over @ 1..) = kept.bytes.len().checked_sub(KEPT) {
                kept.bytes.drain(..over);
                kept.is_cut = true;
            }
        }
    }

    /// The output, without keys and without what would draw on a terminal.
    pub fn text(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::from_utf8_lossy(&kept.bytes).into_owned();
        for secret in self.secrets.iter().map(Secret::expose) {
            if !secret.is_empty() {
                text = text.replace(secret.as_str(), "<redacted>");
            }
        }
        // The first row may begin with the rest of a key.
        let text = match text.split_once('\n') {
            Some((_, rest)) if kept.is_cut => rest,
            None if kept.is_cut => "",
            _ => &text,
        };
        let is_shown = |c: &char| !c.is_control() || *c == '\n';
        let text: Vec<char> = text.trim().chars().filter(is_shown).collect();
        text[text.len().saturating_sub(TOLD)..].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(printed: &str) -> String {
        let tail = Tail::without([Secret::new("sk-1234".to_owned())].into());
        tail.clone().read(printed.as_bytes()).await;
        tail.text()
    }

    #[tokio::test]
    async fn only_the_end_is_told() {
        let long = "x".repeat(100_000);
        assert_eq!(told(&format!("{long}\nfirst\nlast\n")).await, "first\nlast");
        assert_eq!(told(&long).await, "");
    }

    #[tokio::test]
    async fn no_key_is_told_and_no_part_of_one() {
        let printed = "\u{1b}[31mthe key is sk-1234\n";
        assert_eq!(told(printed).await, "[31mthe key is <redacted>");
        // Where the beginning is cut off, in the middle of the key.
        let cut = format!("sk-1234{}\nrest", "x".repeat(KEPT - 5 - 4));
        assert_eq!(told(&cut).await, "rest");
    }
}
