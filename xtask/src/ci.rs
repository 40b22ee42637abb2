//! `cargo xtask ci`: what has to pass before a change lands; .ci/run calls nothing else.
//!
//! A failed step does not hide the next one's findings, so all run and the failed ones are named.

use std::{process::ExitCode, time::Instant};

use berth_ui_build::Profile;

use crate::{
    Error, cross, layers, process,
    repository::Repository,
    setup::{self, Needs},
    test::{self, TestArgs},
    ui, with_sources,
};

/// What a step could not do here, and why.
type Skips = Vec<(String, String)>;

type Step = (&'static str, fn(&Repository) -> Result<Skips, Error>);

/// Cheap ones first.
const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("layers", |repository| {
        layers::run(repository)?;
        Ok(Skips::new())
    }),
    ("deny", deny),
    ("ui", |repository| {
        ui::build(repository, Profile::Release)?;
        Ok(Skips::new())
    }),
    ("clippy", clippy),
    ("clippy of the UI", clippy_of_the_ui),
    ("cross", |repository| Ok(cross::run(repository)?)),
];

/// Runs every step, then the tests, whose counts are the last line.
pub(crate) fn run(repository: &Repository) -> Result<ExitCode, Error> {
    setup::ensure(Needs {
        window: true,
        tests: true,
        cross: false,
    })?;
    setup::components()?;
    let mut failed = Vec::new();
    let mut skipped = Skips::new();
    for (name, step) in STEPS {
        println!("== {name}");
        let started = Instant::now();
        match step(repository) {
            Ok(skips) => {
                let word = if skips.is_empty() {
                    "passed"
                } else {
                    "SKIPPED, in whole or in part,"
                };
                println!("== {name}: {word} in {} s", started.elapsed().as_secs());
                skipped.extend(
                    skips
                        .into_iter()
                        .map(|(what, why)| (format!("{name}: {what}"), why)),
                );
            }
            Err(error) => {
                println!("== {name}: FAILED: {}", with_sources(&error));
                failed.push(*name);
            }
        }
    }
    println!("== test");
    let mut outcome = test::execute(repository, &TestArgs::release())?;
    for (what, why) in skipped {
        outcome.skip(what, why);
    }
    let code = outcome.close();
    if failed.is_empty() {
        return Ok(code);
    }
    Err(Error::Steps(failed))
}

fn fmt(repository: &Repository) -> Result<Skips, Error> {
    process::run(repository.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Skips::new())
}

fn clippy(repository: &Repository) -> Result<Skips, Error> {
    process::run(repository.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Skips::new())
}

fn clippy_of_the_ui(repository: &Repository) -> Result<Skips, Error> {
    // Its tests run natively and were covered by the step before.
    process::run(repository.cargo().args([
        "clippy",
        "--package",
        "berth-ui",
        "--target",
        "wasm32-unknown-unknown",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Skips::new())
}

/// Licenses, sources and known vulnerabilities, as deny.toml says. It is skipped in CI too where the program is not
/// there: set-up does not bring it, and it takes minutes to compile.
fn deny(repository: &Repository) -> Result<Skips, Error> {
    if !setup::has_program("cargo-deny") {
        let why = "cargo-deny is not installed; `cargo install cargo-deny` does that";
        println!("SKIPPED: {why}");
        return Ok(vec![("licenses and advisories".to_owned(), why.to_owned())]);
    }
    process::run(repository.cargo().args(["deny", "check"]))?;
    Ok(Skips::new())
}
