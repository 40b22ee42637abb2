//! `cargo xtask run`: from a fresh clone to an open window, or to an address where there is no
//! display.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus},
    time::SystemTime,
};

use berth_ui_build::Profile;
use clap::Args;

use crate::{
    Error, process,
    repository::Repository,
    setup::{self, Needs},
    ui,
};

/// The exit code of `berth serve` when another engine has the data folder.
const ALREADY_RUNNING: i32 = 3;

/// What an engine writes into its data folder when it is ready.
const ENDPOINT_FILE: &str = "engine.json";

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
        // The window takes the engine that runs, whatever that was built from.
        if let Some(engine) = running(repository, &[]) {
            engine.tell_if_older();
        }
        Command::new(repository.binary("berth-desktop"))
    } else {
        let mut engine = Command::new(repository.binary("berth"));
        engine.args(["serve", "--print-url"]);
        engine
    };
    process::forget_own_package(&mut program);
    program.args(&args.args);
    let status = process::status(&mut program)?;
    if !window
        && status.code() == Some(ALREADY_RUNNING)
        && let Some(engine) = running(repository, &args.args)
    {
        println!(
            "Berth was running already, at this address:\n{}",
            engine.page
        );
        engine.tell_if_older();
        return Ok(ExitCode::SUCCESS);
    }
    Ok(same_code(status))
}

/// An engine that was there before.
struct Running {
    /// The address of its UI, with its token.
    page: String,
    /// It was started before the program was built that is there now.
    older: bool,
    /// The command that ends it.
    stop: String,
}

impl Running {
    /// It is not ended for its user: its sessions would end too.
    fn tell_if_older(&self) {
        if self.older {
            println!(
                "the engine that runs was started before the build; to have the new one, end it and its sessions with\n\n    \
                 {}\n",
                self.stop
            );
        }
    }
}

/// The engine that runs on the data folder which the arguments or the environment name, if one does.
fn running(repository: &Repository, args: &[String]) -> Option<Running> {
    let program = repository.binary("berth");
    let berth = |command: &str| {
        let mut berth = Command::new(&program);
        process::forget_own_package(&mut berth);
        berth.arg(command).args(data_dir(args));
        berth
    };
    let said = |command: &str| {
        let (status, said) = process::output(&mut berth(command)).ok()?;
        status.success().then(|| said.trim().to_owned())
    };
    let page = said("url")?;
    // The folder of the logs is one of the data folder.
    let logs = PathBuf::from(said("logs")?);
    let endpoint = logs.with_file_name(ENDPOINT_FILE);
    Some(Running {
        page,
        older: is_before(changed(&endpoint), changed(&program)),
        stop: process::shown(&berth("stop")),
    })
}

/// Of what is passed on, that which names a data folder.
fn data_dir(args: &[String]) -> &[String] {
    for (at, arg) in args.iter().enumerate() {
        if arg == "--data-dir" {
            return args.get(at..at + 2).unwrap_or_default();
        }
        if arg.starts_with("--data-dir=") {
            return &args[at..=at];
        }
    }
    &[]
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}

/// What is not known is not before.
fn is_before(started: Option<SystemTime>, built: Option<SystemTime>) -> bool {
    started
        .zip(built)
        .is_some_and(|(started, built)| started < built)
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

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
