-- Reading prompts, a policy lets through those of one's organizations or those of the scope `global`. Each side of that
-- `or` needs an index, or every read that names neither an id nor an organization looks at all rows of all of them.
create index system_prompts_global on public.system_prompts (rev) where scope = 'global';

-- Global prompts come to members with what their organization shares. They are ordered by the clock of the nil UUID, and
-- a client knows one revision of its organization: so each change of one is also a change in every organization, under a
-- revision of that.
create table private.global_revs (
    prompt_id uuid   not null,
    org_id    uuid   not null,
    rev       bigint not null,
    primary key (prompt_id, org_id)
);
create index global_revs_by_rev on private.global_revs (org_id, rev);
alter table private.global_revs enable row level security;
alter table private.global_revs force row level security;
revoke all on private.global_revs from public, anon, authenticated, service_role;

-- Whoever changes a global prompt has the clock of the nil UUID by then, so that two never take the others crosswise.
create function private.spread_global_prompt()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    org uuid;
begin
    if tg_op = 'UPDATE' and new.rev = old.rev and new.field_revs = old.field_revs then
        return null;
    end if;
    for org in select clock.org_id from private.org_clock as clock
        where clock.org_id <> '00000000-0000-0000-0000-000000000000' order by clock.org_id
    loop
        insert into private.global_revs (prompt_id, org_id, rev) values (new.id, org, private.next_rev(org))
        on conflict (prompt_id, org_id) do update set rev = excluded.rev;
    end loop;
    return null;
end
$$;
create trigger spread after insert or update on public.system_prompts
    for each row when (new.scope = 'global') execute function private.spread_global_prompt();

-- A tombstone that goes is one that somebody may not have seen; a row that goes without one was seen by everybody.
create function private.forget_global_prompt()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    seen private.global_revs;
begin
    perform 1 from private.org_clock where org_id = '00000000-0000-0000-0000-000000000000' for update;
    for seen in select known.* from private.global_revs as known where known.prompt_id = old.id order by known.org_id loop
        if old.deleted_at is null then
            seen.rev := private.next_rev(seen.org_id);
        end if;
        update private.org_clock set floor_rev = greatest(floor_rev, seen.rev) where org_id = seen.org_id;
    end loop;
    delete from private.global_revs where prompt_id = old.id;
    return null;
end
$$;
create trigger forget after delete on public.system_prompts
    for each row when (old.scope = 'global') execute function private.forget_global_prompt();

-- A new organization begins with what there is. Whoever changes that meanwhile has the clock of the nil UUID and is waited
-- for, or waits and then finds the organization.
create function private.give_global_prompts()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    perform 1 from private.org_clock where org_id = '00000000-0000-0000-0000-000000000000' for share;
    insert into private.global_revs (prompt_id, org_id, rev)
    select prompt.id, new.id, private.next_rev(new.id) from public.system_prompts as prompt
    where prompt.scope = 'global' and prompt.deleted_at is null;
    return null;
end
$$;
create trigger give after insert on public.organizations
    for each row execute function private.give_global_prompts();

-- Those of before.
insert into private.global_revs (prompt_id, org_id, rev)
select prompt.id, organization.id, private.next_rev(organization.id)
from public.organizations as organization cross join public.system_prompts as prompt
where prompt.scope = 'global' and prompt.deleted_at is null
order by organization.id;

-- Global prompts that have changed for an organization after `since`, oldest first, as many as a page has.
create function private.global_changes(org uuid, since bigint, size int)
returns table (rev bigint, prompt_id uuid)
language plpgsql stable security definer set search_path = '' rows 10 as $$
#variable_conflict use_column
begin
    -- Who pulls those of no organization gets the rows themselves.
    if org = '00000000-0000-0000-0000-000000000000' then
        return;
    end if;
    perform private.require_member(org);
    return query
    select known.rev, known.prompt_id from private.global_revs as known
    where known.org_id = org and known.rev > since
    order by known.rev fetch first (size) rows with ties;
end
$$;

-- As before, and with what is everybody's.
create or replace function public.sync_pull(org uuid, since bigint default 0, token text default null, size int default 500)
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
        -- What is everybody's, under the organization's own revisions.
        (select seen.rev, 'prompt', t.id, to_jsonb(t) || jsonb_build_object('rev', seen.rev)
         from private.global_changes(org, since, wanted) as seen
         join public.system_prompts as t on t.id = seen.prompt_id and t.scope = 'global')
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

revoke all on function
    private.spread_global_prompt(), private.forget_global_prompt(), private.give_global_prompts(),
    private.global_changes(uuid, bigint, int)
    from public, anon, authenticated, service_role;
-- `sync_pull` runs as whoever calls it.
grant execute on function private.global_changes(uuid, bigint, int) to authenticated;

-- PostgREST learns what is new.
notify pgrst, 'reload schema';
