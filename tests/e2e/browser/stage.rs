//! What a test of the UI plays on: an engine with private folders, a project, agents that talk to
//! a model server, and a driver for pages.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use berth_model_server::{ModelServer, Script};
use berth_protocol::Endpoint;
use berth_tests::webdriver::{Driver, Page, id};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an engine may take to end its sessions.
const GOODBYE: Duration = Duration::from_secs(15);

/// A real agent program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

/// An engine with everything around it. Dropping it ends everything.
pub struct Stage {
    // Dropped in this order: pages are the caller's, then the drivers, the engine, the folders.
    driver: Option<Driver>,
    engine: Option<Child>,
    port: u16,
    program: PathBuf,
    variables: Vec<(&'static str, OsString)>,
    repository: PathBuf,
    root: TempDir,
    _model: Option<ModelServer>,
}

impl Stage {
    /// An engine without agents; nothing, and a skip on record, where it cannot run.
    pub async fn new(test: &str) -> Option<Self> {
        Self::make(test, None, true).await
    }

    /// An engine with this agent, which talks to a model server.
    pub async fn with_agent(test: &str, agent: Agent) -> Option<Self> {
        Self::make(test, Some(agent), true).await
    }

    /// Folders, a project and a program for an engine that somebody else starts.
    pub async fn without_engine(test: &str) -> Option<Self> {
        Self::make(test, None, false).await
    }

    async fn make(test: &str, agent: Option<Agent>, start: bool) -> Option<Self> {
        let program = needed_path(test, "BERTH_BIN", "the program `berth`")?;
        if start {
            needed_program(test, "chromedriver")?;
        }
        let agents = match agent {
            Some(_) => Some(needed_path(test, "BERTH_AGENTS_DIR", "the agent CLIs")?),
            None => None,
        };
        // Not in the system's temporary folder, where Codex refuses to have its home.
        let root = tempfile::Builder::new()
            .prefix("stage-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("a folder can be made");
        let place = root.path().canonicalize().expect("the folder is there");
        let repository = place.join("harbor");
        for folder in ["home", "data", "harbor", "claude", "codex"] {
            fs::create_dir(place.join(folder)).expect("a folder can be made");
        }
        fs::set_permissions(place.join("data"), fs::Permissions::from_mode(0o700))
            .expect("the data folder can be private");
        commit_history(&repository);

        let model = agent
            .map(|_| ModelServer::start(Script::default()).expect("the model server starts"));
        let mut variables = environment(&place, agents.as_deref());
        if let (Some(agent), Some(model)) = (agent, &model) {
            variables.extend(agent.configure(&place, model));
        }
        let mut stage = Self {
            driver: start.then(Driver::chromium),
            engine: None,
            port: free_port(),
            program,
            variables,
            repository,
            root,
            _model: model,
        };
        if start {
            stage.start_engine().await;
        }
        Some(stage)
    }

    /// Starts the engine, always on the same port and data folder.
    pub async fn start_engine(&mut self) {
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--announce", "--port", &self.port.to_string()])
            .arg("--data-dir")
            .arg(self.data_dir())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the engine starts");
        let output = child.stdout.take().expect("its output is a pipe");
        self.engine = Some(child);
        let line = tokio::task::spawn_blocking(|| BufReader::new(output).lines().next());
        let line = line.await.ok().flatten().and_then(Result::ok);
        assert!(
            line.as_ref().is_some_and(|line| line.contains("\"ready\"")),
            "the engine is not ready: {line:?}"
        );
    }

    /// Ends the engine as a crash would.
    pub fn kill_engine(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.kill().expect("the engine runs");
            engine.wait().expect("the engine can be waited for");
        }
    }

    /// The folder of the engine's data.
    pub fn data_dir(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// What the engine and its agents find in their environment.
    pub fn variables(&self) -> &[(&'static str, OsString)] {
        &self.variables
    }

    /// The engine program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The project: a git repository with some commits.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// The port of the engine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the engine is now, and its token.
    pub fn endpoint(&self) -> Endpoint {
        let file = fs::read(self.data_dir().join("engine.json")).expect("an engine runs");
        serde_json::from_slice(&file).expect("the endpoint file is whole")
    }

    /// The address that opens the UI.
    pub fn ui(&self) -> String {
        let Endpoint { url, token, .. } = self.endpoint();
        format!("{url}/#token={token}")
    }

    /// Opens a browser.
    pub async fn page(&self, test: &str, flags: &[&str]) -> Page {
        let driver = self.driver.as_ref().expect("this stage has a browser");
        driver.browser(test, flags).await
    }

    /// Sends a request to the engine, beside the UI.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let Endpoint { url, token, .. } = self.endpoint();
        let response = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client can be made")
            .post(format!("{url}/api/v1{path}"))
            .bearer_auth(token)
            .json(&body)
            .send()
            .await
            .expect("the engine answers");
        let status = response.status();
        let answer: Value = response.json().await.unwrap_or_default();
        assert!(status.is_success(), "POST {path}: {status}: {answer}");
        answer
    }

    /// Starts a session beside the UI and returns its id.
    pub async fn session(&self, agent: &str, message: Option<&str>) -> String {
        let project = self
            .post("/projects", json!({"path": self.repository}))
            .await;
        let mut body = json!({"project_id": project["id"], "agent": agent});
        if let Some(message) = message {
            body["message"] = message.into();
        }
        let session = self.post("/sessions", body).await;
        session["id"].as_str().expect("it has an id").to_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let Some(mut engine) = self.engine.take() else {
            return;
        };
        // Asked, it ends its sessions; killed, it could not.
        if let Ok(pid) = i32::try_from(engine.id()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        let deadline = Instant::now() + GOODBYE;
        while matches!(engine.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let _ = engine.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Agent {
    /// Writes what the agent has to know, and returns where it finds that.
    fn configure(self, place: &Path, model: &ModelServer) -> Vec<(&'static str, OsString)> {
        let (url, openai_url) = (model.base_url(), model.openai_url());
        match self {
            Self::Claude => {
                let folder = place.join("claude");
                let known = json!({
                    "hasCompletedOnboarding": true,
                    "projects": {place.display().to_string(): {"hasTrustDialogAccepted": true}},
                });
                fs::write(folder.join(".claude.json"), known.to_string())
                    .expect("a file can be written");
                vec![
                    ("CLAUDE_CONFIG_DIR", folder.into()),
                    ("ANTHROPIC_BASE_URL", url.into()),
                    ("ANTHROPIC_AUTH_TOKEN", "dummy".into()),
                    ("ENABLE_TOOL_SEARCH", "false".into()),
                    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".into()),
                    ("DISABLE_AUTOUPDATER", "1".into()),
                ]
            }
            Self::Codex => {
                let folder = place.join("codex");
                let project = place.join("harbor");
                let settings = format!(
                    r#"model = "gpt-5.5"
model_provider = "test"

[model_providers.test]
name = "test"
base_url = "{openai_url}"
env_key = "TEST_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[projects."{}"]
trust_level = "trusted"

[tui]
screen_reader_detection_done = true
[tui.model_availability_nux]
"gpt-6.1-sol" = 4
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"#,
                    project.display()
                );
                fs::write(folder.join("config.toml"), settings).expect("a file can be written");
                vec![("CODEX_HOME", folder.into()), ("TEST_KEY", "dummy".into())]
            }
        }
    }
}

/// Adds a project in the UI, from the page that offers it.
pub async fn add_project(page: &Page, path: &Path) {
    page.click(&id("add-project")).await;
    page.type_into(&id("project-path"), &path.display().to_string())
        .await;
    page.click(&id("add-project-confirm")).await;
    page.sees(&id("session-prompt")).await;
}

/// Starts a session in the box for new ones, and waits until its page is shown.
pub async fn start_session(page: &Page, agent: &str, message: &str) {
    page.type_into(&id("session-prompt"), message).await;
    page.click(&id("agent-picker")).await;
    page.click(&format!("[data-testid=agent-option][data-value={agent}]"))
        .await;
    page.sees(&format!("[data-testid=agent-picker][data-value={agent}]"))
        .await;
    page.click(&id("start-session")).await;
    page.sees(&id("tab-terminal")).await;
}

/// The path in a variable; nothing, and a skip on record, where it is missing.
pub fn needed_path(test: &str, variable: &str, what: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map(PathBuf::from);
    let found = path.filter(|path| path.exists());
    if found.is_none() {
        skip(test, &format!("{what} is not there ({variable})"));
    }
    found
}

/// Whether a program is there; a skip is put on record where it is not.
pub fn needed_program(test: &str, name: &str) -> Option<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !found {
        skip(test, &format!("{name} is not installed"));
    }
    found.then_some(())
}

/// Puts on record that a test did not run.
pub fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    if let Some(path) = env::var_os("BERTH_TEST_SKIPS") {
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        let mut file = file.expect("the list of skips can be written");
        writeln!(file, "{test}\t{reason}").expect("the list of skips can be written");
    }
}

/// A port that nobody has now. The engine takes it again after it was killed, so that a page that
/// is open finds it.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}

/// An environment without anything of the user's own.
fn environment(place: &Path, agents: Option<&Path>) -> Vec<(&'static str, OsString)> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = agents.map(Path::to_owned).into_iter();
    let path = env::join_paths(folders.chain(env::split_paths(&path))).expect("paths join");
    vec![
        ("HOME", place.join("home").into()),
        ("SHELL", "/bin/bash".into()),
        ("PATH", path),
    ]
}

fn commit_history(repository: &Path) {
    git(repository, &["init", "--quiet", "--initial-branch=main"]);
    for (name, content) in [("README.md", "# Harbor\n"), ("quay.txt", "one\ntwo\n")] {
        fs::write(repository.join(name), content).expect("a file can be written");
        git(repository, &["add", "."]);
        git(repository, &["commit", "--quiet", "--message", name]);
    }
}

fn git(repository: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(["-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(repository)
        .status()
        .expect("git starts");
    assert!(status.success(), "git {arguments:?}: {status}");
}
