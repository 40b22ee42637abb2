//! The agents that are at a gateway at the moment, for what its server says or asks besides answering.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rmcp::{
    Peer, RoleServer,
    model::{CreateMessageRequestParams, LoggingMessageNotificationParam},
};
use serde_json::Value;
use tokio::sync::Semaphore;

/// How long an agent may take for an answer of its model; the call that it is for has not much longer.
const SAMPLE: Duration = Duration::from_secs(300);

/// What the server logs that an agent has not taken yet; it is not told of more meanwhile.
const LOGS: usize = 8;

/// Longest entry of a log that is passed on, in bytes as JSON.
const LONGEST_LOG: usize = 64 * 1024;

/// Those that have begun a session of the protocol. Its clones are the same.
///
/// A client of the era without sessions is none: it is told nothing but answers.
#[derive(Clone, Default)]
pub struct Agents(Arc<Mutex<Vec<Agent>>>);

#[derive(Clone)]
struct Agent {
    peer: Peer<RoleServer>,
    /// It has said what it wants to hear of logs; who has not may never take any, and what waits for it would keep
    /// everything else from it.
    logs: Option<Arc<Semaphore>>,
}

impl Agents {
    fn all(&self) -> MutexGuard<'_, Vec<Agent>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|agent| !agent.peer.is_transport_closed());
        all
    }

    pub(super) fn joined(&self, peer: Peer<RoleServer>) {
        self.all().push(Agent { peer, logs: None });
    }

    /// The agent wants to hear of logs.
    pub(super) fn listens(&self, peer: Peer<RoleServer>) {
        self.all().push(Agent {
            peer,
            logs: Some(Arc::new(Semaphore::new(LOGS))),
        });
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.all().len()
    }

    /// Has the model of an agent answer: the parameters of `sampling/createMessage` and its result. Nothing when no
    /// agent offers that, or it refuses.
    pub async fn sample(&self, request: Value) -> Option<Value> {
        let request: CreateMessageRequestParams = serde_json::from_value(request).ok()?;
        let agent = {
            let all = self.all();
            let mut newest_first = all.iter().rev().map(|agent| &agent.peer);
            newest_first.find(|peer| offers_sampling(peer)).cloned()
        };
        let asked = tokio::time::timeout(SAMPLE, agent?.create_message(request)).await;
        match asked {
            Ok(Ok(answer)) => serde_json::to_value(answer).ok(),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Whether an agent offers answers of its model.
    pub fn offer_sampling(&self) -> bool {
        self.all().iter().any(|agent| offers_sampling(&agent.peer))
    }

    /// Tells those that listen what the server logs: the parameters of `notifications/message`.
    pub async fn log(&self, said: Value) {
        if said.to_string().len() > LONGEST_LOG {
            return;
        }
        let Ok(said) = serde_json::from_value::<LoggingMessageNotificationParam>(said) else {
            return;
        };
        let agents = self.all().clone();
        let told = agents.into_iter().filter_map(|agent| {
            let turn = agent.logs?.try_acquire_owned().ok()?;
            let said = said.clone();
            Some(async move {
                // One that is gone does not hear it.
                let _ = agent.peer.notify_logging_message(said).await;
                drop(turn);
            })
        });
        futures::future::join_all(told).await;
    }
}

fn offers_sampling(agent: &Peer<RoleServer>) -> bool {
    let info = agent.peer_info();
    info.is_some_and(|info| info.capabilities.sampling.is_some())
}
