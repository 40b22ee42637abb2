-- Sync: one function says where an organization is, one gives what has changed, one takes changes.
--
-- A client keeps the revision up to which it has everything, and a token. A token is `epoch.access.floor`: it
-- stops to fit when a backup was restored, when what the caller may see has changed, or when tombstones that the
-- caller has not seen are gone; then the answer is `{"reset": true}` and the client begins anew from 0.

-- What became of each mutation, so that one that is sent again is not done again.
create table private.sync_ledger (
    user_id     uuid        not null,
    mutation_id uuid        not null,
    org_id      uuid        not null,
    device_id   uuid        not null,
    -- SHA-256 of the mutation: an id stands for one mutation for ever.
    mutation    bytea       not null,
    result      jsonb       not null,
    created_at  timestamptz not null default now(),
    primary key (user_id, mutation_id)
);
create index sync_ledger_by_age on private.sync_ledger (created_at);
create index sync_ledger_of_org on private.sync_ledger (org_id);
alter table private.sync_ledger enable row level security;
alter table private.sync_ledger force row level security;
revoke all on private.sync_ledger from public, anon, authenticated, service_role;

-- Where the clock of an organization stands, for a member. The nil UUID is that of global prompts.
create function private.clock(org uuid)
returns table (rev bigint, floor_rev bigint, token text)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
    if org <> '00000000-0000-0000-0000-000000000000' then
        perform private.require_member(org);
    elsif auth.uid() is null then
        perform private.fail(403, 'org.not_member', 'nobody is signed in');
    end if;
    return query
    select clock.rev, clock.floor_rev,
        format('%s.%s.%s', clock.epoch, coalesce(member.access_epoch, 0), clock.floor_rev)
    from private.org_clock as clock
    left join public.memberships as member
        on member.org_id = org and member.user_id = (select auth.uid()) and member.deleted_at is null
    where clock.org_id = org;
end
$$;

create function public.sync_head(org uuid)
returns jsonb language sql stable security invoker set search_path = '' as $$
    select jsonb_build_object('rev', clock.rev, 'token', clock.token, 'schema', public.schema_version() -> 'version')
    from private.clock(org) as clock
$$;

-- All rows that have changed after `since`, oldest first, at most `size` or what one transaction has changed.
-- A single statement's snapshot, so that the revision and the rows are of one moment. What of it the caller
-- sees is decided by row-level security.
create function public.sync_pull(org uuid, since bigint default 0, token text default null, size int default 500)
returns jsonb language plpgsql stable security invoker set search_path = '' set timezone = 'UTC' as $$
declare
    at record;
    page jsonb;
    last_rev bigint;
    wanted constant int := least(greatest(coalesce(size, 500), 1), 2000);
begin
    select * into at from private.clock(org);
    since := greatest(coalesce(since, 0), 0);
    if since > at.rev
        or (token is not null and (
            split_part(token, '.', 1) <> split_part(at.token, '.', 1)
            or split_part(token, '.', 2) <> split_part(at.token, '.', 2)
            or (split_part(token, '.', 3) <> split_part(at.token, '.', 3) and since < at.floor_rev)))
        or (token is null and since > 0)
    then
        return jsonb_build_object('reset', true);
    end if;

    with branches as (
        (select rev, 'organization' as kind, id, to_jsonb(t) as entity from public.organizations as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'membership', id, to_jsonb(t) from public.memberships as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'invitation', id, to_jsonb(t) from public.invitations as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'policy', id, to_jsonb(t) from public.policies as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'prompt', id, to_jsonb(t) from public.system_prompts as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        -- Rows of no organization are found by another condition, which an index on the first would not serve.
        (select rev, 'prompt', id, to_jsonb(t) from public.system_prompts as t
         where org_id is null and org = '00000000-0000-0000-0000-000000000000' and rev > since
         order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'mcp_configuration', id, to_jsonb(t) from public.mcp_configurations as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'mcp_oauth', id, to_jsonb(t) from public.mcp_oauth as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'session', id, to_jsonb(t) from public.user_sessions as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'workspace', id, to_jsonb(t) from public.session_workspaces as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'consent_text', id, to_jsonb(t) from public.consent_texts as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
        union all
        (select rev, 'consent', id, to_jsonb(t) from public.consents as t
         where org_id = org and rev > since order by rev fetch first (wanted) rows with ties)
    ), changes as (
        select * from branches order by rev fetch first (wanted) rows with ties
    )
    select coalesce(jsonb_agg(jsonb_build_object(
            'kind', kind, 'id', id, 'rev', rev, 'deleted', entity -> 'deleted_at' <> 'null',
            'row', entity - array['field_revs', 'deleted_at', 'org_id']
        ) order by rev, kind, id), '[]'), max(rev)
    into page, last_rev
    from changes;

    -- A full page may be followed by more; one that is not full is the end.
    if jsonb_array_length(page) < wanted then
        return jsonb_build_object('rev', at.rev, 'token', at.token, 'more', false, 'changes', page);
    end if;
    return jsonb_build_object('rev', last_rev, 'token', at.token, 'more', last_rev < at.rev, 'changes', page);
end
$$;

-- What a client may say of which kind. `owned`: whether rows are the caller's own.
create function private.sync_kind(kind text)
returns table (relation text, owned text, insertable text[], writable text[])
language sql immutable set search_path = '' as $$
    select entry.relation, entry.owned, entry.insertable || entry.writable, entry.writable
    from (values
        ('organization', 'organizations', 'never', null::text[], array['name']),
        ('policy', 'policies', 'never', null,
            array['allowed_agents', 'autonomy_ceiling', 'sanitize', 'tool_rules', 'isolation', 'retention_days']),
        ('prompt', 'system_prompts', 'by_scope', array['scope'],
            array['name', 'format', 'content', 'priority', 'enabled', 'locked', 'target']),
        ('mcp_configuration', 'mcp_configurations', 'by_scope', array['scope'],
            array['name', 'server', 'auth', 'enabled', 'target', 'catalog']),
        ('mcp_oauth', 'mcp_oauth', 'always', array['mcp_configuration_id'],
            array['issuer', 'client_id', 'scopes', 'signed_in_at', 'refreshed_at', 'expires_at', 'can_refresh']),
        ('session', 'user_sessions', 'always', array['device_id', 'agent', 'transport', 'started_at'],
            array['title', 'phase', 'exit_code', 'exit_signal', 'failure_code', 'permission_mode', 'run', 'ended_at',
                'archived_at']),
        ('workspace', 'session_workspaces', 'always', array['session_id', 'kind'],
            array['path', 'branch', 'base', 'base_commit', 'changed_files', 'added_lines', 'removed_lines']),
        ('consent_text', 'consent_texts', 'never', array['purpose', 'version', 'body'], array[]::text[]),
        ('consent', 'consents', 'always', array['consent_text_id', 'granted_at'], array['withdrawn_at'])
    ) as entry (kind, relation, owned, insertable, writable)
    where entry.kind = sync_kind.kind
$$;

-- The revision that this transaction has given so far, if any.
create function private.own_rev(org uuid)
returns bigint language sql stable security definer set search_path = '' as $$
    select rev from private.org_clock where org_id = org and last_xid = pg_current_xact_id_if_assigned()
$$;

-- Orders the pushes of an organization from their beginning: whatever is read afterwards is what the push
-- before has left.
create function private.lock_clock(org uuid)
returns void language plpgsql security definer set search_path = '' as $$
begin
    perform private.require_member(org);
    perform 1 from private.org_clock where org_id = org for update;
end
$$;

create function private.recall(mutation_id uuid)
returns table (mutation bytea, result jsonb)
language sql stable security definer set search_path = '' as $$
    select ledger.mutation, ledger.result from private.sync_ledger as ledger
    where ledger.user_id = (select auth.uid()) and ledger.mutation_id = recall.mutation_id
$$;

create function private.remember(org uuid, device uuid, mutation_id uuid, mutation bytea, result jsonb)
returns void language plpgsql security definer set search_path = '' as $$
begin
    perform private.require_member(org);
    insert into private.sync_ledger (user_id, mutation_id, org_id, device_id, mutation, result)
    values (auth.uid(), mutation_id, org, device, mutation, result);
end
$$;

-- Does one mutation as the caller, under row-level security.
--
-- A change of fields that nobody else has changed since `base_rev` is taken, whatever else has changed in the
-- row; one of the same field to another value is a conflict, and so is deleting what has changed.
create function private.sync_apply(org uuid, mutation jsonb)
returns jsonb language plpgsql security invoker set search_path = '' set timezone = 'UTC' as $$
declare
    what record;
    entity uuid := (mutation ->> 'entity_id')::uuid;
    op constant text := mutation ->> 'op';
    base constant bigint := (mutation ->> 'base_rev')::bigint;
    patch jsonb := coalesce(mutation -> 'patch', '{}');
    fields text[];
    current jsonb;
    conflicts text[];
    own constant bigint := private.own_rev(org);
    stored bigint;
begin
    select * into what from private.sync_kind(mutation ->> 'kind');
    if what.relation is null then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.unknown_kind');
    end if;
    if entity is null or op is null or op not in ('upsert', 'delete') or jsonb_typeof(patch) <> 'object' then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.invalid');
    end if;
    select coalesce(array_agg(key order by key), '{}') into fields from jsonb_object_keys(patch) as key;

    execute format('select to_jsonb(t) from public.%I as t where t.id = $1 and t.org_id = $2', what.relation)
    into current using entity, org;

    if op = 'upsert' and base is null then
        if not fields <@ coalesce(what.insertable, '{}') then
            return jsonb_build_object('status', 'rejected', 'code', 'sync.unknown_field');
        end if;
        if current is not null then
            -- It arrived before, and the answer was lost longer ago than the ledger remembers.
            if current -> 'deleted_at' = 'null' and current @> patch then
                return jsonb_build_object('status', 'applied', 'rev', current -> 'rev');
            end if;
            return jsonb_build_object('status', 'conflict', 'code', 'sync.exists', 'server', current - 'field_revs');
        end if;
        patch := patch || jsonb_build_object('id', entity, 'org_id', org);
        fields := fields || array['id', 'org_id'];
        if what.owned = 'always' or (what.owned = 'by_scope' and patch ->> 'scope' = 'user') then
            patch := patch || jsonb_build_object('user_id', auth.uid());
            fields := fields || array['user_id'];
        end if;
        execute format('insert into public.%1$I (%2$s) select %2$s from jsonb_populate_record(null::public.%1$I, $1)
            returning rev', what.relation, (select string_agg(quote_ident(field), ', ') from unnest(fields) as field))
        into stored using patch;
        return jsonb_build_object('status', 'applied', 'rev', stored);
    end if;

    if current is null then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.not_found');
    end if;
    if base is null or base > (current ->> 'rev')::bigint then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.invalid');
    end if;

    if op = 'delete' then
        if current -> 'deleted_at' <> 'null' then
            return jsonb_build_object('status', 'applied', 'rev', current -> 'rev');
        end if;
        if (current ->> 'rev')::bigint > base and (current ->> 'rev')::bigint is distinct from own then
            return jsonb_build_object('status', 'conflict', 'code', 'sync.changed', 'server', current - 'field_revs');
        end if;
        execute format('update public.%I set deleted_at = now() where id = $1 and org_id = $2 returning rev',
            what.relation)
        into stored using entity, org;
    else
        if not fields <@ what.writable or cardinality(fields) = 0 then
            return jsonb_build_object('status', 'rejected', 'code', 'sync.unknown_field');
        end if;
        if current -> 'deleted_at' <> 'null' then
            return jsonb_build_object('status', 'conflict', 'code', 'sync.deleted', 'server', current - 'field_revs');
        end if;
        select array_agg(field.key order by field.key) into conflicts
        from jsonb_each(patch) as field
        where (current -> 'field_revs' ->> field.key)::bigint > base
            and (current -> 'field_revs' ->> field.key)::bigint is distinct from own
            and field.value is distinct from current -> field.key;
        if conflicts is not null then
            return jsonb_build_object('status', 'conflict', 'code', 'sync.changed', 'fields', to_jsonb(conflicts),
                'server', current - 'field_revs');
        end if;
        execute format('update public.%1$I as t set %2$s from jsonb_populate_record(null::public.%1$I, $3) as r
            where t.id = $1 and t.org_id = $2 returning t.rev', what.relation,
            (select string_agg(format('%1$I = r.%1$I', field), ', ') from unnest(fields) as field))
        into stored using entity, org, patch;
    end if;
    -- The caller sees the row and may not change it.
    if stored is null then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.forbidden');
    end if;
    return jsonb_build_object('status', 'applied', 'rev', stored);
end
$$;

-- Takes at most 50 mutations and 256 KiB: `{"id", "kind", "op": "upsert" | "delete", "entity_id", "base_rev",
-- "patch"}`, where `base_rev` is the revision that was edited, and absent for a new row. Each is done on its own:
-- applied, in conflict (with the server's row) or rejected (with a code). One that was done before is not done
-- again, and has the answer that it had.
create function public.sync_push(org uuid, device uuid, mutations jsonb)
returns jsonb language plpgsql security invoker set search_path = '' set timezone = 'UTC' as $$
declare
    mutation jsonb;
    mutation_id uuid;
    digest bytea;
    known record;
    result jsonb;
    results jsonb := '[]';
    reason text;
begin
    perform private.lock_clock(org);
    if device is null or mutations is null or jsonb_typeof(mutations) <> 'array' then
        perform private.fail(400, 'sync.invalid', 'the mutations are not an array, or the device is missing');
    end if;
    if jsonb_array_length(mutations) > 50 or octet_length(mutations::text) > 262144 then
        perform private.fail(413, 'sync.too_large', 'at most 50 mutations and 256 KiB are taken at once',
            'Send them in smaller parts.');
    end if;
    for mutation in select value from jsonb_array_elements(mutations) loop
        begin
            mutation_id := (mutation ->> 'id')::uuid;
        exception when data_exception then
            mutation_id := null;
        end;
        if mutation_id is null then
            perform private.fail(400, 'sync.invalid', 'a mutation has no id');
        end if;
        digest := sha256(convert_to(org::text || mutation::text, 'UTF8'));
        select * into known from private.recall(mutation_id);
        if known.result is not null then
            result := case when known.mutation = digest then known.result
                else jsonb_build_object('status', 'rejected', 'code', 'sync.id_reused') end;
        else
            begin
                result := private.sync_apply(org, mutation);
            exception
                when insufficient_privilege then
                    result := jsonb_build_object('status', 'rejected', 'code', 'sync.forbidden');
                when foreign_key_violation then
                    result := jsonb_build_object('status', 'rejected', 'code', 'sync.missing_reference');
                when unique_violation then
                    result := jsonb_build_object('status', 'rejected', 'code', 'sync.duplicate');
                when integrity_constraint_violation or data_exception then
                    get stacked diagnostics reason = constraint_name;
                    result := jsonb_build_object('status', 'rejected', 'code', 'sync.invalid', 'constraint', reason);
            end;
            perform private.remember(org, device, mutation_id, digest, result);
        end if;
        results := results || (result || jsonb_build_object('id', mutation_id));
    end loop;
    return results;
end
$$;

-- Removes tombstones and remembered answers that are older than so many days, and raises the floor of each
-- organization whose tombstones went. Whoever was away longer begins anew.
create function public.sync_purge(days int default 90)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    oldest constant timestamptz := now() - make_interval(days => greatest(days, 1));
    org uuid;
    gone bigint := 0;
    highest bigint;
    part record;
    statement text;
begin
    for org in select org_id from private.org_clock order by org_id loop
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
        highest := null;
    end loop;
    delete from private.sync_ledger where created_at < oldest;
    return gone;
end
$$;

revoke all on function
    private.clock(uuid), private.sync_kind(text), private.own_rev(uuid), private.lock_clock(uuid),
    private.recall(uuid), private.remember(uuid, uuid, uuid, bytea, jsonb), private.sync_apply(uuid, jsonb),
    public.sync_head(uuid), public.sync_pull(uuid, bigint, text, int), public.sync_push(uuid, uuid, jsonb),
    public.sync_purge(int)
    from public, anon, authenticated, service_role;
grant execute on function
    private.clock(uuid), private.sync_kind(text), private.own_rev(uuid), private.lock_clock(uuid),
    private.recall(uuid), private.remember(uuid, uuid, uuid, bytea, jsonb), private.sync_apply(uuid, jsonb),
    public.sync_head(uuid), public.sync_pull(uuid, bigint, text, int), public.sync_push(uuid, uuid, jsonb)
    to authenticated;
grant execute on function public.sync_purge(int) to service_role;
