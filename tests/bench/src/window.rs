//! From the start of the program to a usable window.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use berth_tests::{Repository, Setup};

use crate::report::{Figure, Limit, Report, median};

/// Starts of each window; the one in the middle counts.
const ROUNDS: usize = 7;

/// What a window needs of this process's environment.
const DISPLAY: &[&str] = &[
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// Measures Berth's window and one of Tauri's with nothing in it, in turns.
pub async fn measure(report: &mut Report) {
    let what = "window";
    if env::var_os("DISPLAY").is_none() && env::var_os("WAYLAND_DISPLAY").is_none() {
        return report.skip(what, "there is no display");
    }
    let (Some(window), Some(bare_window)) = (
        program("BERTH_DESKTOP_BIN"),
        program("BERTH_BARE_WINDOW_BIN"),
    ) else {
        return report.skip(what, "the windows are not built");
    };
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("project"));
    let mut variables = setup.variables();
    for name in DISPLAY {
        if let Some(value) = env::var_os(name) {
            variables.insert(name.into(), value);
        }
    }
    variables.insert("LIBGL_ALWAYS_SOFTWARE".into(), "1".into());
    variables.insert("NO_AT_BRIDGE".into(), "1".into());
    variables.insert("BERTH_WINDOW_TIMING".into(), "1".into());
    variables.insert("BERTH_ENGINE".into(), berth_tests::programs::berth().into());

    // Once each before anything counts: the first start reads everything from the disk.
    let first = in_turn(&window, &variables).await;
    in_turn(&bare_window, &variables).await;
    // The window has started an engine; it stays, as it does for somebody who uses Berth.
    let client = setup.client();
    client.add_project(&repository.path).await;

    let (mut berth, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(in_turn(&bare_window, &variables).await);
        berth.push(in_turn(&window, &variables).await);
    }
    client.stop_engine().await;
    report.add(Figure {
        what: "window usable".to_owned(),
        unit: "ms",
        berth: median(&berth),
        bare: Some(median(&bare)),
        limit: Some(Limit::RatioAtMost(1.5)),
        note: format!("median of {ROUNDS}, from the start of its process; bare: a Tauri window with an empty page"),
    });
    report.add(Figure {
        what: "window usable, the very first time".to_owned(),
        unit: "ms",
        berth: first,
        bare: None,
        limit: None,
        note: "starts the engine too, which makes its store".to_owned(),
    });
}

fn program(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

async fn in_turn(program: &Path, variables: &BTreeMap<OsString, OsString>) -> f64 {
    let (program, variables) = (program.to_owned(), variables.clone());
    let opened = tokio::task::spawn_blocking(move || opened(&program, &variables));
    opened.await.expect("the window is measured")
}

/// Opens a window, waits until it says that it can be used, and ends it.
fn opened(program: &Path, variables: &BTreeMap<OsString, OsString>) -> f64 {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut window = Window(command.spawn().expect("the window can be started"));
    let output = window.0.stderr.take().expect("its output is a pipe");
    let usable = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("\"ready_ms\""));
    assert!(usable.is_some(), "{} ended early", program.display());
    started.elapsed().as_secs_f64() * 1000.0
}

/// A window that is ended when it is no longer looked at.
struct Window(Child);

impl Drop for Window {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
