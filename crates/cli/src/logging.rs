//! Logs: one line of JSON for each event in a file that is changed daily, and readable lines on
//! the console.

use std::{io, path::Path};

use tracing_appender::{non_blocking::WorkerGuard, rolling};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Log files that are kept, one for each day.
const KEPT: usize = 7;

/// What is logged unless `BERTH_LOG` says otherwise. The SDK of the Agent Client Protocol tells of every
/// request that Berth does not offer, which agents try as a matter of course.
const USUAL: &str = "info,sqlx=warn,hyper=warn,agent_client_protocol=error";

/// What is never logged: the emulator's parser logs what it does not know of a terminal's output,
/// and that may be anything; the SDK of MCP logs what was filled in and answered, and tells of each request; the library
/// of WebSockets logs each message, and some hold a token.
const NEVER: &str =
    "vte=off,alacritty_terminal=off,rmcp=warn,tungstenite=info,tokio_tungstenite=info";

/// Starts logging. Lines may be lost when the guard is dropped too early.
pub fn start(folder: &Path) -> io::Result<WorkerGuard> {
    let file = rolling::Builder::new()
        .rotation(rolling::Rotation::DAILY)
        .filename_prefix("engine")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(folder)
        .map_err(io::Error::other)?;
    let (file, guard) = tracing_appender::non_blocking(file);
    let filter = || {
        let wanted = std::env::var("BERTH_LOG").unwrap_or_else(|_| USUAL.to_owned());
        // Last, so that no wish can override it.
        EnvFilter::new(format!("{wanted},{NEVER}"))
    };
    let console = fmt::layer()
        .with_writer(io::stderr)
        .compact()
        .with_filter(filter());
    let file = fmt::layer().json().with_writer(file).with_filter(filter());
    tracing_subscriber::registry()
        .with(console)
        .with(file)
        .init();
    Ok(guard)
}

/// Logs to the console only.
pub fn console(verbose: bool) {
    let usual = if verbose { "debug,hyper=info" } else { USUAL };
    let wanted = std::env::var("BERTH_LOG").unwrap_or_else(|_| usual.to_owned());
    let console = fmt::layer()
        .with_writer(io::stderr)
        .compact()
        .with_filter(EnvFilter::new(format!("{wanted},{NEVER}")));
    tracing_subscriber::registry().with(console).init();
}
