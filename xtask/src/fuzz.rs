//! `cargo xtask fuzz`: feeds the screen reader damaged recordings and noise, and templates and the
//! sanitizer damaged prompts.
//!
//! The programs are examples of the crates `session` and `prompt`, built as the tests are: nothing more has
//! to be compiled for them, and arithmetic that overflows is found.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
};

use clap::Args;

use crate::{
    process::{self, ProcessError},
    repository::Repository,
};

/// The program for screens, and the share of the time that it gets: most of what it is fed is longer.
const SCREENS: (&str, f64) = ("fuzz", 0.75);

/// The program for prompts, and the rest of the time.
const PROMPTS: (&str, f64) = ("fuzz_prompts", 0.25);

/// How the files begin that cases of prompts are kept in.
const OF_PROMPTS: &str = "fuzz-prompt-";

/// How its lines begin.
const SAYS: &str = "fuzz: ";

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// How long, in minutes, three quarters of it for screens
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

/// How a run ended, and the last thing that each program said.
pub(crate) struct Fuzzed {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
}

/// Builds the programs and runs them, one after the other until one fails. A case is replayed by the one that
/// wrote it.
pub(crate) fn run(repository: &Repository, args: &FuzzArgs) -> Result<Fuzzed, ProcessError> {
    let mut build = repository.cargo();
    build.args(["build", "--workspace"]);
    for (program, _) in [SCREENS, PROMPTS] {
        build.args(["--example", program]);
    }
    process::run(&mut build)?;
    let first = match &args.replay {
        Some(file) if is_of_prompts(file) => return run_one(repository, args, PROMPTS),
        _ => run_one(repository, args, SCREENS)?,
    };
    if args.replay.is_some() || !first.status.success() {
        return Ok(first);
    }
    let second = run_one(repository, args, PROMPTS)?;
    Ok(Fuzzed {
        status: second.status,
        said: format!("{}; {}", first.said, second.said),
    })
}

fn is_of_prompts(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(OF_PROMPTS))
}

fn run_one(
    repository: &Repository,
    args: &FuzzArgs,
    (program, share): (&str, f64),
) -> Result<Fuzzed, ProcessError> {
    let built = repository.binary(program);
    let program = built
        .file_name()
        .map(|name| built.with_file_name("examples").join(name));
    let mut fuzz = std::process::Command::new(program.unwrap_or_default());
    process::forget_own_package(&mut fuzz);
    fuzz.arg("--into").arg(repository.target.join("fuzz"));
    match &args.replay {
        Some(file) => fuzz.arg("--replay").arg(file),
        None => fuzz.args(["--minutes", &(args.minutes * share).to_string()]),
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
