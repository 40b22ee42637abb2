//! `berth debug screen`, which users attach to a report when an agent's CLI has changed its face.

use std::path::Path;

use serde_json::Value;

use super::*;

/// What is read of a screen that an agent shows after this message, or what is said instead.
async fn read(agent: &str, user: &str, screen: &Path) -> Result<Value, String> {
    let setup = Setup::new();
    let file = setup.folder().join("user.txt");
    fs::write(&file, user).expect("it can be written");
    let path = |path: &Path| path.to_str().expect("it is text").to_owned();
    let (file, screen) = (path(&file), path(screen));
    let words = [
        "debug", "screen", "--agent", agent, "--user", &file, "--screen", &screen,
    ];
    let output = setup.berth(&words).await;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).expect("it is JSON")),
        false => Err(err(&output)),
    }
}

fn names(read: &Value) -> Vec<&str> {
    let rules = read["rules"].as_array().expect("there is a list of rules");
    let names = rules.iter().filter_map(|rule| rule["rule"].as_str());
    names.collect()
}

#[tokio::test]
async fn a_plain_screen_is_read_with_the_rules_that_fired() {
    let setup = Setup::new();
    let screen = setup.folder().join("screen.txt");
    let text = "
❯ which port is used?

● Port 8080, set in
  config.rs.

───────────────────────────────────────────────────────────────────
❯  Type @ to mention files, # for issues/PRs, / for commands, or ?
   for shortcuts
───────────────────────────────────────────────────────────────────
 shift+tab switch mode
";
    fs::write(&screen, text).expect("it can be written");
    let read = read("copilot", "which port is used?\n", &screen).await;
    let read = read.expect("it is read");
    assert_eq!(read["message"], "Port 8080, set in\nconfig.rs.");
    assert_eq!(read["ready"], true);
    assert_eq!(read["status"], "waiting");
    let names = names(&read);
    for rule in ["echo", "border", "prompt"] {
        assert!(names.contains(&rule), "{names:?}");
    }
}

#[tokio::test]
async fn a_recording_is_read_by_its_last_screen() {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/session/src/agents");
    let screen = recordings.join("goose/recordings/question.cast");
    let read = read("goose", "say: Hello from the test model.", &screen).await;
    let read = read.expect("it is read");
    assert_eq!(read["message"], "Hello from the test model.");
    assert_eq!(read["ready"], true);
    assert!(!names(&read).contains(&"none"), "{read}");
}

#[tokio::test]
async fn a_face_that_no_rule_knows_is_told_as_one() {
    let setup = Setup::new();
    let screen = setup.folder().join("screen.txt");
    fs::write(&screen, "Welcome to the new face\n\n[ say something ]\n")
        .expect("it can be written");
    let read = read("copilot", "", &screen).await.expect("it is read");
    assert_eq!(read["ready"], false);
    assert!(names(&read).contains(&"none"), "{read}");
    let unexpected = |key: &str| !["message", "ready", "status", "rules"].contains(&key);
    let members = read.as_object().expect("it is an object");
    assert!(!members.keys().any(|key| unexpected(key)), "{read}");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_what_can_be_done() {
    let missing = Path::new("/nowhere/screen.txt");
    let said = read("copilot", "", missing)
        .await
        .expect_err("it is refused");
    assert!(said.contains("/nowhere/screen.txt"), "{said}");
    let any = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let said = read("nobody", "", &any).await;
    let said = said.expect_err("it is refused");
    assert!(said.contains("nobody"), "{said}");
}
