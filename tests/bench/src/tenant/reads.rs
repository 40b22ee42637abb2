//! Small reads of a large table: by whom row-level security binds, and by whom it does not.

use std::time::Instant;

use berth_tests::tenant::Backend;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{fill, rest};
use crate::report::{Figure, Limit, Report, percentile};

/// Rows of the table.
const ROWS: usize = 200_000;

/// Organizations that they belong to, each with two members.
const ORGANIZATIONS: usize = 100;

/// Times that each is read, every time in another organization.
const READS: usize = 300;

/// Rows of a page.
const PAGE: usize = 50;

/// What is read for one member of one organization.
struct Sought {
    org: Uuid,
    user: Uuid,
    /// The number of a prompt there, which is in its name.
    number: usize,
    /// The identifier of that prompt.
    id: String,
}

/// A read, as the API makes it, and what of its condition the policy says without being asked.
struct Read {
    what: &'static str,
    of: fn(&Sought, &str) -> String,
}

/// `policy` is empty where the policy itself is in force.
const KINDS: [Read; 3] = [
    Read {
        what: "a prompt by its id",
        of: |sought, policy| {
            let id = &sought.id;
            format!("select * from public.system_prompts where id = '{id}'{policy}")
        },
    },
    Read {
        what: "a page of what has changed in an organization",
        of: |sought, policy| {
            let Sought { org, number, .. } = sought;
            format!(
                "select * from public.system_prompts where org_id = '{org}' and rev > {number}{policy}
                 order by rev limit {PAGE}"
            )
        },
    },
    Read {
        what: "a prompt by its name, in whichever organization",
        of: |sought, policy| {
            let number = sought.number;
            format!("select * from public.system_prompts where name = 'Rules {number}'{policy}")
        },
    },
];

/// What the policy of the table says, written by hand.
fn by_hand(sought: &Sought) -> String {
    let Sought { org, user, .. } = sought;
    format!(" and org_id = '{org}' and (user_id is null or user_id = '{user}')")
}

/// Measures each read as a member, whom the policy binds, beside the same by the table's owner, whom none binds and who
/// says all that the policy says, by turns.
pub async fn measure(report: &mut Report, backend: &Backend) {
    let sought = prepare(backend).await;
    let mut member = connection(backend, "authenticator").await;
    done(&mut member, "set role authenticated").await;
    let mut owner = connection(backend, "postgres").await;
    for Read { what, of } in &KINDS {
        let (mut bound, mut bare) = (Vec::new(), Vec::new());
        for sought in &sought {
            let claims = format!(
                "select set_config('request.jwt.claims', '{{\"sub\": \"{}\", \"role\": \"authenticated\"}}', false)",
                sought.user
            );
            done(&mut member, &claims).await;
            let (took, rows) = read(&mut member, &of(sought, "")).await;
            bound.push(took);
            let (took, same) = read(&mut owner, &of(sought, &by_hand(sought))).await;
            bare.push(took);
            assert_eq!(rows, same, "{what}: both see the same");
        }
        report.add(Figure {
            what: format!("read under policy: {what}, p95"),
            unit: "ms",
            berth: percentile(&bound, 0.95),
            bare: Some(percentile(&bare, 0.95)),
            limit: Some(Limit::AtMost(5.0)),
            note: format!(
                "in Postgres through its socket, planned anew each time; {ROWS} rows of {ORGANIZATIONS} organizations, \
                 {READS} reads, by turns; bare: the owner of the table, bound by no policy, with its condition written \
                 by hand"
            ),
        });
    }
}

async fn prepare(backend: &Backend) -> Vec<Sought> {
    let rows = ROWS / ORGANIZATIONS;
    let mut members = Vec::new();
    for number in 0..ORGANIZATIONS {
        let org = backend.organization(&format!("org-{number}")).await;
        let both = [org.admin.id, org.user.id];
        fill(backend, org.id, rows, &both).await;
        members.push((org.id, both));
    }
    rest(backend).await;
    let mut sought = Vec::new();
    for read in 0..READS {
        // Both step through all of them without a pattern that a cache could make use of.
        let (org, both) = members[read * 37 % ORGANIZATIONS];
        let number = 1 + read * 997 % rows;
        let id = format!(
            "select id::text from public.system_prompts where org_id = '{org}' and name = 'Rules {number}'"
        );
        sought.push(Sought {
            org,
            user: both[read % 2],
            number,
            id: backend.cluster.ask(&id).await.swap_remove(0),
        });
    }
    sought
}

async fn connection(backend: &Backend, role: &str) -> PgConnection {
    let connection = backend.cluster.connect(role).await;
    connection.expect("the server takes connections")
}

async fn done(connection: &mut PgConnection, statement: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection);
    done.await.expect("the statement is right");
}

/// Milliseconds until all rows are there, and how many these are.
async fn read(connection: &mut PgConnection, query: &str) -> (f64, usize) {
    let began = Instant::now();
    let rows = sqlx::raw_sql(AssertSqlSafe(query)).fetch_all(connection);
    let rows = rows.await.expect("the query is right");
    (began.elapsed().as_secs_f64() * 1000.0, rows.len())
}
