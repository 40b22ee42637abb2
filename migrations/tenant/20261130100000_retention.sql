-- Retention by itself: one function that whoever runs a backend calls once a day, for all organizations.
--
-- A month of the trail is one table for all organizations, and each of them says for how long it keeps events. So a
-- month is retired for one organization first: its chain gets a checkpoint at its last event there, and what is before
-- the newest checkpoint is neither shown nor exported to its admins any more. Once nobody keeps anything of a month, its
-- table is put aside as `audit_retire` does it. Nothing is deleted of the trail: dropping such a table, after it was
-- exported, is a decision of its own.

-- Where the trails that the caller may read begin: the number of the event before, for each organization that has retired
-- any. One value for a whole question, which is why it is no condition for each row.
create function private.my_trail_starts()
returns jsonb language sql stable security definer set search_path = '' as $$
    select coalesce(jsonb_object_agg(start.org_id::text, start.seq), '{}')
    from (
        select point.org_id, max(point.seq) as seq from private.audit_checkpoints as point
        where point.org_id = any (array(select private.my_admin_orgs()))
        group by point.org_id
    ) as start
$$;
revoke all on function private.my_trail_starts() from public, anon, authenticated, service_role;
grant execute on function private.my_trail_starts() to authenticated;

-- Only a member of the owner changes a policy.
grant berth_audit to current_user;
alter policy logs_read on audit.logs using (
    org_id = any (array(select private.my_admin_orgs()))
    and seq > coalesce(((select private.my_trail_starts()) ->> org_id::text)::bigint, 0)
);
revoke berth_audit from current_user;

-- As before, without what was retired.
create or replace function public.audit_export(org uuid, filter jsonb default '{}')
returns jsonb language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    manifest jsonb;
    head private.audit_heads;
    begins_after bigint;
begin
    perform private.require_admin(org);
    filter := coalesce(filter, '{}');
    select * into head from private.audit_heads where org_id = org for update;
    select coalesce(max(point.seq), 0) into begins_after
    from private.audit_checkpoints as point where point.org_id = org;
    select jsonb_build_object('org_id', org, 'filter', filter, 'count', count(*), 'first_seq', min(event.seq),
        'last_seq', max(event.seq), 'until_seq', head.seq, 'head_hash', head.hash, 'exported_at', clock_timestamp(),
        'first_hash', (array_agg(event.hash order by event.seq))[1],
        'last_hash', (array_agg(event.hash order by event.seq desc))[1])
    into manifest
    from audit.logs as event
    where event.org_id = org and event.seq > begins_after and event.seq <= head.seq
        and private.audit_matches(event, filter);
    perform private.audit_note(org, 'audit.exported', 'organization', org::text,
        jsonb_build_object('count', manifest -> 'count', 'until_seq', manifest -> 'until_seq'));
    return manifest;
end
$$;

-- As before, without what was retired, and without walking through it.
create or replace function public.audit_page(org uuid, filter jsonb default '{}', after bigint default 0, until_seq bigint default null, size int default 500)
returns setof audit.logs language sql stable security invoker set search_path = '' as $$
    select event.* from audit.logs as event
    where event.org_id = org and (until_seq is null or event.seq <= until_seq)
        and event.seq > greatest(after, coalesce(((select private.my_trail_starts()) ->> org::text)::bigint, 0))
        and private.audit_matches(event, coalesce(filter, '{}'))
    order by event.seq
    limit least(greatest(size, 1), 5000)
$$;

-- As before, without what was retired.
create or replace function public.audit_origin(org uuid, event_seq bigint)
returns table (address text, program text)
language plpgsql stable security definer set search_path = '' as $$
begin
    perform private.require_admin(org);
    return query select origin.address, origin.program from private.audit_origins as origin
    where origin.org_id = org and origin.seq = event_seq
        and origin.seq > coalesce(
            (select max(point.seq) from private.audit_checkpoints as point where point.org_id = org), 0);
end
$$;

-- As before; an organization may have its checkpoint there already.
create or replace function public.audit_retire(month date)
returns text language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    first_day constant timestamptz := date_trunc('month', month::timestamptz);
    name constant text := 'logs_' || to_char(first_day, 'YYYY_MM');
    kept int;
begin
    perform pg_advisory_xact_lock(hashtext('berth.maintain'));
    select coalesce(max(retention_days), 365) into kept from public.policies;
    if first_day + interval '1 month' + make_interval(days => kept) > now() then
        perform private.fail(409, 'audit.still_kept',
            format('events of %s are kept for %s days', to_char(first_day, 'YYYY-MM'), kept),
            'Retire it later, or shorten the retention of the organization that keeps longest.');
    end if;
    if not exists (
        select 1 from pg_catalog.pg_inherits where inhrelid = to_regclass('audit.' || name)
            and inhparent = 'audit.logs'::regclass
    ) then
        perform private.fail(404, 'audit.no_partition', format('there is no partition %s', name));
    end if;
    if exists (
        select 1 from audit.logs where recorded_at < first_day
    ) then
        perform private.fail(409, 'audit.older_first', 'older events are still attached',
            'Retire the oldest month first.');
    end if;
    insert into private.audit_checkpoints (org_id, seq, hash, partition)
    select distinct on (org_id) org_id, seq, hash, name from audit.logs
    where recorded_at >= first_day and recorded_at < first_day + interval '1 month'
    order by org_id, seq desc
    on conflict (org_id, seq) do nothing;
    perform private.audit_detach(name);
    return name;
end
$$;

-- Removes the tombstones of an organization from before a moment, and raises its floor; returns how many went.
create function private.purge_tombstones(org uuid, oldest timestamptz)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    gone bigint := 0;
    highest bigint;
    part record;
    statement text;
begin
    perform 1 from private.org_clock where org_id = org for update;
    -- What refers to others goes first.
    foreach statement in array array[
        'delete from public.mcp_oauth as t where org_id = $1 and deleted_at < $2',
        'delete from public.mcp_configurations as t where org_id = $1 and deleted_at < $2
            and not exists (select 1 from public.mcp_oauth as o where o.org_id = $1 and o.mcp_configuration_id = t.id)',
        'delete from public.session_workspaces as t where org_id = $1 and deleted_at < $2',
        'delete from public.user_sessions as t where org_id = $1 and deleted_at < $2
            and not exists (select 1 from public.session_workspaces as w where w.org_id = $1 and w.session_id = t.id)',
        'delete from public.invitations as t where org_id = $1 and deleted_at < $2',
        'delete from public.system_prompts as t where coalesce(org_id, ''00000000-0000-0000-0000-000000000000'') = $1
            and deleted_at < $2'
    ] loop
        execute format('with gone as (%s returning t.rev) select count(*) as count, max(rev) as rev from gone', statement)
        into part using org, oldest;
        gone := gone + part.count;
        highest := greatest(highest, part.rev);
    end loop;
    update private.org_clock set floor_rev = greatest(floor_rev, highest) where org_id = org and highest is not null;
    return gone;
end
$$;

-- As before, by the function above.
create or replace function public.sync_purge(days int default 90)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    oldest constant timestamptz := now() - make_interval(days => greatest(days, 1));
    org uuid;
    gone bigint := 0;
begin
    for org in select org_id from private.org_clock order by org_id loop
        gone := gone + private.purge_tombstones(org, oldest);
    end loop;
    delete from private.sync_ledger where created_at < oldest;
    return gone;
end
$$;

-- What a backend needs every day: applies the retention of every organization, with the addresses that retired events came
-- from, removes what sync has no use for after 90 days, and has the table of the next month ready. Called again, it does
-- nothing more. All of it is one transaction. An organization whose clock somebody else holds has its turn with the next
-- call, and so has a table that somebody reads; it gives up where another lock is not given within a minute.
--
-- The REST gateway takes the limit of time from here; whoever calls it otherwise sets their own.
--
-- Returns {"organizations": [{"id", "name", "retention_days", "retired", "checkpoint", "purged"}], "global_purged",
-- "answers_purged", "put_aside": [names of tables]}.
create function public.maintain()
returns jsonb language plpgsql security definer
set search_path = '' set timezone = 'UTC' set lock_timeout = '60s' set statement_timeout = '60s' as $$
declare
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    -- No organization keeps events for a shorter time.
    shortest constant interval := interval '30 days';
    oldest constant timestamptz := now() - interval '90 days';
    org uuid;
    org_name text;
    days int;
    begins_after bigint;
    last_seq bigint;
    last_hash text;
    last_at timestamptz;
    retired bigint;
    event audit.logs;
    purged jsonb := '{}';
    answers bigint;
    leaves text[];
    leaf text;
    first_day timestamptz;
    organizations jsonb := '[]';
    put_aside jsonb := '[]';
begin
    perform pg_advisory_xact_lock(hashtext('berth.maintain'));

    -- Clocks before the heads of chains, as whoever writes takes them; none is waited for while others are held, and those
    -- of organizations without anything old are left alone.
    for org in
        with old as (
            select t.org_id from public.mcp_oauth as t where t.deleted_at < oldest
            union select t.org_id from public.mcp_configurations as t where t.deleted_at < oldest
            union select t.org_id from public.session_workspaces as t where t.deleted_at < oldest
            union select t.org_id from public.user_sessions as t where t.deleted_at < oldest
            union select t.org_id from public.invitations as t where t.deleted_at < oldest
            union select coalesce(t.org_id, nobody) from public.system_prompts as t where t.deleted_at < oldest
        )
        select clock.org_id from private.org_clock as clock
        where clock.org_id in (select old.org_id from old)
        order by clock.org_id
    loop
        perform 1 from private.org_clock as clock where clock.org_id = org for update skip locked;
        continue when not found;
        purged := purged || jsonb_build_object(org::text, private.purge_tombstones(org, oldest));
    end loop;
    delete from private.sync_ledger where created_at < oldest;
    get diagnostics answers = row_count;

    for org, org_name, days in
        select head.org_id, organization.name, coalesce(policy.retention_days, 365)
        from private.audit_heads as head
        left join public.organizations as organization on organization.id = head.org_id
        left join public.policies as policy on policy.org_id = head.org_id
        order by head.org_id
    loop
        select coalesce(max(point.seq), 0) into begins_after
        from private.audit_checkpoints as point where point.org_id = org;
        -- The last event of the months that are over for it.
        select it.seq, it.hash, it.recorded_at into last_seq, last_hash, last_at
        from audit.logs as it
        where it.org_id = org and it.recorded_at < date_trunc('month', now() - make_interval(days => days))
        order by it.recorded_at desc, it.seq desc
        limit 1;
        retired := 0;
        -- That some were retired is no news of its own: a trail to which nothing is added any more comes to rest.
        if last_seq > begins_after and exists (
            select 1 from audit.logs as it
            where it.org_id = org and it.seq > begins_after and it.seq <= last_seq and it.action <> 'audit.retired'
        ) then
            retired := last_seq - begins_after;
            begins_after := last_seq;
            insert into private.audit_checkpoints (org_id, seq, hash, partition)
            values (org, last_seq, last_hash, 'logs_' || to_char(last_at, 'YYYY_MM'))
            on conflict (org_id, seq) do nothing;
            delete from private.audit_origins as origin where origin.org_id = org and origin.seq <= last_seq;
            -- By nobody of the organization, whoever has called this.
            event := null;
            event.org_id := org;
            event.id := private.uuid_v7();
            event.action := 'audit.retired';
            event.subject_kind := 'organization';
            event.subject_id := org::text;
            event.details := private.canonical_json(
                jsonb_build_object('count', retired, 'until_seq', last_seq, 'retention_days', days));
            perform private.audit_write(event, null, false);
        end if;
        organizations := organizations || jsonb_build_object('id', org, 'name', org_name, 'retention_days', days,
            'retired', retired, 'checkpoint', nullif(begins_after, 0),
            'purged', coalesce((purged ->> org::text)::bigint, 0));
    end loop;

    -- Read before any of them is touched: a table that is being read cannot be detached.
    select array_agg(child.relname::text order by child.relname) into leaves
    from pg_catalog.pg_inherits as link
    join pg_catalog.pg_class as child on child.oid = link.inhrelid
    where link.inhparent = 'audit.logs'::regclass and child.relname ~ '^logs_[0-9]{4}_[0-9]{2}$';
    foreach leaf in array coalesce(leaves, '{}') loop
        first_day := to_date(substring(leaf from 6), 'YYYY_MM')::timestamptz;
        -- One without events too waits that long, so that a clock that is set back finds it.
        continue when first_day + interval '1 month' + shortest > now();
        continue when exists (
            select 1 from private.audit_heads as head
            cross join lateral (
                select it.seq from audit.logs as it
                where it.org_id = head.org_id
                    and it.recorded_at >= first_day and it.recorded_at < first_day + interval '1 month'
                order by it.recorded_at desc, it.seq desc
                limit 1
            ) as last
            where last.seq > coalesce(
                (select max(point.seq) from private.audit_checkpoints as point where point.org_id = head.org_id), 0)
        );
        begin
            -- Whoever writes waits behind this too.
            perform set_config('lock_timeout', '2s', true);
            perform private.audit_detach(leaf);
            put_aside := put_aside || to_jsonb(leaf);
        exception when lock_not_available then
            -- Somebody reads the trail, such as a backup.
            exit;
        end;
    end loop;
    -- Last, because who writes the first event of a month holds its chain while they make its table.
    perform set_config('lock_timeout', '60s', true);
    perform private.audit_make_partition(now());
    perform private.audit_make_partition(now() + interval '1 month');

    return jsonb_build_object('organizations', organizations,
        'global_purged', coalesce((purged ->> nobody::text)::bigint, 0),
        'answers_purged', answers, 'put_aside', put_aside);
end
$$;

revoke all on function private.purge_tombstones(uuid, timestamptz), public.maintain()
    from public, anon, authenticated, service_role;
grant execute on function public.maintain() to service_role;

-- PostgREST learns what is new.
notify pgrst, 'reload schema';
