//! What the tools of MCP servers were when they were accepted.

use std::collections::BTreeMap;

use berth_protocol::McpConfigurationId;
use serde_json::json;

use crate::{Store, StoreError, columns::Columns, mcp_allowed, write::Write};

impl Store {
    /// Compares a server's tools, by their hashes, with what they were when they were accepted. A tool that was
    /// never seen is accepted as it is; one that is something else than before is not, until
    /// [`accept_mcp_tools`](Self::accept_mcp_tools). Names the tools that are not.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn pin_mcp_tools(
        &self,
        id: McpConfigurationId,
        tools: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, StoreError> {
        let known = self.pins(id).await?;
        let is_known = |(tool, hash): (&String, &String)| {
            known
                .get(tool)
                .is_some_and(|(accepted, found)| accepted == hash && found.is_none())
        };
        // Nearly always nothing has changed, and nothing is to be written.
        if tools.iter().all(is_known) {
            return Ok(Vec::new());
        }
        let mut write = self.write("looking at an MCP server's tools").await?;
        let known = pins(&mut write, id).await?;
        let mut changed = Vec::new();
        let mut news = Vec::new();
        for (tool, hash) in tools {
            let (accepted, found) = match known.get(tool) {
                None => (hash, None),
                Some((accepted, _)) if accepted == hash => (accepted, None),
                Some((accepted, known)) => {
                    changed.push(tool.clone());
                    if known.as_ref() != Some(hash) {
                        news.push(json!({"accepted": accepted, "found": hash, "tool": tool}));
                    }
                    (accepted, Some(hash))
                }
            };
            let set = sqlx::query(
                "INSERT INTO mcp_pins (configuration_id, tool, accepted, found) VALUES (?, ?, ?, ?)
                 ON CONFLICT (configuration_id, tool) DO UPDATE SET found = excluded.found",
            );
            let set = set.bind(id.to_string()).bind(tool).bind(accepted);
            write.execute(set.bind(found)).await?;
        }
        if news.is_empty() {
            write.commit_plain().await?;
        } else {
            let details = json!({"tools": news});
            write
                .commit_note("mcp.quarantined", "mcp", &id.to_string(), &details)
                .await?;
        }
        Ok(changed)
    }

    /// Accepts tools as they are now. Names those that are still not accepted.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn accept_mcp_tools(
        &self,
        id: McpConfigurationId,
        tools: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let mut write = self.write("accepting an MCP server's tools").await?;
        let mut accepted = Vec::new();
        for (tool, (_, found)) in pins(&mut write, id).await? {
            let Some(found) = found.filter(|_| tools.contains(&tool)) else {
                continue;
            };
            let set = sqlx::query(
                "UPDATE mcp_pins SET accepted = found, found = NULL
                 WHERE configuration_id = ? AND tool = ?",
            );
            write.execute(set.bind(id.to_string()).bind(&tool)).await?;
            // Whoever has allowed it has allowed what it was.
            mcp_allowed::forget(&mut write, id, |it| it == tool).await?;
            accepted.push(json!({"accepted": found, "tool": tool}));
        }
        let left = left(pins(&mut write, id).await?);
        if accepted.is_empty() {
            write.abandon().await?;
        } else {
            let details = json!({"tools": accepted});
            write
                .commit_note("mcp.accepted", "mcp", &id.to_string(), &details)
                .await?;
        }
        Ok(left)
    }

    /// The tools that are something else than what was accepted.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn quarantined_mcp_tools(
        &self,
        id: McpConfigurationId,
    ) -> Result<Vec<String>, StoreError> {
        Ok(left(self.pins(id).await?))
    }

    async fn pins(&self, id: McpConfigurationId) -> Result<Pins, StoreError> {
        const DOING: &str = "reading what MCP tools were";
        let rows = self
            .rows(DOING, sqlx::query(PINS).bind(id.to_string()))
            .await?;
        rows.iter().map(|row| pin(row, DOING)).collect()
    }
}

/// By the name of the tool, what was accepted and what was found.
type Pins = BTreeMap<String, (String, Option<String>)>;

fn left(pins: Pins) -> Vec<String> {
    let left = pins.into_iter().filter(|(_, (_, found))| found.is_some());
    left.map(|(tool, _)| tool).collect()
}

const PINS: &str = "SELECT tool, accepted, found FROM mcp_pins WHERE configuration_id = ?";

async fn pins(write: &mut Write, id: McpConfigurationId) -> Result<Pins, StoreError> {
    let rows = write.rows(sqlx::query(PINS).bind(id.to_string())).await?;
    rows.iter().map(|row| pin(row, write.doing())).collect()
}

fn pin(
    row: &sqlx::sqlite::SqliteRow,
    doing: &'static str,
) -> Result<(String, (String, Option<String>)), StoreError> {
    let columns = Columns::of(row, doing);
    let hashes = (columns.get("accepted")?, columns.get("found")?);
    Ok((columns.get("tool")?, hashes))
}
