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

type Step = (&'static str, fn(&Repository) -> Result<(), Error>);

/// Cheap ones first.
const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("layers", |repository| Ok(layers::run(repository)?)),
    ("deny", deny),
    ("ui", |repository| {
        ui::build(repository, Profile::Release)?;
        Ok(())
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
    for (name, step) in STEPS {
        println!("== {name}");
        let started = Instant::now();
        match step(repository) {
            Ok(()) => println!("== {name}: passed in {} s", started.elapsed().as_secs()),
            Err(error) => {
                println!("== {name}: FAILED: {}", with_sources(&error));
                failed.push(*name);
            }
        }
    }
    println!("== test");
    let outcome = test::execute(repository, &TestArgs::release())?;
    let code = outcome.close();
    if failed.is_empty() {
        return Ok(code);
    }
    Err(Error::Steps(failed))
}

fn fmt(repository: &Repository) -> Result<(), Error> {
    Ok(process::run(
        repository.cargo().args(["fmt", "--all", "--check"]),
    )?)
}

fn clippy(repository: &Repository) -> Result<(), Error> {
    Ok(process::run(repository.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?)
}

fn clippy_of_the_ui(repository: &Repository) -> Result<(), Error> {
    // Its tests run natively and were covered by the step before.
    Ok(process::run(repository.cargo().args([
        "clippy",
        "--package",
        "berth-ui",
        "--target",
        "wasm32-unknown-unknown",
        "--",
        "-D",
        "warnings",
    ]))?)
}

/// Licenses, sources and known vulnerabilities, as deny.toml says.
fn deny(repository: &Repository) -> Result<(), Error> {
    if !setup::has_program("cargo-deny") {
        println!("skipped: cargo-deny not installed");
        return Ok(());
    }
    Ok(process::run(repository.cargo().args(["deny", "check"]))?)
}
