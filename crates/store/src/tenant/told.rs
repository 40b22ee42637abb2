//! Rows of the user's own that follow from what happens here: sessions, their workspaces, sign-ins at servers.
//!
//! Nobody edits them, so they have no audit events of their own: what they tell is in the trail already. They are
//! queued inside the transaction of what they tell, like an edit, and are sent like one.

use berth_protocol::tenant::{EntityKind, Tenant};
use serde_json::Value;
use uuid::Uuid;

use super::{
    edit::{self, shown},
    queue,
    settle::{Fields, same},
    view::replica_row,
};
use crate::{StoreError, write::Write};

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
