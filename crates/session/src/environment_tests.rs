use super::*;

/// What the start-up file of a POSIX shell says: noise, a variable of two lines, and an alias in the way.
#[cfg(unix)]
const POSIX: &str = "echo noise; export BERTH_TEST='two\nlines é'; alias env=false\n";

/// The same for fish, which has a language of its own.
#[cfg(unix)]
const FISH: &str = "echo noise; set -gx BERTH_TEST 'two\nlines é'\n";

/// Says that the test does not run here, and why, where `cargo xtask test` reads it. `berth_tests::skip` does the
/// same, but depends on this crate.
#[cfg(unix)]
fn skip(reason: &str) {
    use std::io::Write;

    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    println!("SKIPPED {test}: {reason}");
    if let Some(path) = std::env::var_os("BERTH_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(path).unwrap();
        // At once, for other tests write there too.
        let line = format!("{test}\t{reason}\n");
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Asks a real shell whose start-up file sets a variable and prints noise.
#[cfg(unix)]
async fn check_shell(name: &str, startup_file: &str, startup: &str) {
    let Ok(shell) = which::which(name) else {
        skip(&format!("{name} is not installed"));
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
async fn bash_gives_its_environment_despite_a_noisy_startup_file() {
    check_shell("bash", ".bash_profile", POSIX).await;
}

#[cfg(unix)]
#[tokio::test]
async fn zsh_gives_its_environment_despite_a_noisy_startup_file() {
    check_shell("zsh", ".zshrc", POSIX).await;
}

#[cfg(unix)]
#[tokio::test]
async fn fish_gives_its_environment_despite_a_noisy_startup_file() {
    check_shell("fish", ".config/fish/config.fish", FISH).await;
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
