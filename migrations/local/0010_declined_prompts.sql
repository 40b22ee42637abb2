-- Prompts of an organization that the user of this store does not want. A locked one counts all the same.
CREATE TABLE declined_prompts (
    prompt_id TEXT NOT NULL PRIMARY KEY REFERENCES prompts (id) ON DELETE CASCADE
) STRICT;
