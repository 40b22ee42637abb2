-- Reading prompts, a policy lets through those of one's organizations or those of the scope `global`. Each side of that
-- `or` needs an index, or every read that names neither an id nor an organization looks at all rows of all of them.
create index system_prompts_global on public.system_prompts (rev) where scope = 'global';

-- PostgREST learns what is new.
notify pgrst, 'reload schema';
