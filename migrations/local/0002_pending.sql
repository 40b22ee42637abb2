-- What was begun and must be finished by whoever opens the store next.

-- The message of a session that its agent has not taken yet: it is handed over when the agent takes
-- messages, in a later run if need be.
ALTER TABLE sessions ADD COLUMN undelivered_message TEXT
    REFERENCES messages (id) ON DELETE SET NULL;

CREATE INDEX sessions_undelivered ON sessions (undelivered_message)
WHERE undelivered_message IS NOT NULL;

-- Workspaces that are being made for sessions. A row is written before the first change to the
-- user's repository and goes in the transaction that records the session, so a row that is found
-- at a start means a workspace, or a part of one, that no session knows.
CREATE TABLE unfinished_workspaces (
    session_id   TEXT    NOT NULL PRIMARY KEY,
    -- The project's folder.
    project_path TEXT    NOT NULL,
    -- Top folder of the workspace.
    path         TEXT    NOT NULL,
    begun_at     INTEGER NOT NULL
) STRICT;
