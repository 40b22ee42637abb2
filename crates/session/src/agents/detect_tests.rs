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

#[test]
fn a_version_is_compared_by_its_numbers() {
    let spec = Spec::parse(
        r#"
        id = "stand-in"
        name = "Stand-in"
        programs = ["stand-in"]
        install_hint = "install stand-in"
        minimum_version = "2.1.200"
        "#,
    )
    .unwrap();
    for found in [
        "2.1.199",
        "2.1",
        "2",
        "1.99.999",
        "2.1.199-beta.3",
        "0.9rc1",
    ] {
        let Err(error) = check_version(&spec, found) else {
            panic!("{found} is too old");
        };
        assert_eq!(error.code(), berth_protocol::Code::AgentTooOld);
        let said = error.to_string();
        assert!(said.contains(found) && said.contains("2.1.200"), "{said}");
    }
    // A preview of the wanted version has what that version has.
    for found in [
        "2.1.200",
        "2.1.200-preview.1",
        "2.1.200+build",
        "2.1.201",
        "2.2",
        "3",
        "2026.11.25",
        "2.1.300.4",
        "",
        "v1",
        "nightly",
        "99999999999999999999.0.0",
    ] {
        assert!(check_version(&spec, found).is_ok(), "{found} will do");
    }
}

#[test]
fn versions_that_lack_what_agents_are_started_with_are_too_old() {
    for (agent, lacks, has) in [
        ("claude", "2.1.199", "2.1.200"),
        ("codex", "0.80.0", "0.87.0"),
        ("gemini", "0.40.0", "0.41.0"),
        ("opencode", "1.17.9", "1.17.11"),
        ("goose", "1.37.0", "1.50.0"),
        ("droid", "0.117.0", "0.215.0"),
        ("aider", "0.63.2", "0.64.0"),
    ] {
        let spec = crate::agents::find(&agent.parse().unwrap()).unwrap();
        assert!(check_version(spec, lacks).is_err(), "{agent} {lacks}");
        assert!(check_version(spec, has).is_ok(), "{agent} {has}");
    }
}

#[test]
fn an_agent_without_a_minimum_is_never_too_old() {
    let spec = Spec::parse("id = \"stand-in\"\nname = \"Stand-in\"\nprograms = []").unwrap();
    assert!(check_version(&spec, "0.0.1").is_ok());
}
