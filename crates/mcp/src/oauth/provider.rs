//! What is known of providers that do not keep to the standards.

use berth_protocol::OauthProvider;
use url::Url;

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

/// What its authorization endpoint wants besides, before it gives out a refresh token.
pub(super) fn more(issuer: &str) -> &'static [(&'static str, &'static str)] {
    match issuer {
        "https://accounts.google.com" => &[("access_type", "offline"), ("prompt", "consent")],
        _ => &[],
    }
}
