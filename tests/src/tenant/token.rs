//! Tokens as the sign-in server issues them, and as nobody should take them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::real;

/// Signs the tokens of tests, and is used for nothing else.
const SECRET: &str = "signs-the-tokens-of-tests-and-nothing-else-0123456789";

/// What a real sign-in server has given to whom, where tests cannot sign what it takes.
static GIVEN: Mutex<BTreeMap<Uuid, String>> = Mutex::new(BTreeMap::new());

/// With what tokens are signed: the secret of a real backend, where one is given that says it.
pub(super) fn secret() -> String {
    real::signing_secret().unwrap_or_else(|| SECRET.to_owned())
}

/// Keeps what a real sign-in server has given.
pub(super) fn keep(person: Uuid, token: String) {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.insert(person, token);
}

/// A token that the backend takes for a person: the one that was given, else one of our own.
pub(super) fn good(person: Uuid) -> String {
    let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get(&person).cloned();
    given.unwrap_or_else(|| Token::of(person).signed())
}

/// A token that is not signed yet.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it says.
    pub claims: Value,
}

impl Token {
    /// As the sign-in server makes it for a person, good for an hour.
    pub fn of(person: Uuid) -> Self {
        let now = now();
        Self {
            claims: json!({
                "sub": person,
                "role": "authenticated",
                "aud": "authenticated",
                "iat": now,
                "exp": now + 3600,
            }),
        }
    }

    /// With another value of a claim.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims[claim] = value.into();
        self
    }

    /// Signed with the key that the backend knows.
    pub fn signed(&self) -> String {
        self.signed_with(&secret())
    }

    /// Signed with any key.
    ///
    /// # Panics
    /// Never: every key fits.
    pub fn signed_with(&self, key: &str) -> String {
        let said = format!(
            "{}.{}",
            part(&json!({"alg": "HS256", "typ": "JWT"})),
            part(&self.claims)
        );
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key may have any length");
        mac.update(said.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{said}.{signature}")
    }

    /// One that the backend takes: signed with the key that it knows, and not over.
    pub(super) fn read(token: &str) -> Option<Self> {
        let (said, signature) = token.rsplit_once('.')?;
        let (_, claims) = said.split_once('.')?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret().as_bytes()).ok()?;
        mac.update(said.as_bytes());
        let expected = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let is_over = claims["exp"].as_u64().is_none_or(|end| end <= now());
        (expected == signature && !is_over).then_some(Self { claims })
    }

    /// With the algorithm `none`, and no signature.
    pub fn unsigned(&self) -> String {
        format!(
            "{}.{}.",
            part(&json!({"alg": "none", "typ": "JWT"})),
            part(&self.claims)
        )
    }
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
