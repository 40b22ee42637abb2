//! What a session has to store while the store does not take it, as on a full disk.
//!
//! Whatever a run tells of itself goes through here in the order in which it happened, and waits in memory where it
//! cannot be stored: nothing that came later is stored before it. It is tried again at the next thing that the run
//! tells, after pauses that grow, when somebody wants to speak to the agent or to build on the session's end, and a
//! last time when the engine stops. A kill before that, or a stop while the disk is still full, loses what waits.
//!
//! While something waits, no further message is handed over to the agent (see `talk.rs`), so that little does unless a
//! user goes on in the terminal.

mod queue;

use std::sync::Arc;

use berth_protocol::{Event, Message, MessageId, Part, Problem, Role, SessionId, Timestamp};
use berth_store::{Phase, StoreError};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};
use uuid::Uuid;

pub use queue::Fact;
use queue::Queue;

use super::{Unrecorded, publish};
use crate::state::State;

/// What one run of a session tells of itself, on its way to the store.
pub struct Unstored {
    pub id: SessionId,
    pub run: u32,
    /// Held while something is stored, so that nothing overtakes anything.
    queue: Mutex<Queue>,
}

impl Unstored {
    pub fn new(id: SessionId, run: u32) -> Arc<Self> {
        Arc::new(Self {
            id,
            run,
            queue: Mutex::default(),
        })
    }

    /// What somebody says now. Its position is that of the transcript once it is there.
    pub fn message(&self, role: Role, content: String, parts: Vec<Part>) -> Message {
        Message {
            id: MessageId(Uuid::now_v7()),
            session_id: self.id,
            seq: 0,
            role,
            content,
            parts,
            at: Timestamp::now(),
            run: self.run,
            partial: false,
        }
    }

    /// Where the next message will stand in the transcript.
    pub async fn next_seq(&self, state: &State) -> i64 {
        let queue = self.queue.lock().await;
        self.last_seq(state, &queue).await + 1
    }

    async fn last_seq(&self, state: &State, queue: &Queue) -> i64 {
        let stored = state.store.message_count(self.id).await.unwrap_or(0);
        i64::try_from(stored).unwrap_or(0) + queue.said()
    }

    /// Stores a fact behind those that wait, or has it wait with them.
    pub async fn add(&self, state: &State, fact: Fact) {
        let mut queue = self.queue.lock().await;
        queue.push(fact);
        // Why it was not stored is in the log.
        let _ = self.drain(state, &mut queue).await;
    }

    /// Stores a message behind what waits. One that has to wait is told to clients as one that is still to come.
    ///
    /// # Errors
    /// It is lost: the store takes it neither now nor later, or too much waits already.
    pub async fn say(&self, state: &State, message: Message) -> Result<Message, Problem> {
        let mut queue = self.queue.lock().await;
        queue.push(Fact::Said(message.clone()));
        let error = match self.drain(state, &mut queue).await {
            // It was the last.
            Ok(stored) => return Ok(stored.unwrap_or(message)),
            Err(error) => error,
        };
        let waits = !queue.is_empty();
        if !waits || queue.is_beyond() {
            if waits {
                queue.give_up_newest();
            }
            let what = match message.role {
                Role::User => "the agent has the message, and the transcript will not have it",
                Role::Agent => "a reply will not be in the transcript",
            };
            tracing::error!(session = %self.id, %error, "{what}");
            return Err(Problem::new(error.code(), format!("{what}: {error}")));
        }
        let message = Message {
            seq: self.last_seq(state, &queue).await,
            partial: true,
            ..message
        };
        state.publish(Event::MessageChanged {
            message: message.clone(),
        });
        Ok(message)
    }

    /// Stores that the run is over. Until that is stored, clients hear it from the sessions that are unrecorded.
    pub async fn end(self: &Arc<Self>, state: &State, phase: Phase) {
        let at = Timestamp::now();
        let mut queue = self.queue.lock().await;
        queue.push(Fact::Ended {
            phase: phase.clone(),
            at,
        });
        let drained = self.drain(state, &mut queue).await;
        if drained.is_err() && !queue.is_empty() {
            // Before anybody else can store it.
            let unstored = Arc::clone(self);
            let waits = Unrecorded {
                unstored,
                phase,
                at,
            };
            state.sessions.unrecorded().insert(self.id, waits);
        }
    }

    /// When it is tried again, if anything waits.
    pub async fn due(&self) -> Option<Instant> {
        self.queue.lock().await.due()
    }

    /// Stores what waits. Whoever calls this carries it through: given up in between, a note could be made twice.
    ///
    /// # Errors
    /// What keeps the first of them waiting.
    pub async fn store_now(&self, state: &State) -> Result<(), StoreError> {
        let mut queue = self.queue.lock().await;
        self.drain(state, &mut queue).await.map(drop)
    }

    /// Stores what waits until the store refuses something that it may take later. Returns what became of the last.
    async fn drain(&self, state: &State, queue: &mut Queue) -> Result<Option<Message>, StoreError> {
        let waited = queue.due().is_some();
        let mut last = Ok(None);
        while let Some(fact) = queue.first() {
            let stored = self.store(state, fact, waited).await;
            match &stored {
                Err(error) if error.may_pass() => {
                    if !waited {
                        tracing::error!(session = %self.id, %error, "what a session tells waits for the store");
                    }
                    queue.refused(Instant::now());
                    return stored;
                }
                Err(error) => {
                    tracing::error!(session = %self.id, %error, ?fact, "what a session tells cannot be stored");
                }
                Ok(_) => {}
            }
            queue.stored();
            last = stored;
        }
        if waited {
            tracing::info!(session = %self.id, "what a session told is stored now");
        }
        last
    }

    /// Stores a fact and tells clients of it.
    async fn store(
        &self,
        state: &State,
        fact: &Fact,
        again: bool,
    ) -> Result<Option<Message>, StoreError> {
        let (store, id) = (&state.store, self.id);
        match fact {
            Fact::Said(message) => {
                // A commit that was told as failed may have been made all the same.
                let known = match again {
                    true => store.message(message.id).await?,
                    false => None,
                };
                let message = match known {
                    Some(known) => known,
                    None => store.append_known(message).await?,
                };
                state.publish(Event::MessageChanged {
                    message: message.clone(),
                });
                return Ok(Some(message));
            }
            Fact::Delivered(message) => {
                store.message_delivered(message, self.run).await?;
                publish(state, id).await;
            }
            Fact::Conversation { name, beginning } => {
                store.set_agent_session(id, name, *beginning).await?;
            }
            Fact::Note { action, details } => {
                let subject = id.to_string();
                store
                    .note(action, "session", &subject, details.clone())
                    .await?;
            }
            Fact::Lost { messages } => {
                let (subject, details) = (
                    id.to_string(),
                    json!({"messages": messages, "run": self.run}),
                );
                store
                    .note("message.lost", "session", &subject, details)
                    .await?;
            }
            Fact::Ended { phase, at } => {
                store.session_ended_at(id, phase.clone(), *at).await?;
                let waited = state.sessions.unrecorded().remove(&id).is_some();
                if waited {
                    publish(state, id).await;
                }
            }
        }
        Ok(None)
    }
}

/// Tries again and again until nothing waits. An engine that stops tries a last time itself.
pub async fn outwait(state: &State, unstored: &Unstored) {
    while let Some(due) = unstored.due().await {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {
                // Why it was not stored is in the log.
                let _ = unstored.store_now(state).await;
            }
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Stores how a run ended that nobody supervises, because it has hardly begun.
pub async fn end(state: &Arc<State>, id: SessionId, run: u32, phase: Phase) {
    let unstored = Unstored::new(id, run);
    unstored.end(state, phase).await;
    publish(state, id).await;
    if unstored.due().await.is_some() {
        let state = Arc::clone(state);
        tokio::spawn(async move { outwait(&state, &unstored).await });
    }
}
