//! What can be done about a server that does not work, where the general hint of its code says too little.

use berth_mcp::{McpError, OauthError};

use crate::error::ApiError;

/// A failure of a server, for whoever wants to use it.
pub fn told(error: &McpError) -> ApiError {
    with_hint(ApiError::new(error.code(), error.to_string()), hint(error))
}

/// A failure of a sign-in, for whoever wants to be signed in.
pub fn told_of_sign_in(error: &OauthError) -> ApiError {
    let problem = ApiError::new(error.code(), error.to_string());
    with_hint(problem, hint_of_sign_in(error))
}

fn with_hint(error: ApiError, hint: Option<&'static str>) -> ApiError {
    match hint {
        Some(hint) => error.0.with_hint(hint).into(),
        None => error,
    }
}

fn hint(error: &McpError) -> Option<&'static str> {
    match error {
        McpError::Spawn { .. } => Some("Install the program, or mend its command."),
        McpError::Silent { .. } => Some(
            "Check its address or command, and whether it runs. A program that is fetched first may be there the next time.",
        ),
        McpError::Protocol { .. } => Some(
            "Check that its address or command is that of an MCP server, and its type: older servers are of the type sse.",
        ),
        McpError::Refused(_) => {
            Some("Check its arguments, headers and secrets; the detail has what it says.")
        }
        McpError::Header(_) => Some("Mend that header in its settings."),
        McpError::Resting { .. } => Some("Wait, or test it to see why it fails."),
        McpError::Oauth(error) => hint_of_sign_in(error),
        McpError::NoToken(error) => hint_of_sign_in(error),
        McpError::Ended { .. }
        | McpError::Unauthorized { .. }
        | McpError::Unreachable(_)
        | McpError::Withheld(_) => None,
    }
}

fn hint_of_sign_in(error: &OauthError) -> Option<&'static str> {
    match error {
        OauthError::Address { .. }
        | OauthError::Answer { .. }
        | OauthError::NoAuthorizationServer(_)
        | OauthError::Resource { .. }
        | OauthError::Issuer { .. }
        | OauthError::Pkce(_) => Some(
            "Whoever runs the server can mend that. If it takes tokens, sign in with one instead.",
        ),
        OauthError::Unregistered(_) => Some("Enter the client's identifier in its settings."),
        OauthError::Key(_) => Some(
            "Enter the client's secret again: a private key is PKCS#8 in PEM, of P-256 or RSA.",
        ),
        OauthError::OtherClient { .. } => Some(
            "If you know that its users sign in there now, clear the server, or enter in its settings the secret of a client that is registered there. If not, ask whoever runs it.",
        ),
        OauthError::OtherProvider { .. } => Some(
            "Choose the provider at which the client is registered, or the one that the server names.",
        ),
        OauthError::Listener(_) => Some("End what has the address, then sign in again."),
        OauthError::TimedOut(_) | OauthError::OtherIssuer(_) | OauthError::Changed(_) => {
            Some("Sign in again.")
        }
        OauthError::Denied { .. } => {
            Some("Sign in again and agree, or ask whoever runs the server for access.")
        }
        // Who gives out access could not be asked for more.
        OauthError::NoMoreAccess { why, .. } if why.is_transient() => hint_of_sign_in(why),
        OauthError::ScopeLoop { .. }
        | OauthError::Unadmitted(_)
        | OauthError::NoMoreAccess { .. } => Some("Ask whoever runs the server for access."),
        OauthError::Unreachable { .. }
        | OauthError::SignedOut(_)
        | OauthError::Expired(_)
        | OauthError::Locked { .. }
        | OauthError::Store(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf, sync::Arc, time::Duration};

    use berth_protocol::Code;

    use super::*;

    #[test]
    fn whatever_a_test_of_a_server_finds_comes_with_what_can_be_done() {
        let (said, after) = (String::new, Duration::from_secs(1));
        let denied = || OauthError::Denied {
            error: "access_denied".to_owned(),
            description: None,
        };
        let all = [
            McpError::Spawn {
                program: PathBuf::from("/nowhere"),
                source: io::ErrorKind::NotFound.into(),
            },
            McpError::Ended { said: said() },
            McpError::Silent {
                after,
                said: said(),
            },
            McpError::Unauthorized { challenge: said() },
            McpError::Unreachable(said()),
            McpError::Protocol {
                why: said(),
                said: said(),
            },
            McpError::Refused(said()),
            McpError::Header("x-key".to_owned()),
            McpError::Resting { rest: after },
            McpError::Oauth(denied()),
            McpError::Oauth(OauthError::Pkce(said())),
            McpError::Oauth(OauthError::Expired(said())),
            McpError::NoToken(Arc::new(OauthError::Key("it is none"))),
            McpError::NoToken(Arc::new(OauthError::Unadmitted(said()))),
            McpError::NoToken(Arc::new(OauthError::NoMoreAccess {
                server: said(),
                scopes: said(),
                why: Box::new(denied()),
            })),
        ];
        for error in &all {
            let problem = told(error).0;
            assert_eq!(problem.code, error.code());
            assert!(problem.hint.is_some(), "{problem}");
        }
        let refused = [
            denied(),
            OauthError::OtherClient {
                client: said(),
                issuer: said(),
                named: said(),
            },
            OauthError::OtherProvider {
                provider: "GitHub",
                named: said(),
            },
        ];
        for error in &refused {
            let problem = told_of_sign_in(error).0;
            assert_eq!(problem.code, Code::McpSignInFailed);
            assert!(problem.hint.is_some(), "{problem}");
        }
    }
}
