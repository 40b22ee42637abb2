-- The audit trail of organizations: appended to by one function, never changed, and each event chained to the
-- one before it.
--
--     hash      = lower-case hex of SHA-256( UTF-8 of prev_hash ‖ UTF-8 of canonical )
--     canonical = {"action":…,"actor":…,"at":…,"details":…,"device_hash":…,"device_id":…,"device_seq":…,"id":…,
--                  "occurred_at":…,"org_id":…,"origin":…,"seq":…,"session_id":…,"subject_id":…,"subject_kind":…}
--
-- The keys are sorted, absent values are null, moments are milliseconds since 1970, `details` is canonical JSON
-- as it stands in the column. `prev_hash` of the first event is 64 zeros.
--
-- The tables belong to a role that nobody can be, so that not even whoever applies migrations changes them in
-- passing. A superuser still can: what shows that is an export, or a head that somebody else has kept.
do $$
begin
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'berth_audit') then
        create role berth_audit nologin noinherit;
    end if;
end
$$;
grant berth_audit to current_user;
grant usage, create on schema private to berth_audit;
-- Whoever owns a schema can drop what is in it, so the events have one of their own; the API shows a view.
create schema audit authorization berth_audit;
grant usage on schema audit to authenticated, service_role, current_user;

create table audit.logs (
    org_id       uuid        not null,
    seq          bigint      not null check (seq > 0),
    -- Made by who reports the event; the same id is never taken twice.
    id           uuid        not null,
    -- When it arrived, by the server's clock; never earlier than the event before it.
    recorded_at  timestamptz not null,
    -- When it happened, by the clock of who reports it.
    occurred_at  timestamptz,
    -- A pseudonym, or `system`.
    actor        text        not null,
    device_id    uuid,
    -- Its place and hash in the chain of that device.
    device_seq   bigint,
    device_hash  text        check (device_hash ~ '^[0-9a-f]{64}$'),
    action       text        not null check (action ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' and char_length(action) <= 64),
    subject_kind text        not null check (subject_kind ~ '^[a-z0-9_]{1,32}$'),
    subject_id   text        not null check (char_length(subject_id) <= 128),
    session_id   uuid,
    details      text        not null
        check (jsonb_typeof(details::jsonb) = 'object' and octet_length(details) <= 8192),
    -- HMAC of address and program of who reported it, under the key of the person.
    origin       text,
    prev_hash    text        not null check (prev_hash ~ '^[0-9a-f]{64}$'),
    hash         text        not null check (hash ~ '^[0-9a-f]{64}$'),
    primary key (org_id, seq, recorded_at)
) partition by range (recorded_at);
create index logs_by_time on audit.logs (org_id, recorded_at, seq);
create index logs_by_action on audit.logs (org_id, action, seq);
create index logs_by_actor on audit.logs (org_id, actor, seq);
create index logs_by_session on audit.logs (org_id, session_id, seq) where session_id is not null;

-- The end of each chain. Its lock orders the events of an organization.
create table private.audit_heads (
    org_id uuid        primary key,
    seq    bigint      not null,
    hash   text        not null,
    at     timestamptz not null
);

-- Ids that were taken, and where they are.
create table private.audit_ids (
    org_id uuid   not null,
    id     uuid   not null,
    seq    bigint not null,
    primary key (org_id, id)
);

-- The newest event of each device: those of one device arrive in their order.
create table private.audit_devices (
    org_id     uuid   not null,
    user_id    uuid   not null,
    device_id  uuid   not null,
    device_seq bigint not null,
    primary key (org_id, user_id, device_id)
);

-- Who a pseudonym is. Erasing somebody removes the row, and with its key every way back.
create table private.audit_people (
    org_id    uuid  not null,
    user_id   uuid  not null,
    key       bytea not null check (length(key) = 32),
    pseudonym text  not null,
    primary key (org_id, user_id),
    unique (org_id, pseudonym)
);

-- Where events came from, which erasing removes too.
create table private.audit_origins (
    org_id     uuid   not null,
    seq        bigint not null,
    user_id    uuid   not null,
    address    text,
    program    text,
    primary key (org_id, seq)
);
create index audit_origins_of_user on private.audit_origins (org_id, user_id);

-- Where verification begins after older events were retired.
create table private.audit_checkpoints (
    org_id     uuid        not null,
    seq        bigint      not null,
    hash       text        not null,
    partition  text        not null,
    created_at timestamptz not null default now(),
    primary key (org_id, seq)
);

create function private.refuse_audit_change()
returns trigger language plpgsql set search_path = '' as $$
begin
    raise exception 'audit events are never changed or removed (%)', lower(tg_op) using errcode = '42501';
end
$$;

-- An event follows the head of its chain, whoever inserts it.
create function private.check_audit_append()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if not exists (
        select 1 from private.audit_heads as head
        where head.org_id = new.org_id and head.seq + 1 = new.seq and head.hash = new.prev_hash
    ) or new.hash is distinct from private.audit_hash(new) then
        raise exception 'audit events can only be appended' using errcode = '42501';
    end if;
    return new;
end
$$;

create function private.audit_hash(event audit.logs)
returns text language sql immutable set search_path = '' as $$
    select encode(sha256(convert_to(
        event.prev_hash
        || '{"action":' || to_json(event.action)::text
        || ',"actor":' || to_json(event.actor)::text
        || ',"at":' || (extract(epoch from event.recorded_at) * 1000)::bigint
        || ',"details":' || event.details
        || ',"device_hash":' || coalesce('"' || event.device_hash || '"', 'null')
        || ',"device_id":' || coalesce('"' || event.device_id || '"', 'null')
        || ',"device_seq":' || coalesce(event.device_seq::text, 'null')
        || ',"id":"' || event.id
        || '","occurred_at":' || coalesce((extract(epoch from event.occurred_at) * 1000)::bigint::text, 'null')
        || ',"org_id":"' || event.org_id
        || '","origin":' || coalesce('"' || event.origin || '"', 'null')
        || ',"seq":' || event.seq
        || ',"session_id":' || coalesce('"' || event.session_id || '"', 'null')
        || ',"subject_id":' || to_json(event.subject_id)::text
        || ',"subject_kind":' || to_json(event.subject_kind)::text
        || '}', 'UTF8')), 'hex')
$$;

create trigger refuse_change before update or delete or truncate on audit.logs
    for each statement execute function private.refuse_audit_change();
alter table audit.logs enable always trigger refuse_change;

-- Makes the partition of a month. Neither triggers of statements nor row-level security nor revokes are taken
-- over from the table above, so each partition gets its own.
create function private.audit_make_partition(moment timestamptz)
returns void language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    first_day constant timestamptz := date_trunc('month', moment);
    name constant text := 'logs_' || to_char(first_day, 'YYYY_MM');
begin
    if to_regclass('audit.' || name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('berth.audit_partition'));
    if to_regclass('audit.' || name) is not null then
        return;
    end if;
    execute format('create table audit.%I (like audit.logs including all)', name);
    execute format('create trigger refuse_change before update or delete or truncate on audit.%I
        for each statement execute function private.refuse_audit_change()', name);
    execute format('create trigger check_append before insert on audit.%I
        for each row execute function private.check_audit_append()', name);
    execute format('alter table audit.%I enable always trigger refuse_change', name);
    execute format('alter table audit.%I enable always trigger check_append', name);
    execute format('alter table audit.%I enable row level security', name);
    execute format('alter table audit.%I force row level security', name);
    execute format('revoke all on audit.%I from public, anon, authenticated, service_role', name);
    -- Attaching waits for no reader of the other partitions.
    execute format('alter table audit.logs attach partition audit.%I for values from (%L) to (%L)',
        name, first_day, first_day + interval '1 month');
end
$$;

do $$
declare
    name text;
begin
    foreach name in array array['audit.logs', 'private.audit_heads', 'private.audit_ids',
        'private.audit_devices', 'private.audit_people', 'private.audit_origins', 'private.audit_checkpoints']
    loop
        execute format('alter table %s enable row level security', name);
        execute format('alter table %s force row level security', name);
        execute format('revoke all on %s from public, anon, authenticated, service_role', name);
    end loop;
end
$$;

grant select on audit.logs to authenticated, service_role;
create policy logs_read on audit.logs for select to authenticated
    using (org_id = any (array(select private.my_admin_orgs())));

revoke all on function
    private.refuse_audit_change(), private.check_audit_append(), private.audit_hash(audit.logs),
    private.audit_make_partition(timestamptz)
    from public, anon, authenticated, service_role;
grant execute on function private.refuse_audit_change(), private.check_audit_append() to berth_audit;

create view public.audit_logs with (security_invoker = true) as select * from audit.logs;
revoke all on public.audit_logs from anon, authenticated, service_role;
grant select on public.audit_logs to authenticated, service_role;

alter function private.audit_make_partition(timestamptz) owner to berth_audit;
alter table audit.logs owner to berth_audit;
-- Whoever applies migrations owns the function that appends, and can do no more with the trail than that.
grant select, insert on audit.logs to current_user;
grant execute on function private.audit_make_partition(timestamptz) to current_user;
revoke create on schema private from berth_audit;
revoke berth_audit from current_user;
