-- Organizations, who belongs to them, and the clock that orders their changes.

-- One row for each organization. Its lock is held from a transaction's first change to its end, so that
-- changes become visible in the order of their revisions and no reader ever misses one. The row of the
-- nil UUID orders the prompts that belong to no organization.
create table private.org_clock (
    org_id    uuid   primary key,
    rev       bigint not null default 0,
    -- The transaction that has the newest revision: all that one transaction changes has one revision.
    last_xid  xid8,
    -- Tombstones up to here are gone; who has not seen them must begin anew.
    floor_rev bigint not null default 0,
    -- Raised by whoever restores a backup: revisions may then mean something else.
    epoch     int    not null default 1
);
insert into private.org_clock (org_id) values ('00000000-0000-0000-0000-000000000000');

create table public.organizations (
    id         uuid        primary key,
    -- The same as `id`: every synced table has this column.
    org_id     uuid        not null check (org_id = id),
    name       text        not null check (char_length(name) between 1 and 120 and name !~ '[[:cntrl:]]'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    rev        bigint      not null default 0,
    field_revs jsonb       not null default '{}',
    deleted_at timestamptz
);

-- One row for each person, whatever they belong to. No foreign key of `auth.users`: somebody can be deleted
-- there at any time, and what others must still be able to refer to stays here, with nothing personal in it.
create table public.profiles (
    id           uuid        primary key,
    display_name text        not null default '' check (char_length(display_name) <= 120),
    email        text        not null default '',
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now()
);

create table public.memberships (
    id           uuid        primary key default private.uuid_v7(),
    org_id       uuid        not null references public.organizations (id),
    user_id      uuid        not null references public.profiles (id),
    role         text        not null check (role in ('admin', 'user')),
    -- What the person's profile says, so that members are known without a network. Emptied when they are erased.
    display_name text        not null default '',
    email        text        not null default '',
    -- Raised whenever what the member may see changes; their copies must begin anew.
    access_epoch int         not null default 1,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    updated_by   uuid,
    rev          bigint      not null default 0,
    field_revs   jsonb       not null default '{}',
    deleted_at   timestamptz,
    unique (org_id, user_id)
);

create table public.invitations (
    id          uuid        primary key default private.uuid_v7(),
    org_id      uuid        not null references public.organizations (id),
    email       text        not null check (email = lower(email) and email like '%_@_%' and char_length(email) <= 254),
    role        text        not null check (role in ('admin', 'user')),
    invited_by  uuid,
    expires_at  timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    updated_by  uuid,
    rev         bigint      not null default 0,
    field_revs  jsonb       not null default '{}',
    -- Withdrawn.
    deleted_at  timestamptz
);

-- Kept apart so that no row of an invitation holds what would let somebody in.
create table private.invitation_tokens (
    invitation_id uuid  primary key references public.invitations (id) on delete cascade,
    token_sha256  bytea not null unique
);

create index organizations_by_rev on public.organizations (org_id, rev);
create index memberships_by_rev on public.memberships (org_id, rev);
create index memberships_of_user on public.memberships (user_id) where deleted_at is null;
create index memberships_by_user on public.memberships (user_id);
create index invitations_by_rev on public.invitations (org_id, rev);

-- Organizations that the caller belongs to now. Asked at every request, so that a membership that ended
-- opens nothing, however long the token lives.
create function private.my_orgs()
returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from public.memberships where user_id = (select auth.uid()) and deleted_at is null
$$;

create function private.my_admin_orgs()
returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from public.memberships
    where user_id = (select auth.uid()) and role = 'admin' and deleted_at is null
$$;

-- A caller who does not belong to the organization is answered as if it did not exist. That an id is taken they
-- can still learn by making an organization with it.
create function private.require_member(org uuid)
returns void language plpgsql stable security definer set search_path = '' as $$
begin
    if org is null or not exists (select 1 from private.my_orgs() as mine (id) where mine.id = org) then
        perform private.fail(403, 'org.not_member', 'you are not a member of this organization',
            'Ask an admin of the organization to invite you.');
    end if;
end
$$;

create function private.require_admin(org uuid)
returns void language plpgsql stable security definer set search_path = '' as $$
begin
    perform private.require_member(org);
    if not exists (select 1 from private.my_admin_orgs() as mine (id) where mine.id = org) then
        perform private.fail(403, 'org.not_admin', 'only an admin of the organization may do this',
            'Ask an admin of the organization.');
    end if;
end
$$;

-- The revision of this transaction's changes; takes the clock's lock.
create function private.next_rev(org uuid)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
    given bigint;
begin
    -- Once is enough: many versions of one row within a transaction make each look at it slower.
    select rev into given from private.org_clock where org_id = org and last_xid = pg_current_xact_id();
    if given is not null then
        return given;
    end if;
    update private.org_clock set rev = rev + 1, last_xid = pg_current_xact_id()
    where org_id = org
    returning rev into given;
    if given is null then
        insert into private.org_clock (org_id, rev, last_xid)
        values (org, 1, pg_current_xact_id()) returning rev into given;
    end if;
    return given;
end
$$;

-- Stamps a row that changes with its revision, its time and who changed it, and each of its fields with the
-- revision that changed it. A change that changes nothing is none.
create function private.stamp()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    kept constant text[] := array['rev', 'field_revs', 'updated_at', 'updated_by', 'created_at', 'version', 'author'];
    before jsonb;
    after jsonb;
    changed jsonb;
begin
    if tg_op = 'INSERT' then
        new.rev := private.next_rev(coalesce(new.org_id, '00000000-0000-0000-0000-000000000000'));
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
        new.rev := private.next_rev(coalesce(new.org_id, '00000000-0000-0000-0000-000000000000'));
        select jsonb_object_agg(field.key, new.rev) into changed
        from jsonb_each(after) as field where field.value is distinct from before -> field.key;
        new.field_revs := old.field_revs || changed;
    end if;
    new.updated_at := now();
    new.updated_by := auth.uid();
    return new;
end
$$;

-- Whoever's access changes begins anew, an organization never loses its last admin, and the open invitations of
-- whoever stops being one are withdrawn. The clock's lock, which the revision takes, keeps two admins from
-- demoting each other at the same moment.
create function private.guard_membership()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'UPDATE' and new.user_id <> old.user_id then
        raise exception 'a membership keeps its user' using errcode = '42501';
    end if;
    if new.role <> old.role or new.deleted_at is distinct from old.deleted_at then
        new.access_epoch := old.access_epoch + 1;
        perform private.next_rev(old.org_id);
        if old.role = 'admin' and old.deleted_at is null and (new.role <> 'admin' or new.deleted_at is not null) then
            if not exists (
                select 1 from public.memberships
                where org_id = old.org_id and id <> old.id and role = 'admin' and deleted_at is null
            ) then
                perform private.fail(409, 'membership.last_admin', 'an organization keeps at least one admin',
                    'Make somebody else an admin first.');
            end if;
            -- Else they could come back as an admin, by an invitation of their own.
            update public.invitations set deleted_at = now()
            where org_id = old.org_id and invited_by = old.user_id and accepted_at is null and deleted_at is null;
        end if;
    end if;
    return new;
end
$$;

create function private.refuse_delete()
returns trigger language plpgsql set search_path = '' as $$
begin
    raise exception 'rows of % are marked as deleted, never removed', tg_table_name using errcode = '42501';
end
$$;

create trigger stamp before insert or update on public.organizations
    for each row execute function private.stamp();
create trigger guard before update on public.memberships
    for each row execute function private.guard_membership();
create trigger keep before delete on public.memberships
    for each row execute function private.refuse_delete();
create trigger stamp before insert or update on public.memberships
    for each row execute function private.stamp();
create trigger stamp before insert or update on public.invitations
    for each row execute function private.stamp();

-- Memberships say what the profile says.
create function private.spread_profile()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    new.updated_at := now();
    update public.memberships set display_name = new.display_name, email = new.email
    where user_id = new.id and deleted_at is null
        and (display_name, email) is distinct from (new.display_name, new.email);
    return new;
end
$$;
create trigger spread before update on public.profiles
    for each row execute function private.spread_profile();

do $$
declare
    name text;
begin
    foreach name in array array['private.org_clock', 'private.invitation_tokens', 'public.organizations',
        'public.profiles', 'public.memberships', 'public.invitations']
    loop
        execute format('alter table %s enable row level security', name);
        execute format('alter table %s force row level security', name);
        execute format('revoke all on %s from anon, authenticated', name);
    end loop;
end
$$;

grant select on public.organizations, public.profiles, public.memberships, public.invitations to authenticated;
grant update (name) on public.organizations to authenticated;
grant update (display_name) on public.profiles to authenticated;
grant update (role) on public.memberships to authenticated;
grant update (deleted_at) on public.invitations to authenticated;

create policy organizations_read on public.organizations for select to authenticated
    using (id = any (array(select private.my_orgs())));
create policy organizations_change on public.organizations for update to authenticated
    using (id = any (array(select private.my_admin_orgs())))
    with check (id = any (array(select private.my_admin_orgs())));

create policy profiles_read on public.profiles for select to authenticated
    using (id = (select auth.uid()));
create policy profiles_change on public.profiles for update to authenticated
    using (id = (select auth.uid())) with check (id = (select auth.uid()));

create policy memberships_read on public.memberships for select to authenticated
    using (org_id = any (array(select private.my_orgs())));
create policy memberships_change on public.memberships for update to authenticated
    using (org_id = any (array(select private.my_admin_orgs())))
    with check (org_id = any (array(select private.my_admin_orgs())));

create policy invitations_read on public.invitations for select to authenticated
    using (org_id = any (array(select private.my_admin_orgs())));
create policy invitations_withdraw on public.invitations for update to authenticated
    using (org_id = any (array(select private.my_admin_orgs())))
    with check (org_id = any (array(select private.my_admin_orgs())));

revoke all on function
    private.my_orgs(), private.my_admin_orgs(), private.require_member(uuid), private.require_admin(uuid),
    private.next_rev(uuid), private.stamp(), private.guard_membership(), private.refuse_delete(),
    private.spread_profile()
    from public, anon, authenticated, service_role;
grant execute on function
    private.my_orgs(), private.my_admin_orgs(), private.require_member(uuid), private.require_admin(uuid)
    to authenticated;
