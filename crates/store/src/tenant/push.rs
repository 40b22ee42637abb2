//! Hands a user's changes over to whoever sends them, and takes in what became of them.
//!
//! A change is marked before it is sent and stays as it is until it is answered, so that it can be sent again
//! after a lost answer or a crash and is still the same to the backend.

use berth_protocol::{
    MutationId,
    tenant::{EntityKind, Tenant},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    queue::{self, Queued, State, queued},
    settle::{Fields, changed_by_others, join},
    view::replica_row,
};
use crate::{Store, StoreError, columns::Columns, write::Write};

/// A change as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// What the backend knows it by.
    pub id: MutationId,
    /// The kind of row.
    pub kind: EntityKind,
    /// The row.
    pub entity_id: Uuid,
    /// It deletes the row.
    pub deletes: bool,
    /// The revision that was edited; absent for a new row.
    pub base_rev: Option<i64>,
    /// The new values by field.
    pub patch: Value,
    /// How many edits of the user it is, because they waited together: the backend counts as many versions.
    pub edits: u32,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct PushOutcome {
    /// The change.
    pub id: MutationId,
    /// What became of it.
    pub verdict: PushVerdict,
}

/// What the backend says of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum PushVerdict {
    /// It has it, under this revision.
    Applied {
        /// The revision.
        rev: i64,
    },
    /// Somebody else was faster.
    Conflict {
        /// How, such as `sync.changed`.
        code: String,
        /// The fields that both have changed.
        fields: Vec<String>,
        /// The row as the backend has it.
        server: Value,
        /// Its revision.
        rev: i64,
        /// The row is deleted there.
        is_deleted: bool,
    },
    /// It refuses it.
    Rejected {
        /// Why, such as `sync.forbidden`.
        code: String,
        /// More about it.
        reason: Option<String>,
    },
}

impl Store {
    /// The changes to send next, at most `limit`. Those that were sent and not answered come first and alone; else
    /// those that wait, which count as sent from here on. `fits` is asked about each in turn, and the first that it
    /// refuses is not among them, nor any later one; but the first of all always is.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn take_outgoing(
        &self,
        tenant: Tenant,
        limit: u32,
        mut fits: impl FnMut(&Outgoing) -> bool + Send,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let mut write = self.write("taking the changes to send").await?;
        let sent = write.rows(select(UNANSWERED, tenant, limit)).await?;
        let is_again = !sent.is_empty();
        let rows = match is_again {
            true => sent,
            false => write.rows(select(READY, tenant, limit)).await?,
        };
        let mut taken = Vec::new();
        for row in &rows {
            let outgoing = outgoing(queued(row, write.doing())?);
            if !fits(&outgoing) && !taken.is_empty() {
                break;
            }
            taken.push(outgoing);
        }
        if is_again || taken.is_empty() {
            write.abandon().await?;
            return Ok(taken);
        }
        let ids: Vec<String> = taken.iter().map(|it| it.id.to_string()).collect();
        let mark = sqlx::query(
            "UPDATE mutations SET state = 'sending' WHERE id IN (SELECT value FROM json_each(?))",
        );
        let ids = serde_json::json!(ids).to_string();
        write.execute(mark.bind(ids)).await?;
        write.commit_plain().await?;
        Ok(taken)
    }

    /// Takes in what became of changes that were sent. One that is not under way any more is passed over.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn settle_outgoing(
        &self,
        tenant: Tenant,
        outcomes: &[PushOutcome],
    ) -> Result<(), StoreError> {
        let mut write = self.write("taking in what became of changes").await?;
        for outcome in outcomes {
            let query = sqlx::query(
                "SELECT * FROM mutations
                 WHERE org_id = ? AND user_id = ? AND id = ? AND state = 'sending'",
            )
            .bind(tenant.org.to_string())
            .bind(tenant.user.to_string())
            .bind(outcome.id.to_string());
            if let Some(row) = write.row(query).await? {
                let sent = queued(&row, write.doing())?;
                answered(&mut write, tenant, sent, &outcome.verdict).await?;
            }
        }
        write.commit_plain().await
    }
}

const UNANSWERED: &str = "SELECT * FROM mutations
     WHERE org_id = ? AND user_id = ? AND state = 'sending' ORDER BY seq LIMIT ?";

/// What waits behind another change of the same row waits until that one is seen in the replica.
const READY: &str = "SELECT * FROM mutations AS m
     WHERE org_id = ? AND user_id = ? AND state = 'pending'
         AND NOT EXISTS (
             SELECT 1 FROM mutations AS before
             WHERE before.org_id = m.org_id AND before.user_id = m.user_id AND before.kind = m.kind
                 AND before.entity_id = m.entity_id AND before.state IN ('sending', 'applied')
         )
     ORDER BY seq LIMIT ?";

fn select(sql: &'static str, tenant: Tenant, limit: u32) -> crate::open::Sql<'static> {
    sqlx::query(sql)
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(limit)
}

fn outgoing(edit: Queued) -> Outgoing {
    Outgoing {
        id: edit.id,
        kind: edit.kind,
        entity_id: edit.entity_id,
        deletes: edit.deletes,
        base_rev: edit.base_rev,
        patch: Value::Object(edit.patch),
        edits: edit.edits,
    }
}

async fn answered(
    write: &mut Write,
    tenant: Tenant,
    sent: Queued,
    verdict: &PushVerdict,
) -> Result<(), StoreError> {
    let mut old = None;
    let state = match verdict {
        PushVerdict::Applied { rev } => {
            // It was sent again, and what it did was pulled before its answer came.
            let known = replica_row(write, tenant, sent.kind.as_str(), sent.entity_id).await?;
            if known.is_some_and(|(known, _)| known >= *rev) {
                return queue::remove(write, sent.id).await;
            }
            let before = sent.id;
            let applied = Queued {
                state: State::Applied { rev: *rev },
                ..sent
            };
            return queue::replace(write, before, &applied).await;
        }
        PushVerdict::Conflict {
            code,
            fields,
            server,
            rev,
            is_deleted,
        } => {
            old = replica_row(write, tenant, sent.kind.as_str(), sent.entity_id).await?;
            learn(write, tenant, &sent, server, *rev, *is_deleted).await?;
            State::Conflict {
                code: code.clone(),
                fields: fields.clone(),
                server: server.clone(),
                server_rev: *rev,
            }
        }
        PushVerdict::Rejected { code, reason } => State::Parked {
            code: code.clone(),
            reason: reason.clone(),
        },
    };
    // What was edited since then is one with it now.
    let edits = queue::edits(write, tenant, sent.kind, sent.entity_id).await?;
    let before = sent.id;
    let mut sent = Queued { state, ..sent };
    if let Some(later) = edits.waiting {
        queue::remove(write, later.id).await?;
        if later.deletes && sent.base_rev.is_none() && matches!(sent.state, State::Parked { .. }) {
            return queue::remove(write, sent.id).await;
        }
        sent.deletes = later.deletes;
        sent.counts(later.edits);
        sent.patch = match later.deletes {
            true => Fields::new(),
            false => join(&sent.patch, &later.patch),
        };
        // The backend was not asked about these.
        if let State::Conflict { fields, server, .. } = &mut sent.state
            && let (Some(row), false) = (server.as_object(), later.deletes)
        {
            let old = old.as_ref().map(|(_, row)| row);
            let more = changed_by_others(old, &later.patch, row);
            fields.extend(more);
            fields.sort_unstable();
            fields.dedup();
        }
    }
    queue::replace(write, before, &sent).await
}

/// The backend's row came with its answer: it is newer than the replica's.
async fn learn(
    write: &mut Write,
    tenant: Tenant,
    sent: &Queued,
    server: &Value,
    rev: i64,
    is_deleted: bool,
) -> Result<(), StoreError> {
    let statement = match is_deleted {
        true => sqlx::query(
            "DELETE FROM replica_rows
             WHERE org_id = ?1 AND user_id = ?2 AND staged = 0 AND kind = ?3 AND entity_id = ?4 AND rev <= ?5",
        ),
        false => sqlx::query(
            "INSERT INTO replica_rows (org_id, user_id, staged, kind, entity_id, rev, row)
             VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET rev = excluded.rev, row = excluded.row WHERE excluded.rev >= rev",
        ),
    };
    let statement = statement
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(sent.kind.as_str())
        .bind(sent.entity_id.to_string())
        .bind(rev);
    let statement = match is_deleted {
        true => statement,
        false => statement.bind(server.to_string()),
    };
    write.execute(statement).await?;
    Ok(())
}

impl Store {
    /// How many of the user's changes were sent and not answered.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn unanswered(&self, tenant: Tenant) -> Result<u64, StoreError> {
        const DOING: &str = "counting the changes without an answer";
        let query = sqlx::query(
            "SELECT COUNT(*) AS unanswered FROM mutations WHERE org_id = ? AND user_id = ? AND state = 'sending'",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
        match self.row(DOING, query).await? {
            Some(row) => Columns::of(&row, DOING).number("unanswered"),
            None => Ok(0),
        }
    }
}
