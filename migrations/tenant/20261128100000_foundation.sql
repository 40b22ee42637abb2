-- The tenant backend of Berth: what all tables rest on.
--
-- Rules that hold for every migration here:
--   * plain SQL for `supabase db push` and `berth tenant migrate`, run as the role `postgres` of a hosted
--     project, which is no superuser;
--   * every table has row-level security, enabled and forced, and gives nothing to `anon`; what `authenticated`
--     may do is granted for each operation and, where that is narrower, for each column;
--   * helpers are in the schema `private`, which the API does not expose; each names its schemas in full and
--     has an empty search path;
--   * identifiers are UUIDs of version 7, made by clients where they can be; words are those of the local store;
--   * a migration that was released is never edited.
--
-- Functions that read or write as their owner rely on its right to pass row-level security.
do $$
begin
    if not exists (
        select 1 from pg_catalog.pg_roles where rolname = current_user and (rolbypassrls or rolsuper)
    ) then
        raise exception 'the role % cannot own this schema: it needs BYPASSRLS', current_user
            using hint = 'Use the role postgres of a Supabase project.';
    end if;
end
$$;

create schema private;
revoke all on schema private from public;
-- Policies call helpers there as whoever asks.
grant usage on schema private to authenticated;

-- Stops with an HTTP status that PostgREST understands, and a stable code in `details`.
create function private.fail(status int, code text, message text, hint text default null)
returns void language plpgsql set search_path = '' as $$
begin
    raise exception using
        errcode = 'PT' || status, message = message, detail = code,
        hint = coalesce(hint, '');
end
$$;

-- The number of this schema and the oldest that a client may know and still write. A client refuses to sync
-- with one that it does not know.
create function public.schema_version()
returns jsonb language sql immutable set search_path = '' as $$
    select jsonb_build_object('version', 1, 'oldest_client', 1)
$$;

-- A UUID of version 7 (RFC 9562) for the rows that the server makes: a random one of version 4 whose first 48 bits
-- are the milliseconds since 1970, and whose version 0100 becomes 0111.
create function private.uuid_v7()
returns uuid language sql volatile set search_path = '' as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- HMAC-SHA-256 (RFC 2104). Its extension is in another schema in every installation, and this is all of it
-- that is needed.
create function private.hmac_sha256(key bytea, message bytea)
returns bytea language plpgsql immutable set search_path = '' as $$
declare
    block bytea;
    inner_pad bytea := '';
    outer_pad bytea := '';
begin
    block := case when length(key) > 64 then sha256(key) else key end;
    block := block || decode(repeat('00', 64 - length(block)), 'hex');
    inner_pad := block;
    outer_pad := block;
    for place in 0..63 loop
        inner_pad := set_byte(inner_pad, place, get_byte(block, place) # 54);
        outer_pad := set_byte(outer_pad, place, get_byte(block, place) # 92);
    end loop;
    return sha256(outer_pad || sha256(inner_pad || message));
end
$$;

-- Canonical JSON as `berth_store::canonical_json` writes it: no white space, keys in the order of their bytes.
create function private.canonical_json(value jsonb)
returns text language plpgsql immutable set search_path = '' as $$
declare
    result text;
begin
    case jsonb_typeof(value)
        when 'object' then
            select '{' || coalesce(string_agg(
                to_json(entry.key)::text || ':' || private.canonical_json(entry.value),
                ',' order by entry.key collate "C"), '') || '}'
            into result from jsonb_each(value) as entry;
        when 'array' then
            select '[' || coalesce(string_agg(
                private.canonical_json(item.value), ',' order by item.ordinality), '') || ']'
            into result from jsonb_array_elements(value) with ordinality as item;
        else
            result := value::text;
    end case;
    return result;
end
$$;

revoke all on function
    private.fail(int, text, text, text), private.uuid_v7(), private.hmac_sha256(bytea, bytea), private.canonical_json(jsonb),
    public.schema_version()
    from public, anon, authenticated, service_role;
grant execute on function private.fail(int, text, text, text) to authenticated;
-- It is asked before anybody signs in, and tells nothing but a number.
grant execute on function public.schema_version() to anon, authenticated, service_role;
