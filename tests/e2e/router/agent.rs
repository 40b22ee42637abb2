//! Agents as a session would run them behind a router, but without a terminal.

use std::{path::Path, process::Stdio};

use berth_protocol::{AgentId, Size, Transport};
use berth_session::{
    agents::{self, injection::Injection},
    environment::Environment,
    pty::Launch,
    router::Route,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use uuid::Uuid;

use super::{
    PATIENCE,
    stage::{Running, Stage},
};

/// What a session runs.
pub fn launch(
    agent: &str,
    running: Option<&Running>,
    route: &Route,
    environment: &Environment,
    workspace: &Path,
) -> Launch {
    let id: AgentId = agent.parse().expect("it is a name");
    let spec = agents::find(&id).expect("the agent is known");
    let order = agents::Order {
        session: running.map_or_else(
            || berth_protocol::SessionId(Uuid::now_v7()),
            |running| running.session,
        ),
        workspace,
        size: Size::default(),
        transport: Transport::Pty,
        permission_mode: None,
        command: None,
        agent_session: &Uuid::new_v4().to_string(),
        resume: false,
        injection: Injection::default(),
        private: workspace,
        secrets: &std::collections::BTreeMap::new(),
        router: Some(route),
    };
    let plan = agents::plan(spec, &order, environment);
    plan.expect("the agent can be started").launch
}

fn command(launch: &Launch) -> Command {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .env_clear()
        .envs(&launch.env)
        .current_dir(&launch.cwd)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn output(command: &mut Command) -> String {
    let done = tokio::time::timeout(PATIENCE, command.output()).await;
    let done = done
        .expect("the agent ends in time")
        .expect("the agent starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&done.stdout) + &text(&done.stderr)
}

/// What Claude Code prints for one message.
pub async fn claude(stage: &Stage, version: &str, running: &Running, message: &str) -> String {
    let environment = stage.environment(version);
    let route = running.instance.route();
    let launch = launch(
        "ccr",
        Some(running),
        route,
        &environment,
        &stage.path("work"),
    );
    output(command(&launch).args(["-p", message])).await
}

/// What an agent prints for one message that is launched so.
pub async fn print(launch: &Launch, message: &str) -> String {
    output(command(launch).args(["-p", message])).await
}

/// What Codex prints for one message.
pub async fn codex(stage: &Stage, version: &str, running: &Running, message: &str) -> String {
    let environment = stage.environment(version);
    let route = running.instance.route();
    let mut launch = launch(
        "codex",
        Some(running),
        route,
        &environment,
        &stage.path("work"),
    );
    // Without the options of its terminal, which `exec` does not know.
    let from = launch
        .args
        .iter()
        .position(|arg| arg == "-m")
        .expect("a model is named");
    launch.args.drain(..from);
    launch.args.insert(0, "exec".into());
    output(command(&launch).args(["--skip-git-repo-check", message])).await
}

/// A Claude Code that takes one message after the other.
pub struct Talk {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    pub fn start(stage: &Stage, version: &str, running: &Running) -> Self {
        let environment = stage.environment(version);
        let route = running.instance.route();
        let launch = launch(
            "ccr",
            Some(running),
            route,
            &environment,
            &stage.path("work"),
        );
        let mut command = command(&launch);
        command
            .args(["-p", "--verbose", "--input-format", "stream-json"])
            .args(["--output-format", "stream-json"])
            .stdin(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().expect("claude starts");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = child.stdout.take().expect("its output is a pipe");
        Self {
            _child: child,
            input,
            output: BufReader::new(output).lines(),
        }
    }

    /// Sends a message and waits for the whole answer.
    pub async fn exchange(&mut self, message: &str) -> String {
        let message = json!({"type": "user", "message": {"role": "user", "content": message}});
        let line = format!("{message}\n");
        self.input
            .write_all(line.as_bytes())
            .await
            .expect("claude listens");
        let result = async {
            loop {
                let line = self.output.next_line().await.expect("claude can be read");
                let line = line.expect("claude goes on");
                let value: Value = serde_json::from_str(&line).unwrap_or_default();
                if value["type"] == "result" {
                    return value["result"].as_str().unwrap_or_default().to_owned();
                }
            }
        };
        tokio::time::timeout(PATIENCE, result)
            .await
            .expect("claude answers in time")
    }
}
