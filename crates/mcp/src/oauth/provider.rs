//! What is known of providers that do not keep to the standards.

use berth_protocol::OauthProvider;
use url::Url;

use super::Redirect;

/// The port of the callback where the provider compares it, so that whoever registers a client knows it.
const PORT: u16 = 41_419;

/// Endpoints that are on another origin than the issuer that they belong to, by the issuer's own word
/// (<https://accounts.google.com/.well-known/openid-configuration>).
const ELSEWHERE: &[(&str, &str)] = &[(
    "https://accounts.google.com",
    "https://oauth2.googleapis.com",
)];

/// This endpoint belongs to this issuer although it is on another origin.
pub(super) fn belongs(issuer: &str, endpoint: &Url) -> bool {
    let origin = endpoint.origin().ascii_serialization();
    ELSEWHERE.contains(&(issuer, origin.as_str()))
}

/// It takes the parameter `resource` (RFC 8707).
pub fn takes_resource(provider: OauthProvider) -> bool {
    provider != OauthProvider::Azure
}

/// Where the browser answers, for a client that was registered by hand. Most providers leave the port of a
/// loopback address open (RFC 8252, section 7.3). Auth0 compares it. Entra knows `localhost` alone.
pub fn redirect(provider: OauthProvider) -> Redirect {
    match provider {
        OauthProvider::Auth0 => Redirect {
            port: PORT,
            by_name: false,
        },
        OauthProvider::Azure => Redirect {
            port: 0,
            by_name: true,
        },
        OauthProvider::Discovered | OauthProvider::Github | OauthProvider::Google => {
            Redirect::default()
        }
    }
}

/// What its authorization endpoint wants besides, before it gives out a refresh token.
pub(super) fn more(issuer: &str) -> &'static [(&'static str, &'static str)] {
    match issuer {
        "https://accounts.google.com" => &[("access_type", "offline"), ("prompt", "consent")],
        _ => &[],
    }
}
