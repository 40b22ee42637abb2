//! What each run of a session was given of the system prompts.

use berth_protocol::{SessionId, Timestamp};
use serde_json::{Value, json};

use crate::{GivenPrompt, Store, StoreError, columns::Columns, write::Write};

const DOING: &str = "reading what a session was given";

impl Store {
    /// What a run of a session was given, and when; nothing for runs of a time before prompts.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn given_prompt(
        &self,
        id: SessionId,
        run: u32,
    ) -> Result<Option<(GivenPrompt, Timestamp)>, StoreError> {
        let query = sqlx::query("SELECT * FROM session_prompts WHERE session_id = ? AND run = ?")
            .bind(id.to_string())
            .bind(run);
        let Some(row) = self.row(DOING, query).await? else {
            return Ok(None);
        };
        let columns = Columns::of(&row, DOING);
        let given = GivenPrompt {
            effective: columns.json("effective")?,
            undelivered: columns.get("undelivered")?,
            date: columns.get("date")?,
            time_zone: columns.get("time_zone")?,
        };
        Ok(Some((given, columns.moment("at")?)))
    }
}

/// Keeps what a run is given, in the write that begins it.
pub(crate) async fn keep(
    write: &mut Write,
    id: SessionId,
    run: u32,
    given: &GivenPrompt,
) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO session_prompts (session_id, run, effective, undelivered, date, time_zone, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id.to_string())
    .bind(run)
    .bind(json!(given.effective).to_string())
    .bind(&given.undelivered)
    .bind(&given.date)
    .bind(&given.time_zone)
    .bind(write.at().as_millisecond());
    write.execute(insert).await?;
    Ok(())
}

/// What the audit trail tells of it: by this the words can be found again, and proved.
pub(crate) fn shape(given: &GivenPrompt) -> Value {
    let parts: Vec<Value> = given
        .effective
        .parts
        .iter()
        .map(|part| json!({"id": part.id, "scope": part.scope, "version": part.version}))
        .collect();
    json!({
        "delivered": given.undelivered.is_none() && !given.effective.parts.is_empty(),
        "parts": parts,
        "sha256": given.effective.sha256,
        "warnings": given.effective.warnings.len(),
    })
}
