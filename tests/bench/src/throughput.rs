//! Output from a terminal to a WebSocket.

use std::{fmt::Write, fs, path::Path, time::Instant};

use berth_protocol::{ProjectId, ServerControl};
use berth_tests::{Client, Repository, Setup, Shown};

use crate::{
    bare::{Bare, Tail},
    report::{Figure, Limit, Report, median},
};

/// Bytes that are printed in each round.
const BYTES: usize = 48 * 1024 * 1024;

/// Rounds; the one in the middle counts.
const ROUNDS: usize = 9;

/// The last thing that is printed.
const END: &[u8] = b"berth-bench-end";

/// Measures a program that prints as fast as it can, in turns with and without Berth.
pub async fn measure(report: &mut Report) {
    let setup = Setup::new();
    let file = setup.folder().join("output.txt");
    fs::write(&file, output()).expect("the output can be prepared");
    let repository = Repository::with_history(&setup.folder().join("project"));
    let engine = setup.start().await;
    let client = &engine.client;
    let project = client.add_project(&repository.path).await;

    let (mut berth, mut bare, mut skipped) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let command = command(&file);
        let turn = tokio::task::spawn_blocking(move || printed_bare(&command));
        bare.push(turn.await.expect("the bare measurement ends"));
        let (speed, left_out) = printed(client, project.id, &file).await;
        berth.push(speed);
        skipped += left_out;
    }
    let figure = Figure {
        what: "terminal to WebSocket".to_owned(),
        unit: "MB/s",
        berth: median(&berth),
        bare: Some(median(&bare)),
        limit: Some(Limit::RatioAtLeast(0.9)),
        note: format!(
            "medians of {ROUNDS} rounds; {skipped} bytes left out; bare: portable-pty, in the same round; the ratio \
             is the median of the rounds' ratios"
        ),
    };
    report.add_paired(figure, (&berth, &bare));
}

async fn printed(client: &Client, project: ProjectId, file: &Path) -> (f64, u64) {
    let command = command(file);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let session = client.command(project, &words).await;
    client.waiting(session.id).await;
    let mut viewer = client.view(session.id).await;
    viewer.snapshot().await;
    viewer.keep_nothing();
    let started = Instant::now();
    viewer.type_in("\n").await;
    let mut tail = Tail::new(END);
    let (mut count, mut left_out) = (0, 0);
    loop {
        match viewer.next().await.expect("the terminal stays open") {
            Shown::Bytes(bytes) => {
                count += bytes.len();
                if tail.push(&bytes) {
                    break;
                }
            }
            Shown::Control(ServerControl::Snapshot { skipped, .. }) => left_out += skipped,
            Shown::Control(_) => {}
        }
    }
    let speed = megabytes(count) / started.elapsed().as_secs_f64();
    client.stop(session.id).await;
    (speed, left_out)
}

fn printed_bare(command: &[String]) -> f64 {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut bare = Bare::start(&words);
    let started = Instant::now();
    bare.tell(b"\n");
    let count = bare.read_past(END);
    megabytes(count) / started.elapsed().as_secs_f64()
}

/// Waits for a line, prints the file, says that this was all, and waits again.
fn command(file: &Path) -> Vec<String> {
    let end = String::from_utf8_lossy(END);
    let (head, tail) = end.split_at(3);
    // In two parts, so that no echo of it is taken for the end.
    let script = format!(
        "read -r go; cat '{}'; printf '%s%s\\n' {head} {tail}; read -r go",
        file.display()
    );
    ["/bin/sh", "-c", &script].map(str::to_owned).to_vec()
}

/// What a build or a test prints: lines of different lengths, some in colour.
fn output() -> String {
    let mut text = String::with_capacity(BYTES + 256);
    let mut number = 0_u64;
    while text.len() < BYTES {
        number += 1;
        let module = ["store", "session", "engine", "protocol"][(number % 4) as usize];
        let line = if number.is_multiple_of(3) {
            writeln!(
                text,
                "\x1b[1m\x1b[32m   Compiling\x1b[0m berth-{module} v0.1.{number} (/home/somebody/src/berth/crates/{module})"
            )
        } else {
            writeln!(
                text,
                "test {module}::tests::case_{number}_keeps_what_was_there ... \x1b[32mok\x1b[0m <{:.3}s>",
                number as f64 / 1000.0
            )
        };
        line.expect("a text takes what is written to it");
    }
    text
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1_000_000.0
}
