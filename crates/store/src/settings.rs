//! Settings: small values under a name; never a secret. Those that say what is allowed are policies, which
//! the audit trail tells of; the others are plain, without audit or sync.

use berth_protocol::PromptPolicy;
use serde_json::json;
use uuid::Uuid;

use crate::{
    Op, Store, StoreError,
    columns::Columns,
    write::{Change, Subject, Write},
};

/// The setting that tells this store from others.
const INSTALLATION: &str = "installation";

/// The setting with the policy on prompts, as JSON.
const PROMPTS: &str = "policy.prompts";

pub(crate) const SET: &str = "INSERT INTO settings (key, value) VALUES (?, ?)
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// As [`Store::installation`], within a write.
pub(crate) async fn installation(write: &mut Write) -> Result<String, StoreError> {
    // Somebody may have been faster.
    let insert =
        sqlx::query("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING");
    let made = Uuid::new_v4().to_string();
    write.execute(insert.bind(INSTALLATION).bind(made)).await?;
    let query = sqlx::query("SELECT value FROM settings WHERE key = ?").bind(INSTALLATION);
    let row = write.one(query).await?;
    Columns::of(&row, write.doing()).get("value")
}

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
        let installation = installation(&mut write).await?;
        write.commit_plain().await?;
        Ok(installation)
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut write = self.write("changing a setting").await?;
        write
            .execute(sqlx::query(SET).bind(key).bind(value))
            .await?;
        write.commit_plain().await
    }

    /// What holds for all prompts; the default when nobody has said anything.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be read: it is not taken for the default.
    pub async fn prompt_policy(&self) -> Result<PromptPolicy, StoreError> {
        const DOING: &str = "reading the policy on prompts";
        let query = sqlx::query("SELECT value FROM settings WHERE key = ?").bind(PROMPTS);
        let row = self.row(DOING, query).await?;
        row.map_or(Ok(PromptPolicy::default()), |row| {
            Columns::of(&row, DOING).json("value")
        })
    }

    /// Sets what holds for all prompts.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn set_prompt_policy(&self, policy: PromptPolicy) -> Result<(), StoreError> {
        let mut write = self.write("changing the policy on prompts").await?;
        let text = json!(policy).to_string();
        write
            .execute(sqlx::query(SET).bind(PROMPTS).bind(text))
            .await?;
        write
            .commit(Change {
                action: "policy.changed",
                subject: Subject::Policy("prompts"),
                details: json!(policy),
                op: Op::Upsert,
                payload: json!({}),
            })
            .await
    }
}
