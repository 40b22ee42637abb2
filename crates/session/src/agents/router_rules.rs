//! How an agent is sent through a router, as it stands in the `[[router]]` sections of its `agent.toml`.

use std::{collections::BTreeMap, ffi::OsStr};

use berth_protocol::{RouterKind, Transport};
use serde::Deserialize;

use super::{LaunchError, Order, Plan, Spec};

/// How an agent is sent through routers of some kinds. Texts hold placeholders of the route, such as
/// `{router_url}`; one for which the route has no value leaves out the variable, and an argument together
/// with all others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterRules {
    /// The kinds of routers.
    pub kinds: Vec<RouterKind>,
    /// Arguments on a terminal, behind all others.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables over the Agent Client Protocol, besides the others.
    #[serde(default)]
    pub acp_env: BTreeMap<String, String>,
    /// Variables of the user's that would send the agent elsewhere.
    #[serde(default)]
    pub unset: Vec<String>,
}

/// Sends what is about to be run through the order's router, if there is one.
pub(super) fn apply(spec: &Spec, order: &Order, mut plan: Plan) -> Result<Plan, LaunchError> {
    let Some(route) = order.router else {
        return if spec.needs_router {
            Err(LaunchError::RouterRequired(spec.name.clone()))
        } else {
            Ok(plan)
        };
    };
    let rules = spec
        .router
        .iter()
        .find(|rules| rules.kinds.contains(&route.kind));
    let rules = rules.ok_or_else(|| LaunchError::NotRoutable {
        name: spec.name.clone(),
        kind: route.kind,
    })?;
    let env = &mut plan.launch.env;
    for name in &rules.unset {
        env.remove(OsStr::new(name));
    }
    let over_protocol = match order.transport {
        Transport::Acp => Some(&rules.acp_env),
        Transport::Pty => None,
    };
    for (name, text) in rules.env.iter().chain(over_protocol.into_iter().flatten()) {
        if let Some(value) = route.fill(text) {
            env.insert(name.into(), value.into());
        }
    }
    if order.transport == Transport::Pty {
        let args: Option<Vec<String>> = rules.args.iter().map(|text| route.fill(text)).collect();
        plan.launch
            .args
            .extend(args.into_iter().flatten().map(Into::into));
    }
    Ok(plan)
}

#[cfg(test)]
#[path = "router_rules_tests.rs"]
mod tests;
