//! Requests to the token endpoint (RFC 6749, sections 4.1.3 and 6) and to the revocation endpoint (RFC 7009).

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_protocol::Secret;
use serde::Deserialize;
use url::Url;

use super::{
    OauthError,
    discovery::is_scope,
    grant::{Client, Grant, Method},
    registration::{refusal, said_no},
    web::Web,
};

/// Longest token, in bytes: more does not fit into a header of common servers.
const LONGEST: usize = 16 * 1024;

/// Longest life of a token that is believed, in seconds: a year.
const LONGEST_LIFE: u64 = 366 * 24 * 3600;

/// The tokens that were given.
pub(super) struct Tokens {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) lives: Option<u64>,
    pub(super) scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Response {
    access_token: Secret,
    token_type: String,
    expires_in: Option<Seconds>,
    refresh_token: Option<Secret>,
    scope: Option<String>,
}

/// Some servers write numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn read(self) -> Option<u64> {
        let number = match self {
            Self::Number(number) => number,
            Self::Text(text) => text.parse().ok()?,
        };
        // A cast of a float saturates, and makes nothing of what is no number.
        (number >= 0.0).then_some((number as u64).min(LONGEST_LIFE))
    }
}

/// Redeems a code.
pub(super) async fn redeem(
    web: &Web,
    endpoint: &Url,
    client: &Client,
    code: &Secret,
    verifier: &Secret,
    redirect: &str,
    resource: Option<&str>,
) -> Result<Tokens, OauthError> {
    let form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose().as_str()),
        ("redirect_uri", redirect),
        ("code_verifier", verifier.expose().as_str()),
    ];
    ask(web, endpoint, client, form, resource).await
}

/// Refreshes the tokens of a grant, at the endpoint that it was made with.
pub(super) async fn refresh(web: &Web, grant: &Grant) -> Result<Tokens, OauthError> {
    let Some(refresh) = &grant.refresh_token else {
        return Err(OauthError::Expired(grant.server.clone()));
    };
    let endpoint = parsed("token endpoint", &grant.token_endpoint)?;
    let form = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose().as_str()),
    ];
    ask(
        web,
        &endpoint,
        &grant.client,
        form,
        grant.resource.as_deref(),
    )
    .await
}

/// Revokes what is left of a grant; the refresh token, whose end is that of all others, else the access token.
/// Answers whether the authorization server offers that.
pub(super) async fn revoke(web: &Web, grant: &Grant) -> Result<bool, OauthError> {
    let Some(endpoint) = &grant.revocation_endpoint else {
        return Ok(false);
    };
    const WHAT: &str = "revocation endpoint";
    let endpoint = parsed(WHAT, endpoint)?;
    let (token, hint) = match &grant.refresh_token {
        Some(token) => (token, "refresh_token"),
        None => (&grant.access_token, "access_token"),
    };
    let mut form = vec![
        ("token", token.expose().as_str()),
        ("token_type_hint", hint),
    ];
    let basic = prove(&grant.client, &mut form);
    let basic = basic.as_ref().map(|basic| basic.expose().as_str());
    let answer = web.post_form(WHAT, &endpoint, &form, basic).await?;
    if answer.status.is_success() {
        Ok(true)
    } else {
        Err(refusal(&answer))
    }
}

fn parsed(what: &'static str, text: &str) -> Result<Url, OauthError> {
    Url::parse(text).map_err(|_| OauthError::Address {
        what,
        why: "it is none",
        address: String::new(),
    })
}

/// Adds what proves the client to a form; returns the header where it stands there instead.
fn prove<'a>(client: &'a Client, form: &mut Vec<(&'a str, &'a str)>) -> Option<Secret> {
    // Servers look the client up by what the form says, also where the header says it too (FastMCP).
    form.push(("client_id", &client.id));
    let secret = client.secret.as_ref()?.expose().as_str();
    match client.method {
        Method::Basic => {
            // Both are encoded as in a form first (RFC 6749, section 2.3.1).
            let encoded = |text: &str| -> String {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let pair = format!("{}:{}", encoded(&client.id), encoded(secret));
            Some(format!("Basic {}", STANDARD.encode(pair)).into())
        }
        Method::Post => {
            form.push(("client_secret", secret));
            None
        }
        Method::Public => None,
    }
}

async fn ask<'a>(
    web: &Web,
    endpoint: &Url,
    client: &'a Client,
    mut form: Vec<(&'a str, &'a str)>,
    resource: Option<&'a str>,
) -> Result<Tokens, OauthError> {
    if let Some(resource) = resource {
        form.push(("resource", resource));
    }
    let basic = prove(client, &mut form);
    let basic = basic.as_ref().map(|basic| basic.expose().as_str());
    let answer = web
        .post_form("token endpoint", endpoint, &form, basic)
        .await?;
    if !answer.status.is_success() {
        return Err(refusal(&answer));
    }
    if let Some(refused) = said_no(&answer) {
        return Err(refused);
    }
    let response: Response = answer.json()?;
    let is_token = |token: &Secret| {
        let token = token.expose();
        !token.is_empty() && token.len() <= LONGEST && token.bytes().all(|b| b.is_ascii_graphic())
    };
    if !response.token_type.eq_ignore_ascii_case("bearer") || !is_token(&response.access_token) {
        return Err(answer.wrong("a token that cannot be used".to_owned()));
    }
    Ok(Tokens {
        access: response.access_token,
        refresh: response.refresh_token.filter(is_token),
        lives: response.expires_in.and_then(Seconds::read),
        scopes: response.scope.map(|scope| {
            let scopes = scope.split_ascii_whitespace().filter(|it| is_scope(it));
            scopes.map(str::to_owned).collect()
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_read_from_whatever_it_is_written_as() {
        let read = |json: &str| {
            serde_json::from_str::<Seconds>(json)
                .ok()
                .and_then(Seconds::read)
        };
        assert_eq!(read("3600"), Some(3600));
        assert_eq!(read("\"3600\""), Some(3600));
        assert_eq!(read("59.9"), Some(59));
        assert_eq!(read("1e300"), Some(LONGEST_LIFE));
        assert_eq!(read("-1"), None);
        assert_eq!(read("\"soon\""), None);
    }

    #[test]
    fn the_secret_of_a_client_stands_in_one_place() {
        let mut client = Client {
            id: "a b".to_owned(),
            secret: Some("c:d".to_owned().into()),
            method: Method::Basic,
        };
        let mut form = Vec::new();
        let basic = prove(&client, &mut form).unwrap();
        assert_eq!(
            basic.expose(),
            &format!("Basic {}", STANDARD.encode("a+b:c%3Ad"))
        );
        assert_eq!(form, [("client_id", "a b")]);
        client.method = Method::Post;
        let mut form = Vec::new();
        assert!(prove(&client, &mut form).is_none());
        assert_eq!(form, [("client_id", "a b"), ("client_secret", "c:d")]);
        client.method = Method::Public;
        let mut form = Vec::new();
        assert!(prove(&client, &mut form).is_none());
        assert_eq!(form, [("client_id", "a b")]);
    }
}
