//! The sessions of the protocol that agents have open at a gateway, of which there are only so many.
//!
//! Few agents say that they go, so each that comes again would leave one behind, and whoever has the token could open
//! them without end. One too many ends the one that has asked nothing for longest. Its agent, should it be there still,
//! is told that there is no such session and begins another (MCP 2025-11-25, transports). A session of which something
//! is waited for is in use, and goes on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{Stream, StreamExt};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::session::{
        ServerSseMessage, SessionId, SessionManager,
        local::{LocalSessionManager, LocalSessionManagerError},
    },
};

/// Why there is no session, or nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// All that there may be are in use.
    #[error("there can be {0} sessions at once, and all of them are in use; end one of them first")]
    TooMany(usize),
    /// One that was there could not be asked.
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

/// The sessions of one gateway.
pub struct Sessions {
    local: LocalSessionManager,
    most: usize,
    known: Mutex<Known>,
    /// Held while one is opened, so that there is room for it until it is there.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    sessions: HashMap<SessionId, Session>,
    /// How often anything was asked in any of them.
    asked: u64,
}

struct Session {
    /// What `asked` was when something was asked in it.
    asked: u64,
    /// Held by everything that is waited for.
    in_use: Arc<()>,
}

impl Sessions {
    /// At most so many.
    pub fn new(local: LocalSessionManager, most: usize) -> Self {
        Self {
            local,
            most,
            known: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is asked in a session, which is in use as long as what this returns is held.
    fn asks(&self, id: &SessionId) -> Option<Arc<()>> {
        let mut known = self.known();
        known.asked += 1;
        let asked = known.asked;
        let session = known.sessions.get_mut(id)?;
        session.asked = asked;
        Some(Arc::clone(&session.in_use))
    }

    /// The session of which nothing is waited for and that has asked nothing for longest.
    fn idle(&self) -> Option<SessionId> {
        let known = self.known();
        let idle = known.sessions.iter();
        let idle = idle.filter(|(_, session)| Arc::strong_count(&session.in_use) == 1);
        let longest = idle.min_by_key(|(_, session)| session.asked);
        longest.map(|(id, _)| Arc::clone(id))
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let _one = self.opening.lock().await;
        let open = self.known().sessions.len();
        if open >= self.most {
            let idle = self.idle().ok_or(SessionError::TooMany(self.most))?;
            self.close_session(&idle).await?;
        }
        let (id, transport) = self.local.create_session().await?;
        let mut known = self.known();
        known.asked += 1;
        let session = Session {
            asked: known.asked,
            in_use: Arc::default(),
        };
        known.sessions.insert(Arc::clone(&id), session);
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        let _in_use = self.asks(id);
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        let closed = self.local.close_session(id).await;
        // Afterwards: one that is forgotten while it is open would not count any more.
        self.known().sessions.remove(id);
        Ok(closed?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let in_use = self.asks(id);
        let stream = self.local.create_stream(id, message).await?;
        Ok(holding(stream, in_use))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        let _in_use = self.asks(id);
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let in_use = self.asks(id);
        let stream = self.local.create_standalone_stream(id).await?;
        Ok(holding(stream, in_use))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let in_use = self.asks(id);
        let stream = self.local.resume(id, last_event_id).await?;
        Ok(holding(stream, in_use))
    }
}

/// A stream whose session is in use until it is dropped.
fn holding<S>(
    stream: S,
    in_use: Option<Arc<()>>,
) -> impl Stream<Item = ServerSseMessage> + Send + Sync + 'static
where
    S: Stream<Item = ServerSseMessage> + Send + Sync + 'static,
{
    stream.map(move |message| {
        let _held = &in_use;
        message
    })
}
