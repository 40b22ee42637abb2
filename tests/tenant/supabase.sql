-- What a hosted Supabase database has before the first migration, as far as Berth's migrations and tests
-- touch it: the roles with their attributes, the schema `auth`, and the privileges that every new object of
-- the role `postgres` gets by itself. The last is what makes a missing revoke show up.
--
-- Run by the cluster's superuser, `supabase_admin`. The role `postgres`, which applies migrations, is none there.

create role postgres login createdb createrole replication bypassrls;
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres;
create role supabase_auth_admin login noinherit createrole;

alter database postgres owner to postgres;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on sequences to postgres, anon, authenticated, service_role;

create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres;

set role supabase_auth_admin;

-- The columns of GoTrue's table that are read.
create table auth.users (
    id                 uuid primary key,
    email              text unique,
    email_confirmed_at timestamptz,
    raw_user_meta_data jsonb,
    raw_app_meta_data  jsonb,
    created_at         timestamptz not null default now(),
    deleted_at         timestamptz
);

create table auth.sessions (
    id         uuid primary key,
    user_id    uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz not null default now()
);

-- As GoTrue defines them.
create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
$$;

create function auth.role() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
$$;

create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

grant all on auth.users, auth.sessions to postgres;
grant all on auth.users, auth.sessions to service_role;
reset role;
