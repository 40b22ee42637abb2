//! Who is signed in: taken up at the start of the engine, come in, over, and signed out. How they sign in is not here.

use std::{sync::Arc, time::Duration};

use berth_protocol::{UserId, tenant::OrgState};
use berth_store::StoreError;
use berth_tenant::auth::{AuthError, SignedIn, SignedOut};

use super::{activate, auth, backend::connect_to_known, memberships::discover, publish, syncing};
use crate::{error::ApiError, mcp::shared as servers, state::State};

/// How long the keychain is left alone when it could not be read, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

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

/// Somebody is signed in: their organizations are looked for and synced. The turn is held.
pub(super) async fn come_in(state: &Arc<State>, signed_in: SignedIn) -> Result<(), ApiError> {
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
pub(super) async fn leave_others(state: &State, user: UserId) -> Result<(), StoreError> {
    let active = state.organizations.active();
    if active.is_some_and(|active| active.user != user) {
        activate(state, None).await?;
    }
    Ok(())
}

/// The sign-in is over, as the sync of an organization has heard: somebody may sign in again, and what is active holds on.
pub(super) async fn over(state: &Arc<State>, user: UserId) {
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
