//! A tenant backend of a test's own: a fresh PostgreSQL cluster with Berth's schema, and PostgREST before it.
//!
//! Both are the real programs. Stand-ins are the sign-in server ([`SignInServer`]) with its tokens, the roles and the
//! schema `auth`, which a hosted project has before the first migration (`tests/tenant/supabase.sql`), and, where a test
//! asks for it, Realtime ([`Realtime`]) with its schema (`tests/tenant/realtime.sql`).

mod caller;
mod chaos;
mod cluster;
mod device;
mod member;
mod postgrest;
mod pretender;
mod project;
mod realtime;
mod session_store;
mod sign_in_server;
mod stack;
mod token;

use berth_protocol::Secret;
use serde_json::{Value, json};
use uuid::Uuid;

pub use caller::{Caller, Reply};
pub use chaos::{Chaos, Mood, seed};
pub use cluster::Cluster;
pub use device::{Device, Tokens, fast, patient};
pub use member::Member;
pub use pretender::{Asked, Pretender};
pub use project::Project;
pub use realtime::{Listeners, Realtime};
pub use session_store::SessionFile;
pub use sign_in_server::{Request, Shape, SignInServer};
pub use stack::{Account, Real, Stack};
pub use token::{Token, now};

use crate::{skip, this_test};
use postgrest::Postgrest;

/// A backend that is there until it is dropped.
pub struct Backend {
    /// Its database.
    pub cluster: Cluster,
    postgrest: Postgrest,
    http: reqwest::Client,
}

/// An organization with an admin and a user.
pub struct Organization {
    /// Its id.
    pub id: Uuid,
    /// Who has made it.
    pub admin: Caller,
    /// Who was invited.
    pub user: Caller,
}

impl Backend {
    /// Starts one with the schema; skips the test and returns `None` where a program is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        Self::of(database().await?).await
    }

    /// The same, where the database had the stand-in for Realtime before the first migration.
    pub async fn with_realtime() -> Option<Self> {
        let cluster = database().await?;
        cluster.superuser(realtime::SCHEMA).await;
        Self::of(cluster).await
    }

    /// Gives the database what Realtime has there, as where it is switched on later.
    pub async fn gets_realtime(&self) {
        self.cluster.superuser(realtime::SCHEMA).await;
    }

    async fn of(cluster: Cluster) -> Option<Self> {
        let Some(program) = postgrest::program() else {
            skip(&this_test(), "postgrest is not installed");
            return None;
        };
        berth_tenant::migrate::migrate(&Secret::new(cluster.url("postgres")), |_| {})
            .await
            .expect("the migrations can be applied");
        let postgrest = Postgrest::start(&program, &cluster).await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("an HTTP client can be made");
        Some(Self {
            cluster,
            postgrest,
            http,
        })
    }

    /// The port of PostgREST.
    pub fn port(&self) -> u16 {
        self.postgrest.port
    }

    /// The REST root.
    pub fn root(&self) -> String {
        format!("http://127.0.0.1:{}", self.postgrest.port)
    }

    /// Whoever shows this token, or nobody.
    pub fn caller(&self, token: Option<String>) -> Caller {
        Caller::new(self.http.clone(), self.root(), token)
    }

    /// Somebody who has just signed in for the first time, with a confirmed address.
    pub async fn person(&self, email: &str) -> Caller {
        let id = Uuid::now_v7();
        let account = format!(
            "insert into auth.users (id, email, email_confirmed_at) values ('{id}', '{email}', now())"
        );
        self.cluster.superuser(&account).await;
        let mut caller = self.caller(Some(Token::of(id).signed()));
        caller.id = id;
        caller
    }

    /// A new organization with an admin and a user.
    pub async fn organization(&self, name: &str) -> Organization {
        let admin = self.person(&format!("admin@{name}.example")).await;
        let id = admin.found(name).await;
        let user = self
            .member(id, &admin, &format!("user@{name}.example"), "user")
            .await;
        Organization { id, admin, user }
    }

    /// Somebody who was invited into an organization and came.
    pub async fn member(&self, org: Uuid, admin: &Caller, email: &str, role: &str) -> Caller {
        let person = self.person(email).await;
        person.join(org, admin, email, role).await;
        person
    }
}

/// A database as a hosted project is before the first migration; skips the test where PostgreSQL is missing.
pub async fn database() -> Option<Cluster> {
    let cluster = Cluster::start().await;
    if cluster.is_none() {
        skip(&this_test(), "PostgreSQL is not installed");
    }
    cluster
}

/// A mutation for `sync_push` that adds a row.
pub fn addition(kind: &str, id: Uuid, patch: Value) -> Value {
    json!({"id": Uuid::now_v7(), "kind": kind, "op": "upsert", "entity_id": id, "patch": patch})
}

/// A mutation for `sync_push` that changes fields of a row as it was at a revision.
pub fn change(kind: &str, id: Uuid, base_rev: i64, patch: Value) -> Value {
    json!({"id": Uuid::now_v7(), "kind": kind, "op": "upsert", "entity_id": id, "base_rev": base_rev, "patch": patch})
}

/// A mutation for `sync_push` that deletes a row as it was at a revision.
pub fn removal(kind: &str, id: Uuid, base_rev: i64) -> Value {
    json!({"id": Uuid::now_v7(), "kind": kind, "op": "delete", "entity_id": id, "base_rev": base_rev})
}
