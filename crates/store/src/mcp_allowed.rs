//! Tools of MCP servers that users were asked about, and have allowed in a project from then on.

use berth_protocol::{McpConfigurationId, ProjectId};
use serde_json::json;

use crate::{Store, StoreError, columns::Columns, write::Write};

impl Store {
    /// Allows a tool in a project.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn allow_mcp_tool(
        &self,
        id: McpConfigurationId,
        project: ProjectId,
        tool: &str,
    ) -> Result<(), StoreError> {
        let mut write = self.write("allowing an MCP tool in a project").await?;
        let insert = sqlx::query(
            "INSERT INTO mcp_allowed (configuration_id, project_id, tool, allowed_at)
             VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(tool)
        .bind(write.at().as_millisecond());
        write.execute(insert).await?;
        let details = json!({"project_id": project, "tool": tool});
        write
            .commit_note("mcp.allowed", "mcp", &id.to_string(), &details)
            .await
    }

    /// A tool is allowed in a project.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn is_mcp_tool_allowed(
        &self,
        id: McpConfigurationId,
        project: ProjectId,
        tool: &str,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "SELECT 1 FROM mcp_allowed WHERE configuration_id = ? AND project_id = ? AND tool = ?",
        );
        let query = query.bind(id.to_string()).bind(project.to_string());
        let found = self.row("reading which MCP tools are allowed", query.bind(tool));
        Ok(found.await?.is_some())
    }
}

/// Forgets where these tools of a server were allowed.
pub(crate) async fn forget(
    write: &mut Write,
    id: McpConfigurationId,
    which: impl Fn(&str) -> bool,
) -> Result<(), StoreError> {
    let tools = sqlx::query("SELECT DISTINCT tool FROM mcp_allowed WHERE configuration_id = ?");
    for row in write.rows(tools.bind(id.to_string())).await? {
        let tool: String = Columns::of(&row, write.doing()).get("tool")?;
        if which(&tool) {
            let delete =
                sqlx::query("DELETE FROM mcp_allowed WHERE configuration_id = ? AND tool = ?");
            let delete = delete.bind(id.to_string()).bind(tool);
            write.execute(delete).await?;
        }
    }
    Ok(())
}
