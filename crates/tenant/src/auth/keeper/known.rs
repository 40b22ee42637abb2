//! What one process knows of the session.

use std::time::{Duration, Instant};

use crate::auth::{AuthError, Session, session::now};

/// After a refresh that has failed, a token that is still good is given out so long without another try: who is
/// offline shall not wait with every request.
const REST: Duration = Duration::from_secs(8);

/// What this process knows of the session.
#[derive(Default)]
pub(super) struct Known {
    pub(super) session: Option<Session>,
    /// Since when it has had the access token, where it was given to this process.
    pub(super) since: Option<Instant>,
    /// What takes its place once it can be kept, and when it was asked for. Nobody gets its token before.
    pub(super) unsaved: Option<(Session, Instant)>,
    /// The last refresh that has failed, if none has worked since.
    pub(super) failed: Option<Failed>,
    /// A second factor was sent and the answer lost. If it was taken, the refresh token would end the session, so it is
    /// not used as long as the access token is good.
    pub(super) in_doubt: bool,
}

/// A refresh that has failed.
pub(super) struct Failed {
    at: Instant,
    error: AuthError,
}

impl Failed {
    pub(super) fn now(error: AuthError) -> Self {
        let at = Instant::now();
        Self { at, error }
    }

    /// How long nobody tries again.
    fn rest(&self) -> Duration {
        match &self.error {
            AuthError::RateLimited {
                after: Some(after), ..
            } => REST.max(*after),
            _ => REST,
        }
    }
}

impl Known {
    /// How old the access token is, in seconds.
    pub(super) fn age(&self) -> u64 {
        let held = self.since.map(|since| since.elapsed());
        let session = self.session.as_ref();
        session.map_or(u64::MAX, |session| session.age(held, now()))
    }

    /// A token that is still good is given out without another try.
    pub(super) fn rests(&self) -> bool {
        let failed = self.failed.as_ref();
        self.in_doubt || failed.is_some_and(|failed| failed.at.elapsed() < failed.rest())
    }

    /// Why a refresh has failed since then.
    pub(super) fn failed_since(&self, began: Instant) -> Option<AuthError> {
        let failed = self.failed.as_ref().filter(|failed| failed.at >= began);
        failed.map(|failed| failed.error.clone())
    }

    /// Takes over what is kept, and answers what was known before.
    pub(super) fn take(&mut self, kept: Option<Session>) -> Self {
        let next = Self {
            session: kept,
            ..Self::default()
        };
        std::mem::replace(self, next)
    }

    /// Holds what is to be kept, until it is; answers what was held before.
    pub(super) fn hold(&mut self, session: Session, asked: Instant) -> Option<Session> {
        // With other tokens it does not matter any more what became of those of before.
        self.in_doubt = false;
        let before = self.unsaved.replace((session, asked));
        before.map(|(before, _)| before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_tries_again_before_the_server_wants_it() {
        let limited = |after: Option<u64>| AuthError::RateLimited {
            backend: String::new(),
            after: after.map(Duration::from_secs),
        };
        for (error, ago, rests) in [
            (limited(None), 0, true),
            (limited(None), 9, false),
            (limited(Some(30)), 9, true),
            (limited(Some(30)), 31, false),
            (limited(Some(1)), 2, true),
            (AuthError::SignedOut(String::new()), 9, false),
        ] {
            let at = Instant::now().checked_sub(Duration::from_secs(ago));
            let failed = Failed {
                at: at.expect("the machine has run so long"),
                error,
            };
            let told = format!("{} {ago}", failed.error);
            let known = Known {
                failed: Some(failed),
                ..Known::default()
            };
            assert_eq!(known.rests(), rests, "{told}");
        }
    }

    #[test]
    fn only_who_has_waited_is_told_what_has_failed() {
        let before = Instant::now();
        let known = Known {
            failed: Some(Failed::now(AuthError::SignedOut(String::new()))),
            ..Known::default()
        };
        assert!(known.failed_since(before).is_some());
        std::thread::sleep(Duration::from_millis(2));
        assert!(known.failed_since(Instant::now()).is_none());
    }
}
