//! What a crashed engine left behind: sessions that are recorded as live, with their processes and the
//! MCP servers that their gateways had started, and workspaces whose sessions were never recorded.

use std::{sync::Arc, time::Duration};

use berth_protocol::{Code, Failure};
use berth_session::process::Family;
use berth_store::{Phase, SessionRecord, StoreError};

use crate::{sessions, state::State};

/// How long left-over programs have to end; they have lost their terminal already.
pub const LEFTOVER_GRACE: Duration = Duration::from_millis(500);

/// Ends left-over processes and records how their sessions ended, before anybody can ask.
pub async fn reap(state: &State) -> Result<(), StoreError> {
    let lost = state.store.live_sessions().await?;
    let ends = lost.into_iter().map(|record| end(state, record));
    futures::future::join_all(ends).await.into_iter().collect()
}

/// Notes the calls of tools that were under way: what became of them nobody knows.
pub async fn note_calls(state: &State) -> Result<(), StoreError> {
    let calls = state.store.note_lost_mcp_calls().await?;
    if calls > 0 {
        tracing::warn!(
            calls,
            "the engine stopped while tools of MCP servers were called"
        );
    }
    Ok(())
}

/// Removes unfinished workspaces, in the background. Which ones is found out before anybody can
/// begin another.
pub async fn clear_workspaces(state: &Arc<State>) -> Result<(), StoreError> {
    let unfinished = state.store.unfinished_workspaces().await?;
    let state = Arc::clone(state);
    tokio::spawn(async move { sessions::clear_unfinished(&state, &unfinished).await });
    Ok(())
}

async fn end(state: &State, record: SessionRecord) -> Result<(), StoreError> {
    let leader = record
        .process
        .map(|process| (process.pid, process.started_at));
    let ended = state
        .reaper
        .end(
            Family {
                session: record.id,
                leader,
                servers: true,
            },
            LEFTOVER_GRACE,
        )
        .await;
    let left = match ended {
        0 => "none of its processes was left".to_owned(),
        1 => "one process that was left was ended".to_owned(),
        count => format!("{count} processes that were left were ended"),
    };
    tracing::warn!(session = %record.id, ended, "the engine stopped while this session ran");
    let detail = format!("the engine stopped while the session ran; {left}");
    let failure = Failure {
        code: Code::EngineLost,
        detail,
    };
    state
        .store
        .session_ended(record.id, Phase::Failed(failure))
        .await?;
    Ok(())
}
