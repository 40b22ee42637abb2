//! Where the session is kept.

use std::pin::Pin;

use berth_protocol::Code;

use super::Session;

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the session with one backend is kept. The keeper holds a lock between processes around each load that a
/// write follows, so that an implementation may compare and write in two steps.
pub trait SessionStore: Send + Sync + 'static {
    /// What is kept.
    fn load(&self) -> Later<'_, Result<Option<Session>, StoreError>>;

    /// Keeps `session` in place of what has the revision `before` (`None`: of nothing). Answers whether it does; if
    /// something else is kept by now it changes nothing. It has answered only once a kill does not undo it.
    fn replace<'a>(
        &'a self,
        before: Option<u64>,
        session: &'a Session,
    ) -> Later<'a, Result<bool, StoreError>>;

    /// Forgets what has this revision (`None`: what cannot be read). Answers whether nothing is kept any more; if
    /// something else is kept by now it changes nothing.
    fn delete(&self, revision: Option<u64>) -> Later<'_, Result<bool, StoreError>>;
}

/// Why a session cannot be kept or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Something is kept that is no session.
    #[error("what is kept of the sign-in cannot be read; sign in again")]
    Unreadable,
    /// It was changed by somebody else, again and again.
    #[error("the sign-in is being changed by another program; try again")]
    Busy,
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
            Self::Unreadable => Code::TenantSignedOut,
            Self::Busy => Code::TenantUnreachable,
            Self::Unavailable { code, .. } => *code,
        }
    }
}
