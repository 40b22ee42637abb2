-- Whoever looks through the sessions of an organization waits for no others' rows than those that they are shown.
create index user_sessions_by_person on public.user_sessions (org_id, user_id, started_at desc, id desc);
create index user_sessions_running on public.user_sessions (org_id, started_at desc, id desc)
    where phase = 'live' and deleted_at is null;

-- As before. Who is no admin is shown their own alone, and that is said here too: row-level security would look at those of
-- everybody one by one.
create or replace function public.session_list(
    org uuid, person uuid default null, running boolean default null,
    before timestamptz default null, before_id uuid default null, size int default 50
)
returns table (
    id uuid, org_id uuid, user_id uuid, display_name text, email text, device_id uuid, agent text, transport text,
    permission_mode text, phase text, exit_code int, exit_signal text, failure_code text, run int,
    started_at timestamptz, ended_at timestamptz, archived_at timestamptz, workspace text, branch text, base text,
    base_commit text, changed_files int, added_lines int, removed_lines int
)
language plpgsql stable security invoker set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
#variable_conflict use_column
declare
    own uuid;
begin
    perform private.require_member(session_list.org);
    if not exists (select 1 from private.my_admin_orgs() as mine (id) where mine.id = session_list.org) then
        own := auth.uid();
    end if;
    return query
    with page as (
        select it.*
        from public.user_sessions as it
        where it.org_id = session_list.org
            and it.deleted_at is null
            and (own is null or it.user_id = own)
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

-- PostgREST learns what is new.
notify pgrst, 'reload schema';
