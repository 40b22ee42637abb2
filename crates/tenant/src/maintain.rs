//! Applies retention to a tenant backend: what whoever runs one has done every day.
//!
//! All of it is one function of the database (`public.maintain`), so that it is the same by this, by cron of the database
//! and by hand. Nothing of the audit trail is deleted by it.

use berth_protocol::{OrganizationId, Secret};
use serde::Deserialize;
use sqlx::{Connection, PgConnection, Row};

use crate::migrate::{self, MigrateError};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Maintained {
    /// Each organization that has an audit trail, by its identifier.
    pub organizations: Vec<MaintainedOrganization>,
    /// Removed prompts of everybody that sync has no use for any more.
    pub global_purged: u64,
    /// Answers to changes that were remembered for clients that might send them again.
    pub answers_purged: u64,
    /// Tables of the schema `audit` with months that no organization keeps any more, the oldest first.
    pub put_aside: Vec<String>,
}

/// What was done for one organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MaintainedOrganization {
    /// Which.
    pub id: OrganizationId,
    /// Its name, if there is an organization to the trail.
    pub name: Option<String>,
    /// For how many days it keeps audit events.
    pub retention_days: u32,
    /// Audit events that were retired now.
    pub retired: u64,
    /// The last event that was ever retired; absent while none was.
    pub checkpoint: Option<i64>,
    /// Removed rows that sync has no use for any more.
    pub purged: u64,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    /// The database was not reached.
    #[error(transparent)]
    Database(#[from] MigrateError),
    /// It has not got the function.
    #[error("the database has an older schema, which knows no maintenance")]
    Older {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// Somebody else holds what is needed, for longer than is waited for.
    #[error("the database is held by somebody else: a lock was not given in time")]
    Busy {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// It failed, or may not be done by this role.
    #[error("retention could not be applied")]
    Failed {
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
}

/// What the server says of a function that is not there: `undefined_function`.
const UNDEFINED_FUNCTION: &str = "42883";

/// What it says to one of several who wait for each other: `deadlock_detected`.
const DEADLOCK: &str = "40P01";

/// The function of the database.
const FUNCTION: &str = "public.maintain";

impl MaintainError {
    fn of(source: sqlx::Error) -> Self {
        let said = source.as_database_error();
        let is = |code: &str| {
            said.and_then(|said| said.code())
                .is_some_and(|it| it == code)
        };
        let busy = migrate::is_lock_timeout(&source) || is(DEADLOCK);
        // It may miss another function too.
        let names_it = said.is_some_and(|said| said.message().contains(FUNCTION));
        let older = is(UNDEFINED_FUNCTION) && names_it;
        if busy {
            Self::Busy { source }
        } else if older {
            Self::Older { source }
        } else {
            Self::Failed { source }
        }
    }

    /// A stable code to match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Older { .. } => "tenant.database_older",
            Self::Busy { .. } => "tenant.database_busy",
            Self::Failed { .. } => "tenant.maintenance_failed",
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Database(error) => error.hint(),
            Self::Older { .. } => "Run `berth tenant migrate` first.",
            Self::Busy { .. } => {
                "Run it again when less happens there; pg_stat_activity shows who holds it. Nothing was changed."
            }
            Self::Failed { .. } => {
                "Connect as the role postgres of the project. Once the cause is gone, run the same again."
            }
        }
    }
}

/// Applies the retention of every organization of a backend, and removes what sync has no use for any more: all of it or
/// nothing. Done again, it does nothing more.
///
/// # Errors
/// [`MaintainError`].
pub async fn maintain(url: &Secret<String>) -> Result<Maintained, MaintainError> {
    let mut conn = migrate::connect(url).await?;
    let done = done(&mut conn).await;
    migrate::close(conn).await;
    done
}

async fn done(conn: &mut PgConnection) -> Result<Maintained, MaintainError> {
    let mut transaction = conn.begin().await.map_err(MaintainError::of)?;
    // The first time there may be much; what is waited for is limited by the function.
    sqlx::query("set local statement_timeout = 0")
        .execute(&mut *transaction)
        .await
        .map_err(MaintainError::of)?;
    let row = sqlx::query("select public.maintain()::text as done")
        .fetch_one(&mut *transaction)
        .await
        .map_err(MaintainError::of)?;
    let text: String = row.try_get("done").map_err(MaintainError::of)?;
    let done = serde_json::from_str(&text)
        .map_err(|error| MaintainError::of(sqlx::Error::Decode(Box::new(error))))?;
    transaction.commit().await.map_err(MaintainError::of)?;
    Ok(done)
}
