-- A declined prompt may be one that an organization shares: those are rows of its replica, and not of `prompts`.
CREATE TABLE declined (
    prompt_id TEXT NOT NULL PRIMARY KEY
) STRICT;
INSERT INTO declined (prompt_id) SELECT prompt_id FROM declined_prompts;
DROP TABLE declined_prompts;
ALTER TABLE declined RENAME TO declined_prompts;
