//! Organizations: which tenant backend, who is signed in to it, which of their organizations is active, and the sync of
//! what these share.
//!
//! One turn changes any of this; what is shown is kept beside and is always whole.

mod account;
pub mod administration;
mod backend;
pub mod changes;
mod checks;
pub mod consents;
pub mod drift;
pub mod erasures;
mod memberships;
pub mod policy;
mod session;
pub mod sessions;
mod shared;
mod sign_in;
mod syncing;
pub mod trail;
pub mod versions;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use berth_protocol::{
    Code, Event, McpServer, OrganizationId, Problem, Secret, UserId,
    tenant::{
        EntityKind, OrgAccount, OrgBackend, OrgEntry, OrgFactor, OrgState, OrganizationRole, Tenant,
    },
};
use berth_store::StoreError;
use berth_tenant::{
    auth::{Aal, AuthError, Backend, FactorKind, Keeper, SecondFactor, SignedIn},
    sync::{Remote, RemoteError, SyncHandle},
};
use serde_json::Value;
use tokio_util::{sync::DropGuard, task::TaskTracker};

use crate::{
    agents,
    error::ApiError,
    mcp::{blocked::Blocked, shared as servers},
    state::State,
};

pub use account::{resume, sign_out};
pub use backend::{set_backend, ways};
pub use memberships::{create, join, look_again, set_active};
pub use shared::{shared, system_prompt};
pub use sign_in::{cancel, factor, sign_in};

/// What is known of organizations at the moment.
pub struct Organizations {
    locks: PathBuf,
    /// Held while the backend, who is signed in, or the active organization changes.
    turn: tokio::sync::Mutex<()>,
    /// Held while what the active organization shares is looked at and then edited.
    editing: tokio::sync::Mutex<()>,
    now: Mutex<Now>,
    /// Held while clients are told, so that what they are told last is how it stands.
    telling: Mutex<()>,
    numbers: AtomicU64,
    /// What is still said to backends.
    tasks: TaskTracker,
}

#[derive(Default)]
struct Now {
    connected: Option<Connected>,
    signed_in: Option<SignedIn>,
    browser: Option<InBrowser>,
    factor: Option<SecondFactor>,
    /// How often what had begun of signing in was ended.
    forgotten: u64,
    failed: Option<Box<Problem>>,
    organizations: BTreeMap<OrganizationId, Known>,
    active: Option<Active>,
}

/// The organization whose prompts, servers and policy hold: also without a network, and without anybody signed in.
#[derive(Clone)]
struct Active {
    tenant: Tenant,
    role: OrganizationRole,
    bound: policy::Bound,
    blocked: Arc<Blocked>,
}

/// The backend, and what speaks to it.
#[derive(Clone)]
struct Connected {
    backend: Backend,
    keeper: Keeper,
    remote: Remote,
    /// Whoever runs the engine has chosen it.
    fixed: bool,
}

/// A sign-in that waits for the browser. Dropped, it ends.
struct InBrowser {
    number: u64,
    account: OrgAccount,
    _ends: DropGuard,
}

/// An organization of whoever is signed in.
struct Known {
    name: String,
    role: OrganizationRole,
    sync: SyncHandle,
    /// Tells clients of its state.
    _watch: DropGuard,
}

impl Organizations {
    /// With locks in a folder of the engine's data.
    pub fn new(data: &Path) -> Self {
        Self {
            locks: data.join("locks"),
            turn: tokio::sync::Mutex::default(),
            editing: tokio::sync::Mutex::default(),
            now: Mutex::default(),
            telling: Mutex::default(),
            numbers: AtomicU64::default(),
            tasks: TaskTracker::new(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends what has begun of signing in: the browser is not waited for any more, and a first factor is good for nothing.
    fn forget_attempts(&self) {
        let factor = {
            let mut now = self.now();
            (now.browser, now.failed) = (None, None);
            now.forgotten += 1;
            now.factor.take()
        };
        self.give_up(factor);
    }

    /// Nobody is signed in: nothing is kept beside what is there.
    fn nobody(&self, backend: &Backend) -> Result<(), AuthError> {
        if self.now().signed_in.is_none() {
            return Ok(());
        }
        Err(AuthError::Denied {
            backend: backend.url().to_owned(),
            said: "somebody has signed in meanwhile".to_owned(),
        })
    }

    /// Asks for a second factor, in place of any other.
    fn ask(&self, factor: SecondFactor) {
        let before = {
            let mut now = self.now();
            now.browser = None;
            now.factor.replace(factor)
        };
        self.give_up(before);
    }

    /// Ends at the backend what the first factor has begun, beside everything else.
    fn give_up(&self, factor: Option<SecondFactor>) {
        let Some(factor) = factor else { return };
        self.tasks.spawn(async move {
            if let Err(error) = factor.give_up().await {
                tracing::info!(%error, "a sign-in without its second factor is left to end by itself");
            }
        });
    }

    /// What speaks to a backend, unless another has taken its place meanwhile or Berth is ending.
    fn connected_to(&self, backend: &Backend) -> Result<Connected, AuthError> {
        let connected = self.now().connected.clone();
        let connected = connected.filter(|it| it.backend.url() == backend.url());
        connected.ok_or_else(|| AuthError::SignedOut(backend.url().to_owned()))
    }

    fn connected(&self) -> Result<Connected, ApiError> {
        let connected = self.now().connected.clone();
        connected.ok_or_else(|| {
            ApiError::new(
                Code::TenantInvalid,
                "no backend of an organization is named",
            )
        })
    }

    /// The active organization, and of whom.
    pub fn active(&self) -> Option<Tenant> {
        self.now().active.as_ref().map(|active| active.tenant)
    }

    /// The active organization, if its user is an admin of it.
    pub fn administered(&self) -> Option<Tenant> {
        let now = self.now();
        let active = now.active.as_ref()?;
        (active.role == OrganizationRole::Admin).then_some(active.tenant)
    }

    /// The names of the active organization and of the server that its catalog blocks, if this is that one.
    pub fn blocks(&self, server: &McpServer) -> Option<(String, String)> {
        let active = self.now().active.clone()?;
        let blocked = active.blocked.name_of(server)?.to_owned();
        Some((active.bound.organization, blocked))
    }

    /// What the active organization blocks in words that are not understood here.
    pub fn unreadable_blocks(&self) -> Vec<String> {
        let active = self.now().active.clone();
        let blocked = active.map(|active| active.blocked);
        let names = blocked.iter().flat_map(|blocked| blocked.unreadable());
        names.map(str::to_owned).collect()
    }

    /// The policy that binds sessions now; nothing while no organization is active.
    pub fn bound(&self) -> Option<policy::Bound> {
        self.now().active.as_ref().map(|it| it.bound.clone())
    }

    /// The policy that binds a session that has begun under this organization. One that is not active any more lets it
    /// do nothing more.
    pub fn bound_of(&self, begun: Option<Tenant>) -> Option<policy::Bound> {
        let begun = begun?;
        let active = self.now().active.clone();
        let same = active.filter(|active| active.tenant == begun);
        Some(same.map_or_else(policy::Bound::gone, |active| active.bound))
    }

    /// Ends what runs, and waits until no token is being refreshed any more.
    pub async fn settle(&self) {
        self.forget_attempts();
        let (connected, organizations) = {
            let mut now = self.now();
            (now.connected.take(), std::mem::take(&mut now.organizations))
        };
        for known in organizations.into_values() {
            known.sync.stop().await;
        }
        if let Some(connected) = connected {
            connected.keeper.settle().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn shown(&self) -> OrgState {
        let now = self.now();
        OrgState {
            backend: now.connected.as_ref().map(|connected| OrgBackend {
                url: connected.backend.url().to_owned(),
                fixed: connected.fixed,
            }),
            account: now.account(),
            failed: now.failed.as_deref().cloned(),
            organizations: now.shown(),
            active: now.active.as_ref().map(|active| active.tenant.org),
        }
    }
}

impl Now {
    fn account(&self) -> OrgAccount {
        if let Some(browser) = &self.browser {
            return browser.account.clone();
        }
        if let Some(factor) = &self.factor {
            let factors = factor.factors().iter().map(|factor| OrgFactor {
                id: factor.id,
                name: (!factor.name.is_empty()).then(|| factor.name.clone()),
                is_supported: matches!(factor.kind, FactorKind::Totp),
            });
            return OrgAccount::SecondFactor {
                factors: factors.collect(),
            };
        }
        match &self.signed_in {
            None => OrgAccount::SignedOut,
            Some(signed_in) => OrgAccount::SignedIn {
                user: UserId(signed_in.user),
                email: signed_in.email.clone(),
                second_factor: signed_in.aal == Aal::Two,
            },
        }
    }

    fn shown(&self) -> Vec<OrgEntry> {
        let entries = self.organizations.iter().map(|(id, known)| OrgEntry {
            id: *id,
            name: known.name.clone(),
            role: known.role,
            sync: Some(known.sync.state().borrow().clone()),
        });
        let mut entries: Vec<_> = entries.collect();
        // It holds although nobody is signed in to it.
        let alone = self.active.as_ref();
        let alone = alone.filter(|active| !self.organizations.contains_key(&active.tenant.org));
        entries.extend(alone.map(|active| OrgEntry {
            id: active.tenant.org,
            name: active.bound.organization.clone(),
            role: active.role,
            sync: None,
        }));
        entries.sort_by(|one, other| one.name.cmp(&other.name).then(one.id.cmp(&other.id)));
        entries
    }
}

/// What clients are told.
pub fn publish(state: &State) -> OrgState {
    agents::follow_policy(state);
    let telling = state.organizations.telling.lock();
    let _turn = telling.unwrap_or_else(PoisonError::into_inner);
    let shown = state.organizations.shown();
    state.publish(Event::OrgChanged {
        org: Box::new(shown.clone()),
    });
    shown
}

/// How it stands with organizations.
pub fn get(state: &State) -> OrgState {
    state.organizations.shown()
}

fn auth(error: &AuthError) -> ApiError {
    ApiError::new(error.code(), error.to_string())
}

fn remote(error: &RemoteError) -> ApiError {
    match error.refusal() {
        Some((code, words)) if !words.is_empty() => ApiError::new(code, words),
        _ => ApiError::new(error.code(), error.to_string()),
    }
}

/// Takes up the organization that was active, before anything can begin.
pub async fn load(state: &State) -> Result<(), StoreError> {
    // One that has ended while nobody looked is not active any more.
    let tenant = state.store.active_tenant().await?;
    activate(state, tenant).await
}

/// An organization with its policy, if this machine has it.
async fn active(state: &State, tenant: Tenant) -> Result<Option<Active>, StoreError> {
    let record = state.store.organization(tenant).await?;
    let Some(record) = record else {
        return Ok(None);
    };
    let bound = policy::Bound {
        organization: record.name,
        policy: Arc::new(state.store.tenant_policy(tenant).await?),
    };
    let kind = EntityKind::McpConfiguration.as_str();
    let rows = state.store.tenant_rows(tenant, kind).await?;
    Ok(Some(Active {
        tenant,
        role: record.role,
        bound,
        blocked: Arc::new(Blocked::of(&rows)),
    }))
}

/// Notes which organization is active.
async fn activate(state: &State, tenant: Option<Tenant>) -> Result<(), StoreError> {
    let active = match tenant {
        Some(tenant) => active(state, tenant).await?,
        None => None,
    };
    let tenant = active.as_ref().map(|active| active.tenant);
    state.store.activate_tenant(tenant).await?;
    state.organizations.now().active = active;
    servers::follow(state).await
}

/// Takes up what was changed here of the active organization, which holds also while nobody is signed in.
pub async fn take_up(state: &State) {
    if let Some(tenant) = state.organizations.active() {
        syncing::look(state, tenant).await;
    }
}

fn signed_out() -> ApiError {
    ApiError::new(Code::TenantSignedOut, "nobody is signed in to the backend")
}

/// Calls a function of the backend as whoever is signed in.
async fn call<T: serde::de::DeserializeOwned>(
    state: &State,
    function: &'static str,
    arguments: &Value,
) -> Result<T, ApiError> {
    let (connected, token) = authorized(state).await?;
    let answered = connected.remote.call(function, &token, arguments).await;
    answered.map_err(|error| remote(&error))
}

/// The backend, and a token of whoever is signed in to it.
async fn authorized(state: &State) -> Result<(Connected, Secret), ApiError> {
    let connected = state.organizations.connected()?;
    let signed_in = state.organizations.now().signed_in.clone();
    let user = signed_in.ok_or_else(signed_out)?.user;
    let token = connected.keeper.access_of(user).await;
    Ok((connected, token.map_err(|error| auth(&error))?))
}
