//! Organizations: which tenant backend, who is signed in to it, which of their organizations is active, and the sync of
//! what these share.
//!
//! One turn changes any of this; what is shown is kept beside and is always whole.

pub mod administration;
pub mod changes;
mod checks;
pub mod consents;
pub mod drift;
pub mod erasures;
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
    time::Duration,
};

use berth_protocol::{
    Code, Event, McpServer, OrganizationId, Problem, Secret, UserId,
    tenant::{
        EntityKind, NewOrganization, OrgAccount, OrgBackend, OrgEntry, OrgFactor, OrgState,
        OrgWays, OrganizationRole, SetOrgBackend, Tenant,
    },
};
use berth_store::{OrganizationRecord, StoreError};
use berth_tenant::{
    auth::{Aal, AuthError, Backend, FactorKind, Keeper, SecondFactor, SignedIn, SignedOut},
    sync::{Remote, RemoteError, SyncHandle, Wake},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::{sync::DropGuard, task::TaskTracker};
use uuid::Uuid;

use crate::{
    agents,
    error::ApiError,
    mcp::{blocked::Blocked, shared as servers},
    state::State,
};
use session::KeychainSession;

pub use shared::{shared, system_prompt};
pub use sign_in::{cancel, factor, sign_in};

/// The setting with the backend that was named here.
const BACKEND: &str = "tenant.backend";

/// Longest address and key of a backend, in bytes.
const LONGEST_ADDRESS: usize = 2048;

/// How long the keychain is left alone when it could not be read, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A backend as it is kept. Its key is no secret.
#[derive(Serialize, Deserialize)]
struct Named {
    url: String,
    key: String,
}

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

/// Takes up the sign-in that was before, beside the start of the engine: the keychain may ask its user for a password, or
/// be locked for now.
pub async fn resume(state: &Arc<State>) -> Result<(), ApiError> {
    let resumed = async {
        let mut pause = FIRST_PAUSE;
        while !is_resumed(state).await? {
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        Ok(())
    };
    tokio::join!(resumed, servers::sweep(state)).0
}

/// Takes up what was changed here of the active organization, which holds also while nobody is signed in.
pub async fn take_up(state: &State) {
    if let Some(tenant) = state.organizations.active() {
        syncing::look(state, tenant).await;
    }
}

/// Whether nothing is left to be taken up.
async fn is_resumed(state: &Arc<State>) -> Result<bool, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    if organizations.now().connected.is_none() {
        connect_to_known(state).await?;
    }
    let connected = {
        let now = organizations.now();
        let connected = now.connected.clone();
        // Somebody may have signed in meanwhile, or does.
        connected
            .filter(|_| now.signed_in.is_none() && now.browser.is_none() && now.factor.is_none())
    };
    let Some(connected) = connected else {
        return Ok(true);
    };
    match connected.keeper.signed_in().await {
        Ok(Some(signed_in)) => come_in(state, signed_in).await.map(|()| true),
        Ok(None) => Ok(true),
        Err(error) => {
            organizations.now().failed = Some(auth(&error).0);
            publish(state);
            Ok(false)
        }
    }
}

/// Takes up the backend that was named, or chosen.
async fn connect_to_known(state: &State) -> Result<(), ApiError> {
    let named = match &state.config.tenant {
        Some(fixed) => Some((fixed.clone(), true)),
        None => {
            let kept = state.store.setting(BACKEND).await?;
            let named = kept.and_then(|kept| serde_json::from_str::<Named>(&kept).ok());
            let backend = named.map(|named| Backend::new(&named.url, &named.key));
            match backend {
                Some(Ok(backend)) => Some((backend, false)),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the backend that was named is not used");
                    None
                }
                None => None,
            }
        }
    };
    let Some((backend, fixed)) = named else {
        return Ok(());
    };
    connect(state, backend, fixed).await
}

async fn connect(state: &State, backend: Backend, fixed: bool) -> Result<(), ApiError> {
    let organizations = &state.organizations;
    let installation = state.store.installation().await?;
    let keeper = Keeper::new(
        backend.clone(),
        Arc::new(KeychainSession::of(&installation)),
        organizations.locks.clone(),
    );
    let keeper = keeper.map_err(|error| auth(&error))?;
    let root = format!("{}/rest/v1", backend.url());
    let remote_end = Remote::new(&root, Secret::new(backend.key().to_owned()));
    let remote = remote_end.map_err(|error| remote(&error))?;
    organizations.now().connected = Some(Connected {
        backend,
        keeper,
        remote,
        fixed,
    });
    publish(state);
    Ok(())
}

/// Names the backend. Who is signed in to another one must sign out first: what waits to be sent would be lost from
/// sight.
pub async fn set_backend(state: &Arc<State>, wanted: SetOrgBackend) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    if wanted.url.len().max(wanted.key.len()) > LONGEST_ADDRESS {
        let detail = format!("the address or the key has more than {LONGEST_ADDRESS} bytes");
        return Err(ApiError::new(Code::TenantInvalid, detail));
    }
    let backend = Backend::new(&wanted.url, &wanted.key)
        .map_err(|error| ApiError::new(error.code(), error.to_string()))?;
    {
        let now = organizations.now();
        if now.connected.as_ref().is_some_and(|it| it.fixed) {
            let detail = "the backend was chosen by whoever runs the engine";
            return Err(ApiError::new(Code::TenantInvalid, detail));
        }
        if now.signed_in.is_some() {
            let detail = "somebody is signed in; sign out before another backend is named";
            return Err(ApiError::new(Code::TenantInvalid, detail));
        }
    }
    let named = Named {
        url: backend.url().to_owned(),
        key: backend.key().to_owned(),
    };
    let kept = json!(named).to_string();
    state.store.set_setting(BACKEND, &kept).await?;
    let details = json!({"url": named.url});
    state
        .store
        .note("org.backend_named", "organization", "backend", details)
        .await?;
    organizations.forget_attempts();
    connect(state, backend, false).await?;
    Ok(organizations.shown())
}

/// The ways to sign in that the backend has.
pub async fn ways(state: &State) -> Result<OrgWays, ApiError> {
    let connected = state.organizations.connected()?;
    let providers = connected.keeper.client().providers().await;
    let providers = providers.map_err(|error| auth(&error))?;
    Ok(OrgWays {
        email: providers.email,
        providers: providers.browser,
        domain: providers.sso,
    })
}

/// Somebody is signed in: their organizations are looked for and synced. The turn is held.
async fn come_in(state: &Arc<State>, signed_in: SignedIn) -> Result<(), ApiError> {
    let organizations = &state.organizations;
    let user = UserId(signed_in.user);
    organizations.forget_attempts();
    organizations.now().signed_in = Some(signed_in);
    leave_others(state, user).await?;
    if let Err(error) = discover(state, user).await {
        // Without a network there is what was known before.
        tracing::info!(problem = %error.0, "the organizations of whoever is signed in could not be looked up");
    }
    // Before anything is sent: events reach an organization in their order.
    state.store.tell_sign_in(user).await?;
    let connected = organizations.connected()?;
    let root = connected.remote.root().to_owned();
    let known = state.store.organizations().await?;
    for record in known
        .iter()
        .filter(|it| it.tenant.user == user && it.url == root)
    {
        syncing::begin(state, record).await?;
    }
    publish(state);
    Ok(())
}

/// Makes no organization of another user be active: this one has others, and nothing of them belongs into its trail.
async fn leave_others(state: &State, user: UserId) -> Result<(), StoreError> {
    let active = state.organizations.active();
    if active.is_some_and(|active| active.user != user) {
        activate(state, None).await?;
    }
    Ok(())
}

/// Looks up the organizations of whoever is signed in, and keeps those that are new.
async fn discover(state: &Arc<State>, user: UserId) -> Result<(), ApiError> {
    let connected = state.organizations.connected()?;
    let token = connected.keeper.access_of(user.0).await;
    let token = token.map_err(|error| auth(&error))?;
    let found = connected.remote.memberships(&token, user).await;
    let found = found.map_err(|error| remote(&error))?;
    let root = connected.remote.root();
    for membership in found {
        let tenant = Tenant {
            org: membership.org_id,
            user,
        };
        let known = state.store.organization(tenant).await?;
        let is_same = |known: &OrganizationRecord| {
            known.url == root && known.name == membership.name() && known.role == membership.role
        };
        if !known.as_ref().is_some_and(is_same) {
            let (name, role) = (membership.name(), membership.role);
            state
                .store
                .add_organization(tenant, root, name, role)
                .await?;
        }
    }
    Ok(())
}

/// Chooses the organization whose prompts, servers and policy hold; nothing to be alone.
pub async fn set_active(
    state: &Arc<State>,
    wanted: Option<OrganizationId>,
) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let tenant = match wanted {
        None => None,
        Some(org) => {
            let now = organizations.now();
            let user = now.signed_in.as_ref().map(|it| UserId(it.user));
            let known = now.organizations.contains_key(&org);
            match (user, known) {
                (Some(user), true) => Some(Tenant { org, user }),
                _ => {
                    let detail = format!("nobody who is signed in belongs to organization {org}");
                    return Err(ApiError::new(Code::TenantNotFound, detail));
                }
            }
        }
    };
    activate(state, tenant).await?;
    Ok(publish(state))
}

/// Makes an organization, of which whoever is signed in is the admin.
pub async fn create(state: &Arc<State>, new: NewOrganization) -> Result<OrgState, ApiError> {
    let name = crate::http::checked_text("name", &new.name, 120)?;
    let arguments = json!({"id": Uuid::now_v7(), "name": name});
    let _: Value = call(state, "create_organization", &arguments).await?;
    Ok(look_after(state).await)
}

/// Comes into an organization by an invitation.
pub async fn join(state: &Arc<State>, token: &Secret) -> Result<OrgState, ApiError> {
    let arguments = json!({"token": token.expose().trim()});
    let _: Value = call(state, "accept_invitation", &arguments).await?;
    Ok(look_after(state).await)
}

/// Looks for what a call has changed. The call is done, whatever becomes of this.
async fn look_after(state: &Arc<State>) -> OrgState {
    match look_again(state).await {
        Ok(shown) => shown,
        Err(error) => {
            tracing::warn!(problem = %error.0, "a new organization is seen when it is looked for again");
            publish(state)
        }
    }
}

/// Looks for organizations that are new, and for what is new in those that are known.
pub async fn look_again(state: &Arc<State>) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let signed_in = organizations.now().signed_in.clone();
    let signed_in = signed_in.ok_or_else(signed_out)?;
    let user = UserId(signed_in.user);
    let discovered = discover(state, user).await;
    if discovered.is_ok() {
        state.store.tell_sign_in(user).await?;
        let root = organizations.connected()?.remote.root().to_owned();
        for record in state.store.organizations().await? {
            if record.tenant.user == user && record.url == root {
                syncing::begin(state, &record).await?;
            }
        }
    }
    // Also where the backend does not answer: that it does not is what each of them shows then.
    for known in organizations.now().organizations.values() {
        known.sync.wake(Wake::Asked);
    }
    discovered?;
    Ok(publish(state))
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

/// The sign-in is over, as the sync of an organization has heard: somebody may sign in again, and what is active holds on.
async fn over(state: &Arc<State>, user: UserId) {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let Ok(connected) = organizations.connected() else {
        return;
    };
    // Another process may have signed in again, and what cannot be read now is no end.
    if !matches!(connected.keeper.signed_in().await, Ok(None)) {
        return;
    }
    let ended = {
        let mut now = organizations.now();
        if now.signed_in.as_ref().is_none_or(|it| it.user != user.0) {
            return;
        }
        now.signed_in = None;
        let ended = AuthError::Ended(connected.backend.url().to_owned());
        now.failed = Some(auth(&ended).0);
        std::mem::take(&mut now.organizations)
    };
    for known in ended.into_values() {
        known.sync.stop().await;
    }
    publish(state);
}

/// Signs out. What waits to be sent stays here, and goes on once the same user signs in again.
pub async fn sign_out(state: &Arc<State>) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let connected = organizations.connected()?;
    organizations.forget_attempts();
    let ended = std::mem::take(&mut organizations.now().organizations);
    // Nothing uses a token any more when it ends.
    for known in ended.into_values() {
        known.sync.stop().await;
    }
    let signed_out = connected.keeper.sign_out().await;
    let signed_out = match signed_out {
        Ok(signed_out) => signed_out,
        Err(error) => {
            let signed_in = organizations.now().signed_in.clone();
            if let Some(signed_in) = signed_in {
                come_in(state, signed_in).await?;
            }
            return Err(auth(&error));
        }
    };
    let who = organizations.now().signed_in.take();
    if let Some(who) = who {
        let at_backend = matches!(signed_out, SignedOut::Yes);
        let noted = state.store.note_sign_out(UserId(who.user), at_backend);
        noted.await?;
    }
    if let SignedOut::Failed(error) = signed_out {
        organizations.now().failed = Some(auth(&error).0);
    }
    activate(state, None).await?;
    Ok(publish(state))
}
