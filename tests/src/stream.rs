//! Server-sent events as a client reads them.

use berth_protocol::Event;
use reqwest::{RequestBuilder, Response};

use crate::LIMIT;

/// An open stream of state changes.
pub struct EventStream {
    response: Response,
    buffer: Vec<u8>,
}

/// One state change with its place in the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The id with which the stream can be resumed behind this event; a reset has none.
    pub id: Option<String>,
    /// The change.
    pub event: Event,
}

impl EventStream {
    pub(crate) async fn open(request: RequestBuilder, last_id: Option<&str>) -> Self {
        let request = match last_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let response = tokio::time::timeout(LIMIT, request.send()).await;
        let response = response
            .expect("the stream opens in time")
            .expect("the stream opens");
        assert_eq!(response.status(), 200, "the stream opens");
        let media = response
            .headers()
            .get("content-type")
            .expect("it has a type")
            .to_str();
        assert!(
            media
                .expect("the type is text")
                .starts_with("text/event-stream")
        );
        let mut stream = Self {
            response,
            buffer: Vec::new(),
        };
        // The greeting says that from here on nothing is missed.
        let hello = stream.block().await.expect("the stream begins");
        assert_eq!(hello, ": connected");
        stream
    }

    /// The next change.
    ///
    /// # Panics
    /// When none comes in time, or the stream ends.
    pub async fn next(&mut self) -> Sent {
        self.try_next().await.expect("the stream goes on")
    }

    /// The next change; `None` when the engine ends the stream.
    pub async fn try_next(&mut self) -> Option<Sent> {
        loop {
            let block = tokio::time::timeout(LIMIT, self.block()).await;
            let block = block.expect("an event comes in time")?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                    .map(str::to_owned)
            };
            // A comment keeps the connection alive and says nothing.
            let Some(data) = field("data") else { continue };
            let event: Event =
                serde_json::from_str(&data).expect("the event has the promised form");
            assert_eq!(field("event").as_deref(), Some(event.name()));
            return Some(Sent {
                id: field("id"),
                event,
            });
        }
    }

    /// The lines up to the next empty one.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let block = std::mem::replace(&mut self.buffer, rest);
                return Some(String::from_utf8_lossy(&block[..end]).into_owned());
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                // An engine that is killed breaks the stream off.
                Ok(None) | Err(_) => return None,
            }
        }
    }
}
