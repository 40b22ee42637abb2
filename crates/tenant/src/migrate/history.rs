//! What was applied to a database, in the table in which Supabase's tool keeps it.

use serde::Deserialize;
use sqlx::{PgConnection, Row};

use super::{MigrateError, Migration};

/// Digits of a version.
const DIGITS: usize = 14;

/// A migration that the database has.
#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    version: String,
    /// Absent in records of the tool's first versions.
    #[serde(default)]
    statements: Option<Vec<String>>,
}

/// Reads the history; it is empty where there is none yet.
pub(super) async fn read(conn: &mut PgConnection) -> Result<Vec<Recorded>, MigrateError> {
    let failed = |source| MigrateError::history("read", source);
    let there = sqlx::query(
        "select to_regclass('supabase_migrations.schema_migrations') is not null as there",
    )
    .fetch_one(&mut *conn)
    .await
    .and_then(|row| row.try_get::<bool, _>("there"))
    .map_err(failed)?;
    if !there {
        return Ok(Vec::new());
    }
    // As JSON, because older forms of the table have fewer columns.
    let rows = sqlx::query(
        "select to_jsonb(entry)::text as entry from supabase_migrations.schema_migrations as entry",
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(failed)?;
    rows.iter()
        .map(|row| {
            let entry: String = row.try_get("entry")?;
            serde_json::from_str(&entry).map_err(|error| sqlx::Error::Decode(Box::new(error)))
        })
        .collect::<Result<_, _>>()
        .map_err(failed)
}

/// Records a migration in the form of Supabase's tool.
pub(super) async fn record(
    conn: &mut PgConnection,
    migration: &Migration,
) -> Result<(), MigrateError> {
    sqlx::query(
        "insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, $2, $3)",
    )
    .bind(&migration.version)
    .bind(vec![migration.sql])
    .bind(&migration.name)
    .execute(conn)
    .await
    .map_err(|source| MigrateError::history("recorded", source))?;
    Ok(())
}

/// What is still to be applied, in its order, unless the history is none that leads there.
///
/// Migrations of others that are older than ours do not concern us: the database may be used for more than this.
pub(super) fn pending<'a>(
    known: &'a [Migration],
    recorded: &[Recorded],
) -> Result<&'a [Migration], MigrateError> {
    let newest_known = known.last().map_or("", |newest| newest.version.as_str());
    let unknown = recorded
        .iter()
        .map(|entry| entry.version.as_str())
        .filter(|version| version.len() == DIGITS && *version > newest_known);
    if let Some(found) = unknown.max() {
        return Err(MigrateError::Newer {
            found: found.to_owned(),
            known: newest_known.to_owned(),
        });
    }
    let find = |migration: &Migration| {
        recorded
            .iter()
            .find(|entry| entry.version == migration.version)
    };
    let first_missing = known
        .iter()
        .position(|migration| find(migration).is_none())
        .unwrap_or(known.len());
    let (applied, missing) = known.split_at(first_missing);
    if let (Some(missing), Some(later)) = (
        missing.first(),
        missing.iter().find(|migration| find(migration).is_some()),
    ) {
        return Err(MigrateError::Gap {
            missing: missing.version.clone(),
            later: later.version.clone(),
        });
    }
    for migration in applied {
        let statements = find(migration).and_then(|entry| entry.statements.as_deref());
        if statements.is_some_and(|statements| !is_same(migration.sql, statements)) {
            return Err(MigrateError::Changed {
                version: migration.version.clone(),
                name: migration.name.clone(),
            });
        }
    }
    Ok(missing)
}

/// They are the statements of this text. Supabase's tool records them one by one and without what is between
/// them, so what is compared is all but white space, semicolons and lines of comment.
fn is_same(sql: &str, statements: &[String]) -> bool {
    let recorded = statements.iter().flat_map(|statement| essence(statement));
    essence(sql).eq(recorded)
}

fn essence(sql: &str) -> impl Iterator<Item = char> {
    sql.lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(str::chars)
        .filter(|character| !character.is_whitespace() && *character != ';')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Migration> {
        ["20260101000000", "20260102000000", "20260103000000"]
            .map(|version| Migration {
                version: version.to_owned(),
                name: "a_step".to_owned(),
                sql: "-- Why.\ncreate table a (b int);\ninsert into a values (1);\n",
            })
            .into()
    }

    fn recorded(versions: &[&str]) -> Vec<Recorded> {
        let entry = |version: &&str| Recorded {
            version: (*version).to_owned(),
            statements: None,
        };
        versions.iter().map(entry).collect()
    }

    fn code(recorded: &[Recorded]) -> Result<usize, &'static str> {
        pending(&known(), recorded)
            .map(<[Migration]>::len)
            .map_err(|error| error.code())
    }

    #[test]
    fn what_is_missing_at_the_end_is_pending() {
        assert_eq!(code(&[]), Ok(3));
        assert_eq!(code(&recorded(&["20260101000000"])), Ok(2));
        let all = ["20260103000000", "20260101000000", "20260102000000"];
        assert_eq!(code(&recorded(&all)), Ok(0));
    }

    #[test]
    fn a_newer_history_and_one_with_a_gap_are_refused() {
        let newer = recorded(&["20260101000000", "20990101000000"]);
        assert_eq!(code(&newer), Err("tenant.database_newer"));
        let gap = recorded(&["20260101000000", "20260103000000"]);
        assert_eq!(code(&gap), Err("tenant.migration_gap"));
    }

    #[test]
    fn older_migrations_of_others_do_not_matter() {
        assert_eq!(code(&recorded(&["20200101000000", "init"])), Ok(3));
    }

    #[test]
    fn statements_may_be_split_as_another_tool_does_but_not_changed() {
        let mut entry = recorded(&["20260101000000"]);
        entry[0].statements = Some(vec![
            "-- Why.\ncreate table a (b int)".to_owned(),
            "insert into a values (1)".to_owned(),
        ]);
        assert_eq!(code(&entry), Ok(2));
        entry[0].statements = Some(vec!["create table a (b bigint)".to_owned()]);
        assert_eq!(code(&entry), Err("tenant.migration_changed"));
    }
}
