//! The tokens of one sign-in, as connections take them.

use berth_protocol::Secret;

use super::Broker;
use crate::{Later, OauthError};

/// Where a connection gets its tokens.
pub trait TokenSource: Send + Sync + 'static {
    /// The token for the next request; nothing when nobody is signed in, so that the server is asked without
    /// one and says how to sign in.
    fn token(&self) -> Later<'_, Result<Option<Secret>, OauthError>>;

    /// Another token, after the server has refused this one.
    fn renewed<'a>(&'a self, refused: &'a Secret) -> Later<'a, Result<Option<Secret>, OauthError>>;

    /// A token after the server wanted one and said how it is had; nothing where that takes a user.
    fn first<'a>(&'a self, challenge: &'a str) -> Later<'a, Result<Option<Secret>, OauthError>> {
        let _ = challenge;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// A token that may do more, after the server has taken `short` and wants more than that for what it was asked;
    /// nothing where there is none, or where that takes a user.
    fn stepped_up<'a>(
        &'a self,
        short: &'a Secret,
        challenge: &'a str,
    ) -> Later<'a, Result<Option<Secret>, OauthError>> {
        let _ = (short, challenge);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// What a server means that wants a sign-in, or more access, although it was sent a token; nothing where a user can
    /// sign in.
    fn unadmitted(&self, _challenge: &str) -> Option<OauthError> {
        None
    }
}

pub(super) struct Source {
    pub(super) broker: Broker,
    pub(super) key: String,
    pub(super) server: String,
}

/// Without a sign-in the server is asked without a token.
fn if_signed_in(token: Result<Secret, OauthError>) -> Result<Option<Secret>, OauthError> {
    match token {
        Ok(token) => Ok(Some(token)),
        Err(OauthError::SignedOut(_) | OauthError::Expired(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl TokenSource for Source {
    fn token(&self) -> Later<'_, Result<Option<Secret>, OauthError>> {
        Box::pin(async { if_signed_in(self.broker.access_token(&self.key, &self.server).await) })
    }

    fn renewed<'a>(&'a self, refused: &'a Secret) -> Later<'a, Result<Option<Secret>, OauthError>> {
        Box::pin(async move {
            let renewed = self.broker.renewed_token(&self.key, &self.server, refused);
            if_signed_in(renewed.await)
        })
    }
}
