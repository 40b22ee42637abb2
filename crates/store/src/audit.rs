//! Reads the audit trail, and takes notes of what changes no row.

use berth_protocol::{AuditEvent, AuditPage};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;

use crate::{Store, StoreError, columns::Columns};

/// Most rows that one page of anything has.
pub(crate) const PAGE_MAX: u32 = 1000;

const DOING: &str = "reading the audit trail";

impl Store {
    /// Adds an event to the audit trail for something that changes no row, such as
    /// `approval.answered` or `session.interrupted`.
    ///
    /// `details` holds shapes only (lengths, identifiers, codes): never free text of a user or an
    /// agent, never a secret.
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
        let limit = limit.clamp(1, PAGE_MAX);
        let query = sqlx::query("SELECT * FROM audit_events WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(after)
            .bind(limit + 1);
        let rows = self.rows(DOING, query).await?;
        let mut events: Vec<_> = rows.iter().map(event).collect::<Result<_, _>>()?;
        let next = cut(&mut events, limit).map(|last| last.seq);
        Ok(AuditPage { events, next })
    }
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

fn event(row: &SqliteRow) -> Result<AuditEvent, StoreError> {
    let columns = Columns::of(row, DOING);
    let details: &str = columns.get("details")?;
    Ok(AuditEvent {
        seq: columns.get("seq")?,
        at: columns.moment("at")?,
        action: columns.get("action")?,
        subject_kind: columns.get("subject_kind")?,
        subject_id: columns.get("subject_id")?,
        details: serde_json::from_str(details).map_err(|error| columns.damaged(error))?,
        prev_hash: columns.get("prev_hash")?,
        hash: columns.get("hash")?,
    })
}
