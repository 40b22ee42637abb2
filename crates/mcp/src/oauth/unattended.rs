//! Tokens for which nobody signs in: those of a client that acts for itself (RFC 6749, section 4.4, and the protocol's
//! extension `io.modelcontextprotocol/oauth-client-credentials`), and those of a client for whose user the identity
//! provider of their organization vouches (`io.modelcontextprotocol/enterprise-managed-authorization`).
//!
//! They are in memory alone, and another one is taken when one ends: what it is taken with is kept already. The server is
//! asked without a token first, as by whoever signs in, because it says then where tokens are had.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use berth_protocol::{OauthProvider, Secret};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::{
    Challenge, Later, OauthError, Registered, StoreError, TokenSource, Wish,
    address::Bounds,
    discovery::{self, TokenPlace, is_scope},
    grant::{self, Client, Method},
    registration::{refusal, with_secret},
    signing::{self, SigningKey},
    token::{self, Tokens},
    web::Web,
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

/// Knows to which authorization server a client belongs: to that at which it was first used, whichever its server names
/// later. So the secret goes to nobody else.
pub trait ClientHome: Send + Sync + 'static {
    /// Where the client belongs, once it was used; byte for byte.
    fn issuer(&self) -> Later<'_, Result<Option<String>, StoreError>>;

    /// It was used there for the first time.
    fn used<'a>(&'a self, issuer: &'a str) -> Later<'a, Result<(), StoreError>>;
}

/// Knows it as long as the process lives.
#[derive(Default)]
struct Remembered(StdMutex<Option<String>>);

impl ClientHome for Remembered {
    fn issuer(&self) -> Later<'_, Result<Option<String>, StoreError>> {
        let issuer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(Ok(issuer.clone())))
    }

    fn used<'a>(&'a self, issuer: &'a str) -> Later<'a, Result<(), StoreError>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(issuer.to_owned());
        Box::pin(std::future::ready(Ok(())))
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

/// Takes tokens by itself. All connections to a server share one, so that they share its token.
pub struct Unattended {
    terms: TokenTerms,
    home: Arc<dyn ClientHome>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The authorization server that has given the first token. Whoever enters another secret meanwhile frees that one
    /// for another server, and not this one.
    issuer: Option<String>,
    /// The client's home knows it too.
    is_noted: bool,
    /// How the server has asked for a token when it last did.
    challenge: Challenge,
    token: Option<Given>,
}

struct Given {
    token: Secret,
    /// In seconds since 1970.
    at: u64,
    /// In seconds, where that is said.
    lives: Option<u64>,
}

impl Given {
    fn is_due(&self) -> bool {
        grant::is_due(self.at, self.lives)
    }

    fn is_over(&self) -> bool {
        let ends = self.lives.map(|lives| self.at.saturating_add(lives));
        ends.is_some_and(|ends| ends <= grant::now())
    }
}

impl Held {
    /// The token, if it may still be sent.
    fn good(&self) -> Option<&Secret> {
        let given = self.token.as_ref().filter(|given| !given.is_due());
        given.map(|given| &given.token)
    }
}

impl Unattended {
    /// For a client that nobody knows anything of yet. Nothing is asked before a connection needs a token.
    pub fn new(terms: TokenTerms) -> Self {
        Self::at_home(terms, Arc::new(Remembered::default()))
    }

    /// For a client of which is kept where it belongs.
    pub fn at_home(terms: TokenTerms, home: Arc<dyn ClientHome>) -> Self {
        Self {
            terms,
            home,
            held: Mutex::default(),
        }
    }

    /// What its tokens are taken with.
    pub fn terms(&self) -> &TokenTerms {
        &self.terms
    }

    async fn take(&self, held: &mut Held) -> Result<Secret, OauthError> {
        let before = match &held.issuer {
            Some(issuer) => Some(issuer.clone()),
            None => {
                let known = self.home.issuer().await?;
                held.is_noted = known.is_some();
                known
            }
        };
        let wish = self.terms.wish(&held.challenge, before);
        let (issuer, tokens) = self.terms.tokens(&wish).await?;
        held.issuer = Some(issuer.clone());
        if !held.is_noted {
            self.home.used(&issuer).await?;
            held.is_noted = true;
        }
        held.token = Some(Given {
            token: tokens.access.clone(),
            at: grant::now(),
            lives: tokens.lives,
        });
        Ok(tokens.access)
    }
}

impl TokenSource for Unattended {
    fn token(&self) -> Later<'_, Result<Option<Secret>, OauthError>> {
        Box::pin(async move {
            let mut held = self.held.lock().await;
            if held.token.is_none() {
                return Ok(None);
            }
            if let Some(token) = held.good() {
                return Ok(Some(token.clone()));
            }
            match self.take(&mut held).await {
                Ok(token) => Ok(Some(token)),
                // One that is due but not over is better than none.
                Err(error) => match &held.token {
                    Some(given) if error.is_transient() && !given.is_over() => {
                        Ok(Some(given.token.clone()))
                    }
                    _ => Err(error),
                },
            }
        })
    }

    fn renewed<'a>(&'a self, refused: &'a Secret) -> Later<'a, Result<Option<Secret>, OauthError>> {
        Box::pin(async move {
            let mut held = self.held.lock().await;
            if let Some(token) = held.good().filter(|token| *token != refused) {
                return Ok(Some(token.clone()));
            }
            // Should no other be had, the server is heard again before the next request.
            held.token = None;
            self.take(&mut held).await.map(Some)
        })
    }

    fn first<'a>(&'a self, challenge: &'a str) -> Later<'a, Result<Option<Secret>, OauthError>> {
        Box::pin(async move {
            let mut held = self.held.lock().await;
            // Another request may have taken one while the server was asked.
            if let Some(token) = held.good() {
                return Ok(Some(token.clone()));
            }
            held.challenge = Challenge::parse(challenge);
            self.take(&mut held).await.map(Some)
        })
    }

    fn unadmitted(&self) -> Option<OauthError> {
        Some(OauthError::Unadmitted(self.terms.server.clone()))
    }
}

impl TokenTerms {
    /// What is looked for. That the client has a key binds it as a secret does.
    fn wish(&self, challenge: &Challenge, issuer: Option<String>) -> Wish {
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

    /// Tokens, and whose they are.
    async fn tokens(&self, wish: &Wish) -> Result<(String, Tokens), OauthError> {
        let server = Url::parse(&self.server).map_err(|_| OauthError::Address {
            what: "server",
            why: "it is none",
            address: crate::client::visible(&self.server),
        })?;
        let bounds = Bounds::of(&server);
        let server = bounds.check("server", server.as_str())?;
        let web = Web::new(bounds)?;
        let found = discovery::token_place(&web, bounds, &server, wish).await?;
        let resource = found.resource.as_deref().unwrap_or(&self.server);
        let scope = self.scope(&wish.challenge, &found);
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
        Ok((found.issuer.clone(), tokens))
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

    /// What the user has set, else what the server wants, else what it names.
    fn scope(&self, challenge: &Challenge, found: &TokenPlace) -> String {
        let wanted = [&self.scopes, &challenge.scopes, &found.scopes];
        let wanted = wanted.into_iter().find(|scopes| !scopes.is_empty());
        let scopes: Vec<&str> = wanted
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|scope| is_scope(scope))
            .collect();
        scopes.join(" ")
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
        let wants = Challenge::parse("Bearer scope=\"b\"");
        let nothing = Challenge::default();
        assert_eq!(terms(&["a", "d"]).scope(&wants, &place(&[])), "a d");
        assert_eq!(terms(&[]).scope(&wants, &place(&[])), "b");
        assert_eq!(terms(&[]).scope(&nothing, &place(&[])), "c");
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
