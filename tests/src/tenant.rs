//! A tenant backend of a test's own: a fresh PostgreSQL cluster with Berth's schema, and PostgREST before it. Where a
//! real Supabase with its database is given, it is that instead, for one test at a time ([`Backend::start`]).
//!
//! Both are the real programs. Stand-ins are the sign-in server ([`SignInServer`]) with its tokens, the roles and the
//! schema `auth`, which a hosted project has before the first migration (`tests/tenant/supabase.sql`), and, where a test
//! asks for it, Realtime ([`Realtime`]) with its schema (`tests/tenant/realtime.sql`).

mod caller;
mod chaos;
mod cluster;
mod device;
mod front;
mod member;
mod postgrest;
mod pretender;
mod project;
mod real;
mod realtime;
mod session_store;
mod sign_in_server;
mod stack;
mod token;
mod turn;

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
pub use real::{Real, with_stand_in_alone};
pub use realtime::{Listeners, Realtime};
pub use session_store::SessionFile;
pub use sign_in_server::{Request, Shape, SignInServer};
pub use stack::{Account, Stack};
pub use token::{Token, now};

use crate::{skip, this_test};
use postgrest::Postgrest;
use turn::Turn;

/// The password of everybody at a real sign-in server, until they are given another.
const PASSWORD: &str = "correct horse battery staple";

/// A backend that is there until it is dropped.
pub struct Backend {
    /// Its database.
    pub cluster: Cluster,
    rest: Rest,
    http: reqwest::Client,
}

/// What answers before the database.
enum Rest {
    Own(Postgrest),
    Real(Box<Turn>),
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
    /// Where a real Supabase is given with its database, it is that: emptied, with the schema, and nobody else's until
    /// it is dropped. So no test starts two.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        if let Some(database) = real::database() {
            return Some(Self::real(Cluster::given(database)).await);
        }
        Self::of(cluster().await?).await
    }

    /// Starts one of a test that cannot run against a real Supabase; where one is given, skips the test with the reason.
    pub async fn own(why: &str) -> Option<Self> {
        if real::is_not_for_real(why) {
            return None;
        }
        Self::of(cluster().await?).await
    }

    /// Starts one that takes the tokens that a test signs.
    pub async fn with_own_tokens() -> Option<Self> {
        if real::signing_secret().is_none()
            && real::is_not_for_real("SUPABASE_JWT_SECRET is not set")
        {
            return None;
        }
        Self::start().await
    }

    /// One of a test's own that lacks the migration of this version and all after it, as one that is older than its
    /// clients, until it [catches up](Self::catches_up).
    ///
    /// # Panics
    /// When it does not start.
    pub async fn before(version: &str) -> Option<Self> {
        if real::is_not_for_real("it begins before the newest migration") {
            return None;
        }
        let cluster = cluster().await?;
        let history = "supabase_migrations.schema_migrations";
        // What is not recorded is not applied either: both are one transaction.
        let held = format!(
            "create schema supabase_migrations;
             create table {history} (version text not null primary key, constraint held check (version < '{version}'))"
        );
        let done = cluster.run("postgres", &held).await;
        done.expect("the history can be made");
        let url = Secret::new(cluster.url("postgres"));
        let migrated = berth_tenant::migrate::migrate(&url, |_| {}).await;
        let error = migrated.expect_err("the history takes no more");
        assert_eq!(error.code(), "tenant.migration_history", "{error}");
        let is_older = format!("select (max(version) < '{version}')::text from {history}");
        assert_eq!(cluster.ask(&is_older).await, ["true"]);
        let free = format!("alter table {history} drop constraint held");
        let done = cluster.run("postgres", &free).await;
        done.expect("the history can be changed");
        Self::served(cluster).await
    }

    /// Applies the migrations that are missing. PostgREST is started again, so that it has another port.
    ///
    /// # Panics
    /// When it is a real Supabase.
    pub async fn catches_up(&mut self) {
        let program = postgrest::program().expect("it was started before");
        migrate(&self.cluster).await;
        assert!(self.as_real().is_none(), "a real one is as it is");
        self.rest = Rest::Own(Postgrest::start(&program, &self.cluster).await);
    }

    /// One of a test's own, where the database had the stand-in for Realtime before the first migration.
    pub async fn with_realtime() -> Option<Self> {
        if real::is_not_for_real("it looks into the stand-in for Realtime") {
            return None;
        }
        let cluster = cluster().await?;
        cluster.superuser(realtime::SCHEMA).await;
        Self::of(cluster).await
    }

    /// Gives the database what Realtime has there, as where it is switched on later.
    pub async fn gets_realtime(&self) {
        self.cluster.superuser(realtime::SCHEMA).await;
    }

    async fn of(cluster: Cluster) -> Option<Self> {
        migrate(&cluster).await;
        Self::served(cluster).await
    }

    /// With PostgREST before its database, whose schema is there.
    async fn served(cluster: Cluster) -> Option<Self> {
        let Some(program) = postgrest::program() else {
            skip(&this_test(), "postgrest is not installed");
            return None;
        };
        let postgrest = Postgrest::start(&program, &cluster).await;
        Some(Self {
            cluster,
            rest: Rest::Own(postgrest),
            http: client(),
        })
    }

    async fn real(cluster: Cluster) -> Self {
        let real = Real::given().expect("SUPABASE_DB_URL is used with SUPABASE_URL");
        let turn = Turn::of(real, &cluster).await;
        migrate(&cluster).await;
        let http = client();
        turn.empty(&cluster, &http).await;
        Self {
            cluster,
            rest: Rest::Real(Box::new(turn)),
            http,
        }
    }

    /// The real Supabase that it is, if it is one.
    fn as_real(&self) -> Option<&Real> {
        match &self.rest {
            Rest::Own(_) => None,
            Rest::Real(turn) => Some(&turn.real),
        }
    }

    /// The port of PostgREST, or of what leads there.
    pub fn port(&self) -> u16 {
        match &self.rest {
            Rest::Own(postgrest) => postgrest.port,
            Rest::Real(turn) => turn.front.port,
        }
    }

    /// The REST root.
    pub fn root(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Whoever shows this token, or nobody.
    pub fn caller(&self, token: Option<String>) -> Caller {
        Caller::new(self.http.clone(), self.root(), token)
    }

    /// Whom nothing but triggers binds: whoever runs the backend.
    pub fn service(&self) -> Caller {
        let token = match self.as_real() {
            Some(real) => real.secret.clone(),
            None => Token::of(Uuid::now_v7())
                .with("role", "service_role")
                .signed(),
        };
        self.caller(Some(token))
    }

    /// Somebody who has just signed in for the first time, with a confirmed address.
    pub async fn person(&self, email: &str) -> Caller {
        let id = match self.as_real() {
            Some(real) => Self::person_of(real, email).await,
            None => self.person_here(email).await,
        };
        let mut caller = self.caller(Some(token::good(id)));
        caller.id = id;
        caller
    }

    async fn person_here(&self, email: &str) -> Uuid {
        let id = Uuid::now_v7();
        let account = format!(
            "insert into auth.users (id, email, email_confirmed_at) values ('{id}', '{email}', now())"
        );
        self.cluster.superuser(&account).await;
        id
    }

    /// Signs in for a token only where none can be signed here: a sign-in server lets nobody in so often.
    async fn person_of(real: &Real, email: &str) -> Uuid {
        let id = real.account(email, PASSWORD).await;
        if real::signing_secret().is_none() {
            token::keep(id, real.token(email, PASSWORD).await);
        }
        id
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

async fn migrate(cluster: &Cluster) {
    berth_tenant::migrate::migrate(&Secret::new(cluster.url("postgres")), |_| {})
        .await
        .expect("the migrations can be applied");
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("an HTTP client can be made")
}

/// A database as a hosted project is before the first migration; skips the test where PostgreSQL is missing, and where a
/// real Supabase is given.
pub async fn database() -> Option<Cluster> {
    if real::is_not_for_real("it begins before the first migration") {
        return None;
    }
    cluster().await
}

async fn cluster() -> Option<Cluster> {
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
