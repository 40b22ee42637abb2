-- What the organization's settings need beyond reading and changing rows.
--
-- Functions that let somebody in, or end a membership, act as their owner: the caller has no right to the rows
-- yet, or no longer. Everything else runs as the caller, and row-level security decides.

create table public.erasure_requests (
    id           uuid        primary key default private.uuid_v7(),
    org_id       uuid        not null references public.organizations (id),
    -- Emptied when it is performed: the audit trail names the request beside the pseudonym. So is `requested_by`
    -- in all requests that the person has made.
    user_id      uuid,
    requested_by uuid,
    requested_at timestamptz not null default now(),
    performed_at timestamptz
);
create unique index erasure_requests_open on public.erasure_requests (org_id, user_id) where performed_at is null;
create index erasure_requests_by_org on public.erasure_requests (org_id);
alter table public.erasure_requests enable row level security;
alter table public.erasure_requests force row level security;
revoke all on public.erasure_requests from anon, authenticated;
grant select on public.erasure_requests to authenticated;
create policy erasure_requests_read on public.erasure_requests for select to authenticated using (
    (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
    or org_id = any (array(select private.my_admin_orgs()))
);

-- The caller's profile, made from what the sign-in server knows when there is none.
create function private.my_profile()
returns public.profiles language plpgsql security definer set search_path = '' as $$
declare
    profile public.profiles;
begin
    if auth.uid() is null then
        perform private.fail(403, 'org.not_member', 'nobody is signed in');
    end if;
    select * into profile from public.profiles where id = auth.uid();
    if profile.id is null then
        insert into public.profiles (id, email) select account.id, coalesce(account.email, '')
        from auth.users as account where account.id = auth.uid()
        on conflict (id) do nothing;
        select * into profile from public.profiles where id = auth.uid();
    end if;
    if profile.id is null then
        perform private.fail(403, 'org.no_account', 'there is no such account any more', 'Sign in again.');
    end if;
    return profile;
end
$$;

create function private.join_organization(org uuid, new_role text)
returns void language plpgsql security definer set search_path = '' as $$
declare
    profile constant public.profiles := private.my_profile();
begin
    insert into public.memberships (org_id, user_id, role, display_name, email)
    values (org, profile.id, new_role, profile.display_name, profile.email)
    on conflict (org_id, user_id) do update
    set role = excluded.role, deleted_at = null, display_name = excluded.display_name, email = excluded.email
    where memberships.deleted_at is not null;
end
$$;

-- Makes an organization with the caller as its admin, and a policy that binds nothing. Asking again with the
-- same id does nothing.
create function public.create_organization(id uuid, name text)
returns uuid language plpgsql security definer set search_path = '' as $$
begin
    if create_organization.id is null or create_organization.id = '00000000-0000-0000-0000-000000000000' then
        perform private.fail(400, 'org.invalid', 'an organization needs an id');
    end if;
    perform private.my_profile();
    if exists (select 1 from private.my_admin_orgs() as mine (id) where mine.id = create_organization.id) then
        return create_organization.id;
    end if;
    if (select count(*) from private.my_admin_orgs()) >= 20 then
        perform private.fail(409, 'org.too_many', 'you are an admin of 20 organizations already');
    end if;
    insert into public.organizations (id, org_id, name)
    values (create_organization.id, create_organization.id, btrim(create_organization.name));
    perform private.join_organization(create_organization.id, 'admin');
    insert into public.policies (id, org_id) values (private.uuid_v7(), create_organization.id);
    return create_organization.id;
end
$$;

-- The token is in the answer and nowhere else.
create function public.invite(org uuid, email text, role text default 'user', days int default 7)
returns jsonb language plpgsql security definer set search_path = '' as $$
declare
    token constant text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    made public.invitations;
begin
    perform private.require_admin(org);
    insert into public.invitations (org_id, email, role, invited_by, expires_at)
    values (org, lower(btrim(invite.email)), invite.role, auth.uid(),
        now() + make_interval(days => least(greatest(days, 1), 30)))
    returning * into made;
    insert into private.invitation_tokens (invitation_id, token_sha256)
    values (made.id, sha256(convert_to(token, 'UTF8')));
    return jsonb_build_object('id', made.id, 'token', token, 'expires_at', made.expires_at);
end
$$;

-- Whoever holds the token and has proved to own the address may come in, once.
create function public.accept_invitation(token text)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
    invitation public.invitations;
begin
    perform private.my_profile();
    select candidate.* into invitation
    from public.invitations as candidate
    join private.invitation_tokens as secret on secret.invitation_id = candidate.id
    where secret.token_sha256 = sha256(convert_to(accept_invitation.token, 'UTF8'));
    -- The clock before the invitation, as whoever ends a membership takes them: neither waits for the other, and
    -- what is read from here on stays true until this ends.
    perform 1 from private.org_clock where org_id = invitation.org_id for update;
    select * into invitation from public.invitations where id = invitation.id for update;
    if invitation.accepted_by = auth.uid()
        and invitation.org_id in (select mine.id from private.my_orgs() as mine (id))
    then
        return invitation.org_id;
    end if;
    if invitation.id is null or invitation.deleted_at is not null or invitation.accepted_at is not null
        or invitation.expires_at < now()
        or not exists (
            select 1 from public.memberships
            where org_id = invitation.org_id and user_id = invitation.invited_by
                and role = 'admin' and deleted_at is null
        )
    then
        perform private.fail(404, 'invitation.not_valid', 'this invitation was used, withdrawn, or is too old',
            'Ask for a new one.');
    end if;
    if not exists (
        select 1 from auth.users as account where account.id = auth.uid()
            and account.email_confirmed_at is not null and lower(account.email) = invitation.email
    ) then
        perform private.fail(403, 'invitation.other_address', 'this invitation is for another e-mail address',
            'Sign in with the address that was invited, and confirm it.');
    end if;
    perform private.join_organization(invitation.org_id, invitation.role);
    update public.invitations set accepted_at = now(), accepted_by = auth.uid() where id = invitation.id;
    return invitation.org_id;
end
$$;

create function public.withdraw_invitation(invitation uuid)
returns void language plpgsql security invoker set search_path = '' as $$
begin
    update public.invitations set deleted_at = now()
    where id = invitation and accepted_at is null and deleted_at is null;
    if not found then
        perform private.fail(404, 'invitation.not_found', 'there is no such open invitation');
    end if;
end
$$;

create function public.change_role(org uuid, member uuid, role text)
returns void language plpgsql security invoker set search_path = '' as $$
begin
    perform private.require_admin(org);
    update public.memberships set role = change_role.role
    where org_id = org and user_id = member and deleted_at is null;
    if not found then
        perform private.fail(404, 'membership.not_found', 'there is no such member');
    end if;
end
$$;

-- An admin removes anybody, and everybody may leave.
create function public.remove_member(org uuid, member uuid)
returns void language plpgsql security definer set search_path = '' as $$
begin
    if member = auth.uid() then
        perform private.require_member(org);
    else
        perform private.require_admin(org);
    end if;
    update public.memberships set deleted_at = now()
    where org_id = org and user_id = member and deleted_at is null;
    if not found then
        perform private.fail(404, 'membership.not_found', 'there is no such member');
    end if;
end
$$;

-- Replaces the policy that was looked at, all of it, so that no half of one is ever in force.
create function public.set_policy(org uuid, version int, policy jsonb)
returns jsonb language plpgsql security invoker set search_path = '' as $$
declare
    wanted public.policies;
    stored public.policies;
begin
    perform private.require_admin(org);
    if policy is null or jsonb_typeof(policy) <> 'object' or exists (
        select 1 from jsonb_object_keys(policy) as key where key <> all (array['allowed_agents', 'autonomy_ceiling',
            'sanitize', 'tool_rules', 'isolation', 'retention_days'])
    ) then
        perform private.fail(400, 'policy.invalid', 'the policy is no object, or has a field that is not known');
    end if;
    wanted := jsonb_populate_record(null::public.policies, policy);
    update public.policies as p
    set allowed_agents = wanted.allowed_agents, autonomy_ceiling = wanted.autonomy_ceiling,
        sanitize = wanted.sanitize, tool_rules = coalesce(wanted.tool_rules, '[]'),
        isolation = wanted.isolation, retention_days = coalesce(wanted.retention_days, p.retention_days)
    where p.org_id = org and p.version = set_policy.version
    returning * into stored;
    if stored.id is null then
        perform private.fail(409, 'policy.conflict', 'the policy was changed meanwhile', 'Look at it again.');
    end if;
    return to_jsonb(stored) - array['field_revs', 'deleted_at'];
end
$$;

create function public.lock_prompt(prompt uuid, locked boolean)
returns void language plpgsql security invoker set search_path = '' as $$
begin
    update public.system_prompts set locked = lock_prompt.locked
    where id = prompt and scope = 'organization' and deleted_at is null;
    if not found then
        perform private.fail(404, 'prompt.not_found', 'there is no such prompt of an organization that you are an admin of');
    end if;
end
$$;

-- Asks that a person's data be erased: the person, or an admin for them.
create function public.request_erasure(org uuid, person uuid default null)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
    whom constant uuid := coalesce(person, auth.uid());
    made uuid;
begin
    if whom = auth.uid() then
        perform private.require_member(org);
    else
        perform private.require_admin(org);
        if not exists (select 1 from public.memberships where org_id = org and user_id = whom) then
            perform private.fail(404, 'membership.not_found', 'there is no such member');
        end if;
    end if;
    perform private.lock_clock(org);
    select id into made from public.erasure_requests where org_id = org and user_id = whom and performed_at is null;
    if made is null then
        insert into public.erasure_requests (org_id, user_id, requested_by) values (org, whom, auth.uid())
        returning id into made;
        perform private.audit_note(org, 'erasure.requested', 'user', whom::text,
            jsonb_build_object('request_id', made));
    end if;
    return made;
end
$$;

-- Erases what an organization knows of a person. The membership ends; the audit trail keeps its events and its
-- chain, under a pseudonym whose key is gone. What stays of the person is the bare id, in the profile and the
-- membership, and times: those of the membership are those of the events that noted it, so that whoever reads
-- both can tell by them which pseudonym the id had, and whoever still has the account of the id (the sign-in
-- server, until it is deleted there) whose that was.
create function public.perform_erasure(request uuid)
returns void language plpgsql security definer set search_path = '' as $$
declare
    wanted public.erasure_requests;
    relation text;
    alias text;
begin
    select * into wanted from public.erasure_requests where id = request;
    if wanted.id is null or not exists (
        select 1 from private.my_admin_orgs() as mine (id) where mine.id = wanted.org_id
    ) then
        perform private.fail(404, 'erasure.not_found', 'there is no such request in an organization that you are an admin of');
    end if;
    if wanted.user_id = auth.uid() then
        perform private.fail(409, 'erasure.self', 'nobody can erase themselves', 'Ask another admin.');
    end if;
    perform private.lock_clock(wanted.org_id);
    select * into wanted from public.erasure_requests where id = request for update;
    if wanted.performed_at is not null then
        return;
    end if;

    update public.memberships set deleted_at = now()
    where org_id = wanted.org_id and user_id = wanted.user_id and deleted_at is null;
    update public.memberships set display_name = '', email = ''
    where org_id = wanted.org_id and user_id = wanted.user_id;
    delete from public.invitations where org_id = wanted.org_id and (accepted_by = wanted.user_id
        or email = (select lower(profile.email) from public.profiles as profile where profile.id = wanted.user_id));
    -- Also of others: nothing keeps a member from naming a configuration that they cannot see.
    delete from public.mcp_oauth as login using public.mcp_configurations as configuration
    where configuration.org_id = wanted.org_id and configuration.user_id = wanted.user_id
        and login.org_id = configuration.org_id and login.mcp_configuration_id = configuration.id;
    -- What refers to others goes first.
    foreach relation in array array['consents', 'session_workspaces', 'user_sessions', 'mcp_oauth',
        'mcp_configurations', 'system_prompts', 'system_prompt_versions']
    loop
        execute format('delete from public.%I where org_id = $1 and user_id = $2', relation)
        using wanted.org_id, wanted.user_id;
    end loop;
    -- What they have written for the organization stays, without their name.
    update public.system_prompt_versions set author = null where org_id = wanted.org_id and author = wanted.user_id;
    foreach relation in array array['system_prompts', 'mcp_configurations', 'policies'] loop
        execute format('update public.%I set author = null where org_id = $1 and author = $2', relation)
        using wanted.org_id, wanted.user_id;
    end loop;
    foreach relation in array array['organizations', 'memberships', 'invitations', 'system_prompts',
        'mcp_configurations', 'policies', 'consent_texts']
    loop
        execute format('update public.%I set updated_by = null where org_id = $1 and updated_by = $2', relation)
        using wanted.org_id, wanted.user_id;
    end loop;
    update public.invitations set invited_by = null where org_id = wanted.org_id and invited_by = wanted.user_id;
    delete from private.sync_ledger where org_id = wanted.org_id and user_id = wanted.user_id;
    update public.profiles set display_name = '', email = ''
    where id = wanted.user_id and not exists (
        select 1 from public.memberships where user_id = wanted.user_id and deleted_at is null);
    -- Copies of it on other devices go too: all of them begin anew.
    perform private.next_rev(wanted.org_id);
    update private.org_clock set floor_rev = rev where org_id = wanted.org_id;

    alias := private.pseudonym(wanted.org_id, wanted.user_id);
    delete from private.audit_origins where org_id = wanted.org_id and user_id = wanted.user_id;
    delete from private.audit_devices where org_id = wanted.org_id and user_id = wanted.user_id;
    delete from private.audit_people where org_id = wanted.org_id and user_id = wanted.user_id;
    update public.erasure_requests set performed_at = now(), user_id = null,
        requested_by = nullif(requested_by, wanted.user_id)
    where id = request;
    update public.erasure_requests set requested_by = null
    where org_id = wanted.org_id and requested_by = wanted.user_id;
    perform private.audit_note(wanted.org_id, 'erasure.performed', 'pseudonym', alias,
        jsonb_build_object('request_id', request));
end
$$;

-- Tells the app at sign-in which organizations there are, so that it need not wait for a first answer. These
-- are hints: rights come from the tables at every request.
create function public.custom_access_token_hook(event jsonb)
returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
    orgs jsonb;
begin
    select coalesce(jsonb_agg(jsonb_build_object('id', mine.org_id, 'role', mine.role)), '[]') into orgs
    from (
        select org_id, role from public.memberships
        where user_id = (event ->> 'user_id')::uuid and deleted_at is null
        order by created_at limit 20
    ) as mine;
    return jsonb_set(event, '{claims,berth}', jsonb_build_object('organizations', orgs));
end
$$;

revoke all on function
    private.my_profile(), private.join_organization(uuid, text),
    public.create_organization(uuid, text), public.invite(uuid, text, text, int), public.accept_invitation(text),
    public.withdraw_invitation(uuid), public.change_role(uuid, uuid, text), public.remove_member(uuid, uuid),
    public.set_policy(uuid, int, jsonb), public.lock_prompt(uuid, boolean), public.request_erasure(uuid, uuid),
    public.perform_erasure(uuid), public.custom_access_token_hook(jsonb)
    from public, anon, authenticated, service_role;
grant execute on function
    public.create_organization(uuid, text), public.invite(uuid, text, text, int), public.accept_invitation(text),
    public.withdraw_invitation(uuid), public.change_role(uuid, uuid, text), public.remove_member(uuid, uuid),
    public.set_policy(uuid, int, jsonb), public.lock_prompt(uuid, boolean), public.request_erasure(uuid, uuid),
    public.perform_erasure(uuid)
    to authenticated;
do $$
begin
    if exists (select 1 from pg_catalog.pg_roles where rolname = 'supabase_auth_admin') then
        grant execute on function public.custom_access_token_hook(jsonb) to supabase_auth_admin;
    end if;
end
$$;

-- PostgREST learns what is new.
notify pgrst, 'reload schema';
