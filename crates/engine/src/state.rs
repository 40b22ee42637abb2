//! What every part of the engine shares.

use std::sync::Arc;

use berth_protocol::{Endpoint, Event};
use berth_session::{environment::Environment, process::Reaper};
use berth_store::Store;
use berth_workspace::{Git, WorkspaceError};
use tokio::{runtime::Handle, sync::OnceCell};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Config, EngineError,
    agents::AgentCatalog,
    defined_agents::Defined,
    endpoint::prepare_folder,
    events::Bus,
    gateway::Gateways,
    mcp::{shared::Told, sign_in::SignIns},
    organizations::{self, Organizations},
    prompts::Prompts,
    sessions::{self, Sessions},
};

pub struct State {
    pub config: Config,
    pub store: Store,
    pub endpoint: Endpoint,
    pub events: Bus,
    pub sessions: Sessions,
    pub agents: AgentCatalog,
    pub reaper: Reaper,
    /// Held while something changes that is in the store and in the keychain.
    pub keeping: tokio::sync::Mutex<()>,
    pub defined: Defined,
    pub prompts: Prompts,
    pub gateways: Gateways,
    pub sign_ins: SignIns,
    /// The servers of the active organization, as clients know them.
    pub shared_servers: Told,
    pub organizations: Organizations,
    /// The engine's own threads, for what must hold up no other one.
    pub runtime: Handle,
    /// Cancelled when the engine shall stop.
    pub stopping: CancellationToken,
    environment: OnceCell<Environment>,
    git: OnceCell<Git>,
}

impl State {
    pub fn new(config: Config, store: Store, endpoint: Endpoint) -> Result<Arc<Self>, EngineError> {
        for folder in ["recordings", sessions::WORKSPACES] {
            prepare_folder(&config.data_dir.join(folder))?;
        }
        let sign_ins = SignIns::new(&config.data_dir, store.clone());
        let organizations = Organizations::new(&config.data_dir);
        Ok(Arc::new(Self {
            config,
            store,
            endpoint,
            events: Bus::new(Uuid::now_v7().simple().to_string()),
            sessions: Sessions::default(),
            agents: AgentCatalog::default(),
            reaper: Reaper::start(),
            keeping: tokio::sync::Mutex::default(),
            defined: Defined::default(),
            prompts: Prompts::default(),
            gateways: Gateways::default(),
            sign_ins,
            shared_servers: Told::default(),
            organizations,
            runtime: Handle::current(),
            stopping: CancellationToken::new(),
            environment: OnceCell::new(),
            git: OnceCell::new(),
        }))
    }

    /// Starts what may take a while and must not hold up the start.
    pub fn start_background(self: &Arc<Self>) {
        let mut audit = self.store.follow_audit();
        let state = Arc::clone(self);
        tokio::spawn(async move {
            let stopped = state.stopping.clone().cancelled_owned();
            tokio::pin!(stopped);
            while let Some(event) = tokio::select! {
                event = audit.recv() => event,
                () = &mut stopped => None,
            } {
                state.organizations.happened(&event);
                let event = Box::new(event);
                state.publish(Event::AuditAdded { event });
            }
        });
        let state = Arc::clone(self);
        tokio::spawn(async move {
            let resumed = organizations::resume(&state);
            tokio::select! {
                resumed = resumed => if let Err(error) = resumed {
                    tracing::warn!(problem = %error.0, "the sign-in to the backend was not taken up");
                },
                () = state.stopping.cancelled() => {}
            }
        });
        let state = Arc::clone(self);
        tokio::spawn(async move {
            let environment = state.environment().await;
            if let Some(warning) = &environment.warning {
                tracing::warn!(warning, "sessions get the engine's own environment");
            }
            crate::agents::detect(&state).await;
        });
    }

    /// The environment of sessions, asked of the login shell once.
    pub async fn environment(&self) -> &Environment {
        self.environment
            .get_or_init(|| async {
                match &self.config.environment {
                    Some(environment) => environment.clone(),
                    None => Environment::of_login_shell().await,
                }
            })
            .await
    }

    /// The environment, if it is known by now.
    pub fn environment_if_known(&self) -> Option<&Environment> {
        self.environment.get()
    }

    /// git, as the user's shell finds it. Looked for again after a failure.
    pub async fn git(&self) -> Result<&Git, WorkspaceError> {
        let environment = self.environment().await;
        self.git
            .get_or_try_init(|| async {
                Git::find(environment.get("PATH")).map(|git| git.with_env(environment.variables()))
            })
            .await
    }

    /// The user's home folder, as sessions see it.
    pub fn home(&self) -> Option<std::path::PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        match self.environment.get() {
            Some(environment) => environment.get(name).map(Into::into),
            None => std::env::var_os(name).map(Into::into),
        }
    }

    pub fn publish(&self, event: Event) {
        self.events.publish(event);
    }
}
