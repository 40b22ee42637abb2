//! What a user sees of an organization: the replica with the edits on top that it does not show yet.

use std::collections::BTreeMap;

use berth_protocol::{
    MutationId,
    tenant::{EntityKind, Mutation, PolicyState, Tenant},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{
    queue::{Queued, State, queued},
    settle::{Fields, show},
};
use crate::{Store, StoreError, columns::Columns, open::Sql, write::Write};

const DOING: &str = "reading what an organization shares";

/// A row as its user sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRow {
    /// Its identifier.
    pub id: Uuid,
    /// The revision that the replica has; absent for a row that the backend has never had.
    pub rev: Option<i64>,
    /// Its fields with the edits on top, and `id`.
    pub row: Value,
    /// The edits that the replica does not show, the oldest first.
    pub edits: Vec<Mutation>,
    /// How many versions the row is ahead of the replica: as many as it was edited, also where several edits are one.
    pub ahead: u32,
}

/// What is known of a row: what the backend has said, by its revision, and what its user has changed since.
#[derive(Default)]
struct Halves {
    replica: Option<(i64, Fields)>,
    edits: Vec<Queued>,
}

impl TenantRow {
    /// Reads it as one of the types of [`berth_protocol::tenant`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.row.clone())
    }
}

impl Store {
    /// The rows of a kind as the user sees them, by identifier. The kinds that have no [`EntityKind`] are named by
    /// their words, such as `membership`.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn tenant_rows(
        &self,
        tenant: Tenant,
        kind: &str,
    ) -> Result<Vec<TenantRow>, StoreError> {
        self.seen(tenant, kind, None).await
    }

    /// One of them, if the user sees it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn tenant_row(
        &self,
        tenant: Tenant,
        kind: &str,
        id: Uuid,
    ) -> Result<Option<TenantRow>, StoreError> {
        Ok(self.seen(tenant, kind, Some(id)).await?.pop())
    }

    /// What is known of the organization's policy. One that cannot be read is no absent one.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn tenant_policy(&self, tenant: Tenant) -> Result<PolicyState, StoreError> {
        // What binds is what the backend has, whatever an admin is about to change.
        let query = sqlx::query(
            "SELECT row FROM replica_rows
             WHERE org_id = ? AND user_id = ? AND staged = 0 AND kind = 'policy' LIMIT 1",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
        let row = self.row(DOING, query).await?;
        let row: Option<Value> = row
            .map(|row| Columns::of(&row, DOING).json("row"))
            .transpose()?;
        Ok(PolicyState::of(row.as_ref()))
    }

    /// The user's changes that the replica does not show yet, the oldest first.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mutations(&self, tenant: Tenant) -> Result<Vec<Mutation>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM mutations WHERE org_id = ? AND user_id = ? ORDER BY seq")
                .bind(tenant.org.to_string())
                .bind(tenant.user.to_string());
        let rows = self.rows(DOING, query).await?;
        let found = rows.iter().map(|row| Ok(queued(row, DOING)?.told()));
        found.collect()
    }

    /// What the rows are called that the user's changes are about, as far as the backend has said it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn changed_names(
        &self,
        tenant: Tenant,
    ) -> Result<BTreeMap<Uuid, String>, StoreError> {
        // What a row is known by has another word in each kind.
        let query = sqlx::query(
            "SELECT entity_id, COALESCE(row ->> '$.name', row ->> '$.title', row ->> '$.purpose') AS name
             FROM replica_rows AS r
             WHERE org_id = ? AND user_id = ? AND staged = 0 AND EXISTS (
                 SELECT 1 FROM mutations AS m
                 WHERE m.org_id = r.org_id AND m.user_id = r.user_id AND m.kind = r.kind
                     AND m.entity_id = r.entity_id
             )",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
        let mut names = BTreeMap::new();
        for row in self.rows(DOING, query).await? {
            let columns = Columns::of(&row, DOING);
            if let Some(name) = columns.get::<Option<String>>("name")? {
                names.insert(columns.parse("entity_id")?, name);
            }
        }
        Ok(names)
    }

    async fn seen(
        &self,
        tenant: Tenant,
        kind: &str,
        id: Option<Uuid>,
    ) -> Result<Vec<TenantRow>, StoreError> {
        let query = seen_query(tenant, kind, id);
        assemble(&self.rows(DOING, query).await?, DOING)
    }

    /// One of the user's changes, if it still waits.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mutation(
        &self,
        tenant: Tenant,
        id: MutationId,
    ) -> Result<Option<Mutation>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM mutations WHERE org_id = ? AND user_id = ? AND id = ?")
                .bind(tenant.org.to_string())
                .bind(tenant.user.to_string())
                .bind(id.to_string());
        let row = self.row(DOING, query).await?;
        row.map(|row| Ok(queued(&row, DOING)?.told())).transpose()
    }
}

// One statement, so that both halves are of one moment.
const SEEN: &str = "SELECT 0 AS seq, entity_id AS entity, rev AS replica_rev, row AS replica, NULL AS id, NULL AS kind,
            NULL AS entity_id, NULL AS op, NULL AS base_rev, NULL AS patch, NULL AS edits, NULL AS state,
            NULL AS applied_rev, NULL AS code, NULL AS reason, NULL AS fields, NULL AS server,
            NULL AS server_rev, NULL AS created_at
     FROM replica_rows
     WHERE org_id = ?1 AND user_id = ?2 AND staged = 0 AND kind = ?3 AND (?4 IS NULL OR entity_id = ?4)
     UNION ALL
     SELECT seq, entity_id, NULL, NULL, id, kind, entity_id, op, base_rev, patch, edits, state, applied_rev,
            code, reason, fields, server, server_rev, created_at
     FROM mutations
     WHERE org_id = ?1 AND user_id = ?2 AND kind = ?3 AND (?4 IS NULL OR entity_id = ?4)
     ORDER BY seq";

fn seen_query(tenant: Tenant, kind: &str, id: Option<Uuid>) -> Sql<'static> {
    sqlx::query(SEEN)
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(kind.to_owned())
        .bind(id.map(|id| id.to_string()))
}

/// The rows of a kind as the user sees them, within a write.
pub(super) async fn rows_of(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
) -> Result<Vec<TenantRow>, StoreError> {
    let rows = write.rows(seen_query(tenant, kind.as_str(), None)).await?;
    assemble(&rows, write.doing())
}

fn assemble(rows: &[SqliteRow], doing: &'static str) -> Result<Vec<TenantRow>, StoreError> {
    let mut known: BTreeMap<Uuid, Halves> = BTreeMap::new();
    for row in rows {
        let columns = Columns::of(row, doing);
        let entry = known.entry(columns.parse("entity")?).or_default();
        match columns.get::<Option<i64>>("replica_rev")? {
            Some(rev) => entry.replica = Some((rev, columns.json("replica")?)),
            None => entry.edits.push(queued(row, doing)?),
        }
    }
    let seen = known
        .into_iter()
        .filter_map(|(id, Halves { replica, mut edits })| {
            // The one that is under way comes first, whenever it was made.
            edits.sort_by_key(|edit| !edit.is_under_way());
            let (rev, mut row) = match replica {
                Some((rev, row)) => (Some(rev), Some(row)),
                None => (None, None),
            };
            for edit in &edits {
                // What the backend has deleted is shown as it was until its user has chosen.
                if let (None, State::Conflict { server, .. }) = (&row, &edit.state) {
                    row = server.as_object().cloned();
                }
                row = show(row, Some(&edit.as_under_way()));
            }
            let mut row = row?;
            row.insert("id".to_owned(), Value::String(id.to_string()));
            let ahead = edits
                .iter()
                .fold(0_u32, |sum, edit| sum.saturating_add(edit.edits));
            Some(TenantRow {
                id,
                rev,
                row: Value::Object(row),
                ahead,
                edits: edits.into_iter().map(Queued::told).collect(),
            })
        });
    Ok(seen.collect())
}

/// A row of what is shown, with its revision.
pub(super) async fn replica_row(
    write: &mut Write,
    tenant: Tenant,
    kind: &str,
    id: Uuid,
) -> Result<Option<(i64, Fields)>, StoreError> {
    let query = sqlx::query(
        "SELECT rev, row FROM replica_rows
         WHERE org_id = ? AND user_id = ? AND staged = 0 AND kind = ? AND entity_id = ?",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(kind.to_owned())
    .bind(id.to_string());
    let row = write.row(query).await?;
    row.map(|row| {
        let columns = Columns::of(&row, write.doing());
        Ok((columns.get("rev")?, columns.json("row")?))
    })
    .transpose()
}

/// Whether a kind has this name already among what the user sees.
pub(super) async fn names(
    write: &mut Write,
    tenant: Tenant,
    kind: EntityKind,
) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query(
        "SELECT row ->> '$.name' AS name FROM replica_rows
         WHERE org_id = ?1 AND user_id = ?2 AND staged = 0 AND kind = ?3
         UNION ALL
         SELECT patch ->> '$.name' FROM mutations WHERE org_id = ?1 AND user_id = ?2 AND kind = ?3",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(kind.as_str());
    let mut names = Vec::new();
    for row in write.rows(query).await? {
        let name: Option<String> = Columns::of(&row, write.doing()).get("name")?;
        names.extend(name);
    }
    Ok(names)
}
