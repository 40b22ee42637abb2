//! What a process costs, as the system counts it.

use std::{fs, path::Path, time::Duration};

/// Processor time that the process has used since its start. From the scheduler's own count, in
/// nanoseconds: the usual one has ticks of 10 ms.
pub fn processor_time(pid: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Duration::ZERO;
    };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// How often the threads of the process have gone to sleep since each began: as often as something woke them.
pub fn wake_ups(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    let counts = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("status")).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    });
    counts.sum()
}

/// Memory that the process has for itself, in KiB: not what it shares with others, such as the
/// system's libraries.
pub fn private_memory(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let counted = ["Private_Clean:", "Private_Dirty:"];
    let amounts = text.lines().filter_map(|line| {
        let name = counted.iter().find(|name| line.starts_with(**name))?;
        let amount = line[name.len()..].split_whitespace().next()?;
        amount.parse::<f64>().ok()
    });
    amounts.sum()
}

/// Whether this system counts as above.
pub fn is_counted() -> bool {
    Path::new("/proc/self/smaps_rollup").exists() && Path::new("/proc/self/schedstat").exists()
}
