//! Organizations that this machine has something of, one for each user, and how they end.

use berth_protocol::{
    OrganizationId, Timestamp, UserId,
    tenant::{OrganizationRole, Tenant, ToldCounts},
};
use serde_json::json;
use sqlx::sqlite::SqliteRow;

use super::{servers, told};
use crate::{
    Op, Store, StoreError,
    columns::{Columns, word},
    write::{Change, Subject, Write},
};

const READING: &str = "reading organizations";

/// An organization as one user has it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// Which, and of whom.
    pub tenant: Tenant,
    /// The REST root of its backend.
    pub url: String,
    /// Its name.
    pub name: String,
    /// What the user may do there.
    pub role: OrganizationRole,
    /// How far the replica is.
    pub cursor: Cursor,
    /// When the replica was last known to be what the backend has.
    pub fresh_at: Option<Timestamp>,
    /// When it came here.
    pub added_at: Timestamp,
}

/// How far a replica is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// What is shown is complete up to this revision.
    pub rev: i64,
    /// The backend's token for it; absent until the replica was complete once.
    pub token: Option<String>,
    /// How far the copy is that will replace what is shown; absent while there is none.
    pub staged: Option<(i64, Option<String>)>,
}

/// What of an organization waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncCounts {
    /// Changes of the user that were not sent, or not answered.
    pub waiting: u64,
    /// Changes of the user in conflict.
    pub conflicts: u64,
    /// Changes of the user that the backend refuses.
    pub parked: u64,
    /// Why the newest of them is refused.
    pub parked_code: Option<String>,
    /// What this machine tells by itself.
    pub told: ToldCounts,
}

/// What went with an organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wiped {
    /// Changes of the user that the backend does not have.
    pub unsent: u64,
    /// Rows of the replica.
    pub rows: u64,
}

impl Store {
    /// Adds an organization, or says anew where its backend is, what it is called and what its user may do. The
    /// replica of one that is known stays.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn add_organization(
        &self,
        tenant: Tenant,
        url: &str,
        name: &str,
        role: OrganizationRole,
    ) -> Result<OrganizationRecord, StoreError> {
        let mut write = self.write("adding an organization").await?;
        let insert = sqlx::query(
            "INSERT INTO organizations (org_id, user_id, url, name, role, added_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (org_id, user_id) DO UPDATE
             SET url = excluded.url, name = excluded.name, role = excluded.role
             RETURNING *",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(url)
        .bind(name)
        .bind(word(&role))
        .bind(write.at().as_millisecond());
        let record = record(&write.one(insert).await?, write.doing())?;
        write
            .commit(Change {
                action: "sync.organization_added",
                subject: Subject::Organization(tenant.org),
                details: json!({"role": role, "url": url, "user_id": tenant.user}),
                op: Op::Upsert,
                payload: json!({"user_id": tenant.user}),
            })
            .await?;
        Ok(record)
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn organizations(&self) -> Result<Vec<OrganizationRecord>, StoreError> {
        let query = sqlx::query("SELECT * FROM organizations ORDER BY added_at, org_id, user_id");
        let rows = self.rows(READING, query).await?;
        rows.iter().map(|row| record(row, READING)).collect()
    }

    /// One of them, if it is here.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn organization(
        &self,
        tenant: Tenant,
    ) -> Result<Option<OrganizationRecord>, StoreError> {
        let query = sqlx::query("SELECT * FROM organizations WHERE org_id = ? AND user_id = ?")
            .bind(tenant.org.to_string())
            .bind(tenant.user.to_string());
        let row = self.row(READING, query).await?;
        row.map(|row| record(&row, READING)).transpose()
    }

    /// Notes that the replica is what the backend has.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`].
    pub async fn organization_is_fresh(&self, tenant: Tenant) -> Result<Timestamp, StoreError> {
        let mut write = self.write("noting that an organization is fresh").await?;
        let at = write.at();
        let update =
            sqlx::query("UPDATE organizations SET fresh_at = ? WHERE org_id = ? AND user_id = ?")
                .bind(at.as_millisecond())
                .bind(tenant.org.to_string())
                .bind(tenant.user.to_string());
        if write.execute(update).await? == 0 {
            write.abandon().await?;
            return Err(StoreError::TenantNotFound(tenant));
        }
        write.commit_plain().await?;
        Ok(at)
    }

    /// What of an organization waits.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn sync_counts(&self, tenant: Tenant) -> Result<SyncCounts, StoreError> {
        const DOING: &str = "counting what waits for sync";
        let query = sqlx::query(
            "WITH m AS (
                 SELECT seq, state, code, kind IN (SELECT value FROM json_each(?3)) AS told
                 FROM mutations WHERE org_id = ?1 AND user_id = ?2
             )
             SELECT COUNT(*) FILTER (WHERE NOT told AND state IN ('pending', 'sending')) AS waiting,
                    COUNT(*) FILTER (WHERE NOT told AND state = 'conflict') AS conflicts,
                    COUNT(*) FILTER (WHERE NOT told AND state = 'parked') AS parked,
                    (SELECT code FROM m WHERE NOT told AND state = 'parked' ORDER BY seq DESC LIMIT 1)
                        AS parked_code,
                    COUNT(*) FILTER (WHERE told AND state IN ('pending', 'sending', 'conflict')) AS told_waiting,
                    COUNT(*) FILTER (WHERE told AND state = 'parked') AS told_refused,
                    (SELECT code FROM m WHERE told AND state = 'parked' ORDER BY seq DESC LIMIT 1) AS told_code
             FROM m",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string())
        .bind(told::kinds());
        let Some(row) = self.row(DOING, query).await? else {
            return Ok(SyncCounts::default());
        };
        let columns = Columns::of(&row, DOING);
        Ok(SyncCounts {
            waiting: columns.number("waiting")?,
            conflicts: columns.number("conflicts")?,
            parked: columns.number("parked")?,
            parked_code: columns.get("parked_code")?,
            told: ToldCounts {
                waiting: columns.number("told_waiting")?,
                refused: columns.number("told_refused")?,
                refused_code: columns.get("told_code")?,
            },
        })
    }

    /// Removes everything of an organization from this machine, because the membership has ended or the user
    /// wants it so: in one transaction with the audit event, which says how many changes went with it unsent.
    /// Nothing else ever removes a change that was not sent.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`].
    pub async fn wipe_organization(
        &self,
        tenant: Tenant,
        reason: &str,
    ) -> Result<Wiped, StoreError> {
        let mut write = self.write("removing an organization").await?;
        let query = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM mutations WHERE org_id = ?1 AND user_id = ?2 AND state <> 'applied')
                        AS unsent,
                    (SELECT COUNT(*) FROM replica_rows WHERE org_id = ?1 AND user_id = ?2 AND staged = 0) AS rows",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
        let row = write.one(query).await?;
        let columns = Columns::of(&row, write.doing());
        let wiped = Wiped {
            unsent: columns.number("unsent")?,
            rows: columns.number("rows")?,
        };
        servers::orphan_all(&mut write, tenant).await?;
        write.changes_servers(true);
        // What refers to it goes with it.
        let delete = sqlx::query("DELETE FROM organizations WHERE org_id = ? AND user_id = ?")
            .bind(tenant.org.to_string())
            .bind(tenant.user.to_string());
        if write.execute(delete).await? == 0 {
            write.abandon().await?;
            return Err(StoreError::TenantNotFound(tenant));
        }
        write
            .commit(Change {
                action: "sync.organization_wiped",
                subject: Subject::Organization(tenant.org),
                details: json!({
                    "reason": reason,
                    "rows": wiped.rows,
                    "unsent": wiped.unsent,
                    "user_id": tenant.user,
                }),
                op: Op::Delete,
                payload: json!({"user_id": tenant.user}),
            })
            .await?;
        Ok(wiped)
    }
}

/// Where the replica is; what is done to it goes on from there and from nowhere else.
pub(super) async fn cursor(write: &mut Write, tenant: Tenant) -> Result<Cursor, StoreError> {
    let query = sqlx::query("SELECT * FROM organizations WHERE org_id = ? AND user_id = ?")
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
    match write.row(query).await? {
        Some(row) => cursor_of(&Columns::of(&row, write.doing())),
        None => Err(StoreError::TenantNotFound(tenant)),
    }
}

fn cursor_of(columns: &Columns<'_>) -> Result<Cursor, StoreError> {
    let staged_rev: Option<i64> = columns.get("staged_rev")?;
    let staged_token: Option<String> = columns.get("staged_token")?;
    Ok(Cursor {
        rev: columns.get("rev")?,
        token: columns.get("token")?,
        staged: staged_rev.map(|rev| (rev, staged_token)),
    })
}

fn record(row: &SqliteRow, doing: &'static str) -> Result<OrganizationRecord, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(OrganizationRecord {
        tenant: Tenant {
            org: columns.parse::<OrganizationId>("org_id")?,
            user: columns.parse::<UserId>("user_id")?,
        },
        url: columns.get("url")?,
        name: columns.get("name")?,
        role: columns.word("role")?,
        cursor: cursor_of(&columns)?,
        fresh_at: columns.maybe_moment("fresh_at")?,
        added_at: columns.moment("added_at")?,
    })
}
