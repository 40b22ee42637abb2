//! `cargo xtask record`: records the screens of the real agents against the model server.
//!
//! The work is done by the program of `tests/record`, which uses Berth's own terminal and recorder; what is
//! recorded is data beside the agents' (`scenarios.toml`).

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Args;

use crate::{
    Error, process,
    repository::Repository,
    setup::{self, Needs},
    test,
};

/// The program that records.
const RECORD: &str = "berth-record";

#[derive(Args)]
pub(crate) struct RecordArgs {
    /// Only these agents
    #[arg(long, value_delimiter = ',')]
    agent: Vec<String>,
    /// Only these scenarios, such as question or approval
    #[arg(long, value_delimiter = ',')]
    scenario: Vec<String>,
    /// Write below this folder; the agents' own recordings are replaced if nothing is said
    #[arg(long)]
    into: Option<PathBuf>,
}

/// Builds the program and records.
pub(crate) fn run(repository: &Repository, args: &RecordArgs) -> Result<ExitCode, Error> {
    setup::ensure(Needs {
        window: false,
        tests: false,
        cross: false,
    })?;
    process::run(
        repository
            .cargo()
            .args(["build", "--workspace", "--bin", RECORD]),
    )?;
    let mut record = Command::new(repository.binary(RECORD));
    process::forget_own_package(&mut record);
    for (variable, place) in test::fetch_packages(repository)? {
        record.env(variable, place);
    }
    record
        .arg("--agents")
        .arg(repository.root.join("crates/session/src/agents"));
    for (flag, names) in [("--agent", &args.agent), ("--scenario", &args.scenario)] {
        if !names.is_empty() {
            record.args([flag, &names.join(",")]);
        }
    }
    if let Some(into) = &args.into {
        record.arg("--into").arg(into);
    }
    process::run(&mut record)?;
    Ok(ExitCode::SUCCESS)
}
