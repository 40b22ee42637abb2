//! The migrations as `supabase db push` applies them: file by file in the order of their names, each statement for itself
//! by the extended protocol, all of a file and its record in one transaction, by a role that is no superuser.

use berth_protocol::Secret;
use berth_tenant::migrate;
use berth_tests::tenant::database;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The statements of a file, without what ends them. Comments stay with the statement behind them, as there.
fn statements(sql: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while let Some(next) = sql[at..].chars().next() {
        let rest = &sql[at..];
        at += if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if next == '\'' || next == '"' {
            // A doubled quote ends one text and begins the next.
            rest[1..].find(next).map_or(rest.len(), |end| end + 2)
        } else if let Some(tag) = dollar_tag(rest) {
            let inside = &rest[tag.len()..];
            let end = inside.find(tag).map_or(inside.len(), |end| end + tag.len());
            tag.len() + end
        } else if next == ';' {
            all.push(sql[begin..at].trim().to_owned());
            begin = at + 1;
            1
        } else {
            next.len_utf8()
        };
    }
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with("--");
    assert!(
        sql[begin..].lines().all(is_comment),
        "a statement is not ended: {}",
        &sql[begin..]
    );
    all
}

/// What quotes a text that begins here, such as `$$` or `$body$`.
fn dollar_tag(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix('$')?;
    let end = name.find('$')?;
    let is_name = name[..end]
        .chars()
        .all(|it| it.is_ascii_alphabetic() || it == '_');
    is_name.then(|| &rest[..end + 2])
}

#[test]
fn a_file_is_split_where_statements_end_and_nowhere_else() {
    let sql = "-- One; two.\nselect ';', 'it''s;', \"a;b\" /* ; */;\ndo $$ begin; end $$;\n
        select $body$ ; $$ ; $body$, $1;\n-- The end;\n";
    assert_eq!(
        statements(sql),
        [
            "-- One; two.\nselect ';', 'it''s;', \"a;b\" /* ; */",
            "do $$ begin; end $$",
            "select $body$ ; $$ ; $body$, $1",
        ]
    );
}

/// Applies a file and records it.
async fn push(conn: &mut PgConnection, migration: &migrate::Migration) {
    let statements = statements(migration.sql);
    let mut transaction = conn.begin().await.expect("a transaction can begin");
    for statement in &statements {
        // A prepared statement: the server refuses more than one at once.
        let done = sqlx::query(AssertSqlSafe(statement.as_str()))
            .persistent(false)
            .execute(&mut *transaction)
            .await;
        done.unwrap_or_else(|error| panic!("{}: {statement}: {error}", migration.name));
    }
    let record = "insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)";
    sqlx::query(record)
        .bind(&migration.version)
        .bind(&migration.name)
        .bind(&statements)
        .execute(&mut *transaction)
        .await
        .expect("it can be recorded");
    transaction.commit().await.expect("it can be committed");
}

#[tokio::test]
async fn the_migrations_are_taken_as_supabases_tool_applies_them() {
    let Some(cluster) = database().await else {
        return;
    };
    let is_super = "select rolsuper::text from pg_roles where rolname = 'postgres'";
    assert_eq!(cluster.ask(is_super).await, ["false"]);
    // As the tool makes it.
    let history = "create schema if not exists supabase_migrations;
        create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
        alter table supabase_migrations.schema_migrations add column if not exists statements text[];
        alter table supabase_migrations.schema_migrations add column if not exists name text";
    let made = cluster.run("postgres", history).await;
    made.expect("it can be made");
    let all = migrate::migrations();
    assert!(all.is_sorted_by(|one, next| one.version < next.version));
    let mut conn = cluster
        .connect("postgres")
        .await
        .expect("it takes connections");
    for migration in &all {
        push(&mut conn, migration).await;
    }
    conn.close().await.expect("a connection can be closed");

    // The command agrees that nothing is left to be done.
    let url = Secret::new(cluster.url("postgres"));
    let states = migrate::status(&url).await.expect("it can be asked");
    assert!(states.iter().all(|state| state.applied));
    let count = migrate::migrate(&url, |_| {}).await;
    assert_eq!(count.expect("its history is known"), 0);
}
