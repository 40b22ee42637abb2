//! One sign-in: from a server's address to what is kept of it.

use std::time::Duration;

use berth_browser_sign_in::{Callback, Page, Received, random};
use berth_protocol::{OauthProvider, Secret};
use subtle::ConstantTimeEq;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    Challenge, Grant, OauthError, Redirect, Registered,
    address::Bounds,
    authorization,
    discovery::{self, Discovered},
    grant::{self, Client},
    registration,
    token::{self, Tokens},
    web::Web,
};

/// The path of the callback. It is always the same, because clients that are registered by hand have it in
/// their registration.
const PATH: &str = "/callback";

/// Longest code that is taken, in bytes.
const LONGEST_CODE: usize = 4096;

/// What a sign-in begins with.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The server's address.
    pub server: String,
    /// What the server said when it wanted a sign-in (`WWW-Authenticate`).
    pub challenge: Challenge,
    /// Whose authorization server it is, as the user says. A registered client of a provider is used with that
    /// provider's authorization servers alone.
    pub provider: OauthProvider,
    /// A client that was registered by hand.
    pub registered: Option<Registered>,
    /// The authorization server at which the registered client was used before, byte for byte. It is used at no
    /// other: the server decides which one it names, and the client's secret is none of its business.
    pub issuer: Option<String>,
    /// The address of Berth's document, for authorization servers that take it as identifier.
    pub document: Option<String>,
    /// The scopes to ask for; empty for those that the server names.
    pub scopes: Vec<String>,
    /// The scopes that were asked for before; they are asked for again with what is new.
    pub held: Vec<String>,
    /// Whether requests have the parameter `resource`. Microsoft Entra refuses it.
    pub resource: bool,
    /// Where the browser answers.
    pub redirect: Redirect,
    /// How long the user may take.
    pub time_limit: Duration,
}

impl Wish {
    /// A sign-in to this server, with nothing out of the ordinary.
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            challenge: Challenge::default(),
            provider: OauthProvider::Discovered,
            registered: None,
            issuer: None,
            document: None,
            scopes: Vec::new(),
            held: Vec::new(),
            resource: true,
            redirect: Redirect::default(),
            time_limit: Duration::from_secs(300),
        }
    }
}

/// A sign-in that waits for the browser. Dropping it ends it: nothing listens any more, and what comes later
/// is not taken.
pub struct SignIn {
    url: String,
    wish: Wish,
    web: Web,
    found: Discovered,
    client: Client,
    scopes: Vec<String>,
    resource: Option<String>,
    callback: Callback,
    redirect: String,
    state: Secret,
    verifier: Secret,
    until: Instant,
}

impl SignIn {
    /// Finds out where to sign in, becomes a client there, and begins to listen.
    ///
    /// # Errors
    /// [`OauthError`]. Nothing is opened then. [`OauthError::OtherClient`] and [`OauthError::OtherProvider`] when the
    /// registered client belongs to another authorization server than that which the server names: that one is not
    /// even asked for its description.
    pub async fn begin(wish: Wish) -> Result<Self, OauthError> {
        let server = Url::parse(&wish.server).map_err(|_| OauthError::Address {
            what: "server",
            why: "it is none",
            address: crate::client::visible(&wish.server),
        })?;
        let bounds = Bounds::of(&server);
        let server = bounds.check("server", server.as_str())?;
        let web = Web::new(bounds)?;
        let found = discovery::discover(&web, bounds, &server, &wish).await?;
        let scopes = authorization::scopes(&wish, &found);
        // The address has to be taken before anybody is told of it: a registration and the browser are.
        let callback = Callback::bind(wish.redirect, PATH.to_owned());
        let callback = callback.await.map_err(OauthError::listener)?;
        let redirect = callback.address();
        let (registered, document) = (wish.registered.as_ref(), wish.document.as_deref());
        let client =
            registration::client(&web, &found, registered, document, &redirect, &scopes).await?;
        let resource = wish.resource.then(|| {
            let named = found.resource.clone();
            named.unwrap_or_else(|| wish.server.clone())
        });
        let (state, verifier) = (random(), random());
        let url = authorization::url(
            &found,
            &client,
            &redirect,
            &state,
            &verifier,
            &scopes,
            resource.as_deref(),
        );
        let url = bounds.check("authorization endpoint", &url)?.into();
        let until = Instant::now() + wish.time_limit;
        Ok(Self {
            url,
            wish,
            web,
            found,
            client,
            scopes,
            resource,
            callback,
            redirect,
            state,
            verifier,
            until,
        })
    }

    /// The address to open in the browser: https, or http on this machine. It is given to the browser as it
    /// is, never through a shell.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who asks the user to sign in, to be shown before the browser is opened.
    pub fn issuer(&self) -> &str {
        &self.found.issuer
    }

    /// Until when the browser is waited for.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Waits for the browser, redeems its answer, and gives `keep` what came of it. The browser is told that its
    /// user is signed in only once that is kept. What is limited in time is the user's part of it.
    ///
    /// # Errors
    /// [`OauthError`]. The browser is told too.
    pub async fn finish<T, F>(mut self, keep: impl FnOnce(Grant) -> F) -> Result<T, OauthError>
    where
        F: Future<Output = Result<T, OauthError>>,
    {
        let answered = timeout_at(self.until, self.answered()).await;
        let answered = answered.map_err(|_| OauthError::TimedOut(self.wish.time_limit))?;
        let (received, answer) = answered?;
        let kept = match self.redeem(answer).await {
            Ok(grant) => keep(grant).await,
            Err(error) => Err(error),
        };
        match &kept {
            Ok(_) => received.answer(Page::SignedIn).await,
            Err(error) => received.answer(Page::Failed(&error.to_string())).await,
        }
        kept
    }

    async fn answered(&mut self) -> Result<(Received, BrowserAnswer), OauthError> {
        loop {
            let received = self.callback.next().await.map_err(OauthError::listener)?;
            let answer = BrowserAnswer::read(&received.query);
            let state = self.state.expose().as_bytes();
            let given = answer.state.as_deref().unwrap_or_default().as_bytes();
            if bool::from(given.ct_eq(state)) {
                return Ok((received, answer));
            }
            // It is not an answer to this sign-in, which goes on: or anybody could end it.
            self.callback.turn_away(received);
        }
    }

    /// Who answers is looked at before what is said.
    async fn redeem(&self, answer: BrowserAnswer) -> Result<Grant, OauthError> {
        let is_right = match &answer.issuer {
            Some(issuer) => *issuer == self.found.issuer,
            None => !self.found.says_issuer,
        };
        if !is_right || answer.is_ambiguous {
            return Err(OauthError::OtherIssuer(self.found.issuer.clone()));
        }
        if let Some(error) = answer.error {
            return Err(registration::denied(&error, answer.description.as_deref()));
        }
        let code = answer.code.filter(|code| {
            let code = code.expose();
            !code.is_empty() && code.len() <= LONGEST_CODE
        });
        let code = code.ok_or_else(|| registration::denied("no code was given", None))?;
        let tokens = token::redeem(
            &self.web,
            &self.found.token,
            &self.client,
            &code,
            &self.verifier,
            &self.redirect,
            self.resource.as_deref(),
        );
        Ok(self.grant(tokens.await?))
    }

    fn grant(&self, tokens: Tokens) -> Grant {
        Grant {
            revision: rand::random(),
            server: self.wish.server.clone(),
            issuer: self.found.issuer.clone(),
            token_endpoint: self.found.token.to_string(),
            revocation_endpoint: self.found.revocation.as_ref().map(Url::to_string),
            client: self.client.clone(),
            resource: self.resource.clone(),
            // What was asked for was given where nothing else is said (RFC 6749, section 5.1).
            scopes: tokens.scopes.unwrap_or_else(|| self.scopes.clone()),
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            given_at: grant::now(),
            lives: tokens.lives,
            is_over: false,
        }
    }
}

/// What the authorization server says through the browser.
#[derive(Default)]
struct BrowserAnswer {
    state: Option<String>,
    issuer: Option<String>,
    code: Option<Secret>,
    error: Option<String>,
    description: Option<String>,
    /// Something is said twice.
    is_ambiguous: bool,
}

impl BrowserAnswer {
    fn read(query: &str) -> Self {
        let mut answer = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let before = match &*name {
                "state" => answer.state.replace(value).is_some(),
                "iss" => answer.issuer.replace(value).is_some(),
                "code" => answer.code.replace(value.into()).is_some(),
                "error" => answer.error.replace(value).is_some(),
                "error_description" => answer.description.replace(value).is_some(),
                _ => false,
            };
            answer.is_ambiguous |= before;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_twice_is_noticed() {
        assert!(!BrowserAnswer::read("code=a&state=b&iss=c&x=1&x=2").is_ambiguous);
        for query in [
            "code=a&code=b",
            "state=a&state=a",
            "iss=a&iss=b",
            "error=a&error=b",
        ] {
            assert!(BrowserAnswer::read(query).is_ambiguous, "{query}");
        }
    }
}
