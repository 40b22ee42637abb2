//! The kinds of rows that can be changed, and what of them.

use serde::{Deserialize, Serialize};

/// A kind of row that clients change through sync. What is absent here, such as memberships, changes by calls of
/// its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// The organization itself: its name.
    Organization,
    /// What binds its sessions.
    Policy,
    /// A system prompt.
    Prompt,
    /// An MCP server.
    McpConfiguration,
    /// What is known of a user's sign-in at a server; never a token.
    McpOauth,
    /// A session.
    Session,
    /// Where a session works.
    Workspace,
    /// What users are asked to agree to.
    ConsentText,
    /// That a user has agreed.
    Consent,
}

impl EntityKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Organization,
        Self::Policy,
        Self::Prompt,
        Self::McpConfiguration,
        Self::McpOauth,
        Self::Session,
        Self::Workspace,
        Self::ConsentText,
        Self::Consent,
    ];

    /// The word that stands for it on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Policy => "policy",
            Self::Prompt => "prompt",
            Self::McpConfiguration => "mcp_configuration",
            Self::McpOauth => "mcp_oauth",
            Self::Session => "session",
            Self::Workspace => "workspace",
            Self::ConsentText => "consent_text",
            Self::Consent => "consent",
        }
    }

    /// Fields that are said once, when a row is added; `None` when clients add no rows of the kind.
    pub const fn fixed_fields(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Organization | Self::Policy => None,
            Self::Prompt | Self::McpConfiguration => Some(&["scope"]),
            Self::McpOauth => Some(&["mcp_configuration_id"]),
            Self::Session => Some(&["device_id", "agent", "transport", "started_at"]),
            Self::Workspace => Some(&["session_id", "kind"]),
            Self::ConsentText => Some(&["purpose", "version", "body"]),
            Self::Consent => Some(&["consent_text_id", "granted_at"]),
        }
    }

    /// Fields that can be changed.
    pub const fn writable_fields(self) -> &'static [&'static str] {
        match self {
            Self::Organization => &["name"],
            Self::Policy => &[
                "allowed_agents",
                "autonomy_ceiling",
                "sanitize",
                "tool_rules",
                "isolation",
                "retention_days",
            ],
            Self::Prompt => &[
                "name", "format", "content", "priority", "enabled", "locked", "target",
            ],
            Self::McpConfiguration => &["name", "server", "auth", "enabled", "target", "catalog"],
            Self::McpOauth => &[
                "issuer",
                "client_id",
                "scopes",
                "signed_in_at",
                "refreshed_at",
                "expires_at",
                "can_refresh",
            ],
            Self::Session => &[
                "title",
                "phase",
                "exit_code",
                "exit_signal",
                "failure_code",
                "permission_mode",
                "run",
                "ended_at",
                "archived_at",
            ],
            Self::Workspace => &[
                "path",
                "branch",
                "base",
                "base_commit",
                "changed_files",
                "added_lines",
                "removed_lines",
            ],
            Self::ConsentText => &[],
            Self::Consent => &["withdrawn_at"],
        }
    }

    /// Rows of the kind follow from what happens on a machine, which tells of it by itself. They are facts and nobody's
    /// edits: nobody decides about them, and nobody can take them back.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::McpOauth | Self::Session | Self::Workspace)
    }

    /// A row of the kind has a name that can be another one, so that two versions of it can be kept side by side.
    pub const fn can_be_doubled(self) -> bool {
        matches!(self, Self::Prompt | Self::McpConfiguration)
    }
}

impl std::fmt::Display for EntityKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
