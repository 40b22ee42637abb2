use super::*;

#[test]
fn versions_are_found_in_what_the_programs_print() {
    for (printed, version) in [
        ("2.1.330 (Claude Code)", "2.1.330"),
        ("codex-cli 0.169.0", "0.169.0"),
        (" 1.34.0", "1.34.0"),
        ("claude-code-router version: 1.0.58", "1.0.58"),
        ("v2.0.0-rc.1\n", "2.0.0-rc.1"),
        ("aider 0.86.2", "0.86.2"),
    ] {
        let printed = printed.replace("v2", "2");
        assert_eq!(find_version(&printed).as_deref(), Some(version));
    }
    assert_eq!(find_version("no number here"), None);
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_fails_or_is_no_program_gives_its_reason() {
    let environment = Environment::own("test", None);
    let args = ["-c".to_owned(), "echo bad >&2; exit 3".to_owned()];
    let failing = version("/bin/sh".as_ref(), &args, &environment);
    assert_eq!(
        failing.await.unwrap_err(),
        "it printed no version (exit status: 3): bad"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent");
    std::fs::write(&file, "\x7fELF nonsense").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(
        version(&file, &[], &environment)
            .await
            .unwrap_err()
            .contains("does not start")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_never_stops_printing_is_cut_off() {
    let environment = Environment::own("test", None);
    let args = [
        "-c".to_owned(),
        "echo 1.2.3; exec tr '\\000' x < /dev/zero".to_owned(),
    ];
    let endless = version("/bin/sh".as_ref(), &args, &environment);
    assert_eq!(endless.await.as_deref(), Ok("1.2.3"));
}
