-- Which address of a request the audit trail keeps: the one that the deployment's own proxies have written, never one
-- that the client could have said itself.
--
-- Each proxy adds the address that it was called from at the end of `X-Forwarded-For`, and leaves before it whatever it
-- was sent. With n proxies of one's own, the n-th entry from the end is the client's; all before it is anybody's word. A
-- header that holds one address, and that the outermost proxy always writes itself, is a list of one.
create table private.client_address_rule (
    only_one        boolean primary key default true check (only_one),
    -- Its name in lower case, as PostgREST gives it.
    header          text    not null default 'x-forwarded-for' check (header ~ '^[a-z0-9-]{1,64}$'),
    -- Proxies that every request comes through, and that write into the header. With none, no address is known.
    trusted_proxies int     not null default 1 check (trusted_proxies between 0 and 16)
);
alter table private.client_address_rule enable row level security;
alter table private.client_address_rule force row level security;
revoke all on private.client_address_rule from public, anon, authenticated, service_role;
-- What holds wherever Supabase runs: PostgREST is reached through its gateway alone, and that adds whom it was called by.
insert into private.client_address_rule default values;

-- The address that a request came from, in the form of the database; null where it is not known. What is no address is
-- never an error: an event is not lost because of what somebody has sent along.
create function private.client_address(headers jsonb)
returns text language plpgsql stable security definer set search_path = '' as $$
declare
    rule private.client_address_rule;
    entries text[];
    entry text;
begin
    select * into rule from private.client_address_rule;
    entries := string_to_array(headers ->> rule.header, ',');
    -- Outside of the list there is null: somebody came past a proxy that is said to be there.
    entry := btrim(entries[cardinality(entries) + 1 - rule.trusted_proxies], E' \t');
    -- Some proxies add a port.
    entry := regexp_replace(entry, '^\[([^]]*)\](:[0-9]{1,5})?$', '\1');
    entry := regexp_replace(entry, '^([0-9.]+):[0-9]{1,5}$', '\1');
    -- A network is no address.
    if entry is null or char_length(entry) > 64 or strpos(entry, '/') > 0 then
        return null;
    end if;
    return host(entry::inet);
exception when data_exception then
    return null;
end
$$;
revoke all on function private.client_address(jsonb) from public, anon, authenticated, service_role;

create or replace function private.audit_write(event audit.logs, person uuid, with_origin boolean)
returns bigint language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    head private.audit_heads;
    headers jsonb;
    address text;
    program text;
    person_key bytea;
begin
    insert into private.audit_heads (org_id, seq, hash, at) values (event.org_id, 0, repeat('0', 64), '-infinity')
    on conflict (org_id) do nothing;
    select * into strict head from private.audit_heads where org_id = event.org_id for update;
    event.seq := head.seq + 1;
    event.prev_hash := head.hash;
    event.recorded_at := greatest(date_trunc('milliseconds', clock_timestamp()), head.at);
    event.occurred_at := date_trunc('milliseconds', event.occurred_at);
    event.actor := private.pseudonym(event.org_id, person);
    if event.subject_kind = 'user' then
        event.subject_id := private.pseudonym(event.org_id, event.subject_id::uuid);
    end if;
    event.origin := null;
    if with_origin and person is not null then
        headers := nullif(current_setting('request.headers', true), '')::jsonb;
        address := private.client_address(headers);
        program := left(headers ->> 'user-agent', 256);
        if address <> '' or program <> '' then
            select key into person_key from private.audit_people
            where org_id = event.org_id and user_id = person;
            event.origin := encode(private.hmac_sha256(person_key, convert_to(
                coalesce(address, '') || chr(10) || coalesce(program, ''), 'UTF8')), 'hex');
            insert into private.audit_origins (org_id, seq, user_id, address, program)
            values (event.org_id, event.seq, person, address, program);
        end if;
    end if;
    event.hash := private.audit_hash(event);
    perform private.audit_make_partition(event.recorded_at);
    insert into audit.logs select (event).*;
    update private.audit_heads set seq = event.seq, hash = event.hash, at = event.recorded_at
    where org_id = event.org_id;
    insert into private.audit_ids (org_id, id, seq) values (event.org_id, event.id, event.seq);
    return event.seq;
end
$$;
