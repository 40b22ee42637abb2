use berth_protocol::Code;

use crate::{Store, StoreError};

/// Sets the number of pages that the file may have, on the connection that writes. SQLite then
/// fails with `SQLITE_FULL` as it does on a full disk.
async fn limit_pages(store: &Store, pages: i64) {
    let mut write = store.write("limiting the file").await.unwrap();
    let pragma = sqlx::query(sqlx::AssertSqlSafe(format!(
        "PRAGMA max_page_count = {pages}"
    )));
    write.row(pragma).await.unwrap();
    write.commit_plain().await.unwrap();
}

#[tokio::test]
async fn a_full_file_is_told_as_full_and_writing_works_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let project = store.create_project("/a", "a").await.unwrap();

    // Less than the file has already means: no page more.
    limit_pages(&store, 1).await;
    let large = "x".repeat(100_000);
    let error = store.create_project("/b", &large).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(error.code(), Code::StoreFull);
    assert_eq!(
        store.projects().await.unwrap(),
        [project],
        "what was acknowledged is there, what failed is not"
    );

    // The failed write gave up its connection, and the limit with it.
    store.create_project("/b", &large).await.unwrap();
    assert_eq!(store.projects().await.unwrap().len(), 2);
    assert!(store.verify_audit().await.unwrap().valid);
    assert_eq!(store.outbox(0, 100).await.unwrap().len(), 2);
}
