//! Measures how long the window takes to be usable, for `cargo xtask bench`.
//!
//! `BERTH_WINDOW_TIMING` names a file to append one JSON line to, or is `1` for standard error.

use std::env;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Switches the measurement on and says where its result goes.
const VARIABLE: &str = "BERTH_WINDOW_TIMING";

/// Moments on the way to a usable window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The window exists.
    Setup,
    /// The page's document is loaded.
    Page,
    /// The page says that it can be used.
    Ready,
    /// The window is on the screen.
    Shown,
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup_ms",
            Self::Page => "page_ms",
            Self::Ready => "ready_ms",
            Self::Shown => "shown_ms",
        }
    }
}

/// The marks so far. Each counts once: a reloaded page is not a second start.
pub(crate) struct Timing {
    start: Instant,
    marks: Mutex<Vec<(Mark, Duration)>>,
    reported: Mutex<bool>,
}

impl Timing {
    /// Starts to measure.
    pub(crate) fn from_start() -> Self {
        Self {
            start: Instant::now(),
            marks: Mutex::default(),
            reported: Mutex::default(),
        }
    }

    /// Notes that a moment was reached.
    pub(crate) fn mark(&self, mark: Mark) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.iter().all(|(other, _)| *other != mark) {
            marks.push((mark, self.start.elapsed()));
        }
    }

    /// Writes the result once, if anybody wants it.
    pub(crate) fn report(&self) {
        let Some(target) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
            return;
        };
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *reported, true) {
            return;
        }
        if let Err(error) = write(&target, &self.line()) {
            tracing::warn!(%error, "the timing could not be written");
        }
    }

    /// Milliseconds since the start for each mark, and the Unix time now in milliseconds, from
    /// which a bench can subtract the moment at which it started the process.
    fn line(&self) -> String {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let mut line = format!("{{\"at_unix_ms\":{}", now.as_millis());
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        for (mark, after) in marks.iter() {
            line.push_str(&format!(
                ",\"{}\":{:.1}",
                mark.name(),
                after.as_secs_f64() * 1000.0
            ));
        }
        line.push_str("}\n");
        line
    }
}

fn write(target: &OsStr, line: &str) -> io::Result<()> {
    if target == "1" {
        io::stderr().write_all(line.as_bytes())
    } else {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(target)?
            .write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_one_line_of_json_and_counts_each_mark_once() {
        let timing = Timing::from_start();
        timing.mark(Mark::Setup);
        timing.mark(Mark::Ready);
        let first = timing.line();
        timing.mark(Mark::Ready);

        let value: serde_json::Value = serde_json::from_str(&timing.line()).unwrap();
        let before: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!(value["ready_ms"], before["ready_ms"]);
        assert!(value["setup_ms"].is_number());
    }
}
