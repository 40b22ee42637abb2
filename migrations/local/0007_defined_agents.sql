-- Agents that a user described. The values of their secrets are in the keychain; here is only which are.
CREATE TABLE defined_agents (
    id         TEXT    NOT NULL PRIMARY KEY,
    version    INTEGER NOT NULL CHECK (version > 0),
    definition TEXT    NOT NULL CHECK (json_valid(definition)),
    secrets    TEXT    NOT NULL CHECK (json_valid(secrets)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
