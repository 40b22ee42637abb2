//! How a session is renewed: once, whatever comes between.

use std::{sync::Arc, time::Instant};

use berth_protocol::Secret;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::{Inner, Known, known::Failed};
use crate::auth::{AuthError, Session, StoreError, claims::Claims};

/// Why a token is wanted.
pub(super) enum Need {
    /// To be sent for whoever is signed in.
    Next,
    /// To be sent for this user.
    Of(Uuid),
    /// To be sent in place of this one.
    InsteadOf(Secret),
}

impl Need {
    /// The session is that of the user whom the token is wanted for. What was begun as one user must not be gone on
    /// with as another who has signed in meanwhile.
    pub(super) fn is_of(&self, session: &Session) -> bool {
        match self {
            Self::Next => true,
            Self::Of(user) => *user == session.user,
            Self::InsteadOf(refused) => {
                Claims::read(refused).is_some_and(|claims| claims.sub == session.user)
            }
        }
    }

    /// This session's token is given out as it is. It `rests` after a refresh that has failed.
    pub(super) fn is_met(&self, session: &Session, age: u64, rests: bool) -> bool {
        let is_another = match self {
            Self::Next | Self::Of(_) => true,
            Self::InsteadOf(refused) => *refused != session.access_token,
        };
        let is_good = !session.is_due(age) || (rests && !session.is_over(age));
        self.is_of(session) && is_another && is_good
    }

    /// A token that is due but not over is better than none.
    fn is_served(&self, session: &Session, age: u64) -> bool {
        self.is_met(session, age, true)
    }
}

impl Inner {
    pub(super) async fn renew(
        self: &Arc<Self>,
        mut known: OwnedMutexGuard<Known>,
        need: &Need,
    ) -> Result<Secret, AuthError> {
        match self.attempt(&mut known, need).await {
            Ok(token) => Ok(token),
            Err(error @ (AuthError::Ended(_) | AuthError::SignedOut(_))) => Err(error),
            Err(error) => {
                known.failed = Some(Failed::now(error.clone()));
                let age = known.age();
                let session = known.session.as_ref();
                session
                    .filter(|session| need.is_served(session, age))
                    .map(|session| session.access_token.clone())
                    .ok_or(error)
            }
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        known: &mut Known,
        need: &Need,
    ) -> Result<Secret, AuthError> {
        let _lock = self.lock().await?;
        self.current(known).await?;
        let session = known.session.clone().filter(|it| need.is_of(it));
        let session = session.ok_or_else(|| self.signed_out())?;
        if need.is_met(&session, known.age(), known.in_doubt) {
            return Ok(session.access_token);
        }
        self.refresh(known, session, need).await
    }

    /// Refreshes what is kept. The lock is held.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        known: &mut Known,
        session: Session,
        need: &Need,
    ) -> Result<Secret, AuthError> {
        let asked = Instant::now();
        match self.client.refresh(&session).await {
            Ok(renewed) => {
                known.hold(renewed, asked);
                let is_kept = self.save(known).await?;
                let age = known.age();
                let session = known.session.as_ref().filter(|it| need.is_of(it));
                let session = session.ok_or_else(|| self.signed_out())?;
                if is_kept || need.is_served(session, age) {
                    Ok(session.access_token.clone())
                } else {
                    Err(StoreError::Busy.into())
                }
            }
            Err(AuthError::Ended(backend)) => self.over(known, &session, need, backend).await,
            Err(error) => Err(error),
        }
    }

    /// What is kept by now, after what could not be kept before.
    pub(super) async fn current(self: &Arc<Self>, known: &mut Known) -> Result<(), AuthError> {
        if known.unsaved.is_some() {
            return self.save(known).await.map(drop);
        }
        Ok(self.read(known).await?)
    }

    /// Keeps what was renewed, before it is used: whoever is killed with a token that nobody has kept has thrown the
    /// session away. When it cannot be kept now it is kept later: the server has thrown the old token away. Answers
    /// whether it is what is kept now.
    pub(super) async fn save(self: &Arc<Self>, known: &mut Known) -> Result<bool, AuthError> {
        let before = super::revision(&known.session);
        let Some((renewed, asked)) = known.unsaved.clone() else {
            return Ok(false);
        };
        let is_kept = self.store.replace(before, &renewed).await?;
        if is_kept {
            let before = known.take(Some(renewed.clone()));
            known.since = Some(asked);
            self.show(known);
            if let Some(replaced) = before.session {
                self.leave(replaced, Some(&renewed));
            }
        } else {
            // Another sign-in has taken its place, or somebody has signed out.
            known.take(None);
            self.read(known).await?;
            self.leave(renewed, known.session.as_ref());
        }
        Ok(is_kept)
    }

    /// The server has ended the session. Its tokens are removed, unless somebody has signed in meanwhile, without
    /// this lock: what they have stands.
    async fn over(
        self: &Arc<Self>,
        known: &mut Known,
        ended: &Session,
        need: &Need,
        backend: String,
    ) -> Result<Secret, AuthError> {
        self.read(known).await?;
        match &known.session {
            Some(theirs) if theirs.revision != ended.revision => {
                if !need.is_of(theirs) {
                    return Err(self.signed_out());
                }
                let age = known.age();
                let theirs = Some(theirs).filter(|theirs| need.is_met(theirs, age, true));
                theirs
                    .map(|theirs| theirs.access_token.clone())
                    .ok_or(AuthError::Ended(backend))
            }
            _ => {
                known.take(None);
                self.show(known);
                // Of another backend something may be kept, which is not touched.
                self.store.delete(Some(ended.revision)).await?;
                Err(AuthError::Ended(backend))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{claims::tests::token, session::tests::session};

    fn of(user: u128, number: u32) -> Secret {
        let user = Uuid::from_u128(user);
        token(&format!("{{\"sub\":\"{user}\",\"jti\":\"{number}\"}}"))
    }

    #[test]
    fn a_token_that_is_due_is_used_until_its_end_when_nobody_refreshes_it() {
        let refused = Need::InsteadOf;
        for (need, age, met, served) in [
            (Need::Next, 0, true, true),
            (Need::Next, 79, true, true),
            (Need::Next, 80, false, true),
            (Need::Next, 100, false, false),
            // The clock was set back: nobody knows.
            (Need::Next, u64::MAX, false, true),
            (refused(of(7, 1)), 0, false, false),
            (refused(of(7, 2)), 0, true, true),
            (refused(of(7, 2)), 80, false, true),
            (refused(of(7, 2)), 100, false, false),
        ] {
            let session = Session {
                access_token: of(7, 1),
                ..session(100)
            };
            let judged = (
                need.is_met(&session, age, false),
                need.is_served(&session, age),
            );
            assert_eq!(judged, (met, served), "{age}");
        }
    }

    #[test]
    fn a_token_of_somebody_else_meets_no_need() {
        let session = Session {
            access_token: of(7, 1),
            ..session(100)
        };
        for (need, is_of) in [
            (Need::Next, true),
            (Need::Of(session.user), true),
            (Need::Of(Uuid::from_u128(8)), false),
            (Need::InsteadOf(of(7, 2)), true),
            (Need::InsteadOf(of(8, 2)), false),
            // Of whom it is, nobody can tell.
            (Need::InsteadOf("another".to_owned().into()), false),
        ] {
            let judged = (
                need.is_of(&session),
                need.is_met(&session, 0, false),
                need.is_served(&session, 90),
            );
            assert_eq!(judged, (is_of, is_of, is_of));
        }
    }
}
