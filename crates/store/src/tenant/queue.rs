//! The rows of `mutations`, read and written inside a transaction.

use berth_protocol::{
    MutationId, Timestamp,
    tenant::{EntityKind, Mutation, MutationState, Tenant},
};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::settle::{Fields, UnderWay, Waiting};
use crate::{StoreError, columns::Columns, write::Write};

/// What stands in one row of `mutations`.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) id: MutationId,
    pub(super) kind: EntityKind,
    pub(super) entity_id: Uuid,
    pub(super) deletes: bool,
    pub(super) base_rev: Option<i64>,
    pub(super) patch: Fields,
    /// How many edits of the user it is. Each has had a version number of its own here, and the backend counts as many,
    /// so that no number ever stands for two states of a row.
    pub(super) edits: u32,
    pub(super) state: State,
    pub(super) created_at: Timestamp,
}

/// Most edits that one change counts as: what the backend takes.
const MOST_EDITS: u32 = 10_000;

/// Where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Pending,
    Sending,
    Applied {
        rev: i64,
    },
    Conflict {
        code: String,
        fields: Vec<String>,
        server: Value,
        server_rev: i64,
    },
    Parked {
        code: String,
        reason: Option<String>,
    },
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Applied { .. } => "applied",
            Self::Conflict { .. } => "conflict",
            Self::Parked { .. } => "parked",
        }
    }
}

/// The edits of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    pub(super) under_way: Option<Queued>,
    pub(super) waiting: Option<Queued>,
}

impl Queued {
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.state, State::Sending | State::Applied { .. })
    }

    /// It and so many later edits are one from here on.
    pub(super) fn counts(&mut self, later: u32) {
        self.edits = self.edits.saturating_add(later).min(MOST_EDITS);
    }

    pub(super) fn as_under_way(&self) -> UnderWay<'_> {
        UnderWay {
            applied_rev: match self.state {
                State::Applied { rev } => Some(rev),
                _ => None,
            },
            deletes: self.deletes,
            patch: &self.patch,
        }
    }

    pub(super) fn as_waiting(&self) -> Waiting<'_> {
        Waiting {
            deletes: self.deletes,
            patch: &self.patch,
            conflict: match &self.state {
                State::Conflict { fields, .. } => Some(fields),
                _ => None,
            },
            is_new: self.base_rev.is_none(),
        }
    }

    pub(super) fn told(self) -> Mutation {
        Mutation {
            id: self.id,
            kind: self.kind,
            entity_id: self.entity_id,
            deletes: self.deletes,
            base_rev: self.base_rev,
            patch: Value::Object(self.patch),
            state: match self.state {
                State::Pending => MutationState::Pending,
                State::Sending => MutationState::Sending,
                State::Applied { .. } => MutationState::Applied,
                State::Conflict {
                    code,
                    fields,
                    server,
                    server_rev,
                } => MutationState::Conflict {
                    code,
                    fields,
                    server,
                    server_rev,
                },
                State::Parked { code, reason } => MutationState::Parked { code, reason },
            },
            created_at: self.created_at,
        }
    }
}

/// Reads a row of `mutations`.
pub(super) fn queued(row: &SqliteRow, doing: &'static str) -> Result<Queued, StoreError> {
    let columns = Columns::of(row, doing);
    let word: &str = columns.get("state")?;
    let code = || Ok::<_, StoreError>(columns.get::<Option<String>>("code")?.unwrap_or_default());
    let state = match word {
        "sending" => State::Sending,
        "applied" => State::Applied {
            rev: columns.get("applied_rev")?,
        },
        "conflict" => State::Conflict {
            code: code()?,
            fields: columns.maybe_json("fields")?.unwrap_or_default(),
            server: columns.json("server")?,
            server_rev: columns
                .get::<Option<i64>>("server_rev")?
                .unwrap_or_default(),
        },
        "parked" => State::Parked {
            code: code()?,
            reason: columns.get("reason")?,
        },
        // The schema admits no other word.
        _ => State::Pending,
    };
    let op: &str = columns.get("op")?;
    Ok(Queued {
        id: columns.parse("id")?,
        kind: columns.word("kind")?,
        entity_id: columns.parse("entity_id")?,
        deletes: op == "delete",
        base_rev: columns.get("base_rev")?,
        patch: columns.json("patch")?,
        edits: columns.number("edits")?,
        state,
        created_at: columns.moment("created_at")?,
    })
}

/// The edits of a row.
pub(super) async fn edits(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    entity_id: Uuid,
) -> Result<Edits, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM mutations WHERE org_id = ? AND user_id = ? AND kind = ? AND entity_id = ?",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(kind.as_str())
    .bind(entity_id.to_string());
    let mut edits = Edits::default();
    for row in write.rows(query).await? {
        let found = queued(&row, write.doing())?;
        match found.is_under_way() {
            true => edits.under_way = Some(found),
            false => edits.waiting = Some(found),
        }
    }
    Ok(edits)
}

/// Adds an edit at the end.
pub(super) async fn add(
    write: &mut Write,
    tenant: Tenant,
    edit: &Queued,
) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO mutations (id, org_id, user_id, kind, entity_id, op, base_rev, patch, edits, state, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(edit.id.to_string())
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(edit.kind.as_str())
    .bind(edit.entity_id.to_string())
    .bind(op(edit.deletes))
    .bind(edit.base_rev)
    .bind(patch(&edit.patch))
    .bind(edit.edits)
    .bind(edit.state.word())
    .bind(edit.created_at.as_millisecond());
    write.execute(insert).await?;
    Ok(())
}

/// Writes what has changed of an edit, which was known as `before`, in its place.
pub(super) async fn replace(
    write: &mut Write,
    before: MutationId,
    edit: &Queued,
) -> Result<(), StoreError> {
    let (mut applied_rev, mut code, mut reason) = (None, None, None);
    let (mut fields, mut server, mut server_rev) = (None, None, None);
    match &edit.state {
        State::Pending | State::Sending => {}
        State::Applied { rev } => applied_rev = Some(*rev),
        State::Conflict {
            code: why,
            fields: names,
            server: row,
            server_rev: rev,
        } => {
            code = Some(why.clone());
            fields = Some(serde_json::json!(names).to_string());
            server = Some(row.to_string());
            server_rev = Some(*rev);
        }
        State::Parked {
            code: why,
            reason: more,
        } => {
            code = Some(why.clone());
            reason = more.clone();
        }
    }
    let update = sqlx::query(
        "UPDATE mutations SET id = ?, op = ?, base_rev = ?, patch = ?, edits = ?, state = ?, applied_rev = ?,
             code = ?, reason = ?, fields = ?, server = ?, server_rev = ?
         WHERE id = ?",
    )
    .bind(edit.id.to_string())
    .bind(op(edit.deletes))
    .bind(edit.base_rev)
    .bind(patch(&edit.patch))
    .bind(edit.edits)
    .bind(edit.state.word())
    .bind(applied_rev)
    .bind(code)
    .bind(reason)
    .bind(fields)
    .bind(server)
    .bind(server_rev)
    .bind(before.to_string());
    write.execute(update).await?;
    Ok(())
}

/// Removes an edit.
pub(super) async fn remove(write: &mut Write, id: MutationId) -> Result<(), StoreError> {
    let delete = sqlx::query("DELETE FROM mutations WHERE id = ?").bind(id.to_string());
    write.execute(delete).await?;
    Ok(())
}

/// A new identifier.
pub(super) fn fresh() -> MutationId {
    MutationId(Uuid::now_v7())
}

fn op(deletes: bool) -> &'static str {
    match deletes {
        true => "delete",
        false => "upsert",
    }
}

fn patch(fields: &Fields) -> String {
    Value::Object(fields.clone()).to_string()
}
