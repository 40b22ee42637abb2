//! Verifies the audit chain: finds the first event that was changed, removed, moved or added by
//! anything but the store.

use berth_protocol::AuditVerification;
use sqlx::sqlite::SqliteRow;

use crate::{
    ChainedEvent, GENESIS_HASH, Store, StoreError, columns::Columns, event_hash, open::Sql,
};

const DOING: &str = "verifying the audit trail";

/// Events that are in memory at a time.
const BATCH: i64 = 1000;

/// The last event so far, and what the next one must continue.
struct Link {
    seq: i64,
    hash: String,
}

impl Store {
    /// Checks every event that is there when it is called; events that are added meanwhile are
    /// left to the next time. `broken_at` is the first position where the event is not the one that
    /// was written, or is missing.
    ///
    /// # Errors
    /// Those of any read. A broken chain is not an error but an answer.
    pub async fn verify_audit(&self) -> Result<AuditVerification, StoreError> {
        self.settle_calls().await;
        // One statement sees one state of the file.
        let row = self
            .row(
                DOING,
                sqlx::query(
                    "SELECT (SELECT MIN(seq) FROM audit_events) AS first,
                            (SELECT MAX(seq) FROM audit_events) AS last,
                            (SELECT seq FROM audit_head) AS head,
                            (SELECT hash FROM audit_head) AS head_hash",
                ),
            )
            .await?
            .ok_or(StoreError::sql(DOING, sqlx::Error::RowNotFound))?;
        let ends = Columns::of(&row, DOING);
        let first: Option<i64> = ends.get("first")?;
        let last: Option<i64> = ends.get("last")?;
        let head: Option<i64> = ends.get("head")?;
        let head_hash: Option<String> = ends.get("head_hash")?;

        let mut link = Link {
            seq: 0,
            hash: GENESIS_HASH.to_owned(),
        };
        let mut checked = 0;
        let mut broken_at = first.filter(|first| *first < 1);
        let end = last.unwrap_or(0);
        while broken_at.is_none() && link.seq < end {
            let rows = self.rows(DOING, batch(link.seq, end)).await?;
            if rows.is_empty() {
                broken_at = Some(link.seq + 1);
            }
            for row in &rows {
                checked += 1;
                match follow(&link, row)? {
                    Some(next) => link = next,
                    None => {
                        broken_at = Some(link.seq + 1);
                        break;
                    }
                }
            }
        }
        let broken_at = broken_at.or_else(|| match head {
            // Events were cut off at the end, or added by something else.
            Some(head) if head != link.seq => Some(head.min(link.seq) + 1),
            // The last event and the head do not agree, or there is no head.
            _ if head_hash.as_ref() != Some(&link.hash) => Some(link.seq.max(1)),
            _ => None,
        });
        Ok(AuditVerification {
            valid: broken_at.is_none(),
            checked,
            first,
            last,
            broken_at,
        })
    }
}

fn batch(after: i64, end: i64) -> Sql<'static> {
    sqlx::query(
        "SELECT seq, at, action, subject_kind, subject_id, details, prev_hash, hash
         FROM audit_events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    )
    .bind(after)
    .bind(end)
    .bind(BATCH)
}

/// The event in this row as the new end of the chain; nothing when it does not continue it.
fn follow(link: &Link, row: &SqliteRow) -> Result<Option<Link>, StoreError> {
    let columns = Columns::of(row, DOING);
    let event = ChainedEvent {
        seq: columns.get("seq")?,
        at: columns.get("at")?,
        action: columns.get("action")?,
        subject_kind: columns.get("subject_kind")?,
        subject_id: columns.get("subject_id")?,
        details: columns.get("details")?,
    };
    let prev_hash: &str = columns.get("prev_hash")?;
    let hash: String = columns.get("hash")?;
    let continues = event.seq == link.seq + 1
        && prev_hash == link.hash
        && hash == event_hash(&link.hash, &event);
    Ok(continues.then_some(Link {
        seq: event.seq,
        hash,
    }))
}
