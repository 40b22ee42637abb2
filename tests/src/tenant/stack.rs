//! Where sign-in tests run: against the stand-in always, and against a real Supabase where one is given ([`Real`]).

use berth_protocol::Secret;
use berth_tenant::auth::Backend;
use uuid::Uuid;

use super::{Real, SignInServer};

/// A sign-in server.
pub enum Stack {
    /// The stand-in.
    StandIn(SignInServer),
    /// A real one.
    Real(Real),
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
        all.extend(Real::given().map(Self::Real));
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
