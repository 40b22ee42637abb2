//! The second factor of whoever is signed in by one alone.
//!
//! The server gives the same session new tokens for it, and the refresh token of before ends the session when it is
//! used again. So this is a change of what is kept like a refresh, and happens under the same locks.

use std::{sync::Arc, time::Instant};

use berth_protocol::Secret;
use uuid::Uuid;

use super::{Inner, Keeper, Known, renewal::Need};
use crate::auth::{
    AuthError, Session, SignedIn,
    factor::{self, StepUp},
    session::Aal,
};

impl Keeper {
    /// Looks for a second factor of whoever is signed in by one alone, where the backend wants it after all
    /// ([`AuthError::MfaNeeded`]). Nothing when there is none, or none is missing.
    ///
    /// # Errors
    /// As [`Self::access`], and those of the request.
    pub async fn step_up(&self) -> Result<Option<StepUp>, AuthError> {
        self.access().await?;
        let session = self.known().await.session.clone();
        let session = session.ok_or_else(|| self.0.signed_out())?;
        let factors = self.0.client.factors(&session).await?;
        let is_missing = !factors.is_empty();
        Ok(is_missing.then(|| StepUp::new(session.signed_in(), factors)))
    }

    /// Takes the code of a factor, and keeps what that gives. After [`AuthError::CodeWrong`] another code can be tried,
    /// and after [`AuthError::Unreachable`] the same.
    ///
    /// # Errors
    /// [`AuthError`]; [`AuthError::Factor`] for one that is no authenticator app, [`AuthError::SignedOut`] when somebody
    /// else is signed in by now.
    pub async fn verify(
        &self,
        second: &StepUp,
        factor: Uuid,
        code: &Secret,
    ) -> Result<SignedIn, AuthError> {
        factor::check(second.factors(), factor, self.0.url())?;
        let (user, code) = (second.who().user, code.clone());
        let mut known = self.known().await;
        let inner = Arc::clone(&self.0);
        self.finish(async move { inner.verify(&mut known, user, factor, &code).await })
            .await
    }
}

impl Inner {
    async fn verify(
        self: &Arc<Self>,
        known: &mut Known,
        user: Uuid,
        factor: Uuid,
        code: &Secret,
    ) -> Result<SignedIn, AuthError> {
        let _lock = self.lock().await?;
        self.current(known).await?;
        let session = self.of(known, user)?;
        let session = self.good(known, session).await?;
        if session.aal == Aal::Two {
            return Ok(session.signed_in());
        }
        let asked = Instant::now();
        let verified = self.verified(known, &session, factor, code).await?;
        known.hold(verified, asked);
        self.save(known).await?;
        self.of(known, user).map(|session| session.signed_in())
    }

    /// The session that is known, if it is this user's.
    fn of(&self, known: &Known, user: Uuid) -> Result<Session, AuthError> {
        let session = known.session.clone().filter(|it| it.user == user);
        session.ok_or_else(|| self.signed_out())
    }

    /// A session whose access token is good enough to be shown: the code is typed in a while, in which a token can
    /// end.
    async fn good(
        self: &Arc<Self>,
        known: &mut Known,
        session: Session,
    ) -> Result<Session, AuthError> {
        let (age, user) = (known.age(), session.user);
        let is_over = session.is_over(age);
        if !is_over && (known.in_doubt || !session.is_due(age)) {
            return Ok(session);
        }
        match self.refresh(known, session, &Need::Of(user)).await {
            Err(error @ (AuthError::Ended(_) | AuthError::SignedOut(_))) => Err(error),
            Err(error) if is_over => Err(error),
            _ => self.of(known, user),
        }
    }

    /// Shows the code. When the answer is lost it is shown once more, with the same token: another token would have to
    /// be asked for with a refresh token that ends the session, if the code was taken.
    async fn verified(
        &self,
        known: &mut Known,
        session: &Session,
        factor: Uuid,
        code: &Secret,
    ) -> Result<Session, AuthError> {
        match self.client.verify(session, factor, code).await {
            Err(error) if error.is_lost() => known.in_doubt = true,
            verified => return verified,
        }
        self.client.verify(session, factor, code).await
    }
}
