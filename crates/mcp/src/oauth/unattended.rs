//! Tokens for which nobody signs in: those of a client that acts for itself (RFC 6749, section 4.4, and the protocol's
//! extension `io.modelcontextprotocol/oauth-client-credentials`), and those of a client for whose user the identity
//! provider of their organization vouches (`io.modelcontextprotocol/enterprise-managed-authorization`).
//!
//! They are in memory alone, and another one is taken when one ends: what it is taken with is kept already. The server is
//! asked without a token first, as by whoever signs in, because it says then where tokens are had.
//!
//! One request at a time asks for a token, and one at a time for more access. Those that wait meanwhile share what it
//! comes to, a failure too: an authorization server that hangs costs all of them together the time of one attempt.

mod terms;

use std::{
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Instant,
};

use berth_protocol::Secret;
use tokio::sync::Mutex;

use super::{
    Challenge, Later, OauthError, StoreError, TokenSource,
    discovery::{SCOPES, is_scope},
    grant,
    step_up::{StepUps, united},
};
use terms::Taken;
pub use terms::{ClientProof, TokenTerms, Vouched};

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

/// Takes tokens by itself. All connections to a server share one, so that they share its token.
pub struct Unattended {
    terms: TokenTerms,
    home: Arc<dyn ClientHome>,
    held: Mutex<Held>,
    /// Held while more access is asked for, with what that came to when it last failed. The token that there is goes on
    /// to serve everything else meanwhile, so it is not behind the same lock.
    stepping: Mutex<Option<Failed>>,
    step_ups: StepUps,
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
    /// The scopes of the last step-up, without which the next token would be short again.
    more: Vec<String>,
    token: Option<Given>,
    /// What came of the last attempt that has failed.
    failed: Option<Failed>,
}

struct Given {
    token: Secret,
    /// What it allows.
    scopes: Vec<String>,
    /// In seconds since 1970.
    at: u64,
    /// In seconds, where that is said.
    lives: Option<u64>,
}

impl Given {
    fn of(taken: Taken) -> Self {
        Self {
            token: taken.tokens.access,
            // What was asked for was given where nothing else is said (RFC 6749, section 5.1).
            scopes: taken.tokens.scopes.unwrap_or(taken.asked),
            at: grant::now(),
            lives: taken.tokens.lives,
        }
    }

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

    /// What the last attempt came to, for whoever came then and has waited for it.
    fn failure_since(&self, came: Instant) -> Option<OauthError> {
        let failed = self.failed.as_ref()?;
        failed.for_whoever(came, &[])
    }
}

/// An attempt that has failed.
struct Failed {
    at: Instant,
    /// The scopes that it was to add.
    scopes: Vec<String>,
    error: OauthError,
}

impl Failed {
    fn now(scopes: Vec<String>, error: &OauthError) -> Self {
        Self {
            at: Instant::now(),
            scopes,
            error: error.clone(),
        }
    }

    /// The same error for whoever came before the attempt was over, and wanted the same of it. Whoever comes later
    /// finds out anew.
    fn for_whoever(&self, came: Instant, scopes: &[String]) -> Option<OauthError> {
        // That nobody answers has nothing to do with the scopes.
        let is_theirs = self.scopes == scopes || self.error.is_transient();
        (came < self.at && is_theirs).then(|| self.error.clone())
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
            stepping: Mutex::default(),
            step_ups: StepUps::default(),
        }
    }

    /// What its tokens are taken with.
    pub fn terms(&self) -> &TokenTerms {
        &self.terms
    }

    /// Takes another token for somebody who came then, unless an attempt that they have waited for has failed.
    async fn take(&self, held: &mut Held, came: Instant) -> Result<Secret, OauthError> {
        if let Some(error) = held.failure_since(came) {
            return Err(error);
        }
        let taken = self.ask(held).await;
        if let Err(error) = &taken {
            held.failed = Some(Failed::now(Vec::new(), error));
        }
        taken
    }

    async fn ask(&self, held: &mut Held) -> Result<Secret, OauthError> {
        let before = match &held.issuer {
            Some(issuer) => Some(issuer.clone()),
            None => {
                let known = self.home.issuer().await?;
                held.is_noted = known.is_some();
                known
            }
        };
        let mut wish = self.terms.wish(&held.challenge, before);
        wish.held.clone_from(&held.more);
        let mut taken = self.terms.tokens(&wish).await;
        if matches!(taken, Err(OauthError::Denied { .. })) && !held.more.is_empty() {
            // It may be for what a step-up has added, and is given no longer.
            held.more.clear();
            wish.held.clear();
            taken = self.terms.tokens(&wish).await;
        }
        let taken = taken?;
        held.issuer = Some(taken.issuer.clone());
        if !held.is_noted {
            self.home.used(&taken.issuer).await?;
            held.is_noted = true;
        }
        let given = Given::of(taken);
        let token = given.token.clone();
        held.token = Some(given);
        Ok(token)
    }

    /// Takes a token with what `short` allows and with what is wanted besides, as often as a user would be asked for
    /// that. One that cannot be had leaves the token that there is.
    async fn step_up(
        &self,
        short: &Secret,
        mut challenge: Challenge,
    ) -> Result<Option<Secret>, OauthError> {
        let came = Instant::now();
        challenge.scopes.retain(|scope| is_scope(scope));
        challenge.scopes.truncate(SCOPES);
        let mut last = self.stepping.lock().await;
        let wish = {
            let held = self.held.lock().await;
            let Some(given) = &held.token else {
                return Ok(None);
            };
            let has = |scope: &String| given.scopes.contains(scope);
            if challenge.scopes.iter().all(has) {
                // Another request has asked for them meanwhile, or nothing is left to ask for.
                let other = Some(&given.token).filter(|token| *token != short);
                return Ok(other.cloned());
            }
            let mut asked = held.challenge.clone();
            if challenge.resource_metadata.is_some() {
                asked.resource_metadata = challenge.resource_metadata;
            }
            let mut wish = self.terms.wish(&asked, held.issuer.clone());
            wish.held = united(given.scopes.clone(), &challenge.scopes);
            wish
        };
        let failed = last.as_ref();
        if let Some(error) = failed.and_then(|it| it.for_whoever(came, &challenge.scopes)) {
            return Err(error);
        }
        if !self.step_ups.begin(Instant::now()) {
            return Ok(None);
        }
        match self.terms.tokens(&wish).await {
            Ok(taken) => {
                let mut held = self.held.lock().await;
                held.more.clone_from(&taken.asked);
                let given = Given::of(taken);
                let token = given.token.clone();
                held.token = Some(given);
                Ok(Some(token))
            }
            Err(error) => {
                if error.is_transient() {
                    self.step_ups.take_back();
                }
                let error = self.terms.no_more(&challenge.scopes, error);
                *last = Some(Failed::now(challenge.scopes, &error));
                Err(error)
            }
        }
    }
}

impl TokenSource for Unattended {
    fn token(&self) -> Later<'_, Result<Option<Secret>, OauthError>> {
        Box::pin(async move {
            let came = Instant::now();
            let mut held = self.held.lock().await;
            if let Some(token) = held.good() {
                return Ok(Some(token.clone()));
            }
            if held.token.is_none() && held.failure_since(came).is_none() {
                return Ok(None);
            }
            match self.take(&mut held, came).await {
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
            let came = Instant::now();
            let mut held = self.held.lock().await;
            if let Some(token) = held.good().filter(|token| *token != refused) {
                return Ok(Some(token.clone()));
            }
            // Should no other be had, the server is heard again before the next request.
            held.token = None;
            self.take(&mut held, came).await.map(Some)
        })
    }

    fn first<'a>(&'a self, challenge: &'a str) -> Later<'a, Result<Option<Secret>, OauthError>> {
        Box::pin(async move {
            let came = Instant::now();
            let mut held = self.held.lock().await;
            // Another request may have taken one while the server was asked.
            if let Some(token) = held.good() {
                return Ok(Some(token.clone()));
            }
            held.challenge = Challenge::parse(challenge);
            self.take(&mut held, came).await.map(Some)
        })
    }

    fn stepped_up<'a>(
        &'a self,
        short: &'a Secret,
        challenge: &'a str,
    ) -> Later<'a, Result<Option<Secret>, OauthError>> {
        Box::pin(self.step_up(short, Challenge::parse(challenge)))
    }

    fn unadmitted(&self, challenge: &str) -> Option<OauthError> {
        let why = OauthError::Unadmitted(self.terms.shown());
        let challenge = Challenge::parse(challenge);
        Some(match challenge.wants_more() {
            true => self.terms.no_more(&challenge.scopes, why),
            false => why,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_is_that_of_whoever_came_before_it_and_wanted_the_same() {
        let began = Instant::now();
        let words = |text: &str| vec![text.to_owned()];
        let denied = OauthError::Denied {
            error: "invalid_scope".to_owned(),
            description: None,
        };
        let silent = OauthError::Unreachable {
            what: "token endpoint",
            address: "https://as.example/token".to_owned(),
            why: "nobody answers".to_owned(),
        };
        for (error, of_others) in [(denied, false), (silent, true)] {
            let mut failed = Failed::now(words("a"), &error);
            failed.at = began + Duration::from_secs(15);
            let told = |came: u64, scopes: &str| {
                let came = began + Duration::from_secs(came);
                let error = failed.for_whoever(came, &words(scopes));
                error.map(|error| error.to_string())
            };
            assert_eq!(told(0, "a"), Some(error.to_string()));
            assert_eq!(told(14, "a"), Some(error.to_string()));
            assert_eq!(told(14, "b").is_some(), of_others, "{error}");
            for later in [15, 16] {
                assert_eq!(told(later, "a"), None, "{later}");
            }
        }
    }
}
