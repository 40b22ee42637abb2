//! `cargo xtask bench`: measures what is shipped beside the bare thing.
//!
//! Everything is built as it is shipped, in one cargo run; the figures are taken by the program of
//! `tests/bench`, on a display and a bus of its own where the system can make them.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use berth_ui_build::Profile;
use clap::Args;

use crate::{
    Error, process,
    repository::Repository,
    setup::{self, Needs},
    test, ui,
};

/// The program that measures.
const BENCH: &str = "berth-bench";

/// The window that Berth's is compared with: an example of the desktop package.
const BARE_WINDOW: &str = "bare_window";

/// What gives windows a display and a bus of their own.
const DISPLAY: [&str; 2] = ["xvfb-run", "dbus-run-session"];

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Only these: size, prompts, mcp, tenant, idle, echo, throughput, reading, agents, creation, window
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the figures are written; the target folder's bench.json if nothing is said
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Builds, measures and prints the table.
pub(crate) fn run(repository: &Repository, args: &BenchArgs) -> Result<ExitCode, Error> {
    setup::ensure(Needs {
        window: true,
        tests: true,
        cross: false,
    })?;
    let ui = ui::build(repository, Profile::Release)?;
    let mut build = repository.cargo();
    build.args(["build", "--release", "--workspace"]);
    for program in ["berth", "berth-desktop", BENCH] {
        build.args(["--bin", program]);
    }
    process::run(build.args(["--example", BARE_WINDOW]))?;

    let built = |name: &str| repository.release_binary(name);
    let mut bench = if DISPLAY.iter().all(|name| setup::has_program(name)) {
        let mut wrapped = Command::new(DISPLAY[0]);
        wrapped.args(["-a", "-s", "-screen 0 1280x800x24"]);
        wrapped.args([DISPLAY[1], "--"]).arg(built(BENCH));
        wrapped
    } else {
        Command::new(built(BENCH))
    };
    process::forget_own_package(&mut bench);
    for (variable, place) in test::fetch_packages(repository)? {
        bench.env(variable, place);
    }
    let bare_window = built(BARE_WINDOW);
    let bare_window = bare_window
        .file_name()
        .map(|name| bare_window.with_file_name("examples").join(name));
    bench
        .env("BERTH_BIN", built("berth"))
        .env("BERTH_DESKTOP_BIN", built("berth-desktop"))
        .env("BERTH_BARE_WINDOW_BIN", bare_window.unwrap_or_default())
        .env("BERTH_UI_DIST", ui);
    let json = args.json.clone();
    bench
        .arg("--json")
        .arg(json.unwrap_or_else(|| repository.target.join("bench.json")));
    if !args.only.is_empty() {
        bench.args(["--only", &args.only.join(",")]);
    }
    process::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
