//! The changes in a workspace. A comparison is kept for a while, so that its pages fit together
//! and twenty thousand files are compared once and not for every page.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_protocol::{Code, DiffPage, FilePatch, SessionId};
use berth_store::SessionRecord;
use berth_workspace::Comparison;
use futures::StreamExt;

use super::{publish, record};
use crate::{error::ApiError, state::State};

/// Comparisons that are kept, at most.
const KEPT: usize = 8;

/// How long sessions are gathered before their changes are counted.
const GATHER: Duration = Duration::from_millis(200);

/// Folders that are looked at together.
const AT_ONCE: usize = 4;

/// Files on a page when the client does not say.
const PAGE: usize = 200;

/// The latest comparisons, oldest first.
#[derive(Default)]
pub struct Comparisons(Mutex<Vec<(SessionId, Arc<Comparison>)>>);

impl Comparisons {
    fn find(&self, id: SessionId, cursor: &str) -> Option<Arc<Comparison>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|(owner, comparison)| *owner == id && comparison.owns(cursor))
            .map(|(_, comparison)| Arc::clone(comparison))
    }

    fn keep(&self, id: SessionId, comparison: Arc<Comparison>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(owner, _)| *owner != id);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((id, comparison));
    }

    pub fn forget(&self, id: SessionId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(owner, _)| *owner != id);
    }
}

/// A page of changed files: of a new comparison without a cursor, of the same one with it.
pub async fn diff(
    state: &State,
    id: SessionId,
    cursor: Option<&str>,
    limit: Option<usize>,
) -> Result<DiffPage, ApiError> {
    let comparison = match cursor {
        Some(cursor) => state.sessions.comparisons.find(id, cursor).ok_or_else(|| {
            ApiError::new(
                Code::DiffStale,
                format!("the comparison of session {id} is gone"),
            )
        })?,
        None => compare(state, &record(state, id).await?).await?,
    };
    Ok(comparison.page(cursor, limit.unwrap_or(PAGE))?)
}

/// The changes of one file.
pub async fn patch(state: &State, id: SessionId, file: &str) -> Result<FilePatch, ApiError> {
    let record = record(state, id).await?;
    let path = present(&record)?;
    let base = record.workspace.base_commit.as_deref();
    Ok(state.git().await?.patch(&path, base, file).await?)
}

/// Has a session's changes counted anew, for its row in the list. Many sessions may settle at once,
/// many of them in the same folder; one task counts for all of them.
pub fn recount(state: &Arc<State>, id: SessionId) {
    if state.sessions.recounts.add(id) {
        tokio::spawn(count_waiting(Arc::clone(state)));
    }
}

/// The sessions whose changes are to be counted.
#[derive(Default)]
pub struct Recounts(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    sessions: Vec<SessionId>,
    /// A task takes them.
    is_served: bool,
}

impl Recounts {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session; says whether nobody serves it yet, which is then up to the caller.
    fn add(&self, id: SessionId) -> bool {
        let mut waiting = self.lock();
        if !waiting.sessions.contains(&id) {
            waiting.sessions.push(id);
        }
        !std::mem::replace(&mut waiting.is_served, true)
    }

    /// Takes all of them; nothing, and they are no longer served, when there are none.
    fn take(&self) -> Option<Vec<SessionId>> {
        let mut waiting = self.lock();
        waiting.is_served = !waiting.sessions.is_empty();
        waiting
            .is_served
            .then(|| std::mem::take(&mut waiting.sessions))
    }
}

async fn count_waiting(state: Arc<State>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(GATHER) => {}
            () = state.stopping.cancelled() => return,
        }
        let Some(ids) = state.sessions.recounts.take() else {
            return;
        };
        let mut folders: HashMap<(String, String), Vec<SessionRecord>> = HashMap::new();
        for id in ids {
            if let Ok(record) = record(&state, id).await
                && let Some(base) = record.workspace.base_commit.clone()
                && present(&record).is_ok()
            {
                let folder = (record.workspace.path.clone(), base);
                folders.entry(folder).or_default().push(record);
            }
        }
        // A folder on a drive that hangs must not hold up the others.
        futures::stream::iter(folders.into_values())
            .for_each_concurrent(AT_ONCE, async |records| count(&state, &records).await)
            .await;
    }
}

/// Counts the changes of sessions in the same folder with the same base.
async fn count(state: &Arc<State>, records: &[SessionRecord]) {
    let Some(first) = records.first() else {
        return;
    };
    let total = match compare(state, first).await {
        Ok(comparison) => comparison.total(),
        Err(error) => {
            tracing::debug!(session = %first.id, problem = %error.0, "its changes could not be counted");
            return;
        }
    };
    for record in records {
        if record.changes == Some(total) {
            continue;
        }
        match state
            .store
            .set_session_changes(record.id, Some(total))
            .await
        {
            Ok(()) => {
                // Those of a session that runs are told with its end.
                if !record.phase.is_live() {
                    state.organizations.told();
                }
                publish(state, record.id).await;
            }
            Err(error) => {
                tracing::warn!(session = %record.id, %error, "its changes could not be stored");
            }
        }
    }
}

async fn compare(state: &State, record: &SessionRecord) -> Result<Arc<Comparison>, ApiError> {
    let path = present(record)?;
    let base = record.workspace.base_commit.as_deref();
    let comparison = Arc::new(state.git().await?.compare(&path, base).await?);
    // One that was removed meanwhile, as when its session is archived, was compared in part only.
    present(record)?;
    state
        .sessions
        .comparisons
        .keep(record.id, Arc::clone(&comparison));
    Ok(comparison)
}

fn present(record: &SessionRecord) -> Result<PathBuf, ApiError> {
    let path = Path::new(&record.workspace.path);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let (code, why) = match record.archived_at {
        Some(_) => (Code::SessionArchived, "is archived"),
        None => (Code::WorkspaceMissing, "is gone"),
    };
    Err(ApiError::new(
        code,
        format!("the workspace {} {why}", path.display()),
    ))
}
