//! Tools that are called by hand, to try them.
//!
//! The trail tells of such a call what it tells of an agent's: that it leaves, before it does, and what became of it,
//! with the shape of its arguments and no value.

use std::{sync::Arc, time::Instant};

use berth_mcp::{
    Absent, Connection, Limits,
    gateway::{Outcome, shape},
};
use berth_protocol::{Code, McpCall, McpCalled, McpConfiguration, McpConfigurationId};
use berth_store::{Store, StoreError};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

use super::{get, midway, reach_of, unless_stopping};
use crate::{error::ApiError, gateway::cut, state::State};

/// Calls a tool by hand.
pub async fn call(
    state: &State,
    id: McpConfigurationId,
    call: McpCall,
) -> Result<McpCalled, ApiError> {
    let configuration = get(state, id).await?;
    let arguments = match call.arguments {
        Value::Null => Map::new(),
        Value::Object(arguments) => arguments,
        _ => {
            let detail = "the arguments of a tool are an object";
            return Err(ApiError::new(Code::BadRequest, detail));
        }
    };
    let mut told = Told::of(&state.store, id, &call.tool, &arguments);
    let connection = match opened(state, &configuration).await {
        Ok(connection) => connection,
        Err((outcome, error)) => {
            told.never_left(outcome).await;
            return Err(error);
        }
    };
    told.begins().await?;
    let called = connection.try_call(&call.tool, arguments);
    let called = unless_stopping(state, &configuration.draft.name, called).await;
    let (outcome, bytes) = match &called {
        Ok(Ok(called)) => (
            match called.is_error {
                true => Outcome::Failed,
                false => Outcome::Answered,
            },
            called.result.to_string().len(),
        ),
        Ok(Err(_)) => (Outcome::Lost, 0),
        Err(_) => (Outcome::Cancelled, 0),
    };
    told.ends(outcome, bytes);
    match &called {
        Ok(answered) => {
            connection.close().await;
            if let Err(error) = answered
                && error.wants_sign_in()
            {
                midway::note(state, &configuration, error).await;
            }
        }
        // One that is ended in order is given time for that.
        Err(_) => drop(connection),
    }
    Ok(called??)
}

/// A connection for one call; else why there is none, and what became of the call by that.
async fn opened(
    state: &State,
    configuration: &McpConfiguration,
) -> Result<Connection, (Outcome, ApiError)> {
    let reach = reach_of(state, configuration, None).await;
    let reach = reach.map_err(|error| (Outcome::Refused, error))?;
    let opened = Connection::open_for(&reach, Limits::default(), Arc::new(Absent));
    let opened = unless_stopping(state, &configuration.draft.name, opened).await;
    match opened.map_err(|error| (Outcome::Cancelled, error))? {
        Ok(connection) => Ok(connection),
        Err(error) => {
            if error.wants_sign_in() {
                midway::note(state, configuration, &error).await;
            }
            Err((Outcome::Lost, error.into()))
        }
    }
}

/// What the trail is told of a call. Dropped while that is under way, it tells that the call was given up.
struct Told {
    store: Store,
    id: McpConfigurationId,
    call: String,
    details: Value,
    began: Instant,
    is_open: bool,
}

impl Told {
    fn of(
        store: &Store,
        id: McpConfigurationId,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Self {
        let call = format!("{:016x}", rand::random::<u64>());
        let details = json!({
            "arguments": shape(Some(arguments)),
            "by": "user",
            "call": call,
            // Whoever calls may ask for any name, and people read this.
            "tool": cut(tool),
        });
        Self {
            store: store.clone(),
            id,
            call,
            details,
            began: Instant::now(),
            is_open: false,
        }
    }

    /// It is about to leave.
    async fn begins(&mut self) -> Result<(), StoreError> {
        // Also if this is given up while it is noted.
        self.is_open = true;
        let begun = self
            .store
            .begin_mcp_call(self.id, &self.call, &self.details);
        let begun = begun.await;
        self.is_open = begun.is_ok();
        begun
    }

    /// It is over.
    fn ends(&mut self, outcome: Outcome, bytes: usize) {
        self.is_open = false;
        let details = self.over(outcome, bytes);
        self.store.end_mcp_call(self.id, self.call.clone(), details);
    }

    /// It was not made.
    async fn never_left(&self, outcome: Outcome) {
        let details = self.over(outcome, 0);
        let noted = self.store.note_mcp_call(self.id, "mcp.called", details);
        if let Err(error) = noted.await {
            tracing::error!(%error, "a call by hand was not noted");
        }
    }

    fn over(&self, outcome: Outcome, bytes: usize) -> Value {
        let took = self.began.elapsed().as_millis();
        let mut details = self.details.clone();
        details["bytes"] = json!(bytes);
        details["outcome"] = json!(outcome.word());
        details["took_ms"] = json!(u64::try_from(took).unwrap_or(u64::MAX));
        details
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // Without a runtime the engine has stopped, and its next start tells of the call.
        if self.is_open && Handle::try_current().is_ok() {
            self.ends(Outcome::Cancelled, 0);
        }
    }
}
