//! The changes in a workspace. A comparison is kept for a while, so that its pages fit together
//! and twenty thousand files are compared once and not for every page.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use berth_protocol::{Code, DiffPage, FilePatch, SessionId};
use berth_store::SessionRecord;
use berth_workspace::Comparison;

use super::{publish, record};
use crate::{error::ApiError, state::State};

/// Comparisons that are kept, at most.
const KEPT: usize = 8;

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

/// Counts a session's changes anew, for its row in the list.
pub async fn refresh(state: Arc<State>, id: SessionId) {
    let Ok(record) = record(&state, id).await else {
        return;
    };
    if record.workspace.base_commit.is_none() || present(&record).is_err() {
        return;
    }
    let total = match compare(&state, &record).await {
        Ok(comparison) => comparison.total(),
        Err(error) => {
            tracing::debug!(session = %id, problem = %error.0, "its changes could not be counted");
            return;
        }
    };
    if record.changes == Some(total) {
        return;
    }
    match state.store.set_session_changes(id, Some(total)).await {
        Ok(_) => publish(&state, id).await,
        Err(error) => tracing::warn!(session = %id, %error, "its changes could not be stored"),
    }
}

async fn compare(state: &State, record: &SessionRecord) -> Result<Arc<Comparison>, ApiError> {
    let path = present(record)?;
    let base = record.workspace.base_commit.as_deref();
    let comparison = Arc::new(state.git().await?.compare(&path, base).await?);
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
