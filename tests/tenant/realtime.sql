-- A stand-in for what Supabase Realtime has in the database of a hosted project, as far as Berth's migrations and tests
-- touch it. Realtime itself has no package here: what it would read from the log of the database is told by NOTIFY, and
-- `berth_tests::tenant::Realtime` passes it on.
--
-- Run by the cluster's superuser. `postgres` owns the table here; in a hosted project it may make policies on it
-- without.

create schema realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;

create table realtime.messages (
    id          uuid        primary key default gen_random_uuid(),
    topic       text        not null,
    extension   text        not null,
    payload     jsonb,
    event       text,
    private     boolean     default false,
    inserted_at timestamptz not null default clock_timestamp()
);
alter table realtime.messages enable row level security;
alter table realtime.messages owner to postgres;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;

create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void language plpgsql as $$
begin
    insert into realtime.messages (payload, event, topic, private, extension)
    values (payload, event, topic, private, 'broadcast');
    perform pg_notify('realtime', jsonb_build_object('topic', topic, 'event', event, 'payload', payload)::text);
end
$$;
