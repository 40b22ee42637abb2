use std::time::Instant;

use super::*;
use crate::fixture::Fixture;

#[test]
fn credentials_are_taken_out_of_addresses() {
    let check = |text: &str, expected: &str| assert_eq!(without_credentials(text), expected);
    check(
        "fatal: unable to access 'https://me:secret@host/x.git/': 403",
        "fatal: unable to access 'https://host/x.git/': 403",
    );
    check("https://a:p@ss@host", "https://host");
    check(
        "see https://host/a@b and ssh://git@host",
        "see https://host/a@b and ssh://host",
    );
    check("no address, but me@host", "no address, but me@host");
}

#[test]
fn a_zero_byte_ends_a_record_wherever_the_chunks_are_cut() {
    let fixture = Fixture::new();
    for number in 0..3000 {
        fixture.write(
            &format!("repo/files/a-rather-long-name-of-a-file-{number}"),
            "",
        );
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut count = 0;
    runtime
        .block_on(
            fixture
                .git
                .read(&fixture.repo, "list")
                .args(["ls-files", "-z", "--others"])
                .records(|record| {
                    assert!(record.starts_with(b"files/a-rather-long-name-of-a-file-"));
                    count += 1;
                }),
        )
        .unwrap();
    assert_eq!(count, 3000);
}

#[cfg(unix)]
fn alias(fixture: &Fixture, script: &str) -> Run {
    fixture.git.read(&fixture.repo, "run a script").args([
        "-c",
        &format!("alias.script=!{script}"),
        "script",
    ])
}

/// Whether a process exists and is not only waiting to be reaped.
#[cfg(unix)]
fn is_alive(pid: &str) -> bool {
    let state = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", pid])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[cfg(unix)]
async fn written(path: &std::path::Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

#[cfg(unix)]
async fn gone(pid: &str) {
    let start = Instant::now();
    while is_alive(pid) {
        assert!(start.elapsed() < Duration::from_secs(10), "{pid} is left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_takes_too_long_is_ended_with_its_children() {
    let fixture = Fixture::new();
    let note = fixture.root.join("pid");
    let script = format!("sh -c 'echo $$ > {}; sleep 600'", note.display());
    let error = alias(&fixture, &script)
        .patient(Duration::from_millis(800))
        .answer()
        .await
        .unwrap_err();
    assert!(
        matches!(error, WorkspaceError::GitTimedOut { .. }),
        "{error}"
    );
    gone(&written(&note).await).await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_nobody_waits_for_is_ended_with_its_children() {
    let fixture = Fixture::new();
    let note = fixture.root.join("pid");
    let script = format!("sh -c 'echo $$ > {}; sleep 600'", note.display());
    let waiting = tokio::spawn(alias(&fixture, &script).answer());
    let pid = written(&note).await;
    waiting.abort();
    gone(&pid).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_a_hook_leaves_behind_is_not_waited_for() {
    let fixture = Fixture::new();
    let start = Instant::now();
    let answer = alias(&fixture, "sleep 20 & echo done")
        .answer()
        .await
        .unwrap();
    assert_eq!(answer.stdout, b"done\n");
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[cfg(unix)]
#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let fixture = Fixture::new();
    let answer = alias(&fixture, "yes").answer_up_to(100_000).await.unwrap();
    assert!(answer.cut);
    assert_eq!(answer.stdout.len(), 100_000);
}

#[tokio::test]
async fn an_error_says_what_was_attempted() {
    let fixture = Fixture::new();
    let error = fixture
        .git
        .read(&fixture.repo, "do something on x")
        .args(["rev-parse", "--verify", "nothing"])
        .succeed()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not do something on x: fatal: Needed a single revision"
    );
}
