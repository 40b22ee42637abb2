//! Takes pages of the backend's changes into the replica. A page is one transaction that also moves the cursor.
//!
//! A copy that is begun anew is collected beside what is shown and replaces it when it is complete, so that nobody
//! sees half of it.

use std::collections::BTreeMap;

use berth_protocol::tenant::{EntityKind, Tenant};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    organizations::cursor,
    queue::{self, Edits, Queued, State, queued},
    settle::{Fate, Fields, Incoming, settle},
    view::replica_row,
};
use crate::{Store, StoreError, columns::Columns, write::Write};

/// A page of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The revision that it was asked for after: the page is refused unless the replica is there.
    pub since: i64,
    /// The revision up to which it is complete.
    pub rev: i64,
    /// The backend's token for it.
    pub token: String,
    /// It is the last one for now.
    pub is_last: bool,
    /// The changes, the oldest first.
    pub changes: Vec<PulledChange>,
}

/// A row as the backend has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PulledChange {
    /// The kind, as the backend says.
    pub kind: String,
    /// The row.
    pub id: Uuid,
    /// Its revision.
    pub rev: i64,
    /// It is deleted.
    pub is_deleted: bool,
    /// Its fields, an object.
    pub row: Value,
}

impl Store {
    /// Takes in a page. While a copy is begun anew it goes there, and the last one makes it what is shown.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], [`StoreError::CursorMoved`].
    pub async fn apply_page(&self, tenant: Tenant, page: &Page) -> Result<(), StoreError> {
        let mut write = self.write("taking in what others have changed").await?;
        let cursor = cursor(&mut write, tenant).await?;
        let found = cursor
            .staged
            .as_ref()
            .map_or(cursor.rev, |(staged, _)| *staged);
        if found != page.since {
            write.abandon().await?;
            return Err(StoreError::CursorMoved {
                tenant,
                expected: page.since,
                found,
            });
        }
        let is_staged = cursor.staged.is_some();
        if !is_staged {
            settle_page(&mut write, tenant, page).await?;
        }
        store_rows(&mut write, tenant, page, is_staged).await?;
        match (is_staged, page.is_last) {
            (true, false) => {
                let update = sqlx::query(
                    "UPDATE organizations SET staged_rev = ?, staged_token = ? WHERE org_id = ? AND user_id = ?",
                );
                let update = update.bind(page.rev).bind(&page.token);
                let update = update.bind(tenant.org.to_string());
                write.execute(update.bind(tenant.user.to_string())).await?;
            }
            (true, true) => {
                show_staged(&mut write, tenant).await?;
                move_cursor(&mut write, tenant, page).await?;
            }
            (false, _) => move_cursor(&mut write, tenant, page).await?,
        }
        if page.is_last {
            // A copy is complete in itself; else what was not shown up to here never will be.
            let until = if is_staged { i64::MAX } else { page.rev };
            let unseen = under_way_until(&mut write, tenant, until).await?;
            for edit in unseen {
                leave(&mut write, tenant, edit).await?;
            }
        }
        follow_own_rows(&mut write, tenant).await?;
        write.commit_plain().await
    }

    /// Begins a copy anew. What is shown stays until the copy is complete, and the user's changes stay.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`].
    pub async fn begin_copy(&self, tenant: Tenant) -> Result<(), StoreError> {
        let mut write = self.write("beginning a copy anew").await?;
        cursor(&mut write, tenant).await?;
        for statement in [
            "DELETE FROM replica_rows WHERE org_id = ? AND user_id = ? AND staged = 1",
            "UPDATE organizations SET staged_rev = 0, staged_token = NULL WHERE org_id = ? AND user_id = ?",
        ] {
            let statement = sqlx::query(statement).bind(tenant.org.to_string());
            write
                .execute(statement.bind(tenant.user.to_string()))
                .await?;
        }
        write.commit_plain().await
    }
}

async fn move_cursor(write: &mut Write, tenant: Tenant, page: &Page) -> Result<(), StoreError> {
    let update = sqlx::query(
        "UPDATE organizations SET rev = ?, token = ?, staged_rev = NULL, staged_token = NULL
         WHERE org_id = ? AND user_id = ?",
    )
    .bind(page.rev)
    .bind(&page.token)
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string());
    write.execute(update).await?;
    Ok(())
}

/// Says what becomes of the user's edits of the rows of a page, before these are replaced.
async fn settle_page(write: &mut Write, tenant: Tenant, page: &Page) -> Result<(), StoreError> {
    let mut names = Vec::new();
    for change in &page.changes {
        names.push(json!([change.kind, change.id]));
    }
    let query = sqlx::query(
        "SELECT * FROM mutations
         WHERE org_id = ? AND user_id = ?
             AND (kind, entity_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(Value::from(names).to_string());
    let mut edited = grouped(write, query).await?;
    if edited.is_empty() {
        return Ok(());
    }
    for change in &page.changes {
        let kind = EntityKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == change.kind);
        let Some(edits) = kind.and_then(|kind| edited.remove(&(kind, change.id))) else {
            continue;
        };
        let old = replica_row(write, tenant, &change.kind, change.id).await?;
        let row = object(&change.row);
        let now = match change.is_deleted {
            true => Now {
                rev: change.rev,
                row: None,
                last: row,
            },
            false => Now {
                rev: change.rev,
                row: Some(row),
                last: row,
            },
        };
        settle_one(write, edits, old.map(|(_, row)| row).as_ref(), &now).await?;
    }
    Ok(())
}

/// What the backend has of a row.
struct Now<'a> {
    rev: i64,
    /// Absent once it is deleted.
    row: Option<&'a Fields>,
    /// The row as it is, or was last.
    last: &'a Fields,
}

async fn settle_one(
    write: &mut Write,
    edits: Edits,
    old: Option<&Fields>,
    now: &Now<'_>,
) -> Result<(), StoreError> {
    let incoming = match now.row {
        Some(row) => Incoming::Row { rev: now.rev, row },
        None => Incoming::Gone,
    };
    if let Some(waiting) = edits.waiting {
        let under_way = edits.under_way.as_ref().map(Queued::as_under_way);
        let fate = settle(old, under_way.as_ref(), &waiting.as_waiting(), &incoming);
        let base_rev = now.row.map(|_| now.rev).or(waiting.base_rev);
        let id = waiting.id;
        let changed = match fate {
            Fate::Done => None,
            Fate::Stands => Some(Queued {
                base_rev,
                ..waiting
            }),
            Fate::Clear => Some(Queued {
                // It was sent and answered as it was, so it is another one now.
                id: queue::fresh(),
                base_rev,
                state: State::Pending,
                ..waiting
            }),
            Fate::Conflict { code, fields } => Some(Queued {
                base_rev,
                state: State::Conflict {
                    code: code.to_owned(),
                    fields,
                    server: Value::Object(now.last.clone()),
                    server_rev: now.rev,
                },
                ..waiting
            }),
        };
        match changed {
            None => queue::remove(write, id).await?,
            Some(changed) => queue::replace(write, id, &changed).await?,
        }
    }
    if let Some(under_way) = edits.under_way
        && let State::Applied { rev } = under_way.state
        && rev <= now.rev
    {
        queue::remove(write, under_way.id).await?;
    }
    Ok(())
}

async fn store_rows(
    write: &mut Write,
    tenant: Tenant,
    page: &Page,
    is_staged: bool,
) -> Result<(), StoreError> {
    let (mut rows, mut gone) = (Vec::new(), Vec::new());
    for change in &page.changes {
        match change.is_deleted {
            true => gone.push(json!([change.kind, change.id])),
            // The row goes as text, so that it is kept as it came.
            false => rows.push(json!([
                change.kind,
                change.id,
                change.rev,
                change.row.to_string()
            ])),
        }
    }
    if !rows.is_empty() {
        let insert = sqlx::query(
            "INSERT INTO replica_rows (org_id, user_id, staged, kind, entity_id, rev, row)
             SELECT ?1, ?2, ?3, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?4)
             WHERE TRUE
             ON CONFLICT DO UPDATE SET rev = excluded.rev, row = excluded.row WHERE excluded.rev >= rev",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(is_staged)
        .bind(Value::from(rows).to_string());
        write.execute(insert).await?;
    }
    if !gone.is_empty() {
        let delete = sqlx::query(
            "DELETE FROM replica_rows
             WHERE org_id = ? AND user_id = ? AND staged = ?
                 AND (kind, entity_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(is_staged)
        .bind(Value::from(gone).to_string());
        write.execute(delete).await?;
    }
    Ok(())
}

/// Makes the copy what is shown.
async fn show_staged(write: &mut Write, tenant: Tenant) -> Result<(), StoreError> {
    let (org, user) = (tenant.org.to_string(), tenant.user.to_string());
    let query = sqlx::query("SELECT * FROM mutations WHERE org_id = ? AND user_id = ?");
    let edited = grouped(write, query.bind(&org).bind(&user)).await?;
    for ((kind, id), edits) in edited {
        let query = sqlx::query(
            "SELECT rev, row FROM replica_rows
             WHERE org_id = ? AND user_id = ? AND staged = 1 AND kind = ? AND entity_id = ?",
        )
        .bind(&org)
        .bind(&user)
        .bind(kind.as_str())
        .bind(id.to_string());
        let staged: Option<(i64, Fields)> = match write.row(query).await? {
            Some(row) => {
                let columns = Columns::of(&row, write.doing());
                Some((columns.get("rev")?, columns.json("row")?))
            }
            None => None,
        };
        let old = replica_row(write, tenant, kind.as_str(), id).await?;
        let nothing = Fields::new();
        let now = match (&staged, &old) {
            (Some((rev, row)), _) => Now {
                rev: *rev,
                row: Some(row),
                last: row,
            },
            (None, Some((rev, row))) => Now {
                rev: *rev,
                row: None,
                last: row,
            },
            (None, None) => Now {
                rev: 0,
                row: None,
                last: &nothing,
            },
        };
        settle_one(write, edits, old.as_ref().map(|(_, row)| row), &now).await?;
    }
    for statement in [
        "DELETE FROM replica_rows WHERE org_id = ? AND user_id = ? AND staged = 0",
        "UPDATE replica_rows SET staged = 0 WHERE org_id = ? AND user_id = ? AND staged = 1",
    ] {
        let statement = sqlx::query(statement).bind(&org).bind(&user);
        write.execute(statement).await?;
    }
    Ok(())
}

/// Changes that the backend has, and that the replica should show.
async fn under_way_until(
    write: &mut Write,
    tenant: Tenant,
    rev: i64,
) -> Result<Vec<Queued>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM mutations
         WHERE org_id = ? AND user_id = ? AND state = 'applied' AND applied_rev <= ? ORDER BY seq",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string())
    .bind(rev);
    let rows = write.rows(query).await?;
    rows.iter().map(|row| queued(row, write.doing())).collect()
}

/// Lets go of a change whose row the user is not shown, such as one that was deleted long ago. What waits behind
/// it is not lost: its user is told.
async fn leave(write: &mut Write, tenant: Tenant, edit: Queued) -> Result<(), StoreError> {
    queue::remove(write, edit.id).await?;
    let edits = queue::edits(write, tenant, edit.kind, edit.entity_id).await?;
    let Some(waiting) = edits.waiting else {
        return Ok(());
    };
    if waiting.state != State::Pending
        || replica_row(write, tenant, edit.kind.as_str(), edit.entity_id)
            .await?
            .is_some()
    {
        return Ok(());
    }
    if waiting.deletes {
        return queue::remove(write, waiting.id).await;
    }
    let parked = Queued {
        state: State::Parked {
            code: "sync.not_found".to_owned(),
            reason: None,
        },
        ..waiting
    };
    queue::replace(write, parked.id, &parked).await
}

/// The organization's name and the user's role are what the replica says.
async fn follow_own_rows(write: &mut Write, tenant: Tenant) -> Result<(), StoreError> {
    let update = sqlx::query(
        "UPDATE organizations AS o SET
             name = COALESCE((
                 SELECT r.row ->> '$.name' FROM replica_rows AS r
                 WHERE r.org_id = o.org_id AND r.user_id = o.user_id AND r.staged = 0
                     AND r.kind = 'organization' AND r.entity_id = o.org_id
             ), name),
             role = COALESCE((
                 SELECT r.row ->> '$.role' FROM replica_rows AS r
                 WHERE r.org_id = o.org_id AND r.user_id = o.user_id AND r.staged = 0
                     AND r.kind = 'membership' AND r.row ->> '$.user_id' = o.user_id
                     AND r.row ->> '$.role' IN ('admin', 'user')
             ), role)
         WHERE org_id = ? AND user_id = ?",
    )
    .bind(tenant.org.to_string())
    .bind(tenant.user.to_string());
    write.execute(update).await?;
    Ok(())
}

/// The edits that a query finds, by row.
async fn grouped(
    write: &mut Write,
    query: crate::open::Sql<'_>,
) -> Result<BTreeMap<(EntityKind, Uuid), Edits>, StoreError> {
    let mut found: BTreeMap<_, Edits> = BTreeMap::new();
    for row in write.rows(query).await? {
        let edit = queued(&row, write.doing())?;
        let edits = found.entry((edit.kind, edit.entity_id)).or_default();
        match edit.is_under_way() {
            true => edits.under_way = Some(edit),
            false => edits.waiting = Some(edit),
        }
    }
    Ok(found)
}

fn object(row: &Value) -> &Fields {
    static NOTHING: std::sync::LazyLock<Fields> = std::sync::LazyLock::new(Fields::new);
    row.as_object().unwrap_or(&NOTHING)
}
