//! Which audit events go to which organization, and how far they are.
//!
//! The trail of a machine is one chain, and its events say nothing of organizations. What belongs to one is a span
//! of the chain: from the moment that it becomes the active one to the moment that another does, or none. So an
//! event belongs to one pair at most, nothing from before goes anywhere, and neither the chain nor what writes to
//! it needs to know. What is noted of another organization meanwhile goes nowhere. A server on which several are active
//! at once needs a mark on each event instead; that replaces `spans!` alone.
//!
//! Signing in and out are the exception: a sign-in opens all organizations of its user to this machine at once, whichever
//! becomes the active one and when. So each of them is told of it, by a span of that one event.

use berth_protocol::{AuditEvent, UserId, tenant::Tenant};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::{PAGE_MAX, event},
    columns::Columns,
    settings::SET,
    write::Write,
};

const DOING: &str = "reading the audit events of an organization";

/// The events of a pair that the backend has not answered, as the one place that knows which these are.
macro_rules! spans {
    ($begin:literal, $end:literal) => {
        concat!(
            $begin,
            " FROM audit_spans AS s
             JOIN organizations AS o ON o.org_id = s.org_id AND o.user_id = s.user_id
             JOIN audit_events AS e ON e.seq > MAX(s.after_seq, o.audit_seq)
                 AND e.seq <= COALESCE(s.until_seq, 9223372036854775807)
             WHERE s.org_id = ? AND s.user_id = ?
               AND e.action <> 'org.backend_named'
               AND (e.subject_kind <> 'organization' OR e.subject_id IN ('account', s.org_id))
               AND (e.action NOT LIKE 'sync.%'
                    OR COALESCE(json_extract(e.details, '$.org_id'), e.subject_id) = s.org_id) ",
            $end
        )
    };
}

const EVENTS: &str = spans!("SELECT e.*", "ORDER BY e.seq LIMIT ?");
const COUNT: &str = spans!("SELECT COUNT(*) AS waiting", "");

/// A span of the sign-in that is in force, for each pair of its user. A pair that has a later span, or whose open span has
/// the event, is told by that or was told before: events reach an organization in their order.
const TELL_SIGN_IN: &str = "
    INSERT INTO audit_spans (org_id, user_id, after_seq, until_seq)
    SELECT o.org_id, o.user_id, e.seq - 1, e.seq
    FROM organizations AS o
    JOIN audit_events AS e ON e.seq = (
        SELECT seq FROM audit_events
        WHERE action = 'org.signed_in' AND json_extract(details, '$.user_id') = ?1
        ORDER BY seq DESC LIMIT 1
    )
    WHERE o.user_id = ?1 AND e.seq > o.audit_seq
      AND NOT EXISTS (SELECT 1 FROM audit_events AS x WHERE x.action = 'org.signed_out' AND x.seq > e.seq)
      AND NOT EXISTS (
          SELECT 1 FROM audit_spans AS s
          WHERE s.org_id = o.org_id AND s.user_id = o.user_id
            AND COALESCE(s.until_seq, 9223372036854775807) >= e.seq
      )
    ON CONFLICT (org_id, user_id, after_seq) DO UPDATE SET until_seq = excluded.until_seq";

/// A span of the next event, for each pair of a user that has no open one.
const TELL_NEXT: &str = "
    INSERT INTO audit_spans (org_id, user_id, after_seq, until_seq)
    SELECT o.org_id, o.user_id, h.seq, h.seq + 1
    FROM organizations AS o, audit_head AS h
    WHERE o.user_id = ? AND NOT EXISTS (
        SELECT 1 FROM audit_spans AS s
        WHERE s.org_id = o.org_id AND s.user_id = o.user_id AND s.until_seq IS NULL
    )
    ON CONFLICT (org_id, user_id, after_seq) DO UPDATE SET until_seq = excluded.until_seq";

/// How many events of a pair wait, and were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditBacklog {
    /// Those that were not sent, or not answered.
    pub waiting: u64,
    /// Those that the backend has refused, in all.
    pub refused: u64,
    /// Why the last of them was.
    pub code: Option<String>,
}

/// The setting with the active pair.
const ACTIVE: &str = "tenant.active";

async fn keep_active(write: &mut Write, tenant: Option<Tenant>) -> Result<(), StoreError> {
    let kept = tenant.map(|tenant| json!(tenant).to_string());
    let set = sqlx::query(SET).bind(ACTIVE).bind(kept.unwrap_or_default());
    write.execute(set).await.map(drop)
}

impl Store {
    /// The pair that is active, as [`activate_tenant`](Self::activate_tenant) has kept it.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn active_tenant(&self) -> Result<Option<Tenant>, StoreError> {
        let kept = self.setting(ACTIVE).await?;
        Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
    }

    /// Keeps which pair is active, and so which one the audit events belong to from here on; none without one.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`].
    pub async fn activate_tenant(&self, tenant: Option<Tenant>) -> Result<(), StoreError> {
        let mut write = self.write("changing the active organization").await?;
        let open = sqlx::query("SELECT org_id, user_id FROM audit_spans WHERE until_seq IS NULL");
        if let Some(row) = write.row(open).await? {
            let columns = Columns::of(&row, write.doing());
            let open = Tenant {
                org: columns.parse("org_id")?,
                user: columns.parse("user_id")?,
            };
            if Some(open) == tenant {
                keep_active(&mut write, tenant).await?;
                return write.commit_plain().await;
            }
        }
        let close = sqlx::query(
            "UPDATE audit_spans SET until_seq = (SELECT seq FROM audit_head) WHERE until_seq IS NULL",
        );
        write.execute(close).await?;
        if let Some(tenant) = tenant {
            let begin = sqlx::query(
                "INSERT INTO audit_spans (org_id, user_id, after_seq)
                 SELECT o.org_id, o.user_id, h.seq FROM organizations AS o, audit_head AS h
                 WHERE o.org_id = ? AND o.user_id = ?
                 ON CONFLICT (org_id, user_id, after_seq) DO UPDATE SET until_seq = NULL",
            )
            .bind(tenant.org.to_string())
            .bind(tenant.user.to_string());
            if write.execute(begin).await? == 0 {
                write.abandon().await?;
                return Err(StoreError::TenantNotFound(tenant));
            }
        }
        keep_active(&mut write, tenant).await?;
        // Those of another organization hold now.
        write.changes_servers(true);
        write.commit_plain().await
    }

    /// Has the sign-in that is in force belong to each organization of its user that it does not belong to yet. To be
    /// called whenever organizations were looked up: those that come later are told of the sign-in that brings them too.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn tell_sign_in(&self, user: UserId) -> Result<(), StoreError> {
        let mut write = self.write("telling organizations of a sign-in").await?;
        let tell = sqlx::query(TELL_SIGN_IN).bind(user.to_string());
        write.execute(tell).await?;
        write.commit_plain().await
    }

    /// Notes that a user has signed out, which each of their organizations is told, not only the active one. It is sent
    /// once they sign in again. `at_backend` says whether the backend has ended the session too.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn note_sign_out(&self, user: UserId, at_backend: bool) -> Result<(), StoreError> {
        let mut write = self.write("noting that somebody has signed out").await?;
        let tell = sqlx::query(TELL_NEXT).bind(user.to_string());
        write.execute(tell).await?;
        let details = json!({"user_id": user, "at_backend": at_backend});
        write
            .commit_note("org.signed_out", "organization", "account", &details)
            .await
    }

    /// The next events that belong to a pair and that its backend has not answered, the oldest first, at most
    /// `limit` and at most 1,000.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn audit_outgoing(
        &self,
        tenant: Tenant,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let query = sqlx::query(EVENTS)
            .bind(tenant.org.to_string())
            .bind(tenant.user.to_string())
            .bind(limit.clamp(1, PAGE_MAX));
        self.rows(DOING, query).await?.iter().map(event).collect()
    }

    /// Notes that the backend has answered all events of a pair up to this `seq`, and refused so many of them.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`].
    pub async fn audit_answered(
        &self,
        tenant: Tenant,
        seq: i64,
        refused: u32,
        code: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut write = self.write("noting which audit events were sent").await?;
        let update = sqlx::query(
            "UPDATE organizations SET audit_seq = MAX(audit_seq, ?), audit_refused = audit_refused + ?,
                 audit_code = COALESCE(?, audit_code)
             WHERE org_id = ? AND user_id = ?",
        )
        .bind(seq)
        .bind(refused)
        .bind(code)
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
        if write.execute(update).await? == 0 {
            write.abandon().await?;
            return Err(StoreError::TenantNotFound(tenant));
        }
        write.commit_plain().await
    }

    /// How many events of a pair wait, and were refused.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn audit_backlog(&self, tenant: Tenant) -> Result<AuditBacklog, StoreError> {
        let query = sqlx::query(COUNT)
            .bind(tenant.org.to_string())
            .bind(tenant.user.to_string());
        let waiting = match self.row(DOING, query).await? {
            Some(row) => Columns::of(&row, DOING).number("waiting")?,
            None => 0,
        };
        let query = sqlx::query(
            "SELECT audit_refused, audit_code FROM organizations WHERE org_id = ? AND user_id = ?",
        )
        .bind(tenant.org.to_string())
        .bind(tenant.user.to_string());
        let Some(row) = self.row(DOING, query).await? else {
            return Ok(AuditBacklog::default());
        };
        let columns = Columns::of(&row, DOING);
        Ok(AuditBacklog {
            waiting,
            refused: columns.number("audit_refused")?,
            code: columns.get("audit_code")?,
        })
    }
}
