-- What a machine tells of its user (sessions, their workspaces, sign-ins at servers) is shown to that user and in part to
-- admins, who ask the backend when they look. It moves the clock, so that no copy misses it, and wakes nobody: else each
-- member would ask whenever any other begins or ends a session, which is the square of their number.

-- The newest revision is of such rows alone.
alter table private.org_clock add column is_quiet boolean not null default false;

-- A transaction that goes on with what others see is told of then, under the revision that it has.
drop trigger tell on private.org_clock;
create trigger tell after insert or update of rev, is_quiet on private.org_clock
    for each row when (new.org_id <> '00000000-0000-0000-0000-000000000000' and not new.is_quiet)
    execute function private.tell_members();

create or replace function private.next_rev(org uuid)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    given bigint;
    was_quiet boolean;
begin
    -- Once is enough: many versions of one row within a transaction make each look at it slower.
    select rev, is_quiet into given, was_quiet from private.org_clock
    where org_id = org and last_xid = pg_current_xact_id();
    if given is not null then
        if was_quiet then
            update private.org_clock set is_quiet = false where org_id = org;
        end if;
        return given;
    end if;
    update private.org_clock set rev = rev + 1, last_xid = pg_current_xact_id(), is_quiet = false
    where org_id = org
    returning rev into given;
    if given is null then
        insert into private.org_clock (org_id, rev, last_xid)
        values (org, 1, pg_current_xact_id()) returning rev into given;
    end if;
    return given;
end
$$;

-- As `next_rev`, for rows that nobody is woken for.
create function private.next_quiet_rev(org uuid)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    given bigint;
begin
    select rev into given from private.org_clock where org_id = org and last_xid = pg_current_xact_id();
    if given is not null then
        return given;
    end if;
    update private.org_clock set rev = rev + 1, last_xid = pg_current_xact_id(), is_quiet = true
    where org_id = org
    returning rev into given;
    if given is null then
        -- There is no such organization, and what comes next refuses the row.
        given := private.next_rev(org);
    end if;
    return given;
end
$$;

-- As before; a trigger with the argument `quiet` is for rows that nobody is woken for.
create or replace function private.stamp()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    kept constant text[] := array['rev', 'field_revs', 'updated_at', 'updated_by', 'created_at', 'version', 'author'];
    org constant uuid := coalesce(new.org_id, '00000000-0000-0000-0000-000000000000');
    is_quiet constant boolean := tg_nargs > 0 and tg_argv[0] = 'quiet';
    before jsonb;
    after jsonb;
    changed jsonb;
begin
    if tg_op = 'INSERT' then
        new.rev := case when is_quiet then private.next_quiet_rev(org) else private.next_rev(org) end;
        new.field_revs := '{}';
        new.created_at := now();
    else
        before := to_jsonb(old) - kept;
        after := to_jsonb(new) - kept;
        if before = after then
            new.rev := old.rev;
            new.field_revs := old.field_revs;
            new.created_at := old.created_at;
            new.updated_at := old.updated_at;
            return new;
        end if;
        if new.id <> old.id or new.org_id is distinct from old.org_id then
            raise exception 'a row keeps its id and its organization' using errcode = '42501';
        end if;
        new.created_at := old.created_at;
        new.rev := case when is_quiet then private.next_quiet_rev(org) else private.next_rev(org) end;
        select jsonb_object_agg(field.key, new.rev) into changed
        from jsonb_each(after) as field where field.value is distinct from before -> field.key;
        new.field_revs := old.field_revs || changed;
    end if;
    new.updated_at := now();
    new.updated_by := auth.uid();
    return new;
end
$$;

do $$
declare
    name text;
begin
    foreach name in array array['user_sessions', 'session_workspaces', 'mcp_oauth'] loop
        execute format('drop trigger stamp on public.%I', name);
        execute format('create trigger stamp before insert or update on public.%I
            for each row execute function private.stamp(''quiet'')', name);
    end loop;
end
$$;

-- Memberships say what the profile says. Somebody may belong to several organizations: their clocks are taken in the order
-- in which everybody takes several, so that neither this nor a change of a global prompt waits for the other crosswise.
create or replace function private.spread_profile()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    new.updated_at := now();
    perform 1 from private.org_clock as clock
    where clock.org_id = any (array(
        select member.org_id from public.memberships as member
        where member.user_id = new.id and member.deleted_at is null
            and (member.display_name, member.email) is distinct from (new.display_name, new.email)
    ))
    order by clock.org_id for update;
    update public.memberships set display_name = new.display_name, email = new.email
    where user_id = new.id and deleted_at is null
        and (display_name, email) is distinct from (new.display_name, new.email);
    return new;
end
$$;

revoke all on function private.next_quiet_rev(uuid) from public, anon, authenticated, service_role;
