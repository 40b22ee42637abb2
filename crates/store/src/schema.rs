//! The migrations that this program knows, and the look at a file before it is touched.
//!
//! A store of a newer program must stay exactly as it is, so the file is read before anything that
//! could write to it: before the switch to WAL, before a migration.

use std::{collections::BTreeMap, path::Path};

use sqlx::{Connection, Row, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};

use crate::StoreError;

/// The schema, in the order in which it grew.
static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/local");

const DOING: &str = "reading the store's schema version";

/// The newest version that this program knows.
pub(crate) fn known() -> i64 {
    MIGRATOR.iter().map(|m| m.version).max().unwrap_or_default()
}

/// Brings the store to the newest version.
pub(crate) async fn migrate(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    MIGRATOR
        .run(conn)
        .await
        .map_err(|error| StoreError::migrate(error, known()))
}

/// Refuses a file that this program must not write to, without changing a byte of it.
///
/// # Errors
/// [`StoreError::Newer`], [`StoreError::MigrationHalfApplied`], [`StoreError::MigrationModified`]
/// and [`StoreError::Corrupt`] among those of any read.
pub(crate) async fn inspect(path: &Path) -> Result<(), StoreError> {
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(StoreError::file("looking at", path.to_owned(), error)),
    };
    let outcome = if size == 0 && !has_journal(path) {
        Ok(())
    } else {
        check_applied(path).await
    };
    match outcome {
        // A first start that was killed can leave a rollback journal, which must be rolled back
        // before anything can be read. No released store is in that state, so opening it for
        // writing cannot touch a newer one; the migrator checks the versions again.
        Err(error) if error.is_read_only() => Ok(()),
        outcome => outcome,
    }
}

async fn check_applied(path: &Path) -> Result<(), StoreError> {
    let read = |error| StoreError::sql(DOING, error);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        // Without a journal there is nothing beside the file that could hold a newer version, and
        // "immutable" keeps SQLite from making the files that it wants beside a WAL database. With
        // one, the journal must be read, which a read-only connection does without writing to it.
        .immutable(!has_journal(path));
    let mut conn = SqliteConnection::connect_with(&options)
        .await
        .map_err(read)?;
    let tables = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_optional(&mut conn)
        .await
        .map_err(read)?;
    let rows = match tables {
        None => Vec::new(),
        Some(_) => sqlx::query("SELECT version, success, checksum FROM _sqlx_migrations")
            .fetch_all(&mut conn)
            .await
            .map_err(read)?,
    };
    conn.close().await.map_err(read)?;

    let known: BTreeMap<i64, &[u8]> = MIGRATOR
        .iter()
        .map(|migration| (migration.version, &*migration.checksum))
        .collect();
    let mut unknown = None;
    let mut refusal = None;
    for row in &rows {
        let version: i64 = row.try_get("version").map_err(read)?;
        let success: bool = row.try_get("success").map_err(read)?;
        let checksum: &[u8] = row.try_get("checksum").map_err(read)?;
        match known.get(&version) {
            None => unknown = unknown.max(Some(version)),
            Some(_) if !success => refusal = Some(StoreError::MigrationHalfApplied { version }),
            Some(expected) if *expected != checksum => {
                refusal = Some(StoreError::MigrationModified { version });
            }
            Some(_) => {}
        }
    }
    match (unknown, refusal) {
        (Some(found), _) => Err(StoreError::Newer {
            found,
            known: self::known(),
        }),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Ok(()),
    }
}

/// There are changes beside the file that are not in it yet.
fn has_journal(path: &Path) -> bool {
    ["-wal", "-journal"].iter().any(|suffix| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        std::fs::metadata(Path::new(&beside)).is_ok_and(|metadata| metadata.len() > 0)
    })
}
