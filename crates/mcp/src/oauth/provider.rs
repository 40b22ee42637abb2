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

/// The authorization servers of Microsoft Entra, and of its sovereign clouds.
const ENTRA: &[&str] = &[
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
];

/// This is an authorization server of the provider, or no provider was chosen. The host is enough: secrets go to the
/// issuer's own origin, where the provider alone answers, and some have another path or name for each tenant.
pub(super) fn is_of(provider: OauthProvider, issuer: &Url) -> bool {
    let host = issuer.host_str().unwrap_or_default();
    let is_below = |domain: &str| {
        let tenant = host.strip_suffix(domain);
        tenant.is_some_and(|tenant| tenant.len() > 1 && tenant.ends_with('.'))
    };
    let is_its = match provider {
        OauthProvider::Discovered => return true,
        OauthProvider::Github => host == "github.com" || is_below("ghe.com"),
        OauthProvider::Google => host == "accounts.google.com",
        // Its tenants may have a domain of their own.
        OauthProvider::Auth0 => true,
        OauthProvider::Azure => {
            // Whose users are customers.
            ENTRA.contains(&host) || is_below("ciamlogin.com") || is_below("b2clogin.com")
        }
    };
    is_its && issuer.scheme() == "https" && issuer.port().is_none()
}

/// It takes PKCE with S256, although its description has no word of PKCE. Entra documents that it does
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>), and leaves the member
/// `code_challenge_methods_supported` out (<https://github.com/modelcontextprotocol/typescript-sdk/issues/832>).
/// That is known of nobody else, so that it takes both: that the user has chosen Entra, and one of its hosts.
pub(super) fn takes_s256(provider: OauthProvider, issuer: &Url) -> bool {
    provider == OauthProvider::Azure && is_of(provider, issuer)
}

/// The provider, for people.
pub(super) const fn name(provider: OauthProvider) -> &'static str {
    match provider {
        OauthProvider::Discovered => "the one that the server names",
        OauthProvider::Github => "GitHub",
        OauthProvider::Google => "Google",
        OauthProvider::Auth0 => "Auth0",
        OauthProvider::Azure => "Microsoft Entra",
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_its_hosts_and_by_nothing_that_looks_like_them() {
        use OauthProvider::{Auth0, Azure, Discovered, Github, Google};
        for (provider, issuer, is_its) in [
            (Github, "https://github.com/login/oauth", true),
            (Github, "https://acme.ghe.com/login/oauth", true),
            (Github, "https://ghe.com/login/oauth", false),
            (Github, "https://github.com.evil.example/login/oauth", false),
            (Github, "https://github.com:8443/login/oauth", false),
            (Github, "http://github.com/login/oauth", false),
            (Google, "https://accounts.google.com", true),
            (Google, "https://evil.google.com", false),
            (Google, "https://github.com/login/oauth", false),
            (Auth0, "https://acme.eu.auth0.com/", true),
            (Auth0, "https://login.example.com/", true),
            (Auth0, "http://login.example.com/", false),
            (Azure, "https://acme.ciamlogin.com/t/v2.0", true),
            (Azure, "https://acme.b2clogin.com/t/v2.0", true),
            (Azure, "https://evilciamlogin.com/", false),
            (
                Azure,
                "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001/v2.0",
                true,
            ),
            (Azure, "https://login.microsoftonline.us/t/v2.0", true),
            (
                Azure,
                "https://login.partner.microsoftonline.cn/t/v2.0",
                true,
            ),
            (
                Azure,
                "https://login.microsoftonline.com.evil.example/",
                false,
            ),
            (Azure, "https://evil.login.microsoftonline.com/", false),
            (Discovered, "https://as.example", true),
            (Discovered, "http://127.0.0.1:9/", true),
        ] {
            let issuer = Url::parse(issuer).unwrap();
            assert_eq!(is_of(provider, &issuer), is_its, "{provider:?} {issuer}");
        }
    }
}
