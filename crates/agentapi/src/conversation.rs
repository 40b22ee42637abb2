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

pub struct Conversation {
    spec: &'static Spec,
    state: Mutex<State>,
    /// The number of the last change.
    changes: watch::Sender<u64>,
}

struct State {
    messages: Vec<Entry>,
    status: AgentStatus,
    attention: Option<Attention>,
    status_change: u64,
    errors: Vec<(u64, AgentErrorBody)>,
    initial_prompt: Option<String>,
    initial_prompt_sent: bool,
    /// The agent has been ready once.
    started: bool,
    /// The last message is the agent's answer to the user's last one.
    answering: bool,
    reply: String,
    screen: String,
    change: u64,
}

struct Entry {
    message: Message,
    /// The number of its last change.
    change: u64,
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

    /// The agent's words since the user's last message are these.
    fn says(&mut self, content: &str) {
        if self.answering {
            let change = self.change + 1;
            let Some(last) = self.messages.last_mut() else {
                return;
            };
            if last.message.content != content {
                content.clone_into(&mut last.message.content);
                last.message.time = Timestamp::now();
                last.change = change;
                self.change = change;
            }
        } else if !content.is_empty() {
            self.push(ConversationRole::Agent, content.to_owned());
            self.answering = true;
        }
    }

    /// The first message, if it is still to be sent. From now on it counts as sent, and the agent as
    /// working, so that nobody takes it for done before it has begun.
    fn prompt(&mut self) -> Option<String> {
        if self.initial_prompt_sent {
            return None;
        }
        let prompt = self
            .initial_prompt
            .clone()
            .filter(|text| !text.is_empty())?;
        self.initial_prompt_sent = true;
        self.status = AgentStatus::Running;
        self.status_change = self.next();
        Some(prompt)
    }

    fn fail(&mut self, message: String) {
        let at = self.next();
        let error = AgentErrorBody {
            message,
            level: "error",
            time: Timestamp::now(),
        };
        self.errors.push((at, error));
        let surplus = self.errors.len().saturating_sub(ERRORS);
        self.errors.drain(..surplus);
    }

    /// What the agent has said and asks now. Clients that know no questions find it in the words, as
    /// they find it on agentapi's screen.
    fn speak(&mut self) {
        let mut words = self.reply.clone();
        if let Some(attention) = &self.attention {
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
}

impl Conversation {
    pub fn new(spec: &'static Spec, initial_prompt: Option<String>, loaded: Option<Saved>) -> Self {
        let mut state = State {
            messages: Vec::new(),
            status: AgentStatus::Running,
            attention: None,
            status_change: 0,
            errors: Vec::new(),
            initial_prompt,
            initial_prompt_sent: false,
            started: false,
            answering: true,
            reply: String::new(),
            screen: String::new(),
            change: 0,
        };
        match loaded {
            Some(saved) => {
                for message in saved.messages {
                    let change = state.next();
                    state.messages.push(Entry { message, change });
                }
                // A prompt that was sent by the last run is not sent again.
                if state.initial_prompt.is_none() || state.initial_prompt == saved.initial_prompt {
                    state.initial_prompt_sent = saved.initial_prompt_sent;
                    state.initial_prompt = saved.initial_prompt;
                }
                state.answering = false;
                state.started = !state.messages.is_empty();
            }
            None => state.push(ConversationRole::Agent, String::new()),
        }
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

    fn change(&self, act: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        act(&mut state);
        let change = state.change;
        drop(state);
        self.changes.send_if_modified(|known| {
            let news = *known != change;
            *known = change;
            news
        });
    }

    /// The agent's name in answers.
    pub fn agent(&self) -> &'static str {
        self.spec.id.as_str()
    }

    pub fn status(&self) -> (AgentStatus, Option<Attention>) {
        let state = self.lock();
        (state.status, state.attention.clone())
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
        if state.status_change > change || change == 0 {
            let status = Told::Status(state.status, state.attention.clone());
            told.push((state.status_change, status));
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
    pub fn offer(&self, prompt: String) -> Option<String> {
        let mut now = None;
        self.change(|state| {
            // The last run may have sent it.
            if state.initial_prompt.as_ref() == Some(&prompt) {
                return;
            }
            state.initial_prompt = Some(prompt);
            state.initial_prompt_sent = false;
            if state.status == AgentStatus::Stable && state.attention.is_none() {
                now = state.prompt();
            }
        });
        now
    }

    /// The first message did not reach the agent.
    pub fn prompt_failed(&self, reason: String) {
        self.change(|state| {
            state.initial_prompt_sent = false;
            state.status = AgentStatus::Stable;
            state.status_change = state.next();
            state.fail(format!("the initial prompt was not sent: {reason}"));
        });
    }

    /// Takes what the session reports; returns a message that is to be sent to it now.
    pub async fn learn(&self, event: SessionEvent, session: &SessionHandle) -> Option<String> {
        match event {
            SessionEvent::Status(status) => return self.learn_status(status, session).await,
            SessionEvent::Taken { content, stored } => {
                self.user_said(content.clone());
                answer(stored, session.id(), content);
            }
            SessionEvent::Typed { content } => self.user_said(content),
            SessionEvent::Reply { content, .. } => self.change(|state| {
                state.reply = content;
                state.speak();
            }),
            SessionEvent::Resized(_) | SessionEvent::Ended(_) => {}
            SessionEvent::RecordingStopped { reason } => {
                tracing::debug!(reason, "nothing is recorded");
            }
        }
        None
    }

    fn user_said(&self, content: String) {
        self.change(|state| {
            state.push(ConversationRole::User, content);
            state.answering = false;
            state.reply.clear();
        });
    }

    async fn learn_status(&self, status: Status, session: &SessionHandle) -> Option<String> {
        let (now, attention) = match status {
            Status::Waiting => (AgentStatus::Stable, None),
            Status::NeedsAttention { attention } => (AgentStatus::Stable, Some(attention)),
            _ => (AgentStatus::Running, None),
        };
        let waits = now == AgentStatus::Stable && attention.is_none();
        if now == AgentStatus::Stable
            && let Ok(screen) = session.screen().await
        {
            self.see(screen.text);
        }
        let mut prompt = None;
        self.change(|state| {
            if waits {
                prompt = state.prompt();
            }
            if prompt.is_none() && (state.status, &state.attention) != (now, &attention) {
                state.status = now;
                state.attention = attention;
                state.status_change = state.next();
                if state.started {
                    state.speak();
                }
            }
        });
        prompt
    }

    /// Keeps the screen, and takes the first one for the first message.
    fn see(&self, screen: String) {
        let spec = self.spec;
        self.change(|state| {
            if !state.started {
                state.started = true;
                let terminal = recording::plain_terminal(&screen);
                let words = reading::explain(&spec.screen, &terminal, "").message;
                state.says(words.trim_end());
                state.answering = true;
                state.reply = words;
            }
            state.screen = screen;
        });
    }

    /// The agent has ended; `failure` tells why it should not have.
    pub fn ended(&self, failure: Option<String>) {
        self.change(|state| {
            if let Some(message) = failure {
                state.fail(message);
            }
            state.attention = None;
        });
    }

    pub fn last_screen(&self) -> String {
        self.lock().screen.clone()
    }

    pub fn saved(&self) -> Saved {
        let state = self.lock();
        Saved {
            messages: state
                .messages
                .iter()
                .map(|entry| entry.message.clone())
                .collect(),
            initial_prompt: state.initial_prompt.clone(),
            initial_prompt_sent: state.initial_prompt_sent,
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
        at: berth_protocol::Timestamp::now(),
        run: 1,
        partial: false,
    }));
}
