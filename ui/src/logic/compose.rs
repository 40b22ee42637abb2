//! Whether a session can take a message now, and why not.

use berth_protocol::{Session, Status};

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
