//! The events of one session, without a gap that nobody hears of.

use std::{path::PathBuf, time::Duration};

use berth_protocol::{Event, SessionId};
use tokio::time::{Instant, sleep};

use crate::{
    api::{Api, ApiError},
    sse::Stream,
};

/// How long a lost engine is looked for: one that was killed hands its place to the next.
const PATIENCE: Duration = Duration::from_secs(15);

/// Between two tries at first; it doubles each time.
const RETRY: Duration = Duration::from_millis(100);

/// Follows the events of the engine and, when it has to go on after a gap, those of one session.
pub struct Follower {
    pub api: Api,
    data_dir: PathBuf,
    stream: Stream,
    last_id: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the engine was stopped, and every session with it")]
    Stopped,
    #[error("the engine was lost and did not come back within {} s", PATIENCE.as_secs())]
    Lost(#[source] ApiError),
}

impl Follower {
    /// Opened before the session is started, so that none of its events is missed and their order is
    /// the engine's.
    pub async fn open(api: Api, data_dir: PathBuf) -> Result<Self, ApiError> {
        let stream = api.events("/events", None).await?;
        Ok(Self {
            api,
            data_dir,
            stream,
            last_id: None,
        })
    }

    /// The next event; [`Event::Reset`] when some were missed.
    pub async fn next(&mut self, id: SessionId) -> Result<Event, FollowError> {
        loop {
            let Ok(Some(sent)) = self.stream.next().await else {
                self.reopen(id).await?;
                if self.last_id.is_none() {
                    return Ok(Event::Reset);
                }
                continue;
            };
            if sent.id.is_some() {
                self.last_id = sent.id;
            }
            // An event that is not known is one of a newer engine and says nothing of the others.
            if let Ok(event) = serde_json::from_str(&sent.data) {
                return Ok(event);
            }
        }
    }

    async fn reopen(&mut self, id: SessionId) -> Result<(), FollowError> {
        let deadline = Instant::now() + PATIENCE;
        let path = format!("/chat/stream?session_id={id}");
        let mut pause = RETRY;
        loop {
            // A stop removes the endpoint file, a kill leaves it.
            let api = match Api::published(&self.data_dir) {
                Ok(Some(api)) => api,
                Ok(None) => return Err(FollowError::Stopped),
                Err(error) => return Err(FollowError::Lost(error)),
            };
            match api.events(&path, self.last_id.as_deref()).await {
                Ok(stream) => {
                    self.stream = stream;
                    self.api = api;
                    return Ok(());
                }
                Err(error) if Instant::now() + pause >= deadline => {
                    return Err(FollowError::Lost(error));
                }
                // Nothing tells when another engine has been started.
                Err(_) => sleep(pause).await,
            }
            pause *= 2;
        }
    }
}
