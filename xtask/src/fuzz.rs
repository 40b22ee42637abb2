//! `cargo xtask fuzz`: feeds the screen reader damaged recordings and noise.
//!
//! The program is the example `fuzz` of the crate `session`, built as the tests are: nothing more has
//! to be compiled for it, and arithmetic that overflows is found.

use std::{path::PathBuf, process::ExitStatus};

use clap::Args;

use crate::{
    process::{self, ProcessError},
    repository::Repository,
};

/// The program.
const FUZZ: &str = "fuzz";

/// How its lines begin.
const SAYS: &str = "fuzz: ";

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// How long, in minutes
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Where the cases follow from; the time of day if nothing is said
    #[arg(long)]
    seed: Option<u64>,
    /// Run only the case in this file, which an earlier run has written
    #[arg(long, conflicts_with_all = ["minutes", "seed"])]
    replay: Option<PathBuf>,
}

impl FuzzArgs {
    /// So long, with the same cases each time: a change is judged by what it changes, and what is new is
    /// looked for by whoever has an hour.
    pub(crate) fn for_minutes(minutes: f64) -> Self {
        Self {
            minutes,
            seed: Some(1),
            replay: None,
        }
    }
}

/// How a run ended, and the last thing that it said.
pub(crate) struct Fuzzed {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
}

/// Builds the program and runs it.
pub(crate) fn run(repository: &Repository, args: &FuzzArgs) -> Result<Fuzzed, ProcessError> {
    process::run(
        repository
            .cargo()
            .args(["build", "--workspace", "--example", FUZZ]),
    )?;
    let built = repository.binary(FUZZ);
    let program = built
        .file_name()
        .map(|name| built.with_file_name("examples").join(name));
    let mut fuzz = std::process::Command::new(program.unwrap_or_default());
    process::forget_own_package(&mut fuzz);
    fuzz.arg("--into").arg(repository.target.join("fuzz"));
    match &args.replay {
        Some(file) => fuzz.arg("--replay").arg(file),
        None => fuzz.args(["--minutes", &args.minutes.to_string()]),
    };
    if let Some(seed) = args.seed {
        fuzz.args(["--seed", &seed.to_string()]);
    }
    let mut said = String::new();
    let status = process::stream(&mut fuzz, |line| {
        if let Some(text) = line.strip_prefix(SAYS) {
            text.clone_into(&mut said);
        }
    })?;
    Ok(Fuzzed { status, said })
}
