use super::*;

/// Asks a real shell whose start-up file sets a variable and prints noise.
#[cfg(unix)]
async fn check_shell(shell: &str, startup_file: &str, startup: &str) {
    let Ok(shell) = which::which(shell) else {
        eprintln!("skipped: {shell} is not installed");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(startup_file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, startup).unwrap();
    // The shell is run through a small script, because a test must not change its own HOME.
    let script = home.path().join("shell");
    let line = format!(
        "#!/bin/sh\nHOME={0} ZDOTDIR={0} XDG_CONFIG_HOME={0}/.config exec {1} \"$@\"\n",
        home.path().display(),
        shell.display()
    );
    std::fs::write(&script, line).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let variables: BTreeMap<_, _> = ask(&script).await.unwrap().into_iter().collect();
    assert_eq!(variables[OsStr::new("BERTH_TEST")], "two\nlines é");
    assert!(variables.contains_key(OsStr::new("PATH")));
}

#[cfg(unix)]
#[tokio::test]
async fn bash_zsh_and_fish_give_their_environment_despite_noisy_startup_files() {
    let posix = "echo noise; export BERTH_TEST='two\nlines é'; alias env=false\n";
    check_shell("bash", ".bash_profile", posix).await;
    check_shell("zsh", ".zshrc", posix).await;
    check_shell(
        "fish",
        ".config/fish/config.fish",
        "echo noise; set -gx BERTH_TEST 'two\nlines é'\n",
    )
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_shell_that_says_nothing_gives_a_reason() {
    assert_eq!(
        ask("/bin/true".as_ref()).await.unwrap_err(),
        "it printed no environment"
    );
    assert!(ask("/no/such/shell".as_ref()).await.is_err());
}

#[test]
fn variables_of_the_engines_own_terminal_are_not_passed_on() {
    let variables = [
        ("TMUX", "x"),
        ("PATH", "/bin"),
        ("BERTH_HOME", "y"),
        ("TERM", "dumb"),
    ];
    let left = cleaned(variables.map(|(name, value)| (name.into(), value.into())));
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["PATH"]);
}
