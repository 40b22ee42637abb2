//! What the endpoints of several sessions share that lead to the same server.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{McpError, client::breaker::Breaker};

/// Most calls of a server at once. Whoever comes then waits, so no session crowds out the others for longer than a call.
const AT_ONCE: usize = 32;

/// How a server is doing, and how much is asked of it at once.
#[derive(Debug)]
pub struct Shared {
    breaker: Mutex<Breaker>,
    calls: Semaphore,
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(AT_ONCE)
    }
}

impl Shared {
    /// For a server of which so many calls are made at once.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            breaker: Mutex::default(),
            calls: Semaphore::new(at_once),
        }
    }

    /// Whether the server may be reached, or rests.
    pub(super) fn admit(&self) -> Result<(), McpError> {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = breaker.admit(Instant::now());
        admitted.map_err(|rest| McpError::Resting { rest })
    }

    /// What became of a request.
    pub(super) fn note<T>(&self, outcome: &Result<T, McpError>) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.note(outcome, Instant::now());
    }

    /// Waits until another call may be made, which holds on to what this gives.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.calls.acquire().await.ok()
    }
}
