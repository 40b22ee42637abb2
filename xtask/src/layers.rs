//! Proves that every crate uses only what it may: a wrong arrow fails here, not in a review.
//!
//! Only normal dependencies count; what tests and build scripts use never reaches a program.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{
    process::{self, ProcessError},
    repository::Repository,
};

/// Each member and the members that it may use.
///
/// ARCHITECTURE.md gives the reasons. `berth-engine` is a service behind its API, so only the
/// program that serves it and the end-to-end tests may link it; the window and the UI may not.
const MAY_USE: &[(&str, &[&str])] = &[
    ("berth-protocol", &[]),
    ("berth-browser-sign-in", &["berth-protocol"]),
    ("berth-prompt", &["berth-protocol"]),
    ("berth-secrets", &["berth-protocol"]),
    ("berth-store", &["berth-protocol", "berth-trail"]),
    ("berth-trail", &[]),
    ("berth-workspace", &["berth-protocol"]),
    ("berth-launcher", &["berth-protocol"]),
    (
        "berth-session",
        &["berth-protocol", "berth-store", "berth-workspace"],
    ),
    (
        "berth-mcp",
        &[
            "berth-browser-sign-in",
            "berth-protocol",
            "berth-store",
            "berth-workspace",
        ],
    ),
    (
        "berth-tenant",
        &[
            "berth-browser-sign-in",
            "berth-protocol",
            "berth-store",
            "berth-trail",
            "berth-workspace",
        ],
    ),
    ("berth-agentapi", &["berth-protocol", "berth-session"]),
    (
        "berth-engine",
        &[
            "berth-launcher",
            "berth-mcp",
            "berth-prompt",
            "berth-protocol",
            "berth-secrets",
            "berth-session",
            "berth-store",
            "berth-tenant",
            "berth-trail",
            "berth-workspace",
        ],
    ),
    (
        "berth-cli",
        &[
            "berth-agentapi",
            "berth-engine",
            "berth-launcher",
            "berth-mcp",
            "berth-prompt",
            "berth-protocol",
            "berth-secrets",
            "berth-session",
            "berth-store",
            "berth-tenant",
            "berth-trail",
            "berth-workspace",
        ],
    ),
    ("berth-desktop", &["berth-launcher", "berth-protocol"]),
    ("berth-ui", &["berth-protocol", "berth-ui-view"]),
    ("berth-ui-build", &[]),
    ("berth-ui-view", &[]),
    ("berth-model-server", &[]),
    (
        "berth-tests",
        &[
            "berth-engine",
            "berth-launcher",
            "berth-mcp",
            "berth-model-server",
            "berth-prompt",
            "berth-protocol",
            "berth-secrets",
            "berth-session",
            "berth-store",
            "berth-tenant",
            "berth-workspace",
        ],
    ),
    (
        "berth-bench",
        &[
            "berth-mcp",
            "berth-model-server",
            "berth-prompt",
            "berth-protocol",
            "berth-session",
            "berth-tenant",
            "berth-tests",
        ],
    ),
    (
        "berth-record",
        &[
            "berth-model-server",
            "berth-protocol",
            "berth-session",
            "berth-tests",
        ],
    ),
    ("xtask", &["berth-ui-build"]),
];

/// The only member below which Tauri may be.
const WINDOW: &str = "berth-desktop";

#[derive(Debug, thiserror::Error)]
pub(crate) enum LayersError {
    #[error("cargo cannot resolve the dependencies")]
    Resolve(#[source] ProcessError),
    #[error("cargo's resolved dependencies are not understood")]
    Format(#[from] serde_json::Error),
    #[error("{}", .0.join("\n       "))]
    Wrong(Vec<String>),
}

/// Who uses whom: a package's name and the names that it uses directly.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Prints every member with what it uses, and fails on the first wrong set of arrows.
pub(crate) fn run(repository: &Repository) -> Result<(), LayersError> {
    let members = member_arrows(repository);
    print_table(&members);
    let mut wrong = wrong_arrows(&members);
    wrong.extend(tauri_outside_the_window(
        &members,
        &resolved_arrows(repository)?,
    ));
    if wrong.is_empty() {
        println!("{} members, every arrow allowed", members.len());
        return Ok(());
    }
    Err(LayersError::Wrong(wrong))
}

/// The arrows between members, as the manifests declare them: also optional ones and those of
/// other platforms.
fn member_arrows(repository: &Repository) -> Arrows {
    let names: BTreeSet<&str> = repository
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    repository
        .members
        .iter()
        .map(|member| {
            let used = member
                .dependencies
                .iter()
                .filter(|used| used.kind.is_none() && names.contains(used.name.as_str()))
                .map(|used| used.name.clone())
                .collect();
            (member.name.clone(), used)
        })
        .collect()
}

fn print_table(members: &Arrows) {
    let width = members.keys().map(String::len).max().unwrap_or_default();
    for (member, used) in members {
        let used: Vec<&str> = used.iter().map(String::as_str).collect();
        let used = if used.is_empty() {
            "-".to_owned()
        } else {
            used.join(" ")
        };
        println!("{member:width$}  {used}");
    }
}

/// The arrows that [`MAY_USE`] does not allow, in words.
fn wrong_arrows(members: &Arrows) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (member, used) in members {
        let Some(may_use) = allowed.get(member.as_str()) else {
            wrong.push(format!(
                "{member} is new: say in xtask/src/layers.rs what may use it"
            ));
            continue;
        };
        wrong.extend(
            used.iter()
                .filter(|used| !may_use.contains(&used.as_str()))
                .map(|used| format!("{member} may not use {used}")),
        );
    }
    wrong
}

/// Members other than the window that reach one of Tauri's crates, in words.
fn tauri_outside_the_window(members: &Arrows, packages: &Arrows) -> Vec<String> {
    members
        .keys()
        .filter(|member| *member != WINDOW)
        .filter_map(|member| {
            let path = path_to_tauri(member, packages)?;
            Some(format!(
                "{member} may not use Tauri, but does: {}",
                path.join(" -> ")
            ))
        })
        .collect()
}

fn path_to_tauri(member: &str, packages: &Arrows) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([member.to_owned()]);
    let mut paths = vec![vec![member.to_owned()]];
    while let Some(path) = paths.pop() {
        let last = path.last()?;
        if is_tauri(last) {
            return Some(path);
        }
        for used in packages.get(last).into_iter().flatten() {
            if seen.insert(used.clone()) {
                let mut longer = path.clone();
                longer.push(used.clone());
                paths.push(longer);
            }
        }
    }
    None
}

/// Whether this is Tauri or what it opens windows with.
fn is_tauri(package: &str) -> bool {
    package == "tauri" || package.starts_with("tauri-") || matches!(package, "wry" | "tao")
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Used>,
}

#[derive(Deserialize)]
struct Used {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// The arrows between all packages with every feature on, by name.
fn resolved_arrows(repository: &Repository) -> Result<Arrows, LayersError> {
    let text = process::read(repository.cargo().args([
        "metadata",
        "--format-version=1",
        "--all-features",
    ]))
    .map_err(LayersError::Resolve)?;
    let metadata: Metadata = serde_json::from_str(&text)?;
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package.name.as_str()))
        .collect();
    let mut arrows = Arrows::new();
    for node in &metadata.resolve.nodes {
        let Some(name) = names.get(node.id.as_str()) else {
            continue;
        };
        let used = node
            .deps
            .iter()
            .filter(|used| used.dep_kinds.iter().any(|kind| kind.kind.is_none()))
            .filter_map(|used| names.get(used.pkg.as_str()))
            .map(|name| (*name).to_owned());
        arrows.entry((*name).to_owned()).or_default().extend(used);
    }
    Ok(arrows)
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
