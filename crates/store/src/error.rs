//! What can go wrong with the store, and the code that each failure has on the wire.
//!
//! SQLite's failures are told apart by its extended result codes
//! (<https://www.sqlite.org/rescode.html>), never by their text.

use std::{io, path::PathBuf};

use berth_protocol::{
    AgentId, Code, McpConfigurationId, MutationId, ProjectId, PromptId, RouterId, SessionId,
    tenant::{EntityKind, Tenant},
};
use sqlx::migrate::MigrateError;
use uuid::Uuid;

/// Primary result codes of SQLite: the low byte of an extended code.
mod primary {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const READONLY: i32 = 8;
    pub(super) const NOTADB: i32 = 26;
}

/// `SQLITE_IOERR_CORRUPTFS`: the file system itself reports damage.
const IOERR_CORRUPTFS: i32 = 10 | (33 << 8);

/// A failure of the store. Whatever was being written is rolled back as a whole.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was made by a newer program. It was not touched.
    #[error(
        "the store has schema version {found}, and this program knows versions up to {known} only"
    )]
    Newer {
        /// The newest version in the file that this program does not know.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A migration began and did not end. It was not touched.
    #[error("migration {version} of the store was begun and not completed")]
    MigrationHalfApplied {
        /// The migration.
        version: i64,
    },
    /// The file was made with another text of a migration than this program has. It was not
    /// touched.
    #[error("migration {version} of the store differs from the one in this program")]
    MigrationModified {
        /// The migration.
        version: i64,
    },
    /// The file is not a store, is damaged, or holds a value that it cannot hold.
    #[error("the store was found damaged while {doing}")]
    Corrupt {
        /// What was attempted.
        doing: &'static str,
        /// What SQLite or the decoder said.
        source: sqlx::Error,
    },
    /// There is no space left. Everything that was acknowledged is still there, and writing works
    /// again as soon as there is space.
    #[error("the disk is full, noticed while {doing}")]
    Full {
        /// What was attempted.
        doing: &'static str,
    },
    /// [`Store::close`](crate::Store::close) was called.
    #[error("the store is closed; {doing} came too late")]
    Closed {
        /// What was attempted.
        doing: &'static str,
    },
    /// The store's folder or file could not be prepared.
    #[error("{doing} {path:?} failed")]
    File {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Any other failure of SQLite.
    #[error("the store failed while {doing}")]
    Sql {
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The folder is a project already.
    #[error("the folder is project {id} already")]
    ProjectExists {
        /// That project.
        id: ProjectId,
    },
    /// There is no such project.
    #[error("project {0} does not exist")]
    ProjectNotFound(ProjectId),
    /// The project still has sessions, archived ones included.
    #[error("project {id} has {count} sessions")]
    ProjectHasSessions {
        /// The project.
        id: ProjectId,
        /// How many.
        count: u64,
    },
    /// There is no such prompt.
    #[error("prompt {0} does not exist")]
    PromptNotFound(PromptId),
    /// The prompt has another version than the one that was edited.
    #[error("prompt {id} has version {found} by now")]
    PromptChanged {
        /// The prompt.
        id: PromptId,
        /// The version that it has.
        found: u32,
    },
    /// There is an agent of this name.
    #[error("agent {0} is described already")]
    AgentExists(AgentId),
    /// There is no such agent among those that a user described.
    #[error("no agent {0} is described")]
    AgentNotFound(AgentId),
    /// Sessions of the agent run.
    #[error("{count} sessions of agent {id} run")]
    AgentInUse {
        /// The agent.
        id: AgentId,
        /// How many.
        count: u64,
    },
    /// Another MCP server of the scope has the name.
    #[error("MCP server {id} has this name already")]
    McpExists {
        /// That server.
        id: McpConfigurationId,
    },
    /// There is no such MCP server.
    #[error("MCP server {0} does not exist")]
    McpNotFound(McpConfigurationId),
    /// Somebody else has changed the MCP server.
    #[error("MCP server {id} has version {found} now")]
    McpChanged {
        /// The server.
        id: McpConfigurationId,
        /// Its version now.
        found: u32,
    },
    /// Another router has the name.
    #[error("router {id} has this name already")]
    RouterExists {
        /// That router.
        id: RouterId,
    },
    /// There is no such router.
    #[error("router {0} does not exist")]
    RouterNotFound(RouterId),
    /// Sessions run through the router.
    #[error("{count} running sessions use router {id}")]
    RouterInUse {
        /// The router.
        id: RouterId,
        /// How many.
        count: u64,
    },
    /// There is no such session.
    #[error("session {0} does not exist")]
    SessionNotFound(SessionId),
    /// The session must end first.
    #[error("session {0} is live")]
    SessionLive(SessionId),
    /// The session has ended.
    #[error("session {0} has ended")]
    SessionEnded(SessionId),
    /// The session must be brought back first.
    #[error("session {0} is archived")]
    SessionArchived(SessionId),
    /// This machine has nothing of the organization.
    #[error("nothing of {0} is here")]
    TenantNotFound(Tenant),
    /// The user sees no such row.
    #[error("the organization has no {kind} {id}")]
    TenantRowNotFound {
        /// The kind.
        kind: EntityKind,
        /// The row.
        id: Uuid,
    },
    /// The identifier is taken.
    #[error("there is a {kind} {id} already")]
    TenantRowExists {
        /// The kind.
        kind: EntityKind,
        /// The row.
        id: Uuid,
    },
    /// Clients do not write this field.
    #[error("the field {field:?} of a {kind} cannot be set")]
    TenantFieldRefused {
        /// The kind.
        kind: EntityKind,
        /// The field; `*` when the fields are no object.
        field: String,
    },
    /// The change was sent, dropped or decided about.
    #[error("no change {0} waits for that")]
    MutationNotFound(MutationId),
    /// The other side of a conflict is newer than what was looked at.
    #[error("the other side of conflict {id} has revision {found} by now")]
    ConflictMoved {
        /// The change in conflict.
        id: MutationId,
        /// The revision of the other side.
        found: i64,
    },
    /// A conflict about such a row cannot end so.
    #[error("a conflict about a {kind} cannot end with {choice} here")]
    ChoiceImpossible {
        /// The kind.
        kind: EntityKind,
        /// What was chosen.
        choice: &'static str,
    },
    /// It is no edit of the user.
    #[error(
        "change {id} is a fact that this machine reports of a {kind}, and no edit that could be decided about"
    )]
    ToldFact {
        /// The kind.
        kind: EntityKind,
        /// The change.
        id: MutationId,
    },
    /// A page does not go on from where the replica is.
    #[error("the replica of {tenant} is at revision {found}, and the page begins after {expected}")]
    CursorMoved {
        /// Whose replica.
        tenant: Tenant,
        /// Where the page begins.
        expected: i64,
        /// Where the replica is.
        found: i64,
    },
}

impl StoreError {
    /// The code that stands for this failure in the API.
    pub fn code(&self) -> Code {
        match self {
            Self::Newer { .. } => Code::StoreNewer,
            Self::MigrationHalfApplied { .. } | Self::Corrupt { .. } => Code::StoreCorrupt,
            Self::Full { .. } => Code::StoreFull,
            Self::Closed { .. } => Code::ShuttingDown,
            Self::MigrationModified { .. } | Self::File { .. } | Self::Sql { .. } => {
                Code::StoreUnavailable
            }
            Self::ProjectExists { .. } => Code::ProjectExists,
            Self::ProjectNotFound(_) => Code::ProjectNotFound,
            Self::ProjectHasSessions { .. } => Code::ProjectHasSessions,
            Self::PromptNotFound(_) => Code::PromptNotFound,
            Self::PromptChanged { .. } => Code::PromptConflict,
            Self::AgentExists(_) => Code::AgentExists,
            Self::AgentNotFound(_) => Code::AgentNotFound,
            Self::AgentInUse { .. } => Code::AgentInUse,
            Self::McpExists { .. } => Code::McpExists,
            Self::McpNotFound(_) => Code::McpNotFound,
            Self::McpChanged { .. } => Code::McpConflict,
            Self::RouterExists { .. } => Code::RouterExists,
            Self::RouterNotFound(_) => Code::RouterNotFound,
            Self::RouterInUse { .. } => Code::RouterInUse,
            Self::SessionNotFound(_) => Code::SessionNotFound,
            Self::SessionLive(_) => Code::SessionLive,
            Self::SessionEnded(_) => Code::SessionEnded,
            Self::SessionArchived(_) => Code::SessionArchived,
            Self::TenantNotFound(_) => Code::TenantNotFound,
            Self::TenantRowNotFound { .. } => Code::TenantRowNotFound,
            Self::TenantRowExists { .. } => Code::BadRequest,
            Self::TenantFieldRefused { .. } => Code::TenantFieldRefused,
            Self::MutationNotFound(_) => Code::MutationNotFound,
            Self::ConflictMoved { .. } => Code::ConflictMoved,
            Self::ChoiceImpossible { .. } | Self::ToldFact { .. } => Code::ChoiceImpossible,
            Self::CursorMoved { .. } => Code::Internal,
        }
    }

    /// Whether the store may take later what it has refused so: there was no room, or its files could not be written to.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Sql { source, .. } => match sqlite_code(source) {
                Some(code) => matches!(
                    code & 0xff,
                    primary::BUSY
                        | primary::LOCKED
                        | primary::NOMEM
                        | primary::READONLY
                        | primary::IOERR
                        | primary::CANTOPEN
                ),
                None => matches!(source, sqlx::Error::Io(_)),
            },
            _ => false,
        }
    }

    pub(crate) fn sql(doing: &'static str, source: sqlx::Error) -> Self {
        match sqlite_code(&source) {
            Some(IOERR_CORRUPTFS) => return Self::Corrupt { doing, source },
            Some(code) => match code & 0xff {
                primary::FULL => return Self::Full { doing },
                primary::CORRUPT | primary::NOTADB => return Self::Corrupt { doing, source },
                _ => return Self::Sql { doing, source },
            },
            None => {}
        }
        match source {
            sqlx::Error::Io(error) if is_full(&error) => Self::Full { doing },
            sqlx::Error::PoolClosed => Self::Closed { doing },
            source @ (sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound) => Self::Corrupt { doing, source },
            source => Self::Sql { doing, source },
        }
    }

    pub(crate) fn file(doing: &'static str, path: PathBuf, source: io::Error) -> Self {
        if is_full(&source) {
            return Self::Full { doing };
        }
        Self::File {
            doing,
            path,
            source,
        }
    }

    pub(crate) fn migrate(error: MigrateError, known: i64) -> Self {
        let doing = "migrating the store";
        match error {
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                Self::sql(doing, source)
            }
            MigrateError::VersionMissing(found) => Self::Newer { found, known },
            MigrateError::VersionMismatch(version) => Self::MigrationModified { version },
            MigrateError::Dirty(version) => Self::MigrationHalfApplied { version },
            other => Self::Sql {
                doing,
                source: sqlx::Error::Migrate(Box::new(other)),
            },
        }
    }

    /// SQLite says "I/O error" or "cannot open" for a full disk too, when it was not a plain write
    /// that failed: growing the shared memory, syncing, a quota. Only the disk itself can tell.
    pub(crate) fn may_be_full(&self) -> bool {
        let Self::Sql { source, .. } = self else {
            return false;
        };
        sqlite_code(source)
            .is_some_and(|code| matches!(code & 0xff, primary::IOERR | primary::CANTOPEN))
    }

    /// SQLite could not read without writing first, such as rolling back a journal.
    pub(crate) fn is_read_only(&self) -> bool {
        let Self::Sql { source, .. } = self else {
            return false;
        };
        sqlite_code(source).is_some_and(|code| code & 0xff == primary::READONLY)
    }
}

/// The operating system says that there is no space, or that the user's share of it is used up.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
