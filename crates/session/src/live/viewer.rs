//! What viewers of a session get: a repaint of everything, then what comes after it.

use berth_protocol::{Size, Status};
use bytes::Bytes;
use tokio::sync::broadcast;

/// Updates kept for viewers that are a little behind. With frames of at most 64 KiB this bounds a
/// flooding session to some 8 MiB; a viewer that is further behind is repainted.
pub(crate) const KEPT: usize = 128;

/// The start of a view.
#[derive(Debug)]
pub struct View {
    /// Bytes that draw scrollback and screen on an empty terminal.
    pub snapshot: Bytes,
    /// Bytes of output that the snapshot stands for, since the session's start.
    pub offset: u64,
    /// Size of the terminal.
    pub size: Size,
    /// What comes after it.
    pub updates: broadcast::Receiver<Update>,
}

/// Something a viewer must show.
#[derive(Clone, Debug)]
pub enum Update {
    /// The program printed.
    Output(Frame),
    /// The terminal has a new size.
    Resized(Size),
    /// The session ended.
    Ended(Status),
}

/// A piece of output.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The bytes.
    pub bytes: Bytes,
    /// Bytes of output since the session's start, these included.
    pub offset: u64,
}
