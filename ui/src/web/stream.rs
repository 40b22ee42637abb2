//! The engine's stream of events, read with `fetch`.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamDefaultReader;

use crate::logic::sse::{SseEvent, SseParser};
use crate::web::api::Api;
use crate::web::error::ApiError;

/// An open stream.
pub struct EventStream {
    reader: ReadableStreamDefaultReader,
    parser: SseParser,
}

impl EventStream {
    /// Opens the stream, and resumes it after `last_id`.
    pub async fn open(api: &Api, last_id: Option<&str>) -> Result<Self, ApiError> {
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend(last_id.map(|id| ("last-event-id", id)));
        let response = api.response("GET", "/events", None, &headers).await?;
        let body = response.body().ok_or(ApiError::Unreadable)?;
        let reader = body
            .get_reader()
            .dyn_into()
            .map_err(|_| ApiError::Unreadable)?;
        Ok(Self {
            reader,
            parser: SseParser::default(),
        })
    }

    /// The next events; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Vec<SseEvent>> {
        let piece = JsFuture::from(self.reader.read()).await.ok()?;
        if Reflect::get(&piece, &"done".into()).ok()?.is_truthy() {
            return None;
        }
        let bytes: Uint8Array = Reflect::get(&piece, &"value".into())
            .ok()?
            .dyn_into()
            .ok()?;
        Some(self.parser.push(&bytes.to_vec()))
    }
}
