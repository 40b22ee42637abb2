//! The names by which agents know their servers.

use std::collections::BTreeSet;

use berth_protocol::{McpConfiguration, McpScope};

use crate::{error::ApiError, state::State};

/// The names that the active organization has given to its servers, in small letters.
pub async fn shared_names(state: &State) -> Result<BTreeSet<String>, ApiError> {
    let all = state.store.mcp_configurations().await?.into_iter();
    let shared = all.filter(|it| it.scope == McpScope::Organization);
    Ok(shared
        .map(|it| it.draft.name.to_ascii_lowercase())
        .collect())
}

/// The name of a server of the user's own of which the organization has one of the same name.
pub fn own_name(name: &str) -> String {
    format!("{name}-user")
}

/// The name by which the agent knows a server: its own, unless another of the session has it. What the organization calls
/// its servers is theirs alone, whether or not the session is given them.
pub fn free_name(
    configuration: &McpConfiguration,
    shared: &BTreeSet<String>,
    taken: &mut BTreeSet<String>,
) -> String {
    let own = &configuration.draft.name;
    let (second, is_shared) = match configuration.scope {
        McpScope::Organization => (format!("{own}-organization"), false),
        McpScope::User => (own_name(own), shared.contains(&own.to_ascii_lowercase())),
    };
    let numbered = (2..).map(|number: u32| format!("{own}-{number}"));
    let mut names = [own.clone(), second]
        .into_iter()
        .skip(usize::from(is_shared))
        .chain(numbered);
    let name = names
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| own.clone());
    taken.insert(name.clone());
    name
}
