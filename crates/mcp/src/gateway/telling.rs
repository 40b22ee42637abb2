//! How far a call is, as its server says, told to the agent that waits for it.

use std::{convert::Infallible, sync::Arc};

use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use tokio::sync::mpsc;

use crate::client::{self, Progress};

/// Tells an agent how far its call is, if it wants to know.
pub struct Telling {
    agent: Peer<RoleServer>,
    token: Option<ProgressToken>,
    said: mpsc::Receiver<ProgressNotificationParam>,
}

impl Telling {
    pub fn of(context: &RequestContext<RoleServer>) -> (Option<Progress>, Self) {
        /// What waits to be told; more than that is left out, because what comes next says more.
        const WAITING: usize = 16;
        let (tell, said) = mpsc::channel(WAITING);
        let token = context.meta.get_progress_token();
        let heard = token.is_some().then(|| -> Progress {
            Arc::new(move |said| {
                let _ = tell.try_send(said);
            })
        });
        let telling = Self {
            agent: context.peer.clone(),
            token,
            said,
        };
        (heard, telling)
    }

    /// Until it is dropped.
    pub async fn tell(mut self) -> Infallible {
        /// Most characters of what a server says.
        const LONGEST: usize = 1000;
        // Notifications may overtake each other, and the protocol has progress grow.
        let mut last = f64::NEG_INFINITY;
        while let (Some(said), Some(token)) = (self.said.recv().await, &self.token) {
            if said.progress <= last {
                continue;
            }
            last = said.progress;
            let mut told = ProgressNotificationParam::new(token.clone(), said.progress);
            told.total = said.total;
            told.message = said.message.map(|message| {
                let message = client::visible(&message);
                message.chars().take(LONGEST).collect()
            });
            // It may be gone, which the call itself will tell.
            let _ = self.agent.notify_progress(told).await;
        }
        std::future::pending().await
    }
}
