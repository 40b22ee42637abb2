//! Forms that MCP servers ask the user to fill in (MCP 2025-11-25, elicitation).

use serde::{Deserialize, Serialize};

/// A form of an MCP server. Answer of `GET /sessions/{id}/form`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct McpForm {
    /// The question that it answers.
    pub attention_id: String,
    /// The name of the server.
    pub server: String,
    /// What the server says that it is for.
    pub message: String,
    /// Its fields: a JSON Schema of one object with texts, numbers, booleans and choices.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub schema: serde_json::Value,
}

/// A form that was filled in. Body of `POST /sessions/{id}/form`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FillMcpForm {
    /// The question that it answers.
    pub attention_id: String,
    /// A value for each field that is filled in. The server gets them, and nobody else.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub content: serde_json::Map<String, serde_json::Value>,
}

impl std::fmt::Debug for FillMcpForm {
    /// Without the values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<&String> = self.content.keys().collect();
        f.debug_struct("FillMcpForm")
            .field("attention_id", &self.attention_id)
            .field("fields", &fields)
            .finish()
    }
}
