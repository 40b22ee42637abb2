//! Whether a session can take a message now, and why not.

use berth_protocol::{Session, Status};

/// A draft with the path of a file behind it. A path with blanks is quoted, or nobody sees where it ends, and one with
/// signs that mean something to a shell, which runs what it is sent.
pub fn with_path(draft: &str, path: &str) -> String {
    let gap = match draft.chars().last() {
        None => "",
        Some(last) if last.is_whitespace() => "",
        Some(_) => " ",
    };
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-+@~".contains(c);
    let quote = match path {
        path if path.chars().all(is_plain) => "",
        path if path.contains(['"', '$', '`']) => "'",
        _ => "\"",
    };
    format!("{draft}{gap}{quote}{path}{quote} ")
}

/// What the composer offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composer {
    /// A message can be sent.
    Ready,
    /// A message can be written but not sent yet.
    Starting,
    /// The agent works; a message can be written, and the work can be interrupted.
    Busy,
    /// A question must be answered first.
    Question,
    /// The program has ended; it can be restarted.
    Ended,
    /// The session must be brought back first.
    Archived,
}

impl Composer {
    /// What the composer of this session offers.
    pub fn of(session: &Session) -> Self {
        if session.archived_at.is_some() {
            return Self::Archived;
        }
        match session.status {
            Status::Starting => Self::Starting,
            Status::Running => Self::Busy,
            Status::Waiting => Self::Ready,
            Status::NeedsAttention { .. } => Self::Question,
            Status::Exited { .. } | Status::Failed { .. } => Self::Ended,
        }
    }

    /// A message may be written, even if it cannot be sent yet.
    pub fn can_write(self) -> bool {
        matches!(self, Self::Ready | Self::Starting | Self::Busy)
    }

    /// A message can be sent now.
    pub fn can_send(self) -> bool {
        self == Self::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::with_path;

    #[test]
    fn a_path_stands_apart_from_what_is_written() {
        for (draft, path, wanted) in [
            ("", "/a/b.png", "/a/b.png "),
            ("Look at", "/a/b.png", "Look at /a/b.png "),
            ("Look at ", "/a/b.png", "Look at /a/b.png "),
            ("Look:\n", "/a/b.png", "Look:\n/a/b.png "),
            ("/a/b.png ", "/a/c.png", "/a/b.png /a/c.png "),
            ("Look at", "/my files/b.png", "Look at \"/my files/b.png\" "),
        ] {
            assert_eq!(with_path(draft, path), wanted);
        }
    }
}
