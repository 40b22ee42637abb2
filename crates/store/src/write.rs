//! The one way to write: a [`Write`] is a transaction on the only connection that writes, and it
//! ends in [`commit`](Write::commit), which cannot be called without saying what changed.
//!
//! **Dropping a `Write` undoes it.** A caller's future may be dropped between any two statements,
//! so the transaction owns its connection while it lasts: whoever is dropped drops the connection,
//! and SQLite rolls back what it did. The next write opens a new one. The same holds after an
//! error. A commit that has begun is carried through whoever waits for it: SQLite would make it in any case, and
//! what is kept in memory has to follow. sqlx's own `Transaction` keeps the connection instead and counts how deep it is in
//! transactions; after an error on which SQLite rolls back by itself, such as a full disk, that
//! count stays too high and every later `BEGIN IMMEDIATE` on the connection is refused.

use std::sync::Arc;

use berth_protocol::{
    AgentId, AuditEvent, McpConfigurationId, MessageId, OrganizationId, ProjectId, PromptId,
    RouterId, SessionId, Timestamp, tenant::EntityKind,
};
use serde_json::Value;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use tokio::{runtime::Handle, sync::OwnedMutexGuard};
use uuid::Uuid;

use crate::{
    ChainedEvent, Op, Store, StoreError,
    audit::session_id,
    canonical_json,
    columns::{Columns, now},
    event_hash,
    open::Sql,
};

/// The place of the connection that writes.
#[derive(Debug)]
pub(crate) enum Writer {
    /// Writing is possible; the connection is absent after it was given up.
    Open(Option<SqliteConnection>),
    /// The store was closed.
    Closed,
}

/// A transaction that has begun.
pub(crate) struct Write {
    store: Store,
    place: OwnedMutexGuard<Writer>,
    conn: SqliteConnection,
    doing: &'static str,
    at: Timestamp,
    /// The audit events of this write; followers hear of them when it is committed.
    noted: Vec<AuditEvent>,
    /// MCP servers, or how they are doing, are others after it; when absent, what is noted of one means that.
    changes_servers: Option<bool>,
}

/// What a transaction changed: becomes its audit event and its outbox entry.
pub(crate) struct Change {
    /// Past tense, such as `session.created`.
    pub(crate) action: &'static str,
    pub(crate) subject: Subject,
    /// For the audit trail: shapes, never free text of a user or an agent.
    pub(crate) details: Value,
    pub(crate) op: Op,
    /// For sync: identifiers and versions.
    pub(crate) payload: Value,
}

/// What changed.
#[derive(Clone)]
pub(crate) enum Subject {
    Agent(AgentId),
    Mcp(McpConfigurationId),
    Project(ProjectId),
    /// What holds for something as a whole, by its name.
    Policy(&'static str),
    Prompt(PromptId),
    Router(RouterId),
    Session(SessionId),
    Message(MessageId),
    Organization(OrganizationId),
    /// A row that an organization shares.
    Tenant(EntityKind, Uuid),
}

impl Subject {
    fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Mcp(_) => "mcp",
            Self::Project(_) => "project",
            Self::Policy(_) => "policy",
            Self::Prompt(_) => "prompt",
            Self::Router(_) => "router",
            Self::Session(_) => "session",
            Self::Message(_) => "message",
            Self::Organization(_) => "organization",
            Self::Tenant(kind, _) => kind.as_str(),
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Agent(id) => id.to_string(),
            Self::Mcp(id) => id.to_string(),
            Self::Project(id) => id.to_string(),
            Self::Policy(name) => (*name).to_owned(),
            Self::Prompt(id) => id.to_string(),
            Self::Router(id) => id.to_string(),
            Self::Session(id) => id.to_string(),
            Self::Message(id) => id.to_string(),
            Self::Organization(id) => id.to_string(),
            Self::Tenant(_, id) => id.to_string(),
        }
    }
}

/// Adds an audit event. What goes to the database together is one wait for its thread.
const EVENT: &str =
    "INSERT INTO audit_events (seq, at, action, subject_kind, subject_id, details, prev_hash, hash)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?);
                     UPDATE audit_head SET seq = ?, hash = ?";

/// The same, and ends the write.
const LAST_EVENT: &str =
    "INSERT INTO audit_events (seq, at, action, subject_kind, subject_id, details, prev_hash, hash)
                          VALUES (?, ?, ?, ?, ?, ?, ?, ?);
                          UPDATE audit_head SET seq = ?, hash = ?;
                          COMMIT";

impl Store {
    /// Waits for the writes before it, then begins a transaction.
    pub(crate) async fn write(&self, doing: &'static str) -> Result<Write, StoreError> {
        // What is over stands in the trail before what comes after it.
        self.settle_calls().await;
        let place = Arc::clone(self.writer()).lock_owned().await;
        self.begin(place, doing).await
    }

    /// Begins a transaction in the place of the connection that writes.
    pub(crate) async fn begin(
        &self,
        mut place: OwnedMutexGuard<Writer>,
        doing: &'static str,
    ) -> Result<Write, StoreError> {
        let conn = match &mut *place {
            Writer::Closed => return Err(StoreError::Closed { doing }),
            Writer::Open(conn) => conn.take(),
        };
        let conn = match conn {
            Some(conn) => conn,
            None => self.reconnect().await?,
        };
        let mut write = Write {
            store: self.clone(),
            place,
            conn,
            doing,
            at: now(),
            noted: Vec::new(),
            changes_servers: None,
        };
        write.execute(sqlx::query("BEGIN IMMEDIATE")).await?;
        Ok(write)
    }
}

/// Does something to its end, also when nobody waits for it any more, or what runs whoever does is over.
async fn carried_through(
    runtime: &Handle,
    doing: &'static str,
    work: impl Future<Output = Result<(), StoreError>> + Send + 'static,
) -> Result<(), StoreError> {
    match runtime.spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime goes, and takes the connection along.
            Err(_) => Err(StoreError::Closed { doing }),
        },
    }
}

impl Write {
    /// The moment of this write.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    pub(crate) fn doing(&self) -> &'static str {
        self.doing
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute(&mut self, query: Sql<'_>) -> Result<u64, StoreError> {
        match query.execute(&mut self.conn).await {
            Ok(result) => Ok(result.rows_affected()),
            Err(error) => Err(self.store.failed(self.doing, error)),
        }
    }

    /// Says whether MCP servers, or how they are doing, are others after it, where what is noted does not tell.
    pub(crate) fn changes_servers(&mut self, changes: bool) {
        self.changes_servers = Some(changes);
    }

    /// All rows of a query.
    pub(crate) async fn rows(&mut self, query: Sql<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = query.fetch_all(&mut self.conn).await;
        rows.map_err(|error| self.store.failed(self.doing, error))
    }

    /// The row of a query that has at most one.
    pub(crate) async fn row(&mut self, query: Sql<'_>) -> Result<Option<SqliteRow>, StoreError> {
        let row = query.fetch_optional(&mut self.conn).await;
        row.map_err(|error| self.store.failed(self.doing, error))
    }

    /// The row of a query that always has one.
    pub(crate) async fn one(&mut self, query: Sql<'_>) -> Result<SqliteRow, StoreError> {
        let row = query.fetch_one(&mut self.conn).await;
        row.map_err(|error| self.store.failed(self.doing, error))
    }

    /// Ends a change of state: adds its audit event and its outbox entry, and commits.
    pub(crate) async fn commit(mut self, change: Change) -> Result<(), StoreError> {
        self.add(change).await?;
        self.finish().await
    }

    /// Ends several changes that were added.
    pub(crate) async fn end_changes(self) -> Result<(), StoreError> {
        self.finish().await
    }

    /// Adds the audit event and the outbox entry of one change among several.
    pub(crate) async fn add(&mut self, change: Change) -> Result<(), StoreError> {
        let (kind, id) = (change.subject.kind(), change.subject.id());
        self.append_audit(EVENT, (change.action, kind, &id), &change.details)
            .await?;
        self.execute(
            sqlx::query(
                "INSERT INTO outbox (entity_kind, entity_id, op, payload, created_at)
                 VALUES (?, ?, ?, ?, ?)",
            )
            .bind(kind)
            .bind(id)
            .bind(change.op.word())
            .bind(canonical_json(&change.payload))
            .bind(self.at.as_millisecond()),
        )
        .await?;
        Ok(())
    }

    /// Adds an audit event of what needs no outbox entry, among several changes.
    pub(crate) async fn note(
        &mut self,
        action: &str,
        subject_kind: &str,
        subject_id: &str,
        details: &Value,
    ) -> Result<(), StoreError> {
        self.append_audit(EVENT, (action, subject_kind, subject_id), details)
            .await
    }

    /// Ends something that is worth an audit event and changes no row.
    pub(crate) async fn commit_note(
        mut self,
        action: &str,
        subject_kind: &str,
        subject_id: &str,
        details: &Value,
    ) -> Result<(), StoreError> {
        let (action, kind) = (action.to_owned(), subject_kind.to_owned());
        let (id, details) = (subject_id.to_owned(), details.clone());
        let runtime = self.store.runtime().clone();
        carried_through(&runtime, self.doing, async move {
            self.append_audit(LAST_EVENT, (&action, &kind, &id), &details)
                .await?;
            self.committed();
            Ok(())
        })
        .await
    }

    /// Ends a write of something that is no state: a cache, a preference, what can be seen again by
    /// looking.
    pub(crate) async fn commit_plain(self) -> Result<(), StoreError> {
        self.finish().await
    }

    /// Undoes the write and keeps the connection.
    pub(crate) async fn abandon(mut self) -> Result<(), StoreError> {
        self.execute(sqlx::query("ROLLBACK")).await?;
        self.give_back();
        Ok(())
    }

    async fn finish(mut self) -> Result<(), StoreError> {
        let runtime = self.store.runtime().clone();
        carried_through(&runtime, self.doing, async move {
            self.execute(sqlx::query("COMMIT")).await?;
            self.committed();
            Ok(())
        })
        .await
    }

    /// It is on the disk.
    fn committed(self) {
        // Told before the next write can begin, so that followers hear of events in their order.
        for event in &self.noted {
            self.store.tell_audit(event);
        }
        if let Some(last) = self.noted.last() {
            self.store.noted_up_to(last.seq);
        }
        // Whatever becomes of prompts and policies has an audit event.
        let kinds = ["prompt", "policy"];
        let mut noted = self.noted.iter();
        if noted.any(|event| kinds.contains(&event.subject_kind.as_str())) {
            self.store.book().is_old();
        }
        let notes_server = || self.noted.iter().any(|event| event.subject_kind == "mcp");
        if self.changes_servers.unwrap_or_else(notes_server) {
            self.store.servers().is_old();
        }
        self.give_back();
    }

    fn give_back(mut self) {
        *self.place = Writer::Open(Some(self.conn));
    }

    async fn append_audit(
        &mut self,
        statement: &'static str,
        (action, subject_kind, subject_id): (&str, &str, &str),
        details: &Value,
    ) -> Result<(), StoreError> {
        let head = self.one(sqlx::query("SELECT seq, hash FROM audit_head"));
        let head = head.await?;
        let head = Columns::of(&head, self.doing);
        let last: i64 = head.get("seq")?;
        let prev_hash: &str = head.get("hash")?;
        let text = canonical_json(details);
        let event = ChainedEvent {
            seq: last + 1,
            at: self.at.as_millisecond(),
            action,
            subject_kind,
            subject_id,
            details: &text,
        };
        let hash = event_hash(prev_hash, &event);
        let insert = sqlx::query(statement)
            .bind(event.seq)
            .bind(event.at)
            .bind(action)
            .bind(subject_kind)
            .bind(subject_id)
            .bind(&text)
            .bind(prev_hash)
            .bind(&hash)
            .bind(event.seq)
            .bind(&hash);
        self.execute(insert).await?;
        let session = match subject_kind {
            "session" => Some(subject_id),
            _ => details.get("session_id").and_then(Value::as_str),
        };
        self.noted.push(AuditEvent {
            seq: event.seq,
            at: self.at,
            action: action.to_owned(),
            subject_kind: subject_kind.to_owned(),
            subject_id: subject_id.to_owned(),
            session_id: session_id(session),
            details: details.clone(),
            prev_hash: prev_hash.to_owned(),
            hash,
        });
        Ok(())
    }
}
