//! The stream over which a server says what belongs to no request (2025-11-25, transports, "Listening for Messages from
//! the Server").
//!
//! Servers ask their user over it while a tool is called, and what they say before it is open is lost: the tool then
//! waits for an answer that nobody was asked for. It is opened once a session has begun, beside the first requests, so
//! the first call of a tool waits for it.

use std::{sync::Arc, time::Duration};

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};
use tokio::sync::watch;

/// How long that is waited for, once for each connection: a server may keep the head of its answer until it says
/// something.
const LONGEST: Duration = Duration::from_secs(1);

/// Whether the server has answered to that.
#[derive(Clone)]
pub(super) struct Listening(Arc<watch::Sender<bool>>);

impl Default for Listening {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Listening {
    /// A session begins, with a stream of its own.
    pub(super) fn begins(&self) {
        self.0.send_replace(false);
    }

    /// The server has answered, whatever it has said: it may have no such stream.
    pub(super) fn answered(&self) {
        self.0.send_replace(true);
    }

    /// Waits before a message that is sent in a session, if it calls a tool.
    pub(super) async fn before(&self, message: &ClientJsonRpcMessage) {
        let JsonRpcMessage::Request(request) = message else {
            return;
        };
        let is_call = matches!(request.request, ClientRequest::CallToolRequest(_));
        if !is_call || *self.0.borrow() {
            return;
        }
        let mut answered = self.0.subscribe();
        // One that does not answer in time is not waited for again.
        let _ = tokio::time::timeout(LONGEST, answered.wait_for(|answered| *answered)).await;
        self.answered();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;
    use serde_json::{Value, json};

    use super::*;

    fn message(method: &str, params: Value) -> ClientJsonRpcMessage {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        serde_json::from_value(message).unwrap()
    }

    #[tokio::test]
    async fn the_first_call_of_a_tool_leaves_when_the_server_has_answered() {
        let listening = Listening::default();
        let call = message("tools/call", json!({"name": "one"}));
        for other in [message("ping", json!({})), message("tools/list", json!({}))] {
            let mut other = pin!(listening.before(&other));
            assert!(poll!(other.as_mut()).is_ready(), "it calls no tool");
        }
        let mut first = pin!(listening.before(&call));
        assert!(poll!(first.as_mut()).is_pending());
        listening.answered();
        first.await;
        let mut next = pin!(listening.before(&call));
        assert!(poll!(next.as_mut()).is_ready());
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_waited_for_once() {
        let listening = Listening::default();
        let call = message("tools/call", json!({"name": "one"}));
        listening.before(&call).await;
        let mut next = pin!(listening.before(&call));
        assert!(poll!(next.as_mut()).is_ready());
    }
}
