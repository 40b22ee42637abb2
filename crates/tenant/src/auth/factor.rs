//! What a first factor comes to: a session, or the question for a second factor.

use berth_protocol::Secret;
use uuid::Uuid;

use super::{AuthError, Client, Session, SignedIn};

/// What signing in has come to.
#[derive(Debug)]
pub enum Outcome {
    /// Somebody is signed in.
    SignedIn(Session),
    /// Their account has a second factor, which is asked for first.
    SecondFactor(SecondFactor),
}

impl Outcome {
    /// The access token that has been given for it.
    pub(super) fn access(&self) -> &Secret {
        match self {
            Self::SignedIn(session) => &session.access_token,
            Self::SecondFactor(second) => &second.session.access_token,
        }
    }
}

/// A second factor of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Its id.
    pub id: Uuid,
    /// How its user calls it; may be empty.
    pub name: String,
    /// What it is.
    pub kind: FactorKind,
}

/// What a second factor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactorKind {
    /// An authenticator app, which shows a code of six digits (RFC 6238).
    Totp,
    /// Something else, by its name; it cannot be used here.
    Other(String),
}

impl FactorKind {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "totp" => Self::Totp,
            name => Self::Other(name.to_owned()),
        }
    }
}

/// A sign-in that waits for its second factor. Nothing is kept of it before, and nobody gets its token.
#[derive(Debug)]
pub struct SecondFactor {
    client: Client,
    session: Session,
    factors: Vec<Factor>,
}

/// The second factor of whoever is signed in by one alone. It has no token: [`super::Keeper::verify`] takes its code,
/// because that changes the session that is kept.
#[derive(Clone, Debug)]
pub struct StepUp {
    who: SignedIn,
    factors: Vec<Factor>,
}

impl StepUp {
    pub(super) fn new(who: SignedIn, factors: Vec<Factor>) -> Self {
        Self { who, factors }
    }

    /// Whose second factor it is.
    pub fn who(&self) -> &SignedIn {
        &self.who
    }

    /// The factors, one of which is enough. There is at least one.
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }
}

/// Whether a factor can be asked for.
pub(super) fn check(factors: &[Factor], factor: Uuid, backend: &str) -> Result<(), AuthError> {
    let known = factors.iter().find(|known| known.id == factor);
    let kind = match known.map(|known| &known.kind) {
        Some(FactorKind::Totp) => return Ok(()),
        Some(FactorKind::Other(kind)) => kind.clone(),
        None => "factor of somebody else".to_owned(),
    };
    Err(AuthError::Factor {
        backend: backend.to_owned(),
        kind,
    })
}

impl SecondFactor {
    pub(super) fn new(client: Client, session: Session, factors: Vec<Factor>) -> Self {
        Self {
            client,
            session,
            factors,
        }
    }

    /// Whose second factor it is.
    pub fn who(&self) -> SignedIn {
        self.session.signed_in()
    }

    /// The factors, one of which is enough. There is at least one.
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// What speaks to the backend that asks for it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Takes the code of a factor. After [`AuthError::CodeWrong`] another one can be tried, and after
    /// [`AuthError::Unreachable`] the same.
    ///
    /// # Errors
    /// [`AuthError`]; [`AuthError::Factor`] for one that is no authenticator app.
    pub async fn verify(&self, factor: Uuid, code: &Secret) -> Result<Session, AuthError> {
        check(&self.factors, factor, self.client.backend().url())?;
        self.client.verify(&self.session, factor, code).await
    }

    /// Does without signing in: ends at the server what the first factor has begun.
    ///
    /// # Errors
    /// [`AuthError`]; what was begun ends by itself then.
    pub async fn give_up(self) -> Result<(), AuthError> {
        self.client.sign_out(&self.session.access_token).await
    }
}
