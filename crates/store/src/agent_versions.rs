//! What programs answered when asked for their version, so that they are not run again while their
//! file stays the same. A cache: nothing depends on an entry being there.

use crate::{
    Store, StoreError,
    columns::{Columns, signed},
};

impl Store {
    /// The version that the program at `path` reported, if its file still has this modification
    /// time (milliseconds since 1970) and size (bytes).
    ///
    /// # Errors
    /// Those of any read.
    pub async fn agent_version(
        &self,
        path: &str,
        mtime_ms: i64,
        size: u64,
    ) -> Result<Option<String>, StoreError> {
        const DOING: &str = "reading the version of an agent";
        let query = sqlx::query(
            "SELECT version FROM agent_versions WHERE path = ? AND mtime_ms = ? AND size = ?",
        )
        .bind(path)
        .bind(mtime_ms)
        .bind(signed(size));
        let row = self.row(DOING, query).await?;
        row.map(|row| Columns::of(&row, DOING).get("version"))
            .transpose()
    }

    /// Remembers the version that the program at `path` reported.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn set_agent_version(
        &self,
        path: &str,
        mtime_ms: i64,
        size: u64,
        version: &str,
    ) -> Result<(), StoreError> {
        let mut write = self.write("remembering the version of an agent").await?;
        let query = sqlx::query(
            "INSERT INTO agent_versions (path, mtime_ms, size, version, checked_at)
             VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (path) DO UPDATE SET
                 mtime_ms = excluded.mtime_ms, size = excluded.size,
                 version = excluded.version, checked_at = excluded.checked_at",
        )
        .bind(path)
        .bind(mtime_ms)
        .bind(signed(size))
        .bind(version)
        .bind(write.at().as_millisecond());
        write.execute(query).await?;
        write.commit_plain().await
    }
}
