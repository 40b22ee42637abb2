//! A real engine of a test's own: the `berth` program with a data folder, a home and an
//! environment that no other test shares.
//!
//! Dropping it ends the engine and everything that was started in its environment, so that a test
//! that fails in the middle leaves nothing behind.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use berth_protocol::Endpoint;
use tempfile::TempDir;

use crate::{Client, LIMIT, processes, programs};

/// An engine that runs, or that was stopped and may be started again.
pub struct Engine {
    /// Speaks to the engine.
    pub client: Client,
    setup: Setup,
    child: Option<Child>,
}

/// How an engine is to be started.
pub struct Setup {
    folder: TempDir,
    data_dir: PathBuf,
    wrapper: Vec<OsString>,
    arguments: Vec<OsString>,
    variables: BTreeMap<OsString, OsString>,
}

impl Setup {
    /// A folder with an empty home, and nothing of this process's environment but the `PATH`.
    pub fn new() -> Self {
        let folder = programs::folder();
        let home = folder.path().join("home");
        for made in [&home, &folder.path().join("tmp")] {
            fs::create_dir_all(made).expect("a folder of the test can be made");
        }
        // A prompt that is the same everywhere, and a name for commits.
        fs::write(home.join(".bashrc"), "PS1='$ '\n").expect("a file of the test can be written");
        fs::write(
            home.join(".gitconfig"),
            "[user]\nname = Test\nemail = test@example.org\n[init]\ndefaultBranch = main\n",
        )
        .expect("a file of the test can be written");
        let mut setup = Self {
            data_dir: folder.path().join("data"),
            folder,
            wrapper: Vec::new(),
            arguments: Vec::new(),
            variables: BTreeMap::new(),
        };
        let path = programs::agents_folder()
            .into_iter()
            .chain(programs::goose_folder())
            .chain(programs::aider_folder())
            .chain(programs::acp_folder())
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>());
        let path = env::join_paths(path).expect("the PATH can be put together");
        setup = setup
            .variable("PATH", path)
            .variable("HOME", &home)
            .variable("SHELL", "/bin/bash")
            .variable("LANG", "C.UTF-8")
            .variable("GIT_CONFIG_NOSYSTEM", "1");
        // Marks what a run of the tests started, for the check for left-over processes.
        if let Some(run) = env::var_os("BERTH_TEST_RUN") {
            setup = setup.variable("BERTH_TEST_RUN", run);
        }
        setup
    }

    /// Sets a variable of the engine's environment, which sessions get too.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), value.as_ref().into());
        self
    }

    /// Takes a variable out of the engine's environment.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// Keeps the engine's data elsewhere.
    #[must_use]
    pub fn data_dir(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.data_dir);
        self
    }

    /// Adds an argument of `berth serve`.
    #[must_use]
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().into());
        self
    }

    /// Starts the engine through another program.
    #[must_use]
    pub fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(OsString::from).collect();
        self
    }

    /// The folder of everything in this test, removed at the end.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The environment for whoever starts the engine instead of [`Setup::start`], such as the
    /// window.
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        let mut variables = self.variables.clone();
        variables.insert("BERTH_HOME".into(), self.data_dir.clone().into());
        variables
    }

    /// A client of the engine that somebody has started on this data folder.
    pub fn client(&self) -> Client {
        let file = fs::read(self.data_dir.join("engine.json")).expect("there is an endpoint file");
        Client::new(serde_json::from_slice(&file).expect("the endpoint file is readable"))
    }

    /// The home of the engine and its sessions.
    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// Runs `berth` with these arguments to its end, for a start that must fail or a command.
    pub async fn berth(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(programs::berth().as_os_str());
        command.args(arguments).stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.output());
        let output = tokio::time::timeout(LIMIT, done).await;
        let output = output
            .expect("`berth` ends in time")
            .expect("the task goes on");
        output.expect("`berth` can be started")
    }

    /// Starts the engine and waits until it says that it is ready.
    pub async fn start(self) -> Engine {
        let (child, endpoint) = self.spawn().await;
        Engine {
            client: Client::new(endpoint),
            setup: self,
            child: Some(child),
        }
    }

    fn command(&self, program: &OsStr) -> Command {
        let mut words = self
            .wrapper
            .iter()
            .map(OsString::as_os_str)
            .chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command
            .args(words)
            .env_clear()
            .envs(&self.variables)
            .env("BERTH_HOME", &self.data_dir)
            .current_dir(self.folder());
        command
    }

    async fn spawn(&self) -> (Child, Endpoint) {
        let log = self.folder().join("stderr.log");
        let stderr = fs::OpenOptions::new().create(true).append(true).open(&log);
        let mut child = self
            .command(programs::berth().as_os_str())
            .args(["serve", "--announce"])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.expect("the engine's output can be kept"))
            .spawn()
            .expect("`berth serve` can be started");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(LIMIT, line).await;
        let line = line
            .ok()
            .and_then(Result::ok)
            .and_then(Result::ok)
            .unwrap_or_default();
        if !line.contains("\"ready\":true") {
            // Neither may be left behind, and both may be gone already.
            let _ = child.kill();
            let _ = child.wait();
            panic!("the engine is not ready: {line:?}\n{}", self.said());
        }
        let file = fs::read(self.data_dir.join("engine.json")).expect("there is an endpoint file");
        (
            child,
            serde_json::from_slice(&file).expect("the endpoint file is readable"),
        )
    }

    /// What the engine printed, the end of it.
    fn said(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = fs::File::open(self.folder().join("stderr.log")) {
            // What is not readable is not worth a second failure.
            let _ = file.read_to_string(&mut text);
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine with nothing special about it.
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// Folders, and `berth` commands beside the running engine.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The engine's data folder.
    pub fn data_dir(&self) -> &Path {
        &self.setup.data_dir
    }

    /// The address of the UI, with the token.
    pub fn page(&self) -> String {
        let endpoint = self.client.endpoint();
        format!("{}/#token={}", endpoint.url, endpoint.token)
    }

    /// The engine's process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Ends the engine at once, as a crash or a power cut of its process would. What it started
    /// goes on.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the engine can be killed");
            child.wait().expect("the engine can be waited for");
        }
    }

    /// Asks the engine to end and waits until it has.
    pub async fn stop(&mut self) -> ExitStatus {
        self.client.stop_engine().await;
        self.ended().await
    }

    /// Waits until the engine, which somebody has asked to end, has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the engine was started");
        let pid = child.id();
        let status = tokio::task::spawn_blocking(move || child.wait());
        match tokio::time::timeout(LIMIT, status).await {
            Ok(status) => status
                .expect("the task goes on")
                .expect("the engine can be waited for"),
            Err(_) => {
                processes::kill(pid);
                panic!("the engine did not end within {LIMIT:?}");
            }
        }
    }

    /// Starts the engine on the same data again; one that still runs is asked to end first.
    pub async fn restart(&mut self) {
        if self.child.is_some() {
            self.stop().await;
        }
        let (child, endpoint) = self.setup.spawn().await;
        self.child = Some(child);
        self.client = Client::new(endpoint);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("what the engine said:\n{}", self.setup.said()));
        }
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        processes::end_all_with("HOME", self.setup.home());
        // Routers have homes of their own.
        let routers = fs::read_dir(self.data_dir().join("routers"));
        for folder in routers.into_iter().flatten().flatten() {
            processes::end_all_with("BERTH_ROUTER_FOLDER", folder.path());
        }
    }
}

/// The duration in which a stopped program is gone for sure: the engine's grace, and some more for a slow machine.
pub const STOP_LIMIT: Duration = Duration::from_secs(30);

#[expect(
    clippy::print_stderr,
    reason = "libtest shows what a failed test prints"
)]
fn say(text: &str) {
    eprintln!("{text}");
}
