//! What Supabase's linter (splinter) looks for, asked of the catalog: its rules that matter here, each by its name
//! there.

use berth_tests::tenant::Backend;

/// A rule and the query that finds what breaks it.
const RULES: [(&str, &str); 14] = [
    ("0001 unindexed_foreign_keys",
        "select c.conrelid::regclass::text || ' ' || c.conname from pg_constraint as c
         where c.contype = 'f' and c.connamespace in ('public'::regnamespace, 'private'::regnamespace, 'audit'::regnamespace)
            and not exists (select 1 from pg_index as i where i.indrelid = c.conrelid
                and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)"),
    ("0002 auth_users_exposed",
        "select c.oid::regclass::text from pg_class as c join pg_depend as d on d.refobjid = 'auth.users'::regclass
         join pg_rewrite as r on r.oid = d.objid and r.ev_class = c.oid
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')"),
    ("0003 auth_rls_initplan",
        "select policyname::text from pg_policies where schemaname in ('public', 'private', 'audit')
            and coalesce(qual, '') || coalesce(with_check, '') ~ 'auth\\.(uid|jwt|role)\\(\\)'
            and coalesce(qual, '') || coalesce(with_check, '') !~* 'select auth\\.(uid|jwt|role)\\(\\)'"),
    ("0006 multiple_permissive_policies",
        "select tablename || ' ' || cmd from pg_policies where schemaname in ('public', 'private', 'audit')
            and permissive = 'PERMISSIVE' group by tablename, cmd having count(*) > 1"),
    ("0007 policy_exists_rls_disabled, 0013 rls_disabled_in_public, and forced",
        "select oid::regclass::text from pg_class where relkind in ('r', 'p')
            and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'audit'::regnamespace)
            and not (relrowsecurity and relforcerowsecurity)"),
    ("0010 security_definer_view",
        "select oid::regclass::text from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace
            and not coalesce(reloptions::text ~ 'security_invoker=(true|on)', false)"),
    ("0011 function_search_path_mutable",
        "select p.oid::regprocedure::text from pg_proc as p
         where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace, 'audit'::regnamespace)
            and not coalesce(array_to_string(p.proconfig, ',') like '%search_path=\"\"%', false)"),
    ("0015 rls_references_user_metadata",
        "select policyname::text from pg_policies
         where coalesce(qual, '') || coalesce(with_check, '') like '%user_metadata%'"),
    ("0016 materialized_view_in_api",
        "select oid::regclass::text from pg_class where relkind = 'm' and relnamespace = 'public'::regnamespace"),
    ("0024 rls_policy_always_true",
        "select policyname::text from pg_policies where schemaname in ('public', 'private', 'audit')
            and (qual = 'true' or with_check = 'true')"),
    ("policies are for authenticated alone",
        "select policyname::text from pg_policies where schemaname in ('public', 'private', 'audit')
            and roles <> array['authenticated'::name]"),
    ("anon has no table",
        "select oid::regclass::text from pg_class where relkind in ('r', 'p', 'v', 'm', 'S')
            and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'audit'::regnamespace)
            and has_table_privilege('anon', oid, 'select, insert, update, delete, truncate, references, trigger')"),
    ("authenticated deletes, truncates and creates nothing, and has no table of private",
        "select oid::regclass::text from pg_class where relkind in ('r', 'p')
            and (relnamespace = 'public'::regnamespace
                and has_table_privilege('authenticated', oid, 'delete, truncate, references, trigger')
                or relnamespace = 'private'::regnamespace and has_table_privilege('authenticated', oid,
                    'select, insert, update, delete, truncate, references, trigger'))"),
    ("anon has one function, and nobody has one by being somebody",
        "select p.oid::regprocedure::text from pg_proc as p
         where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace, 'audit'::regnamespace)
            and (has_function_privilege('anon', p.oid, 'execute') and p.proname <> 'schema_version'
                or exists (select 1 from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                    where a.grantee = 0))"),
];

#[tokio::test]
async fn the_schema_breaks_no_rule_of_supabases_linter() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    // So that there is a partition of the trail to look at.
    backend.organization("acme").await;
    for (rule, query) in RULES {
        assert_eq!(
            backend.cluster.ask(query).await,
            Vec::<String>::new(),
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_table_that_a_later_migration_forgets_to_close_would_be_found() {
    let Some(backend) = Backend::own("it spoils the schema").await else {
        return;
    };
    let careless = "create table public.forgotten (id int primary key, org_id uuid references public.organizations (id));
        create view public.seen as select * from auth.users;
        create function public.loose() returns int language sql as 'select 1';
        create policy everybody on public.policies for delete to authenticated using (true)";
    backend
        .cluster
        .run("postgres", careless)
        .await
        .expect("it can be made");
    let mut found = Vec::new();
    for (rule, query) in RULES {
        if !backend.cluster.ask(query).await.is_empty() {
            found.push(rule.split(' ').next().unwrap_or_default());
        }
    }
    assert_eq!(
        found,
        [
            "0001",
            "0002",
            "0007",
            "0010",
            "0011",
            "0024",
            "anon",
            "authenticated",
            "anon"
        ]
    );
}
