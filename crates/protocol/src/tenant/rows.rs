//! Rows of an organization as this version reads them. What a backend alone fills in is absent in a row that it
//! does not have yet.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    McpAuth, McpConfigurationId, McpScope, McpServer, OrganizationId, PromptFormat, PromptId,
    PromptScope, PromptTarget, UserId,
};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Identifier.
    pub id: OrganizationId,
    /// Name, 1 to 120 characters.
    pub name: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    /// Everything.
    Admin,
    /// Use what admins share, and have their own beside it.
    User,
}

/// Somebody who belongs to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Identifier of the membership.
    pub id: Uuid,
    /// Who.
    pub user_id: UserId,
    /// What they may do.
    pub role: OrganizationRole,
    /// Their name; empty when they have said none, or were erased.
    #[serde(default)]
    pub display_name: String,
    /// Their address; empty when they were erased.
    #[serde(default)]
    pub email: String,
    /// When they came.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// Somebody who may come. Only admins see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Identifier.
    pub id: Uuid,
    /// To whom it was sent.
    pub email: String,
    /// What they will be.
    pub role: OrganizationRole,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
    /// Who has invited.
    #[serde(default)]
    pub invited_by: Option<UserId>,
}

/// A system prompt of an organization, or of a user in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Identifier.
    pub id: PromptId,
    /// Whose words they are.
    pub scope: PromptScope,
    /// Name, 1 to 120 characters.
    pub name: String,
    /// How `content` is read.
    #[serde(default)]
    pub format: PromptFormat,
    /// Its words, at most 32 KiB of UTF-8.
    pub content: String,
    /// Its place within its scope: smaller numbers come first.
    #[serde(default)]
    pub priority: i32,
    /// Given to sessions.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Users cannot disable it.
    #[serde(default)]
    pub locked: bool,
    /// The sessions it is for.
    #[serde(default)]
    pub target: PromptTarget,
    /// Counted by the backend, from 1; 0 before it has the row.
    #[serde(default)]
    pub version: u32,
    /// Who last edited it.
    #[serde(default)]
    pub author: Option<UserId>,
    /// When it was added.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

/// What an organization's catalog says of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Catalog {
    /// Given to all.
    #[default]
    Installed,
    /// Offered.
    Available,
    /// Refused, also under another name.
    Blocked,
}

/// An MCP server of an organization, or of a user in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mcp {
    /// Identifier.
    pub id: McpConfigurationId,
    /// Who has added it.
    pub scope: McpScope,
    /// Name, 1 to 64 letters, digits, `-` and `_`.
    pub name: String,
    /// How it is reached.
    pub server: McpServer,
    /// How Berth proves who it is.
    #[serde(default)]
    pub auth: McpAuth,
    /// Given to sessions.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The sessions that it is for.
    #[serde(default)]
    pub target: PromptTarget,
    /// What the catalog says of it.
    #[serde(default)]
    pub catalog: Catalog,
    /// Counted by the backend, from 1; 0 before it has the row.
    #[serde(default)]
    pub version: u32,
    /// When it was added.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

/// What users are asked to agree to. A text that was published never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentText {
    /// Identifier.
    pub id: Uuid,
    /// What it is about, such as `recording`.
    pub purpose: String,
    /// Counts the texts of a purpose, from 1.
    pub version: u32,
    /// The text, at most 64 KiB of UTF-8.
    pub body: String,
    /// When it was published.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// That a user has agreed to a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Identifier.
    pub id: Uuid,
    /// Who; absent in a row that the backend does not have yet.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// To what.
    pub consent_text_id: Uuid,
    /// When.
    pub granted_at: Timestamp,
    /// When they took it back.
    #[serde(default)]
    pub withdrawn_at: Option<Timestamp>,
}

fn yes() -> bool {
    true
}
