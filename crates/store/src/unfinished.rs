//! Workspaces that are being made. They are noted before the first change to a user's repository, so
//! that whatever a killed engine made without recording its session is found at the next start.

use berth_protocol::SessionId;
use sqlx::sqlite::SqliteRow;

use crate::{Store, StoreError, UnfinishedWorkspace, columns::Columns, open::Sql};

const DOING: &str = "reading the unfinished workspaces";

impl Store {
    /// Notes that a workspace is about to be made.
    /// [`create_session`](Self::create_session) removes the note.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn workspace_begun(&self, workspace: &UnfinishedWorkspace) -> Result<(), StoreError> {
        let mut write = self.write("noting a workspace to be made").await?;
        let query = sqlx::query(
            "INSERT INTO unfinished_workspaces (session_id, project_path, path, begun_at)
             VALUES (?, ?, ?, ?)",
        )
        .bind(workspace.session_id.to_string())
        .bind(&workspace.project_path)
        .bind(&workspace.path)
        .bind(write.at().as_millisecond());
        write.execute(query).await?;
        write.commit_plain().await
    }

    /// Nothing is left of a workspace whose session was not recorded.
    ///
    /// # Errors
    /// Those of any write.
    pub async fn workspace_undone(&self, session_id: SessionId) -> Result<(), StoreError> {
        let mut write = self.write("noting a workspace as undone").await?;
        write.execute(delete(session_id)).await?;
        write.commit_plain().await
    }

    /// The workspaces that were begun and neither recorded with their session nor undone.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn unfinished_workspaces(&self) -> Result<Vec<UnfinishedWorkspace>, StoreError> {
        let query = sqlx::query("SELECT * FROM unfinished_workspaces ORDER BY begun_at");
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(unfinished).collect()
    }
}

pub(crate) fn delete(session_id: SessionId) -> Sql<'static> {
    sqlx::query("DELETE FROM unfinished_workspaces WHERE session_id = ?")
        .bind(session_id.to_string())
}

fn unfinished(row: &SqliteRow) -> Result<UnfinishedWorkspace, StoreError> {
    let columns = Columns::of(row, DOING);
    Ok(UnfinishedWorkspace {
        session_id: columns.parse("session_id")?,
        project_path: columns.get("project_path")?,
        path: columns.get("path")?,
    })
}
