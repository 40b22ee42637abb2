//! Turns what a running session reports into stored facts and events for clients, in order.

use std::sync::Arc;

use berth_protocol::{
    Beginning, Code, Event, Failure, Message, MessageId, Part, Problem, Role, RouterState,
    SessionId, Status, Timestamp, weight_of,
};
use berth_session::live::SessionEvent;
use berth_store::{Phase, StoreError};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant},
};
use uuid::Uuid;

use super::{changes, publish};
use crate::state::State;

/// Clients hear of a growing reply at most this often.
const REPLY_EVERY: Duration = Duration::from_millis(150);

/// A reply is told of less often for each so many bytes of it.
const LARGE_REPLY: usize = 64 * 1024;

/// Serves one run of a session until it has ended.
pub async fn supervise(
    state: Arc<State>,
    id: SessionId,
    run: u32,
    mut events: mpsc::UnboundedReceiver<SessionEvent>,
) {
    let mut reply = Reply {
        state: &state,
        id,
        run,
        growing: None,
        told: None,
    };
    while let Some(event) = events.recv().await {
        match event {
            SessionEvent::Status(status) => status_changed(&state, id, status).await,
            SessionEvent::Taken { content, stored } => {
                // Whoever sent it may have gone; it is stored all the same.
                let _ = stored.send(take(&state, id, run, content).await);
            }
            SessionEvent::Typed { content } => {
                // A failure is logged; nobody waits for the answer.
                drop(take(&state, id, run, content).await);
            }
            SessionEvent::Conversation { name, resumed } => {
                began(&state, id, &name, resumed).await;
            }
            SessionEvent::Reply {
                content,
                parts,
                complete: false,
            } => reply.grow(content, parts).await,
            SessionEvent::Reply {
                content,
                parts,
                complete: true,
            } => reply.complete(content, parts).await,
            SessionEvent::Resized(size) => {
                if let Err(error) = state.store.set_session_size(id, size).await {
                    tracing::warn!(session = %id, %error, "a session's size was not stored");
                }
            }
            SessionEvent::RecordingStopped { reason } => {
                tracing::warn!(session = %id, reason, "the recording ended before the session");
                note(&state, id, "recording.stopped", json!({"run": run})).await;
            }
            SessionEvent::ScreenUnknown => {
                note(&state, id, "screen.unknown", json!({"run": run})).await;
            }
            SessionEvent::ScreenKnown => {
                note(&state, id, "screen.known", json!({"run": run})).await;
            }
            SessionEvent::Ended { status, .. } => {
                end(&state, id, status).await;
                break;
            }
        }
    }
}

/// Tells of a session's router until it is stopped.
pub async fn watch_router(
    state: Arc<State>,
    id: SessionId,
    mut routed: watch::Receiver<RouterState>,
) {
    // An error means that nothing of it is left.
    while routed.changed().await.is_ok() {
        let now = routed.borrow_and_update().clone();
        match now {
            RouterState::Restarting { .. } => {
                note(&state, id, "router.restarted", json!({})).await;
            }
            RouterState::Failed { .. } => note(&state, id, "router.failed", json!({})).await,
            RouterState::Starting | RouterState::Healthy | RouterState::Stopped => {}
        }
        publish(&state, id).await;
    }
}

async fn status_changed(state: &Arc<State>, id: SessionId, status: Status) {
    let settled = status == Status::Waiting;
    if let Some(live) = state.sessions.live().get_mut(&id) {
        live.since = Timestamp::now();
        live.status.send_replace(status);
    }
    publish(state, id).await;
    if settled {
        changes::recount(state, id);
    }
}

/// Remembers the agent's conversation, so that it can be resumed.
async fn began(state: &State, id: SessionId, name: &str, resumed: bool) {
    let told = match resumed {
        true => Beginning::Resumed,
        false => Beginning::New,
    };
    let known = match state.store.session(id).await {
        Ok(record) => record.map(|record| record.beginning),
        Err(_) => None,
    };
    let beginning = match known {
        // That the agent knows nothing of.
        Some(Beginning::Transcript) => Beginning::Transcript,
        _ => told,
    };
    if let Err(error) = state.store.set_agent_session(id, name, beginning).await {
        lost(
            "an agent's conversation could not be remembered",
            id,
            &error,
        );
    }
    if known == Some(Beginning::Resumed) && !resumed {
        // The trail says that it was.
        note(state, id, "session.not_resumed", json!({})).await;
    }
}

/// Stores a message that the agent took. The one that a session began with is stored already.
async fn take(state: &State, id: SessionId, run: u32, content: String) -> Result<Message, Problem> {
    let waiting = state.sessions.live().get_mut(&id).and_then(|live| {
        live.undelivered
            .take_if(|message| message.content == content)
    });
    if let Some(message) = waiting {
        match state.store.message_delivered(&message, run).await {
            Ok(()) => publish(state, id).await,
            // The next run of the session hands it over once more.
            Err(error) => drop(lost("a message's delivery was not stored", id, &error)),
        }
        return Ok(message);
    }
    match state
        .store
        .append_message(id, Role::User, &content, run)
        .await
    {
        Ok(message) => {
            state.publish(Event::MessageChanged {
                message: message.clone(),
            });
            Ok(message)
        }
        Err(error) => Err(lost(
            "the message reached the agent but not the transcript",
            id,
            &error,
        )),
    }
}

/// The agent's reply while it grows.
struct Reply<'a> {
    state: &'a State,
    id: SessionId,
    run: u32,
    growing: Option<Message>,
    told: Option<Instant>,
}

impl Reply<'_> {
    async fn grow(&mut self, content: String, parts: Vec<Part>) {
        if self.growing.is_none() {
            let count = self.state.store.message_count(self.id).await.unwrap_or(0);
            self.growing = Some(Message {
                id: MessageId(Uuid::now_v7()),
                session_id: self.id,
                seq: i64::try_from(count).unwrap_or(0) + 1,
                role: Role::Agent,
                content: String::new(),
                parts: Vec::new(),
                at: Timestamp::now(),
                run: self.run,
                partial: true,
            });
        }
        let Some(message) = &mut self.growing else {
            return;
        };
        message.content = content;
        message.parts = parts;
        // Each time all of it is sent.
        let more = u32::try_from(weight_of(&message.parts) / LARGE_REPLY).unwrap_or(u32::MAX);
        let every = REPLY_EVERY.saturating_mul(more.saturating_add(1));
        if self.told.is_none_or(|told| told.elapsed() >= every) {
            self.told = Some(Instant::now());
            self.state.publish(Event::MessageChanged {
                message: message.clone(),
            });
        }
    }

    async fn complete(&mut self, content: String, parts: Vec<Part>) {
        self.told = None;
        let growing = self.growing.take();
        if content.is_empty() && parts.is_empty() {
            return;
        }
        let id = growing.map_or_else(|| MessageId(Uuid::now_v7()), |message| message.id);
        let stored = self
            .state
            .store
            .append_reply(id, self.id, &content, &parts, self.run)
            .await;
        match stored {
            Ok(message) => self.state.publish(Event::MessageChanged { message }),
            Err(error) => {
                lost(
                    "a reply could not be stored; the recording has it",
                    self.id,
                    &error,
                );
            }
        }
    }
}

async fn end(state: &Arc<State>, id: SessionId, status: Status) {
    let phase = match status {
        Status::Exited { code, signal } => Phase::Exited { code, signal },
        Status::Failed { failure } => Phase::Failed(failure),
        // A session reports its end with one of the two.
        _ => Phase::Failed(Failure {
            code: Code::Internal,
            detail: "it ended in no known way".to_owned(),
        }),
    };
    if let Err(error) = state.store.session_ended(id, phase).await {
        // The next start of the engine finds it live without a program and records its end.
        lost("a session's end could not be stored", id, &error);
    }
    // Clients look at the store as soon as nothing runs any more.
    state.sessions.ended(id);
    publish(state, id).await;
    changes::recount(state, id);
}

pub async fn note(state: &State, id: SessionId, action: &'static str, details: serde_json::Value) {
    let subject = id.to_string();
    let noted = state.store.note(action, "session", &subject, details);
    if let Err(error) = noted.await {
        lost("what happened could not be noted", id, &error);
    }
}

fn lost(what: &'static str, id: SessionId, error: &StoreError) -> Problem {
    tracing::error!(session = %id, %error, "{what}");
    Problem::new(error.code(), format!("{what}: {error}"))
}
