-- What a server may have of the sessions that it is given to, besides answers of their users.
ALTER TABLE mcp_configurations ADD COLUMN offers TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(offers));
