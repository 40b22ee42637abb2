-- MCP servers. Their secrets are in the keychain: `kept_secrets` has only the names of those that are there.
-- `consent` is the SHA-256 of the settings of the server that its user has agreed to, as canonical JSON.
CREATE TABLE mcp_configurations (
    id           TEXT    NOT NULL PRIMARY KEY,
    scope        TEXT    NOT NULL CHECK (scope IN ('organization', 'user')),
    name         TEXT    NOT NULL,
    server       TEXT    NOT NULL CHECK (json_valid(server)),
    auth         TEXT    NOT NULL CHECK (json_valid(auth)),
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    target       TEXT    NOT NULL CHECK (json_valid(target)),
    kept_secrets TEXT    NOT NULL CHECK (json_valid(kept_secrets)),
    consent      TEXT,
    version      INTEGER NOT NULL CHECK (version > 0),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (scope, name)
) STRICT;

-- How each server was doing when it was last asked, and the tools that it had. It can be seen again by asking.
CREATE TABLE mcp_states (
    configuration_id TEXT    NOT NULL PRIMARY KEY REFERENCES mcp_configurations (id) ON DELETE CASCADE,
    state            TEXT    NOT NULL CHECK (json_valid(state)),
    tools            TEXT    CHECK (json_valid(tools)),
    tools_at         INTEGER
) STRICT;

-- What each tool was when it was accepted, as the SHA-256 of all that its server said of it. `found` is what it
-- is now where that is something else: nobody is given it until somebody has looked.
CREATE TABLE mcp_pins (
    configuration_id TEXT NOT NULL REFERENCES mcp_configurations (id) ON DELETE CASCADE,
    tool             TEXT NOT NULL,
    accepted         TEXT NOT NULL,
    found            TEXT,
    PRIMARY KEY (configuration_id, tool)
) STRICT;
