//! Opens and closes the store, and runs its reads.
//!
//! SQLite in WAL mode has one writer and any number of readers, and so has [`Store`]: one
//! connection that writes (see `write.rs`) and a few that read, which never wait for it.
//!
//! **What survives.** `synchronous` is `FULL`: a commit is on the disk before it is acknowledged, as
//! far as the disk tells the truth, so neither `kill -9` nor a power cut loses an acknowledged
//! change. The one exception is the note that a tool is about to be called (see `open_calls.rs`), which is a file of its
//! own: a kill does not take it back, and a power cut may.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use berth_protocol::AuditEvent;
use sqlx::{
    ConnectOptions, Sqlite, SqliteConnection, SqlitePool,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc::UnboundedSender},
};

use crate::{
    StoreError, error::is_full, kept::Kept, mcp_calls::EndedCalls, mcp_unreadable::Servers,
    open_calls::OpenCalls, prompt_book::PromptBook, schema, write::Writer,
};

/// Name of the store's file in the folder of the engine's data.
pub const FILE_NAME: &str = "berth.db";

/// How long a statement waits for a lock of another connection. Inside one process only a
/// connection that is just closing can hold one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that read.
const READERS: u32 = 4;

/// Bytes that are written to find out whether the disk is full: more than a page or a frame of the
/// WAL.
const PROBE: [u8; 16 * 1024] = [0; 16 * 1024];

/// A query that can be bound and run.
pub(crate) type Sql<'q> = Query<'q, Sqlite, SqliteArguments>;

/// The local store. Cloning it is cheap, and all clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    writer: Arc<Mutex<Writer>>,
    readers: SqlitePool,
    audit_followers: AuditFollowers,
    book: Kept<PromptBook>,
    servers: Kept<Servers>,
    open_calls: OpenCalls,
    ended_calls: EndedCalls,
    /// What writes where nobody waits for it.
    runtime: Handle,
    /// The newest event of the trail.
    last_noted: AtomicI64,
}

/// Who wants to hear of new events of the audit trail.
pub(crate) type AuditFollowers = std::sync::Mutex<Vec<UnboundedSender<AuditEvent>>>;

impl Store {
    /// Opens the store at `path`, which is a file, or a folder that holds `berth.db`. What is
    /// missing is made: the folders above, the file (for its owner only) and the schema.
    ///
    /// One process may have a store open at a time; whoever opens it sees to that.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::MigrationHalfApplied`],
    /// [`StoreError::MigrationModified`] and [`StoreError::Corrupt`] leave the file as it is.
    /// Otherwise [`StoreError::File`], [`StoreError::Full`] or [`StoreError::Sql`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.to_owned()
        };
        schema::inspect(&path).await?;
        prepare_file(&path)?;

        let attempt = async {
            let mut conn = connect(&path).await?;
            schema::migrate(&mut conn).await?;
            let last_noted = sqlx::query_scalar("SELECT seq FROM audit_head")
                .fetch_one(&mut conn)
                .await
                .map_err(|error| StoreError::sql("opening the store", error))?;
            let readers = SqlitePoolOptions::new()
                .min_connections(1)
                .max_connections(READERS)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(options(&path).pragma("query_only", "ON"))
                .await
                .map_err(|error| StoreError::sql("opening the store", error))?;
            Ok((conn, readers, last_noted))
        };
        let (conn, readers, last_noted) = attempt.await.map_err(|error| ask_disk(&path, error))?;
        let open_calls = OpenCalls::beside(&path)?;
        tracing::debug!(path = %path.display(), schema = schema::known(), "store opened");
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                writer: Arc::new(Mutex::new(Writer::Open(Some(conn)))),
                readers,
                audit_followers: AuditFollowers::default(),
                book: Kept::default(),
                servers: Kept::default(),
                open_calls,
                ended_calls: EndedCalls::default(),
                runtime: Handle::current(),
                last_noted: AtomicI64::new(last_noted),
            }),
        })
    }

    /// Waits for the write in progress, then closes the file. Later calls fail with
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        self.settle_calls().await;
        let writer = std::mem::replace(&mut *self.inner.writer.lock().await, Writer::Closed);
        self.inner.open_calls.close();
        self.inner.readers.close().await;
        // Last, so that it is the one that moves the WAL into the file and removes it.
        if let Writer::Open(Some(conn)) = writer
            && let Err(error) = sqlx::Connection::close(conn).await
        {
            tracing::warn!(%error, "the store did not close cleanly; nothing is lost by that");
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The version of the store's schema.
    pub fn schema_version(&self) -> i64 {
        schema::known()
    }

    /// Whether the disk has no room for a change, for what failed beside the store and cannot tell why.
    pub fn is_full(&self) -> bool {
        probe(&self.inner.path).is_err_and(|error| is_full(&error))
    }

    pub(crate) fn writer(&self) -> &Arc<Mutex<Writer>> {
        &self.inner.writer
    }

    pub(crate) fn open_calls(&self) -> &OpenCalls {
        &self.inner.open_calls
    }

    /// The newest event of the trail.
    pub(crate) fn last_noted(&self) -> i64 {
        self.inner.last_noted.load(Ordering::Acquire)
    }

    pub(crate) fn noted_up_to(&self, seq: i64) {
        self.inner.last_noted.store(seq, Ordering::Release);
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    pub(crate) fn ended_calls(&self) -> &EndedCalls {
        &self.inner.ended_calls
    }

    pub(crate) fn audit_followers(&self) -> &AuditFollowers {
        &self.inner.audit_followers
    }

    pub(crate) fn book(&self) -> &Kept<PromptBook> {
        &self.inner.book
    }

    pub(crate) fn servers(&self) -> &Kept<Servers> {
        &self.inner.servers
    }

    /// A connection that writes, for when the last one was given up.
    pub(crate) async fn reconnect(&self) -> Result<SqliteConnection, StoreError> {
        connect(&self.inner.path)
            .await
            .map_err(|error| ask_disk(&self.inner.path, error))
    }

    pub(crate) fn failed(&self, doing: &'static str, error: sqlx::Error) -> StoreError {
        ask_disk(&self.inner.path, StoreError::sql(doing, error))
    }

    /// All rows of a query.
    pub(crate) async fn rows(
        &self,
        doing: &'static str,
        query: Sql<'_>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = query.fetch_all(&self.inner.readers).await;
        rows.map_err(|error| self.failed(doing, error))
    }

    /// The row of a query that has at most one.
    pub(crate) async fn row(
        &self,
        doing: &'static str,
        query: Sql<'_>,
    ) -> Result<Option<SqliteRow>, StoreError> {
        let row = query.fetch_optional(&self.inner.readers).await;
        row.map_err(|error| self.failed(doing, error))
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // The statements are the same few ones; their text in the log says nothing.
        .disable_statement_logging()
}

async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    let conn = options(path).connect().await;
    conn.map_err(|error| StoreError::sql("opening the store", error))
}

/// Makes the file, readable for its owner only: it holds what users and agents said. SQLite gives
/// the files beside it the same permissions.
fn prepare_file(path: &Path) -> Result<(), StoreError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| StoreError::file("creating the folder", parent.to_owned(), error))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::file("opening", path.to_owned(), error)),
    }
}

/// Tells a full disk from another I/O error, which SQLite does not always do.
fn ask_disk(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Sql { doing, .. } = &error else {
        return error;
    };
    if !error.may_be_full() {
        return error;
    }
    match probe(path) {
        Err(cause) if is_full(&cause) => StoreError::Full { doing },
        _ => error,
    }
}

/// Writes a little beside the file of the store.
fn probe(path: &Path) -> std::io::Result<()> {
    let probe = path.with_extension("probe");
    let outcome = std::fs::File::create(&probe).and_then(|mut file| {
        file.write_all(&PROBE)?;
        // Some file systems notice only now that they have no room.
        file.sync_all()
    });
    // It may not exist, and what is left of it is removed by the next probe.
    let _ = std::fs::remove_file(&probe);
    outcome
}
