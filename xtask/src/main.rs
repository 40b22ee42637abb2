//! The one command that builds, runs, tests and checks Berth: `cargo xtask <command>`.
//!
//! Each command is a file named after it. What a fresh machine lacks is installed or named by
//! [`setup`]; every command that needs something asks it first, so none has to be prepared by hand.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its terminal"
)]

mod bench;
mod cache;
mod checkout;
mod ci;
mod cross;
mod fuzz;
mod layers;
mod leaks;
mod process;
mod record;
mod repository;
mod run;
mod setup;
mod test;
mod ui;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::{process::ProcessError, repository::Repository, setup::Needs};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, runs, tests, measures and checks Berth"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what this machine lacks
    Setup(SetupArgs),
    /// Build the UI into ui/dist
    Ui(ui::UiArgs),
    /// Build Berth and open its window, or serve its address where there is no display
    Run(run::RunArgs),
    /// Run the tests: everything, or what FILTER or --only names
    Test(test::TestArgs),
    /// Measure what is shipped beside the bare thing
    Bench(bench::BenchArgs),
    /// Feed the screen reader damaged recordings and noise; prints the seed, and where a case is that
    /// breaks a rule
    Fuzz(fuzz::FuzzArgs),
    /// Record the screens of the real agents against the model server; what is recorded is data beside
    /// theirs (scenarios.toml)
    Record(record::RecordArgs),
    /// Prove that every crate uses only what it may
    Layers,
    /// Type-check for Windows and macOS
    Cross,
    /// Everything that has to pass before a change lands
    Ci,
}

#[derive(Args)]
struct SetupArgs {
    /// Also what the tests need: browsers, a virtual display, a keychain, other shells
    #[arg(long)]
    tests: bool,
    /// Also what checking for Windows and macOS needs
    #[arg(long)]
    cross: bool,
}

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Repository(#[from] repository::RepositoryError),
    #[error(transparent)]
    Setup(#[from] setup::SetupError),
    #[error(transparent)]
    Ui(#[from] berth_ui_build::UiBuildError),
    #[error(transparent)]
    Test(#[from] test::TestError),
    #[error(transparent)]
    Layers(#[from] layers::LayersError),
    #[error(transparent)]
    Cross(#[from] cross::CrossError),
    #[error(transparent)]
    Cache(#[from] cache::CacheError),
    #[error("these steps failed: {}", .0.join(", "))]
    Steps(Vec<&'static str>),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", with_sources(&error));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<ExitCode, Error> {
    process::end_children_on_interrupt()?;
    let repository = Repository::open()?;
    checkout::claim(&repository)?;
    match command {
        Command::Setup(args) => setup::ensure(Needs {
            window: true,
            tests: args.tests,
            cross: args.cross,
        })?,
        Command::Ui(args) => ui::run(&repository, &args)?,
        Command::Run(args) => return run::run(&repository, &args),
        Command::Test(args) => return test::run(&repository, &args),
        Command::Bench(args) => return bench::run(&repository, &args),
        Command::Fuzz(args) => {
            let fuzzed = fuzz::run(&repository, &args)?;
            return Ok(if fuzzed.status.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Record(args) => return record::run(&repository, &args),
        Command::Layers => layers::run(&repository)?,
        Command::Cross => drop(cross::run(&repository)?),
        Command::Ci => return ci::run(&repository),
    }
    Ok(ExitCode::SUCCESS)
}

/// The error and everything it came from, on one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        // A transparent variant repeats its source's words.
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
