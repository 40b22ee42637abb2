//! Where tokens are had without a browser. What only a browser needs is not asked of an authorization server here:
//! one whose clients all act for themselves has no page to sign in on, and nothing to protect with PKCE (RFC 8414,
//! section 2).

use url::Url;

use super::{Bounds, SCOPES, Wish, checked_issuer, describe, is_scope, metadata};
use crate::{
    client::visible,
    oauth::{OauthError, address::shown, provider, web::Web},
};

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
    const WHAT: &str = "token endpoint";
    let nobody = || OauthError::NoAuthorizationServer(shown(server));
    let (issuer, resource, scopes) = match describe(web, bounds, server, &wish.challenge).await? {
        Some(found) => {
            let issuer = found.authorization_servers.into_iter().next();
            (
                issuer.ok_or_else(nobody)?,
                found.resource,
                found.scopes_supported,
            )
        }
        // A server of before RFC 9728 is its own authorization server (specification of 2025-03-26).
        None => (server.origin().ascii_serialization(), None, Vec::new()),
    };
    let (name, base) = checked_issuer(bounds, &issuer)?;
    if let Some(registered) = &wish.registered {
        registered.belongs_to(name, &base, wish)?;
    }
    let found = metadata(web, &base, name).await?.ok_or_else(nobody)?;
    let text = found.token_endpoint.ok_or_else(nobody)?;
    let token = bounds.check(WHAT, &text)?;
    // A secret goes to the authorization server itself, or to what is known to belong to it.
    if token.origin() != base.origin() && !provider::belongs(name, &token) {
        return Err(OauthError::Address {
            what: WHAT,
            why: "it is on another server than the authorization server that names it",
            address: visible(&text).chars().take(200).collect(),
        });
    }
    let scopes = scopes.into_iter().filter(|it| is_scope(it)).take(SCOPES);
    Ok(TokenPlace {
        scopes: scopes.collect(),
        issuer,
        resource,
        token,
        methods: found.token_endpoint_auth_methods_supported,
    })
}
