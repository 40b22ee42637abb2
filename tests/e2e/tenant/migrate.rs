//! `berth tenant migrate` against real databases, in whatever state they are.

use std::{
    process::{Command, Output, Stdio},
    time::Duration,
};

use berth_protocol::Secret;
use berth_tenant::migrate::{self, MigrateError};
use berth_tests::{
    LIMIT, programs,
    tenant::{Cluster, database},
};
use sqlx::{Connection, PgConnection};

/// What no output may repeat.
const PASSWORD: &str = "hunter2";

fn address(cluster: &Cluster) -> Secret<String> {
    Secret::new(cluster.url("postgres"))
}

async fn berth(url: &str, more: &[&str]) -> Output {
    let mut command = Command::new(programs::berth());
    command
        .args(["tenant", "migrate"])
        .args(more)
        .env("BERTH_TENANT_DATABASE_URL", url)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output
        .expect("the task goes on")
        .expect("berth can be started");
    let said = format!("{output:?}");
    assert!(!said.contains(PASSWORD), "{said}");
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_command_applies_what_is_missing_says_so_and_then_has_nothing_to_do() {
    let Some(cluster) = database().await else {
        return;
    };
    let url = cluster.url(&format!("postgres:{PASSWORD}"));
    let count = migrate::migrations().len();
    let status = berth(&url, &["--status"]).await;
    assert!(status.status.success(), "{status:?}");
    assert_eq!(text(&status.stdout).matches(" missing ").count(), count);

    let first = berth(&url, &[]).await;
    assert!(first.status.success(), "{first:?}");
    assert_eq!(text(&first.stdout).matches(" applied ").count(), count);
    let second = berth(&url, &[]).await;
    assert!(
        text(&second.stdout).contains("has the schema of this version"),
        "{second:?}"
    );
    let status = berth(&url, &["--status"]).await;
    assert_eq!(text(&status.stdout).matches(" applied ").count(), count);

    // As Supabase's tool keeps it.
    let kept = cluster
        .ask(
            "select concat_ws(' ', version, name, cardinality(statements)) \
            from supabase_migrations.schema_migrations order by version",
        )
        .await;
    assert_eq!(kept[0], "20261128100000 foundation 1");
    assert_eq!(kept.len(), count);
}

#[tokio::test]
async fn no_failure_repeats_the_password() {
    let unreachable = format!("postgres://postgres:{PASSWORD}@127.0.0.1:1/postgres");
    let unencrypted =
        format!("postgres://postgres:{PASSWORD}@db.example.org/postgres?sslmode=disable");
    let wrong = format!("postgres://postgres:{PASSWORD}@host:port/postgres");
    for url in [unreachable, unencrypted, wrong] {
        let output = berth(&url, &[]).await;
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(
            said.lines().count() >= 2,
            "what happened and what to do: {said}"
        );
    }
}

#[tokio::test]
async fn a_half_migrated_database_goes_on_where_it_is() {
    let Some(cluster) = database().await else {
        return;
    };
    let all = migrate::migrations();
    // The third fails as long as something stands in its way.
    cluster
        .run("postgres", "create table public.policies ()")
        .await
        .expect("it can be made");
    let mut applied = Vec::new();
    let error = migrate::migrate(&address(&cluster), |migration| {
        applied.push(migration.version.clone())
    })
    .await
    .expect_err("it stands in the way");
    assert!(
        matches!(&error, MigrateError::Failed { version, .. } if *version == all[2].version),
        "{error}"
    );
    assert_eq!(applied, [all[0].version.clone(), all[1].version.clone()]);
    let there = cluster
        .ask("select (to_regclass('public.system_prompts') is null)::text")
        .await;
    assert_eq!(
        there,
        ["true"],
        "a migration is applied whole or not at all"
    );
    let states = migrate::status(&address(&cluster))
        .await
        .expect("it can be asked");
    assert_eq!(states.iter().filter(|state| state.applied).count(), 2);

    cluster
        .run("postgres", "drop table public.policies")
        .await
        .expect("it can be dropped");
    let count = migrate::migrate(&address(&cluster), |_| {})
        .await
        .expect("nothing stands in the way");
    assert_eq!(count, all.len() - 2);
}

#[tokio::test]
async fn a_history_that_is_not_this_programs_is_refused_before_anything_is_changed() {
    let Some(cluster) = database().await else {
        return;
    };
    migrate::migrate(&address(&cluster), |_| {})
        .await
        .expect("it can be applied");
    let newest = migrate::migrations()
        .pop()
        .expect("there are migrations")
        .version;
    let history = "supabase_migrations.schema_migrations";
    let cases = [
        (
            format!(
                "insert into {history} (version, name) values ('20990101000000', 'of_tomorrow')"
            ),
            format!("delete from {history} where version = '20990101000000'"),
            "tenant.database_newer",
        ),
        (
            format!(
                "create table kept as select * from {history}; delete from {history} where version < '{newest}'"
            ),
            format!("insert into {history} select * from kept where version < '{newest}'"),
            "tenant.migration_gap",
        ),
        (
            format!(
                "update {history} set statements = array['select 1'] where version = '{newest}'"
            ),
            format!(
                "update {history} as h set statements = k.statements from kept as k where k.version = h.version"
            ),
            "tenant.migration_changed",
        ),
    ];
    for (spoil, mend, code) in cases {
        cluster.superuser(&spoil).await;
        let error = migrate::migrate(&address(&cluster), |_| {})
            .await
            .expect_err(code);
        assert_eq!(error.code(), code, "{error}");
        let error = migrate::status(&address(&cluster)).await.expect_err(code);
        assert_eq!(error.code(), code, "{error}");
        cluster.superuser(&mend).await;
    }
    assert_eq!(
        migrate::migrate(&address(&cluster), |_| {})
            .await
            .expect("it is mended"),
        0
    );
}

#[tokio::test]
async fn several_at_once_apply_each_migration_once() {
    let Some(cluster) = database().await else {
        return;
    };
    let url = address(&cluster);
    let (one, two, three) = tokio::join!(
        migrate::migrate(&url, |_| {}),
        migrate::migrate(&url, |_| {}),
        migrate::migrate(&url, |_| {}),
    );
    let counts = [one, two, three].map(|count| count.expect("each succeeds"));
    assert_eq!(
        counts.iter().sum::<usize>(),
        migrate::migrations().len(),
        "{counts:?}"
    );
}

#[tokio::test]
async fn whoever_may_not_pass_row_level_security_is_told_before_anything_is_made() {
    let Some(cluster) = database().await else {
        return;
    };
    cluster
        .superuser("create role plain login; grant create on database postgres to plain")
        .await;
    let url = Secret::new(cluster.url("plain"));
    let error = migrate::migrate(&url, |_| {})
        .await
        .expect_err("the role may not");
    assert_eq!(error.code(), "tenant.migration_failed");
    let source = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(source.contains("BYPASSRLS"), "{source}");
    let made = cluster.ask("select nspname::text from pg_namespace where nspname in ('private', 'supabase_migrations')").await;
    assert!(made.is_empty(), "{made:?}");
}

/// A connection that is cut in the middle leaves what was committed, and no lock.
#[tokio::test]
async fn a_migrator_that_is_killed_leaves_no_lock() {
    let Some(cluster) = database().await else {
        return;
    };
    let mut other: PgConnection = cluster
        .connect("postgres")
        .await
        .expect("it takes connections");
    let mut held = other.begin().await.expect("a transaction can begin");
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(0x62_65_72_74_68_i64)
        .execute(&mut *held)
        .await
        .expect("it is free");
    let url = cluster.url("postgres");
    let mut waiting = Command::new(programs::berth())
        .args(["tenant", "migrate"])
        .env("BERTH_TENANT_DATABASE_URL", &url)
        .stdout(Stdio::null())
        .spawn()
        .expect("berth can be started");
    let waits = "select count(*)::text from pg_locks where locktype = 'advisory' and not granted";
    let is_waiting = async {
        while cluster.ask(waits).await != ["1"] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, is_waiting).await;
    assert!(in_time.is_ok(), "it does not come as far as the lock");
    waiting.kill().expect("it runs");
    waiting.wait().expect("it has ended");
    held.rollback().await.expect("it can be given up");
    let count = migrate::migrate(&address(&cluster), |_| {})
        .await
        .expect("nobody has the lock");
    assert_eq!(count, migrate::migrations().len());
}

#[tokio::test]
async fn organizations_that_are_there_get_the_global_prompts_that_are_there() {
    let Some(cluster) = database().await else {
        return;
    };
    // As an earlier version has left it: what brings them has its index's name in its way.
    let (stop, go) = (
        "create table public.system_prompts_global ()",
        "drop table public.system_prompts_global",
    );
    cluster.run("postgres", stop).await.expect("it can be made");
    let error = migrate::migrate(&address(&cluster), |_| {})
        .await
        .expect_err("it stands in the way");
    assert!(
        matches!(&error, MigrateError::Failed { name, .. } if name == "global_prompts"),
        "{error}"
    );
    let known = |last: u32| format!("00000000-0000-7000-8000-{last:012}");
    let (org, other, prompt, gone) = (known(1), known(2), known(3), known(4));
    let there = format!(
        "insert into public.organizations (id, org_id, name)
         values ('{org}', '{org}', 'acme'), ('{other}', '{other}', 'globex');
         insert into public.system_prompts (id, scope, name, content, deleted_at)
         values ('{prompt}', 'global', 'all', 'words', null), ('{gone}', 'global', 'none', 'words', now())"
    );
    cluster.superuser(&there).await;
    cluster
        .run("postgres", go)
        .await
        .expect("it can be dropped");
    migrate::migrate(&address(&cluster), |_| {})
        .await
        .expect("nothing stands in the way");
    // Under the newest revision of each, so that nobody misses them.
    let given = "select concat_ws(' ', given.prompt_id, given.org_id, given.rev = clock.rev)
         from private.global_revs as given join private.org_clock as clock using (org_id) order by 1";
    assert_eq!(
        cluster.ask(given).await,
        [format!("{prompt} {org} t"), format!("{prompt} {other} t")]
    );
}
