//! The running server: its thread, its address, and what it received.
//!
//! The server owns its runtime, so that dropping the handle ends every connection at once, also
//! those that a script left hanging, and so that a test without a runtime can use it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    http,
    log::{Recorded, RequestLog},
    script::Script,
};

/// A server on the loopback address, stopped when dropped.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    log: Arc<RequestLog>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be bound, usually because the port is taken.
    #[error("cannot listen on {address}")]
    Listen {
        /// What was to be bound.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The thread or its runtime could not be made.
    #[error("cannot start the server's thread")]
    Thread(#[source] io::Error),
}

/// Nothing that was waited for arrived in time.
#[derive(Debug, thiserror::Error)]
#[error("no matching request within {limit:?}; {seen} were received")]
pub struct TimedOut {
    /// How long was waited.
    pub limit: Duration,
    /// How many requests the log held at the end.
    pub seen: usize,
}

impl ModelServer {
    /// Starts on a free port.
    ///
    /// # Errors
    /// [`StartError`] when nothing can be bound or no thread can be made.
    pub fn start(script: Script) -> Result<Self, StartError> {
        Self::start_on(0, script)
    }

    /// Starts on a free port and answers only those who have this key.
    ///
    /// # Errors
    /// [`StartError`] when nothing can be bound or no thread can be made.
    pub fn start_with_key(script: Script, key: &str) -> Result<Self, StartError> {
        Self::serve(0, script, Some(key.into()))
    }

    /// Starts on `port` of the loopback address; 0 takes a free one.
    ///
    /// # Errors
    /// [`StartError`] when the port is taken or no thread can be made.
    pub fn start_on(port: u16, script: Script) -> Result<Self, StartError> {
        Self::serve(port, script, None)
    }

    fn serve(port: u16, script: Script, key: Option<Arc<str>>) -> Result<Self, StartError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = |source| StartError::Listen {
            address: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let log = Arc::new(RequestLog::default());
        let router = http::router(script, Arc::clone(&log), key);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("model-server".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    tokio::select! {
                        served = async { axum::serve(listener, router).await } => served,
                        // An error means that the handle is gone, which also asks for the end.
                        _ = stopped => Ok(()),
                    }
                })
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            address,
            log,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the server listens, without a trailing slash: the base URL of Anthropic Messages.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL of OpenAI Responses and Chat Completions, which includes the version.
    #[must_use]
    pub fn openai_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL of the Gemini API and of Vertex AI; the clients add the version.
    #[must_use]
    pub fn gemini_url(&self) -> String {
        self.base_url()
    }

    /// The requests received, oldest first. Old ones are forgotten beyond the log's limits.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.log.all()
    }

    /// Forgets the requests received so far.
    pub fn forget(&self) {
        self.log.clear();
    }

    /// Waits until a request matches, for example one whose answer is finished.
    ///
    /// # Errors
    /// [`TimedOut`] when none did within `limit`.
    pub async fn wait_for(
        &self,
        limit: Duration,
        matches: impl Fn(&Recorded) -> bool,
    ) -> Result<Recorded, TimedOut> {
        let mut changes = self.log.changes();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = self.log.all().into_iter().find(|entry| matches(entry)) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(limit, found)
            .await
            .ok()
            .flatten()
            .ok_or_else(|| TimedOut {
                limit,
                seen: self.log.all().len(),
            })
    }

    /// Serves until the server fails; for the program, which has nothing else to do.
    ///
    /// # Errors
    /// The error that ended the server.
    pub fn join(mut self) -> io::Result<()> {
        // Dropping the sender would end the server, so it is kept until the thread is done.
        let stop = self.stop.take();
        let outcome = self.thread.take().map_or(Ok(()), |thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the server's thread panicked")))
        });
        drop(stop);
        outcome
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the server is already on stderr, and a second one here would abort.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
