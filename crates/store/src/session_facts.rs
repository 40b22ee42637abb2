//! What the store remembers of a session without audit: facts that can be seen again by looking, and would fill the
//! trail with noise.

use berth_protocol::{Beginning, DiffStat, SessionId, Size};

use crate::{
    Store, StoreError,
    columns::{signed, word},
    open::Sql,
    sessions::session,
    tenant::sessions as told,
};

impl Store {
    /// Remembers the size of a session's terminal.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`].
    pub async fn set_session_size(&self, id: SessionId, size: Size) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE sessions SET rows = ?, cols = ? WHERE id = ?")
            .bind(size.rows)
            .bind(size.cols);
        self.set(id, "remembering the size of a terminal", query)
            .await
    }

    /// Remembers the changes that were seen in a session's workspace. Those of one that has ended are told to the
    /// organization of its last run.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`].
    pub async fn set_session_changes(
        &self,
        id: SessionId,
        changes: Option<DiffStat>,
    ) -> Result<(), StoreError> {
        let mut write = self.write("remembering the changes of a workspace").await?;
        let query = sqlx::query(
            "UPDATE sessions SET changed_files = ?, added_lines = ?, removed_lines = ? WHERE id = ?
             RETURNING *",
        )
        .bind(changes.map(|changes| changes.files))
        .bind(changes.map(|changes| signed(changes.added)))
        .bind(changes.map(|changes| signed(changes.removed)))
        .bind(id.to_string());
        let Some(row) = write.row(query).await? else {
            write.abandon().await?;
            return Err(StoreError::SessionNotFound(id));
        };
        let session = session(&row, write.doing())?;
        // While it runs they change all the time, and whatever is told is a push.
        if !session.phase.is_live() {
            told::changed(&mut write, &session).await?;
        }
        write.commit_plain().await
    }

    /// Remembers the agent's own name for the conversation, and where it began, learned after the start.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`].
    pub async fn set_agent_session(
        &self,
        id: SessionId,
        agent_session: &str,
        beginning: Beginning,
    ) -> Result<(), StoreError> {
        let query =
            sqlx::query("UPDATE sessions SET agent_session = ?, beginning = ? WHERE id = ?");
        let query = query.bind(agent_session).bind(word(&beginning));
        self.set(id, "remembering the agent's own session", query)
            .await
    }

    /// Runs a plain update whose last placeholder is the session.
    async fn set(
        &self,
        id: SessionId,
        doing: &'static str,
        query: Sql<'_>,
    ) -> Result<(), StoreError> {
        let mut write = self.write(doing).await?;
        if write.execute(query.bind(id.to_string())).await? == 0 {
            write.abandon().await?;
            return Err(StoreError::SessionNotFound(id));
        }
        write.commit_plain().await
    }
}
