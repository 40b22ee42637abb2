-- What happens when an agent calls a tool of a server, as its user says.
ALTER TABLE mcp_configurations ADD COLUMN rules TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(rules));

-- Tools that a user was asked about, and has allowed in a project from then on.
CREATE TABLE mcp_allowed (
    configuration_id TEXT    NOT NULL REFERENCES mcp_configurations (id) ON DELETE CASCADE,
    project_id       TEXT    NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    tool             TEXT    NOT NULL,
    allowed_at       INTEGER NOT NULL,
    PRIMARY KEY (configuration_id, project_id, tool)
) STRICT;
