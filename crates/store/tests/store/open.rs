use std::{path::Path, time::Duration};

use berth_protocol::{Code, Role};
use berth_store::{FILE_NAME, Store, StoreError};
use tempfile::TempDir;

use crate::support::{Fixture, assert_consistent, execute, files, raw};

/// Opens a store that must be refused and checks that no byte beside or in it changed.
async fn refused(folder: &Path) -> StoreError {
    let before = files(folder);
    let error = Store::open(folder).await.unwrap_err();
    assert!(files(folder) == before, "the files were touched: {error}");
    error
}

async fn closed_after(sql: &'static str) -> TempDir {
    let (fixture, ..) = Fixture::with_session().await;
    let folder = fixture.closed().await;
    let mut conn = raw(&folder.path().join(FILE_NAME)).await;
    execute(&mut conn, sql).await;
    sqlx::Connection::close(conn).await.unwrap();
    folder
}

const ADD_NEWER: &str = "INSERT INTO _sqlx_migrations VALUES
    (9998, 'later', CURRENT_TIMESTAMP, TRUE, x'00', 1),
    (9999, 'later still', CURRENT_TIMESTAMP, TRUE, x'00', 1);";

#[tokio::test]
async fn a_newer_store_is_refused_and_not_touched() {
    let folder = closed_after(ADD_NEWER).await;
    let error = refused(folder.path()).await;
    let StoreError::Newer { found, known } = error else {
        panic!("{error:?}");
    };
    assert_eq!(found, 9999);
    assert!(known < found);
    assert_eq!(error.code(), Code::StoreNewer);
}

#[tokio::test]
async fn a_newer_store_that_is_not_in_wal_mode_stays_so() {
    let folder = closed_after(ADD_NEWER).await;
    let mut conn = raw(&folder.path().join(FILE_NAME)).await;
    execute(&mut conn, "PRAGMA journal_mode = DELETE").await;
    sqlx::Connection::close(conn).await.unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_version_that_is_in_the_wal_only_is_seen() {
    let (fixture, ..) = Fixture::with_session().await;
    let mut conn = fixture.raw().await;
    execute(&mut conn, ADD_NEWER).await;
    // What a killed program leaves: the file, and a WAL that nobody moved into it.
    let killed = tempfile::tempdir().unwrap();
    for name in ["berth.db", "berth.db-wal"] {
        let from = fixture.folder.path().join(name);
        std::fs::copy(from, killed.path().join(name)).unwrap();
    }
    let before = files(killed.path());
    let error = Store::open(killed.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
    // A connection that was dropped would close, and write, in a thread of its own.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let after = files(killed.path());
    for name in ["berth.db", "berth.db-wal"] {
        assert!(before[name] == after[name], "{name} was touched");
    }
}

#[tokio::test]
async fn a_half_applied_migration_is_refused() {
    let folder =
        closed_after("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 1").await;
    let error = refused(folder.path()).await;
    assert!(matches!(
        error,
        StoreError::MigrationHalfApplied { version: 1 }
    ));
}

#[tokio::test]
async fn a_modified_migration_is_refused() {
    let folder =
        closed_after("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await;
    let error = refused(folder.path()).await;
    assert!(matches!(
        error,
        StoreError::MigrationModified { version: 1 }
    ));
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), "no database".repeat(1000)).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(error.code(), Code::StoreCorrupt);
}

#[tokio::test]
async fn a_cut_off_file_is_refused() {
    let folder = closed_after("SELECT 1").await;
    let path = folder.path().join(FILE_NAME);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn damage_that_is_found_later_is_told_as_damage() {
    let (fixture, _, session) = Fixture::with_session().await;
    let text = "x".repeat(200);
    for _ in 0..200 {
        let append = fixture
            .store
            .append_message(session.id, Role::User, &text, 1);
        append.await.unwrap();
    }
    let folder = fixture.closed().await;
    let path = folder.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4096) {
        if page.windows(text.len()).any(|part| part == text.as_bytes()) {
            page.fill(0xa5);
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let error = store.messages(session.id, 0, 1000).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(store.sessions().await.unwrap().len(), 1, "the rest is read");
}

#[tokio::test]
async fn a_value_that_cannot_be_is_told_as_damage() {
    let (fixture, ..) = Fixture::with_session().await;
    let mut conn = fixture.raw().await;
    execute(&mut conn, "UPDATE sessions SET transport = 'pigeon'").await;
    let error = fixture.store.sessions().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_store_is_opened_by_its_folder_or_its_file_and_keeps_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep").join("er").join(FILE_NAME);
    let store = Store::open(&file).await.unwrap();
    store.create_project("/a", "a").await.unwrap();
    assert!(store.schema_version() >= 1);
    store.close().await;

    let again = Store::open(file.parent().unwrap()).await.unwrap();
    assert_eq!(again.path(), file);
    assert_eq!(again.projects().await.unwrap().len(), 1);
    assert_consistent(&again).await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let (fixture, ..) = Fixture::with_session().await;
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("berth.db")).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
    assert_eq!(error.code(), Code::StoreUnavailable);
}
