//! A session with a backend: who is signed in, and the tokens.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use berth_protocol::Secret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{StoreError, claims::Claims};

/// Longest life of a token that is believed, in seconds: a week is the longest that a project can set.
pub(super) const LONGEST_LIFE: u64 = 7 * 24 * 3600;

/// A token is refreshed when this part of its life is left: the fifth.
const REST_OF_LIFE: u64 = 5;

/// How far a clock may be set back, in seconds, before ages that it tells are worth nothing. Clocks are corrected by
/// less all the time.
const CORRECTION: u64 = 60;

/// How sure the backend is of who somebody is (authenticator assurance level).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String")]
pub enum Aal {
    /// By one factor.
    #[default]
    #[serde(rename = "aal1")]
    One,
    /// By two.
    #[serde(rename = "aal2")]
    Two,
}

/// A level that is not known is not taken for a higher one.
impl From<String> for Aal {
    fn from(said: String) -> Self {
        match said.as_str() {
            "aal2" => Self::Two,
            _ => Self::One,
        }
    }
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The backend's address.
    pub backend: String,
    /// The user's id there.
    pub user: Uuid,
    /// Their address, as far as it can be seen.
    pub email: Option<String>,
    /// How sure the backend is of that.
    pub aal: Aal,
}

/// A session. It is bound to one backend, and is used with no other. Only [`Session::to_secret`] writes it.
///
/// ```compile_fail,E0277
/// fn written(_: impl serde::Serialize) {}
/// fn told(session: berth_tenant::auth::Session) {
///     written(session);
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Changes with every change, so that two who change it at once are noticed.
    pub revision: u64,
    pub(super) backend: String,
    pub(super) user: Uuid,
    pub(super) email: Option<String>,
    pub(super) aal: Aal,
    pub(super) access_token: Secret,
    pub(super) refresh_token: Secret,
    /// When the access token was asked for, in seconds since 1970 by this machine's clock. The server's clock may be
    /// another one, so that what its token says of its end is never compared with ours.
    pub(super) given_at: u64,
    /// How long it is good for from then on, in seconds.
    pub(super) lives: u64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("backend", &self.backend)
            .field("user", &self.user)
            .field("aal", &self.aal)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A session as it is kept. Secrets are written only here, on their way into the keychain.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    revision: u64,
    backend: Cow<'a, str>,
    user: Uuid,
    email: Option<Cow<'a, str>>,
    aal: Aal,
    access_token: Cow<'a, str>,
    refresh_token: Cow<'a, str>,
    given_at: u64,
    lives: u64,
}

impl Session {
    /// As it is kept: JSON of two or three KiB.
    pub fn to_secret(&self) -> Secret {
        let kept = Kept {
            revision: self.revision,
            backend: self.backend.as_str().into(),
            user: self.user,
            email: self.email.as_deref().map(Into::into),
            aal: self.aal,
            access_token: self.access_token.expose().into(),
            refresh_token: self.refresh_token.expose().into(),
            given_at: self.given_at,
            lives: self.lives,
        };
        // Plain data in the form of this file: it can always be written.
        Secret::new(serde_json::to_string(&kept).unwrap_or_default())
    }

    /// As it was kept.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], which says nothing of what is kept.
    pub fn from_secret(kept: &Secret) -> Result<Self, StoreError> {
        let kept: Kept<'_> =
            serde_json::from_str(kept.expose()).map_err(|_| StoreError::Unreadable)?;
        Ok(Self {
            revision: kept.revision,
            backend: kept.backend.into_owned(),
            user: kept.user,
            email: kept.email.map(Cow::into_owned),
            aal: kept.aal,
            access_token: kept.access_token.into_owned().into(),
            refresh_token: kept.refresh_token.into_owned().into(),
            given_at: kept.given_at,
            lives: kept.lives,
        })
    }

    /// Who is signed in.
    pub fn signed_in(&self) -> SignedIn {
        SignedIn {
            backend: self.backend.clone(),
            user: self.user,
            email: self.email.clone(),
            aal: self.aal,
        }
    }

    /// The backend's own name for it, which stays when its tokens change. Old backends have none.
    pub(super) fn id(&self) -> Option<Uuid> {
        Claims::read(&self.access_token).and_then(|claims| claims.session_id)
    }

    /// It is known to be another session than this one, and not the same with other tokens.
    pub(super) fn is_another(&self, than: &Self) -> bool {
        matches!((self.id(), than.id()), (Some(one), Some(other)) if one != other)
    }

    /// How old the access token is; `held` is for how long this process has had it, where it knows.
    ///
    /// The clock goes on while the machine sleeps and may be set, the other does neither. Who of them says more is
    /// right, unless the clock was set forward, which costs one refresh. A clock that was set back tells nothing, and
    /// the token then counts as old: that costs one refresh too.
    pub(super) fn age(&self, held: Option<Duration>, now: u64) -> u64 {
        let held = held.map_or(0, |held| held.as_secs());
        if now.saturating_add(CORRECTION) < self.given_at {
            return u64::MAX;
        }
        now.saturating_sub(self.given_at).max(held)
    }

    /// It is time for a new access token.
    pub(super) fn is_due(&self, age: u64) -> bool {
        // A keychain may give back any number.
        age >= self.lives - self.lives / REST_OF_LIFE
    }

    /// The access token is over. Where the clock tells nothing it is taken for good: the backend knows better.
    pub(super) fn is_over(&self, age: u64) -> bool {
        age != u64::MAX && age >= self.lives
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A day, in seconds.
    const DAY: u64 = 24 * 3600;

    const GIVEN: u64 = 1_800_000_000;

    pub(in super::super) fn session(lives: u64) -> Session {
        Session {
            revision: 1,
            backend: "https://a.example".to_owned(),
            user: Uuid::from_u128(7),
            email: Some("me@a.example".to_owned()),
            aal: Aal::One,
            access_token: "access-secret".to_owned().into(),
            refresh_token: "refresh-secret".to_owned().into(),
            given_at: GIVEN,
            lives,
        }
    }

    #[test]
    fn a_token_is_due_after_four_fifths_of_its_life_whichever_clock_says_so() {
        let session = session(3600);
        for (held, now, due, over) in [
            (Some(0), GIVEN, false, false),
            (Some(2879), GIVEN + 2879, false, false),
            (Some(2880), GIVEN + 2880, true, false),
            (Some(3600), GIVEN + 3600, true, true),
            // The machine slept.
            (Some(10), GIVEN + 2880, true, false),
            (Some(10), GIVEN + 3600, true, true),
            // Another process has kept it.
            (None, GIVEN + 2879, false, false),
            (None, GIVEN + 2880, true, false),
            // The clock was corrected a little.
            (Some(100), GIVEN - 30, false, false),
            (Some(2880), GIVEN - 30, true, false),
            // It was set a day forward, or back.
            (Some(10), GIVEN + DAY, true, true),
            (Some(10), GIVEN - DAY, true, false),
            (None, GIVEN - DAY, true, false),
        ] {
            let age = session.age(held.map(Duration::from_secs), now);
            let judged = (session.is_due(age), session.is_over(age));
            assert_eq!(judged, (due, over), "{held:?} {now}");
        }
    }

    #[test]
    fn a_life_of_any_length_has_four_fifths() {
        for (lives, due) in [
            (0, 0),
            (100, 80),
            (3600, 2880),
            (u64::MAX, u64::MAX / 5 * 4),
        ] {
            let session = session(lives);
            assert!(session.is_due(due), "{lives}");
            assert!(due == 0 || !session.is_due(due - 1), "{lives}");
        }
    }

    #[test]
    fn a_session_comes_back_as_it_was_kept_and_prints_no_secret() {
        let session = session(60);
        assert_eq!(Session::from_secret(&session.to_secret()).unwrap(), session);
        let printed = format!("{session:?} {:?}", session.to_secret());
        assert!(!printed.contains("-secret"), "{printed}");
        assert!(Session::from_secret(&Secret::new("{}".to_owned())).is_err());
    }
}
