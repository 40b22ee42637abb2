//! Where sign-in tests run: against the stand-in always, and against a real Supabase where one is given.
//!
//! `supabase start` prints what goes into the variables: `SUPABASE_URL`, `SUPABASE_PUBLISHABLE_KEY` (or
//! `SUPABASE_ANON_KEY`), and `SUPABASE_SECRET_KEY` (or `SUPABASE_SERVICE_ROLE_KEY`), with which accounts are made.

use std::env;

use berth_protocol::Secret;
use berth_tenant::auth::Backend;
use serde_json::{Value, json};
use uuid::Uuid;

use super::SignInServer;

/// A sign-in server.
pub enum Stack {
    /// The stand-in.
    StandIn(SignInServer),
    /// A real one.
    Real(Real),
}

/// A real one.
pub struct Real {
    backend: Backend,
    secret: String,
}

/// Somebody with an account.
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// Its address.
    pub email: String,
    /// Its password.
    pub password: Secret,
}

impl Stack {
    /// All that there are here.
    ///
    /// # Panics
    /// When half of a real one is given.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::StandIn(SignInServer::start().await)];
        all.extend(real().map(Self::Real));
        all
    }

    /// As its clients know it.
    pub fn backend(&self) -> Backend {
        match self {
            Self::StandIn(server) => server.backend(),
            Self::Real(real) => real.backend.clone(),
        }
    }

    /// A new account, with a confirmed address and a password.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn account(&self) -> Account {
        let email = format!("{}@berth.example", Uuid::new_v4());
        let password = format!("password-{}", Uuid::new_v4());
        let id = match self {
            Self::StandIn(server) => server.account(&email, &password),
            Self::Real(real) => real.account(&email, &password).await,
        };
        Account {
            id,
            email,
            password: password.into(),
        }
    }
}

impl Real {
    async fn account(&self, email: &str, password: &str) -> Uuid {
        let url = format!("{}/auth/v1/admin/users", self.backend.url());
        let account = json!({"email": email, "password": password, "email_confirm": true});
        let answer = reqwest::Client::new()
            .post(url)
            .header("apikey", &self.secret)
            .bearer_auth(&self.secret)
            .json(&account)
            .send()
            .await
            .expect("Supabase answers");
        let made: Value = answer.json().await.expect("it answers JSON");
        let id = made["id"].as_str().and_then(|id| id.parse().ok());
        id.unwrap_or_else(|| panic!("no account was made: {made}"))
    }
}

fn real() -> Option<Real> {
    let set = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| env::var(name).ok());
        found.filter(|value| !value.is_empty())
    };
    let url = set(["SUPABASE_URL", "SUPABASE_URL"])?;
    let key = set(["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"]);
    let key = key.expect("SUPABASE_URL is set without SUPABASE_PUBLISHABLE_KEY");
    let secret = set(["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"]);
    Some(Real {
        backend: Backend::new(&url, &key).expect("SUPABASE_URL and its key are a backend"),
        secret: secret.expect("SUPABASE_URL is set without SUPABASE_SECRET_KEY"),
    })
}
