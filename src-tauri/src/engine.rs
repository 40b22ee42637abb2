//! The window's side of the engine: attaches to it, starts it, restarts it.

use berth_launcher::{
    LaunchError, STOP_TIMEOUT, StartOptions, attach_or_start, data_dir, engine_program,
    read_endpoint, stop,
};
use berth_protocol::{API_VERSION, Endpoint, SessionList};
use tokio::sync::Mutex;

/// What was found before the page asked for it; the first question gets it.
#[derive(Default)]
enum Early {
    /// Nothing yet.
    #[default]
    Unknown,
    /// This, whether or not it is what was hoped for.
    Found(Result<Endpoint, LaunchError>),
    /// The page has asked; from then on every question is a new look.
    Asked,
}

/// One start or stop at a time; a page that asks twice gets the same engine twice.
#[derive(Default)]
pub(crate) struct Engine {
    turn: Mutex<Early>,
}

impl Engine {
    /// Attaches to the engine or starts it while the page is still loading.
    pub(crate) async fn prepare(&self) {
        let mut early = self.turn.lock().await;
        if let Early::Unknown = *early {
            *early = Early::Found(match options() {
                Ok(options) => attach_or_start(&options).await,
                Err(error) => Err(error),
            });
        }
    }

    /// The endpoint of a running engine, which is started if none runs.
    pub(crate) async fn endpoint(&self) -> Result<Endpoint, LaunchError> {
        let mut early = self.turn.lock().await;
        match std::mem::replace(&mut *early, Early::Asked) {
            Early::Found(found) => found,
            Early::Unknown | Early::Asked => attach_or_start(&options()?).await,
        }
    }

    /// Ends the engine with all its sessions and starts it again.
    pub(crate) async fn restart(&self) -> Result<Endpoint, LaunchError> {
        let mut early = self.turn.lock().await;
        *early = Early::Asked;
        let options = options()?;
        // Before the old one is stopped: without a program there would be none afterwards.
        engine_program()?;
        stop(&options.data_dir, STOP_TIMEOUT).await?;
        attach_or_start(&options).await
    }
}

/// The program is looked for even when an engine runs: it is cheap, and `attach_or_start` says
/// more about a missing one.
fn options() -> Result<StartOptions, LaunchError> {
    let data_dir = data_dir()?;
    let program = match engine_program() {
        Err(LaunchError::ProgramMissing { path }) => path,
        other => other?,
    };
    Ok(StartOptions::new(program, data_dir))
}

/// How many sessions have a program that runs; `None` when no engine answers.
pub(crate) async fn live_sessions() -> Option<usize> {
    let endpoint = read_endpoint(&data_dir().ok()?).ok()??;
    let base = endpoint.url.trim_end_matches('/');
    let list: SessionList = berth_launcher::client()
        .get(format!("{base}/api/{API_VERSION}/sessions"))
        .bearer_auth(&endpoint.token)
        .send()
        .await
        .ok()?
        .error_for_status()
        .ok()?
        .json()
        .await
        .ok()?;
    let live = |session: &&berth_protocol::Session| session.status.is_live();
    Some(list.sessions.iter().filter(live).count())
}
