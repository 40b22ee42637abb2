//! How a sign-in is renewed: once, whatever comes between.

use berth_protocol::Secret;
use tokio::sync::OwnedMutexGuard;
use url::Url;

use super::{Inner, Known, lock};
use crate::oauth::{
    Grant, OauthError,
    address::Bounds,
    grant,
    token::{self, Tokens},
    web::Web,
};

/// Why a token is wanted.
pub(super) enum Need {
    /// To be sent.
    Next,
    /// To be sent in place of this one.
    InsteadOf(Secret),
}

impl Need {
    pub(super) fn is_met_by(&self, grant: &Grant) -> bool {
        let is_another = match self {
            Self::Next => true,
            Self::InsteadOf(refused) => *refused != grant.access_token,
        };
        is_another && !grant.is_due() && !grant.is_over
    }

    /// A token that is due but not over is better than none.
    fn is_served_by(&self, grant: &Grant) -> bool {
        matches!(self, Self::Next) && grant.left().is_none_or(|left| !left.is_zero())
    }
}

impl Inner {
    pub(super) async fn renew(
        &self,
        mut known: OwnedMutexGuard<Known>,
        key: &str,
        need: &Need,
    ) -> Result<Secret, OauthError> {
        let _lock = lock(&self.locks, key).await?;
        let grant = self.current(&mut known, key).await?;
        if need.is_met_by(&grant) {
            return Ok(grant.access_token);
        }
        if grant.is_over || grant.refresh_token.is_none() {
            if !grant.is_over && need.is_served_by(&grant) {
                return Ok(grant.access_token);
            }
            return Err(OauthError::Expired(grant.server));
        }
        let web = web(&grant)?;
        match token::refresh(&web, &grant).await {
            Ok(tokens) => {
                let renewed = renewed(&grant, tokens);
                let token = self.save(&mut known, key, grant.revision, renewed).await;
                Ok(token)
            }
            Err(error) if is_final(&error) => {
                let over = Grant {
                    revision: rand::random(),
                    is_over: true,
                    refresh_token: None,
                    ..grant.clone()
                };
                if self.store.replace(key, Some(grant.revision), &over).await? {
                    known.grant = Some(over);
                    return Err(OauthError::Expired(grant.server));
                }
                // Somebody has signed in meanwhile, without this lock. What they have stands.
                let theirs = self.store.load(key).await?;
                known.grant.clone_from(&theirs);
                let theirs = theirs.filter(|theirs| need.is_met_by(theirs));
                theirs
                    .map(|it| it.access_token)
                    .ok_or(OauthError::Expired(grant.server))
            }
            Err(error) if error.is_transient() && need.is_served_by(&grant) => {
                Ok(grant.access_token)
            }
            Err(error) => Err(error),
        }
    }

    /// What is kept by now, after what could not be kept before.
    async fn current(&self, known: &mut Known, key: &str) -> Result<Grant, OauthError> {
        let server = known
            .grant
            .as_ref()
            .map(|grant| grant.server.clone())
            .unwrap_or_default();
        if let (Some(before), Some(grant)) = (known.unsaved_over, &known.grant) {
            match self.store.replace(key, Some(before), grant).await {
                Ok(_) => known.unsaved_over = None,
                // It is good as long as this process lives.
                Err(_) => return Ok(grant.clone()),
            }
        }
        known.grant = self.store.load(key).await?;
        let grant = known.grant.clone().filter(|grant| grant.server == server);
        grant.ok_or(OauthError::SignedOut(server))
    }

    /// Keeps what was renewed. When it cannot be kept it is still used, and kept later: the server has thrown
    /// the old token away.
    async fn save(&self, known: &mut Known, key: &str, before: u64, renewed: Grant) -> Secret {
        let token = renewed.access_token.clone();
        let over = known.unsaved_over.unwrap_or(before);
        match self.store.replace(key, Some(over), &renewed).await {
            Ok(true) => {
                known.grant = Some(renewed);
                known.unsaved_over = None;
            }
            // Another sign-in has taken its place; what is kept is read again when it is needed.
            Ok(false) => *known = Known::default(),
            Err(_) => {
                known.grant = Some(renewed);
                known.unsaved_over = Some(over);
            }
        }
        token
    }
}

/// Errors after which an authorization server gives no other token for a grant: those of RFC 6749, section 5.2, and
/// what GitHub says in place of the first two (GitHub Docs, "Refreshing user access tokens").
const FINAL: &[&str] = &[
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "bad_refresh_token",
    "incorrect_client_credentials",
];

/// The authorization server will not give another token for this grant.
fn is_final(error: &OauthError) -> bool {
    let OauthError::Denied { error, .. } = error else {
        return false;
    };
    FINAL.contains(&error.as_str())
}

fn renewed(grant: &Grant, tokens: Tokens) -> Grant {
    Grant {
        revision: rand::random(),
        access_token: tokens.access,
        // One that is not replaced stays good.
        refresh_token: tokens.refresh.or_else(|| grant.refresh_token.clone()),
        scopes: tokens.scopes.unwrap_or_else(|| grant.scopes.clone()),
        given_at: grant::now(),
        lives: tokens.lives,
        ..grant.clone()
    }
}

fn web(grant: &Grant) -> Result<Web, OauthError> {
    let server = Url::parse(&grant.server);
    let server = server.map_err(|_| OauthError::SignedOut(grant.server.clone()))?;
    Web::new(Bounds::of(&server))
}

pub(super) async fn revoke(grant: &Grant) -> Result<bool, OauthError> {
    token::revoke(&web(grant)?, grant).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::grant::tests::grant;

    #[test]
    fn a_token_that_is_due_is_used_until_its_end_when_nobody_refreshes_it() {
        let refused = |token: &str| Need::InsteadOf(token.to_owned().into());
        for (need, age, met, served) in [
            (Need::Next, 0, true, true),
            (Need::Next, 55, false, true),
            (Need::Next, 60, false, false),
            (refused("access-secret"), 0, false, false),
            (refused("another"), 0, true, false),
            (refused("another"), 55, false, false),
        ] {
            let grant = grant(Some(60), age);
            let judged = (need.is_met_by(&grant), need.is_served_by(&grant));
            assert_eq!(judged, (met, served), "{age}");
        }
    }

    #[test]
    fn a_sign_in_is_over_only_when_the_server_says_so() {
        let denied = |error: &str| OauthError::Denied {
            error: error.to_owned(),
            description: None,
        };
        for error in [
            "invalid_grant",
            "invalid_client",
            "unauthorized_client",
            "bad_refresh_token",
            "incorrect_client_credentials",
        ] {
            assert!(is_final(&denied(error)), "{error}");
        }
        for error in ["invalid_request", "slow_down", "temporarily_unavailable"] {
            assert!(!is_final(&denied(error)), "{error}");
        }
    }
}
