//! What happens when an agent calls a tool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The rules of a server's tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ToolRules {
    /// For tools that are not named.
    #[serde(default)]
    pub default: ToolRule,
    /// By the name of the tool.
    #[serde(default)]
    pub tools: BTreeMap<String, ToolRule>,
}

/// What a server may have of a session besides its user's answers. Nothing of it unless its user says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct McpOffers {
    /// It may ask the agent's model for answers, which may cost money; the user is asked about each of them. Only
    /// agents that offer this to servers answer.
    #[serde(default)]
    pub sampling: bool,
    /// It may know the folder that the session works in.
    #[serde(default)]
    pub roots: bool,
}

/// What happens when an agent calls a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ToolRule {
    /// The call goes through; the agent may still ask by itself.
    #[default]
    Allow,
    /// The user is asked, with the arguments before their eyes; the session needs attention meanwhile.
    Ask,
    /// The call is refused, and agents are not told of the tool.
    Deny,
}

impl ToolRules {
    /// What holds for a tool.
    pub fn of(&self, tool: &str) -> ToolRule {
        self.tools.get(tool).copied().unwrap_or(self.default)
    }
}

/// How a call that is asked about is answered: the options of the session's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpAnswer {
    /// It goes through.
    Once,
    /// It goes through, and so do all calls of the tool in this session.
    Session,
    /// It goes through, and so do all calls of the tool in this project.
    Project,
    /// It is refused.
    Deny,
}

impl McpAnswer {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Once, Self::Session, Self::Project, Self::Deny];

    /// The name of the option.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Session => "session",
            Self::Project => "project",
            Self::Deny => "deny",
        }
    }

    /// It holds for more than one call.
    pub const fn lasts(self) -> bool {
        matches!(self, Self::Session | Self::Project)
    }

    /// The option as it is shown.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Once => "Allow once",
            Self::Session => "Allow in this session",
            Self::Project => "Allow in this project",
            Self::Deny => "Deny",
        }
    }
}
