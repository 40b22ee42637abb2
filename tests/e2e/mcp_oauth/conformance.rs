//! The conformance suite of the protocol, against a client on the crate (`tests/mcp-client`).

use std::{collections::BTreeMap, fs, path::Path, process::Stdio};

use berth_tests::{programs, skip, this_test};
use serde_json::Value;

/// What the suite appends to the name of a scenario: the time of the run.
const TIME: &str = "-2026-11-28T13-58-56-358Z";

/// Runs what a revision of the specification requires of a client, and asserts all of it.
async fn passes(revision: &str, at_least: usize) {
    let Some((node, suite)) = programs::conformance() else {
        skip(&this_test(), "the conformance suite is not installed");
        return;
    };
    let required = required(&suite, revision);
    assert!(required.len() >= at_least, "only {required:?} are required");
    let folder = programs::folder();
    let out = folder.path().join("out");
    let client = env!("CARGO_BIN_EXE_mcp-client");
    let said = tokio::process::Command::new(node)
        .arg(suite)
        .args(["client", "--command", client, "--requirements", revision])
        .arg("-o")
        .arg(&out)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the suite can be started");
    let results = results(&out);
    let missed: Vec<_> = required
        .iter()
        .filter_map(|name| match results.get(name) {
            Some(wrong) if wrong.is_empty() => None,
            Some(wrong) => Some(format!("{name}: {wrong:?}")),
            None => Some(format!("{name} has not run")),
        })
        .collect();
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(missed.is_empty(), "{missed:#?}\n{said}");
}

/// The scenarios for clients in the suite's own list of what a revision requires.
fn required(suite: &Path, revision: &str) -> Vec<String> {
    let script = suite.canonicalize().expect("it is there");
    let package = script.ancestors().nth(2).expect("it is in its package");
    let list = package.join(format!("requirements/{revision}.yaml"));
    let list = fs::read_to_string(list).expect("it can be read");
    let lines = list.lines().skip_while(|line| *line != "client:").skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = lines.filter_map(|line| line.trim().strip_prefix("- "));
    names.map(str::to_owned).collect()
}

/// Each scenario that has run, and what was wrong in it. One without a check has seen nothing of the client.
fn results(out: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "checks.json") {
                let name = folder.strip_prefix(out).expect("it is in there");
                let name = name.to_string_lossy();
                let name = &name[..name.len().saturating_sub(TIME.len())];
                found.insert(name.to_owned(), wrong(&path));
            }
        }
    }
    found
}

fn wrong(checks: &Path) -> Vec<String> {
    let checks = fs::read(checks).expect("it can be read");
    let checks: Vec<Value> = serde_json::from_slice(&checks).expect("it is a list");
    if !checks.iter().any(|check| check["status"] == "SUCCESS") {
        return vec!["nothing was checked".to_owned()];
    }
    let failed = checks.iter().filter(|check| check["status"] == "FAILURE");
    let said = failed.map(|check| format!("{}: {}", check["id"], check["description"]));
    said.collect()
}

#[tokio::test]
async fn all_that_2025_11_25_requires_of_a_client_is_done() {
    passes("2025-11-25", 18).await;
}

#[tokio::test]
async fn all_that_2026_07_28_requires_of_a_client_is_done() {
    passes("2026-07-28", 32).await;
}
