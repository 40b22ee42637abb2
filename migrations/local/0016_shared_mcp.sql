-- The servers that an organization shares stand beside the user's own, so that what is kept of a server on this machine
-- (consent, how it was doing, what its tools were) is the same for both. What their admins say of them follows the
-- replica; they belong to one (organization, user) pair and go with it. Several organizations may have servers of one
-- name, so that the tables are made anew: only the user's own names are unique here.
CREATE TABLE mcp_servers (
    id           TEXT    NOT NULL PRIMARY KEY,
    scope        TEXT    NOT NULL CHECK (scope IN ('organization', 'user')),
    org_id       TEXT,
    user_id      TEXT,
    name         TEXT    NOT NULL,
    server       TEXT    NOT NULL CHECK (json_valid(server)),
    auth         TEXT    NOT NULL CHECK (json_valid(auth)),
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    target       TEXT    NOT NULL CHECK (json_valid(target)),
    rules        TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(rules)),
    offers       TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(offers)),
    -- What the organization's catalog says of it, and whether this user has taken what it offers.
    catalog      TEXT    CHECK (catalog IN ('installed', 'available', 'blocked')),
    taken        INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1)),
    kept_secrets TEXT    NOT NULL CHECK (json_valid(kept_secrets)),
    consent      TEXT,
    -- Counts what the server was on this machine: consents and edits name it.
    version      INTEGER NOT NULL CHECK (version > 0),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    CHECK ((scope = 'organization') = (org_id IS NOT NULL)),
    CHECK ((org_id IS NULL) = (user_id IS NULL)),
    CHECK ((org_id IS NULL) = (catalog IS NULL)),
    FOREIGN KEY (org_id, user_id) REFERENCES organizations (org_id, user_id) ON DELETE CASCADE
) STRICT;

INSERT INTO mcp_servers (id, scope, name, server, auth, enabled, target, rules, offers, kept_secrets, consent, version,
    created_at, updated_at)
SELECT id, scope, name, server, auth, enabled, target, rules, offers, kept_secrets, consent, version, created_at,
    updated_at
FROM mcp_configurations WHERE scope = 'user';

CREATE TABLE mcp_states_new (
    configuration_id TEXT    NOT NULL PRIMARY KEY REFERENCES mcp_servers (id) ON DELETE CASCADE,
    state            TEXT    NOT NULL CHECK (json_valid(state)),
    tools            TEXT    CHECK (tools IS NULL OR json_valid(tools)),
    tools_at         INTEGER
) STRICT;
CREATE TABLE mcp_pins_new (
    configuration_id TEXT NOT NULL REFERENCES mcp_servers (id) ON DELETE CASCADE,
    tool             TEXT NOT NULL,
    accepted         TEXT NOT NULL,
    found            TEXT,
    PRIMARY KEY (configuration_id, tool)
) STRICT;
CREATE TABLE mcp_allowed_new (
    configuration_id TEXT    NOT NULL REFERENCES mcp_servers (id) ON DELETE CASCADE,
    project_id       TEXT    NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    tool             TEXT    NOT NULL,
    allowed_at       INTEGER NOT NULL,
    PRIMARY KEY (configuration_id, project_id, tool)
) STRICT;
INSERT INTO mcp_states_new (configuration_id, state, tools, tools_at)
SELECT configuration_id, state, tools, tools_at FROM mcp_states
WHERE configuration_id IN (SELECT id FROM mcp_servers);
INSERT INTO mcp_pins_new (configuration_id, tool, accepted, found)
SELECT configuration_id, tool, accepted, found FROM mcp_pins
WHERE configuration_id IN (SELECT id FROM mcp_servers);
INSERT INTO mcp_allowed_new (configuration_id, project_id, tool, allowed_at)
SELECT configuration_id, project_id, tool, allowed_at FROM mcp_allowed
WHERE configuration_id IN (SELECT id FROM mcp_servers);

-- Those that refer to it go first, or they would be emptied with it.
DROP TABLE mcp_states;
DROP TABLE mcp_pins;
DROP TABLE mcp_allowed;
DROP TABLE mcp_configurations;
ALTER TABLE mcp_servers RENAME TO mcp_configurations;
ALTER TABLE mcp_states_new RENAME TO mcp_states;
ALTER TABLE mcp_pins_new RENAME TO mcp_pins;
ALTER TABLE mcp_allowed_new RENAME TO mcp_allowed;

CREATE UNIQUE INDEX mcp_configurations_by_name ON mcp_configurations (name) WHERE scope = 'user';
CREATE INDEX mcp_configurations_of_pair ON mcp_configurations (org_id, user_id);

-- Secrets of shared servers that are gone, or are other servers now: they are still to be removed from the keychain.
-- `known` says that the store knew them to be there.
CREATE TABLE mcp_orphans (
    configuration_id TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    known            INTEGER NOT NULL CHECK (known IN (0, 1)),
    PRIMARY KEY (configuration_id, name)
) STRICT, WITHOUT ROWID;
