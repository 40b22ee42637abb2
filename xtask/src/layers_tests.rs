//! The rules on made-up arrows.

use super::*;

fn arrows(arrows: &[(&str, &[&str])]) -> Arrows {
    arrows
        .iter()
        .map(|(name, used)| {
            let used = used.iter().map(|used| (*used).to_owned()).collect();
            ((*name).to_owned(), used)
        })
        .collect()
}

#[test]
fn allowed_arrows_pass() {
    let members = arrows(MAY_USE);
    assert_eq!(wrong_arrows(&members), Vec::<String>::new());
}

#[test]
fn a_wrong_arrow_is_named() {
    let members = arrows(&[
        ("berth-desktop", &["berth-engine", "berth-protocol"]),
        ("berth-session", &["berth-mcp"]),
    ]);
    assert_eq!(
        wrong_arrows(&members),
        [
            "berth-desktop may not use berth-engine",
            "berth-session may not use berth-mcp",
        ]
    );
}

#[test]
fn a_member_without_a_rule_fails() {
    let members = arrows(&[("berth-extra", &[])]);
    assert_eq!(
        wrong_arrows(&members),
        ["berth-extra is new: say in xtask/src/layers.rs what may use it"]
    );
}

#[test]
fn only_the_window_reaches_tauri() {
    let packages = arrows(&[
        ("berth-desktop", &["tauri"]),
        ("berth-launcher", &["some-dialogs"]),
        ("some-dialogs", &["wry"]),
        ("tauri", &["wry"]),
    ]);
    assert_eq!(
        tauri_outside_the_window(&packages, &packages)
            .into_iter()
            .filter(|line| line.starts_with("berth-"))
            .collect::<Vec<_>>(),
        ["berth-launcher may not use Tauri, but does: berth-launcher -> some-dialogs -> wry"]
    );
}

#[test]
fn only_the_server_and_the_tests_may_link_the_engine() {
    let users: Vec<&str> = MAY_USE
        .iter()
        .filter(|(_, used)| used.contains(&"berth-engine"))
        .map(|(member, _)| *member)
        .collect();
    assert_eq!(users, ["berth-cli", "berth-tests"]);
}
