//! Processes that a test started, found by a variable in their environment, which even those
//! inherit that have left their group and their session.
//!
//! Only Linux shows another process's environment; elsewhere nothing is found.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};

/// How often processes that shall end are looked at: their end is no event for a stranger.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The processes that have this variable in their environment.
pub fn with(name: &str, value: impl AsRef<OsStr>) -> Vec<u32> {
    let mut mark = name.as_bytes().to_vec();
    mark.push(b'=');
    mark.extend_from_slice(value.as_ref().as_bytes());
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| is_alive(pid) && has(pid, &mark))
        .collect()
}

fn has(pid: u32, mark: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|variable| variable == mark)
}

/// The process runs: it exists and is no zombie.
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // The name, in parentheses, may hold anything.
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Resident memory of a process, in KiB.
pub fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// Kills a process, which may be gone already.
pub fn kill(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Ends everything that has this variable in its environment, and waits until it is gone.
pub fn end_all_with(name: &str, value: impl AsRef<OsStr>) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let found = with(name, &value);
        if found.is_empty() || Instant::now() >= deadline {
            return;
        }
        for pid in found {
            kill(pid);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits until none of the processes is alive; returns those that are after `limit`.
pub async fn gone(pids: &[u32], limit: Duration) -> Vec<u32> {
    let deadline = Instant::now() + limit;
    loop {
        let left: Vec<u32> = pids.iter().copied().filter(|&pid| is_alive(pid)).collect();
        if left.is_empty() || Instant::now() >= deadline {
            return left;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
