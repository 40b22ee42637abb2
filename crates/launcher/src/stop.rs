//! Asks the engine to end, and waits until it has.

use std::path::Path;
use std::time::Duration;

use berth_protocol::{API_VERSION, Endpoint};
use tokio::time::{Instant, sleep};

use crate::{LaunchError, client, probe, read_endpoint};

/// How long an engine may take to end its sessions and close its store.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// How often the ending engine is looked at. It is no child of this process and has no connection
/// to it, so there is nothing to wait on.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What [`stop`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// An engine ran and has ended.
    Stopped,
    /// No engine ran.
    NotRunning,
}

/// Ends the engine of a data folder with all its sessions.
pub async fn stop(data_dir: &Path, timeout: Duration) -> Result<Stopped, LaunchError> {
    let Some(endpoint) = read_endpoint(data_dir)? else {
        return Ok(Stopped::NotRunning);
    };
    if !probe(&endpoint).await {
        return Ok(Stopped::NotRunning);
    }
    request(&endpoint).await?;
    let deadline = Instant::now() + timeout;
    while is_there(data_dir, &endpoint).await {
        if Instant::now() >= deadline {
            return Err(LaunchError::StopTimeout {
                pid: endpoint.pid,
                waited: timeout,
            });
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Stopped::Stopped)
}

/// Asks over the API, which works on every platform, then by signal.
async fn request(endpoint: &Endpoint) -> Result<(), LaunchError> {
    let base = endpoint.url.trim_end_matches('/');
    let answer = client()
        .post(format!("{base}/api/{API_VERSION}/engine/stop"))
        .bearer_auth(&endpoint.token)
        .send()
        .await;
    let reason = match answer {
        Ok(response) if response.status().is_success() => return Ok(()),
        Ok(response) => format!("it answered {}", response.status()),
        Err(error) => error.to_string(),
    };
    tracing::debug!(pid = endpoint.pid, reason, "asking the engine by signal");
    signal(endpoint.pid).map_err(|signal| LaunchError::StopRefused {
        pid: endpoint.pid,
        reason: format!("{reason}; {signal}"),
    })
}

#[cfg(unix)]
fn signal(pid: u32) -> Result<(), String> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let pid = i32::try_from(pid).map_err(|_| "its process id is out of range".to_owned())?;
    kill(Pid::from_raw(pid), Signal::SIGTERM).map_err(|error| format!("SIGTERM failed: {error}"))
}

#[cfg(not(unix))]
fn signal(_pid: u32) -> Result<(), String> {
    Err("this platform has no signal for it".to_owned())
}

/// The endpoint file still names this engine, or it still answers.
async fn is_there(data_dir: &Path, endpoint: &Endpoint) -> bool {
    let named = read_endpoint(data_dir)
        .ok()
        .flatten()
        .is_some_and(|now| now.pid == endpoint.pid && now.token == endpoint.token);
    // A file left behind by a crash does not count, so both are asked.
    (named && probe(endpoint).await) || is_locked(data_dir)
}

/// Some engine still has the data folder: it goes on writing after it has stopped answering.
fn is_locked(data_dir: &Path) -> bool {
    let lock = std::fs::File::open(data_dir.join(crate::LOCK_FILE));
    lock.is_ok_and(|lock| {
        matches!(
            lock.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}
