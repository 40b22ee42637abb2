//! What quiet sessions cost: rule 6 of the design says nothing.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use berth_tests::{Engine, Repository, Setup};

use crate::{
    report::{Figure, Limit, Report},
    usage,
};

/// How many sessions are quiet together.
const SESSIONS: usize = 100;

/// How long they are watched.
const WATCHED: Duration = Duration::from_secs(20);

/// Time for the last of what a start sets going to end before anything is watched.
const SETTLED: Duration = Duration::from_secs(5);

/// Lines that a session prints to be no longer fresh.
const LINES: usize = 1000;

/// Measures shells that wait for a command, with a client that listens to every change.
pub async fn measure(report: &mut Report) {
    if !usage::is_counted() {
        return report.skip("quiet sessions", "this system does not count as Linux does");
    }
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("project"));
    let engine = setup.start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    // Started and ended once, so that what the engine keeps for all sessions is not counted.
    let first = client.command(project.id, &["cat"]).await;
    client.waiting(first.id).await;
    client.stop(first.id).await;
    let _listens = client.events(None).await;

    tokio::time::sleep(SETTLED).await;
    let before = usage::private_memory(engine.pid());
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(client.command(project.id, &["/bin/bash", "-i"]).await);
    }
    for session in &sessions {
        client.waiting(session.id).await;
    }
    let busy = processor_share(engine.pid()).await;
    let after = usage::private_memory(engine.pid());

    let bare = Held::start();
    tokio::time::sleep(SETTLED).await;
    let bare_busy = processor_share(bare.child.id()).await;
    let bare_memory = usage::private_memory(bare.child.id());
    drop(bare);

    report.add(Figure {
        what: format!("{SESSIONS} idle sessions, processor"),
        unit: "% of a core",
        berth: busy,
        bare: Some(bare_busy),
        limit: Some(Limit::AtMost(1.0)),
        note: format!("over {} s, with a client on /events", WATCHED.as_secs()),
    });
    report.add(Figure {
        what: "memory for an idle session".to_owned(),
        unit: "KiB",
        berth: (after - before) / SESSIONS as f64,
        bare: Some(bare_memory / SESSIONS as f64),
        limit: Some(Limit::AtMost(1024.0)),
        note: "private memory of the engine; bare: portable-pty and a thread".to_owned(),
    });
    after_output(&engine, &sessions, before, report).await;
}

/// The same sessions after each has printed more than a screen.
async fn after_output(
    engine: &Engine,
    sessions: &[berth_protocol::Session],
    before: f64,
    report: &mut Report,
) {
    let client = &engine.client;
    for session in sessions {
        let print = format!("seq 1 {LINES}; echo e''nd\n");
        let typed = client.input(session.id, &print).await;
        typed.expect("the shell takes a command");
    }
    for session in sessions {
        let mut viewer = client.view(session.id).await;
        viewer.sees("end").await;
    }
    tokio::time::sleep(SETTLED).await;
    report.add(Figure {
        what: format!("the same after {LINES} lines"),
        unit: "KiB",
        berth: (usage::private_memory(engine.pid()) - before) / SESSIONS as f64,
        bare: None,
        limit: None,
        note: "with the scrollback of those lines".to_owned(),
    });
}

/// How much of a core a process uses while nothing happens, in percent.
pub async fn processor_share(pid: u32) -> f64 {
    tokio::time::sleep(SETTLED).await;
    let before = usage::processor_time(pid);
    tokio::time::sleep(WATCHED).await;
    let used = usage::processor_time(pid).saturating_sub(before);
    used.as_secs_f64() / WATCHED.as_secs_f64() * 100.0
}

/// A process that holds bare terminals until it is dropped.
struct Held {
    child: Child,
}

impl Held {
    fn start() -> Self {
        let own = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(own)
            .args(["--hold", &SESSIONS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let output = child.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it says that it is ready");
        Self { child }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends with its input.
        let _ = self.child.wait();
    }
}
