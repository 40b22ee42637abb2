-- Calls of MCP tools that are under way, as the audit trail tells of them. A row is written before its call leaves
-- and goes in the transaction that notes what became of it, so that what is left at a start was cut off.
CREATE TABLE mcp_calls (
    seq              INTEGER PRIMARY KEY,
    call             TEXT NOT NULL UNIQUE,
    configuration_id TEXT NOT NULL,
    details          TEXT NOT NULL CHECK (json_valid(details))
) STRICT;
