//! Servers that want their user to sign in, or to be allowed more, in the middle of their work.
//!
//! Such a server goes on to list its tools, and to answer other calls, which says nothing of what it has refused. So
//! what is noted then stands until something else is noted than that an agent has looked at it: its user signs in, or
//! tests it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use berth_mcp::McpError;
use berth_protocol::{McpConfiguration, McpConfigurationId, McpState, Timestamp};

use super::{get, hint, sign_in};
use crate::{error::ApiError, state::State};

/// When that was last noted of each.
#[derive(Default)]
pub struct Midway {
    noted: Mutex<HashMap<McpConfigurationId, Timestamp>>,
    /// Held while it is noted, so that what is remembered is what is stored.
    turn: tokio::sync::Mutex<()>,
}

impl Midway {
    /// This was noted then, and nothing else since.
    pub fn stands(&self, id: McpConfigurationId, known: &McpState) -> bool {
        let (McpState::NeedsSignIn { at } | McpState::Expired { at }) = known else {
            return false;
        };
        self.noted().get(&id) == Some(at)
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<McpConfigurationId, Timestamp>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that a server wants its user to sign in, as it was asked at its address in `given`, and remembers how it asks
/// for that.
pub async fn note(state: &State, given: &McpConfiguration, error: &McpError) {
    let server = &given.draft.server;
    state.sign_ins.remember(given.id, server, error);
    if let Err(error) = noted(state, given, error).await {
        tracing::warn!(problem = %error.0, "that an MCP server wants a sign-in was not noted");
    }
}

async fn noted(state: &State, given: &McpConfiguration, error: &McpError) -> Result<(), ApiError> {
    let _turn = state.gateways.midway.turn.lock().await;
    let now = get(state, given.id).await?;
    if now.draft.server != given.draft.server || now.draft.auth != given.draft.auth {
        // It is another one by now, which has said nothing.
        return Ok(());
    }
    let at = Timestamp::now();
    let wants = sign_in::state_of(state, &now, &hint::told(error), at).await;
    // Nobody tells when one that takes a token is given another.
    if now.draft.is_oauth() {
        state.gateways.midway.noted().insert(now.id, at);
    }
    super::note(state, &now, wants, None).await
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_noted_stands_until_something_else_is() {
        let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
        let (id, other) = (McpConfigurationId(id), McpConfigurationId(other));
        let at = Timestamp::from_second(1_000).unwrap();
        let later = Timestamp::from_second(1_001).unwrap();
        let midway = Midway::default();
        let wants = McpState::NeedsSignIn { at };
        assert!(!midway.stands(id, &wants), "it could not be reached");
        midway.noted().insert(id, at);
        assert!(midway.stands(id, &wants));
        assert!(midway.stands(id, &McpState::Expired { at }));
        assert!(!midway.stands(other, &wants));
        for known in [
            McpState::Untried,
            McpState::NeedsSignIn { at: later },
            McpState::Quarantined {
                tools: Vec::new(),
                at,
            },
        ] {
            assert!(!midway.stands(id, &known), "{known:?}");
        }
    }
}
