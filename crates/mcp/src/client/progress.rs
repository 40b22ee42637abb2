//! What a server says of how far a call is, for whoever waits for that call.
//!
//! A server names the call by a token, which rmcp chooses when the request is sent and its calls do not tell; a call whose
//! server asks something in between is sent several times, with another token each time. So a call is marked, and the
//! mark is taken off where messages leave, where both are known.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rmcp::{
    RoleClient,
    model::{
        CallToolRequestParams, ClientRequest, GetMeta, JsonRpcMessage, ProgressNotificationParam,
        ProgressToken,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

/// The mark of a call among its metadata. No server sees it.
const MARK: &str = "berth/call";

/// Hears how far a call is.
pub(crate) type Progress = Arc<dyn Fn(ProgressNotificationParam) + Send + Sync>;

/// The calls of a connection whose progress somebody wants to hear of.
#[derive(Clone, Default)]
pub(super) struct Following(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    last: u64,
    heard: HashMap<u64, Progress>,
    tokens: HashMap<ProgressToken, u64>,
}

/// A call that is followed, until it is dropped.
pub(super) struct Followed {
    following: Following,
    mark: u64,
}

impl Following {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes off what looks like a mark.
    pub(super) fn unmark(call: &mut CallToolRequestParams) {
        if let Some(meta) = &mut call.meta {
            meta.remove(MARK);
        }
    }

    /// Marks a call.
    pub(super) fn follow(&self, call: &mut CallToolRequestParams, heard: Progress) -> Followed {
        let mut calls = self.calls();
        calls.last += 1;
        let mark = calls.last;
        calls.heard.insert(mark, heard);
        let meta = call.meta.get_or_insert_default();
        meta.insert(MARK.to_owned(), mark.into());
        Followed {
            following: self.clone(),
            mark,
        }
    }

    /// Takes the mark off a message that leaves.
    fn leaves(&self, message: &mut TxJsonRpcMessage<RoleClient>) {
        let JsonRpcMessage::Request(request) = message else {
            return;
        };
        let token = request.request.get_meta().get_progress_token();
        let ClientRequest::CallToolRequest(call) = &mut request.request else {
            return;
        };
        let Some(meta) = &mut call.params.meta else {
            return;
        };
        let mark = meta.remove(MARK).and_then(|mark| mark.as_u64());
        if meta.is_empty() {
            call.params.meta = None;
        }
        if let (Some(mark), Some(token)) = (mark, token) {
            let mut calls = self.calls();
            // The call may be given up already.
            if calls.heard.contains_key(&mark) {
                calls.tokens.insert(token, mark);
            }
        }
    }

    /// Tells whoever waits for the call.
    pub(super) fn tell(&self, said: ProgressNotificationParam) {
        let heard = {
            let calls = self.calls();
            let mark = calls.tokens.get(&said.progress_token);
            mark.and_then(|mark| calls.heard.get(mark)).cloned()
        };
        if let Some(heard) = heard {
            heard(said);
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut calls = self.following.calls();
        calls.heard.remove(&self.mark);
        calls.tokens.retain(|_, mark| *mark != self.mark);
    }
}

/// A transport whose calls are followed.
pub(super) struct Marked<T> {
    transport: T,
    following: Following,
}

impl<T: Transport<RoleClient>> Marked<T> {
    pub(super) fn new(transport: T, following: &Following) -> Self {
        Self {
            transport,
            following: following.clone(),
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Marked<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        mut item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.following.leaves(&mut item);
        self.transport.send(item)
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        self.transport.receive()
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.transport.close()
    }
}
