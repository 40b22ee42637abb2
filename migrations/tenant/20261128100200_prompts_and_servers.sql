-- What an organization and its users give to sessions: prompts, MCP servers, and the policy that binds both.

create table public.system_prompts (
    id         uuid        primary key,
    scope      text        not null check (scope in ('global', 'organization', 'user')),
    org_id     uuid        references public.organizations (id),
    user_id    uuid        references public.profiles (id),
    name       text        not null check (char_length(name) between 1 and 120 and name !~ '[[:cntrl:]]'),
    format     text        not null default 'text' check (format in ('text', 'template')),
    content    text        not null check (octet_length(content) <= 32768),
    priority   int         not null default 0,
    enabled    boolean     not null default true,
    locked     boolean     not null default false check (not locked or scope = 'organization'),
    target     jsonb       not null default '{}'
        check (jsonb_typeof(target) = 'object' and octet_length(target::text) <= 16384),
    version    int         not null default 1 check (version > 0),
    author     uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    rev        bigint      not null default 0,
    field_revs jsonb       not null default '{}',
    deleted_at timestamptz,
    check (case scope
        when 'global' then org_id is null and user_id is null
        when 'organization' then org_id is not null and user_id is null
        else org_id is not null and user_id is not null
    end)
);

-- Everything that a prompt was. The newest version stands in both tables.
create table public.system_prompt_versions (
    prompt_id uuid        not null references public.system_prompts (id) on delete cascade,
    version   int         not null check (version > 0),
    org_id    uuid,
    user_id   uuid,
    name      text        not null,
    format    text        not null,
    content   text        not null,
    priority  int         not null,
    enabled   boolean     not null,
    locked    boolean     not null,
    target    jsonb       not null,
    author    uuid,
    at        timestamptz not null default now(),
    primary key (prompt_id, version)
);

-- Values that must not be seen are in the keychain of whoever uses the server; `server` and `auth` name them.
create table public.mcp_configurations (
    id         uuid        primary key,
    scope      text        not null check (scope in ('organization', 'user')),
    org_id     uuid        not null references public.organizations (id),
    user_id    uuid        references public.profiles (id),
    name       text        not null check (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    server     jsonb       not null check (
        jsonb_typeof(server) = 'object' and server ->> 'type' in ('stdio', 'http', 'sse')
        and octet_length(server::text) <= 65536
    ),
    auth       jsonb       not null default '{"type": "none"}' check (
        jsonb_typeof(auth) = 'object' and auth ->> 'type' in ('none', 'bearer', 'oauth')
        and octet_length(auth::text) <= 16384
    ),
    enabled    boolean     not null default true,
    target     jsonb       not null default '{}'
        check (jsonb_typeof(target) = 'object' and octet_length(target::text) <= 16384),
    -- What the organization's catalog says: given to all, offered, or refused also under another name.
    catalog    text        not null default 'installed' check (catalog in ('installed', 'available', 'blocked')),
    version    int         not null default 1 check (version > 0),
    author     uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    rev        bigint      not null default 0,
    field_revs jsonb       not null default '{}',
    deleted_at timestamptz,
    check ((scope = 'user') = (user_id is not null)),
    check (scope = 'organization' or catalog = 'installed'),
    unique (org_id, id)
);

-- What is known of a user's sign-in at a server. The tokens are in that user's keychain and nowhere else.
create table public.mcp_oauth (
    id                   uuid        primary key,
    org_id               uuid        not null,
    user_id              uuid        not null references public.profiles (id),
    mcp_configuration_id uuid        not null,
    issuer               text        not null check (issuer ~ '^https://|^http://(127\.0\.0\.1|\[::1\])[:/]'),
    client_id            text        check (char_length(client_id) <= 512),
    scopes               text[]      not null default '{}' check (cardinality(scopes) <= 100),
    signed_in_at         timestamptz not null,
    refreshed_at         timestamptz,
    expires_at           timestamptz,
    can_refresh          boolean     not null default false,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    updated_by           uuid,
    rev                  bigint      not null default 0,
    field_revs           jsonb       not null default '{}',
    deleted_at           timestamptz,
    foreign key (org_id, mcp_configuration_id) references public.mcp_configurations (org_id, id)
);

-- One for each organization. A field that is null binds nothing.
create table public.policies (
    id               uuid        primary key,
    org_id           uuid        not null unique references public.organizations (id),
    -- Agents that may be started.
    allowed_agents   text[]      check (cardinality(allowed_agents) <= 200),
    -- The most that an agent may do without asking.
    autonomy_ceiling text        check (autonomy_ceiling in ('read_only', 'ask', 'edit', 'auto', 'unchecked')),
    sanitize         text        check (sanitize in ('warn', 'redact', 'reject')),
    -- Which tools of which servers are allowed, asked for or denied: an array, the first that fits holds.
    tool_rules       jsonb       not null default '[]'
        check (jsonb_typeof(tool_rules) = 'array' and octet_length(tool_rules::text) <= 65536),
    isolation        text        check (isolation in ('none', 'process', 'container')),
    -- How long audit events are kept.
    retention_days   int         not null default 365 check (retention_days between 30 and 3660),
    version          int         not null default 1 check (version > 0),
    author           uuid,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    updated_by       uuid,
    rev              bigint      not null default 0,
    field_revs       jsonb       not null default '{}',
    deleted_at       timestamptz check (deleted_at is null)
);

create index system_prompts_by_rev on public.system_prompts (org_id, rev);
create index system_prompts_of_user on public.system_prompts (user_id);
create index mcp_configurations_by_rev on public.mcp_configurations (org_id, rev);
create index mcp_configurations_of_user on public.mcp_configurations (user_id);
create unique index mcp_configurations_by_name on public.mcp_configurations (
    org_id, coalesce(user_id, '00000000-0000-0000-0000-000000000000'), lower(name)
) where deleted_at is null;
create index mcp_oauth_by_rev on public.mcp_oauth (org_id, rev);
create index mcp_oauth_of_user on public.mcp_oauth (user_id);
create index mcp_oauth_of_configuration on public.mcp_oauth (org_id, mcp_configuration_id);
create index policies_by_rev on public.policies (org_id, rev);
create index system_prompt_versions_by_org on public.system_prompt_versions (org_id);

-- Counts the versions: what a client says of them counts for nothing.
create function private.count_version()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
    kept constant text[] := array['rev', 'field_revs', 'updated_at', 'updated_by', 'created_at', 'version', 'author'];
begin
    if tg_op = 'INSERT' then
        new.version := 1;
        new.author := auth.uid();
    elsif to_jsonb(new) - kept = to_jsonb(old) - kept then
        new.version := old.version;
    else
        new.version := old.version + 1;
        new.author := auth.uid();
    end if;
    return new;
end
$$;

create function private.keep_prompt_version()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'INSERT' or new.version <> old.version then
        insert into public.system_prompt_versions (prompt_id, version, org_id, user_id, name, format, content,
            priority, enabled, locked, target, author)
        values (new.id, new.version, new.org_id, new.user_id, new.name, new.format, new.content,
            new.priority, new.enabled, new.locked, new.target, new.author);
    end if;
    return null;
end
$$;

create trigger count_version before insert or update on public.system_prompts
    for each row execute function private.count_version();
create trigger stamp before insert or update on public.system_prompts
    for each row execute function private.stamp();
create trigger keep_version after insert or update on public.system_prompts
    for each row execute function private.keep_prompt_version();
create trigger count_version before insert or update on public.mcp_configurations
    for each row execute function private.count_version();
create trigger stamp before insert or update on public.mcp_configurations
    for each row execute function private.stamp();
create trigger stamp before insert or update on public.mcp_oauth
    for each row execute function private.stamp();
create trigger count_version before insert or update on public.policies
    for each row execute function private.count_version();
create trigger stamp before insert or update on public.policies
    for each row execute function private.stamp();

do $$
declare
    name text;
begin
    foreach name in array array['system_prompts', 'system_prompt_versions', 'mcp_configurations', 'mcp_oauth',
        'policies']
    loop
        execute format('alter table public.%I enable row level security', name);
        execute format('alter table public.%I force row level security', name);
        execute format('revoke all on public.%I from anon, authenticated', name);
    end loop;
end
$$;

grant select on public.system_prompts, public.system_prompt_versions, public.mcp_configurations,
    public.mcp_oauth, public.policies to authenticated;
grant insert (id, scope, org_id, user_id, name, format, content, priority, enabled, locked, target)
    on public.system_prompts to authenticated;
grant update (name, format, content, priority, enabled, locked, target, deleted_at)
    on public.system_prompts to authenticated;
grant insert (id, scope, org_id, user_id, name, server, auth, enabled, target, catalog)
    on public.mcp_configurations to authenticated;
grant update (name, server, auth, enabled, target, catalog, deleted_at)
    on public.mcp_configurations to authenticated;
grant insert (id, org_id, user_id, mcp_configuration_id, issuer, client_id, scopes, signed_in_at, refreshed_at,
    expires_at, can_refresh) on public.mcp_oauth to authenticated;
grant update (issuer, client_id, scopes, signed_in_at, refreshed_at, expires_at, can_refresh, deleted_at)
    on public.mcp_oauth to authenticated;
grant update (allowed_agents, autonomy_ceiling, sanitize, tool_rules, isolation, retention_days)
    on public.policies to authenticated;

create policy system_prompts_read on public.system_prompts for select to authenticated using (
    scope = 'global'
    or (org_id = any (array(select private.my_orgs())) and (user_id is null or user_id = (select auth.uid())))
);
create policy system_prompts_add on public.system_prompts for insert to authenticated with check (
    (scope = 'organization' and org_id = any (array(select private.my_admin_orgs())))
    or (scope = 'user' and user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
);
create policy system_prompts_change on public.system_prompts for update to authenticated using (
    (scope = 'organization' and org_id = any (array(select private.my_admin_orgs())))
    or (scope = 'user' and user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
) with check (
    (scope = 'organization' and org_id = any (array(select private.my_admin_orgs())))
    or (scope = 'user' and user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
);

-- A version is read by whoever may read the prompt, written by its trigger alone, and never changed.
create policy system_prompt_versions_read on public.system_prompt_versions for select to authenticated using (
    org_id is null
    or (org_id = any (array(select private.my_orgs())) and (user_id is null or user_id = (select auth.uid())))
);

create policy mcp_configurations_read on public.mcp_configurations for select to authenticated using (
    org_id = any (array(select private.my_orgs())) and (user_id is null or user_id = (select auth.uid()))
);
create policy mcp_configurations_add on public.mcp_configurations for insert to authenticated with check (
    (scope = 'organization' and org_id = any (array(select private.my_admin_orgs())))
    or (scope = 'user' and user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
);
create policy mcp_configurations_change on public.mcp_configurations for update to authenticated using (
    (scope = 'organization' and org_id = any (array(select private.my_admin_orgs())))
    or (scope = 'user' and user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
) with check (
    (scope = 'organization' and org_id = any (array(select private.my_admin_orgs())))
    or (scope = 'user' and user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
);

create policy mcp_oauth_read on public.mcp_oauth for select to authenticated
    using (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
create policy mcp_oauth_add on public.mcp_oauth for insert to authenticated
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));
create policy mcp_oauth_change on public.mcp_oauth for update to authenticated
    using (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())))
    with check (user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())));

create policy policies_read on public.policies for select to authenticated
    using (org_id = any (array(select private.my_orgs())));
create policy policies_change on public.policies for update to authenticated
    using (org_id = any (array(select private.my_admin_orgs())))
    with check (org_id = any (array(select private.my_admin_orgs())));

revoke all on function private.count_version(), private.keep_prompt_version()
    from public, anon, authenticated, service_role;
