//! Projects: folders that the user added.

use berth_protocol::ProjectId;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::{
    Op, ProjectRecord, Store, StoreError,
    columns::Columns,
    write::{Change, Subject, Write},
};

const DOING: &str = "reading the projects";

impl Store {
    /// Adds a project.
    ///
    /// # Errors
    /// [`StoreError::ProjectExists`] when the path is one already.
    pub async fn create_project(
        &self,
        path: &str,
        name: &str,
    ) -> Result<ProjectRecord, StoreError> {
        let mut write = self.write("adding a project").await?;
        let same = sqlx::query("SELECT id FROM projects WHERE path = ?").bind(path);
        if let Some(row) = write.row(same).await? {
            let id = Columns::of(&row, write.doing()).parse("id")?;
            write.abandon().await?;
            return Err(StoreError::ProjectExists { id });
        }
        let project = ProjectRecord {
            id: ProjectId(Uuid::now_v7()),
            path: path.to_owned(),
            name: name.to_owned(),
            created_at: write.at(),
        };
        write
            .execute(
                sqlx::query(
                    "INSERT INTO projects (id, path, name, created_at) VALUES (?, ?, ?, ?)",
                )
                .bind(project.id.to_string())
                .bind(path)
                .bind(name)
                .bind(project.created_at.as_millisecond()),
            )
            .await?;
        write
            .commit(Change {
                action: "project.created",
                subject: Subject::Project(project.id),
                details: json!({"name_chars": name.chars().count()}),
                op: Op::Upsert,
                payload: json!({}),
            })
            .await?;
        Ok(project)
    }

    /// All projects, oldest first.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        let query = sqlx::query("SELECT * FROM projects ORDER BY created_at, id");
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| project(row, DOING)).collect()
    }

    /// One project, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn project(&self, id: ProjectId) -> Result<Option<ProjectRecord>, StoreError> {
        let query = sqlx::query("SELECT * FROM projects WHERE id = ?").bind(id.to_string());
        let row = self.row(DOING, query).await?;
        row.map(|row| project(&row, DOING)).transpose()
    }

    /// Gives a project another name.
    ///
    /// # Errors
    /// [`StoreError::ProjectNotFound`].
    pub async fn rename_project(
        &self,
        id: ProjectId,
        name: &str,
    ) -> Result<ProjectRecord, StoreError> {
        let mut write = self.write("renaming a project").await?;
        let update = sqlx::query("UPDATE projects SET name = ? WHERE id = ? RETURNING *")
            .bind(name)
            .bind(id.to_string());
        let Some(row) = write.row(update).await? else {
            write.abandon().await?;
            return Err(StoreError::ProjectNotFound(id));
        };
        let project = project(&row, write.doing())?;
        write
            .commit(Change {
                action: "project.renamed",
                subject: Subject::Project(id),
                details: json!({"name_chars": name.chars().count()}),
                op: Op::Upsert,
                payload: json!({}),
            })
            .await?;
        Ok(project)
    }

    /// Removes a project from the list. Its folder is not touched.
    ///
    /// # Errors
    /// [`StoreError::ProjectNotFound`]; [`StoreError::ProjectHasSessions`], archived ones counted.
    pub async fn delete_project(&self, id: ProjectId) -> Result<(), StoreError> {
        let mut write = self.write("removing a project").await?;
        if let Err(error) = check_removable(&mut write, id).await {
            write.abandon().await?;
            return Err(error);
        }
        let delete = sqlx::query("DELETE FROM projects WHERE id = ?").bind(id.to_string());
        write.execute(delete).await?;
        write
            .commit(Change {
                action: "project.deleted",
                subject: Subject::Project(id),
                details: json!({}),
                op: Op::Delete,
                payload: json!({}),
            })
            .await
    }
}

async fn check_removable(write: &mut Write, id: ProjectId) -> Result<(), StoreError> {
    let query = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM projects WHERE id = ?1) AS projects,
                (SELECT COUNT(*) FROM sessions WHERE project_id = ?1) AS sessions",
    )
    .bind(id.to_string());
    let row = write.one(query).await?;
    let counts = Columns::of(&row, write.doing());
    if counts.number::<u64>("projects")? == 0 {
        return Err(StoreError::ProjectNotFound(id));
    }
    match counts.number("sessions")? {
        0 => Ok(()),
        count => Err(StoreError::ProjectHasSessions { id, count }),
    }
}

fn project(row: &SqliteRow, doing: &'static str) -> Result<ProjectRecord, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(ProjectRecord {
        id: columns.parse("id")?,
        path: columns.get("path")?,
        name: columns.get("name")?,
        created_at: columns.moment("created_at")?,
    })
}
