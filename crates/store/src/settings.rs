//! Settings: small values under a name. Plain, without audit or sync; never a secret.

use crate::{Store, StoreError, columns::Columns};

impl Store {
    /// The value of a setting, if it was set.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        const DOING: &str = "reading a setting";
        let query = sqlx::query("SELECT value FROM settings WHERE key = ?").bind(key);
        let row = self.row(DOING, query).await?;
        row.map(|row| Columns::of(&row, DOING).get("value"))
            .transpose()
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut write = self.write("changing a setting").await?;
        let query = sqlx::query(
            "INSERT INTO settings (key, value) VALUES (?, ?)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        );
        write.execute(query.bind(key).bind(value)).await?;
        write.commit_plain().await
    }
}
