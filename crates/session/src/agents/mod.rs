//! Agents: what Berth knows of each CLI.
//!
//! Everything that differs between agents is data in a folder of its own: `agent.toml` with how to
//! find, start and read it, and `recordings/` of its real screens, which the tests replay. Adding
//! an agent means adding a folder and one line to [`FOLDERS`].

pub mod conversation;
pub mod defined;
pub mod detect;
pub mod injection;
mod launch;
mod router_rules;
mod spec;

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, LazyLock},
};

use berth_protocol::AgentId;

pub use launch::{
    LaunchError, Order, Plan, given_mcp, plan, private_folder, takes_instructions, takes_mcp,
};
pub use router_rules::RouterRules;
pub use spec::{PermissionRule, ScreenRules, Spec};

/// The data of every known agent, in the order in which people see them.
const FOLDERS: &[&str] = &[
    include_str!("claude/agent.toml"),
    include_str!("codex/agent.toml"),
    include_str!("ccr/agent.toml"),
    include_str!("droid/agent.toml"),
    include_str!("gemini/agent.toml"),
    include_str!("opencode/agent.toml"),
    include_str!("goose/agent.toml"),
    include_str!("aider/agent.toml"),
    include_str!("cursor/agent.toml"),
    include_str!("copilot/agent.toml"),
    include_str!("amp/agent.toml"),
    include_str!("auggie/agent.toml"),
    include_str!("amazonq/agent.toml"),
    include_str!("shell/agent.toml"),
    include_str!("custom/agent.toml"),
];

/// The agent that runs the user's shell.
pub const SHELL: &str = "shell";

/// The agent that runs a command given with the session.
pub const CUSTOM: &str = "custom";

/// The agent that runs Claude Code behind a router.
pub const CCR: &str = "ccr";

static CATALOG: LazyLock<Vec<Spec>> = LazyLock::new(|| {
    // A folder that cannot be read is a mistake in this program; `every_folder_is_readable` guards
    // against it, and at run time the others still work.
    FOLDERS
        .iter()
        .filter_map(|text| {
            read(text)
                .inspect_err(|error| tracing::error!(%error, "an agent's data is not readable"))
                .ok()
        })
        .collect()
});

/// Reads an agent's data, with those of the agent that it runs.
fn read(text: &str) -> Result<Spec, toml::de::Error> {
    let mut spec = Spec::parse(text)?;
    if let Some(runs) = &spec.runs {
        let others = FOLDERS.iter().filter_map(|text| Spec::parse(text).ok());
        let runner = others.into_iter().find(|other| other.id == *runs);
        let unknown = || serde::de::Error::custom(format!("there is no agent {runs}"));
        let runner = runner.ok_or_else(unknown)?;
        spec.run_as(runner);
    }
    Ok(spec)
}

/// What Berth knows of an agent: of one of its own, or of one that a user described.
#[derive(Clone, Debug)]
pub enum Known {
    /// One of [`all`].
    BuiltIn(&'static Spec),
    /// One of [`defined`].
    Defined(Arc<Spec>),
}

impl Deref for Known {
    type Target = Spec;

    fn deref(&self) -> &Spec {
        match self {
            Self::BuiltIn(spec) => spec,
            Self::Defined(spec) => spec,
        }
    }
}

/// Every known agent.
pub fn all() -> &'static [Spec] {
    &CATALOG
}

/// The agent of a name.
pub fn find(id: &AgentId) -> Option<&'static Spec> {
    static BY_ID: LazyLock<BTreeMap<&'static str, &'static Spec>> =
        LazyLock::new(|| all().iter().map(|spec| (spec.id.as_str(), spec)).collect());
    BY_ID.get(id.as_str()).copied()
}

/// How the screen of a program is read that has no rules of its own.
pub fn plain_rules() -> Option<Arc<ScreenRules>> {
    let custom = all().iter().find(|spec| spec.id.as_str() == CUSTOM);
    custom.map(|spec| Arc::clone(&spec.screen))
}

#[cfg(test)]
mod tests {
    use berth_protocol::tenant::Autonomy;

    use super::*;

    #[test]
    fn every_folder_is_readable_and_named_once() {
        for text in FOLDERS {
            read(text).unwrap();
        }
        let ids: std::collections::BTreeSet<_> = all().iter().map(|spec| &spec.id).collect();
        assert_eq!(ids.len(), FOLDERS.len());
    }

    #[test]
    fn agents_start_with_their_permission_checks_on() {
        for spec in all() {
            let default = spec.permission_modes.first();
            assert!(
                default.is_none_or(|mode| !mode.unchecked),
                "{} starts unchecked",
                spec.id
            );
            let says_less =
                |mode: &PermissionRule| mode.unchecked && mode.autonomy != Autonomy::Unchecked;
            assert!(!spec.permission_modes.iter().any(says_less), "{}", spec.id);
            // The same mode has to be the default of both transports: it stands in the session's record.
            assert!(
                spec.acp.is_none() || default.is_some_and(|mode| mode.acp.is_some()),
                "{} starts in a mode of its own over ACP",
                spec.id
            );
        }
    }
}
