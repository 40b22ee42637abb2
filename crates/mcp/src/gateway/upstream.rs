//! The connection of a gateway to its server.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use rmcp::model::{LoggingLevel, ServerPeerInfo, SetLevelRequestParams};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Agents, Guard, Opener, Shared};
use crate::{Challenge, Connection, McpError, OauthError};

/// How long a server that is reached again may take to be told from which level on it logs.
const LEVEL: Duration = Duration::from_secs(5);

pub struct Upstream {
    open: Opener,
    agents: Agents,
    guard: Arc<dyn Guard>,
    idle: Duration,
    stop: CancellationToken,
    shared: Arc<Shared>,
    /// Held while a connection is opened, so that there is one.
    place: tokio::sync::Mutex<Place>,
    /// What the server said of itself when it was last reached.
    info: Mutex<Option<Arc<ServerPeerInfo>>>,
    /// From which level on an agent wants to hear what the server logs: each connection begins without one.
    level: Mutex<Option<LoggingLevel>>,
}

#[derive(Default)]
struct Place {
    connection: Option<Arc<Connection>>,
    used: Option<Instant>,
    /// Somebody looks after a connection that nobody uses.
    watched: bool,
}

impl Upstream {
    pub fn new(
        open: Opener,
        guard: Arc<dyn Guard>,
        idle: Duration,
        stop: CancellationToken,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            open,
            agents: Agents::default(),
            guard,
            idle,
            stop,
            shared,
            place: tokio::sync::Mutex::default(),
            info: Mutex::default(),
            level: Mutex::default(),
        }
    }

    /// Asks the server to log from this level on, over this connection and those to come.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn listen(
        &self,
        connection: &Connection,
        level: LoggingLevel,
    ) -> Result<(), McpError> {
        let request = SetLevelRequestParams::new(level);
        let set = connection.within(connection.peer().set_level(request));
        set.await?;
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(level);
        Ok(())
    }

    /// Until the gateway ends.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Reaches the server unless it was reached before.
    pub async fn know(self: &Arc<Self>) -> Result<(), McpError> {
        if self.info().is_none() {
            self.connected().await?;
        }
        Ok(())
    }

    /// What it shares with those of other sessions.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Who hears of it besides answers.
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    /// What the server said of itself.
    pub fn info(&self) -> Option<Arc<ServerPeerInfo>> {
        let info = self.info.lock().unwrap_or_else(PoisonError::into_inner);
        info.clone()
    }

    /// The connection, opened unless it is open.
    pub async fn connected(self: &Arc<Self>) -> Result<Arc<Connection>, McpError> {
        let mut place = self.place.lock().await;
        place.used = Some(Instant::now());
        if let Some(connection) = place.connection.as_ref().filter(|it| !it.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        place.connection = None;
        self.shared.admit()?;
        let opened = tokio::select! {
            opened = (self.open)(self.agents.clone()) => opened,
            () = self.stop.cancelled() => Err(McpError::Ended { said: String::new() }),
        };
        // That it can be reached does not make up for calls that fail: only they close the breaker. That a run ended
        // meanwhile says nothing of it.
        if opened.is_err() && !self.stop.is_cancelled() {
            self.shared.note(&opened);
        }
        let connection = match opened {
            Ok(connection) => Arc::new(connection),
            Err(error) => {
                drop(place);
                self.guard.lost(&error).await;
                return Err(error);
            }
        };
        let info = connection.info();
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = info;
        place.connection = Some(Arc::clone(&connection));
        if !std::mem::replace(&mut place.watched, true) {
            tokio::spawn(watch(Arc::downgrade(self), self.stop.clone(), self.idle));
        }
        let level = *self.level.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(level) = level {
            // Who calls a tool wants its answer, with the server's log or without it; others wait behind this.
            let request = SetLevelRequestParams::new(level);
            let set = tokio::time::timeout(LEVEL, connection.peer().set_level(request));
            tokio::select! {
                _ = set => {}
                () = self.stop.cancelled() => {}
            }
        }
        Ok(connection)
    }

    /// What became of a request. A connection that has ended, or over which nothing comes any more, is given up:
    /// the next request makes another, unless the server has failed so often that it rests.
    pub async fn note<T>(&self, connection: &Arc<Connection>, outcome: &Result<T, McpError>) {
        let mut place = self.place.lock().await;
        self.shared.note(outcome);
        let is_over = match outcome {
            Err(McpError::Ended { .. } | McpError::Unreachable(_) | McpError::Silent { .. }) => {
                true
            }
            // One that has too little access for this still serves everything else.
            Err(McpError::NoToken(why)) if matches!(**why, OauthError::NoMoreAccess { .. }) => {
                false
            }
            // What its tokens are taken with may be mended by the next call.
            Err(McpError::NoToken(_)) => true,
            // Its sign-in is taken no longer; or it lacks access for this, as above.
            Err(McpError::Unauthorized { challenge }) => !Challenge::parse(challenge).wants_more(),
            _ => false,
        };
        let is_same = |it: &Arc<Connection>| Arc::ptr_eq(it, connection);
        if is_over && place.connection.as_ref().is_some_and(is_same) {
            place.connection = None;
        }
    }

    /// Ends a connection that nobody has used for long. Says when to look again; nothing when there is none.
    async fn tidy(&self) -> Option<Instant> {
        let mut place = self.place.lock().await;
        let due = place.used.map(|used| used + self.idle);
        let in_use = place
            .connection
            .as_ref()
            .is_some_and(|it| Arc::strong_count(it) > 1);
        match due {
            Some(due) if place.connection.is_some() && (in_use || due > Instant::now()) => {
                Some(due.max(Instant::now() + Duration::from_secs(1)))
            }
            _ => {
                place.connection = None;
                place.watched = false;
                None
            }
        }
    }
}

/// Looks after the connection until nobody needs it.
async fn watch(upstream: Weak<Upstream>, stop: CancellationToken, idle: Duration) {
    let mut due = Instant::now() + idle;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = stop.cancelled() => {
                // Calls that are under way hold it too, and end with it.
                if let Some(upstream) = upstream.upgrade()
                    && let Some(connection) = upstream.place.lock().await.connection.take()
                {
                    connection.end();
                }
                return;
            }
        }
        let Some(upstream) = upstream.upgrade() else {
            return;
        };
        match upstream.tidy().await {
            Some(next) => due = next,
            None => return,
        }
    }
}
