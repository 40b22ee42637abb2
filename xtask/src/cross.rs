//! Type-checks everything but the window and the UI for Windows and macOS, from Linux, also what builds and tests
//! Berth there.
//!
//! Dependencies with C sources need a C compiler for each: mingw for Windows, zig for macOS.
//! Nothing is linked or run.

mod zig;

use std::{env, process::Command};

pub(crate) use self::zig::{ZigError, install as install_zig};
use crate::{
    process,
    repository::Repository,
    setup::{self, Group, SetupError},
    with_sources,
};

/// The targets of the checks.
pub(crate) const TARGETS: &[&str] = &[WINDOWS, MAC];

const WINDOWS: &str = "x86_64-pc-windows-gnu";
const MAC: &str = "aarch64-apple-darwin";

/// Members that no other platform's check covers: the window needs the platform's own toolkit, the UI has its own
/// target, its macros are compiled for the machine that compiles, and the rest drives programs as Unix does.
const LEFT_OUT: &[&str] = &[
    "berth-desktop",
    "berth-ui",
    "berth-ui-view",
    "berth-tests",
    "berth-record",
    "berth-bench",
];

#[derive(Debug, thiserror::Error)]
pub(crate) enum CrossError {
    #[error("{}", .0.join("\n       "))]
    Failed(Vec<String>),
}

/// Checks each target; one whose compiler cannot be had is skipped, but not in CI. Returns what was skipped, and why.
pub(crate) fn run(repository: &Repository) -> Result<Vec<(String, String)>, CrossError> {
    let mut failed = Vec::new();
    let mut skipped = Vec::new();
    for target in TARGETS {
        println!("cross: {target}");
        let mut cargo = check(repository, target);
        match prepare(target, &mut cargo) {
            Ok(()) => {
                if let Err(error) = process::run(&mut cargo) {
                    failed.push(format!("Berth does not compile for {target}: {error}"));
                }
            }
            Err(error) if in_ci() => {
                failed.push(format!(
                    "CI has to check {target}: {}",
                    with_sources(&error)
                ));
            }
            Err(error) => {
                let reason = with_sources(&error);
                println!("SKIPPED {target}: {reason}");
                skipped.push(((*target).to_owned(), reason));
            }
        }
    }
    if failed.is_empty() {
        return Ok(skipped);
    }
    Err(CrossError::Failed(failed))
}

/// Whether nobody is there to read that something was skipped.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

fn check(repository: &Repository, target: &str) -> Command {
    let mut cargo = repository.cargo();
    cargo.args(["check", "--target", target]);
    for member in &repository.members {
        if !LEFT_OUT.contains(&member.name.as_str()) {
            cargo.args(["--package", &member.name]);
        }
    }
    cargo
}

/// Gets what checking for the target takes and tells cargo where it is.
fn prepare(target: &str, cargo: &mut Command) -> Result<(), SetupError> {
    setup::targets(&[target])?;
    match target {
        MAC if !cfg!(target_os = "macos") => {
            setup::packages(&[Group::CrossMac])?;
            zig::install()?;
            zig::configure(cargo)?;
        }
        WINDOWS => setup::packages(&[Group::CrossWindows])?,
        _ => {}
    }
    Ok(())
}
