//! The terminal's WebSocket, `GET /sessions/{id}/terminal`.
//!
//! Binary frames are bytes: from the engine what the program printed, to the engine what the user
//! typed. Text frames are the control messages below, as JSON. The token travels as the second
//! WebSocket subprotocol, `bearer.<token>`, beside [`SUBPROTOCOL`], because browsers cannot set
//! headers on a WebSocket.
//!
//! The engine keeps a window of unacknowledged bytes for each viewer. A viewer acknowledges what
//! it has drawn; one that falls behind is paused and repainted from a [`ServerControl::Snapshot`].

use serde::{Deserialize, Serialize};

use crate::{Size, Status};

/// Name of the terminal's WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "berth.terminal.v1";

/// Prefix of the WebSocket subprotocol that carries the bearer token.
pub const BEARER_SUBPROTOCOL_PREFIX: &str = "bearer.";

/// Bytes that a viewer may draw before it must acknowledge them.
pub const ACK_EVERY: usize = 100 * 1024;

/// Bytes sent to a viewer and not yet acknowledged, beyond which it is paused.
pub const VIEWER_WINDOW: usize = 500 * 1024;

/// From the viewer to the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientControl {
    /// The viewer's size changed; the session takes the size of the viewer that said it last.
    Resize {
        /// New size.
        size: Size,
    },
    /// The viewer has drawn this many more bytes.
    Ack {
        /// Bytes since the last acknowledgement.
        bytes: usize,
    },
}

/// From the engine to the viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerControl {
    /// The next binary frame repaints scrollback and screen from nothing: reset the terminal, set
    /// this size, then draw it. Sent first on every connection, after a restart of the session and
    /// when the viewer fell behind. The repaint counts for acknowledgements like other bytes.
    Snapshot {
        /// Size of the terminal.
        size: Size,
        /// The run of the session.
        run: u32,
        /// Bytes of output that this viewer did not get, because it fell behind.
        skipped: u64,
    },
    /// The terminal has a new size, set by this or another viewer.
    Resized {
        /// New size.
        size: Size,
    },
    /// The program ended; no more bytes will come unless the session is restarted.
    Ended {
        /// How it ended.
        #[serde(flatten)]
        status: Status,
    },
}
