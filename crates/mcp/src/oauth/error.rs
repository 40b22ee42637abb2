//! Why a sign-in, or the use of one, does not work.

use std::{io, sync::Arc, time::Duration};

use berth_browser_sign_in::LockError;
use berth_protocol::Code;

use super::StoreError;

/// What went wrong, with whom, and what to do. What an authorization server says is made visible and short
/// before it stands in one of these; tokens, codes and secrets never do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OauthError {
    /// An address must not be spoken to or opened.
    #[error("the address of the {what} is not used, because {why}: {address}")]
    Address {
        /// Whose address it is.
        what: &'static str,
        /// The rule that it breaks.
        why: &'static str,
        /// The address.
        address: String,
    },
    /// Nobody answers. It may work later.
    #[error("the {what} at {address} cannot be reached: {why}")]
    Unreachable {
        /// What was asked for.
        what: &'static str,
        /// Where.
        address: String,
        /// The causes.
        why: String,
    },
    /// The answer is not what the standard says.
    #[error("the {what} at {address} answers {why}")]
    Answer {
        /// What was asked for.
        what: &'static str,
        /// Where.
        address: String,
        /// The answer.
        why: String,
    },
    /// Nothing says how to sign in.
    #[error(
        "the server {0} does not say where its users sign in; ask its operator, or use a token"
    )]
    NoAuthorizationServer(String),
    /// The server describes another one than that which is meant.
    #[error("the server {server} says that sign-ins are for {said}, which is another server")]
    Resource {
        /// The one that is meant.
        server: String,
        /// The one that it names.
        said: String,
    },
    /// The description belongs to another authorization server.
    #[error("the authorization server {expected} calls itself {said}; nothing was sent to it")]
    Issuer {
        /// As the server names it.
        expected: String,
        /// As it names itself.
        said: String,
    },
    /// A stolen code could be redeemed.
    #[error(
        "the authorization server {0} does not offer PKCE with S256, without which Berth signs nobody in"
    )]
    Pkce(String),
    /// There is no way to become its client.
    #[error(
        "the authorization server {0} registers no clients by itself; register Berth there and add the client's identifier"
    )]
    Unregistered(String),
    /// The client belongs to another authorization server, whose users and secrets are not this one's.
    #[error(
        "the server now names {named} as its authorization server, but the client {client:?} was used at {issuer} before; nothing was opened there or sent to it"
    )]
    OtherClient {
        /// The client's identifier.
        client: String,
        /// Where it was used.
        issuer: String,
        /// The one that the server names now.
        named: String,
    },
    /// The provider that was chosen has no such authorization server.
    #[error(
        "the server names {named} as its authorization server, which is none of {provider}; nothing was opened there or sent to it"
    )]
    OtherProvider {
        /// The one that was chosen.
        provider: &'static str,
        /// The one that the server names.
        named: String,
    },
    /// The redirect cannot be received.
    #[error("no address of this machine can take the browser's answer: {0}")]
    Listener(#[source] Arc<io::Error>),
    /// The user did not finish.
    #[error("nobody has signed in within {} s; try again", .0.as_secs())]
    TimedOut(Duration),
    /// The answer did not come from the server that was asked. What it says is not shown.
    #[error(
        "the answer in the browser did not come from {0}; nothing was sent to anybody, try again"
    )]
    OtherIssuer(String),
    /// The authorization server has said no, or its user has.
    #[error("the authorization server refused: {error}{}", detail(.description))]
    Denied {
        /// The code of RFC 6749.
        error: String,
        /// Its words.
        description: Option<String>,
    },
    /// The configuration is another one by now, so that the sign-in would be for something else.
    #[error(
        "the MCP server was changed or removed while its user signed in to {0}; nothing was kept, sign in again"
    )]
    Changed(String),
    /// The private key of the client cannot be used. Nothing of it is shown.
    #[error("the private key of the client cannot be used: {0}")]
    Key(&'static str),
    /// A client gets tokens, and no access for them.
    #[error("{0} refuses the tokens that its authorization server gives this client")]
    Unadmitted(String),
    /// A client that acts for itself lacks access for what was asked, and is given none. Its tokens are good for
    /// everything else.
    #[error(
        "{server} wants more access ({scopes}) than this client has, and it is given none: {why}"
    )]
    NoMoreAccess {
        /// The server.
        server: String,
        /// What it asks for.
        scopes: String,
        /// Why it is given none.
        #[source]
        why: Box<OauthError>,
    },
    /// Nobody is signed in.
    #[error("nobody is signed in to {0}; sign in")]
    SignedOut(String),
    /// It was signed in to, and that is over.
    #[error("the sign-in to {0} is over; sign in again")]
    Expired(String),
    /// Signing in again and again gives no access.
    #[error(
        "{server} asks for more access ({scopes}) each time it is given; signing in once more will not help"
    )]
    ScopeLoop {
        /// The server.
        server: String,
        /// What it asks for.
        scopes: String,
    },
    /// Another process keeps the sign-in busy, or its lock cannot be had.
    #[error("the lock of the sign-in to {server} cannot be had: {why}")]
    Locked {
        /// The server.
        server: String,
        /// What the system says.
        why: String,
    },
    /// The sign-in cannot be kept or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn detail(description: &Option<String>) -> String {
    description
        .as_ref()
        .map(|text| format!(": {text}"))
        .unwrap_or_default()
}

impl OauthError {
    pub(super) fn listener(error: io::Error) -> Self {
        Self::Listener(Arc::new(error))
    }

    pub(super) fn locked(key: &str, error: &LockError) -> Self {
        Self::Locked {
            server: key.to_owned(),
            why: error.to_string(),
        }
    }

    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::SignedOut(_) | Self::Expired(_) | Self::ScopeLoop { .. } => Code::McpSignedOut,
            Self::Unreachable { .. } | Self::Locked { .. } => Code::McpUnreachable,
            Self::Store(error) => error.code(),
            _ => Code::McpSignInFailed,
        }
    }

    /// The same may work later, so that what is kept stays.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoMoreAccess { why, .. } => why.is_transient(),
            Self::Unreachable { .. }
            | Self::Locked { .. }
            | Self::Store(_)
            | Self::Answer { .. } => true,
            _ => false,
        }
    }
}
