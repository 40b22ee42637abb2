//! `cargo xtask run`: from a fresh clone to an open window, or to an address where there is no
//! display.

use std::{
    env,
    process::{Command, ExitCode, ExitStatus},
};

use berth_ui_build::Profile;
use clap::Args;

use crate::{
    Error, process,
    repository::Repository,
    setup::{self, Needs},
    ui,
};

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Open no window: serve the UI and print its address
    #[arg(long)]
    browser: bool,
    /// Passed on to the program that is started
    #[arg(last = true)]
    args: Vec<String>,
}

/// Builds what is needed and stays until it ends.
pub(crate) fn run(repository: &Repository, args: &RunArgs) -> Result<ExitCode, Error> {
    let window = !args.browser && has_display();
    if !window && !args.browser {
        println!("no display: Berth is served to your browser");
    }
    setup::ensure(Needs {
        window,
        ..Needs::default()
    })?;
    ui::build(repository, Profile::Dev)?;

    let mut build = repository.cargo();
    // With the whole workspace selected, the same dependencies serve `cargo xtask test`.
    build.args(["build", "--workspace", "--bin", "berth"]);
    if window {
        build.args(["--bin", "berth-desktop"]);
    }
    process::run(&mut build)?;

    let mut program = if window {
        Command::new(repository.binary("berth-desktop"))
    } else {
        let mut engine = Command::new(repository.binary("berth"));
        engine.args(["serve", "--print-url"]);
        engine
    };
    process::forget_own_package(&mut program);
    program.args(&args.args);
    let status = process::status(&mut program)?;
    Ok(same_code(status))
}

/// Whether a window could be seen.
fn has_display() -> bool {
    if cfg!(not(target_os = "linux")) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The program's own exit code; a failure where a signal ended it.
fn same_code(status: ExitStatus) -> ExitCode {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => ExitCode::from(code),
        None => ExitCode::FAILURE,
    }
}
