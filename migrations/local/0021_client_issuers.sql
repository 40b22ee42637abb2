-- The authorization server at which a client that was registered by hand was first used. The client is used at no other,
-- whatever its MCP server names later, until its user says so; null while it was not used. It stands beside the secret
-- and not in the sign-in, because signing out deletes that and leaves the secret.
ALTER TABLE mcp_configurations ADD COLUMN client_issuer TEXT;
