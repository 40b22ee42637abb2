//! Why a server cannot be used.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use berth_protocol::Code;
use rmcp::service::{ClientInitializeError, ServiceError};

use super::{causes, http::why_no_token, visible};
use crate::OauthError;

/// Why a server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// Its program cannot be started.
    #[error("{program} cannot be started: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended, or closed the connection.
    #[error("the server ended before it answered{}", wrote(.said))]
    Ended {
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// It does not answer.
    #[error("the server did not answer within {} s{}", .after.as_secs(), wrote(.said))]
    Silent {
        /// How long it was waited for.
        after: Duration,
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// It wants to know who asks, or wants its user to be allowed more; [`crate::Challenge`] tells which.
    #[error("the server wants its user to sign in")]
    Unauthorized {
        /// What it said of how (`WWW-Authenticate`).
        challenge: String,
    },
    /// It cannot be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It does not speak the protocol.
    #[error("the server does not speak MCP: {why}{}", wrote(.said))]
    Protocol {
        /// What it did instead.
        why: String,
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// It refused a request.
    #[error("the server refused: {0}")]
    Refused(String),
    /// Berth does not let the request through, or not now.
    #[error("Berth does not let this through: {0}")]
    Withheld(String),
    /// A header cannot be sent.
    #[error("the header {0} cannot be sent")]
    Header(String),
    /// It has failed so often that it is left alone for a while.
    #[error("the server has failed again and again; it is tried again in {} s", .rest.as_secs().max(1))]
    Resting {
        /// How long it is left alone.
        rest: Duration,
    },
    /// Its sign-in cannot be used.
    #[error(transparent)]
    Oauth(#[from] OauthError),
    /// There was no token for a request.
    #[error(transparent)]
    NoToken(Arc<OauthError>),
}

fn wrote(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("; it wrote: {text}"),
    }
}

impl McpError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Spawn { .. } | Self::Ended { .. } => Code::McpEnded,
            Self::Silent { .. } | Self::Unreachable(_) | Self::Resting { .. } => {
                Code::McpUnreachable
            }
            Self::Unauthorized { .. } => Code::McpSignedOut,
            Self::Protocol { .. } | Self::Refused(_) => Code::McpProtocol,
            Self::Withheld(_) => Code::McpWithheld,
            Self::Header(_) => Code::McpInvalid,
            Self::Oauth(error) => error.code(),
            Self::NoToken(error) => error.code(),
        }
    }

    /// A connection that did not come about because there was no token. There is none for another attempt.
    pub(super) fn tokenless(error: &ClientInitializeError) -> Option<Self> {
        match error {
            ClientInitializeError::TransportError { error, .. } => {
                why_no_token(error).map(|why| Self::NoToken(Arc::clone(why)))
            }
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                Self::tokenless(fallback)
            }
            _ => None,
        }
    }

    /// Its user can mend it by signing in to it, for the first time, again, or for more access.
    pub fn wants_sign_in(&self) -> bool {
        self.code() == Code::McpSignedOut
    }

    /// A connection that did not come about; `said` is what its program wrote.
    pub(super) fn not_begun(error: &ClientInitializeError, said: &str) -> Self {
        if let Some(challenge) = error.auth_challenge() {
            let challenge = challenge.to_owned();
            return Self::Unauthorized { challenge };
        }
        if let Some(why) = Self::tokenless(error) {
            return why;
        }
        match error {
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => {
                Self::not_begun(fallback, said)
            }
            ClientInitializeError::ConnectionClosed(_) => Self::Ended {
                said: said.to_owned(),
            },
            ClientInitializeError::TransportError { .. } if said.is_empty() => {
                Self::Unreachable(visible(&causes(error)))
            }
            ClientInitializeError::TransportError { .. } => Self::Ended {
                said: said.to_owned(),
            },
            ClientInitializeError::JsonRpcError(error) => Self::Refused(visible(&error.message)),
            error => Self::Protocol {
                why: visible(&causes(error)),
                said: said.to_owned(),
            },
        }
    }

    /// A request that failed; `said` is what its program wrote.
    pub(super) fn failed(error: ServiceError, said: String) -> Self {
        if let Some(challenge) = error.auth_challenge() {
            let challenge = challenge.to_owned();
            return Self::Unauthorized { challenge };
        }
        if let ServiceError::TransportSend(error) = &error
            && let Some(why) = why_no_token(error)
        {
            return Self::NoToken(Arc::clone(why));
        }
        match error {
            ServiceError::McpError(error) => Self::Refused(visible(&error.message)),
            ServiceError::TransportClosed => Self::Ended { said },
            ServiceError::Timeout { timeout } => Self::Silent {
                after: timeout,
                said,
            },
            ServiceError::TransportSend(error) => Self::Unreachable(visible(&causes(&error))),
            error => Self::Protocol {
                why: visible(&causes(&error)),
                said,
            },
        }
    }
}
