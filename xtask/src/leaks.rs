//! Processes that a test started and left behind.
//!
//! Tests run with `BERTH_TEST_RUN=<id>` in their environment, and children inherit it, even those
//! that moved to a session of their own. Only Linux shows another process's environment; elsewhere
//! nothing is found.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// The variable that marks every process of one test run.
pub(crate) const VARIABLE: &str = "BERTH_TEST_RUN";

/// How long processes may take to end after the tests did: a browser's helpers are not instant.
const SETTLE: Duration = Duration::from_secs(5);

/// A process of a test run.
#[derive(Debug)]
pub(crate) struct Leaked {
    pub(crate) id: u32,
    pub(crate) command: String,
}

/// The processes of the run that stay after a moment to settle.
pub(crate) fn after(run: &str) -> Vec<Leaked> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let found = find(run);
        if found.is_empty() || Instant::now() >= deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The processes of the run that exist now.
pub(crate) fn find(run: &str) -> Vec<Leaked> {
    let mark = format!("{VARIABLE}={run}").into_bytes();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark)
                .then(|| Leaked {
                    id,
                    command: command_line(id),
                })
        })
        .collect()
}

fn command_line(id: u32) -> String {
    let bytes = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .replace('\0', " ")
        .trim_end()
        .to_owned()
}

/// Ends the processes at once.
pub(crate) fn end(leaked: &[Leaked]) {
    #[cfg(unix)]
    for process in leaked {
        if let Some(pid) = pid(process.id) {
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).ok();
        }
    }
    #[cfg(not(unix))]
    let _ = leaked;
}

/// The process id in the operating system's type; none for 0, which would mean ourselves.
#[cfg(unix)]
pub(crate) fn pid(id: u32) -> Option<nix::unistd::Pid> {
    let raw = i32::try_from(id).ok().filter(|raw| *raw > 1)?;
    Some(nix::unistd::Pid::from_raw(raw))
}

#[cfg(all(test, target_os = "linux"))]
#[path = "leaks_tests.rs"]
mod tests;
