//! The bodies of agentapi's requests and answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the agent works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// It works, or has not started yet.
    Running,
    /// It waits for the user: for a message, or for an answer to a question.
    Stable,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConversationRole {
    /// The agent.
    Agent,
    /// The user.
    User,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Message {
    /// Its place in the conversation, from 0; 0 is the screen with which the agent started, if it has one.
    pub id: usize,
    /// The words.
    pub content: String,
    /// Who spoke.
    pub role: ConversationRole,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
}

/// Answer of `GET /messages`.
#[derive(Serialize, ToSchema)]
pub struct MessagesResponseBody {
    /// All messages, oldest first.
    pub messages: Vec<Message>,
}

/// Answer of `GET /status`.
#[derive(Serialize, ToSchema)]
pub struct StatusResponseBody {
    /// Whether the agent works.
    pub status: AgentStatus,
    /// The agent.
    pub agent_type: String,
    /// How it is spoken to: `pty` or `acp`.
    pub transport: &'static str,
    /// A question that the agent asks. Not in agentapi, where a question is a stable screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<berth_protocol::Attention>,
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// It is said to the agent and stands among the messages.
    User,
    /// Its bytes are typed into the terminal.
    Raw,
}

/// Body of `POST /message`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MessageRequestBody {
    /// The words or keys.
    pub content: String,
    /// What they are for.
    #[serde(rename = "type")]
    pub kind: MessageType,
}

/// Answer of `POST /message` and `POST /answer`.
#[derive(Serialize, ToSchema)]
pub struct MessageResponseBody {
    /// Always true.
    pub ok: bool,
}

/// Body of `POST /answer`. Not in agentapi.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AnswerRequestBody {
    /// The question, as `GET /status` names it.
    pub attention: String,
    /// The chosen answer.
    pub option: String,
}

/// Answer of `POST /upload`.
#[derive(Serialize, ToSchema)]
pub struct UploadResponseBody {
    /// Always true.
    pub ok: bool,
    /// Where the file lies.
    #[serde(rename = "filePath")]
    pub file_path: String,
}

/// Data of the event `message_update`.
#[derive(Serialize, ToSchema)]
pub struct MessageUpdateBody {
    /// Place of the message.
    pub id: usize,
    /// Who spoke.
    pub role: ConversationRole,
    /// All of its words so far.
    pub message: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
}

/// Data of the event `status_change`.
#[derive(Serialize, ToSchema)]
pub struct StatusChangeBody {
    /// Whether the agent works.
    pub status: AgentStatus,
    /// The agent.
    pub agent_type: String,
    /// A question that the agent asks. Not in agentapi.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<berth_protocol::Attention>,
}

/// Data of the event `agent_error`.
#[derive(Clone, Serialize, ToSchema)]
pub struct AgentErrorBody {
    /// What happened.
    pub message: String,
    /// How bad it is: `error`.
    pub level: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
}

/// Data of the event `screen`.
#[derive(Serialize, ToSchema)]
pub struct ScreenUpdateBody {
    /// The terminal's text.
    pub screen: String,
}

/// An error, as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
pub struct ErrorModel {
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to what.
    pub detail: String,
}
