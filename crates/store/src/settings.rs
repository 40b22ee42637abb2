//! Settings: small values under a name. Plain, without audit or sync; never a secret.

use uuid::Uuid;

use crate::{Store, StoreError, columns::Columns};

/// The setting that tells this store from others.
const INSTALLATION: &str = "installation";

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

    /// What tells this store from others of the same user: made when it is first asked for.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn installation(&self) -> Result<String, StoreError> {
        if let Some(known) = self.setting(INSTALLATION).await? {
            return Ok(known);
        }
        let mut write = self.write("naming this installation").await?;
        // Somebody may have been faster.
        let insert =
            sqlx::query("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING");
        let made = Uuid::new_v4().to_string();
        write.execute(insert.bind(INSTALLATION).bind(made)).await?;
        let query = sqlx::query("SELECT value FROM settings WHERE key = ?").bind(INSTALLATION);
        let row = write.one(query).await?;
        let installation = Columns::of(&row, write.doing()).get("value")?;
        write.commit_plain().await?;
        Ok(installation)
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
