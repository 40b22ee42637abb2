//! A session's conversation as it is shown: what the engine has, and what is on its way to it.

use berth_protocol::{Message, MessageId, Role};

/// A message that the user sent and the engine has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Counts up within the page; never sent.
    pub local_id: u32,
    /// The words.
    pub content: String,
    /// Why it was not taken; `None` while it is on its way.
    pub failure: Option<String>,
}

/// Names one entry of the list, the same while the entry grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKey {
    /// A message of the engine.
    Message(MessageId),
    /// An outgoing message.
    Outgoing(u32),
}

/// How far the conversation was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Loading {
    /// Nobody asked for it yet.
    #[default]
    Untouched,
    /// It is on its way; messages that the engine tells of meanwhile are kept for its arrival.
    Under(Vec<Message>),
    /// It is here, and follows the engine's events.
    Done,
    /// It could not be fetched.
    Failed(String),
}

/// The conversation of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    messages: Vec<Message>,
    outgoing: Vec<Outgoing>,
    next_local_id: u32,
    loading: Loading,
}

impl Transcript {
    /// How far it was fetched.
    pub fn loading(&self) -> &Loading {
        &self.loading
    }

    /// It is being fetched from its start.
    pub fn load_begins(&mut self) {
        self.loading = Loading::Under(Vec::new());
    }

    /// It was fetched. What the engine told of meanwhile is newer than what was fetched.
    pub fn load_ends(&mut self, fetched: Vec<Message>) {
        let told = match std::mem::replace(&mut self.loading, Loading::Done) {
            Loading::Under(told) => told,
            _ => Vec::new(),
        };
        self.messages.clear();
        for message in fetched.into_iter().chain(told) {
            self.insert(message);
        }
    }

    /// It could not be fetched.
    pub fn load_fails(&mut self, reason: String) {
        self.loading = Loading::Failed(reason);
    }

    /// Takes a message as the engine has it now. One that the user sent replaces its outgoing copy.
    pub fn apply(&mut self, message: Message) {
        if let Loading::Under(told) = &mut self.loading {
            told.push(message.clone());
        }
        self.insert(message);
    }

    fn insert(&mut self, message: Message) {
        match self
            .messages
            .binary_search_by_key(&message.seq, |old| old.seq)
        {
            Ok(at) => self.messages[at] = message,
            Err(at) => {
                if message.role == Role::User {
                    let sent = |out: &Outgoing| {
                        out.failure.is_none() && out.content.trim() == message.content.trim()
                    };
                    if let Some(own) = self.outgoing.iter().position(sent) {
                        self.outgoing.remove(own);
                    }
                }
                self.messages.insert(at, message);
            }
        }
    }

    /// Adds a message that is on its way, and returns its local number.
    pub fn send(&mut self, content: &str) -> u32 {
        self.next_local_id += 1;
        self.outgoing.push(Outgoing {
            local_id: self.next_local_id,
            content: content.to_owned(),
            failure: None,
        });
        self.next_local_id
    }

    /// The engine took the message.
    pub fn sent(&mut self, local_id: u32, message: Message) {
        self.discard(local_id);
        self.apply(message);
    }

    /// The message was not taken.
    pub fn failed(&mut self, local_id: u32, reason: String) {
        if let Some(out) = self
            .outgoing
            .iter_mut()
            .find(|out| out.local_id == local_id)
        {
            out.failure = Some(reason);
        }
    }

    /// Removes an outgoing message and returns its words.
    pub fn discard(&mut self, local_id: u32) -> Option<String> {
        let at = self
            .outgoing
            .iter()
            .position(|out| out.local_id == local_id)?;
        Some(self.outgoing.remove(at).content)
    }

    /// The entries in order.
    pub fn keys(&self) -> Vec<EntryKey> {
        self.messages
            .iter()
            .map(|message| EntryKey::Message(message.id))
            .chain(
                self.outgoing
                    .iter()
                    .map(|out| EntryKey::Outgoing(out.local_id)),
            )
            .collect()
    }

    /// A message of the engine.
    pub fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.id == id)
    }

    /// An outgoing message.
    pub fn outgoing(&self, local_id: u32) -> Option<&Outgoing> {
        self.outgoing.iter().find(|out| out.local_id == local_id)
    }

    /// There is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.outgoing.is_empty()
    }

    /// The last message is the agent's and still grows.
    pub fn is_streaming(&self) -> bool {
        self.messages.last().is_some_and(|message| message.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: i64, role: Role, content: &str, partial: bool) -> Message {
        Message {
            parts: Vec::new(),
            id: format!("01890a5d-ac96-774b-bcce-b302099a80{seq:02}")
                .parse()
                .unwrap(),
            session_id: "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
            seq,
            role,
            content: content.to_owned(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            run: 1,
            partial,
        }
    }

    #[test]
    fn a_partial_message_grows_in_place() {
        let mut transcript = Transcript::default();
        transcript.apply(message(1, Role::Agent, "He", true));
        let before = transcript.keys();
        assert!(transcript.is_streaming());
        transcript.apply(message(1, Role::Agent, "Hello", false));
        assert_eq!(transcript.keys(), before);
        assert!(!transcript.is_streaming());
    }

    #[test]
    fn messages_stand_in_order_however_they_arrive() {
        let mut transcript = Transcript::default();
        for seq in [3, 1, 2] {
            transcript.apply(message(seq, Role::Agent, "x", false));
        }
        let seqs: Vec<_> = transcript.messages.iter().map(|m| m.seq).collect();
        assert_eq!(seqs, [1, 2, 3]);
    }

    #[test]
    fn a_sent_message_is_never_shown_twice() {
        let mut event_first = Transcript::default();
        let id = event_first.send("hi ");
        event_first.apply(message(1, Role::User, "hi", false));
        assert_eq!(event_first.keys().len(), 1);
        event_first.sent(id, message(1, Role::User, "hi", false));
        assert_eq!(event_first.keys().len(), 1);
    }

    #[test]
    fn what_is_told_during_a_fetch_wins() {
        let mut transcript = Transcript::default();
        transcript.load_begins();
        transcript.apply(message(1, Role::Agent, "new", false));
        transcript.load_ends(vec![message(1, Role::Agent, "old", true)]);
        assert_eq!(transcript.messages[0].content, "new");
        assert_eq!(transcript.loading(), &Loading::Done);
    }

    #[test]
    fn a_failed_message_stays_until_it_is_sent_again_or_discarded() {
        let mut transcript = Transcript::default();
        let id = transcript.send("hi");
        transcript.failed(id, "busy".to_owned());
        transcript.apply(message(1, Role::User, "hi", false));
        assert_eq!(transcript.keys().len(), 2);
        assert_eq!(transcript.discard(id).as_deref(), Some("hi"));
        assert_eq!(transcript.keys().len(), 1);
    }
}
