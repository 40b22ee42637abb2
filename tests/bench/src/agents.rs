//! A message to a real agent and its answer, beside somebody who types it into the agent's own
//! terminal without any delay.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::Path,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use berth_model_server::{ModelServer, Recorded, Script, TurnKind};
use berth_protocol::{Event, SessionId, Size};
use berth_session::terminal::Terminal;
use berth_tests::{Client, LIMIT, Repository, Setup, Shown, agents, programs, session};

use crate::{
    bare::Bare,
    report::{Figure, Limit, Report, median, percentile},
};

/// Exchanges with each agent.
const ROUNDS: usize = 12;

/// An agent that has printed nothing for this long has started.
const STARTED: Duration = Duration::from_secs(3);

/// An agent that has printed nothing for this long has finished its answer.
const FINISHED: Duration = Duration::from_secs(1);

/// Each agent, and what it is started with so that both sides show it alike.
const AGENTS: &[(&str, &[&str])] = &[("claude", &[]), ("codex", &["--no-alt-screen"])];

/// Measures the way of a message into the agent, and of the end of its answer out of it.
pub async fn measure(report: &mut Report) {
    for (agent, arguments) in AGENTS {
        match programs::agent(agent) {
            Some(program) => exchange(agent, &program, arguments, report).await,
            None => report.skip(agent, "it is not installed"),
        }
    }
}

async fn exchange(agent: &'static str, program: &Path, arguments: &[&str], report: &mut Report) {
    let model = ModelServer::start(Script::default()).expect("the model server starts");
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("project"));
    let setup = agents::configure(setup, &model, &repository.path);
    let mut environment = setup.variables();
    environment.insert("TERM".into(), "xterm-256color".into());
    environment.insert("COLORTERM".into(), "truecolor".into());

    let engine = setup.start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;
    let started = client.start(&session(project.id, agent)).await;
    client.waiting(started.id).await;
    let mut handed = Vec::new();
    let mut seen = Vec::new();
    for round in 0..ROUNDS {
        let word = format!("berth{round}x");
        let (to_agent, to_client) = said(client, &model, started.id, &word).await;
        handed.push(to_agent);
        seen.push(to_client);
    }
    client.stop(started.id).await;

    let mut bare = Typist::start(&repository.path, program, arguments, &environment);
    let bare_handed: Vec<f64> = (0..ROUNDS)
        .map(|round| bare.say(&model, &format!("bare{round}x")))
        .collect();

    report.add(Figure {
        what: format!("{agent}: message to the model, from its echo on"),
        unit: "ms",
        berth: median(&handed),
        bare: Some(median(&bare_handed)),
        limit: Some(Limit::BeyondBareAtMost(50.0)),
        note: format!("median of {ROUNDS}; bare: Enter as soon as the terminal shows the text"),
    });
    report.add(Figure {
        what: format!("{agent}: end of the answer seen, p95"),
        unit: "ms",
        berth: percentile(&seen, 0.95),
        bare: None,
        limit: Some(Limit::AtMost(300.0)),
        note: "from the answer's last word on a terminal to `waiting` on the stream of events"
            .to_owned(),
    });
}

/// Sends a message; returns how long after its echo the model had it, and how long after the answer stood on a
/// terminal the client knew that it was complete, in milliseconds.
async fn said(client: &Client, model: &ModelServer, id: SessionId, word: &str) -> (f64, f64) {
    let mut viewer = client.view(id).await;
    let (size, ..) = viewer.snapshot().await;
    let mut events = client.chat_events(id, None).await;
    let message = message(word);
    let shown = async {
        viewer.sees(word).await;
        let echoed = now();
        let mut terminal = Terminal::new(size);
        terminal.feed(viewer.drawn().as_bytes());
        // The message itself, and the answer.
        while terminal.screen().text.matches(word).count() < 2 {
            if let Shown::Bytes(bytes) = viewer.next().await.expect("the session goes on") {
                terminal.feed(&bytes);
            }
        }
        (echoed, now())
    };
    let known = async {
        let mut worked = false;
        loop {
            if let Event::SessionChanged { session } = events.next().await.event {
                worked |= session.status.word() == "running";
                if worked && session.status.word() == "waiting" {
                    return now();
                }
            }
        }
    };
    let ((echoed, answered), sent, known) = tokio::join!(shown, client.chat(id, &message), known);
    sent.expect("the agent takes the message");
    let asked = asked(model, word).await;
    (asked.received_at as f64 - echoed, known - answered)
}

/// The request that brought a message to the model, when it is answered.
async fn asked(model: &ModelServer, word: &str) -> Recorded {
    let found = model.wait_for(LIMIT, |request| {
        request.kind == Some(TurnKind::Message)
            && request.finished_at.is_some()
            && request.body.to_string().contains(word)
    });
    found.await.expect("the model is asked")
}

fn message(word: &str) -> String {
    format!("say: A short answer to {word}")
}

/// Milliseconds since the Unix epoch, which the model server counts in too.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1000.0
}

/// An agent in a bare terminal, with somebody who presses Enter as soon as the text is there.
struct Typist {
    bare: Bare,
    output: Receiver<Vec<u8>>,
    // Agents ask their terminal questions and wait for the answers.
    terminal: Terminal,
}

impl Typist {
    fn start(
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        environment: &BTreeMap<OsString, OsString>,
    ) -> Self {
        let mut bare = Bare::start_in(folder, program, arguments, environment);
        let mut reader = std::mem::replace(&mut bare.reader, Box::new(std::io::empty()));
        let (pieces, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length) = reader.read(&mut buffer) {
                if length == 0 || pieces.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut typist = Self {
            bare,
            output,
            terminal: Terminal::new(Size { rows: 24, cols: 80 }),
        };
        typist.quiet_for(STARTED);
        typist
    }

    /// Types a message, presses Enter when it is echoed, and waits for the whole answer; returns
    /// how long after the echo the model had it, in milliseconds.
    fn say(&mut self, model: &ModelServer, word: &str) -> f64 {
        let text = message(word);
        let typed = format!("\x1b[200~{text}\x1b[201~");
        self.bare.tell(typed.as_bytes());
        let mut shown = String::new();
        while !shown.contains(word) {
            let piece = self.next(LIMIT).expect("the agent echoes what is typed");
            shown.push_str(&String::from_utf8_lossy(&piece));
        }
        let echoed = now();
        self.bare.tell(b"\r");
        let runtime = tokio::runtime::Handle::current();
        let asked = tokio::task::block_in_place(|| runtime.block_on(asked(model, word)));
        self.quiet_for(FINISHED);
        asked.received_at as f64 - echoed
    }

    fn next(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let piece = self.output.recv_timeout(limit).ok()?;
        let replies = self.terminal.feed(&piece);
        if !replies.is_empty() {
            self.bare.tell(&replies);
        }
        Some(piece)
    }

    fn quiet_for(&mut self, pause: Duration) {
        while self.next(pause).is_some() {}
    }
}
