//! What is kept of a sign-in, and where.

use std::{
    fmt,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use berth_protocol::{Code, McpGrantFacts, Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// A sign-in: who may be asked for tokens with what, and the tokens. It is bound to one server and one
/// authorization server, and is used with no other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Changes with every change, so that two who change it at once are noticed.
    pub revision: u64,
    /// The server that its tokens are for.
    pub server: String,
    /// The authorization server.
    pub issuer: String,
    /// Where tokens are refreshed.
    pub(super) token_endpoint: String,
    /// Where they are revoked, where that is offered.
    pub(super) revocation_endpoint: Option<String>,
    pub(super) client: Client,
    /// The parameter `resource` of its requests.
    pub(super) resource: Option<String>,
    /// What it allows.
    pub scopes: Vec<String>,
    #[serde(with = "hidden")]
    pub(super) access_token: Secret,
    #[serde(with = "hidden::option")]
    pub(super) refresh_token: Option<Secret>,
    /// When the access token was given, in seconds since 1970.
    pub(super) given_at: u64,
    /// How long it is good for, in seconds, where that is said.
    pub(super) lives: Option<u64>,
    /// The authorization server has ended it.
    pub(super) is_over: bool,
}

/// What Berth is to an authorization server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: String,
    #[serde(with = "hidden::option")]
    pub(super) secret: Option<Secret>,
    pub(super) method: Method,
}

/// How a client proves who it is (`token_endpoint_auth_method` of RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Method {
    #[serde(rename = "none")]
    Public,
    #[serde(rename = "client_secret_basic")]
    Basic,
    #[serde(rename = "client_secret_post")]
    Post,
}

impl Method {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Public => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("server", &self.server)
            .field("issuer", &self.issuer)
            .field("scopes", &self.scopes)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A token is refreshed when this part of its life is over ...
const PART: (u64, u64) = (4, 5);

/// ... or so long before its end, whichever comes later: short tokens are not refreshed with each use, and
/// long ones not hours too early.
const BEFORE: u64 = 60;

impl Grant {
    /// As it is kept.
    pub fn to_secret(&self) -> Secret {
        // Plain data in the form of this file: it can always be written.
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// As it was kept.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], which says nothing of what is kept.
    pub fn from_secret(kept: &Secret) -> Result<Self, StoreError> {
        serde_json::from_str(kept.expose()).map_err(|_| StoreError::Unreadable)
    }

    /// Whether its tokens can still be had.
    pub fn state(&self) -> GrantState {
        if self.is_over
            || (self.refresh_token.is_none() && self.left().is_some_and(|it| it.is_zero()))
        {
            GrantState::Expired
        } else {
            GrantState::SignedIn
        }
    }

    /// What may be said of it to others.
    pub fn facts(&self) -> McpGrantFacts {
        let moment = |seconds: u64| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
        };
        McpGrantFacts {
            issuer: self.issuer.clone(),
            client_id: self.client.id.clone(),
            scopes: self.scopes.clone(),
            given_at: moment(self.given_at),
            expires_at: self
                .lives
                .map(|lives| moment(self.given_at.saturating_add(lives))),
            can_refresh: self.refresh_token.is_some() && !self.is_over,
        }
    }

    /// It is time for a new access token.
    pub(super) fn is_due(&self) -> bool {
        is_due(self.given_at, self.lives)
    }

    /// How long the access token is still good, where that is known.
    pub(super) fn left(&self) -> Option<Duration> {
        let ends = self.given_at.saturating_add(self.lives?);
        Some(Duration::from_secs(ends.saturating_sub(now())))
    }
}

/// What can be said of a sign-in without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// There is none.
    SignedOut,
    /// There is one.
    SignedIn,
    /// There was one; its user has to sign in again.
    Expired,
}

/// It is time for another token in place of one that was given then and is good for so long.
pub(super) fn is_due(given_at: u64, lives: Option<u64>) -> bool {
    let Some(lives) = lives else {
        return false;
    };
    let due = (lives * PART.0 / PART.1).max(lives.saturating_sub(BEFORE));
    now() >= given_at.saturating_add(due)
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where sign-ins are kept: one for each key, which is the identifier of a configuration. The broker holds
/// a lock between processes around each load that a write follows, so that an implementation may compare and
/// write in two steps.
pub trait TokenStore: Send + Sync + 'static {
    /// What is kept.
    fn load<'a>(&'a self, key: &'a str) -> Later<'a, Result<Option<Grant>, StoreError>>;

    /// Keeps `grant` in place of what has the revision `before` (`None`: of nothing). Answers whether it
    /// does; if something else is kept by now it changes nothing.
    fn replace<'a>(
        &'a self,
        key: &'a str,
        before: Option<u64>,
        grant: &'a Grant,
    ) -> Later<'a, Result<bool, StoreError>>;

    /// Forgets what is kept.
    fn delete<'a>(&'a self, key: &'a str) -> Later<'a, Result<(), StoreError>>;
}

/// Why a sign-in cannot be kept or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Something is kept that is no sign-in.
    #[error("what is kept of the sign-in cannot be read; sign in again")]
    Unreadable,
    /// The place where it is kept does not work.
    #[error("the sign-in cannot be kept or read: {why}")]
    Unavailable {
        /// The stable code of what happened.
        code: Code,
        /// What it says.
        why: String,
    },
}

impl StoreError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable => Code::McpSignedOut,
            Self::Unavailable { code, .. } => *code,
        }
    }
}

/// Secrets are written only here, on their way into the keychain.
mod hidden {
    use berth_protocol::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        Secret::deserialize(from)
    }

    pub(super) mod option {
        use super::{Deserialize, Deserializer, Secret, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            secret: &Option<Secret>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match secret {
                Some(secret) => to.serialize_some(secret.expose()),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Secret>, D::Error> {
            Option::deserialize(from)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn grant(lives: Option<u64>, age: u64) -> Grant {
        Grant {
            revision: 1,
            server: "https://a.example/mcp".to_owned(),
            issuer: "https://as.example".to_owned(),
            token_endpoint: "https://as.example/token".to_owned(),
            revocation_endpoint: None,
            client: Client {
                id: "berth".to_owned(),
                secret: Some("client-secret".to_owned().into()),
                method: Method::Basic,
            },
            resource: None,
            scopes: vec!["a".to_owned()],
            access_token: "access-secret".to_owned().into(),
            refresh_token: Some("refresh-secret".to_owned().into()),
            given_at: now() - age,
            lives,
            is_over: false,
        }
    }

    #[test]
    fn tokens_are_due_ahead_of_their_end_and_not_with_each_use() {
        for (lives, age, due) in [
            (3600, 3500, false),
            (3600, 3541, true),
            (60, 40, false),
            (60, 49, true),
            (0, 0, true),
            (86_400, 80_000, false),
        ] {
            assert_eq!(grant(Some(lives), age).is_due(), due, "{lives} {age}");
        }
        assert!(!grant(None, 1_000_000).is_due());
    }

    #[test]
    fn a_grant_comes_back_as_it_was_kept_and_prints_no_secret() {
        let grant = grant(Some(60), 5);
        assert_eq!(Grant::from_secret(&grant.to_secret()).unwrap(), grant);
        let printed = format!("{grant:?} {:?}", grant.to_secret());
        assert!(!printed.contains("-secret"), "{printed}");
        assert!(Grant::from_secret(&Secret::new("{}".to_owned())).is_err());
    }

    #[test]
    fn what_is_said_of_a_grant_has_no_secret_and_ends_with_its_tokens() {
        let mut held = grant(Some(60), 5);
        let facts = held.facts();
        let printed = format!("{facts:?}");
        assert!(!printed.contains("-secret"), "{printed}");
        assert_eq!(
            (facts.issuer.as_str(), facts.client_id.as_str()),
            ("https://as.example", "berth")
        );
        let lives = facts
            .expires_at
            .map(|ends| ends.duration_since(facts.given_at).as_secs());
        assert_eq!((lives, facts.can_refresh), (Some(60), true));
        held.is_over = true;
        assert!(!held.facts().can_refresh);
    }

    #[test]
    fn what_cannot_be_refreshed_is_expired_at_its_end() {
        let mut held = grant(Some(60), 61);
        assert_eq!(held.state(), GrantState::SignedIn);
        held.refresh_token = None;
        assert_eq!(held.state(), GrantState::Expired);
        held.given_at = now();
        assert_eq!(held.state(), GrantState::SignedIn);
        held.is_over = true;
        assert_eq!(held.state(), GrantState::Expired);
    }
}
