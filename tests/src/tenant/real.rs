//! A real Supabase, where one is given.
//!
//! `supabase start` prints what goes into the variables: `SUPABASE_URL`, `SUPABASE_PUBLISHABLE_KEY` (or
//! `SUPABASE_ANON_KEY`), and `SUPABASE_SECRET_KEY` (or `SUPABASE_SERVICE_ROLE_KEY`), with which accounts are made. With
//! these, tests of signing in meet it. With `SUPABASE_DB_URL` whole backends are it too ([`super::Backend::start`]).

use std::env;

use berth_protocol::Secret;
use berth_tenant::auth::Backend;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{skip, this_test};

/// A real one.
pub struct Real {
    pub(super) backend: Backend,
    pub(super) secret: String,
}

impl Real {
    /// The one that is given, if one is.
    ///
    /// # Panics
    /// When half of one is.
    pub(super) fn given() -> Option<Self> {
        let url = set(&["SUPABASE_URL"])?;
        let key = set(&["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"]);
        let key = key.expect("SUPABASE_URL is set without SUPABASE_PUBLISHABLE_KEY");
        let secret = set(&["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"]);
        Some(Self {
            backend: Backend::new(&url, &key).expect("SUPABASE_URL and its key are a backend"),
            secret: secret.expect("SUPABASE_URL is set without SUPABASE_SECRET_KEY"),
        })
    }

    /// A new account, with a confirmed address and a password.
    pub(super) async fn account(&self, email: &str, password: &str) -> Uuid {
        let made = self.admin(Method::POST, "", email, password).await;
        let id = made["id"].as_str().and_then(|id| id.parse().ok());
        id.unwrap_or_else(|| panic!("no account was made: {made}"))
    }

    /// Gives an account another address, which is confirmed, and another password.
    pub(super) async fn change_account(&self, id: Uuid, email: &str, password: &str) {
        let path = format!("/{id}");
        let changed = self.admin(Method::PUT, &path, email, password).await;
        assert_eq!(changed["id"], json!(id), "no account was changed");
    }

    async fn admin(&self, method: Method, path: &str, email: &str, password: &str) -> Value {
        let url = format!("{}/auth/v1/admin/users{path}", self.backend.url());
        let account = json!({"email": email, "password": password, "email_confirm": true});
        let answer = reqwest::Client::new()
            .request(method, url)
            .header("apikey", &self.secret)
            .bearer_auth(&self.secret)
            .json(&account)
            .send()
            .await
            .expect("Supabase answers");
        answer.json().await.expect("it answers JSON")
    }

    /// An access token of whoever has this password.
    pub(super) async fn token(&self, email: &str, password: &str) -> String {
        let url = format!("{}/auth/v1/token?grant_type=password", self.backend.url());
        let answer = reqwest::Client::new()
            .post(url)
            .header("apikey", self.backend.key())
            .json(&json!({"email": email, "password": password}))
            .send()
            .await
            .expect("Supabase answers");
        let given: Value = answer.json().await.expect("it answers JSON");
        let token = given["access_token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("{email} is not signed in: {given}"))
    }
}

/// The database of the one that is given, if tests may use it.
pub(super) fn database() -> Option<Secret> {
    set(&["SUPABASE_URL"])?;
    set(&["SUPABASE_DB_URL"]).map(Secret::new)
}

/// With what the one that is given signs its tokens, if it is said and whole backends are it.
pub(super) fn signing_secret() -> Option<String> {
    database()?;
    set(&["SUPABASE_JWT_SECRET"])
}

/// The address of a database for another of its roles, which has the same password: so it is where `supabase start`
/// has made it.
pub(super) fn address_for(database: &Secret, role: &str) -> String {
    let mut url: Url = database.expose().parse().expect("SUPABASE_DB_URL is a URL");
    url.set_username(role)
        .expect("SUPABASE_DB_URL has a place for a user");
    url.into()
}

/// Whether the test must not run because a real backend is given and it would not run against that: says so.
pub(super) fn is_not_for_real(why: &str) -> bool {
    let is_given = database().is_some();
    if is_given {
        skip(&this_test(), &format!("not run against Supabase: {why}"));
    }
    is_given
}

/// Says of a test that it meets the stand-in for Supabase Auth and nothing else, where a real one is given.
pub fn with_stand_in_alone(why: &str) {
    if set(&["SUPABASE_URL"]).is_some() {
        skip(
            &this_test(),
            &format!("run against the stand-in, not against Supabase: {why}"),
        );
    }
}

/// The first of these variables that is set and not empty.
fn set(names: &[&str]) -> Option<String> {
    let mut found = names.iter().filter_map(|name| env::var(name).ok());
    found.find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::address_for;

    #[test]
    fn another_role_is_reached_with_the_same_password_at_the_same_place() {
        let database = "postgresql://postgres:secret@127.0.0.1:54322/postgres".to_owned();
        assert_eq!(
            address_for(&database.into(), "supabase_admin"),
            "postgresql://supabase_admin:secret@127.0.0.1:54322/postgres"
        );
    }
}
