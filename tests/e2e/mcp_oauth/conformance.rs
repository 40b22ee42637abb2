//! The conformance suite of the protocol, against a client on the crate (`tests/mcp-client`).

use std::{collections::BTreeMap, fs, path::Path, process::Stdio};

use berth_tests::{programs, skip, this_test};
use serde_json::Value;

/// What the suite appends to the name of a scenario: the time of the run.
const TIME: &str = "-2026-11-28T13-58-56-358Z";

/// All that may fail. A scenario of these that passes is as good.
const MAY_FAIL: [&str; 3] = ["auth/dpop", "auth/dpop-nonce", "auth/wif-jwt-bearer"];

/// Runs everything that the suite has for a client of a revision of the specification, whether or not the revision
/// requires it, and asserts all of it that may not fail.
async fn passes(revision: &str, (required, others): (usize, usize)) {
    let Some((node, suite)) = programs::conformance() else {
        skip(&this_test(), "the conformance suite is not installed");
        return;
    };
    let listed = Listed::of(&suite, revision);
    assert!(listed.required.len() >= required, "{listed:?}");
    assert!(listed.others.len() >= others, "{listed:?}");
    let may_fail = |name: &str| MAY_FAIL.contains(&name);
    assert!(!listed.required.iter().any(|it| may_fail(it)), "{listed:?}");
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
    let all = listed.required.iter().chain(&listed.others);
    let missed: Vec<_> = all
        .filter(|name| !may_fail(name))
        .filter_map(|name| match results.get(name) {
            Some(wrong) if wrong.is_empty() => None,
            Some(wrong) => Some(format!("{name}: {wrong:?}")),
            None => Some(format!("{name} has not run")),
        })
        .collect();
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(missed.is_empty(), "{missed:#?}\n{said}");
}

/// The scenarios for clients in the suite's own list for a revision.
#[derive(Debug, Default)]
struct Listed {
    required: Vec<String>,
    /// Extensions, and what is younger than the revision.
    others: Vec<String>,
}

impl Listed {
    fn of(suite: &Path, revision: &str) -> Self {
        let script = suite.canonicalize().expect("it is there");
        let package = script.ancestors().nth(2).expect("it is in its package");
        let list = package.join(format!("requirements/{revision}.yaml"));
        Self::read(&fs::read_to_string(list).expect("it can be read"))
    }

    fn read(list: &str) -> Self {
        let mut listed = Self::default();
        let (mut section, mut scenario) = ("", None);
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            if !line.starts_with(' ') && line.ends_with(':') {
                section = line;
            }
            let line = line.trim();
            if section == "client:" {
                let name = line.strip_prefix("- ").map(str::to_owned);
                listed.required.extend(name);
            } else if section == "not_scored:" {
                if let Some(name) = line.strip_prefix("- scenario: ") {
                    scenario = Some(name.to_owned());
                } else if line == "leg: client" {
                    listed.others.extend(scenario.take());
                }
            }
        }
        listed
    }
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

#[test]
fn scenarios_for_clients_are_found_in_every_part_of_the_list() {
    let list = "# client:\nserver:\n  - a\n\nclient:\n  - b\n  - auth/c\n\nnot_scored:\n  - scenario: d\n    \
        leg: server\n    reason: pending\n  - scenario: auth/e\n    leg: client\n    reason: extension\n";
    let listed = Listed::read(list);
    assert_eq!(listed.required, ["b", "auth/c"]);
    assert_eq!(listed.others, ["auth/e"]);
}

#[tokio::test]
async fn all_of_2025_11_25_for_a_client_is_done_but_what_may_fail() {
    passes("2025-11-25", (18, 7)).await;
}

#[tokio::test]
async fn all_of_2026_07_28_for_a_client_is_done_but_what_may_fail() {
    passes("2026-07-28", (32, 7)).await;
}
