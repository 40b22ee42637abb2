//! Server-sent events, resumable by `Last-Event-ID` (HTML Living Standard, section 9.2).

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State as Shared,
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event as Sent, KeepAlive},
    },
};
use berth_protocol::{Event, SessionId};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio_stream::wrappers::BroadcastStream;

use super::{Problems, extract::Query};
use crate::{error::ApiError, events::Numbered, sessions, state::State};

/// A quiet stream says something this often, so that a broken connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Every state change, and every new event of the audit trail.
#[utoipa::path(get, path = "/events", tag = "events", params(("last-event-id" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = Event), Problems))]
pub async fn events(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Sent, Infallible>>> {
    follow(state, last_id(&headers), |_| true)
}

#[derive(Deserialize)]
pub struct ChatQuery {
    session_id: SessionId,
}

/// The messages and the status of one session.
#[utoipa::path(get, path = "/chat/stream", tag = "chat",
    params(("session_id" = SessionId, Query), ("last-event-id" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = Event), Problems))]
pub async fn chat(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Query(query): Query<ChatQuery>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, ApiError> {
    let id = query.session_id;
    sessions::record(&state, id).await?;
    Ok(follow(state, last_id(&headers), move |event| match event {
        Event::Reset => true,
        Event::MessageChanged { message } => message.session_id == id,
        Event::SessionChanged { session } => session.id == id,
        Event::SessionRemoved { id: removed } => *removed == id,
        _ => false,
    }))
}

fn last_id(headers: &HeaderMap) -> Option<String> {
    headers
        .get("last-event-id")?
        .to_str()
        .ok()
        .map(str::to_owned)
}

fn follow(
    state: Arc<State>,
    last_id: Option<String>,
    wanted: impl Fn(&Event) -> bool + Send + 'static,
) -> Sse<impl Stream<Item = Result<Sent, Infallible>>> {
    let joined = state.events.join(last_id.as_deref());
    let stopping = state.stopping.clone();
    let missed = stream::iter(joined.missed.into_iter().map(Some));
    // A client that is too slow for the stream is told to fetch everything anew.
    let live = BroadcastStream::new(joined.live).map(Result::ok);
    let events = missed
        .chain(live)
        .filter_map(move |numbered| {
            let sent = match &numbered {
                Some(numbered) if wanted(&numbered.event) => Some(sent(&state, numbered)),
                Some(_) => None,
                None => Some(reset()),
            };
            std::future::ready(sent.map(Ok))
        })
        .take_until(stopping.cancelled_owned());
    // The first bytes tell a client at once that it is connected.
    let hello = stream::once(std::future::ready(Ok(Sent::default().comment("connected"))));
    Sse::new(hello.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn sent(state: &State, numbered: &Numbered) -> Sent {
    let data = serde_json::to_string(&numbered.event).unwrap_or_default();
    Sent::default()
        .id(state.events.id_of(numbered.seq))
        .event(numbered.event.name())
        .data(data)
}

fn reset() -> Sent {
    let data = serde_json::to_string(&Event::Reset).unwrap_or_default();
    Sent::default().event(Event::Reset.name()).data(data)
}
