//! The event streams.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::sse::{Event, KeepAlive, Sse};
use berth_session::live::{Update, View};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::{broadcast::error::RecvError, watch};

use crate::{
    Shared,
    conversation::Told,
    model::{MessageUpdateBody, ScreenUpdateBody, StatusChangeBody},
};

/// A message that grows is sent at most this often, because each time all of it is sent.
const GROWTH: Duration = Duration::from_millis(100);

/// The screen is sent at most this often, as by agentapi.
const SCREEN: Duration = Duration::from_millis(25);

/// The conversation so far, and what comes after it. A client that has seen the change `seen` gets
/// only what has changed since; 0 stands for one that is new.
pub fn conversation(
    shared: Arc<Shared>,
    seen: u64,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = shared.conversation.changes();
    let follower = Follower {
        shared,
        changes,
        seen,
        first: true,
    };
    let batches = stream::unfold(follower, |mut follower| async move {
        let batch = follower.next().await?;
        Some((stream::iter(batch.into_iter().map(Ok)), follower))
    });
    Sse::new(batches.flatten()).keep_alive(KeepAlive::default())
}

/// The number of the last change that a client has seen by the id of its last event. An id of another
/// server, or of an earlier run, stands for nothing that was seen.
pub fn seen(shared: &Shared, id: &str) -> u64 {
    let own = id.strip_prefix(&shared.run);
    own.and_then(|rest| rest.strip_prefix('-')?.parse().ok())
        .filter(|change| *change <= *shared.conversation.changes().borrow())
        .unwrap_or(0)
}

struct Follower {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    seen: u64,
    first: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Vec<Event>> {
        if !std::mem::take(&mut self.first) {
            let stopping = self.shared.stopping.clone();
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = stopping.cancelled() => {
                    // What happened in the end is told before the stream ends.
                    if *self.changes.borrow_and_update() == self.seen {
                        return None;
                    }
                }
            }
            // More may come at once.
            tokio::select! {
                () = tokio::time::sleep(GROWTH) => {}
                () = stopping.cancelled() => {}
            }
        }
        self.changes.mark_unchanged();
        let agent = self.shared.conversation.agent();
        let run = &self.shared.run;
        let (told, last) = self.shared.conversation.since(self.seen);
        self.seen = last;
        let events = told.into_iter().map(|(change, told)| match told {
            Told::Message(message) => event(
                "message_update",
                run,
                change,
                &MessageUpdateBody {
                    id: message.id,
                    role: message.role,
                    message: message.content,
                    time: message.time,
                },
            ),
            Told::Status(status, attention) => event(
                "status_change",
                run,
                change,
                &StatusChangeBody {
                    status,
                    agent_type: agent.to_owned(),
                    attention,
                },
            ),
            Told::Error(error) => event("agent_error", run, change, &error),
        });
        Some(events.collect())
    }
}

fn event(name: &str, run: &str, change: Option<u64>, data: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    let event = match change {
        Some(change) => event.id(format!("{run}-{change}")),
        None => event,
    };
    event
        .json_data(data)
        .unwrap_or_else(|error| Event::default().comment(error.to_string()))
}

/// The terminal's text whenever it changes. It costs nothing while nobody looks.
pub fn screen(shared: Arc<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let looker = Looker {
        shared,
        view: None,
        sent: None,
    };
    let screens = stream::unfold(looker, |mut looker| async move {
        let text = looker.next().await?;
        let data = ScreenUpdateBody { screen: text };
        let event = Event::default()
            .event("screen")
            .json_data(&data)
            .unwrap_or_default();
        Some((Ok(event), looker))
    });
    Sse::new(screens).keep_alive(KeepAlive::default())
}

struct Looker {
    shared: Arc<Shared>,
    view: Option<View>,
    sent: Option<String>,
}

impl Looker {
    async fn next(&mut self) -> Option<String> {
        let stopping = self.shared.stopping.clone();
        loop {
            if self.view.is_none() {
                self.view = Some(self.shared.session.view().await.ok()?);
            } else if let Some(view) = &mut self.view {
                tokio::select! {
                    update = view.updates.recv() => match update {
                        Ok(Update::Ended(_)) | Err(RecvError::Closed) => return None,
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                    },
                    () = stopping.cancelled() => return None,
                }
                tokio::time::sleep(SCREEN).await;
                // What came meanwhile stands on the screen that is read now.
                view.updates = view.updates.resubscribe();
            }
            let screen = self.shared.session.screen().await.ok()?;
            let text = screen.text.trim_end().to_owned();
            if self.sent.as_ref() != Some(&text) {
                self.sent = Some(text.clone());
                return Some(text);
            }
        }
    }
}
