//! What binds the sessions of an organization's users.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AgentId, SanitizePolicy, ToolRule};

/// The policy of an organization. What is absent binds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Identifier.
    pub id: Uuid,
    /// Agents that may be started; all of them when absent.
    #[serde(default)]
    pub allowed_agents: Option<Vec<AgentId>>,
    /// The most that an agent may do without asking.
    #[serde(default)]
    pub autonomy_ceiling: Option<Autonomy>,
    /// What becomes of prompts with suspicious words.
    #[serde(default)]
    pub sanitize: Option<SanitizePolicy>,
    /// What happens when an agent calls a tool: the first rule that fits holds.
    #[serde(default)]
    pub tool_rules: Vec<PolicyToolRule>,
    /// The least that must stand between agents and the machine.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// How long the backend keeps audit events, 30 to 3,660 days.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// 1 at first, one more with each edit.
    #[serde(default)]
    pub version: u32,
}

/// How much an agent may do without asking, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    /// Look at things.
    ReadOnly,
    /// Nothing that it does not ask for.
    Ask,
    /// Change files of its workspace.
    Edit,
    /// What the agent's own checks let through.
    Auto,
    /// Anything.
    Unchecked,
}

/// What stands between an agent and the machine, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Nothing but its workspace.
    None,
    /// The sandbox of the operating system.
    Process,
    /// A container.
    Container,
}

/// What happens when an agent calls certain tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
// A condition that is not understood would be left out, and the rule would fit what it does not mean.
#[serde(deny_unknown_fields)]
pub struct PolicyToolRule {
    /// Name of the server; any when absent.
    #[serde(default)]
    pub server: Option<String>,
    /// Name of the tool; any when absent.
    #[serde(default)]
    pub tool: Option<String>,
    /// What happens.
    pub rule: ToolRule,
}

/// What is known of an organization's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyState {
    /// The replica has none: it was never complete, or the organization is none.
    Absent,
    /// It binds.
    Known(Box<Policy>),
    /// There is one that this version cannot read. Nothing may be started as if there were none.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

impl PolicyState {
    /// Reads the row of a policy.
    pub fn of(row: Option<&serde_json::Value>) -> Self {
        match row.map(Policy::deserialize) {
            None => Self::Absent,
            Some(Ok(policy)) => Self::Known(Box::new(policy)),
            Some(Err(error)) => Self::Unreadable {
                reason: error.to_string(),
            },
        }
    }
}
