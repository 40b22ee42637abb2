//! Agents that a user described. The values of their secrets are in the keychain; the store knows only
//! which are there.

use berth_protocol::{AgentDefinition, AgentId, DefinedAgent};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;

use crate::{
    Op, Store, StoreError,
    columns::Columns,
    write::{Change, Subject, Write},
};

const DOING: &str = "reading the agents";

impl Store {
    /// Adds an agent, without secrets.
    ///
    /// # Errors
    /// [`StoreError::AgentExists`].
    pub async fn define_agent(
        &self,
        id: &AgentId,
        definition: &AgentDefinition,
    ) -> Result<DefinedAgent, StoreError> {
        let mut write = self.write("adding an agent").await?;
        let same = sqlx::query("SELECT 1 FROM defined_agents WHERE id = ?").bind(id.as_str());
        if write.row(same).await?.is_some() {
            write.abandon().await?;
            return Err(StoreError::AgentExists(id.clone()));
        }
        let at = write.at();
        let agent = DefinedAgent {
            id: id.clone(),
            version: 1,
            definition: definition.clone(),
            secrets: Vec::new(),
            created_at: at,
            updated_at: at,
        };
        let insert = sqlx::query(
            "INSERT INTO defined_agents (id, version, definition, secrets, created_at, updated_at)
             VALUES (?, 1, ?, '[]', ?, ?)",
        )
        .bind(id.as_str())
        .bind(json!(definition).to_string())
        .bind(at.as_millisecond())
        .bind(at.as_millisecond());
        write.execute(insert).await?;
        let details = shape(&agent);
        commit(write, "agent.defined", &agent, details).await?;
        Ok(agent)
    }

    /// All agents that a user described, by their names in requests.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn defined_agents(&self) -> Result<Vec<DefinedAgent>, StoreError> {
        let query = sqlx::query("SELECT * FROM defined_agents ORDER BY id");
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| agent(row, DOING)).collect()
    }

    /// One of them, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn defined_agent(&self, id: &AgentId) -> Result<Option<DefinedAgent>, StoreError> {
        let query = sqlx::query("SELECT * FROM defined_agents WHERE id = ?").bind(id.as_str());
        let row = self.row(DOING, query).await?;
        row.map(|row| agent(&row, DOING)).transpose()
    }

    /// Describes an agent anew; its version grows.
    ///
    /// # Errors
    /// [`StoreError::AgentNotFound`].
    pub async fn redefine_agent(
        &self,
        id: &AgentId,
        definition: &AgentDefinition,
    ) -> Result<DefinedAgent, StoreError> {
        let mut write = self.write("changing an agent").await?;
        let at = write.at().as_millisecond();
        let update = sqlx::query(
            "UPDATE defined_agents SET definition = ?, version = version + 1, updated_at = ?
             WHERE id = ? RETURNING *",
        )
        .bind(json!(definition).to_string())
        .bind(at)
        .bind(id.as_str());
        let Some(row) = write.row(update).await? else {
            write.abandon().await?;
            return Err(StoreError::AgentNotFound(id.clone()));
        };
        let agent = agent(&row, write.doing())?;
        let details = shape(&agent);
        commit(write, "agent.redefined", &agent, details).await?;
        Ok(agent)
    }

    /// A secret of an agent is in the keychain now, or no longer.
    ///
    /// # Errors
    /// [`StoreError::AgentNotFound`].
    pub async fn set_agent_secret(
        &self,
        id: &AgentId,
        name: &str,
        is_there: bool,
    ) -> Result<DefinedAgent, StoreError> {
        let mut write = self.write("changing an agent's secrets").await?;
        let query = sqlx::query("SELECT * FROM defined_agents WHERE id = ?").bind(id.as_str());
        let Some(row) = write.row(query).await? else {
            write.abandon().await?;
            return Err(StoreError::AgentNotFound(id.clone()));
        };
        let mut agent = agent(&row, write.doing())?;
        agent.secrets.retain(|known| known != name);
        if is_there {
            agent.secrets.push(name.to_owned());
            agent.secrets.sort_unstable();
        }
        agent.updated_at = write.at();
        let update =
            sqlx::query("UPDATE defined_agents SET secrets = ?, updated_at = ? WHERE id = ?")
                .bind(json!(agent.secrets).to_string())
                .bind(agent.updated_at.as_millisecond())
                .bind(id.as_str());
        write.execute(update).await?;
        let action = match is_there {
            true => "agent.secret_set",
            false => "agent.secret_removed",
        };
        commit(write, action, &agent, json!({"name": name})).await?;
        Ok(agent)
    }

    /// Removes an agent. Its sessions stay and cannot be restarted.
    ///
    /// # Errors
    /// [`StoreError::AgentNotFound`]; [`StoreError::AgentInUse`] while a session of it runs.
    pub async fn forget_agent(&self, id: &AgentId) -> Result<(), StoreError> {
        let mut write = self.write("removing an agent").await?;
        let live = sqlx::query(
            "SELECT COUNT(*) AS sessions FROM sessions WHERE agent = ? AND phase = 'live'",
        );
        let live = write.one(live.bind(id.as_str())).await?;
        let count: u64 = Columns::of(&live, write.doing()).number("sessions")?;
        if count > 0 {
            write.abandon().await?;
            let id = id.clone();
            return Err(StoreError::AgentInUse { id, count });
        }
        let delete = sqlx::query("DELETE FROM defined_agents WHERE id = ?").bind(id.as_str());
        if write.execute(delete).await? == 0 {
            write.abandon().await?;
            return Err(StoreError::AgentNotFound(id.clone()));
        }
        write
            .commit(Change {
                action: "agent.forgotten",
                subject: Subject::Agent(id.clone()),
                details: json!({}),
                op: Op::Delete,
                payload: json!({}),
            })
            .await
    }
}

async fn commit(
    write: Write,
    action: &'static str,
    agent: &DefinedAgent,
    details: Value,
) -> Result<(), StoreError> {
    write
        .commit(Change {
            action,
            subject: Subject::Agent(agent.id.clone()),
            details,
            op: Op::Upsert,
            payload: json!({"version": agent.version}),
        })
        .await
}

/// What the audit trail tells of a definition: what is run, which is what an auditor asks.
fn shape(agent: &DefinedAgent) -> Value {
    let definition = &agent.definition;
    json!({
        "args": definition.args.len(),
        "env": definition.env.keys().collect::<Vec<_>>(),
        "like": definition.like,
        "program": definition.program,
        "secrets": definition.secrets,
        "version": agent.version,
    })
}

fn agent(row: &SqliteRow, doing: &'static str) -> Result<DefinedAgent, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(DefinedAgent {
        id: columns.parse("id")?,
        version: columns.number("version")?,
        definition: columns.json("definition")?,
        secrets: columns.json("secrets")?,
        created_at: columns.moment("created_at")?,
        updated_at: columns.moment("updated_at")?,
    })
}
