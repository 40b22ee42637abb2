//! Brings a tenant backend's database to the schema of this version.
//!
//! The migrations are plain SQL for the role `postgres` of a hosted project, built into the program. What was
//! applied is recorded where Supabase's own tool keeps it (`supabase_migrations.schema_migrations`), so that
//! `supabase db push` and this agree about one database. Each migration is one transaction with its record, and
//! the history is read again inside of it, under a lock: whoever comes second, or begins again after an
//! interruption, goes on where the database is.

mod address;
mod history;

use std::time::Duration;

use berth_protocol::Secret;
use sqlx::{Connection, PgConnection, Postgres, Transaction, migrate::Migrator};

pub(crate) use address::connect;
use history::Recorded;

/// The files of `migrations/tenant`.
static EMBEDDED: Migrator = sqlx::migrate!("../../migrations/tenant");

/// The key of the lock that is held while a migration is applied: "berth" in ASCII.
const LOCK: i64 = 0x62_65_72_74_68;

/// How long a goodbye to the server may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// How long a statement waits for a lock of somebody else, in the words of the server.
const LOCK_LIMIT: &str = "set local lock_timeout = '60s'";

/// What the server says when that time is over: `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Makes the history as Supabase's tool makes it, also from an older form of it.
const MAKE_HISTORY: &str = "
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
";

/// A migration of the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Year, month, day, hour, minute and second, as 14 digits. Migrations are applied in this order.
    pub version: String,
    /// What it is about.
    pub name: String,
    /// Its statements.
    pub sql: &'static str,
}

/// A migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// The migration.
    pub migration: Migration,
    /// The database has it.
    pub applied: bool,
}

/// Why a database cannot be brought to the schema of this version. What was applied before stays, and each
/// migration is applied whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It is no address of a Postgres database. The address is not repeated: it may hold a password.
    #[error("the address of the database cannot be read: {reason}")]
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Whoever is between would read the password and everything else.
    #[error(
        "the database is on another machine, and its address asks for a connection without encryption"
    )]
    Unencrypted,
    /// It was not reached, or did not let us in.
    #[error("the database {host} cannot be reached")]
    Connect {
        /// Where it should be.
        host: String,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
    /// Nothing came back from where it should be, neither a yes nor a no.
    #[error("the database {host} did not answer within {seconds} seconds")]
    NoAnswer {
        /// Where it should be.
        host: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Somebody else holds what is needed, for longer than is waited for. Nothing was changed by this step.
    #[error("the database is held by somebody else: a lock was not given in time")]
    Busy {
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// A migration of this version was applied with other statements.
    #[error(
        "migration {version} ({name}) was applied to this database with other statements than this program has"
    )]
    Changed {
        /// The migration.
        version: String,
        /// What it is about.
        name: String,
    },
    /// The database belongs to a newer program.
    #[error("the database has migration {found}, and this program knows those up to {known} only")]
    Newer {
        /// The newest that the database has.
        found: String,
        /// The newest that this program has.
        known: String,
    },
    /// One is missing although a later one is there.
    #[error("migration {missing} was not applied to this database, although the later {later} was")]
    Gap {
        /// The migration that is missing.
        missing: String,
        /// One that was applied.
        later: String,
    },
    /// What was applied cannot be read or recorded.
    #[error("the history of migrations cannot be {doing}")]
    History {
        /// What was tried.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed. The database is as it was before it.
    #[error(
        "migration {version} ({name}) could not be applied; the database is as it was before it"
    )]
    Failed {
        /// The migration.
        version: String,
        /// What it is about.
        name: String,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
}

impl MigrateError {
    /// The history could not be read or written, or somebody else holds it.
    fn history(doing: &'static str, source: sqlx::Error) -> Self {
        if is_lock_timeout(&source) {
            return Self::Busy { source };
        }
        Self::History { doing, source }
    }

    /// A migration failed, or somebody else holds what it changes.
    fn failed(migration: &Migration, source: sqlx::Error) -> Self {
        if is_lock_timeout(&source) {
            return Self::Busy { source };
        }
        Self::Failed {
            version: migration.version.clone(),
            name: migration.name.clone(),
            source,
        }
    }

    /// A stable code to match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "tenant.database_address",
            Self::Unencrypted => "tenant.database_unencrypted",
            Self::Connect { .. } => "tenant.database_unreachable",
            Self::NoAnswer { .. } => "tenant.database_no_answer",
            Self::Busy { .. } => "tenant.database_busy",
            Self::Changed { .. } => "tenant.migration_changed",
            Self::Newer { .. } => "tenant.database_newer",
            Self::Gap { .. } => "tenant.migration_gap",
            Self::History { .. } => "tenant.migration_history",
            Self::Failed { .. } => "tenant.migration_failed",
        }
    }

    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => {
                "It looks like postgres://postgres:PASSWORD@HOST:5432/postgres."
            }
            Self::Unencrypted => "Remove sslmode from the address, or make it verify-full.",
            Self::Connect { .. } => {
                "Check host, port and password. The certificate is checked: of a hosted project, download it from \
                 the database settings and name the file with ?sslrootcert=FILE."
            }
            Self::NoAnswer { .. } => {
                "Check host and port, and whether a firewall is between: it may drop what is sent without a word. A \
                 project that was paused has to be resumed first."
            }
            Self::Busy { .. } => {
                "Wait until the other migration or long transaction has ended (pg_stat_activity shows it), or end it; \
                 then run the same again."
            }
            Self::Changed { .. } => {
                "Use the version of Berth that made this database, or see what was changed in it by hand."
            }
            Self::Newer { .. } => "Use a newer version of Berth. Nothing was changed.",
            Self::Gap { .. } => "Apply the missing one by hand, or restore the database.",
            Self::History { .. } => "Connect as the role postgres of the project.",
            Self::Failed { .. } => {
                "Once the cause is gone, run the same again: it goes on where the database is."
            }
        }
    }
}

/// Somebody else has held a lock for longer than is waited for.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|said| said.code())
        .is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}

/// The migrations of this version, in their order.
pub fn migrations() -> Vec<Migration> {
    let all = EMBEDDED.iter().map(|migration| Migration {
        version: format!("{:014}", migration.version),
        // sqlx shows the underscores of the file's name as blanks.
        name: migration.description.replace(' ', "_"),
        sql: migration.sql.as_str(),
    });
    all.collect()
}

/// What of this version's schema a database has.
///
/// # Errors
/// [`MigrateError`], but for [`MigrateError::Failed`]; nothing is changed.
pub async fn status(url: &Secret<String>) -> Result<Vec<MigrationState>, MigrateError> {
    let mut conn = connect(url).await?;
    let known = migrations();
    let recorded = recorded(&mut conn).await;
    close(conn).await;
    let pending = history::pending(&known, &recorded?)?;
    let missing = pending.len();
    let applied = known.len() - missing;
    let states = known
        .into_iter()
        .enumerate()
        .map(|(place, migration)| MigrationState {
            migration,
            applied: place < applied,
        });
    Ok(states.collect())
}

/// Applies what a database does not have yet and says each that was applied; returns how many.
///
/// # Errors
/// [`MigrateError`]. What was applied before stays.
pub async fn migrate(
    url: &Secret<String>,
    mut applied: impl FnMut(&Migration),
) -> Result<usize, MigrateError> {
    let mut conn = connect(url).await?;
    let known = migrations();
    let mut count = 0;
    let outcome = loop {
        match next(&mut conn, &known).await {
            Ok(Some(migration)) => {
                count += 1;
                applied(migration);
            }
            Ok(None) => break Ok(count),
            Err(error) => break Err(error),
        }
    };
    close(conn).await;
    outcome
}

/// What was applied, read in a transaction of its own.
async fn recorded(conn: &mut PgConnection) -> Result<Vec<Recorded>, MigrateError> {
    let mut transaction = begin(conn).await?;
    history::read(&mut transaction).await
}

/// Begins a transaction that waits for nobody without end.
async fn begin(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, MigrateError> {
    let failed = |source| MigrateError::history("read", source);
    let mut transaction = conn.begin().await.map_err(failed)?;
    sqlx::query(LOCK_LIMIT)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    Ok(transaction)
}

/// Applies the first migration that is missing, in a transaction that has the lock.
async fn next<'a>(
    conn: &mut PgConnection,
    known: &'a [Migration],
) -> Result<Option<&'a Migration>, MigrateError> {
    let failed = |doing| move |source| MigrateError::history(doing, source);
    let mut transaction = begin(conn).await?;
    // Of the transaction and not of the session: it holds behind a pooler too.
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(failed("read"))?;
    let recorded: Vec<Recorded> = history::read(&mut transaction).await?;
    let pending = history::pending(known, &recorded)?;
    let Some(migration) = pending.first() else {
        return Ok(None);
    };
    sqlx::raw_sql(MAKE_HISTORY)
        .execute(&mut *transaction)
        .await
        .map_err(failed("made"))?;
    sqlx::raw_sql(migration.sql)
        .execute(&mut *transaction)
        .await
        .map_err(|source| MigrateError::failed(migration, source))?;
    history::record(&mut transaction, migration).await?;
    transaction.commit().await.map_err(failed("recorded"))?;
    Ok(Some(migration))
}

/// Says goodbye to the server. What was not committed until here never will be: a transaction that was given up is
/// rolled back on the way out, or by the server once the connection is gone. So a failure changes nothing.
pub(crate) async fn close(conn: PgConnection) {
    let _ = tokio::time::timeout(CLOSE_LIMIT, conn.close()).await;
}
