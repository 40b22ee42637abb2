//! The token of whoever is signed in, as sync asks for it. One task elsewhere owns the sign-in and its refreshing.

use std::{future::Future, sync::Arc};

use berth_protocol::{Code, Secret, UserId};

use crate::auth::{AuthError, Keeper};

/// Gives access tokens of one user. It is asked before every request, so it keeps the token and refreshes it
/// before it ends.
pub trait Access: Send + Sync + 'static {
    /// A token that is good now.
    fn access(&self) -> impl Future<Output = Result<Secret, AccessError>> + Send;

    /// Another token than this one, which the backend has refused.
    fn access_after_refusal(
        &self,
        refused: &Secret,
    ) -> impl Future<Output = Result<Secret, AccessError>> + Send;
}

impl<A: Access> Access for Arc<A> {
    fn access(&self) -> impl Future<Output = Result<Secret, AccessError>> + Send {
        A::access(self)
    }

    fn access_after_refusal(
        &self,
        refused: &Secret,
    ) -> impl Future<Output = Result<Secret, AccessError>> + Send {
        A::access_after_refusal(self, refused)
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Nobody is signed in, or no longer.
    #[error("nobody is signed in")]
    SignedOut,
    /// The sign-in server does not answer.
    #[error("the sign-in server does not answer: {0}")]
    Unreachable(String),
    /// Something else is in the way, such as a locked keychain.
    #[error("there is no access token: {why}")]
    Other {
        /// The code of what is in the way.
        code: Code,
        /// The same in words; never a token.
        why: String,
    },
}

/// The tokens of one user, and of nobody who signs in after them: what is done for one is never sent as another.
#[derive(Clone)]
pub struct Bound {
    keeper: Keeper,
    user: UserId,
}

impl Bound {
    /// Those of this user, as long as they are signed in.
    pub fn new(keeper: Keeper, user: UserId) -> Self {
        Self { keeper, user }
    }
}

impl Access for Bound {
    async fn access(&self) -> Result<Secret, AccessError> {
        let token = self.keeper.access_of(self.user.0).await;
        token.map_err(AccessError::of)
    }

    async fn access_after_refusal(&self, refused: &Secret) -> Result<Secret, AccessError> {
        let renewed = self.keeper.access_of_after_refusal(self.user.0, refused);
        renewed.await.map_err(AccessError::of)
    }
}

impl AccessError {
    fn of(error: AuthError) -> Self {
        match error {
            AuthError::SignedOut(_) | AuthError::Ended(_) => Self::SignedOut,
            AuthError::Unreachable { .. } | AuthError::RateLimited { .. } => {
                Self::Unreachable(error.to_string())
            }
            error => Self::Other {
                code: error.code(),
                why: error.to_string(),
            },
        }
    }
}
