//! What the server received, for tests to look at.
//!
//! Secrets are removed on the way in, and old entries make room for new ones, so that a bench of
//! hours costs no more memory than a test of seconds.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

/// Entries kept; the oldest is forgotten beyond it.
const MAX_ENTRIES: usize = 1024;

/// Bytes of request bodies kept, as received; the oldest entry is forgotten beyond it. A turn of
/// Claude Code is about 100 KB.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Headers whose values are never kept.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
];

/// What a request asked for, as far as the script is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnKind {
    /// The user said something.
    Message,
    /// A tool that the script called has come back.
    ToolResult,
    /// The agent asks on its own account, for example for a title.
    Background,
}

/// One request and how far its answer got. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Counts from 1 over the server's life.
    pub id: u64,
    /// When the whole request had arrived.
    pub received_at: u64,
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path with its query; a key in it is replaced by `<secret>`.
    pub path: String,
    /// Header names in lower case; the values of secrets are replaced by `<secret>`.
    pub headers: BTreeMap<String, String>,
    /// The body; a string when it was not JSON, null when there was none.
    pub body: Value,
    /// What was asked; absent when the request was not for an answer.
    pub kind: Option<TurnKind>,
    /// The status of the answer; absent until it is known.
    pub status: Option<u16>,
    /// When the last byte of the answer was handed to the connection.
    pub finished_at: Option<u64>,
    /// When the client went away before the end of the answer.
    pub abandoned_at: Option<u64>,
}

/// The log that every connection writes to.
#[derive(Debug)]
pub(crate) struct RequestLog {
    entries: Mutex<Entries>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Entries {
    last_id: u64,
    bytes: usize,
    kept: VecDeque<(usize, Recorded)>,
}

/// The end of an answer. Dropped without [`Pending::finish`], the client went away.
#[derive(Debug)]
pub(crate) struct Pending {
    log: Arc<RequestLog>,
    id: u64,
    done: bool,
}

impl Default for RequestLog {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }
}

impl RequestLog {
    /// Adds a request and returns the handle that will say how its answer ended.
    pub(crate) fn receive(
        self: &Arc<Self>,
        method: &str,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Pending {
        let mut entries = self.lock();
        entries.last_id += 1;
        let id = entries.last_id;
        entries.push(
            body.len(),
            Recorded {
                id,
                received_at: now(),
                method: method.to_owned(),
                path: without_key(path),
                headers: without_secrets(headers),
                body: parse(body),
                kind: None,
                status: None,
                finished_at: None,
                abandoned_at: None,
            },
        );
        drop(entries);
        self.changes.send_replace(());
        Pending {
            log: Arc::clone(self),
            id,
            done: false,
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.lock()
            .kept
            .iter()
            .map(|(_, entry)| entry.clone())
            .collect()
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.kept.clear();
        entries.bytes = 0;
    }

    /// Signals after each change of the log.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn update(&self, id: u64, change: impl FnOnce(&mut Recorded)) {
        // An entry that was forgotten in the meantime has nothing to update.
        if let Some((_, entry)) = self
            .lock()
            .kept
            .iter_mut()
            .rfind(|(_, entry)| entry.id == id)
        {
            change(entry);
        }
        self.changes.send_replace(());
    }

    /// Entries are plain data, whole after every statement, so a panic elsewhere spoils nothing.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn push(&mut self, size: usize, entry: Recorded) {
        self.bytes += size;
        self.kept.push_back((size, entry));
        while self.kept.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some((size, _)) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= size;
        }
    }
}

impl Pending {
    /// The number of this request, from which the ids in its answer are made.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn asked(&self, kind: TurnKind) {
        self.log.update(self.id, |entry| entry.kind = Some(kind));
    }

    pub(crate) fn status(&self, status: u16) {
        self.log
            .update(self.id, |entry| entry.status = Some(status));
    }

    /// Says that the last byte of the answer was handed to the connection.
    pub(crate) fn finish(&mut self) {
        if !std::mem::replace(&mut self.done, true) {
            self.log
                .update(self.id, |entry| entry.finished_at = Some(now()));
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.done {
            self.log
                .update(self.id, |entry| entry.abandoned_at = Some(now()));
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn parse(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// The path without the key that Gemini takes in the query.
fn without_key(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let pairs = query.split('&').map(|pair| {
        if pair.starts_with("key=") {
            "key=<secret>"
        } else {
            pair
        }
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn without_secrets(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = if SECRET_HEADERS.contains(&name.as_str()) {
                "<secret>".into()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
