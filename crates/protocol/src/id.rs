//! Identifiers, each a type of its own so that they cannot be mixed up.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }

        impl $name {
            /// The last eight hexadecimal digits: enough to tell things apart on screen and in
            /// folder names. The first digits of a UUIDv7 are its time and repeat.
            pub fn short(&self) -> String {
                let text = self.0.simple().to_string();
                text[text.len() - 8..].to_owned()
            }
        }
    };
}

id!(
    /// A project: a folder that the user added. UUIDv7.
    ProjectId
);
id!(
    /// A session: one run of an agent in a workspace. UUIDv7.
    SessionId
);
id!(
    /// A router: settings that sessions can be routed by. UUIDv7.
    RouterId
);
id!(
    /// A message in a transcript. UUIDv7.
    MessageId
);
id!(
    /// A system prompt. UUIDv7.
    PromptId
);
id!(
    /// An MCP server's configuration. UUIDv7.
    McpConfigurationId
);

id!(
    /// An organization of a tenant backend. UUIDv7; the nil UUID stands for what belongs to none, the prompts that
    /// everybody is given.
    OrganizationId
);
id!(
    /// A user of a tenant backend. Its sign-in server makes it.
    UserId
);
id!(
    /// A change of a user on its way to a tenant backend. UUIDv7.
    MutationId
);

/// The name of a kind of agent, such as `claude` or `shell`: lower-case ASCII letters, digits, `-`
/// and `_`, at most 32 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct AgentId(String);

/// A text that is not the name of an agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an agent name: use 1 to 32 of a-z, 0-9, '-' and '_'")]
pub struct InvalidAgentId(String);

impl AgentId {
    /// Longest name, in characters.
    pub const MAX_LEN: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AgentId {
    type Error = InvalidAgentId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if (1..=Self::MAX_LEN).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidAgentId(text.chars().take(64).collect()))
        }
    }
}

impl FromStr for AgentId {
    type Err = InvalidAgentId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<AgentId> for String {
    fn from(id: AgentId) -> Self {
        id.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
