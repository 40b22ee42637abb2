//! The conversation as agentapi counts it, built from what the session reports.

use std::sync::{Mutex, MutexGuard, PoisonError};

use berth_protocol::{Attention, Message as Stored, MessageId, Role, SessionId, Status};
use berth_session::{
    agents::Spec,
    live::{SessionEvent, SessionHandle},
    reading, recording,
};
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::{
    model::{AgentErrorBody, AgentStatus, ConversationRole, Message},
    state_file::Saved,
};

/// Errors that a new client is told of.
const ERRORS: usize = 100;

/// Changes of the status that a client which goes on is told of.
const STATUSES: usize = 100;

pub struct Conversation {
    spec: &'static Spec,
    state: Mutex<State>,
    /// The number of the last change.
    changes: watch::Sender<u64>,
}

struct State {
    messages: Vec<Entry>,
    /// What the session has said last.
    reported: (AgentStatus, Option<Attention>),
    /// What clients were told, oldest first, with the numbers of the changes; the last one holds now.
    statuses: Vec<(u64, AgentStatus, Option<Attention>)>,
    errors: Vec<(u64, AgentErrorBody)>,
    prompt: Prompt,
    /// Nobody has spoken yet, and the first message is the screen with which the agent waits.
    opening: bool,
    /// The last message is the agent's answer to the user's last one.
    answering: bool,
    reply: String,
    change: u64,
}

struct Entry {
    message: Message,
    /// The number of its last change.
    change: u64,
}

/// The first message, which is given to the agent as soon as it takes messages.
enum Prompt {
    None,
    Waiting(String),
    /// It is being typed. The agent counts as working, so that nobody takes it for done before it has
    /// begun.
    Sending(String),
    Sent(String),
    /// The agent did not take it, and it is not tried again: the reason may be the message.
    Failed(String),
}

/// Something that a client is told, with the number of the change that it tells.
pub enum Told {
    Message(Message),
    Status(AgentStatus, Option<Attention>),
    Error(AgentErrorBody),
}

impl State {
    fn next(&mut self) -> u64 {
        self.change += 1;
        self.change
    }

    fn push(&mut self, role: ConversationRole, content: String) {
        let message = Message {
            id: self.messages.len(),
            content,
            role,
            time: Timestamp::now(),
        };
        let change = self.next();
        self.messages.push(Entry { message, change });
    }

    /// The agent's words since the user's last message are these. Once it has said something, nothing
    /// at all is no news: a question that was answered stays until there are words in its place.
    fn says(&mut self, content: &str) {
        if content.is_empty() {
            return;
        }
        if !self.answering {
            self.answering = true;
            return self.push(ConversationRole::Agent, content.to_owned());
        }
        let change = self.change + 1;
        if let Some(last) = self.messages.last_mut()
            && last.message.content != content
        {
            content.clone_into(&mut last.message.content);
            last.message.time = Timestamp::now();
            last.change = change;
            self.change = change;
        }
    }

    /// What the agent has said and asks now. Clients that know no questions find it in the words, as
    /// they find it on agentapi's screen.
    fn speak(&mut self) {
        let mut words = self.reply.clone();
        if let Some(attention) = &self.reported.1 {
            if !words.is_empty() {
                words.push_str("\n\n");
            }
            words.push_str(&attention.question);
            for option in &attention.options {
                words.push_str(&format!("\n{}. {}", option.id, option.label));
            }
        }
        self.says(&words);
    }

    /// What clients are told of the status.
    fn status(&self) -> (AgentStatus, Option<Attention>) {
        match self.prompt {
            Prompt::Sending(_) => (AgentStatus::Running, None),
            _ => self.reported.clone(),
        }
    }

    /// Tells clients of the status if it is not what they were told last.
    fn tell_status(&mut self) {
        let (status, attention) = self.status();
        let told = self.statuses.last();
        if told.is_some_and(|(_, told, asked)| *told == status && *asked == attention) {
            return;
        }
        let change = self.next();
        self.statuses.push((change, status, attention));
        keep_last(&mut self.statuses, STATUSES);
    }

    /// The first message, if it is still to be sent and the agent takes one.
    fn prompt(&mut self) -> Option<String> {
        if self.reported != (AgentStatus::Stable, None) {
            return None;
        }
        let Prompt::Waiting(prompt) = &self.prompt else {
            return None;
        };
        let prompt = prompt.clone();
        self.prompt = Prompt::Sending(prompt.clone());
        Some(prompt)
    }

    /// The user has spoken.
    fn hears(&mut self, content: String) {
        self.push(ConversationRole::User, content);
        self.opening = false;
        self.answering = false;
        self.reply.clear();
    }

    fn fail(&mut self, message: String) {
        let at = self.next();
        let error = AgentErrorBody {
            message,
            level: "error",
            time: Timestamp::now(),
        };
        self.errors.push((at, error));
        keep_last(&mut self.errors, ERRORS);
    }
}

fn keep_last<T>(items: &mut Vec<T>, count: usize) {
    items.drain(..items.len().saturating_sub(count));
}

impl Prompt {
    fn waiting(text: &str) -> Self {
        match text.trim() {
            "" => Self::None,
            text => Self::Waiting(text.to_owned()),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Waiting(text) | Self::Sending(text) | Self::Sent(text) | Self::Failed(text) => {
                Some(text)
            }
        }
    }
}

impl Conversation {
    /// `opens`: the agent begins with a screen, which is the first message.
    pub fn new(
        spec: &'static Spec,
        opens: bool,
        initial_prompt: Option<String>,
        loaded: Option<Saved>,
    ) -> Self {
        let mut state = State {
            messages: Vec::new(),
            reported: (AgentStatus::Running, None),
            statuses: Vec::new(),
            errors: Vec::new(),
            prompt: initial_prompt
                .as_deref()
                .map_or(Prompt::None, Prompt::waiting),
            opening: false,
            answering: false,
            reply: String::new(),
            change: 0,
        };
        if let Some(saved) = loaded {
            for message in saved.messages {
                let change = state.next();
                state.messages.push(Entry { message, change });
            }
            // A prompt that was sent by the last run is not sent again.
            let known = saved.initial_prompt.as_deref();
            if state
                .prompt
                .text()
                .is_none_or(|prompt| known == Some(prompt))
            {
                state.prompt = match saved.initial_prompt {
                    Some(prompt) if saved.initial_prompt_sent => Prompt::Sent(prompt),
                    prompt => prompt.as_deref().map_or(Prompt::None, Prompt::waiting),
                };
            }
        }
        if opens && state.messages.is_empty() {
            state.opening = true;
            state.answering = true;
            state.push(ConversationRole::Agent, String::new());
        }
        state.tell_status();
        let changes = watch::Sender::new(state.change);
        Self {
            spec,
            state: Mutex::new(state),
            changes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let outcome = act(&mut state);
        state.tell_status();
        let change = state.change;
        drop(state);
        // Somebody else may have told of a later one meanwhile.
        self.changes.send_if_modified(|known| {
            let news = *known < change;
            *known = change.max(*known);
            news
        });
        outcome
    }

    /// The agent's name in answers.
    pub fn agent(&self) -> &'static str {
        self.spec.id.as_str()
    }

    pub fn status(&self) -> (AgentStatus, Option<Attention>) {
        self.lock().status()
    }

    pub fn messages(&self) -> Vec<Message> {
        let state = self.lock();
        state
            .messages
            .iter()
            .map(|entry| entry.message.clone())
            .collect()
    }

    /// Tells of changes; the value is the number of the last one.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What has changed since the change of this number, and the number of the last one. Each is told
    /// with the number of the change up to which everything has been told then, if there is one.
    pub fn since(&self, change: u64) -> (Vec<(Option<u64>, Told)>, u64) {
        let state = self.lock();
        let mut told: Vec<(u64, Told)> = Vec::new();
        for entry in state.messages.iter().filter(|entry| entry.change > change) {
            told.push((entry.change, Told::Message(entry.message.clone())));
        }
        // A new client wants to know how things are, and not how they were.
        let first = if change == 0 {
            state.statuses.len().saturating_sub(1)
        } else {
            0
        };
        let statuses = state.statuses[first..].iter();
        for (at, status, attention) in statuses.filter(|(at, ..)| *at > change) {
            told.push((*at, Told::Status(*status, attention.clone())));
        }
        for (at, error) in state.errors.iter().filter(|(at, _)| *at > change) {
            told.push((*at, Told::Error(error.clone())));
        }
        let last = state.change;
        drop(state);
        if change == 0 {
            // A new client gets messages, status and errors, which are not in the order of changes: only
            // at their end it knows everything.
            let end = told.len().saturating_sub(1);
            let told = told.into_iter().enumerate();
            let told = told.map(|(place, (_, told))| ((place == end).then_some(last), told));
            return (told.collect(), last);
        }
        told.sort_by_key(|(at, _)| *at);
        let told = told.into_iter().map(|(at, told)| (Some(at), told));
        (told.collect(), last)
    }

    /// Takes a first message that comes while the agent runs already; returns it when the agent can be
    /// given it now.
    pub fn offer(&self, prompt: &str) -> Option<String> {
        self.change(|state| {
            // The last run may have sent it.
            if state.prompt.text() != Some(prompt.trim()) {
                state.prompt = Prompt::waiting(prompt);
            }
            state.prompt()
        })
    }

    /// The first message did not reach the agent.
    pub fn prompt_failed(&self, reason: &str) {
        self.change(|state| {
            if let Prompt::Sending(prompt) = &state.prompt {
                tracing::warn!(reason, "the initial prompt was not sent");
                state.prompt = Prompt::Failed(prompt.clone());
                state.fail(format!("the initial prompt was not sent: {reason}"));
            }
        });
    }

    /// Takes what the session reports; returns a message that is to be sent to it now.
    pub async fn learn(&self, event: SessionEvent, session: &SessionHandle) -> Option<String> {
        match event {
            SessionEvent::Status(status) => return self.learn_status(status, session).await,
            SessionEvent::Taken { content, stored } => {
                self.change(|state| {
                    if matches!(&state.prompt, Prompt::Sending(prompt) if *prompt == content) {
                        state.prompt = Prompt::Sent(content.clone());
                    }
                    // The session says so next. Whoever sent it must not find the agent stable before.
                    state.reported = (AgentStatus::Running, None);
                    state.hears(content.clone());
                });
                answer(stored, session.id(), content);
            }
            SessionEvent::Typed { content } => self.change(|state| state.hears(content)),
            SessionEvent::Reply { content, .. } => self.change(|state| {
                // Before anybody has spoken, the first message has what is on the screen.
                if !state.opening {
                    state.reply = content;
                    state.speak();
                }
            }),
            SessionEvent::Resized(_)
            | SessionEvent::ScreenUnknown
            | SessionEvent::ScreenKnown
            | SessionEvent::Conversation { .. }
            | SessionEvent::Ended { .. } => {}
            SessionEvent::RecordingStopped { reason } => {
                tracing::debug!(reason, "nothing is recorded");
            }
        }
        None
    }

    async fn learn_status(&self, status: Status, session: &SessionHandle) -> Option<String> {
        let reported = match status {
            Status::Waiting => (AgentStatus::Stable, None),
            Status::NeedsAttention { attention } => (AgentStatus::Stable, Some(attention)),
            _ => (AgentStatus::Running, None),
        };
        let opens = reported == (AgentStatus::Stable, None) && self.lock().opening;
        let mut opened = None;
        if opens && let Ok(screen) = session.screen().await {
            let terminal = recording::plain_terminal(&screen.text);
            let explained = reading::explain(&self.spec.screen, &terminal, "");
            opened = Some(explained.message.trim_end().to_owned());
        }
        self.change(|state| {
            state.reported = reported;
            match opened {
                Some(words) if state.opening => state.says(&words),
                _ => state.speak(),
            }
            state.prompt()
        })
    }

    /// The agent has ended; `failure` tells why it should not have.
    pub fn ended(&self, failure: Option<String>) {
        self.change(|state| {
            if let Some(message) = failure {
                state.fail(message);
            }
            state.reported.1 = None;
        });
    }

    pub fn saved(&self) -> Saved {
        let state = self.lock();
        Saved {
            messages: state
                .messages
                .iter()
                .map(|entry| entry.message.clone())
                .collect(),
            initial_prompt: state.prompt.text().map(str::to_owned),
            initial_prompt_sent: matches!(state.prompt, Prompt::Sent(_)),
        }
    }
}

/// Tells whoever sent a message that it was taken.
fn answer(
    stored: oneshot::Sender<Result<Stored, berth_protocol::Problem>>,
    session_id: SessionId,
    content: String,
) {
    // Whoever sent it may have gone.
    let _ = stored.send(Ok(Stored {
        id: MessageId(Uuid::now_v7()),
        session_id,
        seq: 0,
        role: Role::User,
        content,
        parts: Vec::new(),
        at: berth_protocol::Timestamp::now(),
        run: 1,
        partial: false,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(prompt: Option<&str>) -> Conversation {
        let spec = crate::agent_of("custom").unwrap();
        Conversation::new(spec, true, prompt.map(str::to_owned), None)
    }

    fn report(conversation: &Conversation, status: AgentStatus) -> Option<String> {
        conversation.change(|state| {
            state.reported = (status, None);
            state.prompt()
        })
    }

    fn statuses(told: Vec<(Option<u64>, Told)>) -> Vec<AgentStatus> {
        told.into_iter()
            .filter_map(|(_, told)| match told {
                Told::Status(status, _) => Some(status),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_short_time_of_work_is_told_to_who_looks_later() {
        let conversation = conversation(None);
        report(&conversation, AgentStatus::Stable);
        let (told, seen) = conversation.since(0);
        assert_eq!(statuses(told), [AgentStatus::Stable]);
        report(&conversation, AgentStatus::Running);
        report(&conversation, AgentStatus::Stable);
        let (told, seen) = conversation.since(seen);
        assert_eq!(statuses(told), [AgentStatus::Running, AgentStatus::Stable]);
        let (told, _) = conversation.since(seen);
        assert!(told.is_empty());
        // A new client is told only how things are.
        let (told, _) = conversation.since(0);
        assert_eq!(statuses(told), [AgentStatus::Stable]);
    }

    #[test]
    fn the_agent_works_while_it_is_given_the_first_message() {
        let conversation = conversation(Some(" begin\n"));
        let prompt = report(&conversation, AgentStatus::Stable);
        assert_eq!(prompt.as_deref(), Some("begin"));
        assert_eq!(conversation.status().0, AgentStatus::Running);
        assert!(!conversation.saved().initial_prompt_sent);
        assert_eq!(report(&conversation, AgentStatus::Stable), None);
    }

    #[test]
    fn a_first_message_that_is_not_taken_is_told_and_not_sent_again() {
        let conversation = conversation(Some("begin"));
        report(&conversation, AgentStatus::Stable);
        conversation.prompt_failed("it does not read");
        assert_eq!(conversation.status().0, AgentStatus::Stable);
        let (told, _) = conversation.since(0);
        let error = told.into_iter().find_map(|(_, told)| match told {
            Told::Error(error) => Some(error.message),
            _ => None,
        });
        assert!(error.is_some_and(|message| message.contains("it does not read")));
        assert_eq!(report(&conversation, AgentStatus::Stable), None);
        let saved = conversation.saved();
        assert_eq!(saved.initial_prompt.as_deref(), Some("begin"));
        assert!(!saved.initial_prompt_sent, "the next run tries again");
    }

    #[test]
    fn a_first_message_of_an_earlier_run_is_sent_once() {
        let saved = Saved {
            messages: Vec::new(),
            initial_prompt: Some("begin".to_owned()),
            initial_prompt_sent: true,
        };
        for (prompt, expected) in [
            (None, None),
            (Some("begin"), None),
            (Some("another"), Some("another")),
        ] {
            let spec = crate::agent_of("custom").unwrap();
            let prompt = prompt.map(str::to_owned);
            let conversation = Conversation::new(spec, true, prompt, Some(saved.clone()));
            let sent = report(&conversation, AgentStatus::Stable);
            assert_eq!(sent.as_deref(), expected);
        }
    }

    #[test]
    fn an_agent_without_a_screen_begins_with_no_message() {
        let spec = crate::agent_of("gemini").unwrap();
        let conversation = Conversation::new(spec, false, None, None);
        report(&conversation, AgentStatus::Stable);
        assert_eq!(conversation.messages(), []);
        conversation.change(|state| state.hears("hello".to_owned()));
        assert_eq!(conversation.messages()[0].id, 0);
    }

    #[test]
    fn a_question_that_was_answered_stays_until_there_are_words() {
        let conversation = conversation(None);
        conversation.change(|state| state.hears("write it".to_owned()));
        let option = |id: &str, label: &str| berth_protocol::AttentionOption {
            id: id.to_owned(),
            label: label.to_owned(),
        };
        let attention = Attention {
            id: "1-1".to_owned(),
            question: "May I?".to_owned(),
            options: vec![option("1", "Yes")],
            needs: None,
        };
        let last = |conversation: &Conversation| {
            let messages = conversation.messages();
            (messages.len(), messages.last().unwrap().content.clone())
        };
        let asked = (3, "May I?\n1. Yes".to_owned());
        for (attention, reply, expected) in [
            (Some(attention), "", asked.clone()),
            (None, "", asked),
            (None, "Done.", (3, "Done.".to_owned())),
        ] {
            conversation.change(|state| {
                state.reported.1 = attention;
                reply.clone_into(&mut state.reply);
                state.speak();
            });
            assert_eq!(last(&conversation), expected);
        }
    }
}
