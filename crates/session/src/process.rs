//! Ending everything that a session started.
//!
//! A session's program leads a process session of its own, but programs put jobs into further
//! process groups and some leave the process session altogether. Every process of a session
//! carries [`SESSION_VARIABLE`] in its environment, which such programs inherit; both marks are
//! used, so that nothing outlives its session, not even a crash of the engine.
//!
//! Servers that the engine starts for a session carry [`GATEWAY_VARIABLE`] instead. While the engine
//! runs, whoever started them ends them; after a crash they are left over like the rest.

use std::{collections::BTreeSet, time::Duration};

use berth_protocol::SessionId;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Names the session in the environment of everything that it starts.
pub const SESSION_VARIABLE: &str = "BERTH_SESSION_ID";

/// Names the session in the environment of a server that the engine has started for it, and of
/// whatever that starts.
pub const GATEWAY_VARIABLE: &str = "BERTH_GATEWAY_SESSION_ID";

/// How long processes have to end by themselves before they are killed.
pub const GRACE: Duration = Duration::from_secs(3);

/// How often processes that were asked to end are looked at. They are not children of the engine,
/// so no event tells their end.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Which processes belong to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The session.
    pub session: SessionId,
    /// The process that leads it, and when it started in seconds since 1970. A process with this
    /// id that started at another time is a stranger.
    pub leader: Option<(u32, u64)>,
    /// The servers that the engine started for it belong to it too. Only what a crashed engine left
    /// is looked for so: as long as its gateway runs, a server has calls to finish and is ended in
    /// order, and one that is killed under a call counts as failed.
    pub servers: bool,
}

/// How hard to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Force {
    /// Hang up and terminate: what a closed terminal window does.
    Ask,
    /// Kill.
    Kill,
}

/// Looks for processes on behalf of all sessions: requests that come together share one look at
/// the process table, so that a thousand sessions ending at once do not mean a thousand looks.
#[derive(Clone)]
pub struct Reaper {
    requests: mpsc::UnboundedSender<(Family, oneshot::Sender<BTreeSet<u32>>)>,
}

impl Reaper {
    /// Starts the reaper; it ends when the last clone is dropped.
    pub fn start() -> Self {
        let (requests, mut inbox) = mpsc::unbounded_channel::<(Family, oneshot::Sender<_>)>();
        tokio::spawn(async move {
            while let Some(first) = inbox.recv().await {
                let mut batch = vec![first];
                while let Ok(next) = inbox.try_recv() {
                    batch.push(next);
                }
                let families: Vec<_> = batch.iter().map(|(family, _)| *family).collect();
                let found = tokio::task::spawn_blocking(move || members(&families)).await;
                for ((_, answer), pids) in batch.into_iter().zip(found.unwrap_or_default()) {
                    // Whoever asked may have given up.
                    let _ = answer.send(pids);
                }
            }
        });
        Self { requests }
    }

    /// The processes of a family that are alive.
    pub async fn members(&self, family: Family) -> BTreeSet<u32> {
        let (answer, found) = oneshot::channel();
        if self.requests.send((family, answer)).is_err() {
            return BTreeSet::new();
        }
        found.await.unwrap_or_default()
    }

    /// Ends a family: asks, waits for `grace`, then kills. Returns how many processes there were.
    pub async fn end(&self, family: Family, grace: Duration) -> usize {
        let mut seen = BTreeSet::new();
        let mut force = Force::Ask;
        let mut kill_at = Instant::now() + grace;
        // Killed processes may have had children that were not seen in time, hence a few rounds.
        for _ in 0..10 {
            let alive = self.members(family).await;
            if alive.is_empty() {
                break;
            }
            seen.extend(alive.iter().copied());
            for &pid in &alive {
                signal(pid, force);
            }
            while Instant::now() < kill_at {
                tokio::time::sleep(LOOK_AGAIN).await;
                if self.members(family).await.is_empty() {
                    return seen.len();
                }
            }
            force = Force::Kill;
            kill_at = Instant::now() + LOOK_AGAIN;
        }
        seen.len()
    }
}

/// When a process started, in seconds since 1970; absent when it is gone.
pub fn started_at(pid: u32) -> Option<u64> {
    look(pid, sysinfo::Process::start_time)
}

/// Looks at one process; `None` when it is gone.
fn look<T>(pid: u32, read: impl FnOnce(&sysinfo::Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing(),
    );
    system.process(pid).map(read)
}

/// Finds the members of each family in one look at the process table.
fn members(families: &[Family]) -> Vec<BTreeSet<u32>> {
    let mut found = vec![BTreeSet::new(); families.len()];
    let Ok(mut system) = System::new() else {
        return found;
    };
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        true,
        ProcessRefreshKind::nothing()
            .without_tasks()
            .with_environ(UpdateKind::Always),
    );
    let own = std::process::id();
    for (pid, process) in system.processes() {
        if pid.as_u32() == own || is_dead(process) {
            continue;
        }
        let marked = named(process, SESSION_VARIABLE);
        let serves = named(process, GATEWAY_VARIABLE);
        for (family, pids) in families.iter().zip(&mut found) {
            let is_own = |id: &str| id == family.session.to_string();
            let by_mark =
                marked.is_some_and(is_own) || (family.servers && serves.is_some_and(is_own));
            let by_leader = family.leader.is_some_and(|(leader, started)| {
                let leader = Pid::from_u32(leader);
                let leads = *pid == leader && process.start_time() == started;
                let follows = *pid != leader
                    && process.session_id() == Some(leader)
                    && process.start_time() >= started;
                leads || follows
            });
            if by_mark || by_leader {
                pids.insert(pid.as_u32());
            }
        }
    }
    found
}

/// The session that a variable of a process names.
fn named<'a>(process: &'a sysinfo::Process, variable: &str) -> Option<&'a str> {
    let mut environment = process.environ().iter();
    environment.find_map(|entry| {
        let value = entry.to_str()?.strip_prefix(variable)?;
        value.strip_prefix('=')
    })
}

fn is_dead(process: &sysinfo::Process) -> bool {
    matches!(
        process.status(),
        sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead
    )
}

#[cfg(unix)]
fn signal(pid: u32, force: Force) {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    let Ok(pid) = i32::try_from(pid) else { return };
    let signals: &[Signal] = match force {
        // Interactive shells ignore SIGTERM and end on SIGHUP; a stopped process sees neither
        // before it continues.
        Force::Ask => &[Signal::SIGHUP, Signal::SIGTERM, Signal::SIGCONT],
        Force::Kill => &[Signal::SIGKILL],
    };
    for &signal in signals {
        // The process may have ended since it was seen.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

#[cfg(not(unix))]
fn signal(pid: u32, _force: Force) {
    // Windows has no signal that asks a console program to end; closing its pseudo-console does
    // that before this is reached.
    look(pid, sysinfo::Process::kill);
}

/// Makes the system end a program's descendants when this is dropped, where it can: on Windows
/// through a job object, which even a crash of the engine closes. Elsewhere the mark in the
/// environment serves.
#[cfg(windows)]
pub(crate) struct Leash {
    _job: Option<win32job::Job>,
}

#[cfg(windows)]
impl Leash {
    /// Takes hold of a program. What it starts in the moment before is not held; the mark in the
    /// environment finds that.
    pub fn on(child: &dyn portable_pty::Child) -> Self {
        Self::on_handle(child.as_raw_handle())
    }

    /// The same by the program's handle.
    pub fn on_handle(program: Option<std::os::windows::io::RawHandle>) -> Self {
        let hold = || -> Result<win32job::Job, win32job::JobError> {
            let mut limits = win32job::ExtendedLimitInfo::new();
            limits.limit_kill_on_job_close();
            let job = win32job::Job::create_with_limit_info(&limits)?;
            if let Some(handle) = program {
                job.assign_process(handle as isize)?;
            }
            Ok(job)
        };
        let job = hold()
            .inspect_err(|error| tracing::warn!(%error, "no job object holds a program"))
            .ok();
        Self { _job: job }
    }
}

#[cfg(all(test, unix))]
#[path = "process_tests.rs"]
mod tests;
