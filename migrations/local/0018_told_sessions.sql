-- Which organization was told of which session, and under which identifiers: the row of the session and that of its
-- workspace. It goes with either. A session that begins under an organization has its own identifier there; one that
-- comes under an organization with a later run has another, because the first may be the row of somebody else.
CREATE TABLE session_tenants (
    session_id   TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    org_id       TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    entity_id    TEXT    NOT NULL UNIQUE,
    workspace_id TEXT    NOT NULL UNIQUE,
    -- The run that goes on, or was the last, is this organization's: it alone is told what becomes of the session.
    is_current   INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    PRIMARY KEY (session_id, org_id, user_id),
    FOREIGN KEY (org_id, user_id) REFERENCES organizations (org_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX session_tenants_of_pair ON session_tenants (org_id, user_id);

-- The row with which the organization of a shared server knows the sign-in that this machine has there; null while it
-- was told of none.
ALTER TABLE mcp_configurations ADD COLUMN oauth_row TEXT;
