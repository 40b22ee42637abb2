//! Sessions: how they are made, read and deleted. What happens to them in between is in
//! `session_changes.rs`.

use berth_protocol::{DiffStat, Failure, SessionId, SessionMcpServer, Size, Workspace};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;

use crate::{
    NewSession, Op, Phase, Process, SessionRecord, Store, StoreError,
    columns::{Columns, word},
    session_prompts,
    tenant::sessions as told,
    unfinished,
    write::{Change, Subject, Write},
};

const DOING: &str = "reading the sessions";

impl Store {
    /// Adds a session: live, in its first run, without a process yet. Its workspace is finished
    /// with that.
    ///
    /// # Errors
    /// [`StoreError::ProjectNotFound`], [`StoreError::RouterNotFound`].
    pub async fn create_session(&self, new: NewSession) -> Result<SessionRecord, StoreError> {
        let mut write = self.write("creating a session").await?;
        let project = sqlx::query("SELECT 1 FROM projects WHERE id = ?");
        let project = project.bind(new.project_id.to_string());
        if write.row(project).await?.is_none() {
            write.abandon().await?;
            return Err(StoreError::ProjectNotFound(new.project_id));
        }
        if let Some(id) = new.router {
            let router = sqlx::query("SELECT 1 FROM routers WHERE id = ?").bind(id.to_string());
            if write.row(router).await?.is_none() {
                write.abandon().await?;
                return Err(StoreError::RouterNotFound(id));
            }
        }
        let row = write.one(insert(&new, write.at().as_millisecond())).await?;
        let session = session(&row, write.doing())?;
        write.execute(unfinished::delete(session.id)).await?;
        session_prompts::keep(&mut write, session.id, session.run, &new.prompt).await?;
        told::begun(&mut write, &session, new.tenant).await?;
        let change = Change {
            action: "session.created",
            subject: Subject::Session(session.id),
            details: json!({
                "agent": session.agent,
                "custom_command": session.command.is_some(),
                "instructions_chars": session.instructions.as_ref().map(|text| text.chars().count()),
                "mcp_servers": names(&session.mcp_servers),
                "permission_mode": session.permission_mode,
                "project_id": session.project_id,
                "prompt": session_prompts::shape(&new.prompt),
                "router": session.router,
                "title_chars": session.title.chars().count(),
                "transport": session.transport,
                "workspace": session.workspace.kind,
            }),
            op: Op::Upsert,
            payload: payload(&session),
        };
        write.commit(change).await?;
        Ok(session)
    }

    /// All sessions, newest first.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions ORDER BY created_at DESC, id DESC");
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| session(row, DOING)).collect()
    }

    /// The sessions whose end was not reported, newest first.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn live_sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM sessions WHERE phase = 'live' ORDER BY created_at DESC, id DESC",
        );
        let rows = self.rows(DOING, query).await?;
        rows.iter().map(|row| session(row, DOING)).collect()
    }

    /// One session, if it exists.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE id = ?").bind(id.to_string());
        let row = self.row(DOING, query).await?;
        row.map(|row| session(&row, DOING)).transpose()
    }

    /// Deletes a session with its transcript. Its audit events stay.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`]; [`StoreError::SessionLive`], because with the row the
    /// engine would forget a process that still runs.
    pub async fn delete_session(&self, id: SessionId) -> Result<(), StoreError> {
        let (mut write, session) = self.write_session("deleting a session", id).await?;
        if session.phase.is_live() {
            write.abandon().await?;
            return Err(StoreError::SessionLive(id));
        }
        let messages = sqlx::query("DELETE FROM messages WHERE session_id = ?");
        let messages = write.execute(messages.bind(id.to_string())).await?;
        let prompts = sqlx::query("DELETE FROM session_prompts WHERE session_id = ?");
        write.execute(prompts.bind(id.to_string())).await?;
        told::deleted(&mut write, id).await?;
        let delete = sqlx::query("DELETE FROM sessions WHERE id = ?").bind(id.to_string());
        write.execute(delete).await?;
        write
            .commit(Change {
                action: "session.deleted",
                subject: Subject::Session(id),
                details: json!({"messages": messages, "runs": session.run}),
                op: Op::Delete,
                payload: json!({"project_id": session.project_id}),
            })
            .await
    }

    /// Begins a write that concerns a session that must exist.
    pub(crate) async fn write_session(
        &self,
        doing: &'static str,
        id: SessionId,
    ) -> Result<(Write, SessionRecord), StoreError> {
        let mut write = self.write(doing).await?;
        let query = sqlx::query("SELECT * FROM sessions WHERE id = ?").bind(id.to_string());
        match write.row(query).await? {
            Some(row) => Ok((write, session(&row, doing)?)),
            None => {
                write.abandon().await?;
                Err(StoreError::SessionNotFound(id))
            }
        }
    }
}

fn names(servers: &[SessionMcpServer]) -> Vec<&str> {
    servers.iter().map(SessionMcpServer::name).collect()
}

/// What sync is told of a session.
pub(crate) fn payload(session: &SessionRecord) -> Value {
    json!({
        "phase": session.phase.word(),
        "project_id": session.project_id,
        "run": session.run,
        "updated_at": session.updated_at.as_millisecond(),
    })
}

fn insert(new: &NewSession, at: i64) -> crate::open::Sql<'_> {
    let workspace = &new.workspace;
    let command = new.command.as_ref().map(|command| json!(command));
    sqlx::query(
        "INSERT INTO sessions
             (id, project_id, agent, title, phase, workspace_kind, workspace_path, branch, base,
              base_commit, transport, permission_mode, command, rows, cols, run, agent_session,
              instructions, mcp_servers, router, created_at, updated_at)
         VALUES (?, ?, ?, ?, 'live', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
         RETURNING *",
    )
    .bind(new.id.to_string())
    .bind(new.project_id.to_string())
    .bind(new.agent.as_str())
    .bind(&new.title)
    .bind(word(&workspace.kind))
    .bind(&workspace.path)
    .bind(&workspace.branch)
    .bind(&workspace.base)
    .bind(&workspace.base_commit)
    .bind(word(&new.transport))
    .bind(&new.permission_mode)
    .bind(command.map(|command| command.to_string()))
    .bind(new.size.rows)
    .bind(new.size.cols)
    .bind(&new.agent_session)
    .bind(&new.instructions)
    .bind((!new.mcp_servers.is_empty()).then(|| json!(new.mcp_servers).to_string()))
    .bind(new.router.map(|id| id.to_string()))
    .bind(at)
    .bind(at)
}

pub(crate) fn session(row: &SqliteRow, doing: &'static str) -> Result<SessionRecord, StoreError> {
    let columns = Columns::of(row, doing);
    Ok(SessionRecord {
        id: columns.parse("id")?,
        project_id: columns.parse("project_id")?,
        agent: columns.parse("agent")?,
        title: columns.get("title")?,
        phase: phase(&columns)?,
        workspace: Workspace {
            kind: columns.word("workspace_kind")?,
            path: columns.get("workspace_path")?,
            branch: columns.get("branch")?,
            base: columns.get("base")?,
            base_commit: columns.get("base_commit")?,
        },
        transport: columns.word("transport")?,
        permission_mode: columns.get("permission_mode")?,
        command: columns.maybe_json("command")?,
        size: Size {
            rows: columns.number("rows")?,
            cols: columns.number("cols")?,
        },
        run: columns.number("run")?,
        process: process(&columns)?,
        agent_session: columns.get("agent_session")?,
        beginning: columns.word("beginning")?,
        instructions: columns.get("instructions")?,
        mcp_servers: columns.maybe_json("mcp_servers")?.unwrap_or_default(),
        router: columns.maybe_parse("router")?,
        changes: changes(&columns)?,
        undelivered: columns.maybe_parse("undelivered_message")?,
        created_at: columns.moment("created_at")?,
        updated_at: columns.moment("updated_at")?,
        ended_at: columns.maybe_moment("ended_at")?,
        archived_at: columns.maybe_moment("archived_at")?,
        archive_commit: columns.get("archive_commit")?,
    })
}

fn phase(columns: &Columns<'_>) -> Result<Phase, StoreError> {
    Ok(match columns.get("phase")? {
        "live" => Phase::Live,
        "exited" => Phase::Exited {
            code: columns.get("exit_code")?,
            signal: columns.get("exit_signal")?,
        },
        // The schema admits no fourth word.
        _ => Phase::Failed(Failure {
            code: columns.word("failure_code")?,
            detail: columns
                .get::<Option<String>>("failure_detail")?
                .unwrap_or_default(),
        }),
    })
}

fn process(columns: &Columns<'_>) -> Result<Option<Process>, StoreError> {
    let pid = columns.maybe_number("pid")?;
    let started_at = columns.maybe_number("pid_started_at")?;
    Ok(pid
        .zip(started_at)
        .map(|(pid, started_at)| Process { pid, started_at }))
}

fn changes(columns: &Columns<'_>) -> Result<Option<DiffStat>, StoreError> {
    let Some(files) = columns.maybe_number("changed_files")? else {
        return Ok(None);
    };
    Ok(Some(DiffStat {
        files,
        added: columns.number("added_lines")?,
        removed: columns.number("removed_lines")?,
    }))
}
