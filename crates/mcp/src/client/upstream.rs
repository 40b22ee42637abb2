//! A server that is connected to when it is needed, and again when the connection has ended.

use std::{sync::Arc, time::Instant};

use rmcp::model::JsonObject;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Asked, Connection, Limits, McpError, Reach, breaker::Breaker};

/// One server and its connection, if there is one. Dropping it ends the connection once no call uses it.
///
/// A call is never made twice by itself: a tool may have done its work before the connection ended. The next
/// call connects again, unless the server has failed so often that it rests.
pub struct Upstream {
    reach: Reach,
    limits: Limits,
    asked: Arc<dyn Asked>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    breaker: Breaker,
}

impl Upstream {
    /// Connects to nothing yet.
    pub fn new(reach: Reach, limits: Limits, asked: Arc<dyn Asked>) -> Self {
        Self {
            reach,
            limits,
            asked,
            state: Mutex::default(),
        }
    }

    /// The connection, made now if there is none. Who comes meanwhile waits for the same.
    ///
    /// # Errors
    /// [`McpError`]; [`McpError::Resting`] when the server is left alone for now.
    pub async fn connection(&self) -> Result<Arc<Connection>, McpError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.connection.as_ref().filter(|it| !it.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        state.connection = None;
        let admitted = state.breaker.admit(Instant::now());
        admitted.map_err(|rest| McpError::Resting { rest })?;
        let opened = Connection::open_for(&self.reach, self.limits, Arc::clone(&self.asked)).await;
        // A connection that comes about does not make up for calls that fail: only they close the breaker.
        if opened.is_err() {
            state.breaker.note(&opened, Instant::now());
        }
        let opened = Arc::new(opened?);
        state.connection = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Calls a tool. Dropping the call cancels it.
    ///
    /// # Errors
    /// As [`Self::connection`] and [`Connection::call`].
    pub async fn call(&self, tool: &str, arguments: Option<JsonObject>) -> Result<Value, McpError> {
        let connection = self.connection().await?;
        let called = connection.call(tool, arguments).await;
        let mut state = self.state.lock().await;
        state.breaker.note(&called, Instant::now());
        let is_over = matches!(
            called,
            Err(McpError::Ended { .. } | McpError::Unreachable(_))
        );
        let is_same = |it: &Arc<Connection>| Arc::ptr_eq(it, &connection);
        if is_over && state.connection.as_ref().is_some_and(is_same) {
            state.connection = None;
        }
        called
    }

    /// Ends the connection; the next call makes another.
    pub async fn disconnect(&self) {
        self.state.lock().await.connection = None;
    }
}
