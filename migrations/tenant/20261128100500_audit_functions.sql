-- How the audit trail is written, verified, exported, retired, and what erasing a person does to it.

-- The pseudonym of a person in an organization.
create function private.pseudonym(org uuid, person uuid)
returns text language plpgsql security definer set search_path = '' as $$
declare
    found text;
    fresh bytea;
begin
    if person is null then
        return 'system';
    end if;
    select pseudonym into found from private.audit_people where org_id = org and user_id = person;
    if found is null then
        fresh := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
        insert into private.audit_people (org_id, user_id, key, pseudonym)
        values (org, person, fresh,
            'p_' || left(encode(private.hmac_sha256(fresh, uuid_send(person)), 'hex'), 32))
        returning pseudonym into found;
    end if;
    return found;
end
$$;

-- Appends one event. The head's lock must be taken before, so that whoever appends several does not wait
-- between them.
create function private.audit_write(event audit.logs, person uuid, with_origin boolean)
returns bigint language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    head private.audit_heads;
    headers jsonb;
    address text;
    program text;
    person_key bytea;
begin
    insert into private.audit_heads (org_id, seq, hash, at) values (event.org_id, 0, repeat('0', 64), '-infinity')
    on conflict (org_id) do nothing;
    select * into strict head from private.audit_heads where org_id = event.org_id for update;
    event.seq := head.seq + 1;
    event.prev_hash := head.hash;
    event.recorded_at := greatest(date_trunc('milliseconds', clock_timestamp()), head.at);
    event.occurred_at := date_trunc('milliseconds', event.occurred_at);
    event.actor := private.pseudonym(event.org_id, person);
    if event.subject_kind = 'user' then
        event.subject_id := private.pseudonym(event.org_id, event.subject_id::uuid);
    end if;
    event.origin := null;
    if with_origin and person is not null then
        headers := nullif(current_setting('request.headers', true), '')::jsonb;
        address := left(btrim(split_part(headers ->> 'x-forwarded-for', ',', 1)), 64);
        program := left(headers ->> 'user-agent', 256);
        if address <> '' or program <> '' then
            select key into person_key from private.audit_people
            where org_id = event.org_id and user_id = person;
            event.origin := encode(private.hmac_sha256(person_key, convert_to(
                coalesce(address, '') || chr(10) || coalesce(program, ''), 'UTF8')), 'hex');
            insert into private.audit_origins (org_id, seq, user_id, address, program)
            values (event.org_id, event.seq, person, address, program);
        end if;
    end if;
    event.hash := private.audit_hash(event);
    perform private.audit_make_partition(event.recorded_at);
    insert into audit.logs select (event).*;
    update private.audit_heads set seq = event.seq, hash = event.hash, at = event.recorded_at
    where org_id = event.org_id;
    insert into private.audit_ids (org_id, id, seq) values (event.org_id, event.id, event.seq);
    return event.seq;
end
$$;

-- An event that the server itself sees.
create function private.audit_note(org uuid, action text, subject_kind text, subject_id text, details jsonb)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    event audit.logs;
begin
    event.org_id := org;
    event.id := private.uuid_v7();
    event.action := action;
    event.subject_kind := subject_kind;
    event.subject_id := subject_id;
    event.details := private.canonical_json(details);
    return private.audit_write(event, auth.uid(), true);
end
$$;

-- Notes every change of what admins decide, whichever way it was made. Names of fields only, never values
-- that people typed.
create function private.audit_change()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    subject constant text := tg_argv[0];
    subject_id text;
    word text;
    details jsonb;
    changed jsonb;
begin
    if new.org_id is null or (to_jsonb(new) ->> 'scope') = 'user' then
        return null;
    end if;
    subject_id := new.id::text;
    if tg_op = 'INSERT' then
        word := 'created';
        details := '{}';
    else
        if new.rev = old.rev and new.field_revs = old.field_revs then
            return null;
        end if;
        select coalesce(jsonb_agg(field.key order by field.key), '[]') into changed
        from jsonb_each(to_jsonb(new)) as field
        where field.value is distinct from to_jsonb(old) -> field.key
            and field.key <> all (array['rev', 'field_revs', 'updated_at', 'updated_by', 'access_epoch', 'version', 'author']);
        details := jsonb_build_object('fields', changed);
        word := case
            when new.deleted_at is not null and old.deleted_at is null then 'removed'
            when new.deleted_at is null and old.deleted_at is not null then 'restored'
            else 'changed'
        end;
    end if;
    details := details || coalesce(
        (select jsonb_object_agg(fact.key, fact.value) from jsonb_each(to_jsonb(new)) as fact
         where fact.key in ('role', 'version', 'locked', 'catalog')), '{}');
    -- The row names its user, so its id would tell for ever who a pseudonym was.
    if subject = 'membership' then
        subject_id := private.pseudonym(new.org_id, new.user_id);
    end if;
    perform private.audit_note(new.org_id, subject || '.' || word, subject, subject_id, details);
    return null;
end
$$;

create trigger note after insert or update on public.organizations
    for each row execute function private.audit_change('organization');
create trigger note after insert or update on public.memberships
    for each row execute function private.audit_change('membership');
create trigger note after insert or update on public.invitations
    for each row execute function private.audit_change('invitation');
create trigger note after insert or update on public.system_prompts
    for each row execute function private.audit_change('prompt');
create trigger note after insert or update on public.mcp_configurations
    for each row execute function private.audit_change('mcp_configuration');
create trigger note after insert or update on public.policies
    for each row execute function private.audit_change('policy');
create trigger note after insert or update on public.consent_texts
    for each row execute function private.audit_change('consent_text');

-- Takes the events of a device, at most 200 and 1 MiB, in their order, each once. Answers for each what became
-- of it; the first that is out of order stops nothing but itself.
create function public.audit_append(org uuid, device uuid, events jsonb)
returns jsonb language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    caller constant uuid := auth.uid();
    item jsonb;
    event audit.logs;
    known bigint;
    newest bigint;
    is_stranger boolean;
    answers jsonb := '[]';
begin
    perform private.require_member(org);
    if device is null or events is null or jsonb_typeof(events) <> 'array' then
        perform private.fail(400, 'audit.invalid', 'the events are not an array, or the device is missing');
    end if;
    if jsonb_array_length(events) > 200 or octet_length(events::text) > 1048576 then
        perform private.fail(413, 'audit.too_large', 'at most 200 events and 1 MiB are taken at once',
            'Send them in smaller parts.');
    end if;
    insert into private.audit_heads (org_id, seq, hash, at) values (org, 0, repeat('0', 64), '-infinity')
    on conflict (org_id) do nothing;
    perform 1 from private.audit_heads where org_id = org for update;
    select device_seq into newest from private.audit_devices
    where org_id = org and user_id = caller and device_id = device;
    newest := coalesce(newest, 0);

    for item in select value from jsonb_array_elements(events) loop
        begin
            event := null;
            event.id := (item ->> 'id')::uuid;
            if event.id is null then
                perform private.fail(400, 'audit.invalid', 'an event has no id');
            end if;
            select seq into known from private.audit_ids where org_id = org and id = event.id;
            if known is not null then
                answers := answers || jsonb_build_object('id', event.id, 'status', 'duplicate', 'seq', known);
                continue;
            end if;
            event.org_id := org;
            event.device_id := device;
            event.device_seq := (item ->> 'seq')::bigint;
            event.device_hash := item ->> 'hash';
            event.occurred_at := to_timestamp((item ->> 'at')::numeric / 1000);
            event.action := item ->> 'action';
            event.subject_kind := item ->> 'subject_kind';
            event.subject_id := item ->> 'subject_id';
            event.session_id := (item ->> 'session_id')::uuid;
            event.details := private.canonical_json(coalesce(item -> 'details', '{}'));
            -- Else anybody could have a pseudonym made for whomever they like, also for people of other organizations.
            is_stranger := false;
            if event.subject_kind = 'user' then
                is_stranger := not exists (
                    select 1 from public.memberships
                    where org_id = org and user_id = event.subject_id::uuid
                );
            end if;
            if event.device_seq is null or event.occurred_at is null then
                answers := answers || jsonb_build_object('id', event.id, 'status', 'rejected', 'code', 'audit.invalid');
            elsif event.device_seq <= newest then
                answers := answers
                    || jsonb_build_object('id', event.id, 'status', 'rejected', 'code', 'audit.out_of_order');
            elsif is_stranger then
                answers := answers
                    || jsonb_build_object('id', event.id, 'status', 'rejected', 'code', 'audit.unknown_user');
            -- What the server alone notes cannot be said by a client. Changes of prompts and MCP servers can be: of
            -- a user's own only devices know. They bear the device's id, and what the server notes bears none.
            elsif split_part(event.action, '.', 1) in ('organization', 'membership', 'invitation', 'policy', 'erasure',
                'audit', 'consent_text')
            then
                answers := answers
                    || jsonb_build_object('id', event.id, 'status', 'rejected', 'code', 'audit.reserved_action');
            else
                known := private.audit_write(event, caller, true);
                newest := event.device_seq;
                answers := answers || jsonb_build_object('id', event.id, 'status', 'stored', 'seq', known);
            end if;
        exception when data_exception or integrity_constraint_violation then
            answers := answers || jsonb_build_object('id', item -> 'id', 'status', 'rejected', 'code', 'audit.invalid');
        end;
    end loop;
    insert into private.audit_devices (org_id, user_id, device_id, device_seq) values (org, caller, device, newest)
    on conflict (org_id, user_id, device_id) do update set device_seq = excluded.device_seq;
    return answers;
end
$$;

-- Checks the chain of an organization from the newest checkpoint to the head. Events before the checkpoint are
-- not looked at, and a chain that a superuser has written anew is valid here: a head that somebody else has kept
-- shows that.
create function public.audit_verify(org uuid)
returns jsonb language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
declare
    start private.audit_checkpoints;
    head private.audit_heads;
    checked bigint;
    first_seq bigint;
    last_seq bigint;
    broken bigint;
begin
    perform private.require_admin(org);
    select * into start from private.audit_checkpoints where org_id = org order by seq desc limit 1;
    select * into head from private.audit_heads where org_id = org;
    with chain as (
        select event.seq, event.hash, event.prev_hash, private.audit_hash(event) as right_hash,
            lag(event.seq, 1, coalesce(start.seq, 0)) over (order by event.seq) as seq_before,
            lag(event.hash, 1, coalesce(start.hash, repeat('0', 64))) over (order by event.seq) as hash_before
        from audit.logs as event
        where event.org_id = org and event.seq > coalesce(start.seq, 0)
    )
    select count(*), min(seq), max(seq),
        min(seq) filter (where seq <> seq_before + 1 or prev_hash <> hash_before or hash <> right_hash)
    into checked, first_seq, last_seq, broken
    from chain;
    -- Events that were cut off at the end.
    if broken is null and coalesce(last_seq, start.seq, 0) <> coalesce(head.seq, 0) then
        broken := coalesce(last_seq, start.seq, 0) + 1;
    end if;
    if broken is null and head.seq > 0 and not exists (
        select 1 from audit.logs where org_id = org and seq = head.seq and hash = head.hash
        union all
        select 1 where start.seq = head.seq and start.hash = head.hash
    ) then
        broken := head.seq;
    end if;
    return jsonb_build_object('valid', broken is null, 'checked', checked, 'first', first_seq, 'last', last_seq,
        'broken_at', broken, 'checkpoint', start.seq, 'head', head.hash);
end
$$;

-- Whether an event is meant by a filter: {"from", "until", "actions", "actor", "session_id", "subject_kind"}.
create function private.audit_matches(event audit.logs, filter jsonb)
returns boolean language sql stable set search_path = '' as $$
    select (filter ->> 'from' is null or event.recorded_at >= (filter ->> 'from')::timestamptz)
        and (filter ->> 'until' is null or event.recorded_at < (filter ->> 'until')::timestamptz)
        and (filter ->> 'actor' is null or event.actor = filter ->> 'actor')
        and (filter ->> 'subject_kind' is null or event.subject_kind = filter ->> 'subject_kind')
        and (filter ->> 'session_id' is null or event.session_id = (filter ->> 'session_id')::uuid)
        and (filter -> 'actions' is null or filter -> 'actions' ? event.action)
$$;

-- Begins an export and notes it. The answer is what the manifest says of the events: all that fit the filter
-- up to `until_seq`, which `audit_page` then gives.
create function public.audit_export(org uuid, filter jsonb default '{}')
returns jsonb language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    manifest jsonb;
    head private.audit_heads;
begin
    perform private.require_admin(org);
    filter := coalesce(filter, '{}');
    select * into head from private.audit_heads where org_id = org for update;
    select jsonb_build_object('org_id', org, 'filter', filter, 'count', count(*), 'first_seq', min(event.seq),
        'last_seq', max(event.seq), 'until_seq', head.seq, 'head_hash', head.hash, 'exported_at', clock_timestamp(),
        'first_hash', (array_agg(event.hash order by event.seq))[1],
        'last_hash', (array_agg(event.hash order by event.seq desc))[1])
    into manifest
    from audit.logs as event
    where event.org_id = org and event.seq <= head.seq and private.audit_matches(event, filter);
    perform private.audit_note(org, 'audit.exported', 'organization', org::text,
        jsonb_build_object('count', manifest -> 'count', 'until_seq', manifest -> 'until_seq'));
    return manifest;
end
$$;

-- A page of events by number, for the browser and for exports. Row-level security decides who sees any.
create function public.audit_page(org uuid, filter jsonb default '{}', after bigint default 0, until_seq bigint default null, size int default 500)
returns setof audit.logs language sql stable security invoker set search_path = '' as $$
    select event.* from audit.logs as event
    where event.org_id = org and event.seq > after and (until_seq is null or event.seq <= until_seq)
        and private.audit_matches(event, coalesce(filter, '{}'))
    order by event.seq
    limit least(greatest(size, 1), 5000)
$$;

-- Who the pseudonyms are, as far as they were not erased. Names and addresses are those of the membership: what
-- a person's profile says is no concern of an organization that they do not belong to, or no longer.
create function public.audit_people(org uuid)
returns table (pseudonym text, user_id uuid, display_name text, email text)
language plpgsql stable security definer set search_path = '' as $$
begin
    perform private.require_admin(org);
    return query
    select person.pseudonym, person.user_id, membership.display_name, membership.email
    from private.audit_people as person
    left join public.memberships as membership
        on membership.org_id = person.org_id and membership.user_id = person.user_id
    where person.org_id = org
    order by person.pseudonym;
end
$$;

-- Where an event came from, as far as it was not erased.
create function public.audit_origin(org uuid, event_seq bigint)
returns table (address text, program text)
language plpgsql stable security definer set search_path = '' as $$
begin
    perform private.require_admin(org);
    return query select origin.address, origin.program from private.audit_origins as origin
    where origin.org_id = org and origin.seq = event_seq;
end
$$;

-- Retires the partition of a month whose events no organization keeps any longer: each chain gets a checkpoint
-- at its last event there, and the partition is detached. It stays, as unchangeable as before, to be exported;
-- dropping it is a decision of its own.
create function public.audit_retire(month date)
returns text language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    first_day constant timestamptz := date_trunc('month', month::timestamptz);
    name constant text := 'logs_' || to_char(first_day, 'YYYY_MM');
    kept int;
begin
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
    order by org_id, seq desc;
    perform private.audit_detach(name);
    return name;
end
$$;

create function private.audit_detach(name text)
returns void language plpgsql security definer set search_path = '' as $$
begin
    execute format('alter table audit.logs detach partition audit.%I', name);
end
$$;

revoke all on function
    private.pseudonym(uuid, uuid), private.audit_write(audit.logs, uuid, boolean),
    private.audit_note(uuid, text, text, text, jsonb), private.audit_change(),
    private.audit_matches(audit.logs, jsonb), private.audit_detach(text),
    public.audit_append(uuid, uuid, jsonb), public.audit_verify(uuid), public.audit_export(uuid, jsonb),
    public.audit_page(uuid, jsonb, bigint, bigint, int), public.audit_people(uuid),
    public.audit_origin(uuid, bigint), public.audit_retire(date)
    from public, anon, authenticated, service_role;
grant execute on function
    public.audit_append(uuid, uuid, jsonb), public.audit_verify(uuid), public.audit_export(uuid, jsonb),
    public.audit_page(uuid, jsonb, bigint, bigint, int), public.audit_people(uuid),
    public.audit_origin(uuid, bigint), private.audit_matches(audit.logs, jsonb)
    to authenticated;
grant execute on function public.audit_retire(date) to service_role;

-- A new owner needs the right to create where the thing is.
grant berth_audit to current_user;
grant create on schema private to berth_audit;
alter function private.audit_detach(text) owner to berth_audit;
grant execute on function private.audit_detach(text) to current_user;
revoke create on schema private from berth_audit;
revoke berth_audit from current_user;
