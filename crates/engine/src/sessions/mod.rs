//! Sessions: their records, what runs of them, and what clients see of both.
//!
//! The store keeps facts; whether an agent works or waits is known only here and only while it
//! runs. A client sees the two as one [`Session`].

mod beginning;
mod changes;
mod create;
mod lifecycle;
mod mcp;
mod supervise;
mod talk;
mod unstored;
mod uploads;
mod workspaces;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_protocol::{
    Code, Event, Message, RouterState, Session, SessionId, SessionRouter, Status, Timestamp,
};
use berth_session::live::SessionHandle;
use berth_store::{Phase, SessionRecord};
use tokio::sync::watch;

pub use changes::{diff, patch};
pub use create::create;
pub use lifecycle::{archive, delete, rename, restart, restore, stop, work};
pub use talk::{answer, chat, fill, form, input, interrupt, replayed, resize, screen};
pub use uploads::{Given, takes_files, upload};
pub use workspaces::{FOLDER as WORKSPACES, clear_unfinished};

use self::unstored::Unstored;
use crate::{error::ApiError, gateway, state::State};

pub use supervise::note;

/// How long stopping sessions may take beyond the time that programs are given.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// What runs.
#[derive(Default)]
pub struct Sessions {
    live: Mutex<HashMap<SessionId, Live>>,
    /// What has ended while the store did not take that.
    unrecorded: Mutex<HashMap<SessionId, Unrecorded>>,
    /// Tells the viewers of ended sessions that there is something to see again.
    starts: Mutex<HashMap<SessionId, watch::Sender<Option<SessionHandle>>>>,
    comparisons: changes::Comparisons,
    recounts: changes::Recounts,
    /// Guards what a session does to its workspace: only one such thing at a time.
    locks: Mutex<HashMap<SessionId, Arc<tokio::sync::Mutex<()>>>>,
    /// Held while viewers are told what a session is like: see [`publish`]. A few sessions share each.
    telling: [tokio::sync::Mutex<()>; TELLING],
}

/// Sessions that viewers are told of at the same time, at most.
const TELLING: usize = 32;

/// A session that runs.
struct Live {
    handle: SessionHandle,
    status: watch::Sender<Status>,
    since: Timestamp,
    /// The message that was stored when the session was created and not taken by the agent yet.
    undelivered: Option<Message>,
    /// How its router is doing.
    router: Option<watch::Receiver<RouterState>>,
    /// What it has still to store.
    unstored: Arc<Unstored>,
    /// Its gateways to MCP servers, which are open as long as it runs.
    _gateway: Option<gateway::Open>,
}

/// A session that has ended and is live in the store, which has still to take what waits.
struct Unrecorded {
    unstored: Arc<Unstored>,
    phase: Phase,
    at: Timestamp,
}

impl Live {
    fn router(&self) -> Option<RouterState> {
        Some(self.router.as_ref()?.borrow().clone())
    }
}

impl Sessions {
    /// No session runs.
    pub fn none_is_live(&self) -> bool {
        self.live().is_empty()
    }

    fn live(&self) -> MutexGuard<'_, HashMap<SessionId, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unrecorded(&self) -> MutexGuard<'_, HashMap<SessionId, Unrecorded>> {
        let unrecorded = self.unrecorded.lock();
        unrecorded.unwrap_or_else(PoisonError::into_inner)
    }

    /// What a session has to store that runs, or whose end waits for that.
    fn unstored(&self, id: SessionId) -> Option<Arc<Unstored>> {
        let live = self.live().get(&id).map(|live| Arc::clone(&live.unstored));
        live.or_else(|| {
            let unrecorded = self.unrecorded();
            unrecorded.get(&id).map(|end| Arc::clone(&end.unstored))
        })
    }

    /// A turn to tell viewers of a session.
    async fn turn_to_tell(&self, id: SessionId) -> tokio::sync::MutexGuard<'_, ()> {
        let [.., last] = id.0.into_bytes();
        self.telling[usize::from(last) % TELLING].lock().await
    }

    /// The running session, if it runs.
    pub fn handle(&self, id: SessionId) -> Option<SessionHandle> {
        self.live().get(&id).map(|live| live.handle.clone())
    }

    /// Follows the status of a running session.
    fn status(&self, id: SessionId) -> Option<watch::Receiver<Status>> {
        self.live().get(&id).map(|live| live.status.subscribe())
    }

    /// Follows the runs of a session: its handle while it runs.
    pub fn runs(&self, id: SessionId) -> watch::Receiver<Option<SessionHandle>> {
        self.runs_of(id, |runs| runs.subscribe())
    }

    fn runs_of<T>(
        &self,
        id: SessionId,
        act: impl FnOnce(&watch::Sender<Option<SessionHandle>>) -> T,
    ) -> T {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        act(starts.entry(id).or_insert_with(|| watch::Sender::new(None)))
    }

    /// The message that the agent of a running session has still to take.
    fn undelivered(&self, id: SessionId) -> Option<Message> {
        self.live().get(&id)?.undelivered.clone()
    }

    fn began(&self, id: SessionId, live: Live) {
        let handle = live.handle.clone();
        self.live().insert(id, live);
        self.runs_of(id, |runs| runs.send_replace(Some(handle)));
    }

    fn ended(&self, id: SessionId) {
        self.live().remove(&id);
        self.runs_of(id, |runs| runs.send_replace(None));
    }

    fn forget(&self, id: SessionId) {
        self.starts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        self.locks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        self.comparisons.forget(id);
    }

    /// Waits for the right to change a session's workspace or to start it.
    async fn exclusive(&self, id: SessionId) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(id).or_default())
        };
        lock.lock_owned().await
    }

    /// Ends everything that runs and waits until it is recorded, or cannot be.
    pub async fn stop_all(&self, state: &State) {
        let handles: Vec<SessionHandle> = self
            .live()
            .values()
            .map(|live| live.handle.clone())
            .collect();
        let ends = handles.iter().map(|handle| async {
            let mut runs = self.runs(handle.id());
            handle.stop().await;
            // An error means that the session was forgotten, and so has ended.
            let _ = runs.wait_for(Option::is_none).await;
        });
        let patience = state.config.grace + STOP_MARGIN;
        if tokio::time::timeout(patience, futures::future::join_all(ends))
            .await
            .is_err()
        {
            tracing::error!("some sessions did not end in time; they are reaped at the next start");
        }
        let stored = tokio::time::timeout(STOP_MARGIN, self.store_last(state)).await;
        if stored.is_err() {
            tracing::error!("what sessions told last could not be stored in time");
        }
    }

    /// Tries a last time to store what waits.
    async fn store_last(&self, state: &State) {
        let mut waiting: Vec<Arc<Unstored>> = Vec::new();
        waiting.extend(self.live().values().map(|live| Arc::clone(&live.unstored)));
        waiting.extend(
            self.unrecorded()
                .values()
                .map(|end| Arc::clone(&end.unstored)),
        );
        for unstored in waiting {
            if let Err(error) = unstored.store_now(state).await {
                let id = unstored.id;
                tracing::error!(session = %id, %error, "what the session told last is lost");
            }
        }
    }
}

/// A session as clients see it.
pub fn shown(state: &State, record: SessionRecord) -> Session {
    let sessions = &state.sessions;
    let live = sessions
        .live()
        .get(&record.id)
        .map(|live| (live.status.borrow().clone(), live.since));
    let router = record.router.map(|id| SessionRouter {
        id,
        state: sessions.live().get(&record.id).and_then(Live::router),
    });
    let unrecorded = sessions
        .unrecorded()
        .get(&record.id)
        .filter(|_| live.is_none())
        .map(|end| (end.phase.clone(), end.at));
    let (phase, ended_at) = match (record.phase, unrecorded) {
        (Phase::Live, Some((phase, at))) => (phase, Some(at)),
        (phase, _) => (phase, record.ended_at),
    };
    let updated_at = record.updated_at.max(ended_at.unwrap_or(record.updated_at));
    let (status, updated_at) = match (phase, live) {
        (Phase::Live, Some((status, since))) => {
            // What its agent asks itself stands on the screen, and comes first.
            let status = match (status, state.gateways.asking.of(record.id)) {
                (asks @ Status::NeedsAttention { .. }, _) | (asks, None) => asks,
                (_, Some(attention)) => Status::NeedsAttention { attention },
            };
            (status, since.max(updated_at))
        }
        (Phase::Live, None) => (Status::Starting, updated_at),
        (Phase::Exited { code, signal }, _) => (Status::Exited { code, signal }, updated_at),
        (Phase::Failed(failure), _) => (Status::Failed { failure }, updated_at),
    };
    Session {
        id: record.id,
        project_id: record.project_id,
        agent: record.agent,
        title: record.title,
        status,
        workspace: record.workspace,
        transport: record.transport,
        permission_mode: record.permission_mode,
        command: record.command,
        router,
        size: record.size,
        run: record.run,
        beginning: record.beginning,
        changes: record.changes,
        undelivered: record.undelivered,
        created_at: record.created_at,
        updated_at,
        ended_at,
        archived_at: record.archived_at,
    }
}

pub async fn record(state: &State, id: SessionId) -> Result<SessionRecord, ApiError> {
    let found = state.store.session(id).await?;
    found.ok_or_else(|| ApiError::new(Code::SessionNotFound, format!("there is no session {id}")))
}

pub async fn get(state: &State, id: SessionId) -> Result<Session, ApiError> {
    Ok(shown(state, record(state, id).await?))
}

pub async fn list(state: &State) -> Result<Vec<Session>, ApiError> {
    let records = state.store.sessions().await?;
    Ok(records
        .into_iter()
        .map(|record| shown(state, record))
        .collect())
}

/// Tells everybody what a session is like now. Whoever has changed something of it calls this afterwards: each looks only
/// once the one before has told, so that what is told last is never older than what was told before.
pub async fn publish(state: &State, id: SessionId) {
    let _turn = state.sessions.turn_to_tell(id).await;
    match state.store.session(id).await {
        Ok(Some(record)) => {
            let session = Box::new(shown(state, record));
            state.publish(Event::SessionChanged { session });
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%id, %error, "a session could not be read for its viewers"),
    }
}

/// The same, for whoever has changed it and wants to know what it is like.
async fn announce(state: &State, record: SessionRecord) -> Session {
    publish(state, record.id).await;
    shown(state, record)
}

/// Tells everybody that a session is no more.
async fn publish_removed(state: &State, id: SessionId) {
    let _turn = state.sessions.turn_to_tell(id).await;
    state.publish(Event::SessionRemoved { id });
}

/// Where the recording of a run is.
pub fn recording(state: &State, id: SessionId, run: u32) -> PathBuf {
    recordings(state, id).join(format!("{run}.cast"))
}

/// The folder for what only a session's agent needs to read, such as its instructions and the files that it is handed.
fn private(state: &State, id: SessionId) -> PathBuf {
    state.config.data_dir.join("private").join(id.to_string())
}

fn recordings(state: &State, id: SessionId) -> PathBuf {
    state
        .config
        .data_dir
        .join("recordings")
        .join(id.to_string())
}
