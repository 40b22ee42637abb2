//! One sign-in through the system browser.
//!
//! The sign-in server passes no `state` on. What nobody else can know stands in the path that the browser answers at,
//! and the code is worth nothing without the verifier, which never leaves this process.

use std::{sync::Arc, time::Duration};

use berth_browser_sign_in::{Callback, Page, Received, Redirect, acts, challenge, random};
use berth_protocol::Secret;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    AuthError, Backend, Client, Outcome,
    backend::is_loopback,
    refusal::{Asked, Said},
    wire::is_provider,
};

/// How long the user may take: so long the sign-in server waits too.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Longest code that is taken, in bytes.
const LONGEST_CODE: usize = 4096;

/// Where in the browser somebody signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// At a provider, by a name of [`super::Providers::browser`].
    Provider(String),
    /// At the single sign-on of an organization, by the domain of its e-mail addresses.
    Domain(String),
}

/// A sign-in that waits for the browser. Dropping it ends it: nothing listens any more, and what comes later is not
/// taken.
pub struct BrowserSignIn {
    client: Client,
    url: String,
    callback: Callback,
    verifier: Secret,
    time_limit: Duration,
    until: Instant,
}

impl BrowserSignIn {
    pub(super) async fn begin(client: Client, way: Way) -> Result<Self, AuthError> {
        let backend = client.backend();
        let refused = |asked: Asked, why: &str| AuthError::Refused {
            what: asked.name(),
            backend: backend.url().to_owned(),
            said: why.to_owned(),
        };
        // The address has to be taken before anybody is told of it.
        let path = format!("/cb/{}", random().expose());
        let callback = Callback::bind(Redirect::default(), path).await;
        let callback = callback.map_err(|error| AuthError::Listener(Arc::new(error)))?;
        let redirect = callback.address();
        let verifier = random();
        let challenge = challenge(&verifier);
        let url = match way {
            Way::Provider(name) if is_provider(&name) => {
                client.authorize(&name, &redirect, &challenge).into()
            }
            Way::Provider(_) => {
                return Err(refused(Asked::Redeem, "there is no such provider"));
            }
            Way::Domain(domain) => {
                let domain = domain_of(&domain).ok_or_else(|| {
                    refused(Asked::Sso, "this is neither a domain nor an e-mail address")
                })?;
                let page = client.sso(&domain, &redirect, &challenge).await?;
                opened(&page, backend.is_local()).ok_or_else(|| AuthError::Answer {
                    what: Asked::Sso.name(),
                    backend: backend.url().to_owned(),
                    why: "with an address that is not opened".to_owned(),
                })?
            }
        };
        Ok(Self {
            client,
            url,
            callback,
            verifier,
            time_limit: TIME_LIMIT,
            until: Instant::now() + TIME_LIMIT,
        })
    }

    /// Waits no longer than this, from now on. The sign-in server waits 300 s.
    #[must_use]
    pub fn within(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self.until = Instant::now() + time_limit;
        self
    }

    /// The address to open in the browser: https, or http on this machine. It is given to the browser as it is, never
    /// through a shell.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where somebody signs in.
    pub fn backend(&self) -> &Backend {
        self.client.backend()
    }

    /// Until when the browser is waited for.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Waits for the browser, redeems its answer, and gives `keep` what came of it. The browser is told that its user
    /// is signed in only once that is kept. What is limited in time is the user's part of it.
    ///
    /// # Errors
    /// [`AuthError`]. The browser is told too, and what was begun is ended at the backend, unless a keeper holds it.
    pub async fn finish<T, F>(mut self, keep: impl FnOnce(Outcome) -> F) -> Result<T, AuthError>
    where
        F: Future<Output = Result<T, AuthError>>,
    {
        let answered = timeout_at(self.until, self.answered()).await;
        let answered = answered.map_err(|_| AuthError::TimedOut(self.time_limit))?;
        let (received, answer) = answered?;
        let (kept, page, access) = match self.redeem(answer).await {
            Ok(outcome) => {
                let page = match &outcome {
                    Outcome::SignedIn(_) => Page::SignedIn,
                    Outcome::SecondFactor(_) => Page::Halfway,
                };
                let access = outcome.access().clone();
                (keep(outcome).await, page, Some(access))
            }
            Err(error) => (Err(error), Page::SignedIn, None),
        };
        match &kept {
            Ok(_) => received.answer(page).await,
            Err(error) => received.answer(Page::Failed(&error.to_string())).await,
        }
        if let (Err(error), Some(access)) = (&kept, access)
            && !error.is_held()
        {
            self.client.abandon(&access).await;
        }
        kept
    }

    async fn answered(&mut self) -> Result<(Received, BrowserAnswer), AuthError> {
        loop {
            let received = self.callback.next().await;
            let received = received.map_err(|error| AuthError::Listener(Arc::new(error)))?;
            let answer = BrowserAnswer::read(&received.query);
            if answer.code.is_some() || answer.error.is_some() {
                return Ok((received, answer));
            }
            self.callback.turn_away(received);
        }
    }

    async fn redeem(&self, answer: BrowserAnswer) -> Result<Outcome, AuthError> {
        let denied = |said: String| AuthError::Denied {
            backend: self.client.backend().url().to_owned(),
            said,
        };
        if answer.is_ambiguous {
            return Err(denied("the browser's answer says two things".to_owned()));
        }
        if let Some(error) = answer.error {
            let code = answer.error_code.unwrap_or(error);
            let words = answer.description.unwrap_or_default();
            let said = Said::new(&code, &words, &[&self.verifier]);
            return Err(denied(said.told("it gave no reason")));
        }
        let code = answer.code.filter(|code| {
            let code = code.expose();
            !code.is_empty() && code.len() <= LONGEST_CODE
        });
        let code = code.ok_or_else(|| denied("the browser's answer has no code".to_owned()))?;
        self.client.redeem(&code, &self.verifier).await
    }
}

/// The domain that somebody means, of whose e-mail address it may be the end.
fn domain_of(text: &str) -> Option<String> {
    let text = text.trim();
    let domain = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
    let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    let is_one = (1..=253).contains(&domain.len()) && domain.bytes().all(is_of_name);
    is_one.then(|| domain.to_ascii_lowercase())
}

/// The page of a single sign-on as it is opened; nothing when it must not be. Only a backend on this machine leads to
/// a page on it.
fn opened(page: &str, is_local: bool) -> Option<String> {
    let url = Url::parse(page).ok()?;
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => is_local && is_loopback(&url),
        _ => false,
    };
    let is_bare = url.username().is_empty() && url.password().is_none() && url.host().is_some();
    let is_opened = is_safe && is_bare && !page.contains(acts) && !url.as_str().contains(acts);
    is_opened.then(|| url.into())
}

/// What the sign-in server says through the browser.
#[derive(Default)]
struct BrowserAnswer {
    code: Option<Secret>,
    error: Option<String>,
    error_code: Option<String>,
    description: Option<String>,
    /// Something is said twice, or both that it worked and that it did not.
    is_ambiguous: bool,
}

impl BrowserAnswer {
    fn read(query: &str) -> Self {
        let mut answer = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let before = match &*name {
                "code" => answer.code.replace(value.into()).is_some(),
                "error" => answer.error.replace(value).is_some(),
                "error_code" => answer.error_code.replace(value).is_some(),
                "error_description" => answer.description.replace(value).is_some(),
                _ => false,
            };
            answer.is_ambiguous |= before;
        }
        answer.is_ambiguous |= answer.code.is_some() && answer.error.is_some();
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_twice_is_noticed() {
        for (query, ambiguous) in [
            ("code=a&x=1&x=2", false),
            ("error=a&error_code=b&error_description=c", false),
            ("code=a&code=a", true),
            ("code=a&error=b", true),
            ("error=a&error=b", true),
        ] {
            assert_eq!(
                BrowserAnswer::read(query).is_ambiguous,
                ambiguous,
                "{query}"
            );
        }
    }

    #[test]
    fn a_domain_is_found_in_an_address_too() {
        for (given, domain) in [
            ("acme.example", Some("acme.example")),
            (" me@Acme.Example ", Some("acme.example")),
            ("", None),
            ("me@", None),
            ("acme.example/x", None),
            ("acme example", None),
        ] {
            assert_eq!(domain_of(given).as_deref(), domain, "{given}");
        }
    }

    #[test]
    fn only_pages_of_the_web_are_opened() {
        let good = "https://idp.example/saml?SAMLRequest=a%2Bb&RelayState=c";
        assert_eq!(opened(good, false).as_deref(), Some(good));
        let local = "http://127.0.0.1:9/saml";
        assert_eq!(opened(local, true).as_deref(), Some(local));
        assert_eq!(opened(local, false), None);
        for bad in [
            "http://idp.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://a@idp.example/",
            "https://idp.example/$(x)",
            "https://idp.example/a b",
            "https://idp.example/\n",
            "",
        ] {
            assert_eq!(opened(bad, true), None, "{bad}");
        }
    }
}
