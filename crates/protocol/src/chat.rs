//! The transcript: what user and agent said.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{MessageId, Part, SessionId};

/// Longest message of a user, in bytes: 256 KiB.
pub const MESSAGE_LIMIT: usize = 256 * 1024;

/// One message of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Identifier; the same while the message is partial.
    pub id: MessageId,
    /// The session.
    pub session_id: SessionId,
    /// Position in the transcript, from 1, without gaps.
    pub seq: i64,
    /// Who spoke.
    pub role: Role,
    /// The words, without the echo, frames and status lines of the agent's screen.
    pub content: String,
    /// What the message is made of, of agents that tell: those with the transport `acp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// When it was sent or finished.
    pub at: Timestamp,
    /// The run of the session that it belongs to.
    pub run: u32,
    /// It is not in the transcript yet, and will be told again under the same `id`: the agent is still speaking, or
    /// the disk is full and the message waits in the engine's memory.
    #[serde(default)]
    pub partial: bool,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The user.
    User,
    /// The agent.
    Agent,
}

/// Answer of `GET /sessions/{id}/messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessagePage {
    /// Messages in order.
    pub messages: Vec<Message>,
    /// Pass this as `after` to get the next page; absent at the end.
    pub next: Option<i64>,
}

/// Body of `POST /chat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The session to speak to.
    pub session_id: SessionId,
    /// The message, 1 byte to 256 KiB, not only white space.
    pub content: String,
}

/// Answer of `POST /chat`: the agent took the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatAccepted {
    /// The message as it stands in the transcript; `partial` when it cannot be stored yet.
    pub message: Message,
}
