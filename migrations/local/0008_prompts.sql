-- System prompts, with everything that they were before. The newest version stands in both tables.
CREATE TABLE prompts (
    id         TEXT    NOT NULL PRIMARY KEY,
    scope      TEXT    NOT NULL CHECK (scope IN ('global', 'organization', 'user')),
    name       TEXT    NOT NULL,
    format     TEXT    NOT NULL CHECK (format IN ('text', 'template')),
    content    TEXT    NOT NULL,
    priority   INTEGER NOT NULL,
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    locked     INTEGER NOT NULL CHECK (locked = 0 OR scope = 'organization'),
    target     TEXT    NOT NULL CHECK (json_valid(target)),
    version    INTEGER NOT NULL CHECK (version > 0),
    author     TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE prompt_versions (
    prompt_id TEXT    NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    version   INTEGER NOT NULL CHECK (version > 0),
    name      TEXT    NOT NULL,
    format    TEXT    NOT NULL CHECK (format IN ('text', 'template')),
    content   TEXT    NOT NULL,
    priority  INTEGER NOT NULL,
    enabled   INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    locked    INTEGER NOT NULL CHECK (locked IN (0, 1)),
    target    TEXT    NOT NULL CHECK (json_valid(target)),
    author    TEXT,
    at        INTEGER NOT NULL,
    PRIMARY KEY (prompt_id, version)
) STRICT;
