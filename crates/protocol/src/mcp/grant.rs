//! What may be said of a sign-in at an MCP server: never a token.

use jiff::Timestamp;

/// Facts of a sign-in at a server, as they follow from its newest tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpGrantFacts {
    /// The authorization server.
    pub issuer: String,
    /// What Berth is to it.
    pub client_id: String,
    /// What is allowed.
    pub scopes: Vec<String>,
    /// When the access token was given.
    pub given_at: Timestamp,
    /// When it ends, where that is said.
    pub expires_at: Option<Timestamp>,
    /// Another one can be had without the user.
    pub can_refresh: bool,
}
