//! A real process, marked like those of a test run.

use std::process::{Command, Stdio};

use super::*;

#[test]
fn a_process_of_the_run_is_found_and_ended() {
    let run = format!("leaks-test-{}", std::process::id());
    // In a session of its own, as the programs of an agent's terminal are.
    let mut child = Command::new("setsid")
        .args(["--wait", "sleep", "600"])
        .env(VARIABLE, &run)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let named = loop {
        let found = find(&run);
        if found.iter().any(|process| process.command == "sleep 600") || Instant::now() > deadline {
            break found;
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert!(
        named.iter().any(|process| process.command == "sleep 600"),
        "{named:?}"
    );
    assert!(find("leaks-test-of-nobody").is_empty());
    end(&find(&run));
    child.wait().unwrap();
    assert!(after(&run).is_empty());
}
