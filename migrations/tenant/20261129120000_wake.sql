-- Tells the members of an organization that something of it has changed, over Supabase Realtime.
--
-- What is told is a revision and nothing else, on the private channel `org:<id>`, in the transaction that moves the
-- clock: nobody hears of what was rolled back. It makes clients ask sooner. They ask by themselves too, so a backend
-- without Realtime, or one whose Realtime fails, loses nothing but time, and no write ever fails because of it.

-- Not set off by what raises the floor or the epoch alone: whoever asks is told of those.
create function private.tell_members()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
    -- Asked first, so that a backend without Realtime pays for no savepoint.
    if pg_catalog.to_regnamespace('realtime') is null then
        return null;
    end if;
    begin
        -- Realtime may be of a version of before, or its schema closed to this role.
        if pg_catalog.to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null then
            perform realtime.send(jsonb_build_object('rev', new.rev), 'moved', 'org:' || new.org_id::text, true);
        end if;
    exception when others then
        raise log 'that organization % has changed was not told: %', new.org_id, sqlerrm;
    end;
    return null;
end
$$;

-- The row of the nil UUID orders the prompts of everybody, which have no members to be told.
create trigger tell after insert or update of rev on private.org_clock
    for each row when (new.org_id <> '00000000-0000-0000-0000-000000000000')
    execute function private.tell_members();

-- Whether the caller may listen on a channel: it is that of an organization that they belong to now. Realtime asks when
-- somebody joins, and again when they show a new token.
create function private.may_listen(channel text)
returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from private.my_orgs() as mine (id) where 'org:' || mine.id::text = channel)
$$;

-- Lets members listen, and nobody send: Realtime denies what no policy allows. Returns whether it is so. To be called
-- again (`select private.let_members_listen()`) where Realtime has come after this migration.
create function private.let_members_listen()
returns boolean language plpgsql set search_path = '' as $$
begin
    if pg_catalog.to_regnamespace('realtime') is null or pg_catalog.to_regclass('realtime.messages') is null then
        return false;
    end if;
    if not exists (
        select 1 from pg_catalog.pg_policies
        where schemaname = 'realtime' and tablename = 'messages' and policyname = 'berth_members_listen'
    ) then
        create policy berth_members_listen on realtime.messages for select to authenticated
            using (extension = 'broadcast' and (select private.may_listen((select realtime.topic()))));
    end if;
    return true;
exception when insufficient_privilege or undefined_function or undefined_column then
    raise warning 'members cannot listen to Realtime, and are not told of changes: %', sqlerrm
        using hint = 'Whoever owns realtime.messages can call private.let_members_listen().';
    return false;
end
$$;

revoke all on function private.tell_members(), private.may_listen(text), private.let_members_listen()
    from public, anon, authenticated, service_role;
grant execute on function private.may_listen(text) to authenticated;

select private.let_members_listen();
