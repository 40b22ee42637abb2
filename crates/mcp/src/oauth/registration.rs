//! How Berth becomes a client of an authorization server: registered before by the user, by the address of a
//! document, or by asking (RFC 7591), in this order. A registration belongs to one authorization server.

use berth_protocol::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    OauthError, Wish,
    discovery::Discovered,
    grant::{Client, Method},
    provider,
    web::{Answer, Web},
};
use crate::client::visible;

/// Longest identifier or secret, in bytes.
const LONGEST: usize = 4096;

/// A client that was registered by hand.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its identifier.
    pub id: String,
    /// Its secret, if it has one.
    pub secret: Option<Secret>,
}

impl Registered {
    /// Refuses to be used at this authorization server unless it belongs there, or nobody knows yet where it does.
    pub(super) fn belongs_to(
        &self,
        issuer: &str,
        url: &Url,
        wish: &Wish,
    ) -> Result<(), OauthError> {
        let named = || -> String { visible(issuer).chars().take(200).collect() };
        if !provider::is_of(wish.provider, url) {
            return Err(OauthError::OtherProvider {
                provider: provider::name(wish.provider),
                named: named(),
            });
        }
        // The address of a document is the same for all authorization servers, and nothing secret.
        let is_bound = self.secret.is_some() || !is_document(&self.id);
        match &wish.issuer {
            Some(before) if before != issuer && is_bound => Err(OauthError::OtherClient {
                client: self.id.clone(),
                issuer: before.clone(),
                named: named(),
            }),
            _ => Ok(()),
        }
    }
}

/// Finds the way in.
pub(super) async fn client(
    web: &Web,
    found: &Discovered,
    registered: Option<&Registered>,
    document: Option<&str>,
    redirect: &str,
    scopes: &[String],
) -> Result<Client, OauthError> {
    if let Some(registered) = registered {
        let method = match &registered.secret {
            Some(_) => with_secret(found.methods.as_deref()),
            None => Method::Public,
        };
        return Ok(Client {
            id: registered.id.clone(),
            secret: registered.secret.clone(),
            method,
        });
    }
    if let Some(document) = document.filter(|it| found.takes_documents && is_document(it)) {
        return Ok(Client {
            id: document.to_owned(),
            secret: None,
            method: Method::Public,
        });
    }
    let Some(endpoint) = &found.registration else {
        return Err(OauthError::Unregistered(found.issuer.clone()));
    };
    register(web, endpoint, found, redirect, scopes).await
}

/// The address of a document is https and has a path (draft-ietf-oauth-client-id-metadata-document).
fn is_document(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.path().len() > 1
            && url.fragment().is_none()
            && url.username().is_empty()
    })
}

fn with_secret(methods: Option<&[String]>) -> Method {
    let offers =
        |method: Method| methods.is_none_or(|methods| methods.iter().any(|it| it == method.name()));
    // What is not said is Basic (RFC 8414, section 2).
    if offers(Method::Basic) || !offers(Method::Post) {
        Method::Basic
    } else {
        Method::Post
    }
}

#[derive(Serialize)]
struct Request<'a> {
    client_name: &'a str,
    application_type: &'a str,
    redirect_uris: [&'a str; 1],
    grant_types: [&'a str; 2],
    response_types: [&'a str; 1],
    token_endpoint_auth_method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    client_id: String,
    client_secret: Option<Secret>,
    token_endpoint_auth_method: Option<String>,
}

async fn register(
    web: &Web,
    endpoint: &Url,
    found: &Discovered,
    redirect: &str,
    scopes: &[String],
) -> Result<Client, OauthError> {
    // A program on a user's machine keeps no secret (RFC 8252, section 8.4), so none is asked for where it
    // can do without one.
    let methods = found.methods.as_deref();
    let public = methods.is_none_or(|methods| methods.iter().any(|it| it == Method::Public.name()));
    let in_form = methods.is_some_and(|methods| methods.iter().any(|it| it == Method::Post.name()));
    let wanted = if public {
        Method::Public
    } else if in_form {
        // Servers made with the protocol's Python SDK revoke nothing for a client that proves itself in the
        // header: they look for its secret in the form.
        Method::Post
    } else {
        with_secret(methods)
    };
    let request = Request {
        client_name: "Berth",
        application_type: "native",
        redirect_uris: [redirect],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: wanted.name(),
        scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
    };
    let answer = web
        .post_json("registration endpoint", endpoint, &request)
        .await?;
    if !answer.status.is_success() {
        return Err(refusal(&answer));
    }
    let response: Response = answer.json()?;
    let secret = response
        .client_secret
        .filter(|secret| !secret.expose().is_empty());
    let too_long = secret
        .as_ref()
        .is_some_and(|it| it.expose().len() > LONGEST);
    if response.client_id.is_empty() || response.client_id.len() > LONGEST || too_long {
        return Err(answer.wrong("a client that cannot be used".to_owned()));
    }
    let method = match (response.token_endpoint_auth_method.as_deref(), &secret) {
        (_, None) | (Some("none"), _) => Method::Public,
        (Some("client_secret_post"), _) => Method::Post,
        (Some("client_secret_basic"), _) => Method::Basic,
        _ => with_secret(methods),
    };
    Ok(Client {
        id: response.client_id,
        secret,
        method,
    })
}

/// What an authorization server says when it refuses (RFC 6749, section 5.2), else its status.
pub(super) fn refusal(answer: &Answer) -> OauthError {
    let wrong = || answer.wrong(format!("with status {}", answer.status));
    match answer.status.is_server_error() {
        true => wrong(),
        false => said_no(answer).unwrap_or_else(wrong),
    }
}

/// What it says when it refuses, whatever its status is: GitHub refuses with status 200 (GitHub Docs, "Troubleshooting
/// OAuth app access token request errors").
pub(super) fn said_no(answer: &Answer) -> Option<OauthError> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        error_description: Option<String>,
    }
    let said: Refusal = answer.try_json()?;
    (!said.error.is_empty()).then(|| denied(&said.error, said.error_description.as_deref()))
}

/// The words of an authorization server, short and without what hides.
pub(super) fn denied(error: &str, description: Option<&str>) -> OauthError {
    let short = |text: &str, most| -> String { visible(text).chars().take(most).collect() };
    OauthError::Denied {
        error: short(error, 64),
        description: description
            .map(|text| short(text, 300))
            .filter(|it| !it.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sent_in_the_header_unless_only_the_form_is_offered() {
        let methods = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert_eq!(with_secret(None), Method::Basic);
        assert_eq!(
            with_secret(Some(&methods(&["client_secret_post"]))),
            Method::Post
        );
        let both = methods(&["client_secret_post", "client_secret_basic"]);
        assert_eq!(with_secret(Some(&both)), Method::Basic);
        assert_eq!(
            with_secret(Some(&methods(&["private_key_jwt"]))),
            Method::Basic
        );
    }

    #[test]
    fn a_document_has_an_https_address_with_a_path() {
        assert!(is_document("https://berth.example/client.json"));
        for bad in [
            "http://berth.example/client.json",
            "https://berth.example/",
            "berth",
        ] {
            assert!(!is_document(bad), "{bad}");
        }
    }
}
