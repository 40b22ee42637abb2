//! Where agents ask: an address of its own, which one thread answers.
//!
//! A call of a tool goes through a dozen tasks, from the agent's connection to the server's and back, and most of them
//! only hand it on. Where several threads share the tasks, a hand-over may wake another thread, which takes longer than
//! what the task has to do; on one thread the next task is the next. What agents ask of their servers is little work, so
//! one thread has enough of it for all sessions, and what else the engine does waits for none of it.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::serve::ListenerExt;
use tokio::{runtime, sync::oneshot};
use tokio_util::sync::CancellationToken;

use crate::{EngineError, http, state::State};

/// Name of the thread.
const NAME: &str = "gateway";

const UNREACHABLE: &str = "agents do not reach their MCP servers";

/// How long work may go on at the end that cannot be given up, such as reading a file.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Bound, and not answered yet: whoever asks meanwhile waits.
pub struct Listener {
    socket: TcpListener,
    port: u16,
}

impl Listener {
    /// Listens on loopback, at a port that is free.
    ///
    /// # Errors
    /// [`EngineError::Bind`] and [`EngineError::Address`].
    pub fn bind() -> Result<Self, EngineError> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        let socket = bound.map_err(|source| EngineError::Bind { port: 0, source })?;
        let port = socket.local_addr().map_err(EngineError::Address)?.port();
        Ok(Self { socket, port })
    }

    /// Its address, without a path.
    pub fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Answers from now on, until the engine stops.
    ///
    /// # Errors
    /// [`EngineError::Serve`] when there is no thread for it.
    pub fn serve(self, state: &Arc<State>) -> Result<Serving, EngineError> {
        let over = CancellationToken::new();
        let (state, until) = (Arc::clone(state), over.clone());
        let (ended, is_over) = oneshot::channel();
        // Made and dropped by its own thread: dropping it may wait, which no other runtime allows.
        let work = move || {
            let _ended = ended;
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return tracing::error!(%error, "{UNREACHABLE}"),
            };
            runtime.block_on(async {
                if let Err(error) = answer(self, &state, &until).await {
                    tracing::error!(%error, "{UNREACHABLE}");
                }
                // Calls end, and are noted, after their agents have stopped to wait for them.
                until.cancelled().await;
            });
            runtime.shutdown_timeout(LAST_WORK);
        };
        let thread = thread::Builder::new().name(NAME.to_owned()).spawn(work);
        Ok(Serving {
            thread: Some(thread.map_err(EngineError::Serve)?),
            is_over,
            over,
        })
    }
}

async fn answer(
    listener: Listener,
    state: &Arc<State>,
    over: &CancellationToken,
) -> std::io::Result<()> {
    let router = http::agents_router(Arc::clone(state), listener.port);
    let listener = tokio::net::TcpListener::from_std(listener.socket)?;
    let listener = listener.tap_io(http::send_at_once);
    let stopping = state.stopping.clone().cancelled_owned();
    let serve = axum::serve(listener, router.into_make_service()).with_graceful_shutdown(stopping);
    tokio::select! {
        served = serve.into_future() => served,
        // Whoever does not take an answer holds up nobody.
        () = over.cancelled() => Ok(()),
    }
}

/// The thread that answers. Dropped, it ends.
pub struct Serving {
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread is about to end.
    is_over: oneshot::Receiver<Infallible>,
    over: CancellationToken,
}

impl Serving {
    /// Ends it with everything that it still does, and waits for that, but not for ever.
    pub async fn end(mut self) {
        self.over.cancel();
        let ended = tokio::time::timeout(LAST_WORK * 2, &mut self.is_over).await;
        if ended.is_err() {
            tracing::error!("the thread that answers agents does not end, and is left behind");
            // Nobody waits for it any more.
            self.thread = None;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.over.cancel();
        // What it holds, such as the store, is free before the lock of the engine is.
        let ended = self.thread.take().map(JoinHandle::join);
        if matches!(ended, Some(Err(_))) {
            tracing::error!("the thread that answers agents has failed");
        }
    }
}
