//! What the policies cost: each is answered by indexes, so that a member never waits for the rows of others.

use berth_tests::tenant::Backend;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// The plan of a read. One that can do without looking at all rows does so: looking at all of them is switched off, which
/// leaves it to those reads that have no other way.
async fn plan(member: &mut PgConnection, read: &str) -> String {
    let explain = format!("explain {read}");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain.as_str()))
        .fetch_all(member)
        .await;
    let rows = rows.unwrap_or_else(|error| panic!("{read}: {error}"));
    rows.iter()
        .map(|row| row.try_get::<String, _>(0).expect("it is text"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn every_read_under_a_policy_is_answered_by_indexes() {
    let Some(backend) = Backend::own("it looks at every policy of a database").await else {
        return;
    };
    // So that there is a partition of the trail to look at.
    let org = backend.organization("acme").await;
    let bound =
        "select polrelid::regclass::text from pg_policy where polcmd in ('r', '*') order by 1";
    let tables = backend.cluster.ask(bound).await;
    assert!(tables.len() > 12, "{tables:?}");
    let member = backend.cluster.connect("authenticator").await;
    let mut member = member.expect("the server takes connections");
    let somebody = format!(
        "set role authenticated; set enable_seqscan = off;
         select set_config('request.jwt.claims', '{{\"sub\": \"{}\", \"role\": \"authenticated\"}}', false)",
        org.user.id
    );
    let done = sqlx::raw_sql(AssertSqlSafe(somebody.as_str()))
        .execute(&mut member)
        .await;
    done.expect("the statements are right");
    let mut slow = Vec::new();
    for table in tables {
        let plan = plan(&mut member, &format!("select * from {table}")).await;
        if plan.contains("Seq Scan") {
            slow.push(format!("{table}:\n{plan}"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
