-- Routers: settings under a name. Keys of providers are in the keychain; here is only whose are.
CREATE TABLE routers (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    version    INTEGER NOT NULL CHECK (version > 0),
    settings   TEXT    NOT NULL CHECK (json_valid(settings)),
    keys       TEXT    NOT NULL CHECK (json_valid(keys)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The router of a session. It may be deleted before the session, which then cannot be restarted.
ALTER TABLE sessions ADD COLUMN router TEXT;
