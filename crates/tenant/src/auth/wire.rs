//! What the sign-in server answers, as far as it is used.

use std::collections::BTreeMap;

use berth_browser_sign_in::visible;
use berth_protocol::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    AuthError, Backend, Factor, Session,
    claims::{Claims, is_sendable},
    factor::FactorKind,
    session::LONGEST_LIFE,
    web::Answer,
};

/// Longest name or address that is shown, in characters.
const LONGEST: usize = 320;

/// Most second factors that are offered. Supabase lets an account have ten.
const MOST_FACTORS: usize = 32;

/// Ways to sign in that a list of providers names and that are none of those in the browser.
const NO_PROVIDERS: &[&str] = &["email", "phone", "anonymous_users"];

/// How users of a backend may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Providers {
    /// With an e-mail address: by password, or by a code that is mailed to it.
    pub email: bool,
    /// In the browser, at these, by the names that [`super::Way::Provider`] takes.
    pub browser: Vec<String>,
    /// In the browser, at the single sign-on of the user's own organization.
    pub sso: bool,
    /// Who has no account may make one.
    pub sign_up: bool,
}

#[derive(Deserialize)]
struct Settings {
    external: BTreeMap<String, Value>,
    #[serde(default)]
    disable_signup: bool,
    #[serde(default)]
    saml_enabled: bool,
}

impl Providers {
    pub(super) fn read(answer: &Answer) -> Result<Self, AuthError> {
        let settings: Settings = answer.json()?;
        let is_on = |name: &str| settings.external.get(name) == Some(&Value::Bool(true));
        let browser = settings.external.keys().filter(|name| {
            is_on(name) && is_provider(name) && !NO_PROVIDERS.contains(&name.as_str())
        });
        Ok(Self {
            email: is_on("email"),
            browser: browser.cloned().collect(),
            sso: settings.saml_enabled,
            sign_up: !settings.disable_signup,
        })
    }
}

/// The name of a provider: those of Supabase, and `custom:…` of a project's own.
pub(super) fn is_provider(name: &str) -> bool {
    let is_of_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-:".contains(&b);
    (1..=64).contains(&name.len()) && name.bytes().all(is_of_name)
}

/// An account, as its own user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its address, if it has one.
    pub email: Option<String>,
    /// Its second factors that have been verified and can be asked for.
    pub factors: Vec<Factor>,
}

#[derive(Deserialize)]
struct UserSaid {
    id: Uuid,
    email: Option<String>,
    factors: Option<Vec<FactorSaid>>,
}

#[derive(Deserialize)]
struct FactorSaid {
    id: Uuid,
    friendly_name: Option<String>,
    factor_type: String,
    status: String,
}

impl From<UserSaid> for User {
    fn from(said: UserSaid) -> Self {
        let factors = said.factors.unwrap_or_default().into_iter();
        let verified = factors.filter(|factor| factor.status == "verified");
        Self {
            id: said.id,
            email: said.email.map(|it| shown(&it)).filter(|it| !it.is_empty()),
            factors: verified
                .take(MOST_FACTORS)
                .map(|factor| Factor {
                    id: factor.id,
                    name: factor
                        .friendly_name
                        .map(|it| shown(&it))
                        .unwrap_or_default(),
                    kind: FactorKind::named(&shown(&factor.factor_type)),
                })
                .collect(),
        }
    }
}

/// A name of others on one line.
fn shown(text: &str) -> String {
    let text = visible(text).replace(['\n', '\t'], " ");
    text.trim().chars().take(LONGEST).collect()
}

impl User {
    pub(super) fn read(answer: &Answer) -> Result<Self, AuthError> {
        answer.json::<UserSaid>().map(Self::from)
    }
}

#[derive(Deserialize)]
struct TokensSaid {
    access_token: Secret,
    token_type: String,
    expires_in: Option<f64>,
    refresh_token: Secret,
    user: Option<UserSaid>,
}

/// The session that an answer with tokens begins. `asked_at` is when it was asked for.
pub(super) fn session(
    answer: &Answer,
    backend: &Backend,
    asked_at: u64,
) -> Result<Session, AuthError> {
    let said: TokensSaid = answer.json()?;
    let unusable = || answer.wrong("a token that cannot be used");
    let claims = Claims::read(&said.access_token).ok_or_else(unusable)?;
    if !said.token_type.eq_ignore_ascii_case("bearer") || !is_sendable(&said.refresh_token) {
        return Err(unusable());
    }
    // A cast of a float saturates, and makes nothing of what is no number.
    let lives = said.expires_in.filter(|lives| *lives >= 0.0);
    let lives = lives.ok_or_else(|| answer.wrong("without how long its token is good"))?;
    let user = said.user.map(User::from);
    if user.as_ref().is_some_and(|user| user.id != claims.sub) {
        return Err(answer.wrong("with the token of somebody else"));
    }
    Ok(Session {
        revision: rand::random(),
        backend: backend.url().to_owned(),
        user: claims.sub,
        email: user.and_then(|user| user.email),
        aal: claims.aal,
        access_token: said.access_token,
        refresh_token: said.refresh_token,
        given_at: asked_at,
        lives: (lives as u64).min(LONGEST_LIFE),
    })
}

#[derive(Deserialize)]
pub(super) struct Challenge {
    pub(super) id: Uuid,
}

#[derive(Deserialize)]
pub(super) struct SsoSaid {
    pub(super) url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_providers_are_taken_for_some() {
        for good in ["github", "linkedin_oidc", "custom:my-idp"] {
            assert!(is_provider(good), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", "GitHub", "a b", "a&b", "a/../b", "é", &long] {
            assert!(!is_provider(bad), "{bad}");
        }
    }

    #[test]
    fn only_verified_factors_can_be_asked_for() {
        let said = serde_json::json!({
            "id": Uuid::from_u128(1), "email": " me@a.example\u{202e}",
            "factors": [
                {"id": Uuid::from_u128(2), "friendly_name": "Phone\u{7}", "factor_type": "totp",
                    "status": "verified"},
                {"id": Uuid::from_u128(3), "factor_type": "webauthn", "status": "verified"},
                {"id": Uuid::from_u128(4), "factor_type": "totp", "status": "unverified"},
            ],
        });
        let said: UserSaid = serde_json::from_value(said).unwrap();
        let user = User::from(said);
        assert_eq!(user.email.as_deref(), Some("me@a.example"));
        let factors: Vec<_> = user
            .factors
            .iter()
            .map(|it| (it.name.as_str(), it.kind.clone()))
            .collect();
        assert_eq!(
            factors,
            [
                ("Phone", FactorKind::Totp),
                ("", FactorKind::Other("webauthn".to_owned()))
            ]
        );
    }
}
