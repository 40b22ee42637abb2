//! What can be asked of the sign-in server.

use std::{fmt, sync::Arc};

use berth_protocol::Secret;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{
    Aal, AuthError, Backend, BrowserSignIn, Factor, Outcome, Providers, SecondFactor, Session,
    User, Way,
    refusal::Asked,
    session::now,
    web::{Request, Web},
    wire,
};

/// Longest address, code or password that is sent, in bytes.
const LONGEST: usize = 1024;

/// A client of one backend's sign-in server. Clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Web>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client")
            .field(&self.0.backend.url())
            .finish()
    }
}

impl Client {
    /// A client; nobody is asked yet.
    ///
    /// # Errors
    /// [`AuthError::Unreachable`] when this machine cannot make one.
    pub fn new(backend: Backend) -> Result<Self, AuthError> {
        Web::new(backend).map(|web| Self(Arc::new(web)))
    }

    /// The backend that it asks.
    pub fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// How users may sign in.
    ///
    /// # Errors
    /// [`AuthError`]
    pub async fn providers(&self) -> Result<Providers, AuthError> {
        let request = Request::get(Asked::Settings, "settings");
        Providers::read(&self.0.ask(request).await?)
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// [`AuthError`], among them [`AuthError::PasswordWrong`].
    pub async fn with_password(
        &self,
        email: &str,
        password: &Secret,
    ) -> Result<Outcome, AuthError> {
        let is_none = password.expose().is_empty() || password.expose().len() > LONGEST;
        let email = address(email).filter(|_| !is_none);
        let email = email.ok_or_else(|| AuthError::PasswordWrong(self.url()))?;
        let body = json!({"email": email, "password": password.expose()});
        let grant = [("grant_type", "password")];
        let session = self
            .session(Request {
                query: &grant,
                secrets: &[password],
                ..Request::post(Asked::Password, "token", body)
            })
            .await?;
        self.outcome(session).await
    }

    /// Has a code mailed to an address. Who has no account gets one only with `sign_up`, and only where the backend
    /// lets them.
    ///
    /// # Errors
    /// [`AuthError`]. That there is no such account is not always told.
    pub async fn send_code(&self, email: &str, sign_up: bool) -> Result<(), AuthError> {
        let email = address(email).ok_or_else(|| AuthError::Refused {
            what: Asked::EmailCode.name(),
            backend: self.url(),
            said: "this is no e-mail address".to_owned(),
        })?;
        let body = json!({"email": email, "create_user": sign_up});
        let request = Request::post(Asked::EmailCode, "otp", body);
        self.0.ask(request).await.map(drop)
    }

    /// Signs in with the code that was mailed.
    ///
    /// # Errors
    /// [`AuthError`], among them [`AuthError::CodeWrong`].
    pub async fn with_code(&self, email: &str, code: &Secret) -> Result<Outcome, AuthError> {
        let code = self.code(code)?;
        let email = address(email).ok_or_else(|| AuthError::CodeWrong(self.url()))?;
        let body = json!({"type": "email", "email": email, "token": code.expose()});
        let session = self
            .session(Request {
                secrets: &[&code],
                ..Request::post(Asked::Verify, "verify", body)
            })
            .await?;
        self.outcome(session).await
    }

    /// Begins a sign-in in the browser.
    ///
    /// # Errors
    /// [`AuthError`]. Nothing is opened then.
    pub async fn begin(&self, way: Way) -> Result<BrowserSignIn, AuthError> {
        BrowserSignIn::begin(self.clone(), way).await
    }

    /// The account that a token was given to, with its second factors.
    ///
    /// # Errors
    /// [`AuthError`]
    pub async fn user(&self, access: &Secret) -> Result<User, AuthError> {
        let request = Request {
            token: Some(access),
            ..Request::get(Asked::User, "user")
        };
        User::read(&self.0.ask(request).await?)
    }

    /// Ends the session that a token belongs to, and no other of its user's.
    ///
    /// # Errors
    /// [`AuthError`], among them [`AuthError::TokenRefused`], which says nothing of the session.
    pub async fn sign_out(&self, access: &Secret) -> Result<(), AuthError> {
        let request = Request {
            query: &[("scope", "local")],
            token: Some(access),
            ..Request::post(Asked::SignOut, "logout", json!({}))
        };
        match self.0.ask(request).await {
            // It was over already.
            Ok(_) | Err(AuthError::Ended(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a session at the backend that is not kept after all, so that nobody is signed in whom nobody knows of.
    /// Where that does not work, nothing more can be done.
    pub async fn discard(&self, session: Session) {
        self.abandon(&session.access_token).await;
    }

    /// The same with its token alone.
    pub(super) async fn abandon(&self, access: &Secret) {
        if let Err(error) = self.sign_out(access).await {
            tracing::info!(%error, "a session that is not kept goes on at the backend");
        }
    }

    /// What has to be proved beside what a session is for; nothing when it is enough.
    pub(super) async fn factors(&self, session: &Session) -> Result<Vec<Factor>, AuthError> {
        if session.aal == Aal::Two {
            return Ok(Vec::new());
        }
        let user = self.user(&session.access_token).await?;
        if user.id != session.user {
            return Err(AuthError::Answer {
                what: Asked::User.name(),
                backend: self.url(),
                why: "with the account of somebody else".to_owned(),
            });
        }
        Ok(user.factors)
    }

    /// What a new session has come to: it is asked whether the account has more to prove.
    async fn outcome(&self, session: Session) -> Result<Outcome, AuthError> {
        match self.factors(&session).await {
            Ok(factors) if factors.is_empty() => Ok(Outcome::SignedIn(session)),
            Ok(factors) => {
                let second = SecondFactor::new(self.clone(), session, factors);
                Ok(Outcome::SecondFactor(second))
            }
            Err(error) => {
                self.discard(session).await;
                Err(error)
            }
        }
    }

    /// Redeems the code that came through the browser.
    pub(super) async fn redeem(
        &self,
        code: &Secret,
        verifier: &Secret,
    ) -> Result<Outcome, AuthError> {
        let body = json!({"auth_code": code.expose(), "code_verifier": verifier.expose()});
        let session = self
            .session(Request {
                query: &[("grant_type", "pkce")],
                secrets: &[code, verifier],
                ..Request::post(Asked::Redeem, "token", body)
            })
            .await?;
        self.outcome(session).await
    }

    /// Another token for the same session. The refresh token is good once.
    pub(super) async fn refresh(&self, session: &Session) -> Result<Session, AuthError> {
        let body = json!({"refresh_token": session.refresh_token.expose()});
        let renewed = self
            .session(Request {
                query: &[("grant_type", "refresh_token")],
                secrets: &[&session.refresh_token],
                ..Request::post(Asked::Refresh, "token", body)
            })
            .await?;
        self.same(Asked::Refresh, session, renewed)
    }

    /// Takes the code of a second factor. The session stays the same, and its refresh token of before ends it.
    pub(super) async fn verify(
        &self,
        session: &Session,
        factor: Uuid,
        code: &Secret,
    ) -> Result<Session, AuthError> {
        let access = &session.access_token;
        let code = self.code(code)?;
        let path = format!("factors/{factor}/challenge");
        let request = Request {
            token: Some(access),
            ..Request::post(Asked::Factor, &path, json!({}))
        };
        let challenge: wire::Challenge = self.0.ask(request).await?.json()?;
        let path = format!("factors/{factor}/verify");
        let body = json!({"challenge_id": challenge.id, "code": code.expose()});
        let verified = self
            .session(Request {
                token: Some(access),
                secrets: &[&code],
                ..Request::post(Asked::Factor, &path, body)
            })
            .await?;
        if verified.aal < Aal::Two {
            return Err(AuthError::Answer {
                what: Asked::Factor.name(),
                backend: self.url(),
                why: "with a token that says nothing of it".to_owned(),
            });
        }
        self.same(Asked::Factor, session, verified)
    }

    /// What takes a session's place is the same user's, and the same session.
    fn same(&self, asked: Asked, before: &Session, next: Session) -> Result<Session, AuthError> {
        let wrong = |why: &str| AuthError::Answer {
            what: asked.name(),
            backend: self.url(),
            why: why.to_owned(),
        };
        if next.user != before.user {
            return Err(wrong("with the token of somebody else"));
        }
        if next.is_another(before) {
            return Err(wrong("with the token of another session"));
        }
        Ok(Session {
            email: next.email.or_else(|| before.email.clone()),
            ..next
        })
    }

    /// The page of the single sign-on that a domain belongs to.
    pub(super) async fn sso(
        &self,
        domain: &str,
        redirect: &str,
        challenge: &str,
    ) -> Result<String, AuthError> {
        let body = json!({
            "domain": domain,
            "redirect_to": redirect,
            "skip_http_redirect": true,
            "code_challenge": challenge,
            "code_challenge_method": "s256",
        });
        let answer = self.0.ask(Request::post(Asked::Sso, "sso", body)).await?;
        answer.json::<wire::SsoSaid>().map(|said| said.url)
    }

    /// The page of a provider.
    pub(super) fn authorize(&self, provider: &str, redirect: &str, challenge: &str) -> Url {
        let mut url = self.0.backend.endpoint("authorize");
        url.query_pairs_mut()
            .append_pair("provider", provider)
            .append_pair("redirect_to", redirect)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "s256");
        url
    }

    async fn session(&self, request: Request<'_>) -> Result<Session, AuthError> {
        // Before it is asked for: it cannot be older than that.
        let asked_at = now();
        let answer = self.0.ask(request).await?;
        wire::session(&answer, &self.0.backend, asked_at)
    }

    /// A code as it is sent: blanks are for the eye.
    fn code(&self, code: &Secret) -> Result<Secret, AuthError> {
        let code: String = code.expose().split_whitespace().collect();
        let is_one =
            (1..=32).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        match is_one {
            true => Ok(code.into()),
            false => Err(AuthError::CodeWrong(self.url())),
        }
    }

    fn url(&self) -> String {
        self.0.backend.url().to_owned()
    }
}

/// An e-mail address as it is sent; nothing when it can be none.
fn address(email: &str) -> Option<&str> {
    let email = email.trim();
    let is_one = email.len() <= LONGEST && !email.contains(char::is_control) && {
        let (name, domain) = email.rsplit_once('@')?;
        !name.is_empty() && !domain.is_empty()
    };
    is_one.then_some(email)
}
