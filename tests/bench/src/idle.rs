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

/// Wake-ups in a second that may be chance: one more or less at an end of the time that is watched.
const MOST_WAKE_UPS: f64 = 1.0;

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

    let alone = watch(engine.pid()).await;
    let before = usage::private_memory(engine.pid());
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(client.command(project.id, &["/bin/bash", "-i"]).await);
    }
    for session in &sessions {
        client.waiting(session.id).await;
    }
    let idle = watch(engine.pid()).await;
    let after = usage::private_memory(engine.pid());

    let bare = Held::start();
    let bare_idle = watch(bare.child.id()).await;
    let bare_memory = usage::private_memory(bare.child.id());
    drop(bare);

    report.add(Figure {
        what: format!("{SESSIONS} idle sessions, processor"),
        unit: "% of a core",
        berth: idle.processor,
        bare: Some(bare_idle.processor),
        limit: Some(Limit::AtMost(1.0)),
        note: format!("over {} s, with a client on /events", WATCHED.as_secs()),
    });
    report.add(Figure {
        what: format!("wake-ups that {SESSIONS} idle sessions add"),
        unit: "a second",
        berth: (idle.wake_ups - alone.wake_ups).max(0.0),
        bare: Some(bare_idle.wake_ups),
        limit: Some(Limit::AtMost(MOST_WAKE_UPS)),
        note: format!(
            "all threads, over {} s; the engine without a session has {:.1}",
            WATCHED.as_secs(),
            alone.wake_ups
        ),
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

/// What a process does while nothing happens.
pub struct Idle {
    /// How much of a core it uses, in percent.
    pub processor: f64,
    /// How often its threads are woken in a second.
    pub wake_ups: f64,
}

/// Watches a process while nothing happens.
pub async fn watch(pid: u32) -> Idle {
    tokio::time::sleep(SETTLED).await;
    let (processor, wake_ups) = (usage::processor_time(pid), usage::wake_ups(pid));
    tokio::time::sleep(WATCHED).await;
    let used = usage::processor_time(pid).saturating_sub(processor);
    let woken = usage::wake_ups(pid).saturating_sub(wake_ups);
    Idle {
        processor: used.as_secs_f64() / WATCHED.as_secs_f64() * 100.0,
        wake_ups: woken as f64 / WATCHED.as_secs_f64(),
    }
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
