-- The sessions of an organization for whoever looks through them: admins see those of all, others their own.
--
-- A session is a row that row-level security shows to both. Where it works is shown to nobody but its user, because a
-- workspace may have a path of their machine; what an admin is told of it is everything else, and comes from here.

-- What one member writes must not keep an admin from reading the rest: moments that no client can show, and counts
-- below zero, are refused.
alter table public.user_sessions add constraint user_sessions_moments check (
    started_at between '1970-01-01 00:00:00+00' and '9999-01-01 00:00:00+00'
    and coalesce(ended_at, started_at) between '1970-01-01 00:00:00+00' and '9999-01-01 00:00:00+00'
    and coalesce(archived_at, started_at) between '1970-01-01 00:00:00+00' and '9999-01-01 00:00:00+00'
);
alter table public.session_workspaces add constraint session_workspaces_counts check (
    changed_files >= 0 and added_lines >= 0 and removed_lines >= 0
);

create index user_sessions_by_start on public.user_sessions (org_id, started_at desc, id desc);
create index session_workspaces_by_session on public.session_workspaces (session_id);

-- Where sessions work, without the path: those of the caller, or of an organization that the caller is an admin of.
create function private.session_places(org uuid, sessions uuid[])
returns table (
    session_id uuid, kind text, branch text, base text, base_commit text,
    changed_files int, added_lines int, removed_lines int
)
language sql stable security definer set search_path = '' as $$
    select distinct on (place.session_id) place.session_id, place.kind, place.branch, place.base,
        place.base_commit, place.changed_files, place.added_lines, place.removed_lines
    from public.session_workspaces as place
    where place.session_id = any (session_places.sessions)
        and place.org_id = session_places.org
        and place.deleted_at is null
        and (
            (place.user_id = (select auth.uid()) and place.org_id = any (array(select private.my_orgs())))
            or place.org_id = any (array(select private.my_admin_orgs()))
        )
    order by place.session_id, place.created_at desc, place.id desc
$$;

-- A page of sessions, the newest first: those that began before the session `before_id`, which began at `before`.
-- Titles are no part of it: they are words of users.
create function public.session_list(
    org uuid, person uuid default null, running boolean default null,
    before timestamptz default null, before_id uuid default null, size int default 50
)
returns table (
    id uuid, org_id uuid, user_id uuid, display_name text, email text, device_id uuid, agent text, transport text,
    permission_mode text, phase text, exit_code int, exit_signal text, failure_code text, run int,
    started_at timestamptz, ended_at timestamptz, archived_at timestamptz, workspace text, branch text, base text,
    base_commit text, changed_files int, added_lines int, removed_lines int
)
language plpgsql stable security invoker set search_path = '' as $$
#variable_conflict use_column
begin
    perform private.require_member(session_list.org);
    return query
    with page as (
        select it.*
        from public.user_sessions as it
        where it.org_id = session_list.org
            and it.deleted_at is null
            and (session_list.person is null or it.user_id = session_list.person)
            and (session_list.running is null or (it.phase = 'live') = session_list.running)
            and (session_list.before is null
                or (it.started_at, it.id) < (session_list.before, session_list.before_id))
        order by it.started_at desc, it.id desc
        limit least(greatest(coalesce(session_list.size, 50), 1), 501)
    ), places as (
        select place.* from private.session_places(session_list.org, array(select page.id from page)) as place
    )
    select page.id, page.org_id, page.user_id, member.display_name, member.email, page.device_id, page.agent,
        page.transport, page.permission_mode, page.phase, page.exit_code, page.exit_signal, page.failure_code,
        page.run, page.started_at, page.ended_at, page.archived_at, place.kind, place.branch, place.base,
        place.base_commit, place.changed_files, place.added_lines, place.removed_lines
    from page
    left join places as place on place.session_id = page.id
    left join public.memberships as member on member.org_id = page.org_id and member.user_id = page.user_id
    order by page.started_at desc, page.id desc;
end
$$;

revoke all on function
    private.session_places(uuid, uuid[]),
    public.session_list(uuid, uuid, boolean, timestamptz, uuid, int)
    from public, anon, authenticated, service_role;
grant execute on function
    private.session_places(uuid, uuid[]),
    public.session_list(uuid, uuid, boolean, timestamptz, uuid, int)
    to authenticated;

-- PostgREST learns what is new.
notify pgrst, 'reload schema';
