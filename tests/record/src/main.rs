//! Records the screens of real agents against the model server; `cargo xtask record` builds it and says
//! where the agents are.
//!
//! What is recorded is data: see [`scenario`]. The terminal, the answers that it gives and the recorder are
//! those of Berth's sessions, and the agents are configured as for the end-to-end tests.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its terminal"
)]

mod drive;
mod keys;
mod router;
mod scenario;
mod scrub;
mod stage;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use crate::scenario::ScenarioError;

#[derive(Parser)]
#[command(about = "Records the screens of real agents against the model server")]
struct Args {
    /// The folder of the agents' data
    #[arg(long)]
    agents: PathBuf,
    /// Only these agents
    #[arg(long, value_delimiter = ',')]
    agent: Vec<String>,
    /// Only these scenarios
    #[arg(long, value_delimiter = ',')]
    scenario: Vec<String>,
    /// Write into a folder below this one for each agent, not into the agents' recordings
    #[arg(long)]
    into: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Records what is asked for; returns how much of it failed.
async fn run(args: &Args) -> Result<usize, ScenarioError> {
    let wanted = |only: &[String], name: &str| only.is_empty() || only.iter().any(|o| o == name);
    let (mut recorded, mut failed) = (0, 0);
    for agent in scenario::agents(&args.agents)? {
        if !wanted(&args.agent, &agent) {
            continue;
        }
        let (spec, version) = match stage::spec(&agent) {
            Ok(spec) => (spec, stage::version(spec).await),
            Err(error) => {
                eprintln!("FAILED {agent}: {error}");
                failed += 1;
                continue;
            }
        };
        let Some(version) = version else {
            println!("skipped {agent}: it is not installed");
            continue;
        };
        for scenario in scenario::of_agent(&args.agents, &agent)? {
            if !wanted(&args.scenario, &scenario.name) {
                continue;
            }
            let into: &Path =
                &stage::place(&args.agents, args.into.as_deref(), &agent, &scenario.name);
            match stage::record(spec, &version, &scenario, into).await {
                Ok(()) => {
                    println!("{agent} {version} {}: {}", scenario.name, into.display());
                    recorded += 1;
                }
                Err(error) => {
                    eprintln!("FAILED {agent} {}: {error}", scenario.name);
                    failed += 1;
                }
            }
        }
    }
    println!("{recorded} recorded, {failed} failed");
    Ok(failed)
}
