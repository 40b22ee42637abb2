//! `berth run` and `berth attach` as people and scripts use them: the real program, in a real terminal
//! where it wants one.

#![cfg(unix)]

#[path = "cli/attach.rs"]
mod attach;
#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/backend.rs"]
mod backend;
#[path = "cli/debug.rs"]
mod debug;
#[path = "cli/prompts.rs"]
mod prompts;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/terminal.rs"]
mod terminal;

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use berth_tests::{LIMIT, Setup, processes, programs};

/// A program that answers every line, as a custom agent does.
const ECHO: [&str; 3] = [
    "bash",
    "-c",
    "echo 'Ready to answer.'; while read -r line; do echo \"Answer to: $line\"; done",
];

/// A program that prints for ever and so never takes a message.
const TICK: [&str; 3] = ["bash", "-c", "while :; do echo tick; sleep 0.1; done"];

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder(setup: &Setup, name: &str) -> PathBuf {
    let path = setup.folder().join(name);
    fs::create_dir_all(&path).expect("a folder can be made");
    path
}

/// Starts `berth` with these words; what it reads, writes and says are pipes.
fn start(setup: &Setup, words: &[&str]) -> Child {
    Command::new(programs::berth())
        .args(words)
        .env_clear()
        .envs(setup.variables())
        .current_dir(setup.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`berth` can be started")
}

/// Gives it this to read and waits for its end.
async fn done(mut child: Child, input: &str) -> Said {
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    // It may have ended without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let pid = child.id();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    match tokio::time::timeout(LIMIT, output).await {
        Ok(output) => Said::of(&output.expect("the task ends").expect("it can be read")),
        Err(_) => {
            processes::kill(pid);
            panic!("`berth` did not end within {LIMIT:?}");
        }
    }
}

/// What a command came to.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}
