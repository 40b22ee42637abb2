//! Reads the changes that wait for sync. They are written together with the change itself, in
//! `write.rs`.

use sqlx::sqlite::SqliteRow;

use crate::{Op, OutboxEntry, Store, StoreError, audit::PAGE_MAX, columns::Columns};

const DOING: &str = "reading the outbox";

impl Store {
    /// The entries with an `id` above `after`, oldest first, at most `limit` and at most 1,000.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn outbox(&self, after: i64, limit: u32) -> Result<Vec<OutboxEntry>, StoreError> {
        let query = sqlx::query("SELECT * FROM outbox WHERE id > ? ORDER BY id LIMIT ?")
            .bind(after)
            .bind(limit.clamp(1, PAGE_MAX));
        self.rows(DOING, query).await?.iter().map(entry).collect()
    }
}

fn entry(row: &SqliteRow) -> Result<OutboxEntry, StoreError> {
    let columns = Columns::of(row, DOING);
    let op: &str = columns.get("op")?;
    let payload: &str = columns.get("payload")?;
    Ok(OutboxEntry {
        id: columns.get("id")?,
        entity_kind: columns.get("entity_kind")?,
        entity_id: columns.get("entity_id")?,
        // The schema admits no third word.
        op: if op == Op::Delete.word() {
            Op::Delete
        } else {
            Op::Upsert
        },
        payload: serde_json::from_str(payload).map_err(|error| columns.damaged(error))?,
        created_at: columns.moment("created_at")?,
    })
}
