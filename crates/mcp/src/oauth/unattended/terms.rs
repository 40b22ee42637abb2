//! What tokens are taken with where nobody signs in, and how they are.

use std::collections::BTreeSet;

use berth_protocol::{OauthProvider, Secret};
use serde::Deserialize;
use url::Url;

use crate::{
    client::visible,
    oauth::{
        Challenge, OauthError, Registered, Wish,
        address::{Bounds, shown},
        discovery::{self, TokenPlace, is_scope},
        grant::{self, Client, Method},
        registration::{refusal, with_secret},
        signing::{self, SigningKey},
        token::{self, Tokens},
        web::Web,
    },
};

/// What an identity provider gives for what it has said of a user (draft-ietf-oauth-identity-assertion-authz-grant).
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// Longest of those, in bytes.
const LONGEST: usize = 16 * 1024;

/// What tokens are taken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// The server's address.
    pub server: String,
    /// The client's identifier at its authorization server.
    pub client_id: String,
    /// How the client proves who it is.
    pub proof: ClientProof,
    /// At whose authorization servers it is registered, as the user says; it is used at no others.
    pub provider: OauthProvider,
    /// The scopes to ask for; empty for those that the server wants, else for those that it names.
    pub scopes: Vec<String>,
    /// Whether requests have the parameter `resource`.
    pub resource: bool,
    /// Who vouches for a user; nobody for a client that acts for itself.
    pub vouched: Option<Vouched>,
}

/// How a client proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientProof {
    /// By a secret, in the header or in the form as the authorization server has it.
    Secret(Secret),
    /// By what it signs with a private key of P-256 or RSA (PKCS#8 in PEM).
    Key(Secret),
}

impl ClientProof {
    /// What is kept of a client: a private key says that it is one.
    pub fn of(kept: Secret) -> Self {
        match signing::is_key(kept.expose()) {
            true => Self::Key(kept),
            false => Self::Secret(kept),
        }
    }
}

/// The word of an identity provider for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The provider's token endpoint (RFC 8693).
    pub token_endpoint: String,
    /// The client's identifier at the provider, where it has no secret.
    pub client_id: String,
    /// What the provider has said of its user (OpenID Connect).
    pub id_token: Secret,
}

/// What was taken.
pub(super) struct Taken {
    /// Whose it is.
    pub(super) issuer: String,
    /// The scopes that were asked for.
    pub(super) asked: Vec<String>,
    pub(super) tokens: Tokens,
}

impl TokenTerms {
    /// What is looked for. That the client has a key binds it as a secret does.
    pub(super) fn wish(&self, challenge: &Challenge, issuer: Option<String>) -> Wish {
        let (ClientProof::Secret(kept) | ClientProof::Key(kept)) = &self.proof;
        let mut wish = Wish::new(&self.server);
        wish.challenge = challenge.clone();
        wish.provider = self.provider;
        wish.issuer = issuer;
        wish.registered = Some(Registered {
            id: self.client_id.clone(),
            secret: Some(kept.clone()),
        });
        wish
    }

    /// What it means that a token with these scopes besides could not be taken.
    pub(super) fn no_more(&self, scopes: &[String], why: OauthError) -> OauthError {
        /// Most characters of them that are told.
        const TOLD: usize = 200;
        let scopes = visible(&scopes.join(" "));
        OauthError::NoMoreAccess {
            server: self.shown(),
            scopes: scopes.chars().take(TOLD).collect(),
            why: Box::new(why),
        }
    }

    /// The server as it may stand in a message.
    pub(super) fn shown(&self) -> String {
        match Url::parse(&self.server) {
            Ok(server) => shown(&server),
            Err(_) => visible(&self.server),
        }
    }

    /// Takes tokens.
    pub(super) async fn tokens(&self, wish: &Wish) -> Result<Taken, OauthError> {
        let server = Url::parse(&self.server).map_err(|_| OauthError::Address {
            what: "server",
            why: "it is none",
            address: visible(&self.server),
        })?;
        let bounds = Bounds::of(&server);
        let server = bounds.check("server", server.as_str())?;
        let web = Web::new(bounds)?;
        let found = discovery::token_place(&web, bounds, &server, wish).await?;
        let resource = found.resource.as_deref().unwrap_or(&self.server);
        let asked = self.scopes(wish, &found);
        let scope = asked.join(" ");
        let (client, assertion) = self.client(&found)?;
        let word = match &self.vouched {
            Some(vouched) => {
                let word = vouched.word(&web, bounds, &found.issuer, resource, &scope);
                Some(word.await?)
            }
            None => None,
        };
        let mut form = match &word {
            Some(word) => vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", word.expose().as_str()),
            ],
            None => vec![("grant_type", "client_credentials")],
        };
        if !scope.is_empty() {
            form.push(("scope", &scope));
        }
        if let Some(assertion) = &assertion {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            form.push(("client_assertion_type", kind));
            form.push(("client_assertion", assertion.expose().as_str()));
        }
        let resource = self.resource.then_some(resource);
        let tokens = token::ask(&web, &found.token, &client, form, resource).await?;
        Ok(Taken {
            issuer: found.issuer.clone(),
            asked,
            tokens,
        })
    }

    /// The client, and what it signs where it has a key.
    fn client(&self, found: &TokenPlace) -> Result<(Client, Option<Secret>), OauthError> {
        let (secret, method, assertion) = match &self.proof {
            ClientProof::Secret(secret) => {
                let method = with_secret(found.methods.as_deref());
                (Some(secret.clone()), method, None)
            }
            ClientProof::Key(pem) => {
                let key = SigningKey::from_pem(pem)?;
                let assertion = key.assertion(&self.client_id, &found.issuer, grant::now())?;
                // What it signs stands in place of a secret.
                (None, Method::Public, Some(assertion))
            }
        };
        let client = Client {
            id: self.client_id.clone(),
            secret,
            method,
        };
        Ok((client, assertion))
    }

    /// What the user has set, else what the server wants, else what it names; together with what a step-up has added.
    fn scopes(&self, wish: &Wish, found: &TokenPlace) -> Vec<String> {
        let wanted = [&self.scopes, &wish.challenge.scopes, &found.scopes];
        let wanted = wanted.into_iter().find(|scopes| !scopes.is_empty());
        let wanted = wanted.into_iter().flatten();
        let mut seen = BTreeSet::new();
        let mut scopes: Vec<String> = wish.held.iter().chain(wanted).cloned().collect();
        scopes.retain(|scope| is_scope(scope) && seen.insert(scope.clone()));
        scopes
    }
}

#[derive(Deserialize)]
struct Exchanged {
    access_token: Secret,
    issued_token_type: String,
}

impl Vouched {
    /// Has the provider vouch for its user to one authorization server and for one server (RFC 8693).
    async fn word(
        &self,
        web: &Web,
        bounds: Bounds,
        issuer: &str,
        resource: &str,
        scope: &str,
    ) -> Result<Secret, OauthError> {
        const WHAT: &str = "token endpoint of the identity provider";
        let endpoint = bounds.check(WHAT, &self.token_endpoint)?;
        let mut form = vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("requested_token_type", ID_JAG),
            ("audience", issuer),
            ("resource", resource),
            ("subject_token", self.id_token.expose().as_str()),
            (
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:id_token",
            ),
            ("client_id", self.client_id.as_str()),
        ];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        let answer = web.post_form(WHAT, &endpoint, &form, None).await?;
        if !answer.status.is_success() {
            return Err(refusal(&answer));
        }
        let exchanged: Exchanged = answer.json()?;
        let length = exchanged.access_token.expose().len();
        // Another kind of token could be the user's own, and goes on to nobody.
        if exchanged.issued_token_type != ID_JAG || !(1..=LONGEST).contains(&length) {
            return Err(answer.wrong("a token that cannot be used".to_owned()));
        }
        Ok(exchanged.access_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(scopes: &[&str]) -> TokenTerms {
        TokenTerms {
            server: "https://a.example/mcp".to_owned(),
            client_id: "mine".to_owned(),
            proof: ClientProof::of("a secret".to_owned().into()),
            provider: OauthProvider::Discovered,
            scopes: scopes.iter().map(|it| (*it).to_owned()).collect(),
            resource: true,
            vouched: None,
        }
    }

    fn place(methods: &[&str]) -> TokenPlace {
        TokenPlace {
            issuer: "https://as.example".to_owned(),
            resource: None,
            scopes: vec!["c".to_owned()],
            token: Url::parse("https://as.example/token").unwrap(),
            methods: Some(methods.iter().map(|it| (*it).to_owned()).collect()),
        }
    }

    #[test]
    fn scopes_are_those_that_are_set_then_those_that_are_wanted_then_those_that_are_named() {
        let scopes = |set: &[&str], challenge: &str, held: &[&str]| {
            let terms = terms(set);
            let mut wish = terms.wish(&Challenge::parse(challenge), None);
            wish.held = held.iter().map(|it| (*it).to_owned()).collect();
            terms.scopes(&wish, &place(&[]))
        };
        let wants = "Bearer scope=\"b\"";
        assert_eq!(scopes(&["a", "d"], wants, &[]), ["a", "d"]);
        assert_eq!(scopes(&[], wants, &[]), ["b"]);
        assert_eq!(scopes(&[], "", &[]), ["c"]);
        // What a step-up has added stays.
        assert_eq!(scopes(&["a", "d"], wants, &["d", "e"]), ["d", "e", "a"]);
        assert_eq!(scopes(&[], "", &["e"]), ["e", "c"]);
    }

    #[test]
    fn a_secret_goes_where_the_server_wants_it_and_a_key_goes_nowhere() {
        let (client, assertion) = terms(&[]).client(&place(&["client_secret_post"])).unwrap();
        assert_eq!(client.method, Method::Post);
        assert!(client.secret.is_some() && assertion.is_none());

        let pem = "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----";
        let mut keyed = terms(&[]);
        keyed.proof = ClientProof::of(pem.to_owned().into());
        assert!(matches!(keyed.proof, ClientProof::Key(_)));
        let refused = keyed.client(&place(&["private_key_jwt"]));
        assert!(matches!(refused, Err(OauthError::Key(_))));
    }

    #[test]
    fn terms_print_no_secret() {
        let printed = format!("{:?}", terms(&[]));
        assert!(!printed.contains("a secret"), "{printed}");
    }
}
