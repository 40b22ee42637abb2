//! The engine: owns the sessions and the store, and serves the API on loopback.
//!
//! [`Engine::start`] takes the lock of its data folder, opens the store, ends what a crashed
//! engine left behind, binds the port and writes the endpoint file; then it is ready.
//! [`Engine::run`] serves until it is asked to stop, ends all sessions and removes the file.

mod agents;
mod audit;
mod config;
mod defined_agents;
mod endpoint;
mod error;
mod events;
mod gateway;
mod http;
mod keychain;
mod mcp;
mod organizations;
mod parts;
mod projects;
mod prompts;
mod recovery;
mod routers;
mod sessions;
mod state;

use std::{future::IntoFuture, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use berth_protocol::Endpoint;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{Asset, Assets, Config};
pub use endpoint::prepare_folder;
pub use error::EngineError;
pub use http::openapi_json;

use crate::{
    endpoint::{EndpointFile, EngineLock, LeftBehind, Token},
    gateway::listener::Serving,
    state::State,
};

/// Version of the engine.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A running engine.
pub struct Engine {
    listener: TcpListener,
    agents: Serving,
    router: axum::Router,
    state: Arc<State>,
    file: EndpointFile,
    // Dropped last: the next engine may start only when this one has finished.
    lock: EngineLock,
}

impl Engine {
    /// Starts an engine. When this returns, clients can connect.
    pub async fn start(config: Config) -> Result<Self, EngineError> {
        endpoint::prepare_folder(&config.data_dir)?;
        let lock = EngineLock::take(&config.data_dir)?;
        let store = berth_store::Store::open(&config.data_dir.join("berth.db")).await?;
        let left = endpoint::left_behind(&lock, &config.data_dir).unwrap_or_else(|error| {
            tracing::warn!(%error, "the endpoint file of an engine that was killed is not used");
            None
        });
        let (listener, token) = listen(config.port, left).await?;
        let address = listener.local_addr().map_err(EngineError::Address)?;
        let endpoint = Endpoint {
            url: format!("http://{address}"),
            token: token.0,
            pid: std::process::id(),
            version: VERSION.to_owned(),
        };
        let state = State::new(config, store, endpoint.clone())?;
        let agents = state.gateways.listen()?;
        recovery::reap(&state).await?;
        recovery::note_calls(&state).await?;
        defined_agents::load(&state).await?;
        organizations::load(&state).await?;
        prompts::load_global(&state, state.config.global_prompts.as_deref()).await?;
        recovery::clear_workspaces(&state).await?;
        routers::clear(&state).await;
        state.start_background();
        let router = http::router(Arc::clone(&state));
        let agents = agents.serve(&state)?;
        let file = EndpointFile::write(&state.config.data_dir, &endpoint)?;
        tracing::info!(
            url = endpoint.url,
            pid = endpoint.pid,
            version = VERSION,
            "engine is ready"
        );
        Ok(Self {
            listener,
            agents,
            router,
            state,
            file,
            lock,
        })
    }

    /// Where it listens, and its token.
    pub fn endpoint(&self) -> &Endpoint {
        &self.state.endpoint
    }

    /// Makes [`Self::run`] return when cancelled.
    pub fn stopper(&self) -> CancellationToken {
        self.state.stopping.clone()
    }

    /// Serves until it is asked to stop; then ends every session, which is recorded, and returns.
    pub async fn run(self) -> Result<(), EngineError> {
        let Self {
            listener,
            agents,
            router,
            state,
            file,
            lock,
        } = self;
        let (stopping, late) = (state.stopping.clone(), state.stopping.clone());
        let ending = Arc::clone(&state);
        let listener = listener.tap_io(http::send_at_once);
        let serve =
            axum::serve(listener, router.into_make_service()).with_graceful_shutdown(async move {
                stopping.cancelled().await;
                ending.gateways.end_all();
            });
        let served = tokio::select! {
            served = serve.into_future() => served,
            // Whoever does not take an answer holds up nobody.
            () = async {
                late.cancelled().await;
                tokio::time::sleep(LAST_ANSWERS).await;
                tracing::warn!("answers that nobody takes are left behind");
            } => Ok(()),
        };
        // Clients must not find an engine that answers no more.
        file.remove();
        state.stopping.cancel();
        state.sessions.stop_all(&state).await;
        // Calls of tools that end with their sessions are told of now, and not by the next start.
        state.gateways.settle().await;
        // A token that was given in exchange for another is not lost.
        state.sign_ins.settle().await;
        state.organizations.settle().await;
        // What was waited for before may run there.
        agents.end().await;
        state.store.close().await;
        tracing::info!("engine has stopped");
        drop(lock);
        served.map_err(EngineError::Serve)
    }
}

/// How long answers may go on once the engine stops.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Listens where the clients of an engine that was killed still look for it, under the token that
/// they have; elsewhere, or when nobody left anything, under a new one.
///
/// Token and port are taken over together or not at all. At another port nobody could use the old
/// token, and whoever has the port now was perhaps sent it by a client that tried again.
async fn listen(
    wanted: Option<u16>,
    left: Option<LeftBehind>,
) -> Result<(TcpListener, Token), EngineError> {
    if let Some(left) = left
        && wanted.is_none_or(|wanted| wanted == left.port)
    {
        match bind(left.port).await {
            Ok(listener) => {
                tracing::info!(
                    port = left.port,
                    "took over the address of an engine that was killed"
                );
                return Ok((listener, left.token));
            }
            Err(error) if wanted.is_some() => return Err(error),
            Err(error) => tracing::info!(%error, "clients of an engine that was killed are lost"),
        }
    }
    Ok((bind(wanted.unwrap_or(0)).await?, endpoint::new_token()))
}

async fn bind(wanted: u16) -> Result<TcpListener, EngineError> {
    TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, wanted))
        .await
        .map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                EngineError::PortTaken(wanted)
            } else {
                EngineError::Bind {
                    port: wanted,
                    source,
                }
            }
        })
}
