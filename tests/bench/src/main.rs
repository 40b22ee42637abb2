//! Measures Berth beside the bare thing in one run; `cargo xtask bench` builds everything that
//! this needs and says where it is.
//!
//! A figure without a comparison says more about the machine than about Berth, so each has the
//! bare thing beside it wherever there is one. Nothing fails here because it is slow: the table
//! says which limits hold.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its terminal"
)]

mod agentapi;
mod agents;
mod bare;
mod creation;
mod echo;
mod idle;
mod mcp;
mod player;
mod prompts;
mod reading;
mod report;
mod settled;
mod size;
mod tenant;
mod throughput;
mod usage;
mod window;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

use crate::report::Report;

#[derive(Parser)]
#[command(about = "Measures Berth beside the bare thing")]
struct Args {
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Where the figures are written as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only hold this many bare terminals until standard input ends; used by the measurement of
    /// idle sessions for its comparison
    #[arg(long, hide = true)]
    hold: Option<usize>,
    #[command(flatten)]
    player: player::Player,
}

/// A group of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What 100 quiet sessions cost
    Idle,
    /// Output from a terminal to a WebSocket
    Throughput,
    /// A typed character and its echo
    Echo,
    /// A message and its answer, with real agents
    Agents,
    /// Screens of recorded agents: how fast they are read, and how soon the end of an answer is seen
    Reading,
    /// MCP servers, and what the gateway adds
    Mcp,
    /// The tenant backend: reads under its policies, sync, and its audit trail
    Tenant,
    /// A session's prompts: composed, filled in, checked and previewed
    Prompts,
    /// 1,000 sessions, one after the other
    Creation,
    /// What a browser has to load
    Size,
    /// From the start of the program to a usable window
    Window,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(count) = args.hold {
        bare::hold(count);
        return ExitCode::SUCCESS;
    }
    if let Some(played) = args.player.run() {
        return match played {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: the recording cannot be played: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut report = Report::default();
    runtime.block_on(measure(&args.only, &mut report));
    println!("{}", report.table());
    if let Some(path) = &args.json {
        if let Err(error) = report.write(path) {
            eprintln!("error: {} cannot be written: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("written to {}", path.display());
    }
    ExitCode::SUCCESS
}

async fn measure(only: &[Part], report: &mut Report) {
    let wanted = |part| only.is_empty() || only.contains(&part);
    // The quiet ones first: nothing of an earlier measurement is left to disturb them.
    if wanted(Part::Size) {
        size::measure(report);
    }
    if wanted(Part::Prompts) {
        prompts::measure(report);
        prompts::measure_preview(report).await;
    }
    if wanted(Part::Mcp) {
        mcp::measure(report).await;
    }
    if wanted(Part::Tenant) {
        tenant::measure(report).await;
    }
    if wanted(Part::Idle) {
        idle::measure(report).await;
    }
    if wanted(Part::Echo) {
        echo::measure(report).await;
    }
    if wanted(Part::Throughput) {
        throughput::measure(report).await;
    }
    if wanted(Part::Reading) {
        reading::measure(report).await;
    }
    if wanted(Part::Agents) {
        agents::measure(report).await;
    }
    if wanted(Part::Creation) {
        creation::measure(report).await;
    }
    if wanted(Part::Window) {
        window::measure(report).await;
    }
}
