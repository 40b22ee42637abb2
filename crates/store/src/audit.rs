//! Reads the audit trail, and takes notes of what changes no row.

use std::sync::PoisonError;

use berth_protocol::{AuditEvent, AuditPage, SessionId};
use berth_trail::LocalEvent;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use tokio::sync::mpsc;

use crate::{Store, StoreError, columns::Columns};

/// Most rows that one page of anything has.
pub(crate) const PAGE_MAX: u32 = 1000;

const DOING: &str = "reading the audit trail";

impl Store {
    /// Adds an event to the audit trail for something that changes no row, such as
    /// `approval.answered` or `session.interrupted`.
    ///
    /// `details` holds shapes only (lengths, identifiers, codes): never free text of a user or an
    /// agent but the name of a file that a session was handed, never a secret.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn note(
        &self,
        action: &str,
        subject_kind: &str,
        subject_id: &str,
        details: Value,
    ) -> Result<(), StoreError> {
        let write = self.write("writing to the audit trail").await?;
        write
            .commit_note(action, subject_kind, subject_id, &details)
            .await
    }

    /// The events with a `seq` above `after`, oldest first, at most `limit` and at most 1,000.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn audit(&self, after: i64, limit: u32) -> Result<AuditPage, StoreError> {
        self.audit_page(&AuditQuery {
            after: Some(after),
            limit,
            ..AuditQuery::default()
        })
        .await
    }

    /// A page of events, at most `limit` and at most 1,000.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn audit_page(&self, wanted: &AuditQuery) -> Result<AuditPage, StoreError> {
        self.settle_calls().await;
        let limit = wanted.limit.clamp(1, PAGE_MAX);
        let session = wanted.session.map(|id| id.to_string());
        let query = match (&session, wanted.newest_first) {
            (None, false) => "SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?",
            (None, true) => "SELECT * FROM audit_events WHERE seq < ? ORDER BY seq DESC LIMIT ?",
            (Some(_), false) => {
                "SELECT * FROM audit_events WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?"
            }
            (Some(_), true) => {
                "SELECT * FROM audit_events WHERE session_id = ? AND seq < ?
                 ORDER BY seq DESC LIMIT ?"
            }
        };
        let mut query = sqlx::query(query);
        if let Some(session) = session {
            query = query.bind(session);
        }
        let first = if wanted.newest_first { i64::MAX } else { 0 };
        let query = query.bind(wanted.after.unwrap_or(first)).bind(limit + 1);
        let rows = self.rows(DOING, query).await?;
        let mut events: Vec<_> = rows.iter().map(event).collect::<Result<_, _>>()?;
        let next = cut(&mut events, limit).map(|last| last.seq);
        Ok(AuditPage { events, next })
    }

    /// The number and the hash of the newest event; 0 and 64 zeros before the first.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn audit_head(&self) -> Result<(i64, String), StoreError> {
        self.settle_calls().await;
        let row = self
            .row(DOING, sqlx::query("SELECT seq, hash FROM audit_head"))
            .await?
            .ok_or(StoreError::sql(DOING, sqlx::Error::RowNotFound))?;
        let columns = Columns::of(&row, DOING);
        Ok((columns.get("seq")?, columns.get("hash")?))
    }

    /// The events behind `after` and up to `until`, oldest first, exactly as they were hashed; at most `limit` and at
    /// most 1,000.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn audit_hashed(
        &self,
        after: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<LocalEvent>, StoreError> {
        let query = sqlx::query(
            "SELECT seq, at, action, subject_kind, subject_id, details, prev_hash, hash
             FROM audit_events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
        )
        .bind(after)
        .bind(until)
        .bind(limit.clamp(1, PAGE_MAX));
        self.rows(DOING, query).await?.iter().map(hashed).collect()
    }

    /// Every event from now on, as soon as it is committed, in order. Dropping the receiver ends
    /// it.
    pub fn follow_audit(&self) -> mpsc::UnboundedReceiver<AuditEvent> {
        let (follower, events) = mpsc::unbounded_channel();
        self.audit_followers()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(follower);
        events
    }

    pub(crate) fn tell_audit(&self, event: &AuditEvent) {
        self.audit_followers()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|follower| follower.send(event.clone()).is_ok());
    }
}

/// Which events of the audit trail, and in which order.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only those of this session, its messages among them.
    pub session: Option<SessionId>,
    /// The newest first, rather than the oldest.
    pub newest_first: bool,
    /// Only those behind the event with this `seq`, in that order.
    pub after: Option<i64>,
    /// Most events, 1,000 at most.
    pub limit: u32,
}

/// Takes away the one row that was read beyond the page. The last row that stays is returned when
/// there are more.
pub(crate) fn cut<T>(rows: &mut Vec<T>, limit: u32) -> Option<&T> {
    let limit = limit as usize;
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last()
}

pub(crate) fn event(row: &SqliteRow) -> Result<AuditEvent, StoreError> {
    let columns = Columns::of(row, DOING);
    let details: &str = columns.get("details")?;
    Ok(AuditEvent {
        seq: columns.get("seq")?,
        at: columns.moment("at")?,
        action: columns.get("action")?,
        subject_kind: columns.get("subject_kind")?,
        subject_id: columns.get("subject_id")?,
        session_id: session_id(columns.get("session_id")?),
        details: serde_json::from_str(details).map_err(|error| columns.damaged(error))?,
        prev_hash: columns.get("prev_hash")?,
        hash: columns.get("hash")?,
    })
}

fn hashed(row: &SqliteRow) -> Result<LocalEvent, StoreError> {
    let columns = Columns::of(row, DOING);
    Ok(LocalEvent {
        seq: columns.get("seq")?,
        at: columns.get("at")?,
        action: columns.get("action")?,
        subject_kind: columns.get("subject_kind")?,
        subject_id: columns.get("subject_id")?,
        details: columns.get("details")?,
        prev_hash: columns.get("prev_hash")?,
        hash: columns.get("hash")?,
    })
}

/// The session of an event. What is no identifier names none: the trail tells what was written.
pub(crate) fn session_id(text: Option<&str>) -> Option<SessionId> {
    text?.parse().ok()
}
