//! Why signing in, or staying signed in, does not work.

use std::{io, sync::Arc, time::Duration};

use berth_browser_sign_in::LockError;
use berth_protocol::Code;

use super::StoreError;

/// What went wrong, with which backend, and what to do. What a backend says is made visible and short before it
/// stands in one of these; tokens, codes and passwords never do. One failure can be told to all who wait for the same.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// Nobody answers, or not now. It may work later.
    #[error("the {what} of {backend} cannot be reached: {why}")]
    Unreachable {
        /// What was asked for.
        what: &'static str,
        /// The backend's address.
        backend: String,
        /// The causes.
        why: String,
    },
    /// The answer is not what Supabase Auth says.
    #[error("the {what} of {backend} answers {why}")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// The backend's address.
        backend: String,
        /// The answer.
        why: String,
    },
    /// It does not do what was asked for.
    #[error("the {what} of {backend} refused: {said}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The backend's address.
        backend: String,
        /// Its words.
        said: String,
    },
    /// Nobody has this address and this password.
    #[error("{0} does not know this e-mail address with this password; check both")]
    PasswordWrong(String),
    /// The code is not, or no longer, the one that was sent or shown.
    #[error("{0} does not take this code; enter the newest one")]
    CodeWrong(String),
    /// It wants a second factor for what was asked.
    #[error("{0} wants a second factor for this; sign in with its code")]
    MfaNeeded(String),
    /// The second factor is of a kind that Berth cannot ask for.
    #[error(
        "{backend} asks for a {kind} as second factor, which Berth does not know; add an authenticator app to the account"
    )]
    Factor {
        /// The backend's address.
        backend: String,
        /// The kind.
        kind: String,
    },
    /// It was asked too often.
    #[error("{backend} was asked too often; try again {}", later(.after))]
    RateLimited {
        /// The backend's address.
        backend: String,
        /// When to try again, where it says so.
        after: Option<Duration>,
    },
    /// It has said no in the browser, or its user has, or the answer is none of this sign-in's.
    #[error("the sign-in to {backend} did not come to its end: {said}; begin again")]
    Denied {
        /// The backend's address.
        backend: String,
        /// Its words.
        said: String,
    },
    /// The user did not finish.
    #[error("nobody has signed in within {} s; begin again", .0.as_secs())]
    TimedOut(Duration),
    /// The browser's answer cannot be received.
    #[error("no address of this machine can take the browser's answer: {0}")]
    Listener(#[source] Arc<io::Error>),
    /// Nobody is signed in.
    #[error("nobody is signed in to {0}; sign in")]
    SignedOut(String),
    /// Somebody was, and the backend has ended that.
    #[error("the sign-in to {0} is over; sign in again")]
    Ended(String),
    /// It does not take an access token, which says nothing of the session: the token may be over, or the key that it
    /// was signed with.
    #[error("{0} does not take the access token")]
    TokenRefused(String),
    /// A session of one backend was to be kept for another.
    #[error("the sign-in is to {other} and not to {backend}; begin again")]
    Elsewhere {
        /// The backend that is asked here.
        backend: String,
        /// That of the session.
        other: String,
    },
    /// Berth itself has failed.
    #[error("the keeper of the sign-in to {0} has failed inside Berth; its log says more")]
    Broken(String),
    /// Another process keeps the session busy, or its lock cannot be had.
    #[error("the lock of the sign-in to {backend} cannot be had: {source}")]
    Locked {
        /// The backend's address.
        backend: String,
        /// What the system says.
        source: LockError,
    },
    /// The session cannot be kept or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn later(after: &Option<Duration>) -> String {
    match after {
        Some(after) => format!("in {} s", after.as_secs()),
        None => "later".to_owned(),
    }
}

impl AuthError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } | Self::Locked { .. } => Code::TenantUnreachable,
            Self::Answer { .. } => Code::TenantProtocol,
            Self::Refused { .. } => Code::TenantRefused,
            Self::PasswordWrong(_) => Code::TenantPasswordWrong,
            Self::CodeWrong(_) => Code::TenantCodeWrong,
            Self::MfaNeeded(_) | Self::Factor { .. } => Code::TenantMfaNeeded,
            Self::RateLimited { .. } => Code::TenantRateLimited,
            Self::Denied { .. }
            | Self::TimedOut(_)
            | Self::Listener(_)
            | Self::TokenRefused(_)
            | Self::Elsewhere { .. } => Code::TenantSignInFailed,
            Self::Broken(_) => Code::Internal,
            Self::SignedOut(_) | Self::Ended(_) => Code::TenantSignedOut,
            Self::Store(error) => error.code(),
        }
    }

    /// The same may work later, without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Locked { .. }
                | Self::RateLimited { .. }
                | Self::Answer { .. }
                | Self::Store(StoreError::Unavailable { .. } | StoreError::Busy)
        )
    }

    /// What was to be kept is held by its keeper, which keeps it once it can.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Store(_))
    }

    /// The answer to a request may have been lost, so that nobody knows whether it was done.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Answer { .. })
    }
}
