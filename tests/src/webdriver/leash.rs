//! Ends everything that a driver started, however it was started.
//!
//! A driver starts a browser, a browser starts helpers, and the window starts an engine that moves
//! to a process group of its own on purpose. All of them inherit the environment, so a variable
//! with a name of its own finds them. Only Linux shows another process's environment, and these
//! tests run there.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The variable that marks a process.
const VARIABLE: &str = "BERTH_TEST_LEASH";

/// How long killed processes may take to be gone: their parents have to notice.
const SETTLE: Duration = Duration::from_secs(5);

/// How often the process table is looked at: the processes are nobody's children here, so there is
/// nothing to wait on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Holds the processes that were started with its mark. Dropping it ends them.
pub(super) struct Leash {
    mark: String,
}

impl Leash {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            mark: format!("{}-{count}", std::process::id()),
        }
    }

    /// Marks a process that is about to be started, and so all that it will start.
    pub(super) fn hold(&self, command: &mut Command) {
        command.env(VARIABLE, &self.mark);
    }

    /// The processes of this program.
    pub(super) fn find(&self, program: &str) -> Vec<Pid> {
        self.all()
            .into_iter()
            .filter(|pid| {
                fs::read_link(format!("/proc/{pid}/exe"))
                    .is_ok_and(|path| path.file_name().is_some_and(|name| name == program))
            })
            .collect()
    }

    fn all(&self) -> Vec<Pid> {
        let mark = format!("{VARIABLE}={}", self.mark).into_bytes();
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| {
                let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
                let environment = fs::read(entry.path().join("environ")).ok()?;
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == mark)
                    .then(|| Pid::from_raw(pid))
            })
            .collect()
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let deadline = Instant::now() + SETTLE;
        loop {
            let left = self.all();
            if left.is_empty() || Instant::now() >= deadline {
                return;
            }
            for pid in left {
                // It may be gone already, which is what is wanted.
                let _ = kill(pid, Signal::SIGKILL);
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}
