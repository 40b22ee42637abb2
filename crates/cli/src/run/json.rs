//! The lines that `berth run --json` prints: one object for each event, told apart by `type`.

use berth_protocol::{Message, MessageId, Role, Session, Timestamp};
use serde::Serialize;

/// One line. What it holds is described in the command's help.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line<'a> {
    Session {
        id: String,
        agent: &'a str,
        title: &'a str,
        project: &'a str,
        workspace: &'a str,
        branch: Option<&'a str>,
        permission_mode: Option<&'a str>,
    },
    Message {
        id: MessageId,
        role: Role,
        content: &'a str,
        partial: bool,
        at: Timestamp,
    },
    Status {
        status: &'a str,
    },
    Attention {
        id: &'a str,
        question: &'a str,
        options: &'a [berth_protocol::AttentionOption],
    },
    Result {
        result: &'a str,
        exit_code: u8,
        session: String,
        workspace: &'a str,
        branch: Option<&'a str>,
        reply: Option<&'a str>,
        detail: Option<&'a str>,
    },
}

impl<'a> Line<'a> {
    pub fn session(session: &'a Session, project: &'a str) -> Self {
        Self::Session {
            id: session.id.to_string(),
            agent: session.agent.as_str(),
            title: &session.title,
            project,
            workspace: &session.workspace.path,
            branch: session.workspace.branch.as_deref(),
            permission_mode: session.permission_mode.as_deref(),
        }
    }

    pub fn message(message: &'a Message) -> Self {
        Self::Message {
            id: message.id,
            role: message.role,
            content: &message.content,
            partial: message.partial,
            at: message.at,
        }
    }

    /// The line with its end.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
