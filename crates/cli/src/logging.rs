//! Logs: one line of JSON for each event in a file that is changed daily, and readable lines on
//! the console.

mod bounded;

use std::{
    fs, io,
    path::Path,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use bounded::Bounded;
use tracing_appender::{non_blocking::WorkerGuard, rolling};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets, combinator::And},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Log files that are kept, one for each day.
const KEPT: usize = 7;

/// Bytes that are logged on one day; with [`KEPT`] of them at most 700 MB.
const DAY_LIMIT: u64 = 100 * 1000 * 1000;

/// Stands in the file of a day that has reached it.
const DAY_IS_FULL: &str = "{\"level\":\"WARN\",\"fields\":{\"message\":\"this day has reached the limit of the log: \
    the rest of it is left out\"},\"target\":\"berth::logging\"}\n";

/// Bytes that go to a console which is a file while the engine runs.
const FILE_LIMIT: u64 = 8 * 1000 * 1000;

/// Stands at its end.
const FILE_IS_FULL: &str = "the rest is in the engine's log alone\n";

/// Where the console's lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// To somebody who watches, or to whoever keeps and bounds what services say.
    Watched,
    /// To the file of the program that started the engine, which nobody empties while it runs.
    Starters,
}

/// What is logged unless `BERTH_LOG` says otherwise. The SDK of the Agent Client Protocol tells of every
/// request that Berth does not offer, which agents try as a matter of course.
const USUAL: &str = "info,sqlx=warn,hyper=warn,agent_client_protocol=error";

/// The most that is ever logged of these: the emulator's parser logs what it does not know of a terminal's
/// output, and that may be anything; the SDK of MCP logs what was filled in and answered, and tells of each
/// request; the library of WebSockets logs each message, and some hold a token.
const NEVER: [(&str, LevelFilter); 6] = [
    ("vte", LevelFilter::OFF),
    ("alacritty_terminal", LevelFilter::OFF),
    ("rmcp", LevelFilter::WARN),
    // It warns of what comes too early with all of its words.
    ("rmcp::service", LevelFilter::ERROR),
    ("tungstenite", LevelFilter::INFO),
    ("tokio_tungstenite", LevelFilter::INFO),
];

/// Starts logging. Lines may be lost when the guard is dropped too early.
pub fn start(folder: &Path, console: Console) -> io::Result<WorkerGuard> {
    let file = rolling::Builder::new()
        .rotation(rolling::Rotation::DAILY)
        .filename_prefix("engine")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(folder)
        .map_err(io::Error::other)?;
    let file = Bounded::new(file, DAY_LIMIT, DAY_IS_FULL, day, written_on(day(), folder));
    let (file, guard) = tracing_appender::non_blocking(file);
    let wanted = std::env::var("BERTH_LOG").unwrap_or_else(|_| USUAL.to_owned());
    let limit = match console {
        Console::Watched => u64::MAX,
        Console::Starters => FILE_LIMIT,
    };
    let console = Bounded::new(io::stderr(), limit, FILE_IS_FULL, || 0, 0);
    let console = fmt::layer()
        .with_writer(Mutex::new(console))
        .compact()
        .with_filter(filter(&wanted));
    let file = fmt::layer()
        .json()
        .with_writer(file)
        .with_filter(filter(&wanted));
    tracing_subscriber::registry()
        .with(console)
        .with(file)
        .init();
    Ok(guard)
}

/// What is wished for, within [`NEVER`]. That is a filter of its own, because a wish may name a part of a library, or a
/// span around it, and in one list the narrower name would win.
fn filter<S>(wanted: &str) -> And<EnvFilter, Targets, S> {
    let never = Targets::new()
        .with_targets(NEVER)
        .with_default(LevelFilter::TRACE);
    EnvFilter::new(wanted).and(never)
}

/// Days since 1970 in UTC, in which files are changed too.
fn day() -> u64 {
    days(SystemTime::now())
}

fn days(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / (24 * 60 * 60)
}

/// Bytes that earlier starts have logged on this day. What cannot be read counts as nothing.
fn written_on(day: u64, folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let of_that_day = files.filter_map(|file| {
        let name = file.file_name();
        let about = file.metadata().ok()?;
        let is_log = name.to_str()?.starts_with("engine.");
        (is_log && about.modified().is_ok_and(|time| days(time) == day)).then_some(about.len())
    });
    of_that_day.sum()
}

/// Logs to the console only.
pub fn console(verbose: bool) {
    let usual = if verbose { "debug,hyper=info" } else { USUAL };
    let wanted = std::env::var("BERTH_LOG").unwrap_or_else(|_| usual.to_owned());
    let console = fmt::layer()
        .with_writer(io::stderr)
        .compact()
        .with_filter(filter(&wanted));
    tracing_subscriber::registry().with(console).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_days_of_the_log_count() {
        let folder = tempfile::tempdir().unwrap();
        for (name, length) in [("engine.2026-01-01.log", 3), ("stderr.log", 5)] {
            fs::write(folder.path().join(name), vec![0; length]).unwrap();
        }
        let file = fs::File::open(folder.path().join("engine.2026-01-01.log")).unwrap();
        let written = days(file.metadata().unwrap().modified().unwrap());
        assert_eq!(written_on(written, folder.path()), 3);
        assert_eq!(written_on(written + 1, folder.path()), 0);
        assert_eq!(written_on(written, &folder.path().join("missing")), 0);
    }

    #[test]
    fn the_line_of_a_full_day_is_json_like_the_others() {
        let line: serde_json::Value = serde_json::from_str(DAY_IS_FULL).unwrap();
        assert_eq!(line["level"], "WARN");
        assert!(DAY_IS_FULL.ends_with("}\n"));
    }

    #[test]
    fn no_wish_brings_out_what_is_never_logged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let file = fs::File::create(&path).unwrap();
        let wanted = "trace,rmcp=trace,rmcp::service=trace,vte::ansi=trace,[asked]=trace";
        let layer = fmt::layer().with_writer(file).with_filter(filter(wanted));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let _asked = tracing::error_span!(target: "rmcp::service", "asked").entered();
            tracing::info!(target: "rmcp::service", "an argument");
            tracing::error!(target: "vte::ansi", "some output");
            tracing::trace!(target: "tungstenite::protocol", "a message");
            tracing::warn!(target: "rmcp::service", "a message that came too early");
            tracing::warn!(target: "rmcp::transport", "a warning");
            tracing::trace!(target: "berth", "a detail");
        });
        let log = fs::read_to_string(&path).unwrap();
        for never in ["an argument", "some output", "a message"] {
            assert!(!log.contains(never), "{never}: {log}");
        }
        for still in ["a warning", "a detail"] {
            assert!(log.contains(still), "{still}: {log}");
        }
    }

    #[test]
    fn a_wish_for_less_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let file = fs::File::create(&path).unwrap();
        let layer = fmt::layer().with_writer(file).with_filter(filter("error"));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "rmcp::service", "a warning");
            tracing::error!(target: "rmcp::service", "an error");
        });
        let log = fs::read_to_string(&path).unwrap();
        assert!(
            !log.contains("a warning") && log.contains("an error"),
            "{log}"
        );
    }
}
