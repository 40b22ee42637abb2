//! Turns what a running session reports into stored facts and events for clients, in order.

use std::sync::Arc;

use berth_protocol::{
    Beginning, Code, Event, Failure, Message, Part, Problem, Role, RouterState, SessionId, Status,
    Timestamp, weight_of,
};
use berth_session::live::SessionEvent;
use berth_store::Phase;
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant},
};

use super::{
    changes, publish,
    unstored::{self, Fact, Unstored},
};
use crate::state::State;

/// Clients hear of a growing reply at most this often.
const REPLY_EVERY: Duration = Duration::from_millis(150);

/// A reply is told of less often for each so many bytes of it.
const LARGE_REPLY: usize = 64 * 1024;

/// Serves one run of a session until it has ended and everything of it is stored.
pub async fn supervise(
    state: Arc<State>,
    unstored: Arc<Unstored>,
    mut events: mpsc::UnboundedReceiver<SessionEvent>,
) {
    let id = unstored.id;
    let mut reply = Reply {
        state: &state,
        unstored: &unstored,
        growing: None,
        told: None,
    };
    loop {
        let due = unstored.due().await;
        let event = tokio::select! {
            event = events.recv() => event,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                // Why it was not stored is in the log.
                let _ = unstored.store_now(&state).await;
                continue;
            }
        };
        let Some(event) = event else {
            break;
        };
        match event {
            SessionEvent::Status(status) => status_changed(&state, id, status).await,
            SessionEvent::Taken { content, stored } => {
                // Whoever sent it may have gone; it is stored all the same.
                let _ = stored.send(take(&state, &unstored, content).await);
            }
            SessionEvent::Typed { content } => {
                // A failure is logged; nobody waits for the answer.
                drop(take(&state, &unstored, content).await);
            }
            SessionEvent::Conversation { name, resumed } => {
                began(&state, &unstored, name, resumed).await;
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
                // It stays so: what it would show after a gap is a screen that never was.
                trail(&state, &unstored, "recording.stopped").await;
            }
            SessionEvent::ScreenUnknown => {
                trail(&state, &unstored, "screen.unknown").await;
            }
            SessionEvent::ScreenKnown => {
                trail(&state, &unstored, "screen.known").await;
            }
            SessionEvent::Ended { status, .. } => {
                end(&state, &unstored, status).await;
                break;
            }
        }
    }
    if unstored.due().await.is_some() {
        unstored::outwait(&state, &unstored).await;
        // That could not be stored either.
        changes::recount(&state, id);
    }
}

/// Has the trail tell of the run, behind what happened in it before.
async fn trail(state: &State, unstored: &Unstored, action: &'static str) {
    let details = json!({"run": unstored.run});
    unstored.add(state, Fact::Note { action, details }).await;
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
async fn began(state: &State, unstored: &Unstored, name: String, resumed: bool) {
    let told = match resumed {
        true => Beginning::Resumed,
        false => Beginning::New,
    };
    let known = match state.store.session(unstored.id).await {
        Ok(record) => record.map(|record| record.beginning),
        Err(_) => None,
    };
    let beginning = match known {
        // That the agent knows nothing of.
        Some(Beginning::Transcript) => Beginning::Transcript,
        _ => told,
    };
    let conversation = Fact::Conversation { name, beginning };
    unstored.add(state, conversation).await;
    if known == Some(Beginning::Resumed) && !resumed {
        // The trail says that it was.
        let (action, details) = ("session.not_resumed", json!({}));
        unstored.add(state, Fact::Note { action, details }).await;
    }
}

/// Stores a message that the agent took. The one that a session began with is stored already.
async fn take(state: &State, unstored: &Unstored, content: String) -> Result<Message, Problem> {
    let waiting = state
        .sessions
        .live()
        .get_mut(&unstored.id)
        .and_then(|live| {
            live.undelivered
                .take_if(|message| message.content == content)
        });
    if let Some(message) = waiting {
        let delivered = Fact::Delivered(message.clone());
        unstored.add(state, delivered).await;
        return Ok(message);
    }
    let message = unstored.message(Role::User, content, Vec::new());
    unstored.say(state, message).await
}

/// The agent's reply while it grows.
struct Reply<'a> {
    state: &'a State,
    unstored: &'a Unstored,
    growing: Option<Message>,
    told: Option<Instant>,
}

impl Reply<'_> {
    async fn grow(&mut self, content: String, parts: Vec<Part>) {
        if self.growing.is_none() {
            let seq = self.unstored.next_seq(self.state).await;
            self.growing = Some(Message {
                seq,
                partial: true,
                ..self
                    .unstored
                    .message(Role::Agent, String::new(), Vec::new())
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
        let mut message = self.unstored.message(Role::Agent, content, parts);
        if let Some(growing) = growing {
            message.id = growing.id;
        }
        // A failure is logged; nobody waits for the answer.
        drop(self.unstored.say(self.state, message).await);
    }
}

async fn end(state: &Arc<State>, unstored: &Arc<Unstored>, status: Status) {
    let id = unstored.id;
    let phase = match status {
        Status::Exited { code, signal } => Phase::Exited { code, signal },
        Status::Failed { failure } => Phase::Failed(failure),
        // A session reports its end with one of the two.
        _ => Phase::Failed(Failure {
            code: Code::Internal,
            detail: "it ended in no known way".to_owned(),
        }),
    };
    unstored.end(state, phase).await;
    // Clients look at the store, and at what waits for it, as soon as nothing runs any more.
    state.sessions.ended(id);
    publish(state, id).await;
    changes::recount(state, id);
}

pub async fn note(state: &State, id: SessionId, action: &'static str, details: serde_json::Value) {
    let subject = id.to_string();
    let noted = state.store.note(action, "session", &subject, details);
    if let Err(error) = noted.await {
        tracing::error!(session = %id, %error, action, "what happened could not be noted");
    }
}
