//! The database of a backend: a fresh PostgreSQL cluster, reached by nothing but a socket in its own folder, or the one
//! of a real Supabase that is given.

use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use berth_protocol::Secret;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, postgres::PgConnectOptions,
};
use tempfile::TempDir;

use super::real;
use crate::LIMIT;

/// What a hosted project has before the first migration.
const SUPABASE: &str = include_str!("../../tenant/supabase.sql");

/// Where Debian, Fedora and Homebrew put the server's programs, newest first.
const FOLDERS: [&str; 8] = [
    "/usr/lib/postgresql/18/bin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
    "/usr/bin",
    "/opt/homebrew/opt/postgresql@15/bin",
    "/usr/local/opt/postgresql@15/bin",
    "/usr/local/bin",
];

/// The port that a socket is named after; nothing listens on a port of the network.
const PORT: u16 = 5432;

/// A database; one of a test's own is there until it is dropped.
pub struct Cluster(Place);

enum Place {
    Own(Own),
    /// The address of the one of a real Supabase.
    Given(Secret),
}

struct Own {
    server: Child,
    folder: TempDir,
}

impl Cluster {
    /// Makes and starts one; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub(super) async fn start() -> Option<Self> {
        let programs = programs()?;
        // Below /tmp: the server's own user must be able to come there, and the path of a socket is short.
        let folder = tempfile::Builder::new()
            .prefix("berth-pg-")
            .tempdir_in(env::temp_dir())
            .expect("a folder for the cluster can be made");
        let mut init = command(&programs.join("initdb"), folder.path());
        init.args(["-A", "trust", "-U", "supabase_admin", "-E", "UTF8", "-N"])
            .args(["--locale=C", "-D", "data"]);
        let made = init.output().expect("initdb can be started");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let log = fs::File::create(folder.path().join("log")).expect("a log can be made");
        let mut start = command(&programs.join("postgres"), folder.path());
        // Nothing here has to survive a power cut.
        for setting in [
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "listen_addresses=",
            "unix_socket_directories=.",
            "shared_buffers=64MB",
            "max_connections=60",
            "log_min_messages=warning",
        ] {
            start.args(["-c", setting]);
        }
        let server = start
            .args(["-D", "data", "-p"])
            .arg(PORT.to_string())
            .stderr(log)
            .spawn()
            .expect("postgres can be started");
        // From here on its end is this value's.
        let mut own = Own { server, folder };
        own.wait().await;
        let cluster = Self(Place::Own(own));
        cluster.superuser(SUPABASE).await;
        Some(cluster)
    }

    /// The one of a real Supabase, at this address.
    pub(super) fn given(address: Secret) -> Self {
        Self(Place::Given(address))
    }

    /// The folder of its socket.
    ///
    /// # Panics
    /// When it is a given one.
    pub(super) fn socket(&self) -> PathBuf {
        match &self.0 {
            Place::Own(own) => own.socket(),
            Place::Given(_) => unreachable!("what is started beside a database has its own"),
        }
    }

    /// Its address for a role that it knows.
    pub fn url(&self, role: &str) -> String {
        match &self.0 {
            Place::Own(own) => {
                let socket = own.socket();
                let socket = socket.to_string_lossy().replace('/', "%2F");
                format!("postgres://{role}@{socket}:{PORT}/postgres")
            }
            Place::Given(address) => real::address_for(address, role),
        }
    }

    /// A connection as one of its roles.
    ///
    /// # Errors
    /// What the server says.
    pub async fn connect(&self, role: &str) -> Result<PgConnection, sqlx::Error> {
        let options = match &self.0 {
            Place::Own(own) => own.options(role),
            Place::Given(address) => real::address_for(address, role).parse()?,
        };
        options.connect().await
    }

    /// Runs statements as a role.
    ///
    /// # Errors
    /// What the server says.
    pub async fn run(&self, role: &str, statements: &str) -> Result<(), sqlx::Error> {
        let mut conn = self.connect(role).await?;
        let done = sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut conn)
            .await;
        conn.close().await?;
        done.map(drop)
    }

    /// Runs statements as whom nothing is forbidden.
    ///
    /// # Panics
    /// When they fail.
    pub async fn superuser(&self, statements: &str) {
        self.run("supabase_admin", statements)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The first column of a query's rows, as text, asked by whom nothing is forbidden.
    ///
    /// # Panics
    /// When it fails.
    pub async fn ask(&self, query: &str) -> Vec<String> {
        let mut conn = self
            .connect("supabase_admin")
            .await
            .expect("the server takes connections");
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut conn).await;
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
        conn.close().await.expect("a connection can be closed");
        rows.iter()
            .map(|row| row.try_get(0).expect("the first column is text"))
            .collect()
    }
}

impl Own {
    async fn wait(&mut self) {
        let ready = async {
            while self.options("supabase_admin").connect().await.is_err() {
                let ended = self.server.try_wait().expect("a child can be asked");
                assert!(ended.is_none(), "postgres ended: {}", self.log());
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, ready).await;
        assert!(in_time.is_ok(), "postgres does not answer: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The socket is beside the data: the server changes into its data folder.
    fn socket(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn options(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.socket())
            .port(PORT)
            .username(role)
            .database("postgres")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // SIGQUIT ends the server and all of its processes at once, without writing anything.
        if let Ok(pid) = i32::try_from(self.server.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
        }
        let _ = self.server.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    FOLDERS
        .iter()
        .map(PathBuf::from)
        .chain(env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// A program of PostgreSQL in a folder of its own. It refuses to run as root, so there it runs as the user that
/// its package has made.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some(run) = env::var_os("BERTH_TEST_RUN") {
        command.env("BERTH_TEST_RUN", run);
    }
    if geteuid().is_root() {
        let user = User::from_name("postgres")
            .ok()
            .flatten()
            .expect("the package of PostgreSQL has made the user postgres");
        chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .expect("root can give a folder away");
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(folder, private).expect("a folder of the test can be closed");
    command
}
