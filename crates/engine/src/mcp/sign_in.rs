//! Signing in to servers: one sign-in at a time for each, which waits for the browser beside everything else, and
//! what is kept of it.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use berth_mcp::{
    Broker, Challenge, GrantState, McpError, OauthError, Registered, Revoked, SignIn, Wish,
};
use berth_protocol::{
    Code, McpAuth, McpConfiguration, McpConfigurationId, McpRevoked, McpServer, McpSignedOut,
    McpSigningIn, McpState, Timestamp,
};
use berth_store::{McpOrphan, Store};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    changed, get, grants::KeychainGrants, hint::told_of_sign_in as told, name_of, not_consented,
    note, shared,
};
use crate::{error::ApiError, keychain, state::State};

/// Sign-ins that are kept, and those under way.
pub struct SignIns {
    broker: Broker,
    /// Held, for each server, while something of its sign-in changes that is in the keychain and in the store.
    turns: Mutex<HashMap<McpConfigurationId, Arc<tokio::sync::Mutex<()>>>>,
    running: Mutex<HashMap<McpConfigurationId, Running>>,
    numbers: AtomicU64,
    /// How servers have asked for a sign-in when they last did, with the address at which they did: what one says
    /// is nothing to go by for another.
    challenges: Mutex<HashMap<McpConfigurationId, (String, Challenge)>>,
}

/// One that waits for the browser. Dropped, it ends.
struct Running {
    number: u64,
    shown: McpSigningIn,
    _ends: DropGuard,
}

impl SignIns {
    /// Over the keychain, with locks in a folder of the engine's data. The store is told what of them may be told.
    pub fn new(data: &Path, store: Store) -> Self {
        let grants = Arc::new(KeychainGrants::telling(store));
        Self {
            broker: Broker::new(grants, data.join("locks")),
            turns: Mutex::default(),
            running: Mutex::default(),
            numbers: AtomicU64::default(),
            challenges: Mutex::default(),
        }
    }

    /// Who gives out tokens.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Waits until no token is being refreshed any more.
    pub async fn settle(&self) {
        self.running().clear();
        self.broker.settle().await;
    }

    /// The sign-in to a server that waits for the browser.
    pub fn shown(&self, id: McpConfigurationId) -> Option<McpSigningIn> {
        self.running().get(&id).map(|it| it.shown.clone())
    }

    /// Remembers how a server asks for a sign-in.
    pub fn remember(&self, id: McpConfigurationId, server: &McpServer, error: &McpError) {
        if let (McpError::Unauthorized { challenge }, Some(url)) = (error, address(server)) {
            let challenge = Challenge::parse(challenge);
            self.challenges().insert(id, (url.to_owned(), challenge));
        }
    }

    /// Ends a sign-in that waits for the browser. Says whether there was one.
    pub fn end_waiting(&self, id: McpConfigurationId) -> bool {
        self.running().remove(&id).is_some()
    }

    /// Waits for the right to change a server's sign-in.
    async fn turn(&self, id: McpConfigurationId) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(id).or_default())
        };
        turn.lock_owned().await
    }

    /// Forgets what is known of a server that is gone.
    pub fn forget(&self, id: McpConfigurationId) {
        self.end_waiting(id);
        self.challenges().remove(&id);
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.remove(&id);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<McpConfigurationId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn challenges(&self) -> MutexGuard<'_, HashMap<McpConfigurationId, (String, Challenge)>> {
        self.challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets that it runs, unless another one has taken its place.
    fn ended(&self, id: McpConfigurationId, number: u64) -> bool {
        let mut running = self.running();
        let is_it = running.get(&id).is_some_and(|it| it.number == number);
        if is_it {
            running.remove(&id);
        }
        is_it
    }
}

/// The name of a server's sign-in.
pub fn key(id: McpConfigurationId) -> String {
    id.to_string()
}

/// The address of a server that can be signed in to.
pub fn address(server: &McpServer) -> Option<&str> {
    match server {
        McpServer::Http { url, .. } | McpServer::Sse { url, .. } => Some(url),
        McpServer::Stdio { .. } => None,
    }
}

/// What a failure says of a server.
pub async fn state_of(
    state: &State,
    configuration: &McpConfiguration,
    error: &ApiError,
    at: Timestamp,
) -> McpState {
    if error.0.code != Code::McpSignedOut {
        return McpState::Failed {
            problem: error.0.clone(),
            at,
        };
    }
    let (id, url) = (configuration.id, address(&configuration.draft.server));
    let kept = match url {
        Some(url) => state.sign_ins.broker.state(&key(id), url).await.ok(),
        None => None,
    };
    match kept {
        Some(GrantState::Expired) => McpState::Expired { at },
        _ => McpState::NeedsSignIn { at },
    }
}

/// Begins a sign-in, in place of one that is under way. What comes of it is told by the server's state.
pub async fn begin(
    state: &Arc<State>,
    id: McpConfigurationId,
) -> Result<McpConfiguration, ApiError> {
    let configuration = get(state, id).await?;
    if !configuration.consented {
        return Err(not_consented(&configuration));
    }
    shared::admits(state, &configuration)?;
    let name = &configuration.draft.name;
    let (McpAuth::Oauth { .. }, Some(url)) = (
        &configuration.draft.auth,
        address(&configuration.draft.server),
    ) else {
        let detail = format!("MCP server {name:?} is not signed in to with OAuth");
        return Err(ApiError::new(Code::McpInvalid, detail));
    };
    let wish = wish(state, &configuration, url).await?;
    // The browser may have to answer at the same port.
    state.sign_ins.end_waiting(id);
    let begun = tokio::select! {
        begun = SignIn::begin(wish) => begun.map_err(|error| told(&error))?,
        () = state.stopping.cancelled() => {
            let detail = "the engine stops while a sign-in begins";
            return Err(ApiError::new(Code::ShuttingDown, detail));
        }
    };
    // A server takes its time to say where its users sign in.
    let now = get(state, id).await?;
    if now.draft.server != configuration.draft.server || now.draft.auth != configuration.draft.auth
    {
        return Err(told(&OauthError::Changed(begun.issuer().to_owned())));
    }
    let ends = state.stopping.child_token();
    let number = state.sign_ins.numbers.fetch_add(1, Ordering::Relaxed);
    let left = begun
        .until()
        .saturating_duration_since(tokio::time::Instant::now());
    let running = Running {
        number,
        shown: McpSigningIn {
            url: begun.url().to_owned(),
            issuer: begun.issuer().to_owned(),
            until: Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX),
        },
        _ends: ends.clone().drop_guard(),
    };
    state.sign_ins.running().insert(id, running);
    let waits = Waits {
        state: Arc::clone(state),
        given: configuration,
        number,
    };
    tokio::spawn(waits.finish(begun, ends));
    Ok(changed(state, now))
}

async fn wish(
    state: &State,
    configuration: &McpConfiguration,
    url: &str,
) -> Result<Wish, ApiError> {
    let id = configuration.id;
    let mut wish = Wish::new(url);
    if let McpAuth::Oauth {
        provider,
        client_id,
        scopes,
        without_resource,
    } = &configuration.draft.auth
    {
        wish.provider = *provider;
        wish.resource = !without_resource && berth_mcp::takes_resource(*provider);
        wish.scopes.clone_from(scopes);
        if let Some(client) = client_id {
            // Before the secret: whoever gives another one meanwhile says with it where it may go.
            wish.issuer = state.store.mcp_client_issuer(id).await?;
            let secret = match configuration.kept_secrets.contains("client_secret") {
                true => keychain::get(state, &name_of(id, "client_secret")).await?,
                false => None,
            };
            wish.redirect = berth_mcp::redirect(*provider);
            wish.registered = Some(Registered {
                id: client.clone(),
                secret,
            });
        }
    }
    let challenge = state.sign_ins.challenges().get(&id).cloned();
    let challenge = challenge.filter(|(asked, _)| asked == url);
    wish.challenge = challenge
        .map(|(_, challenge)| challenge)
        .unwrap_or_default();
    if wish.challenge.error.as_deref() == Some("insufficient_scope") {
        let broker = &state.sign_ins.broker;
        let held = broker.step_up(&key(id), url, &wish.challenge).await;
        wish.held = held.map_err(|error| told(&error))?;
    }
    Ok(wish)
}

/// Waits for the browser.
struct Waits {
    state: Arc<State>,
    given: McpConfiguration,
    number: u64,
}

impl Waits {
    async fn finish(self, begun: SignIn, ends: CancellationToken) {
        let id = self.given.id;
        let keeper = (Arc::clone(&self.state), self.given.clone());
        let finished = begun.finish(|grant| async move {
            // What was redeemed is kept, whoever ends the sign-in meanwhile.
            let kept = tokio::spawn(async move { keep(&keeper.0, &keeper.1, grant).await });
            kept.await
                .unwrap_or_else(|_| Err(OauthError::Changed(String::new())))
        });
        let finished = tokio::select! {
            finished = finished => finished,
            () = ends.cancelled() => return,
        };
        if !self.state.sign_ins.ended(id, self.number) {
            return;
        }
        let done = match finished {
            Ok(()) => super::try_kept(&self.state, id).await,
            Err(error) => {
                tracing::info!(%error, "a sign-in to an MCP server failed");
                let problem = told(&error).0;
                let at = Timestamp::now();
                let failed = McpState::Failed { problem, at };
                match get(&self.state, id).await {
                    // Its name or rules may be others by now.
                    Ok(now) => note(&self.state, &now, failed, None).await,
                    Err(error) => Err(error),
                }
            }
        };
        if let Err(error) = done {
            tracing::warn!(problem = %error.0, "how an MCP server is doing was not noted");
        }
        if let Ok(now) = get(&self.state, id).await {
            changed(&self.state, now);
        }
    }
}

/// Keeps what came of a sign-in, if its server is still the one that was signed in to.
async fn keep(
    state: &State,
    given: &McpConfiguration,
    grant: berth_mcp::Grant,
) -> Result<(), OauthError> {
    let id = given.id;
    let _turn = state.sign_ins.turn(id).await;
    let gone = || OauthError::Changed(grant.server.clone());
    let now = get(state, id).await.map_err(|_| gone())?;
    if now.draft.server != given.draft.server || now.draft.auth != given.draft.auth {
        return Err(gone());
    }
    let (lost, facts) = (gone(), grant.facts());
    state.sign_ins.broker.keep(&key(id), grant).await?;
    state.sign_ins.challenges().remove(&id);
    let noted = state.store.mcp_signed_in(id, &facts);
    match noted.await {
        Ok(now) => {
            // Whoever has ended the sign-in meanwhile was too late.
            changed(state, now);
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "a sign-in to an MCP server was not noted");
            // Of what the store does not know nobody could see that it is there.
            let _ = state.sign_ins.broker.sign_out(&key(id)).await;
            Err(lost)
        }
    }
}

/// Ends a sign-in that waits for the browser. There being none is no error.
pub async fn cancel(state: &State, id: McpConfigurationId) -> Result<McpConfiguration, ApiError> {
    let cancelled = state.sign_ins.end_waiting(id);
    let configuration = get(state, id).await?;
    Ok(match cancelled {
        true => changed(state, configuration),
        false => configuration,
    })
}

/// Ends a sign-in: revokes its tokens where that is offered, and forgets it in any case.
pub async fn sign_out(state: &State, id: McpConfigurationId) -> Result<McpSignedOut, ApiError> {
    let (revoked, why) = match end(state, id).await? {
        Revoked::Yes => (McpRevoked::Revoked, None),
        Revoked::Nothing => (McpRevoked::Nothing, None),
        Revoked::NotOffered => (McpRevoked::NotOffered, None),
        Revoked::Failed(error) => (McpRevoked::Failed, Some(error.to_string())),
    };
    Ok(McpSignedOut {
        configuration: changed(state, get(state, id).await?),
        revoked,
        why,
    })
}

/// Ends the sign-in of a server that changes or goes, too.
pub async fn end(state: &State, id: McpConfigurationId) -> Result<Revoked, ApiError> {
    state.sign_ins.end_waiting(id);
    let _turn = state.sign_ins.turn(id).await;
    // What the turn was waited for may have changed it.
    let configuration = get(state, id).await?;
    state.sign_ins.challenges().remove(&id);
    let ended = state.sign_ins.broker.sign_out(&key(id)).await;
    if !configuration.is_signed_in() {
        // Of one that the store does not know of it is only made sure.
        return Ok(ended.unwrap_or_else(|error| {
            tracing::debug!(%error, "whether a sign-in is in the keychain is not known");
            Revoked::Nothing
        }));
    }
    let revoked = ended.map_err(|error| told(&error))?;
    let noted = state
        .store
        .set_mcp_secret(id, McpConfiguration::SIGN_IN, false);
    match noted.await {
        Ok(_) | Err(berth_store::StoreError::McpNotFound(_)) => Ok(revoked),
        Err(error) => Err(error.into()),
    }
}

/// Ends what is left of a sign-in to a server that is gone, or is another one now.
/// Whoever has signed in again meanwhile stays so.
pub async fn end_left(state: &State, left: &McpOrphan) -> Result<bool, ApiError> {
    let _turn = state.sign_ins.turn(left.id).await;
    if !state.store.mcp_orphans().await?.contains(left) {
        return Ok(false);
    }
    let ended = state.sign_ins.broker.sign_out(&key(left.id)).await;
    ended.map(|_| true).map_err(|error| told(&error))
}
