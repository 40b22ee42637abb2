//! A real Supabase for one test at a time, empty as a fresh one is.
//!
//! Tests look at whole tables, purge, and change clocks of all organizations. So they take turns at one database, and
//! each begins by emptying what the ones before it have left. The trail alone stays: nobody removes events, and each
//! organization is another one.

use std::time::Duration;

use serde_json::json;
use sqlx::PgConnection;

use super::{Cluster, front::Front, real::Real};
use crate::LIMIT;

/// What a turn holds: a lock of the database, by its session.
const LOCK: i64 = 0x6265_7274_6800;

/// Between two looks at whether it is somebody's turn.
const LOOK: Duration = Duration::from_millis(100);

/// Accounts that no test has made: their addresses are not among those that are reserved for examples.
const OF_OTHERS: &str = r"select count(*)::text from auth.users
    where email is null or email !~ '(\.example|@example\.(com|net|org))$'";

/// Empties what Berth's schema has, but for the rows that migrations have made. Accounts at `berth.example` are those of
/// tests that need no database and take no turn.
const EMPTY: &str = "do $$
declare
    tables text;
begin
    select string_agg(c.oid::regclass::text, ', ') into strict tables from pg_class as c
    where c.oid in ('public.organizations'::regclass, 'public.profiles'::regclass)
        or c.relkind in ('r', 'p') and c.relnamespace = 'private'::regnamespace
            and c.relname not in ('org_clock', 'client_address_rule');
    execute 'truncate ' || tables || ' cascade';
    delete from private.org_clock where org_id <> '00000000-0000-0000-0000-000000000000';
    delete from auth.users where email not like '%@berth.example';
end $$";

/// A real backend, which is one test's until this is dropped.
pub(super) struct Turn {
    pub(super) real: Real,
    pub(super) front: Front,
    /// Has the lock as long as it is open.
    _lock: PgConnection,
}

impl Turn {
    /// Waits for it.
    ///
    /// # Panics
    /// When it has accounts that no test has made: whoever they are of would lose everything.
    pub(super) async fn of(real: Real, cluster: &Cluster) -> Self {
        let lock = cluster.connect("supabase_admin").await;
        let mut lock = lock.expect("SUPABASE_DB_URL leads to a database of `supabase start`");
        while !try_lock(&mut lock).await {
            tokio::time::sleep(LOOK).await;
        }
        let others = cluster.ask(OF_OTHERS).await;
        assert_eq!(
            others,
            ["0"],
            "SUPABASE_DB_URL has accounts that no test has made; tests empty their database"
        );
        let front = Front::of(&real).await;
        Self {
            real,
            front,
            _lock: lock,
        }
    }

    /// Empties it, once it has the schema, and waits until PostgREST knows that.
    pub(super) async fn empty(&self, cluster: &Cluster, http: &reqwest::Client) {
        cluster.superuser(EMPTY).await;
        let url = format!("http://127.0.0.1:{}/rpc/schema_version", self.front.port);
        let knows = async {
            loop {
                let answer = http.post(&url).json(&json!({})).send().await;
                if answer.is_ok_and(|it| it.status().is_success()) {
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, knows).await;
        assert!(in_time.is_ok(), "Supabase does not know the schema");
    }
}

async fn try_lock(connection: &mut PgConnection) -> bool {
    let tried = sqlx::query_scalar::<_, bool>("select pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(connection)
        .await;
    tried.expect("the database can be asked for a lock")
}
