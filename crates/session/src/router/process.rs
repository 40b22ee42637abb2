//! A router's processes: a group of their own, which ends as a whole.

use std::{process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

use super::{RouterError, launch::Launch, tail::Tail};
#[cfg(unix)]
use crate::group::Group;

/// How long a router has to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for what a router that has ended wrote last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running router. Dropping it kills it.
pub struct Process {
    child: Child,
    /// What it printed last.
    pub tail: Tail,
    reading: JoinSet<()>,
    #[cfg(unix)]
    group: Group,
    #[cfg(windows)]
    _leash: crate::process::Leash,
}

impl Process {
    /// Starts it.
    pub fn spawn(launch: &Launch) -> Result<Self, RouterError> {
        let mut command = Command::new(&launch.node);
        command
            .args(&launch.args)
            .env_clear()
            .envs(&launch.env)
            .current_dir(launch.folder.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|source| RouterError::Spawn {
            node: launch.node.clone(),
            source,
        })?;
        let tail = Tail::without(launch.secrets.clone());
        let mut reading = JoinSet::new();
        if let Some(output) = child.stdout.take() {
            reading.spawn(tail.clone().read(output));
        }
        if let Some(errors) = child.stderr.take() {
            reading.spawn(tail.clone().read(errors));
        }
        Ok(Self {
            #[cfg(unix)]
            group: Group::of(child.id()),
            #[cfg(windows)]
            _leash: crate::process::Leash::on_handle(child.raw_handle()),
            child,
            tail,
            reading,
        })
    }

    /// Waits for its end and says how it was. Cancelling loses nothing.
    pub async fn ended(&mut self) -> String {
        let ended = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => format!("its end was not told: {error}"),
        };
        // What it wrote last is read soon, unless something that it has started keeps its output open.
        let read = async { while self.reading.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, read).await;
        ended
    }

    /// Ends it: asks, waits, then kills whatever of it is left.
    pub async fn stop(mut self) {
        #[cfg(unix)]
        self.group.signal(nix::sys::signal::Signal::SIGTERM);
        #[cfg(not(unix))]
        // There is no signal that asks; the router has nothing to save.
        let _ = self.child.start_kill();
        let in_time = tokio::time::timeout(GRACE, self.child.wait()).await.is_ok();
        #[cfg(unix)]
        self.group.signal(nix::sys::signal::Signal::SIGKILL);
        if !in_time {
            // It may have ended in between.
            let _ = self.child.kill().await;
        }
    }
}
