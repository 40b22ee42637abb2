//! A user's edit of what an organization shares: one transaction with its audit event and its outbox entry, whether
//! or not the backend can be reached.

use berth_protocol::tenant::{EntityKind, Tenant};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    organizations::cursor,
    queue::{self, Edits, Queued, State},
    settle::{Fields, join, show},
    view::replica_row,
};
use crate::{
    Op, Store, StoreError,
    write::{Change, Subject, Write},
};

/// What a user does to a row.
#[derive(Clone, Debug, PartialEq)]
pub enum TenantEdit {
    /// Adds it.
    Add {
        /// The kind.
        kind: EntityKind,
        /// Its identifier, a UUIDv7 that the caller has made.
        id: Uuid,
        /// Its fields: those of [`EntityKind::fixed_fields`] and [`EntityKind::writable_fields`].
        fields: Value,
    },
    /// Changes fields of it.
    Change {
        /// The kind.
        kind: EntityKind,
        /// Its identifier.
        id: Uuid,
        /// The new values: those of [`EntityKind::writable_fields`].
        fields: Value,
    },
    /// Deletes it.
    Delete {
        /// The kind.
        kind: EntityKind,
        /// Its identifier.
        id: Uuid,
    },
}

impl Store {
    /// Edits a row of an organization. The user sees it at once; the backend gets it with the next push.
    ///
    /// An edit joins the one of the same row that waits, and counts beside it. One that joins a refused edit sends it again;
    /// one that joins an edit in conflict stays in conflict. A row that the backend never had is deleted here alone.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], [`StoreError::TenantRowNotFound`] for a row that the user does not see,
    /// [`StoreError::TenantFieldRefused`] for one that clients do not write, and for anything of a global prompt.
    pub async fn edit_tenant(&self, tenant: Tenant, edit: TenantEdit) -> Result<(), StoreError> {
        self.edit_tenant_all(tenant, vec![edit]).await
    }

    /// Makes several edits, all of them or none.
    ///
    /// # Errors
    /// As [`edit_tenant`](Self::edit_tenant).
    pub async fn edit_tenant_all(
        &self,
        tenant: Tenant,
        edits: Vec<TenantEdit>,
    ) -> Result<(), StoreError> {
        let edits: Vec<Edit> = edits.into_iter().map(checked).collect::<Result<_, _>>()?;
        let mut write = self.write("editing what an organization shares").await?;
        cursor(&mut write, tenant).await?;
        for edit in edits {
            apply(&mut write, tenant, edit).await?;
        }
        write.end_changes().await
    }
}

/// An edit whose fields were looked at.
pub(super) struct Edit {
    kind: EntityKind,
    id: Uuid,
    what: What,
}

enum What {
    Add(Fields),
    Change(Fields),
    Delete,
}

pub(super) fn checked(edit: TenantEdit) -> Result<Edit, StoreError> {
    let (kind, id, what) = match edit {
        TenantEdit::Add { kind, id, fields } => (kind, id, What::Add(object(kind, fields)?)),
        TenantEdit::Change { kind, id, fields } => (kind, id, What::Change(object(kind, fields)?)),
        TenantEdit::Delete { kind, id } => (kind, id, What::Delete),
    };
    let refused = |field: &str| StoreError::TenantFieldRefused {
        kind,
        field: field.to_owned(),
    };
    match &what {
        What::Add(fields) => {
            let fixed = kind.fixed_fields().ok_or_else(|| refused("id"))?;
            let is_known =
                |field: &&str| fixed.contains(field) || kind.writable_fields().contains(field);
            if let Some(field) = fields.keys().find(|field| !is_known(&field.as_str())) {
                return Err(refused(field));
            }
        }
        What::Change(fields) => {
            let is_fixed = |field: &&String| !kind.writable_fields().contains(&field.as_str());
            if let Some(field) = fields.keys().find(is_fixed) {
                return Err(refused(field));
            }
        }
        What::Delete => {
            if kind.fixed_fields().is_none() || kind == EntityKind::Consent {
                return Err(refused("deleted_at"));
            }
        }
    }
    Ok(Edit { kind, id, what })
}

fn object(kind: EntityKind, fields: Value) -> Result<Fields, StoreError> {
    match fields {
        Value::Object(fields) => Ok(fields),
        _ => Err(StoreError::TenantFieldRefused {
            kind,
            field: "*".to_owned(),
        }),
    }
}

pub(super) async fn apply(write: &mut Write, tenant: Tenant, edit: Edit) -> Result<(), StoreError> {
    let Edit { kind, id, what } = edit;
    let edits = queue::edits(write, tenant, kind, id).await?;
    let replica = replica_row(write, tenant, kind.as_str(), id).await?;
    if replica.as_ref().is_some_and(|(_, row)| is_global(row)) {
        return Err(StoreError::TenantFieldRefused {
            kind,
            field: "scope".to_owned(),
        });
    }
    let shown = shown(replica.as_ref().map(|(_, row)| row.clone()), &edits);
    let (action, op, names) = match &what {
        What::Add(fields) => ("sync.added", Op::Upsert, names(fields)),
        What::Change(fields) => ("sync.changed", Op::Upsert, names(fields)),
        What::Delete => ("sync.deleted", Op::Delete, Vec::new()),
    };
    match (what, shown.is_some()) {
        (What::Add(fields), _) => {
            if shown.is_some() || edits.under_way.is_some() || edits.waiting.is_some() {
                return Err(StoreError::TenantRowExists { kind, id });
            }
            let base_rev = replica.map(|(rev, _)| rev);
            insert(write, tenant, kind, id, base_rev, Some(fields)).await?;
        }
        (_, false) => return Err(StoreError::TenantRowNotFound { kind, id }),
        (What::Change(fields), true) => {
            if fields.is_empty() {
                return Ok(());
            }
            let base_rev = replica.map(|(rev, _)| rev);
            change(write, tenant, kind, id, (edits.waiting, base_rev), fields).await?;
        }
        (What::Delete, true) => {
            delete(write, tenant, kind, id, edits, replica.map(|(rev, _)| rev)).await?;
        }
    }
    write
        .add(Change {
            action,
            subject: Subject::Tenant(kind, id),
            details: json!({"fields": names, "org_id": tenant.org}),
            op,
            payload: json!({"org_id": tenant.org, "user_id": tenant.user}),
        })
        .await
}

/// The row as its user sees it; nothing once it is deleted.
pub(super) fn shown(row: Option<Fields>, edits: &Edits) -> Option<Fields> {
    let below = edits.under_way.as_ref().map(Queued::as_under_way);
    let above = edits.waiting.as_ref().map(Queued::as_under_way);
    show(show(row, below.as_ref()), above.as_ref())
}

/// Changes fields of a row that is there. What waits of it already is one with that.
pub(super) async fn change(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    id: Uuid,
    (waiting, base_rev): (Option<Queued>, Option<i64>),
    fields: Fields,
) -> Result<(), StoreError> {
    let Some(waiting) = waiting else {
        return insert(write, tenant, kind, id, base_rev, Some(fields)).await;
    };
    let before = waiting.id;
    let patch = join(&waiting.patch, &fields);
    let is_another = patch != waiting.patch;
    let mut changed = again(waiting, base_rev);
    if is_another {
        changed.counts(1);
    }
    changed.patch = patch;
    queue::replace(write, before, &changed).await
}

pub(super) async fn delete(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    id: Uuid,
    edits: Edits,
    base_rev: Option<i64>,
) -> Result<(), StoreError> {
    let Some(waiting) = edits.waiting else {
        return insert(write, tenant, kind, id, base_rev, None).await;
    };
    // The backend has never had it, so there is nobody to tell.
    if waiting.base_rev.is_none() && base_rev.is_none() && edits.under_way.is_none() {
        return queue::remove(write, waiting.id).await;
    }
    let mut changed = again(waiting.clone(), base_rev);
    changed.deletes = true;
    changed.patch = Fields::new();
    queue::replace(write, waiting.id, &changed).await
}

/// An edit that waits, once more: what was refused is sent again under another identifier, because the backend
/// remembers its answer to the first.
pub(super) fn again(waiting: Queued, base_rev: Option<i64>) -> Queued {
    match waiting.state {
        State::Parked { .. } => Queued {
            id: queue::fresh(),
            base_rev: base_rev.or(waiting.base_rev),
            state: State::Pending,
            ..waiting
        },
        _ => waiting,
    }
}

/// Adds an edit; without fields it deletes.
pub(super) async fn insert(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
    entity_id: Uuid,
    base_rev: Option<i64>,
    fields: Option<Fields>,
) -> Result<(), StoreError> {
    let edit = Queued {
        id: queue::fresh(),
        kind,
        entity_id,
        deletes: fields.is_none(),
        base_rev,
        patch: fields.unwrap_or_default(),
        edits: 1,
        state: State::Pending,
        created_at: write.at(),
    };
    queue::add(write, tenant, &edit).await
}

/// It comes with every organization, and is whoever's runs the backend.
fn is_global(row: &Fields) -> bool {
    row.get("scope").and_then(Value::as_str) == Some("global")
}

fn names(fields: &Fields) -> Vec<String> {
    fields.keys().cloned().collect()
}
