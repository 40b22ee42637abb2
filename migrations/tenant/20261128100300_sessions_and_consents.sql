-- What users of an organization do with it, and what they have agreed to.

-- The names and words are those of the local table `sessions`. Conversations stay on the user's machine.
create table public.user_sessions (
    id              uuid        primary key,
    org_id          uuid        not null references public.organizations (id),
    user_id         uuid        not null references public.profiles (id),
    device_id       uuid        not null,
    agent           text        not null check (agent ~ '^[a-z0-9_-]{1,32}$'),
    title           text        check (char_length(title) <= 500),
    phase           text        not null check (phase in ('live', 'exited', 'failed')),
    exit_code       int,
    exit_signal     text        check (char_length(exit_signal) <= 32),
    failure_code    text        check (char_length(failure_code) <= 64),
    transport       text        not null check (transport in ('pty', 'acp')),
    permission_mode text        check (char_length(permission_mode) <= 64),
    run             int         not null default 1 check (run >= 1),
    started_at      timestamptz not null,
    ended_at        timestamptz,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    updated_by      uuid,
    rev             bigint      not null default 0,
    field_revs      jsonb       not null default '{}',
    deleted_at      timestamptz,
    unique (org_id, user_id, id)
);

create table public.session_workspaces (
    id            uuid        primary key,
    org_id        uuid        not null references public.organizations (id),
    user_id       uuid        not null references public.profiles (id),
    session_id    uuid        not null,
    kind          text        not null check (kind in ('worktree', 'in_place', 'server')),
    path          text        check (char_length(path) <= 4096),
    branch        text        check (char_length(branch) <= 255),
    base          text        check (char_length(base) <= 255),
    base_commit   text        check (base_commit ~ '^[0-9a-f]{40,64}$'),
    changed_files int,
    added_lines   int,
    removed_lines int,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    updated_by    uuid,
    rev           bigint      not null default 0,
    field_revs    jsonb       not null default '{}',
    deleted_at    timestamptz,
    -- The session is the same user's of the same organization.
    foreign key (org_id, user_id, session_id) references public.user_sessions (org_id, user_id, id)
);

-- What an organization asks its users to agree to. A text that was published is never changed.
create table public.consent_texts (
    id         uuid        primary key,
    org_id     uuid        not null references public.organizations (id),
    purpose    text        not null check (purpose ~ '^[a-z0-9_.-]{1,64}$'),
    version    int         not null check (version > 0),
    body       text        not null check (octet_length(body) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    rev        bigint      not null default 0,
    field_revs jsonb       not null default '{}',
    deleted_at timestamptz,
    unique (org_id, id),
    unique (org_id, purpose, version)
);

create table public.consents (
    id              uuid        primary key,
    org_id          uuid        not null references public.organizations (id),
    user_id         uuid        not null references public.profiles (id),
    consent_text_id uuid        not null,
    granted_at      timestamptz not null,
    withdrawn_at    timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    updated_by      uuid,
    rev             bigint      not null default 0,
    field_revs      jsonb       not null default '{}',
    deleted_at      timestamptz check (deleted_at is null),
    foreign key (org_id, consent_text_id) references public.consent_texts (org_id, id),
    unique (org_id, user_id, consent_text_id, granted_at)
);

create index user_sessions_by_rev on public.user_sessions (org_id, rev);
create index user_sessions_of_user on public.user_sessions (user_id);
create index session_workspaces_by_rev on public.session_workspaces (org_id, rev);
create index session_workspaces_of_session on public.session_workspaces (org_id, user_id, session_id);
create index session_workspaces_of_user on public.session_workspaces (user_id);
create index consent_texts_by_rev on public.consent_texts (org_id, rev);
create index consents_by_rev on public.consents (org_id, rev);
create index consents_of_text on public.consents (org_id, consent_text_id);
create index consents_of_user on public.consents (user_id);

do $$
declare
    name text;
begin
    foreach name in array array['user_sessions', 'session_workspaces', 'consent_texts', 'consents'] loop
        execute format('create trigger stamp before insert or update on public.%I
            for each row execute function private.stamp()', name);
        execute format('alter table public.%I enable row level security', name);
        execute format('alter table public.%I force row level security', name);
        execute format('revoke all on public.%I from anon, authenticated', name);
    end loop;
end
$$;

grant select on public.user_sessions, public.session_workspaces, public.consent_texts, public.consents
    to authenticated;
grant insert (id, org_id, user_id, device_id, agent, title, phase, exit_code, exit_signal, failure_code, transport,
    permission_mode, run, started_at, ended_at, archived_at) on public.user_sessions to authenticated;
grant update (title, phase, exit_code, exit_signal, failure_code, permission_mode, run, ended_at, archived_at,
    deleted_at) on public.user_sessions to authenticated;
grant insert (id, org_id, user_id, session_id, kind, path, branch, base, base_commit, changed_files, added_lines,
    removed_lines) on public.session_workspaces to authenticated;
grant update (path, branch, base, base_commit, changed_files, added_lines, removed_lines, deleted_at)
    on public.session_workspaces to authenticated;
grant insert (id, org_id, purpose, version, body) on public.consent_texts to authenticated;
grant update (deleted_at) on public.consent_texts to authenticated;
grant insert (id, org_id, user_id, consent_text_id, granted_at) on public.consents to authenticated;
grant update (withdrawn_at) on public.consents to authenticated;

-- Admins see everything in the rows of sessions, their titles too; a workspace has paths of the user's machine
-- and is read by nobody else.
create policy user_sessions_read on public.user_sessions for select to authenticated using (
    (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
    or org_id = any (array(select private.my_admin_orgs()))
);
create policy user_sessions_add on public.user_sessions for insert to authenticated
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
create policy user_sessions_change on public.user_sessions for update to authenticated
    using (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));

create policy session_workspaces_read on public.session_workspaces for select to authenticated
    using (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
create policy session_workspaces_add on public.session_workspaces for insert to authenticated
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
create policy session_workspaces_change on public.session_workspaces for update to authenticated
    using (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));

create policy consent_texts_read on public.consent_texts for select to authenticated
    using (org_id = any (array(select private.my_orgs())));
create policy consent_texts_add on public.consent_texts for insert to authenticated
    with check (org_id = any (array(select private.my_admin_orgs())));
create policy consent_texts_withdraw on public.consent_texts for update to authenticated
    using (org_id = any (array(select private.my_admin_orgs())))
    with check (org_id = any (array(select private.my_admin_orgs())));

create policy consents_read on public.consents for select to authenticated using (
    (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
    or org_id = any (array(select private.my_admin_orgs()))
);
create policy consents_add on public.consents for insert to authenticated
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
-- Withdrawn once is withdrawn: whoever agrees again adds a row.
create policy consents_change on public.consents for update to authenticated
    using (
        user_id = (select auth.uid()) and withdrawn_at is null
        and org_id = any (array(select private.my_orgs()))
    )
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
