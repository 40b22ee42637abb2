//! MCP servers that cannot be read: one of them hides none of the others, is never started, and can be removed.

use std::collections::BTreeSet;

use berth_protocol::{
    McpAuth, McpConfiguration, McpConfigurationId, McpOffers, McpScope, McpServer, McpUnreadable,
    PromptTarget, ToolRules,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use sqlx::sqlite::SqliteRow;

use crate::{
    Op, Store, StoreError,
    columns::Columns,
    mcp,
    tenant::sign_ins,
    write::{Change, Subject, Write},
};

/// All servers that hold now.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    pub(crate) readable: Vec<McpConfiguration>,
    pub(crate) unreadable: Vec<McpUnreadable>,
}

impl Servers {
    pub(crate) fn of(rows: &[SqliteRow], doing: &'static str) -> Self {
        let mut servers = Self::default();
        for row in rows {
            match mcp::configuration(row, doing) {
                Ok(server) => servers.readable.push(server),
                Err(error) => match unreadable(row, doing) {
                    Ok(server) => servers.unreadable.push(server),
                    // Not even who it is: there is nothing to show.
                    Err(_) => tracing::error!(%error, "an MCP server cannot be read"),
                },
            }
        }
        servers
    }
}

fn unreadable(row: &SqliteRow, doing: &'static str) -> Result<McpUnreadable, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(McpUnreadable {
        id: columns.parse("id")?,
        scope: columns.word("scope").unwrap_or(McpScope::User),
        name: columns.get("name").unwrap_or_default(),
        parts: wrong(&columns),
    })
}

/// Which of its settings are not understood. What they say is told to nobody: it may be anything.
fn wrong(columns: &Columns<'_>) -> Vec<String> {
    fn fails<T: DeserializeOwned>(columns: &Columns<'_>, column: &'static str) -> bool {
        columns.json::<T>(column).is_err()
    }
    let parts = [
        ("server", fails::<McpServer>(columns, "server")),
        ("auth", fails::<McpAuth>(columns, "auth")),
        ("target", fails::<PromptTarget>(columns, "target")),
        ("rules", fails::<ToolRules>(columns, "rules")),
        ("offers", fails::<McpOffers>(columns, "offers")),
        (
            "kept_secrets",
            fails::<BTreeSet<String>>(columns, "kept_secrets"),
        ),
    ];
    let wrong = parts.iter().filter(|(_, fails)| *fails);
    wrong.map(|(name, _)| (*name).to_owned()).collect()
}

impl Store {
    /// The servers that hold now and cannot be read, by scope and name.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn unreadable_mcp(&self) -> Result<Vec<McpUnreadable>, StoreError> {
        Ok(self.servers_now().await?.unreadable.clone())
    }

    /// Removes a server that cannot be read. Its secrets are noted as orphans, as far as it names them.
    ///
    /// # Errors
    /// [`StoreError::McpNotFound`]; [`StoreError::McpChanged`] when it can be read by now.
    pub async fn delete_unreadable_mcp(&self, id: McpConfigurationId) -> Result<(), StoreError> {
        let mut write = self.write("removing an MCP server").await?;
        let row = write.row(mcp::one(id)).await?;
        let Some(row) = row else {
            write.abandon().await?;
            return Err(StoreError::McpNotFound(id));
        };
        if let Ok(server) = mcp::configuration(&row, write.doing()) {
            write.abandon().await?;
            let found = server.version;
            return Err(StoreError::McpChanged { id, found });
        }
        forget(&mut write, &row).await?;
        write
            .commit(Change {
                action: "mcp.deleted",
                subject: Subject::Mcp(id),
                details: json!({"unreadable": true}),
                op: Op::Delete,
                payload: json!({}),
            })
            .await
    }
}

/// Removes the row of a server that cannot be read, and notes its secrets as orphans.
pub(crate) async fn forget(write: &mut Write, row: &SqliteRow) -> Result<(), StoreError> {
    orphan(write, row).await?;
    let id: String = Columns::of(row, write.doing()).get("id")?;
    let delete = sqlx::query("DELETE FROM mcp_configurations WHERE id = ?");
    write.execute(delete.bind(id)).await.map(drop)
}

/// Notes the secrets of a server that cannot be read as orphans. An organization that was told of a sign-in there is told
/// that it has ended.
pub(crate) async fn orphan(write: &mut Write, row: &SqliteRow) -> Result<(), StoreError> {
    let columns = Columns::of(row, write.doing());
    let id: McpConfigurationId = columns.parse("id")?;
    let names: BTreeSet<String> = columns.json("kept_secrets").unwrap_or_default();
    for name in names {
        let insert = sqlx::query(
            "INSERT INTO mcp_orphans (configuration_id, name, known) VALUES (?, ?, 1)
             ON CONFLICT (configuration_id, name) DO UPDATE SET known = 1",
        );
        write
            .execute(insert.bind(id.to_string()).bind(name))
            .await?;
    }
    sign_ins::ended(write, id).await
}
