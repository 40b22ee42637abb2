//! What a program says of itself: OSC 7501, the Program Status Protocol that Claude Code and Codex
//! speak.
//!
//! `ESC ] 7501 ; state=working : app=… ST` tells the state; `ESC ] 7501 ; ? ST` asks whether the
//! terminal understands it, which is answered with the same. The emulator passes unknown sequences
//! over, so they are picked from the bytes here.

use memchr::memmem;

/// How every sequence begins.
const START: &[u8] = b"\x1b]7501;";

/// Longest sequence that is kept, in bytes.
const LONGEST: usize = 2048;

/// The state that a program reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramStatus {
    /// It works.
    Working,
    /// It waits for an approval or an answer.
    Blocked,
    /// It waits for a message: it has just finished, failed or not begun.
    Idle,
}

/// Picks status sequences from a stream that may be cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The beginning of a sequence whose end has not come yet.
    open: Vec<u8>,
    pub status: Option<ProgramStatus>,
    /// How often the program said that it began to work.
    pub works: u64,
}

impl Scanner {
    /// Takes output and returns what is to be answered.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut replies = Vec::new();
        let mut joined = std::mem::take(&mut self.open);
        // Nearly always nothing is open, and then nothing has to be copied.
        let mut rest = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            joined.as_slice()
        };
        while let Some(at) = memmem::find(rest, START) {
            let body = &rest[at + START.len()..];
            let Some(end) = body.iter().position(|&byte| byte == 0x07 || byte == 0x1b) else {
                if body.len() < LONGEST {
                    self.open = rest[at..].to_vec();
                }
                return replies;
            };
            self.take(&body[..end], &mut replies);
            rest = &body[end..];
        }
        // The stream may have been cut inside the beginning of a sequence.
        let cut = (1..START.len().min(rest.len() + 1))
            .rev()
            .find(|&length| rest.ends_with(&START[..length]));
        if let Some(length) = cut {
            self.open = START[..length].to_vec();
        }
        replies
    }

    fn take(&mut self, body: &[u8], replies: &mut Vec<u8>) {
        let Ok(body) = std::str::from_utf8(body) else {
            return;
        };
        if body == "?" {
            replies.extend_from_slice(b"\x1b]7501;?\x1b\\");
            return;
        }
        let before = self.status;
        let state = body
            .split(':')
            .find_map(|field| field.strip_prefix("state="));
        self.status = match state {
            Some("working") => Some(ProgramStatus::Working),
            Some("blocked") => Some(ProgramStatus::Blocked),
            Some("idle" | "done" | "error") => Some(ProgramStatus::Idle),
            Some("clear") => None,
            // A word of a newer version says nothing that could be relied on.
            _ => self.status,
        };
        let works = self.status == Some(ProgramStatus::Working);
        self.works += u64::from(works && before != self.status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_found_wherever_the_stream_is_cut() {
        let stream = b"text\x1b[31m\x1b]7501;state=working:app=x\x1b\\more\x1b]7501;?\x07\x1b]7501;state=blocked:app=x:kind=permission\x07";
        for cut in 0..stream.len() {
            let mut scanner = Scanner::default();
            let mut replies = scanner.feed(&stream[..cut]);
            replies.extend(scanner.feed(&stream[cut..]));
            assert_eq!(scanner.status, Some(ProgramStatus::Blocked), "cut at {cut}");
            assert_eq!(replies, b"\x1b]7501;?\x1b\\", "cut at {cut}");
        }
    }

    #[test]
    fn a_sequence_without_end_is_not_kept_for_ever() {
        let mut scanner = Scanner::default();
        scanner.feed(b"\x1b]7501;");
        for _ in 0..1000 {
            scanner.feed(&[b'x'; 100]);
        }
        assert!(scanner.open.len() <= LONGEST + START.len() + 100);
    }
}
