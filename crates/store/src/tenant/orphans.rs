//! Secrets of shared servers that are gone, or are reached otherwise now, until the keychain no longer has them.

use std::collections::BTreeSet;

use berth_protocol::{McpConfiguration, McpConfigurationId};
use serde_json::json;

use super::sign_ins;
use crate::{Store, StoreError, columns::Columns, write::Write};

/// A secret of a server that is gone, or is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpOrphan {
    /// The server.
    pub id: McpConfigurationId,
    /// The secret, as [`berth_protocol::McpDraft::secrets`] names them, or [`McpConfiguration::SIGN_IN`].
    pub name: String,
    /// It was known to be in the keychain; others may be there.
    pub known: bool,
    /// The server has it again.
    pub is_kept: bool,
}

impl Store {
    /// Secrets that are to be removed from the keychain.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn mcp_orphans(&self) -> Result<Vec<McpOrphan>, StoreError> {
        const DOING: &str = "reading which secrets are left of MCP servers";
        let query = sqlx::query(
            "SELECT o.*, EXISTS (
                 SELECT 1 FROM mcp_configurations AS c, json_each(c.kept_secrets) AS k
                 WHERE c.id = o.configuration_id AND k.value = o.name
             ) AS is_kept FROM mcp_orphans AS o ORDER BY configuration_id, name",
        );
        let rows = self.rows(DOING, query).await?;
        let found = rows.iter().map(|row| {
            let columns = Columns::of(row, DOING);
            Ok(McpOrphan {
                id: columns.parse("configuration_id")?,
                name: columns.get("name")?,
                known: columns.get("known")?,
                is_kept: columns.get("is_kept")?,
            })
        });
        found.collect()
    }

    /// A secret is in the keychain no longer, or is the server's again: then it was not `removed`.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn forget_mcp_orphan(
        &self,
        orphan: &McpOrphan,
        removed: bool,
    ) -> Result<(), StoreError> {
        let mut write = self.write("forgetting a secret of an MCP server").await?;
        let id = orphan.id.to_string();
        let delete = sqlx::query("DELETE FROM mcp_orphans WHERE configuration_id = ? AND name = ?");
        let delete = delete.bind(id.clone()).bind(orphan.name.clone());
        write.execute(delete).await?;
        if !removed || !orphan.known {
            return write.commit_plain().await;
        }
        write.changes_servers(false);
        let details = json!({"secret": orphan.name});
        write
            .commit_note("mcp.secret_removed", "mcp", &id, &details)
            .await
    }
}

/// Notes which secrets of a server are to be removed from the keychain: those that do not stay.
pub(super) async fn orphan(
    write: &mut Write,
    server: &McpConfiguration,
    stays: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut names = server.draft.secrets();
    if server.draft.is_oauth() {
        names.insert(McpConfiguration::SIGN_IN.to_owned());
    }
    names.extend(server.kept_secrets.iter().cloned());
    if !stays.contains(McpConfiguration::SIGN_IN) {
        sign_ins::ended(write, server.id).await?;
    }
    for name in names.difference(stays) {
        let insert = sqlx::query(
            "INSERT INTO mcp_orphans (configuration_id, name, known) VALUES (?, ?, ?)
             ON CONFLICT (configuration_id, name) DO UPDATE SET known = max(known, excluded.known)",
        )
        .bind(server.id.to_string())
        .bind(name.clone())
        .bind(server.kept_secrets.contains(name));
        write.execute(insert).await?;
    }
    Ok(())
}
