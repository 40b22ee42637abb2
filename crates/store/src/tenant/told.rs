//! Rows of the user's own that follow from what happens here: sessions, their workspaces, sign-ins at servers.
//!
//! Nobody edits them, so they have no audit events of their own: what they tell is in the trail already. They are
//! queued inside the transaction of what they tell, like an edit, and are sent like one. They are facts and not the
//! user's to decide about: what is said here of what happened here holds, and is dropped by nobody.

use berth_protocol::tenant::{EntityKind, Tenant};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{
    edit::{self, again, shown},
    queue::{self, Queued, State, queued},
    resolve::decided,
    settle::{Fields, same},
    view::replica_row,
};
use crate::{Op, Store, StoreError, write::Write};

impl Store {
    /// Ends the conflicts about what this machine tells: its word is sent again, over what the organization has. What is
    /// deleted there stays away. Gives whether anything waits to be sent because of it.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn hold_told(&self, tenant: Tenant) -> Result<bool, StoreError> {
        let mut write = self.write("having what this machine tells hold").await?;
        let rows = told_rows(&mut write, tenant, "conflict").await?;
        if rows.is_empty() {
            write.abandon().await?;
            return Ok(false);
        }
        let mut waits = false;
        for row in &rows {
            let before = queued(row, write.doing())?;
            let id = before.id;
            match held(before) {
                Some(holds) => {
                    waits = true;
                    queue::replace(&mut write, id, &holds).await?;
                }
                None => queue::remove(&mut write, id).await?,
            }
        }
        write.commit_plain().await?;
        Ok(waits)
    }

    /// Sends again what this machine tells and the backend has refused. Gives how much that is.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn retry_told(&self, tenant: Tenant) -> Result<u64, StoreError> {
        let mut write = self.write("sending again what was refused").await?;
        let rows = told_rows(&mut write, tenant, "parked").await?;
        let mut count = 0;
        for row in &rows {
            let before = queued(row, write.doing())?;
            let (id, kind) = (before.id, before.kind);
            let replica = replica_row(&mut write, tenant, kind.as_str(), before.entity_id).await?;
            let edit = again(before, replica.map(|(rev, _)| rev));
            queue::replace(&mut write, id, &edit).await?;
            let retried = decided("sync.retried", tenant, &edit, Op::Upsert);
            write.add(retried).await?;
            count += 1;
        }
        write.end_changes().await?;
        Ok(count)
    }
}

/// The kinds of what is told, as a JSON array of their words.
pub(super) fn kinds() -> String {
    let kinds = EntityKind::ALL.into_iter().filter(|kind| kind.is_told());
    json!(kinds.map(EntityKind::as_str).collect::<Vec<_>>()).to_string()
}

async fn told_rows(
    write: &mut Write,
    tenant: Tenant,
    state: &'static str,
) -> Result<Vec<SqliteRow>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM mutations
         WHERE org_id = ? AND user_id = ? AND state = ? AND kind IN (SELECT value FROM json_each(?))
         ORDER BY seq",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(state)
    .bind(kinds());
    write.rows(query).await
}

/// What is sent in place of what was in conflict; nothing where there is nothing more to say.
fn held(edit: Queued) -> Option<Queued> {
    let State::Conflict {
        code, server_rev, ..
    } = &edit.state
    else {
        return Some(edit);
    };
    if code == "sync.deleted" {
        return None;
    }
    let base_rev = Some(*server_rev);
    let mut patch = edit.patch.clone();
    // What is said once is there already.
    patch.retain(|field, _| edit.kind.writable_fields().contains(&field.as_str()));
    if patch.is_empty() && !edit.deletes {
        return None;
    }
    Some(Queued {
        // The backend remembers its answer to the first.
        id: queue::fresh(),
        base_rev,
        patch,
        state: State::Pending,
        ..edit
    })
}

/// Queues a row that the backend has never had. What has no value is not said.
pub(super) async fn add(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    id: Uuid,
    mut fields: Fields,
) -> Result<(), StoreError> {
    fields.retain(|_, value| !value.is_null());
    edit::insert(write, tenant, kind, id, None, Some(fields)).await
}

/// Queues what is different of a row. One that the backend has no more, or never had, stays away.
pub(super) async fn change(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    id: Uuid,
    mut fields: Fields,
) -> Result<(), StoreError> {
    let edits = queue::edits(write, tenant, kind, id).await?;
    let replica = replica_row(write, tenant, kind.as_str(), id).await?;
    let base_rev = replica.as_ref().map(|(rev, _)| *rev);
    let Some(known) = shown(replica.map(|(_, row)| row), &edits) else {
        return Ok(());
    };
    fields.retain(|field, value| !same(known.get(field), Some(&*value)));
    if fields.is_empty() {
        return Ok(());
    }
    edit::change(write, tenant, kind, id, (edits.waiting, base_rev), fields).await
}

/// Queues that a row is deleted. One that was never sent leaves nothing.
pub(super) async fn remove(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    id: Uuid,
) -> Result<(), StoreError> {
    let edits = queue::edits(write, tenant, kind, id).await?;
    let replica = replica_row(write, tenant, kind.as_str(), id).await?;
    let base_rev = replica.as_ref().map(|(rev, _)| *rev);
    match shown(replica.map(|(_, row)| row), &edits) {
        Some(_) => edit::delete(write, tenant, kind, id, edits, base_rev).await,
        None => Ok(()),
    }
}

/// Fields by their names.
pub(super) fn fields<const N: usize>(named: [(&str, Value); N]) -> Fields {
    let named = named.into_iter();
    named
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A text, unless it is longer than the backend takes: half of a name would be another name.
pub(super) fn at_most(text: Option<&str>, characters: usize) -> Value {
    let text = text.filter(|text| text.chars().count() <= characters);
    text.map_or(Value::Null, Value::from)
}
