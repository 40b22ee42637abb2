//! Where tokens are had without a browser. What only a browser needs is not asked of an authorization server here:
//! one whose clients all act for themselves has no page to sign in on, and nothing to protect with PKCE (RFC 8414,
//! section 2).

use url::Url;

use super::{Bounds, Wish, authorization_server, own_endpoint};
use crate::oauth::{OauthError, address::shown, web::Web};

/// What is known of where to take tokens.
#[derive(Debug)]
pub(in crate::oauth) struct TokenPlace {
    /// The authorization server, byte for byte as the server names it.
    pub(in crate::oauth) issuer: String,
    /// The server, byte for byte as it names itself; absent where it does not describe itself.
    pub(in crate::oauth) resource: Option<String>,
    /// The scopes that the server names.
    pub(in crate::oauth) scopes: Vec<String>,
    pub(in crate::oauth) token: Url,
    pub(in crate::oauth) methods: Option<Vec<String>>,
}

/// Finds out where tokens for a server are taken, with the client of the wish.
pub(in crate::oauth) async fn token_place(
    web: &Web,
    bounds: Bounds,
    server: &Url,
    wish: &Wish,
) -> Result<TokenPlace, OauthError> {
    let found = authorization_server(web, bounds, server, wish).await?;
    let endpoint = found.metadata.token_endpoint;
    let endpoint = endpoint.ok_or_else(|| OauthError::NoAuthorizationServer(shown(server)))?;
    let (base, issuer) = (&found.base, &found.issuer);
    let token = own_endpoint(bounds, base, issuer, "token endpoint", &endpoint)?;
    Ok(TokenPlace {
        issuer: found.issuer,
        resource: found.resource,
        scopes: found.scopes,
        token,
        methods: found.metadata.token_endpoint_auth_methods_supported,
    })
}
