//! An instance: a router that runs until it is stopped, and is started again when it ends unasked.

use std::{
    collections::VecDeque,
    ops::ControlFlow::{self, Break, Continue},
    path::Path,
    time::Duration,
};

use berth_protocol::{RouterSettings, RouterState, Secret, SessionId};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    Installed, Keys, Route, RouterError, health,
    launch::{self, Launch},
    process::Process,
};
use crate::environment::Environment;

/// How often a router may end within [`WINDOW`] and is still started again.
const RESTARTS: usize = 5;

/// The time in which restarts are counted.
const WINDOW: Duration = Duration::from_secs(120);

/// The pause before the first restart; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How often it is attempted to remove the folder: of a router that was killed while it started,
/// something may still write for a moment.
const REMOVALS: u32 = 20;

/// The pause between two of them.
const REMOVE_AGAIN: Duration = Duration::from_millis(50);

/// What an instance is to be.
pub struct Order<'a> {
    /// The session that it belongs to: it carries the session's mark, so whoever ends what the session
    /// left finds it too. Stop the instance before that, or it is taken for crashed.
    pub session: SessionId,
    /// Its own folder, which is made and, when it stops, removed.
    pub folder: &'a Path,
    /// How it routes.
    pub settings: &'a RouterSettings,
    /// The providers' keys.
    pub keys: &'a Keys,
    /// What to run.
    pub installed: &'a Installed,
    /// The user's environment, of which it gets the `PATH`, the language and the proxy.
    pub environment: &'a Environment,
}

/// A router of its own. Dropping it stops it in the background.
#[derive(Debug)]
pub struct Instance {
    port: u16,
    mark: String,
    route: Route,
    state: watch::Receiver<RouterState>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts a router and waits until it answers.
///
/// # Errors
/// When the settings are not usable, a key or file is missing, or the router does not come up. Nothing
/// is left behind then.
pub async fn start(order: &Order<'_>) -> Result<Instance, RouterError> {
    let key = Secret::new(launch::random());
    let (launch, process) = launch::first(order, &key).await?;
    let url = format!("http://127.0.0.1:{}", launch.port);
    let (state, watched) = watch::channel(RouterState::Healthy);
    let (stop, stopped) = oneshot::channel();
    Ok(Instance {
        port: launch.port,
        mark: launch.mark.clone(),
        route: Route::to_router(order.settings, &url, &key),
        state: watched,
        stop,
        task: tokio::spawn(
            Keeper {
                launch,
                state,
                stopped,
                ended: VecDeque::new(),
            }
            .keep(process),
        ),
    })
}

impl Instance {
    /// What an agent needs to be routed.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The port that it listens at, on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How it is doing, now and from now on.
    pub fn state(&self) -> watch::Receiver<RouterState> {
        self.state.clone()
    }

    /// Asks it whether it answers: one that hangs does not end, and so is not noticed by itself.
    pub async fn answers(&self) -> bool {
        health::answers(self.port, &self.mark).await
    }

    /// Stops it, also while it is being started again. Then nothing of it runs and its folder is gone.
    pub async fn stop(self) {
        // The task has ended when nobody listens, which it does only at the end of the runtime.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Keeps one router running.
struct Keeper {
    launch: Launch,
    state: watch::Sender<RouterState>,
    /// Told to stop, or left alone, which means the same.
    stopped: oneshot::Receiver<()>,
    /// When it ended lately.
    ended: VecDeque<Instant>,
}

impl Keeper {
    async fn keep(mut self, process: Process) {
        let mut running = Some(process);
        while let Some(process) = running {
            running = match self.watch(process).await {
                Break(()) => None,
                Continue(reason) => self.start_again(reason).await,
            };
        }
        self.remove_folder().await;
        // One that failed says so to the end.
        self.state.send_if_modified(|state| {
            let failed = matches!(state, RouterState::Failed { .. });
            if !failed {
                *state = RouterState::Stopped;
            }
            !failed
        });
    }

    async fn remove_folder(&self) {
        for last in (0..REMOVALS).rev() {
            let folder = self.launch.folder.clone();
            let removed = tokio::task::spawn_blocking(move || folder.remove()).await;
            let Ok(Err(error)) = removed else { return };
            if last == 0 || matches!(error, RouterError::FolderTaken(_)) {
                tracing::warn!(%error, "a router's folder is left");
                return;
            }
            tokio::time::sleep(REMOVE_AGAIN).await;
        }
    }

    /// Waits for the end of a router; goes on with the reason when it was not asked to end.
    async fn watch(&mut self, mut process: Process) -> ControlFlow<(), String> {
        let status = tokio::select! {
            status = process.ended() => status,
            _ = &mut self.stopped => {
                process.stop().await;
                return Break(());
            }
        };
        let said = process.tail.text();
        // Dropped here: what it started must not keep its port.
        drop(process);
        Continue(match said.lines().last() {
            Some(last) => format!("it ended ({status}): {last}"),
            None => format!("it ended ({status})"),
        })
    }

    /// Starts the router again at the port that the agent knows; nothing when it is to stop, or cannot.
    async fn start_again(&mut self, mut reason: String) -> Option<Process> {
        loop {
            let now = Instant::now();
            self.ended.retain(|at| now.duration_since(*at) < WINDOW);
            self.ended.push_back(now);
            let count = self.ended.len();
            if count > RESTARTS {
                let minutes = WINDOW.as_secs() / 60;
                return self
                    .fail(format!("it ended {count} times within {minutes} minutes; the last time {reason}. Check its settings, then restart the session."))
                    .await;
            }
            tracing::warn!(port = self.launch.port, reason, "a router is started again");
            self.state.send_replace(RouterState::Restarting {
                reason: reason.clone(),
            });
            let doublings = u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(1);
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings));
            let started = async {
                tokio::time::sleep(pause).await;
                self.launch.start().await
            };
            let started = tokio::select! {
                started = started => started,
                _ = &mut self.stopped => return None,
            };
            match started {
                Ok(process) => {
                    self.state.send_replace(RouterState::Healthy);
                    return Some(process);
                }
                Err(error @ RouterError::PortTaken(_)) => {
                    return self
                        .fail(format!(
                            "{error}, and the agent knows no other. Restart the session."
                        ))
                        .await;
                }
                Err(error) => reason = error.to_string(),
            }
        }
    }

    /// Says why there is no router any more and waits until it is to stop.
    async fn fail(&mut self, reason: String) -> Option<Process> {
        tracing::error!(port = self.launch.port, reason, "a router failed");
        self.state.send_replace(RouterState::Failed { reason });
        // Either way it is to stop.
        let _ = (&mut self.stopped).await;
        None
    }
}
