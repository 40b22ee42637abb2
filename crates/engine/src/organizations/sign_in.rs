//! Signing in to the tenant backend, in whichever way, and the second factor.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use berth_protocol::{
    Code, Timestamp, UserId,
    tenant::{OrgAccount, OrgFactorCode, OrgSignIn, OrgState},
};
use berth_tenant::auth::{AuthError, Backend, BrowserSignIn, Client, Outcome, Session, Way};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    InBrowser,
    account::{come_in, leave_others},
    auth, publish,
};
use crate::{error::ApiError, state::State};

/// Begins a sign-in, in place of one that is under way.
pub async fn sign_in(state: &Arc<State>, way: OrgSignIn) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let connected = organizations.connected()?;
    {
        let now = organizations.now();
        if now.signed_in.is_some() {
            let detail = "somebody is signed in already; sign out first";
            return Err(ApiError::new(Code::TenantInvalid, detail));
        }
    }
    organizations.forget_attempts();
    let client = connected.keeper.client();
    let outcome = match way {
        OrgSignIn::SendCode { email } => {
            let sent = client.send_code(&email, true).await;
            sent.map_err(|error| auth(&error))?;
            return Ok(publish(state));
        }
        OrgSignIn::Password { email, password } => client.with_password(&email, &password).await,
        OrgSignIn::Code { email, code } => client.with_code(&email, &code).await,
        OrgSignIn::Provider { provider } => {
            return in_browser(state, Way::Provider(provider)).await;
        }
        OrgSignIn::Domain { domain } => return in_browser(state, Way::Domain(domain)).await,
    };
    let outcome = outcome.map_err(|error| auth(&error))?;
    let made = match &outcome {
        Outcome::SignedIn(session) => Some(session.clone()),
        Outcome::SecondFactor(_) => None,
    };
    let taken = take(state, &connected.backend, outcome).await;
    kept_or_ended(client, made, taken).await?;
    Ok(organizations.shown())
}

/// Ends a session at the backend that nobody has kept.
async fn kept_or_ended(
    client: &Client,
    made: Option<Session>,
    taken: Result<Result<(), ApiError>, AuthError>,
) -> Result<(), ApiError> {
    match taken {
        Ok(came_in) => came_in,
        Err(error) => {
            if let Some(made) = made.filter(|_| !error.is_held()) {
                client.discard(made).await;
            }
            Err(auth(&error))
        }
    }
}

/// Gives the second factor that is asked for.
pub async fn factor(state: &Arc<State>, given: OrgFactorCode) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let (asked, forgotten) = {
        let mut now = organizations.now();
        (now.factor.take(), now.forgotten)
    };
    let asked = asked
        .ok_or_else(|| ApiError::new(Code::TenantSignInFailed, "no second factor is asked for"))?;
    let is_forgotten = || organizations.now().forgotten != forgotten;
    match asked.verify(given.factor, &given.code).await {
        Ok(session) => {
            let backend = asked.client().backend().clone();
            let kept = match is_forgotten() {
                true => Err(AuthError::Denied {
                    backend: backend.url().to_owned(),
                    said: "it was cancelled meanwhile".to_owned(),
                }),
                false => keep(state, &backend, session.clone()).await,
            };
            kept_or_ended(asked.client(), Some(session), kept).await?;
        }
        Err(error) => {
            // A code that was mistyped can be typed again.
            let is_asked_again = matches!(
                error,
                AuthError::CodeWrong(_)
                    | AuthError::RateLimited { .. }
                    | AuthError::Unreachable { .. }
            );
            if is_asked_again && !is_forgotten() {
                organizations.ask(asked);
            } else {
                organizations.give_up(Some(asked));
            }
            publish(state);
            return Err(auth(&error));
        }
    }
    Ok(organizations.shown())
}

/// Ends a sign-in that is under way.
pub fn cancel(state: &Arc<State>) -> OrgState {
    state.organizations.forget_attempts();
    publish(state)
}

/// What signing in to a backend has come to. The error says that nothing is kept, the one inside that somebody is signed
/// in, and what follows from it failed.
async fn take(
    state: &Arc<State>,
    backend: &Backend,
    outcome: Outcome,
) -> Result<Result<(), ApiError>, AuthError> {
    match outcome {
        Outcome::SignedIn(session) => keep(state, backend, session).await,
        Outcome::SecondFactor(factor) => {
            let organizations = &state.organizations;
            let _turn = organizations.turn.lock().await;
            organizations.connected_to(backend)?;
            organizations.ask(factor);
            publish(state);
            Ok(Ok(()))
        }
    }
}

/// Keeps a session, and everything follows from it.
async fn keep(
    state: &Arc<State>,
    backend: &Backend,
    session: Session,
) -> Result<Result<(), ApiError>, AuthError> {
    let organizations = &state.organizations;
    let _turn = organizations.turn.lock().await;
    let connected = organizations.connected_to(backend)?;
    organizations.nobody(backend)?;
    let signed_in = connected.keeper.keep(session).await?;
    if let Err(error) = leave_others(state, UserId(signed_in.user)).await {
        return Ok(Err(error.into()));
    }
    let details = json!({"url": signed_in.backend, "user_id": signed_in.user});
    let noted = state
        .store
        .note("org.signed_in", "organization", "account", details)
        .await;
    Ok(match noted {
        Ok(_) => come_in(state, signed_in).await,
        Err(error) => Err(error.into()),
    })
}

async fn in_browser(state: &Arc<State>, way: Way) -> Result<OrgState, ApiError> {
    let organizations = &state.organizations;
    let connected = organizations.connected()?;
    let begun = connected.keeper.client().begin(way).await;
    let begun = begun.map_err(|error| auth(&error))?;
    // Whoever has signed in meanwhile is not asked for more.
    let _turn = organizations.turn.lock().await;
    let still = organizations.connected_to(begun.backend());
    let still = still.and_then(|_| organizations.nobody(begun.backend()));
    still.map_err(|error| auth(&error))?;
    let number = organizations.number();
    let ends = state.stopping.child_token();
    let left = begun
        .until()
        .saturating_duration_since(tokio::time::Instant::now());
    let account = OrgAccount::SigningIn {
        url: begun.url().to_owned(),
        until: Timestamp::now().checked_add(left).unwrap_or(Timestamp::MAX),
    };
    organizations.now().browser = Some(InBrowser {
        number,
        account,
        _ends: ends.clone().drop_guard(),
    });
    tokio::spawn(wait(Arc::clone(state), begun, number, ends));
    Ok(publish(state))
}

/// Waits for the browser.
async fn wait(state: Arc<State>, begun: BrowserSignIn, number: u64, ends: CancellationToken) {
    let keeper = Arc::clone(&state);
    let backend = begun.backend().clone();
    let is_redeemed = AtomicBool::new(false);
    let finished = begun.finish(|outcome| async {
        is_redeemed.store(true, Ordering::Relaxed);
        // What was redeemed is kept, whoever ends the sign-in meanwhile.
        let of = backend.url().to_owned();
        let taken = tokio::spawn(async move { take(&keeper, &backend, outcome).await });
        taken.await.unwrap_or(Err(AuthError::Broken(of)))
    });
    tokio::pin!(finished);
    let finished = tokio::select! {
        finished = &mut finished => finished,
        // That somebody is signed in ends it too, and the browser is to be told that.
        () = ends.cancelled() => match is_redeemed.load(Ordering::Relaxed) {
            true => finished.await,
            false => return,
        },
    };
    let failed = match finished {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(error) => auth(&error),
    };
    {
        let mut now = state.organizations.now();
        if now.browser.as_ref().is_none_or(|it| it.number != number) {
            return;
        }
        now.browser = None;
        now.failed = Some(failed.0);
    }
    publish(&state);
}
