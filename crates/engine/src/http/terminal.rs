//! The terminal's WebSocket. Its messages are described in `berth_protocol::terminal`.
//!
//! Every viewer has a window of bytes that it has not acknowledged. When the window is full it
//! gets nothing until it acknowledges; if by then it has missed output, it is repainted. Neither
//! the agent nor another viewer waits for it.

use std::sync::Arc;

use axum::{
    extract::{
        State as Shared, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use berth_protocol::{
    ACK_EVERY, ClientControl, Code, SUBPROTOCOL, ServerControl, SessionId, Size, Status,
    VIEWER_WINDOW,
};
use berth_session::{
    live::{SessionHandle, Update, View},
    pty::FRAME,
};
use bytes::Bytes;
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    time::{Duration, Instant},
};

use super::{Problems, extract::Path};
use crate::{error::ApiError, sessions, state::State};

/// Output that follows other output within this time is sent together with more of it: a viewer
/// draws few large frames several times faster than many small ones.
const COALESCE: Duration = Duration::from_millis(4);

/// Largest message from a viewer, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Shows the terminal of a session. Upgrades to a WebSocket.
#[utoipa::path(get, path = "/sessions/{id}/terminal", tag = "sessions", params(("id" = SessionId, Path)),
    responses((status = 101), Problems))]
pub async fn connect(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    sessions::record(&state, id).await?;
    let upgrade =
        upgrade.map_err(|refused| ApiError::new(Code::BadRequest, refused.body_text()))?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]).max_message_size(LARGEST);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let stopping = state.stopping.clone();
        let mut viewer = Viewer {
            socket,
            sent: 0,
            acknowledged: 0,
            skipped: 0,
        };
        tokio::select! {
            // A closed socket is how a viewer says goodbye.
            _ = viewer.serve(&state, id) => {}
            () = stopping.cancelled() => {}
        }
    }))
}

struct Viewer {
    socket: WebSocket,
    sent: usize,
    acknowledged: usize,
    /// Bytes of output that were left out before the next repaint.
    skipped: u64,
}

/// The viewer is gone.
struct Gone;

impl From<axum::Error> for Gone {
    fn from(_: axum::Error) -> Self {
        Self
    }
}

/// Why a view ended.
enum Next {
    /// The viewer is too far behind: it had seen this many bytes of the session's output.
    Repaint { seen: u64 },
    /// The session ended.
    Ended(Status),
}

impl Viewer {
    async fn serve(&mut self, state: &Arc<State>, id: SessionId) -> Result<(), Gone> {
        let mut runs = state.sessions.runs(id);
        loop {
            let handle = runs.borrow_and_update().clone();
            let end_told = match &handle {
                Some(handle) => self.follow(handle).await?,
                None => {
                    self.show_ended(state, id).await?;
                    true
                }
            };
            let followed = handle.as_ref().map(SessionHandle::run);
            // A run is among the running ones for a moment after its end: it is not the next one.
            let is_next = |now: &Option<SessionHandle>| match now {
                Some(now) => Some(now.run()) != followed,
                None => !end_told,
            };
            self.wait_for(&mut runs, is_next).await?;
        }
    }

    /// Shows a running session until it ends, and says whether it could tell the end.
    async fn follow(&mut self, handle: &SessionHandle) -> Result<bool, Gone> {
        let mut seen = None;
        loop {
            // It ended before it could be viewed.
            let Ok(view) = handle.view().await else {
                return Ok(false);
            };
            if let Some(seen) = seen {
                self.skipped += view.offset.saturating_sub(seen);
            }
            self.repaint(&view, handle.run()).await?;
            match self.stream(handle, view).await? {
                Next::Repaint { seen: last } => seen = Some(last),
                Next::Ended(status) => {
                    self.control(&ServerControl::Ended { status }).await?;
                    return Ok(true);
                }
            }
        }
    }

    async fn repaint(&mut self, view: &View, run: u32) -> Result<(), Gone> {
        let skipped = std::mem::take(&mut self.skipped);
        self.control(&ServerControl::Snapshot {
            size: view.size,
            run,
            skipped,
        })
        .await?;
        self.output(view.snapshot.clone()).await
    }

    async fn stream(&mut self, handle: &SessionHandle, view: View) -> Result<Next, Gone> {
        let View {
            mut updates,
            offset,
            ..
        } = view;
        let mut seen = offset;
        let mut pending: Vec<u8> = Vec::new();
        let mut last_sent = Instant::now() - COALESCE;
        loop {
            let open = self.sent - self.acknowledged < VIEWER_WINDOW;
            tokio::select! {
                update = updates.recv(), if open => match update {
                    Ok(Update::Output(frame)) if frame.offset <= offset => {}
                    Ok(Update::Output(frame)) => {
                        seen = frame.offset;
                        if pending.is_empty() && last_sent.elapsed() >= COALESCE {
                            last_sent = Instant::now();
                            self.output(frame.bytes).await?;
                            continue;
                        }
                        pending.extend_from_slice(&frame.bytes);
                        if pending.len() >= FRAME {
                            last_sent = Instant::now();
                            self.output(std::mem::take(&mut pending).into()).await?;
                        }
                    }
                    Ok(Update::Resized(size)) => {
                        self.flush(&mut pending).await?;
                        self.control(&ServerControl::Resized { size }).await?;
                    }
                    Ok(Update::Ended(status)) => {
                        self.flush(&mut pending).await?;
                        return Ok(Next::Ended(status));
                    }
                    Err(RecvError::Lagged(_)) => return Ok(Next::Repaint { seen }),
                    Err(RecvError::Closed) => {
                        self.flush(&mut pending).await?;
                        return Ok(Next::Ended(Status::Exited { code: None, signal: None }));
                    }
                },
                () = tokio::time::sleep_until(last_sent + COALESCE), if !pending.is_empty() => {
                    last_sent = Instant::now();
                    self.output(std::mem::take(&mut pending).into()).await?;
                }
                message = self.socket.recv() => self.heard(Some(handle), message).await?,
            }
        }
    }

    async fn flush(&mut self, pending: &mut Vec<u8>) -> Result<(), Gone> {
        if pending.is_empty() {
            Ok(())
        } else {
            self.output(std::mem::take(pending).into()).await
        }
    }

    /// Shows how the terminal stood when the session ended.
    async fn show_ended(&mut self, state: &Arc<State>, id: SessionId) -> Result<(), Gone> {
        let Ok(record) = sessions::record(state, id).await else {
            return Err(Gone);
        };
        let session = sessions::shown(state, record);
        let (size, bytes) =
            match sessions::replayed(sessions::recording(state, id, session.run)).await {
                Ok(terminal) => (terminal.size(), terminal.snapshot()),
                Err(problem) => {
                    tracing::debug!(session = %id, problem = %problem.0, "no recording to show");
                    (session.size, Vec::new())
                }
            };
        let skipped = std::mem::take(&mut self.skipped);
        self.control(&ServerControl::Snapshot {
            size,
            run: session.run,
            skipped,
        })
        .await?;
        self.output(bytes.into()).await?;
        if session.status.is_live() {
            return Ok(());
        }
        self.control(&ServerControl::Ended {
            status: session.status,
        })
        .await
    }

    async fn wait_for(
        &mut self,
        runs: &mut watch::Receiver<Option<SessionHandle>>,
        is_next: impl Fn(&Option<SessionHandle>) -> bool,
    ) -> Result<(), Gone> {
        loop {
            tokio::select! {
                changed = async { runs.wait_for(&is_next).await.map(drop) } => {
                    return changed.map_err(|_| Gone);
                }
                message = self.socket.recv() => self.heard(None, message).await?,
            }
        }
    }

    async fn heard(
        &mut self,
        handle: Option<&SessionHandle>,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<(), Gone> {
        match message.ok_or(Gone)?? {
            Message::Binary(bytes) => {
                if let Some(handle) = handle
                    && let Err(error) = handle.input(bytes.to_vec()).await
                {
                    tracing::debug!(session = %handle.id(), %error, "typed text was not read");
                }
            }
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(ClientControl::Resize { size }) => resize(handle, size).await,
                Ok(ClientControl::Ack { bytes }) => {
                    self.acknowledged = self.sent.min(self.acknowledged.saturating_add(bytes));
                }
                Err(error) => tracing::debug!(%error, "a viewer sent an unknown control message"),
            },
            Message::Close(_) => return Err(Gone),
            Message::Ping(_) | Message::Pong(_) => {}
        }
        Ok(())
    }

    async fn output(&mut self, bytes: Bytes) -> Result<(), Gone> {
        self.sent += bytes.len();
        Ok(self.socket.send(Message::Binary(bytes)).await?)
    }

    async fn control(&mut self, control: &ServerControl) -> Result<(), Gone> {
        let text = serde_json::to_string(control).unwrap_or_default();
        Ok(self.socket.send(Message::text(text)).await?)
    }
}

async fn resize(handle: Option<&SessionHandle>, size: Size) {
    if let Some(handle) = handle
        && let Err(error) = handle.resize(size).await
    {
        tracing::debug!(session = %handle.id(), %error, "the terminal was not resized");
    }
}

/// A viewer must be able to acknowledge before its window is full.
const _: () = assert!(ACK_EVERY < VIEWER_WINDOW);
