-- How the run of a session began, and what its agent is given each time it is started.
ALTER TABLE sessions ADD COLUMN beginning TEXT NOT NULL DEFAULT 'new'
    CHECK (beginning IN ('new', 'resumed', 'transcript'));
ALTER TABLE sessions ADD COLUMN instructions TEXT;
ALTER TABLE sessions ADD COLUMN mcp_servers TEXT CHECK (mcp_servers IS NULL OR json_valid(mcp_servers));
