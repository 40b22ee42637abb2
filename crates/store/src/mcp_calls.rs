//! Calls of MCP tools while they are under way.
//!
//! Before a call leaves, a note says that it does (`open_calls.rs`): a kill at any moment leaves the call in the trail,
//! because the next start tells of each note whose end is not there. What became of a call is written soon after,
//! several of them at once if they end together, and nobody waits for the disk meanwhile. Whoever reads the trail, or
//! writes anything else, has that written first, so that no order of events differs from what happened. The note does not wait
//! for the disk either: the event that follows it within milliseconds does, and what a power cut takes in between, it
//! takes from the agent too.
//!
//! What cannot be written, as on a full disk, waits for the next who looks or writes, and until it is written no call
//! begins: so what waits is never more than what was under way.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_protocol::McpConfigurationId;
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use crate::{
    Store, StoreError,
    columns::Columns,
    open_calls::OpenCall,
    write::{Write, Writer},
};

const DOING: &str = "noting a call of a tool";

/// How long what became of a call waits for being written, unless somebody looks: its answer leaves first, and what ends
/// meanwhile is written with it.
const SOON: Duration = Duration::from_millis(10);

/// What the trail says of a call that is over.
const CALLED: &str = "mcp.called";

/// Calls that are over and are not in the trail yet, in their order.
#[derive(Debug, Default)]
pub(crate) struct EndedCalls {
    waiting: Mutex<Vec<EndedCall>>,
    /// Those that wait, and those that are being written.
    open: AtomicUsize,
    /// Those that wait will be written [`SOON`].
    due: AtomicBool,
    /// Those that wait could not be written when that was tried last.
    fails: AtomicBool,
    /// Held while some are written, so that those which could not be stand before what has ended since. It is taken
    /// before the right to write, never while somebody has that.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct EndedCall {
    id: McpConfigurationId,
    call: String,
    details: Value,
}

impl EndedCalls {
    fn add(&self, ended: EndedCall) {
        // Counted first: whoever does not see it in the list then waits for the one who writes it.
        self.open.fetch_add(1, Ordering::AcqRel);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(ended);
    }

    fn take(&self) -> Vec<EndedCall> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut waiting)
    }

    fn put_back(&self, mut ended: Vec<EndedCall>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        ended.append(&mut waiting);
        *waiting = ended;
    }
}

impl Store {
    /// Notes that a tool is about to be called, with what the trail will say of it. A kill does not take it back.
    ///
    /// # Errors
    /// Those of any write, also of one that was to tell of calls before it. The call is in no trail then.
    pub async fn begin_mcp_call(
        &self,
        id: McpConfigurationId,
        call: &str,
        details: &Value,
    ) -> Result<(), StoreError> {
        if self.ended_calls().fails.load(Ordering::Acquire) {
            self.note_to_the_end().await?;
        }
        let call = OpenCall {
            call: call.to_owned(),
            configuration_id: id,
            after: self.last_noted(),
            details: details.clone(),
        };
        self.open_calls().begin(DOING, call)
    }

    /// Has noted what became of a call that was begun, without waiting for it. Every later look at the trail sees it.
    pub fn end_mcp_call(&self, id: McpConfigurationId, call: String, details: Value) {
        self.ended_calls().add(EndedCall { id, call, details });
        if self.ended_calls().due.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        // Should the runtime of this end before, closing the store writes what waits.
        tokio::spawn(async move {
            tokio::time::sleep(SOON).await;
            // What ends from here on is perhaps not written with the others.
            store.ended_calls().due.store(false, Ordering::Release);
            // This thread is that of whoever calls tools, and they may be about to call the next.
            let runtime = store.runtime().clone();
            runtime.spawn(store.note_ended_calls());
        });
    }

    /// Waits until every call that is over is in the trail, or could not be written.
    pub(crate) async fn settle_calls(&self) {
        // Why it could not be is in the log.
        let _ = self.note_to_the_end().await;
    }

    /// Notes what waits, to its end, whoever waits for that.
    async fn note_to_the_end(&self) -> Result<(), StoreError> {
        if self.ended_calls().open.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        match self.runtime().spawn(self.clone().note_ended_calls()).await {
            Ok(noted) => noted,
            // It fails with the runtime alone, and then there is nothing to wait for.
            Err(_) => Err(StoreError::Closed { doing: DOING }),
        }
    }

    async fn note_ended_calls(self) -> Result<(), StoreError> {
        let calls = self.ended_calls();
        let _turn = calls.turn.lock().await;
        let place = Arc::clone(self.writer()).lock_owned().await;
        // Whoever came before has perhaps written them.
        let ended = calls.take();
        if ended.is_empty() {
            return Ok(());
        }
        let written = self.write_ended_calls(place, &ended).await;
        calls.fails.store(written.is_err(), Ordering::Release);
        match &written {
            Ok(()) => {
                calls.open.fetch_sub(ended.len(), Ordering::AcqRel);
            }
            Err(error) => {
                // Their notes are still there: where nobody can write until the engine stops, the next start tells of them.
                tracing::error!(%error, calls = ended.len(), "what became of calls of tools is not noted yet");
                calls.put_back(ended);
            }
        }
        written
    }

    async fn write_ended_calls(
        &self,
        place: OwnedMutexGuard<Writer>,
        ended: &[EndedCall],
    ) -> Result<(), StoreError> {
        let mut write = self.begin(place, DOING).await?;
        write.changes_servers(false);
        for EndedCall { id, details, .. } in ended {
            write.note(CALLED, "mcp", &id.to_string(), details).await?;
        }
        write.commit_plain().await?;
        self.open_calls()
            .told(ended.iter().map(|ended| ended.call.as_str()));
        Ok(())
    }

    /// Notes the calls of which an engine that was killed has not said what became of them. Says how many there were.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn note_lost_mcp_calls(&self) -> Result<usize, StoreError> {
        let mut write = self
            .write("noting calls of tools that were cut off")
            .await?;
        write.changes_servers(false);
        // Earlier versions kept them as rows.
        let rows = sqlx::query("SELECT configuration_id, details FROM mcp_calls ORDER BY seq");
        let rows = write.rows(rows).await?;
        let left = self.open_calls().left();
        if rows.is_empty() && left.is_empty() {
            write.abandon().await?;
            return Ok(0);
        }
        let mut lost: Vec<(String, Value)> = Vec::new();
        for row in &rows {
            let columns = Columns::of(row, write.doing());
            let id: String = columns.get("configuration_id")?;
            lost.push((id, columns.json("details")?));
        }
        let told = told(&mut write, &left).await?;
        for call in left {
            if !told.contains(&call.call) {
                lost.push((call.configuration_id.to_string(), call.details));
            }
        }
        for (id, details) in &mut lost {
            if let Value::Object(told) = details {
                told.insert("outcome".to_owned(), json!("unknown"));
            }
            write.note(CALLED, "mcp", id, details).await?;
        }
        write.execute(sqlx::query("DELETE FROM mcp_calls")).await?;
        write.commit_plain().await?;
        self.open_calls().left_is_told();
        Ok(lost.len())
    }
}

/// The calls that the trail tells the end of, among all that began when one of these did or later.
async fn told(write: &mut Write, calls: &[OpenCall]) -> Result<HashSet<String>, StoreError> {
    let Some(after) = calls.iter().map(|call| call.after).min() else {
        return Ok(HashSet::new());
    };
    let query = sqlx::query(
        "SELECT json_extract(details, '$.call') AS call FROM audit_events WHERE seq > ? AND action = ?",
    );
    let rows = write.rows(query.bind(after).bind(CALLED)).await?;
    let mut told = HashSet::new();
    for row in &rows {
        // One that was called by hand had none in earlier versions.
        told.extend(Columns::of(row, write.doing()).get::<Option<String>>("call")?);
    }
    Ok(told)
}
