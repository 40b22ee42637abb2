//! What happens to a session between its creation and its deletion.
//!
//! ```text
//! create ─▶ live ── ended ──▶ exited | failed ── archive ─▶ archived
//!            ▲                      │     ▲                     │
//!            └────── restarted ─────┘     └────── restore ──────┘
//! ```
//! Telling the store again what it knows already, such as a second end, changes nothing and is no
//! error: the record is returned as it is.

use berth_protocol::{Beginning, SessionId, Timestamp, Workspace, tenant::Tenant};
use serde_json::{Value, json};

use crate::{
    GivenPrompt, Op, Phase, SessionRecord, Store, StoreError,
    columns::{signed, word},
    open::Sql,
    session_prompts,
    sessions::{payload, session},
    tenant::sessions as told,
    write::{Change, Subject, Write},
};

impl Store {
    /// The session's program was started as this process; `started_at` is in seconds since 1970.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`], [`StoreError::SessionEnded`].
    pub async fn session_spawned(
        &self,
        id: SessionId,
        pid: u32,
        started_at: u64,
    ) -> Result<SessionRecord, StoreError> {
        let (write, old) = self
            .write_session("recording a session's start", id)
            .await?;
        if !old.phase.is_live() {
            write.abandon().await?;
            return Err(StoreError::SessionEnded(id));
        }
        let update = sqlx::query(
            "UPDATE sessions SET pid = ?, pid_started_at = ?, updated_at = ? WHERE id = ?
             RETURNING *",
        )
        .bind(pid)
        .bind(signed(started_at))
        .bind(write.at().as_millisecond())
        .bind(id.to_string());
        let details = json!({"pid": pid, "run": old.run});
        change(write, update, "session.spawned", details).await
    }

    /// The session is to be started again: live, in its next run, without a process yet. `agent_session` is
    /// the agent's name for the conversation that it begins or goes on with, `prompt` what it is given of the
    /// system prompts, `tenant` the organization that the run is under, which is told of it.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`], [`StoreError::SessionLive`],
    /// [`StoreError::SessionArchived`].
    pub async fn session_restarted(
        &self,
        id: SessionId,
        beginning: Beginning,
        agent_session: Option<&str>,
        prompt: &GivenPrompt,
        tenant: Option<Tenant>,
    ) -> Result<SessionRecord, StoreError> {
        let (mut write, old) = self.write_session("restarting a session", id).await?;
        let refusal = if old.phase.is_live() {
            Some(StoreError::SessionLive(id))
        } else if old.archived_at.is_some() {
            Some(StoreError::SessionArchived(id))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            write.abandon().await?;
            return Err(refusal);
        }
        let run = old.run.saturating_add(1);
        session_prompts::keep(&mut write, id, run, prompt).await?;
        let update = sqlx::query(
            "UPDATE sessions SET phase = 'live', run = run + 1, ended_at = NULL,
                 exit_code = NULL, exit_signal = NULL, failure_code = NULL, failure_detail = NULL,
                 pid = NULL, pid_started_at = NULL, updated_at = ?, beginning = ?, agent_session = ?
             WHERE id = ? RETURNING *",
        )
        .bind(write.at().as_millisecond())
        .bind(word(&beginning))
        .bind(agent_session)
        .bind(id.to_string());
        let row = write.one(update).await?;
        let session = session(&row, write.doing())?;
        told::begun(&mut write, &session, tenant).await?;
        let prompt = session_prompts::shape(prompt);
        let details = json!({"beginning": beginning, "prompt": prompt, "run": run});
        commit(write, session, "session.restarted", details).await
    }

    /// The session's program ended, or could not be started. The first end that is told stays.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`]; [`StoreError::SessionLive`] when `phase` is no end.
    pub async fn session_ended(
        &self,
        id: SessionId,
        phase: Phase,
    ) -> Result<SessionRecord, StoreError> {
        self.end_session(id, phase, None).await
    }

    /// The same of an end that could not be stored when it came.
    ///
    /// # Errors
    /// As [`Self::session_ended`].
    pub async fn session_ended_at(
        &self,
        id: SessionId,
        phase: Phase,
        at: Timestamp,
    ) -> Result<SessionRecord, StoreError> {
        self.end_session(id, phase, Some(at)).await
    }

    async fn end_session(
        &self,
        id: SessionId,
        phase: Phase,
        ended_at: Option<Timestamp>,
    ) -> Result<SessionRecord, StoreError> {
        let (write, old) = self.write_session("recording a session's end", id).await?;
        if !old.phase.is_live() {
            write.abandon().await?;
            return Ok(old);
        }
        let (code, signal, failure) = match &phase {
            Phase::Live => {
                write.abandon().await?;
                return Err(StoreError::SessionLive(id));
            }
            Phase::Exited { code, signal } => (*code, signal.as_deref(), None),
            Phase::Failed(failure) => (None, None, Some(failure)),
        };
        let at = write.at().as_millisecond();
        let ended_at = ended_at.map_or(at, |ended_at| ended_at.as_millisecond());
        let failure_code = failure.map(|failure| failure.code.as_str());
        let update = sqlx::query(
            "UPDATE sessions SET phase = ?, exit_code = ?, exit_signal = ?, failure_code = ?,
                 failure_detail = ?, pid = NULL, pid_started_at = NULL, ended_at = ?, updated_at = ?
             WHERE id = ? RETURNING *",
        )
        .bind(phase.word())
        .bind(code)
        .bind(signal)
        .bind(failure_code)
        .bind(failure.map(|failure| failure.detail.as_str()))
        .bind(ended_at)
        .bind(at)
        .bind(id.to_string());
        let details = json!({
            "code": code,
            "failure": failure_code,
            "phase": phase.word(),
            "run": old.run,
            "signal": signal,
        });
        change(write, update, "session.ended", details).await
    }

    /// Gives a session another title.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`].
    pub async fn rename_session(
        &self,
        id: SessionId,
        title: &str,
    ) -> Result<SessionRecord, StoreError> {
        let (write, _) = self.write_session("renaming a session", id).await?;
        let update = sqlx::query("UPDATE sessions SET title = ? WHERE id = ? RETURNING *")
            .bind(title)
            .bind(id.to_string());
        let details = json!({"title_chars": title.chars().count()});
        change(write, update, "session.renamed", details).await
    }

    /// Archives a session; `commit` keeps its uncommitted work, if there was any.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`], [`StoreError::SessionLive`].
    pub async fn archive_session(
        &self,
        id: SessionId,
        commit: Option<String>,
    ) -> Result<SessionRecord, StoreError> {
        let (write, old) = self.write_session("archiving a session", id).await?;
        if old.phase.is_live() {
            write.abandon().await?;
            return Err(StoreError::SessionLive(id));
        }
        if old.archived_at.is_some() {
            write.abandon().await?;
            return Ok(old);
        }
        let at = write.at().as_millisecond();
        let update = sqlx::query(
            "UPDATE sessions SET archived_at = ?, archive_commit = ?, updated_at = ?
             WHERE id = ? RETURNING *",
        )
        .bind(at)
        .bind(&commit)
        .bind(at)
        .bind(id.to_string());
        let details = json!({"kept_work": commit.is_some()});
        change(write, update, "session.archived", details).await
    }

    /// Brings an archived session back, in a new workspace if one is given.
    ///
    /// # Errors
    /// [`StoreError::SessionNotFound`].
    pub async fn restore_session(
        &self,
        id: SessionId,
        workspace: Option<Workspace>,
    ) -> Result<SessionRecord, StoreError> {
        let (write, old) = self.write_session("bringing a session back", id).await?;
        if old.archived_at.is_none() {
            write.abandon().await?;
            return Ok(old);
        }
        let workspace = workspace.unwrap_or(old.workspace);
        let update = sqlx::query(
            "UPDATE sessions SET archived_at = NULL, archive_commit = NULL, workspace_kind = ?,
                 workspace_path = ?, branch = ?, base = ?, base_commit = ?, updated_at = ?
             WHERE id = ? RETURNING *",
        )
        .bind(word(&workspace.kind))
        .bind(&workspace.path)
        .bind(&workspace.branch)
        .bind(&workspace.base)
        .bind(&workspace.base_commit)
        .bind(write.at().as_millisecond())
        .bind(id.to_string());
        let details = json!({"workspace": workspace.kind});
        change(write, update, "session.restored", details).await
    }
}

/// Updates one session, which returns its row, and commits.
async fn change(
    mut write: Write,
    update: Sql<'_>,
    action: &'static str,
    details: Value,
) -> Result<SessionRecord, StoreError> {
    let row = write.one(update).await?;
    let session = session(&row, write.doing())?;
    told::changed(&mut write, &session).await?;
    commit(write, session, action, details).await
}

async fn commit(
    write: Write,
    session: SessionRecord,
    action: &'static str,
    details: Value,
) -> Result<SessionRecord, StoreError> {
    write
        .commit(Change {
            action,
            subject: Subject::Session(session.id),
            details,
            op: Op::Upsert,
            payload: payload(&session),
        })
        .await?;
    Ok(session)
}
