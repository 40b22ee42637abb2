//! Reading the screens of real agents, from their recordings: how much output is read in a second,
//! and how soon the end of an answer is seen.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use alacritty_terminal::{
    Term, event::VoidListener, grid::Dimensions, term::Config, vte::ansi::Processor,
};
use berth_protocol::{SessionId, Size, Status};
use berth_session::{
    agents::{self, ScreenRules},
    live::{self, SessionEvent, Start},
    process::Reaper,
    pty::Launch,
    reading::{self, Activity},
    recording::{Played, play},
    terminal::{SCROLLBACK_LINES, Terminal},
};
use tokio::task::JoinSet;

use crate::{
    agentapi,
    player::Player,
    report::{Figure, Limit, Report, median, percentile},
};

/// Bytes of each recording's output that are read, repeated as often as that takes.
const BYTES: usize = 2 * 1024 * 1024;

/// Most bytes that a session takes from its terminal at once.
const PIECE: usize = 64 * 1024;

/// While output flows, a session reads the screen this often.
const GLANCE: Duration = Duration::from_millis(60);

/// Rounds; the one in the middle counts.
const ROUNDS: usize = 5;

/// Recordings that are replayed at a time.
const AT_ONCE: usize = 6;

/// Longest time that a session may take to see an end that has come.
const LIMIT: Duration = Duration::from_secs(10);

/// Recordings with an answer, and the message that it answers.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("aider", "question", "say: Hello from the test model."),
    ("aider", "long", "long: 40"),
    ("aider", "slow", "slow: 3000: Done waiting."),
    ("ccr", "question", "say: Hello from the test model."),
    ("ccr", "long", "long: 60"),
    ("claude", "question", "say: Hello from the test model."),
    ("claude", "long", "long: 60"),
    (
        "claude",
        "inline-question",
        "say: Hello from the test model.",
    ),
    ("claude", "inline-long", "long: 60"),
    ("claude", "slow", "slow: 3000: Done waiting."),
    ("codex", "question", "say: Hello from the test model."),
    ("codex", "long", "long: 60"),
    (
        "codex",
        "inline-question",
        "say: Hello from the test model.",
    ),
    ("codex", "inline-long", "long: 60"),
    ("codex", "slow", "slow: 3000: Done waiting."),
    ("droid", "question", "say: Hello from the test model."),
    ("droid", "long", "long: 40"),
    ("gemini", "question", "say: Hello from the test model."),
    ("gemini", "long", "long: 40"),
    ("gemini", "slow", "slow: 1500: Done waiting."),
    ("goose", "question", "say: Hello from the test model."),
    ("goose", "long", "long: 40"),
    ("goose", "slow", "slow: 3000: Done waiting."),
    ("opencode", "question", "say: Hello from the test model."),
    ("opencode", "long", "long: 40"),
    ("opencode", "slow", "slow: 4000: Done waiting."),
];

/// Measures both.
pub async fn measure(report: &mut Report) {
    speed(report);
    ends(report).await;
    ends_of_agentapi(report).await;
}

/// The recordings of all agents.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/session/src/agents")
}

/// What an agent printed, and where.
struct Printed {
    rules: &'static ScreenRules,
    size: Size,
    output: Vec<u8>,
}

fn speed(report: &mut Report) {
    let printed = printed();
    let megabytes = (printed.len() * BYTES) as f64 / 1_000_000.0;
    let (mut berth, mut bare, mut looks) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for one in &printed {
            draw_bare(one);
        }
        bare.push(megabytes / started.elapsed().as_secs_f64());
        let started = Instant::now();
        let mut looked = started;
        for one in &printed {
            looks += read(one, &mut looked);
        }
        berth.push(megabytes / started.elapsed().as_secs_f64());
    }
    report.add(Figure {
        what: "screens of agents, read".to_owned(),
        unit: "MB/s",
        berth: median(&berth),
        bare: Some(median(&bare)),
        limit: Some(Limit::AtLeast(50.0)),
        note: format!(
            "median of {ROUNDS}; {} recordings of {:.1} MB each as one flood in pieces of 64 KiB; drawn and \
             read (status, question, reply) every {} ms and at each end, as a session does: {} times a \
             round; bare: the emulator alone",
            printed.len(),
            BYTES as f64 / 1_000_000.0,
            GLANCE.as_millis(),
            looks / ROUNDS,
        ),
    });
}

fn printed() -> Vec<Printed> {
    let mut all = Vec::new();
    for spec in agents::all() {
        let Ok(files) = fs::read_dir(folder().join(spec.id.as_str()).join("recordings")) else {
            continue;
        };
        for file in files.flatten() {
            let (size, events) = play(&file.path()).expect("a recording can be read");
            let mut output = Vec::new();
            for (_, event) in events {
                if let Played::Output(text) = event {
                    output.extend_from_slice(text.as_bytes());
                }
            }
            if !output.is_empty() {
                let output = output.iter().copied().cycle().take(BYTES).collect();
                all.push(Printed {
                    rules: &spec.screen,
                    size,
                    output,
                });
            }
        }
    }
    all
}

/// Reads all that an agent printed; returns how often its screen was looked at.
fn read(printed: &Printed, looked: &mut Instant) -> usize {
    let mut terminal = Terminal::new(printed.size);
    let mut looks = 0;
    let mut look = |terminal: &mut Terminal| {
        terminal.draw();
        std::hint::black_box(reading::read(printed.rules, terminal));
        std::hint::black_box(reading::reply(
            printed.rules,
            terminal,
            "say: Hello",
            true,
            0,
        ));
        looks += 1;
    };
    for piece in printed.output.chunks(PIECE) {
        terminal.take(piece);
        if looked.elapsed() >= GLANCE {
            look(&mut terminal);
            *looked = Instant::now();
        }
    }
    look(&mut terminal);
    looks
}

struct Cells(Size);

impl Dimensions for Cells {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.0.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.0.cols)
    }
}

fn draw_bare(printed: &Printed) {
    let config = Config {
        scrolling_history: SCROLLBACK_LINES,
        ..Config::default()
    };
    let mut term = Term::new(config, &Cells(printed.size), VoidListener);
    let mut parser: Processor = Processor::new();
    for piece in printed.output.chunks(PIECE) {
        parser.advance(&mut term, piece);
    }
    std::hint::black_box(&term);
}

async fn ends(report: &mut Report) {
    let reaper = Reaper::start();
    let mut delays = Vec::new();
    let (mut slowest, mut missing) = ((0.0, String::new()), Vec::new());
    for group in ANSWERS.chunks(AT_ONCE) {
        let mut replays = JoinSet::new();
        for &(agent, name, sent) in group {
            let reaper = reaper.clone();
            replays.spawn(async move {
                let delay = replayed(agent, name, sent, reaper).await;
                (format!("{agent}/{name}"), delay)
            });
        }
        while let Some(replay) = replays.join_next().await {
            let (name, delay) = replay.expect("a replay ends");
            match delay {
                Ok(delay) => {
                    println!("  {name}: {delay:.0} ms");
                    if delay > slowest.0 {
                        slowest = (delay, name);
                    }
                    delays.push(delay);
                }
                Err(why) => {
                    report.skip(&format!("end of the answer in {name}"), &why);
                    missing.push(name);
                }
            }
        }
    }
    // A recording that is left out would make the figure better.
    report.add(Figure {
        what: "recorded answers: end not measured".to_owned(),
        unit: "",
        berth: missing.len() as f64,
        bare: None,
        limit: Some(Limit::AtMost(0.0)),
        note: format!("of {}; {}", ANSWERS.len(), missing.join(", ")),
    });
    if delays.is_empty() {
        return;
    }
    report.add(Figure {
        what: "recorded answers: end seen, p95".to_owned(),
        unit: "ms",
        berth: percentile(&delays, 0.95),
        bare: None,
        limit: Some(Limit::AtMost(300.0)),
        note: format!(
            "{} real recordings, replayed with their times on a terminal to a real session; from the output \
             that completes the answer or takes the last sign of work away to the report of `waiting`; \
             median {:.0}, slowest {:.0} ({})",
            delays.len(),
            median(&delays),
            slowest.0,
            slowest.1
        ),
    });
}

/// The same of agentapi, where it is on the `PATH`.
async fn ends_of_agentapi(report: &mut Report) {
    let what = "recorded answers: end seen by agentapi, p95";
    let Some(program) = agentapi::program() else {
        return report.skip(what, "agentapi is not on the PATH");
    };
    let mut delays = Vec::new();
    for &(agent, name, sent) in ANSWERS {
        let Ok((player, _stamp)) = player(agent, name, sent) else {
            continue;
        };
        match agentapi::replayed(&program, agent, &player).await {
            Some(Ok(delay)) => {
                println!("  {agent}/{name}, agentapi: {delay:.0} ms");
                delays.push(delay);
            }
            Some(Err(why)) => report.skip(&format!("agentapi's end of {agent}/{name}"), &why),
            None => {}
        }
    }
    if delays.is_empty() {
        return;
    }
    report.add(Figure {
        what: what.to_owned(),
        unit: "ms",
        berth: percentile(&delays, 0.95),
        bare: None,
        limit: None,
        note: format!(
            "{} ({} recordings), for comparison: from the same output to its `stable`; median {:.0}",
            program.display(),
            delays.len(),
            median(&delays)
        ),
    });
}

/// What plays a recording and notes when its answer is complete. The file is removed with the second.
fn player(
    agent: &str,
    name: &str,
    sent: &str,
) -> Result<(Player, tempfile::NamedTempFile), String> {
    let file = folder().join(agent).join(format!("recordings/{name}.cast"));
    let spec = agent.parse().ok().and_then(|id| agents::find(&id));
    let rules = &spec.ok_or("there is no such agent")?.screen;
    let (_, end) = end_of_answer(rules, &file, sent)?;
    let stamp = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    Ok((Player::new(&file, end, stamp.path()), stamp))
}

/// Replays a recording to a session; returns how many milliseconds after the end of the answer it is
/// reported waiting.
async fn replayed(agent: &str, name: &str, sent: &str, reaper: Reaper) -> Result<f64, String> {
    let file = folder().join(agent).join(format!("recordings/{name}.cast"));
    let spec = agent.parse().ok().and_then(|id| agents::find(&id));
    let rules = &spec.ok_or("there is no such agent")?.screen;
    let (size, end) = end_of_answer(rules, &file, sent)?;
    let stamp = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let player = Player::new(&file, end, stamp.path());
    let start = Start {
        id: SessionId(uuid::Uuid::now_v7()),
        run: 1,
        launch: launch(size, &player),
        rules: Arc::clone(rules),
        recording: None,
        follow_output: false,
        shows_earlier: false,
        router: None,
        title: String::new(),
        reaper,
        grace: Duration::from_millis(200),
    };
    let (session, mut events) = live::start(start).map_err(|error| error.to_string())?;
    let waited: Arc<OnceLock<()>> = Arc::default();
    let mut seen: Option<f64> = None;
    let mut said = false;
    loop {
        let next = tokio::time::timeout(LIMIT * 3, events.recv()).await;
        let Ok(Some(event)) = next else { break };
        match event {
            SessionEvent::Status(Status::Waiting) if waited.set(()).is_ok() => {
                let (session, sent) = (session.clone(), sent.to_owned());
                tokio::spawn(async move { session.send(sent).await });
            }
            SessionEvent::Status(Status::Waiting) if said => {
                // Later ones are not the first that somebody was told.
                seen.get_or_insert(crate::player::now());
            }
            SessionEvent::Taken { .. } => said = true,
            SessionEvent::Status(Status::Running) if said => seen = None,
            SessionEvent::Ended { .. } => break,
            _ => {}
        }
    }
    let ended = player.marked().ok_or("it did not play to the end")?;
    match seen {
        Some(seen) if seen >= ended => Ok(seen - ended),
        Some(seen) => Err(format!(
            "waiting was reported {:.0} ms too early",
            ended - seen
        )),
        None if said => Err("waiting was not reported".to_owned()),
        None => Err("the message was not taken".to_owned()),
    }
}

/// The number of the first event from which on the answer stands there and the agent does not work.
fn end_of_answer(rules: &ScreenRules, file: &Path, sent: &str) -> Result<(Size, usize), String> {
    let (size, events) = play(file).map_err(|error| error.to_string())?;
    let mut terminal = Terminal::new(size);
    let mut last = (String::new(), false);
    let mut end = None;
    for (number, (_, event)) in events.iter().enumerate() {
        match event {
            Played::Output(text) => drop(terminal.feed(text.as_bytes())),
            Played::Resized(size) => terminal.resize(*size),
        }
        let busy = reading::read(rules, &terminal).activity == Activity::Busy;
        let said = reading::reply_beyond(rules, &terminal, sent, true, 0, &last.0);
        let now = (said, busy);
        if now != last {
            end = Some(number);
            last = now;
        }
    }
    match end {
        Some(end) if !last.0.is_empty() && !last.1 => Ok((size, end)),
        _ => Err("the recording does not end with an answer".to_owned()),
    }
}

fn launch(size: Size, player: &Player) -> Launch {
    // The terminal must not change what is printed, nor print what is typed.
    let mut args = vec![
        "-c".into(),
        "stty raw -echo; exec \"$0\" \"$@\"".into(),
        std::env::current_exe().unwrap_or_default().into(),
    ];
    args.extend(player.arguments());
    Launch {
        program: "/bin/sh".into(),
        args,
        env: std::env::vars_os().collect(),
        cwd: std::env::temp_dir(),
        size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_answer_has_an_end() {
        for &(agent, name, sent) in ANSWERS {
            let spec = agent.parse().ok().and_then(|id| agents::find(&id));
            let rules = &spec.expect("the agent is known").screen;
            let file = folder().join(agent).join(format!("recordings/{name}.cast"));
            let end = end_of_answer(rules, &file, sent);
            assert!(end.is_ok(), "{agent}/{name}: {:?}", end.err());
        }
    }

    #[test]
    fn every_recording_of_a_whole_answer_is_measured() {
        let whole = ["question", "long", "slow", "inline-question", "inline-long"];
        for spec in agents::all() {
            let agent = spec.id.as_str();
            for name in whole {
                let file = folder().join(agent).join(format!("recordings/{name}.cast"));
                let is_measured = ANSWERS.iter().any(|one| (one.0, one.1) == (agent, name));
                assert_eq!(is_measured, file.exists(), "{agent}/{name}");
            }
        }
    }
}
