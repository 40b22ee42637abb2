//! Where the users of a server sign in: RFC 9728, then RFC 8414 or OpenID Connect Discovery.
//!
//! Nothing is guessed: rmcp falls back to endpoints that it makes up where a server names none, which sends
//! users and codes to places that nobody has announced.

mod token_place;

use berth_protocol::OauthProvider;
use serde::Deserialize;
use url::Url;

use super::{
    Challenge, OauthError, Wish,
    address::{Bounds, shown},
    provider,
    web::Web,
};
use crate::client::visible;

pub(super) use token_place::{TokenPlace, token_place};

/// Longest issuer or resource, in bytes.
const LONGEST: usize = 2048;

/// Most scopes that are taken over.
pub(super) const SCOPES: usize = 100;

/// What is known of where to sign in.
#[derive(Clone, Debug)]
pub(super) struct Discovered {
    /// The authorization server, byte for byte as the server names it.
    pub(super) issuer: String,
    /// The server, byte for byte as it names itself; absent where it does not describe itself.
    pub(super) resource: Option<String>,
    /// The scopes that the server names.
    pub(super) scopes: Vec<String>,
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) registration: Option<Url>,
    pub(super) revocation: Option<Url>,
    pub(super) methods: Option<Vec<String>>,
    /// It takes the address of a document as the client's identifier.
    pub(super) takes_documents: bool,
    /// Its answers in the browser say whose they are (RFC 9207).
    pub(super) says_issuer: bool,
    /// It gives out refresh tokens for `offline_access`.
    pub(super) offline_access: bool,
}

#[derive(Deserialize)]
struct Resource {
    resource: Option<String>,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    response_types_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Who gives out the tokens for a server, and what both say of themselves.
struct AuthorizationServer {
    /// Byte for byte as the server names it.
    issuer: String,
    base: Url,
    metadata: Metadata,
    /// The server, byte for byte as it names itself; absent where it does not describe itself.
    resource: Option<String>,
    /// The scopes that the server names.
    scopes: Vec<String>,
}

/// Finds out where to sign in to a server, with the client of the wish if it has one.
pub(super) async fn discover(
    web: &Web,
    bounds: Bounds,
    server: &Url,
    wish: &Wish,
) -> Result<Discovered, OauthError> {
    let found = authorization_server(web, bounds, server, wish).await?;
    let (base, issuer) = (found.base, &found.issuer);
    understood(bounds, found.metadata, base, issuer, wish.provider).map(|understood| Discovered {
        resource: found.resource,
        scopes: found.scopes,
        ..understood
    })
}

/// Whom the server names, unless the client of the wish belongs elsewhere.
async fn authorization_server(
    web: &Web,
    bounds: Bounds,
    server: &Url,
    wish: &Wish,
) -> Result<AuthorizationServer, OauthError> {
    let described = describe(web, bounds, server, &wish.challenge).await?;
    let nobody = || OauthError::NoAuthorizationServer(shown(server));
    let (issuer, resource, scopes) = match described {
        Some(found) => {
            let issuer = found.authorization_servers.into_iter().next();
            let issuer = issuer.ok_or_else(nobody)?;
            (issuer, found.resource, found.scopes_supported)
        }
        // A server of before RFC 9728 is its own authorization server (specification of 2025-03-26).
        None => (server.origin().ascii_serialization(), None, Vec::new()),
    };
    let base = checked_issuer(bounds, &issuer)?;
    if let Some(registered) = &wish.registered {
        registered.belongs_to(&issuer, &base, wish)?;
    }
    let metadata = metadata(web, &base, &issuer).await?.ok_or_else(nobody)?;
    let scopes = scopes.into_iter().filter(|it| is_scope(it)).take(SCOPES);
    Ok(AuthorizationServer {
        scopes: scopes.collect(),
        issuer,
        base,
        metadata,
        resource,
    })
}

/// What the server says of itself: where it points to, else at the well-known places.
async fn describe(
    web: &Web,
    bounds: Bounds,
    server: &Url,
    challenge: &Challenge,
) -> Result<Option<Resource>, OauthError> {
    const WHAT: &str = "server's description";
    let found = if let Some(named) = &challenge.resource_metadata {
        let url = bounds.check(WHAT, named)?;
        web.get::<Resource>(WHAT, &url).await?
    } else {
        let mut found = None;
        for place in well_known(server, "oauth-protected-resource") {
            found = web.get::<Resource>(WHAT, &place).await?;
            if found.is_some() {
                break;
            }
        }
        found
    };
    if let Some(resource) = found.as_ref().and_then(|found| found.resource.as_deref())
        && !covers(resource, server)
    {
        return Err(OauthError::Resource {
            server: shown(server),
            said: visible(resource).chars().take(200).collect(),
        });
    }
    Ok(found)
}

/// The well-known address with the path of the server behind it, then the one of its origin.
fn well_known(server: &Url, name: &str) -> Vec<Url> {
    let path = server.path().trim_end_matches('/');
    let mut places = Vec::new();
    for path in [path, ""] {
        let mut place = server.clone();
        place.set_query(None);
        place.set_path(&format!("/.well-known/{name}{path}"));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The resource is the server, or what the server is a part of: same origin, and a path above it.
fn covers(resource: &str, server: &Url) -> bool {
    let Ok(url) = Url::parse(resource) else {
        return false;
    };
    let path = url.path().trim_end_matches('/');
    let below = server.path().strip_prefix(path);
    resource.len() <= LONGEST
        && url.fragment().is_none()
        && url.origin() == server.origin()
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn checked_issuer(bounds: Bounds, issuer: &str) -> Result<Url, OauthError> {
    const WHAT: &str = "authorization server";
    let url = bounds.check(WHAT, issuer)?;
    if url.query().is_some() || issuer.len() > LONGEST {
        return Err(OauthError::Address {
            what: WHAT,
            why: "the name of an authorization server has no query and is short",
            address: visible(issuer).chars().take(200).collect(),
        });
    }
    Ok(url)
}

/// The places in the order of the specification. A description that belongs to another is refused, not
/// passed over: somebody has put it there.
async fn metadata(web: &Web, base: &Url, issuer: &str) -> Result<Option<Metadata>, OauthError> {
    let path = base.path().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        paths.push(format!("{path}/.well-known/openid-configuration"));
    }
    for path in paths {
        let mut place = base.clone();
        place.set_path(&path);
        let what = "authorization server's description";
        let Some(found) = web.get::<Metadata>(what, &place).await? else {
            continue;
        };
        if found.issuer != issuer {
            return Err(OauthError::Issuer {
                expected: issuer.to_owned(),
                said: visible(&found.issuer).chars().take(200).collect(),
            });
        }
        return Ok(Some(found));
    }
    Ok(None)
}

fn understood(
    bounds: Bounds,
    found: Metadata,
    base: Url,
    issuer: &str,
    chosen: OauthProvider,
) -> Result<Discovered, OauthError> {
    let nobody = || OauthError::NoAuthorizationServer(issuer.to_owned());
    let codes = found.response_types_supported;
    if codes.is_some_and(|types| !types.iter().any(|it| it == "code")) {
        return Err(nobody());
    }
    let takes_s256 = match &found.code_challenge_methods_supported {
        Some(methods) => methods.iter().any(|it| it == "S256"),
        None => provider::takes_s256(chosen, &base),
    };
    if !takes_s256 {
        return Err(OauthError::Pkce(issuer.to_owned()));
    }
    let authorization = found.authorization_endpoint.ok_or_else(nobody)?;
    let token = found.token_endpoint.ok_or_else(nobody)?;
    let own = |what, text: &str| own_endpoint(bounds, &base, issuer, what, text);
    let if_own = |what, text: Option<String>| text.map(|text| own(what, &text)).transpose();
    Ok(Discovered {
        issuer: issuer.to_owned(),
        resource: None,
        scopes: Vec::new(),
        authorization: bounds.check_opened("authorization endpoint", &authorization)?,
        token: own("token endpoint", &token)?,
        registration: if_own("registration endpoint", found.registration_endpoint)?,
        revocation: if_own("revocation endpoint", found.revocation_endpoint)?,
        methods: found.token_endpoint_auth_methods_supported,
        takes_documents: found.client_id_metadata_document_supported,
        says_issuer: found.authorization_response_iss_parameter_supported,
        offline_access: found
            .scopes_supported
            .iter()
            .any(|it| it == "offline_access"),
    })
}

/// An endpoint that takes codes, tokens or secrets: it is the authorization server's own, or known to belong to it.
fn own_endpoint(
    bounds: Bounds,
    base: &Url,
    issuer: &str,
    what: &'static str,
    text: &str,
) -> Result<Url, OauthError> {
    let url = bounds.check(what, text)?;
    if url.origin() == base.origin() || provider::belongs(issuer, &url) {
        return Ok(url);
    }
    Err(OauthError::Address {
        what,
        why: "it is on another server than the authorization server that names it",
        address: visible(text).chars().take(200).collect(),
    })
}

/// RFC 6749, section 3.3.
pub(super) fn is_scope(text: &str) -> bool {
    let good = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
    !text.is_empty() && text.len() <= 512 && text.chars().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_covers_its_server_and_nothing_beside_it() {
        let server = Url::parse("https://a.example/api/mcp").unwrap();
        for (resource, covered) in [
            ("https://a.example/api/mcp", true),
            ("https://a.example/api/mcp/", true),
            ("https://a.example/api", true),
            ("https://a.example", true),
            ("https://a.example/", true),
            ("https://a.example/api/mc", false),
            ("https://a.example/api/mcp/more", false),
            ("https://a.example/other", false),
            ("https://b.example/api/mcp", false),
            ("http://a.example/api/mcp", false),
            ("https://a.example:444/api/mcp", false),
            ("https://a.example/api/mcp#x", false),
            ("nothing", false),
        ] {
            assert_eq!(covers(resource, &server), covered, "{resource}");
        }
    }

    #[test]
    fn the_well_known_places_are_asked_with_the_path_first() {
        let places = |server: &str| -> Vec<String> {
            let server = Url::parse(server).unwrap();
            let places = well_known(&server, "x");
            places.into_iter().map(String::from).collect()
        };
        let both = [
            "https://a.example/.well-known/x/mcp",
            "https://a.example/.well-known/x",
        ];
        assert_eq!(places("https://a.example/mcp?a=b"), both);
        assert_eq!(places("https://a.example/"), both[1..]);
    }

    /// What Entra says of a tenant in one of its clouds, in the form of its `/v2.0/.well-known/openid-configuration`.
    fn entra(host: &str) -> (String, serde_json::Value) {
        let tenant = format!("https://{host}/00000000-0000-0000-0000-000000000001");
        let issuer = format!("{tenant}/v2.0");
        let description = serde_json::json!({
            "token_endpoint": format!("{tenant}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{tenant}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer,
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "authorization_endpoint": format!("{tenant}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{tenant}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{tenant}/oauth2/v2.0/logout"),
            "kerberos_endpoint": format!("{tenant}/kerberos"),
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
        });
        (issuer, description)
    }

    fn judged(
        (issuer, description): &(String, serde_json::Value),
        chosen: OauthProvider,
    ) -> Result<Discovered, OauthError> {
        let bounds = Bounds::of(&Url::parse("https://mcp.example/").unwrap());
        let found = serde_json::from_value(description.clone()).unwrap();
        let base = Url::parse(issuer).unwrap();
        understood(bounds, found, base, issuer, chosen)
    }

    #[test]
    fn entra_is_signed_in_to_although_it_says_nothing_of_pkce() {
        for host in [
            "login.microsoftonline.com",
            "login.microsoftonline.us",
            "login.partner.microsoftonline.cn",
        ] {
            let said = entra(host);
            let found = judged(&said, OauthProvider::Azure).unwrap();
            assert!(found.token.path().ends_with("/oauth2/v2.0/token"));
            assert!(found.offline_access && found.registration.is_none());
        }
    }

    #[test]
    fn what_is_known_of_entra_is_taken_for_nobody_else() {
        let is_refused = |said: &(String, serde_json::Value), chosen| {
            matches!(judged(said, chosen), Err(OauthError::Pkce(_)))
        };
        let said = entra("login.microsoftonline.com");
        // Nobody has said that it is Entra.
        assert!(is_refused(&said, OauthProvider::Discovered));
        assert!(is_refused(&said, OauthProvider::Google));
        // It is not.
        for host in ["as.example", "login.microsoftonline.com.evil.example"] {
            assert!(is_refused(&entra(host), OauthProvider::Azure), "{host}");
        }
        // What it says counts for more than what is known.
        for methods in [serde_json::json!([]), serde_json::json!(["plain"])] {
            let mut said = said.clone();
            said.1["code_challenge_methods_supported"] = methods;
            assert!(is_refused(&said, OauthProvider::Azure), "{said:?}");
        }
    }
}
