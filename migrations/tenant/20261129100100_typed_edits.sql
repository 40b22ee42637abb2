-- What a client says is compared with what a row has as values of the column's type, not as text: a moment is the same in
-- every form of it. And an edit that is several, which waited together, counts as so many versions.

-- Counts the versions: what a client says of them counts for nothing. `berth.edits` is set by `sync_apply` alone, for the
-- one statement that does such an edit: the numbers between are in no history, because nothing but the last was ever
-- here, and no number stands for two states of a row on whichever device.
create or replace function private.count_version()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    kept constant text[] := array['rev', 'field_revs', 'updated_at', 'updated_by', 'created_at', 'version', 'author'];
    edits constant int := greatest(coalesce(nullif(current_setting('berth.edits', true), '')::int, 1), 1);
begin
    if tg_op = 'INSERT' then
        new.version := edits;
        new.author := auth.uid();
    elsif to_jsonb(new) - kept = to_jsonb(old) - kept then
        new.version := old.version;
    else
        new.version := old.version + edits;
        new.author := auth.uid();
    end if;
    return new;
end
$$;

-- Does one mutation as the caller, under row-level security. `edits` of a mutation says how many edits it is, when these
-- waited together.
--
-- A change of fields that nobody else has changed since `base_rev` is taken, whatever else has changed in the
-- row; one of the same field to another value is a conflict, and so is deleting what has changed.
create or replace function private.sync_apply(org uuid, mutation jsonb)
returns jsonb language plpgsql security invoker set search_path = '' set timezone = 'UTC' as $$
declare
    what record;
    entity uuid := (mutation ->> 'entity_id')::uuid;
    op constant text := mutation ->> 'op';
    base constant bigint := (mutation ->> 'base_rev')::bigint;
    edits constant int := coalesce((mutation ->> 'edits')::int, 1);
    patch jsonb := coalesce(mutation -> 'patch', '{}');
    fields text[];
    -- The patch as the row would have it.
    typed jsonb;
    current jsonb;
    conflicts text[];
    own constant bigint := private.own_rev(org);
    stored bigint;
begin
    select * into what from private.sync_kind(mutation ->> 'kind');
    if what.relation is null then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.unknown_kind');
    end if;
    if entity is null or op is null or op not in ('upsert', 'delete') or jsonb_typeof(patch) <> 'object'
        or edits not between 1 and 10000
    then
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
            typed := private.sync_typed(what.relation, patch);
            -- It arrived before, and the answer was lost longer ago than the ledger remembers.
            if current -> 'deleted_at' = 'null' and not exists (
                select 1 from unnest(fields) as field where typed -> field is distinct from current -> field
            ) then
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
        perform set_config('berth.edits', edits::text, true);
        execute format('insert into public.%1$I (%2$s) select %2$s from jsonb_populate_record(null::public.%1$I, $1)
            returning rev', what.relation, (select string_agg(quote_ident(field), ', ') from unnest(fields) as field))
        into stored using patch;
        perform set_config('berth.edits', '', true);
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
        typed := private.sync_typed(what.relation, patch);
        select array_agg(field order by field) into conflicts
        from unnest(fields) as field
        where (current -> 'field_revs' ->> field)::bigint > base
            and (current -> 'field_revs' ->> field)::bigint is distinct from own
            and typed -> field is distinct from current -> field;
        if conflicts is not null then
            return jsonb_build_object('status', 'conflict', 'code', 'sync.changed', 'fields', to_jsonb(conflicts),
                'server', current - 'field_revs');
        end if;
        perform set_config('berth.edits', edits::text, true);
        execute format('update public.%1$I as t set %2$s from jsonb_populate_record(null::public.%1$I, $3) as r
            where t.id = $1 and t.org_id = $2 returning t.rev', what.relation,
            (select string_agg(format('%1$I = r.%1$I', field), ', ') from unnest(fields) as field))
        into stored using entity, org, patch;
        perform set_config('berth.edits', '', true);
    end if;
    -- The caller sees the row and may not change it.
    if stored is null then
        return jsonb_build_object('status', 'rejected', 'code', 'sync.forbidden');
    end if;
    return jsonb_build_object('status', 'applied', 'rev', stored);
end
$$;

-- A patch as a row of the relation would have it, with moments as `sync_apply` reads them from rows.
create function private.sync_typed(relation text, patch jsonb)
returns jsonb language plpgsql stable security invoker set search_path = '' set timezone = 'UTC' as $$
declare
    typed jsonb;
begin
    execute format('select to_jsonb(r) from jsonb_populate_record(null::public.%I, $1) as r', relation)
    into typed using patch;
    return typed;
end
$$;
revoke all on function private.sync_typed(text, jsonb) from public, anon, authenticated, service_role;
-- `sync_apply` runs as whoever calls it.
grant execute on function private.sync_typed(text, jsonb) to authenticated;
