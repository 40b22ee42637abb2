//! What a server says of how far a call is, for whoever waits for that call; and that it is told when nobody does any
//! more.
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
        CallToolRequestParams, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage,
        ProgressNotificationParam, ProgressToken,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::sync::watch;

/// The mark of a call among its metadata. No server sees it.
const MARK: &str = "berth/call";

/// Hears how far a call is.
pub(crate) type Progress = Arc<dyn Fn(ProgressNotificationParam) + Send + Sync>;

/// The calls of a connection whose progress somebody wants to hear of.
#[derive(Clone, Default)]
pub(super) struct Following {
    calls: Arc<Mutex<Calls>>,
    /// Of how many requests the server was told that they are given up.
    told: Arc<watch::Sender<u64>>,
}

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
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Changes each time that the server was told that a request is given up.
    pub(super) fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
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
        let gives_up = matches!(&item, JsonRpcMessage::Notification(said)
            if matches!(said.notification, ClientNotification::CancelledNotification(_)));
        let told = gives_up.then(|| Arc::clone(&self.following.told));
        let sent = self.transport.send(item);
        async move {
            let sent = sent.await;
            if let Some(told) = told {
                told.send_modify(|told| *told += 1);
            }
            sent
        }
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        self.transport.receive()
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.transport.close()
    }
}
