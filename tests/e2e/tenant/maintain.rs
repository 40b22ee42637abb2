//! What a backend needs every day: retention for all organizations by one function, and the command that calls it.

use std::process::{Command, Output, Stdio};

use berth_protocol::Secret;
use berth_tenant::{maintain, migrate};
use berth_tests::{
    programs,
    tenant::{Backend, Caller, addition, database, removal},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{prompt, push};

/// How long ago the first events of the organizations happened, in days: the first is older than what any keeps.
const AGES: [u32; 3] = [800, 100, 99];

/// An organization with events of long ago, as if they had been appended then; its own come behind them.
async fn with_past(backend: &Backend, admin: &Caller, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    let ages = AGES.map(|days| days.to_string()).join(",");
    let past = format!(
        "do $$
        declare
            ages constant int[] := array[{ages}];
            event audit.logs;
            head text := repeat('0', 64);
        begin
            insert into private.audit_heads values ('{id}', 0, head, '2020-01-01Z');
            for place in 1..cardinality(ages) loop
                event := null;
                event.org_id := '{id}'; event.seq := place; event.id := gen_random_uuid();
                event.recorded_at := date_trunc('milliseconds', now() - make_interval(days => ages[place]));
                event.actor := 'system'; event.action := 'session.created'; event.subject_kind := 'session';
                event.subject_id := 'x'; event.details := '{{}}'; event.prev_hash := head;
                event.hash := private.audit_hash(event);
                perform private.audit_make_partition(event.recorded_at);
                insert into audit.logs select (event).*;
                insert into private.audit_origins (org_id, seq, user_id, address, program)
                values ('{id}', place, gen_random_uuid(), '192.0.2.1', 'then');
                head := event.hash;
                update private.audit_heads set seq = place, hash = head, at = event.recorded_at where org_id = '{id}';
            end loop;
        end $$"
    );
    backend.cluster.superuser(&past).await;
    let made = json!({"id": id, "name": name});
    admin.call("create_organization", made).await.ok();
    id
}

/// The table with the month of the oldest events.
async fn oldest_table(backend: &Backend) -> String {
    let name = format!(
        "select 'logs_' || to_char(now() at time zone 'UTC' - interval '{} days', 'YYYY_MM')",
        AGES[0]
    );
    backend.cluster.ask(&name).await.remove(0)
}

async fn verified(admin: &Caller, org: Uuid) -> Value {
    let verified = admin.call("audit_verify", json!({"org": org})).await.ok();
    assert_eq!(verified["valid"], true, "{verified}");
    json!([verified["checkpoint"], verified["first"]])
}

/// The numbers of the first event that is listed, read from the table and exported.
async fn first_shown(admin: &Caller, org: Uuid) -> [Value; 3] {
    let of_org = json!({"org": org});
    let listed = admin.call("audit_page", of_org.clone()).await.rows();
    let read = format!("audit_logs?org_id=eq.{org}&order=seq.asc&limit=1");
    let read = admin.get(&read).await.rows();
    let manifest = admin.call("audit_export", of_org).await.ok();
    [
        listed[0]["seq"].clone(),
        read[0]["seq"].clone(),
        manifest["first_seq"].clone(),
    ]
}

/// All that maintenance could change, as text.
async fn whole(backend: &Backend) -> Vec<String> {
    backend
        .cluster
        .ask(
            "select concat_ws(' ', 'head', org_id, seq, hash) from private.audit_heads
             union all select concat_ws(' ', 'checkpoint', org_id, seq, hash, partition) from private.audit_checkpoints
             union all select concat_ws(' ', 'table', inhrelid::regclass) from pg_inherits
                 where inhparent = 'audit.logs'::regclass
             union all select concat_ws(' ', 'clock', org_id, rev, floor_rev) from private.org_clock
             union all select concat_ws(' ', 'prompt', id) from public.system_prompts
             union all select concat_ws(' ', 'answer', mutation_id) from private.sync_ledger
             order by 1",
        )
        .await
}

#[tokio::test]
async fn each_organization_keeps_events_as_long_as_it_says_and_its_chain_verifies() {
    let Some(backend) = Backend::own("a month of a database can be retired once").await else {
        return;
    };
    let admin = backend.person("admin@acme.example").await;
    let short = with_past(&backend, &admin, "acme").await;
    let long = with_past(&backend, &admin, "globex").await;
    let policy = format!("update public.policies set retention_days = 30 where org_id = '{short}'");
    backend.cluster.superuser(&policy).await;
    assert_eq!(verified(&admin, short).await, json!([null, 1]));

    let done = backend.service().call("maintain", json!({})).await.ok();
    let retired = |org: Uuid| {
        let all = done["organizations"].as_array().expect("they are listed");
        let of = all.iter().find(|it| it["id"] == json!(org));
        let of = of.expect("it is among them");
        json!([of["name"], of["retention_days"], of["retired"]])
    };
    assert_eq!(retired(short), json!(["acme", 30, 3]));
    assert_eq!(retired(long), json!(["globex", 365, 1]));
    // What one of them keeps stays in its place for it, and is not shown to the other.
    let oldest = oldest_table(&backend).await;
    assert_eq!(done["put_aside"], json!([oldest]));
    assert_eq!(verified(&admin, short).await, json!([3, 4]));
    assert_eq!(verified(&admin, long).await, json!([1, 2]));
    assert_eq!(
        first_shown(&admin, short).await,
        [json!(4), json!(4), json!(4)]
    );
    assert_eq!(
        first_shown(&admin, long).await,
        [json!(2), json!(2), json!(2)]
    );
    // Nor is kept where those events came from.
    let origins = format!(
        "select seq::text from private.audit_origins where program = 'then' and org_id = any ('{{{short},{long}}}')
         order by org_id = '{short}', seq"
    );
    assert_eq!(backend.cluster.ask(&origins).await, ["2", "3"]);
    // The trail itself says it.
    let filter = json!({"org": short, "filter": {"actions": ["audit.retired"]}});
    let noted = admin.call("audit_page", filter).await.rows();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0]["actor"], "system");
    let details = noted[0]["details"].as_str().expect("it is text");
    let details: Value = serde_json::from_str(details).expect("it is JSON");
    assert_eq!(
        details,
        json!({"count": 3, "until_seq": 3, "retention_days": 30})
    );
    // The next month has its table before anybody needs it.
    let next = "select (to_regclass('audit.logs_' || to_char(now() at time zone 'UTC' + interval '1 month', 'YYYY_MM'))
        is not null)::text";
    assert_eq!(backend.cluster.ask(next).await, ["true"]);

    let before = whole(&backend).await;
    let again = backend.service().call("maintain", json!({})).await.ok();
    assert_eq!(again["put_aside"], json!([]));
    assert_eq!(whole(&backend).await, before, "again is once");
}

#[tokio::test]
async fn whoever_reads_the_trail_or_writes_holds_up_nothing_but_what_they_hold() {
    let Some(backend) = Backend::own("a month of a database can be retired once").await else {
        return;
    };
    let admin = backend.person("admin@acme.example").await;
    let mut orgs = Vec::new();
    for name in ["acme", "globex"] {
        let org = with_past(&backend, &admin, name).await;
        let id = Uuid::now_v7();
        let rev = push(
            &admin,
            org,
            &[addition("prompt", id, prompt("organization", name))],
        )
        .await[0];
        push(&admin, org, &[removal("prompt", id, rev)]).await;
        orgs.push(org);
    }
    let old = "set session_replication_role = replica;
        update public.system_prompts set deleted_at = now() - interval '91 days' where deleted_at is not null";
    backend.cluster.superuser(old).await;
    let purged = |done: &Value| -> Vec<Value> {
        let of = |org: &Uuid| {
            let all = done["organizations"].as_array().expect("they are listed");
            all.iter().find(|it| it["id"] == json!(org)).cloned()
        };
        let found = orgs.iter().filter_map(of);
        found
            .map(|org| json!([org["retired"], org["purged"]]))
            .collect()
    };

    let held = backend.cluster.connect("supabase_admin").await;
    let mut held = held.expect("it is let in");
    let hold = format!(
        "begin; select 1 from audit.logs limit 1;
         select 1 from private.org_clock where org_id = '{}' for update",
        orgs[0]
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(hold))
        .execute(&mut held)
        .await
        .expect("it is held");
    let done = backend.service().call("maintain", json!({})).await.ok();
    assert_eq!(purged(&done), [json!([1, 0]), json!([1, 1])]);
    assert_eq!(done["put_aside"], json!([]));

    sqlx::raw_sql("rollback")
        .execute(&mut held)
        .await
        .expect("it is given back");
    let done = backend.service().call("maintain", json!({})).await.ok();
    assert_eq!(purged(&done), [json!([0, 1]), json!([0, 0])]);
    assert_eq!(done["put_aside"], json!([oldest_table(&backend).await]));
}

#[tokio::test]
async fn what_was_put_aside_is_unchangeable_until_it_is_exported_and_dropped() {
    let Some(backend) = Backend::own("a month of a database can be retired once").await else {
        return;
    };
    let admin = backend.person("admin@acme.example").await;
    let org = with_past(&backend, &admin, "acme").await;
    backend.service().call("maintain", json!({})).await.ok();
    let table = oldest_table(&backend).await;
    for statement in [
        format!("update audit.{table} set action = 'a.b'"),
        format!("delete from audit.{table}"),
        format!("truncate audit.{table}"),
    ] {
        let refused = backend.cluster.run("supabase_admin", &statement).await;
        refused.expect_err(&statement);
    }
    // As the documentation says it, by the role that has no right to more.
    let drop = format!(
        "grant berth_audit to postgres;
         do $$ begin
             if (select count(*) from audit.{table}) <> 1 then raise exception 'it cannot be exported'; end if;
         end $$;
         delete from private.audit_origins as origin using audit.{table} as event
         where origin.org_id = event.org_id and origin.seq = event.seq;
         drop table audit.{table};
         revoke berth_audit from postgres"
    );
    let dropped = backend.cluster.run("postgres", &drop).await;
    dropped.expect("it is the operator's decision");
    assert_eq!(verified(&admin, org).await, json!([1, 2]));
    backend.service().call("maintain", json!({})).await.ok();
    assert_eq!(verified(&admin, org).await, json!([1, 2]));
}

#[tokio::test]
async fn nobody_but_whoever_runs_the_backend_may_have_it_maintained() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    for member in [&org.admin, &org.user] {
        let refused = member.call("maintain", json!({})).await;
        assert_eq!((refused.status, refused.refusal()), (403, "42501"));
    }
    let refused = backend.caller(None).call("maintain", json!({})).await;
    assert_eq!((refused.status, refused.refusal()), (401, "42501"));
    backend.service().call("maintain", json!({})).await.ok();
}

async fn berth(url: &str) -> Output {
    let mut command = Command::new(programs::berth());
    command
        .args(["tenant", "maintain"])
        .env("BERTH_TENANT_DATABASE_URL", url)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("the task goes on");
    output.expect("berth can be started")
}

#[tokio::test]
async fn the_command_says_what_it_has_done_for_each_organization() {
    let Some(backend) = Backend::own("a month of a database can be retired once").await else {
        return;
    };
    let admin = backend.person("admin@acme.example").await;
    let org = with_past(&backend, &admin, "acme").await;
    let id = Uuid::now_v7();
    let added = addition("prompt", id, prompt("organization", "old"));
    let rev = push(&admin, org, &[added]).await[0];
    push(&admin, org, &[removal("prompt", id, rev)]).await;
    let old = format!(
        "set session_replication_role = replica;
         update public.system_prompts set deleted_at = now() - interval '91 days' where id = '{id}';
         update private.sync_ledger set created_at = now() - interval '91 days'"
    );
    backend.cluster.superuser(&old).await;

    let url = backend.cluster.url("postgres");
    let first = berth(&url).await;
    assert!(first.status.success(), "{first:?}");
    let said = String::from_utf8_lossy(&first.stdout).into_owned();
    let table = oldest_table(&backend).await;
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            format!(
                "{org} acme: keeps events for 365 days, 1 event retired; 1 deleted row removed"
            ),
            "2 remembered answers to changes removed".to_owned(),
            format!(
                "audit.{table} is kept by nobody any more: export and drop it when you decide so"
            ),
        ]
    );
    let second = berth(&url).await;
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [format!(
            "{org} acme: keeps events for 365 days, 0 events retired; 0 deleted rows removed"
        )]
    );
    verified(&admin, org).await;
}

#[tokio::test]
async fn a_database_that_knows_no_maintenance_is_told_from_one_that_fails() {
    let Some(cluster) = database().await else {
        return;
    };
    let url = Secret::new(cluster.url("postgres"));
    let error = maintain::maintain(&url).await.expect_err("it is empty");
    assert_eq!(error.code(), "tenant.database_older");
    migrate::migrate(&url, |_| {})
        .await
        .expect("it can be applied");
    maintain::maintain(&url).await.expect("it can be done");
    cluster
        .superuser("create role passerby login; grant usage on schema public to passerby")
        .await;
    let passerby = Secret::new(cluster.url("passerby"));
    let error = maintain::maintain(&passerby)
        .await
        .expect_err("nobody has given it the right");
    assert_eq!(error.code(), "tenant.maintenance_failed");
}
