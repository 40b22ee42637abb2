//! Where a restarted session begins: in the conversation that its agent has kept, or in a new one.

use std::time::{Duration, SystemTime};

use berth_protocol::{Beginning, Code, Message, Role, SessionId, Transport};
use berth_session::{
    acp::Resume,
    agents::{
        Spec,
        conversation::{self, Sought},
    },
};
use berth_store::SessionRecord;
use uuid::Uuid;

use super::private;
use crate::{error::ApiError, state::State};

/// Messages that are looked at to find a conversation, and that a transcript is made of, at most.
const MESSAGES: u32 = 400;

/// Most of a transcript that is handed to an agent, in bytes; what was said last is kept.
const TRANSCRIPT: usize = 32 * 1024;

/// How a message with a transcript starts.
const OPENING: &str = "What follows is the transcript of an earlier session with you, which you cannot \
    remember. Take it as said, do nothing yet, and wait for my next message.";

/// Clocks of files and of the store may differ by so much.
const SLACK: Duration = Duration::from_secs(2);

/// How a run begins.
pub struct Start {
    pub beginning: Beginning,
    /// The agent's name for the conversation, where it is known.
    pub agent_session: Option<String>,
    /// The conversation that the agent is asked for over its protocol.
    pub resume: Option<Resume>,
    /// The message that tells the agent what was said before.
    pub transcript: Option<String>,
}

impl Start {
    /// In a new conversation.
    pub fn new(spec: &Spec, transport: Transport) -> Self {
        let rules = spec.conversation.as_ref();
        let is_named = rules.is_some_and(|rules| !rules.new.is_empty());
        let named = transport == Transport::Pty && is_named;
        Self {
            beginning: Beginning::New,
            agent_session: named.then(|| Uuid::new_v4().to_string()),
            resume: None,
            transcript: None,
        }
    }
}

/// Works out how a session begins again.
pub async fn decide(
    state: &State,
    record: &SessionRecord,
    spec: &Spec,
    wanted: Option<Beginning>,
) -> Result<Start, ApiError> {
    let new = Start::new(spec, record.transport);
    match wanted {
        Some(Beginning::New) => return Ok(new),
        Some(Beginning::Transcript) => {
            let messages = last_messages(state, record.id).await?;
            // A message that was never taken is handed over first, and it is all that was said unless it is
            // a transcript itself.
            if let Some(undelivered) = record.undelivered {
                let mut told = messages.iter().filter(|message| message.id == undelivered);
                let is_transcript = told.any(|message| message.content.starts_with(OPENING));
                let beginning = match is_transcript {
                    true => Beginning::Transcript,
                    false => Beginning::New,
                };
                return Ok(Start { beginning, ..new });
            }
            let transcript = transcript(&messages);
            return Ok(Start {
                beginning: Beginning::Transcript,
                transcript: Some(transcript.ok_or_else(|| gone(record, "nothing was said in it"))?),
                ..new
            });
        }
        Some(Beginning::Resumed) | None => {}
    }
    let or_new = wanted.is_none();
    let found = kept(state, record, spec).await?;
    match (found, record.transport) {
        (Some(name), Transport::Pty) => Ok(Start {
            beginning: Beginning::Resumed,
            agent_session: Some(name),
            ..new
        }),
        (Some(name), Transport::Acp) => Ok(Start {
            // The agent tells when it has not kept it after all.
            beginning: Beginning::Resumed,
            agent_session: Some(name.clone()),
            resume: Some(Resume { name, or_new }),
            ..new
        }),
        (None, _) if or_new => Ok(new),
        (None, _) if !spec.resumes() && record.transport == Transport::Pty => {
            Err(gone(record, &format!("{} cannot resume one", spec.name)))
        }
        (None, _) => Err(gone(record, &format!("{} has not kept it", spec.name))),
    }
}

fn gone(record: &SessionRecord, why: &str) -> ApiError {
    let detail = format!(
        "the conversation of session {} cannot be resumed: {why}",
        record.id
    );
    ApiError::new(Code::ConversationGone, detail)
}

/// The agent's name for the conversation that it has kept.
async fn kept(
    state: &State,
    record: &SessionRecord,
    spec: &Spec,
) -> Result<Option<String>, ApiError> {
    let messages = last_messages(state, record.id).await?;
    // What was said in an earlier run belongs to another conversation, unless this run goes on with it.
    let of_user = |message: &&Message| {
        message.role == Role::User
            && message.run == record.run
            && Some(message.id) != record.undelivered
    };
    let said: Vec<String> = messages
        .iter()
        .rev()
        .filter(of_user)
        .map(|message| message.content.clone())
        .collect();
    if said.is_empty() && record.beginning != Beginning::Resumed {
        // Agents keep nothing of conversations in which nothing was said.
        return Ok(None);
    }
    if record.transport == Transport::Acp {
        let loads = spec.acp.as_ref().is_some_and(|acp| acp.loads);
        return Ok(record.agent_session.clone().filter(|_| loads));
    }
    let others = state.store.sessions().await?;
    let alone = !others.iter().any(|other| {
        other.id != record.id
            && other.agent == record.agent
            && other.workspace.path == record.workspace.path
    });
    let since = SystemTime::from(record.created_at);
    let sought = Sought {
        workspace: record.workspace.path.clone().into(),
        private: private(state, record.id),
        name: record.agent_session.clone(),
        since: since.checked_sub(SLACK).unwrap_or(SystemTime::UNIX_EPOCH),
        messages: said,
        alone,
    };
    Ok(conversation::find(spec, sought, state.environment().await).await)
}

async fn last_messages(state: &State, id: SessionId) -> Result<Vec<Message>, ApiError> {
    let count = i64::try_from(state.store.message_count(id).await?).unwrap_or(i64::MAX);
    let after = count.saturating_sub(i64::from(MESSAGES));
    Ok(state.store.messages(id, after, MESSAGES).await?.messages)
}

/// What was said, as a message; nothing when nothing was.
fn transcript(messages: &[Message]) -> Option<String> {
    let mut kept = Vec::new();
    let mut room = TRANSCRIPT;
    let mut left_out = false;
    for message in messages.iter().rev() {
        // An earlier transcript repeats what stands before it.
        if message.content.is_empty() || message.content.starts_with(OPENING) {
            continue;
        }
        let who = match message.role {
            Role::User => "User",
            Role::Agent => "Agent",
        };
        let text = format!("{who}:\n{}", message.content);
        let Some(rest) = room.checked_sub(text.len()) else {
            left_out = true;
            break;
        };
        room = rest;
        kept.push(text);
    }
    if kept.is_empty() {
        return None;
    }
    if left_out {
        kept.push("(What was said before is left out.)".to_owned());
    }
    kept.reverse();
    Some(format!("{OPENING}\n\n{}", kept.join("\n\n")))
}

#[cfg(test)]
mod tests {
    use berth_protocol::{MessageId, Timestamp};

    use super::*;

    fn message(role: Role, content: &str) -> Message {
        Message {
            id: MessageId(Uuid::now_v7()),
            session_id: SessionId(Uuid::now_v7()),
            seq: 1,
            role,
            content: content.to_owned(),
            parts: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            run: 1,
            partial: false,
        }
    }

    #[test]
    fn a_transcript_says_who_said_what_in_order() {
        let said = [
            message(Role::User, "Is it up?"),
            message(Role::Agent, "It is."),
        ];
        let text = transcript(&said).unwrap();
        assert!(
            text.ends_with("\n\nUser:\nIs it up?\n\nAgent:\nIt is."),
            "{text}"
        );
    }

    #[test]
    fn a_transcript_keeps_what_was_said_last_and_says_that_more_was_said() {
        let said = [
            message(Role::User, &"x".repeat(TRANSCRIPT)),
            message(Role::Agent, "the end"),
        ];
        let text = transcript(&said).unwrap();
        assert!(
            text.ends_with("(What was said before is left out.)\n\nAgent:\nthe end"),
            "{text}"
        );
        assert!(text.len() < TRANSCRIPT);
    }

    #[test]
    fn a_transcript_holds_no_earlier_transcript() {
        let first = transcript(&[message(Role::User, "one")]).unwrap();
        let said = [message(Role::User, &first), message(Role::Agent, "ok")];
        let text = transcript(&said).unwrap();
        assert_eq!(text.matches(OPENING).count(), 1);
        assert!(transcript(&said[..1]).is_none());
    }
}
