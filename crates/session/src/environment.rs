//! The environment that sessions start from: that of the user's login shell.
//!
//! A window started from a desktop has neither the `PATH` nor the keys that the user's terminal
//! has. The login shell is asked once for its environment; what it prints besides is ignored, and
//! a shell that hangs or fails leaves the engine's own environment in use, with a reason that the
//! settings page shows.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tokio::{io::AsyncReadExt, process::Command};

/// How long the login shell may take. Heavy start-up files take a second or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most that is read of the shell's output, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Separates the environment from whatever start-up files print.
const MARK: &str = "--berth-environment-4f1c--";

/// Variables that describe the terminal or the process the engine was started from and would be
/// wrong in a session.
const NOT_PASSED_ON: &[&str] = &[
    "_",
    "SHLVL",
    "OLDPWD",
    "PWD",
    "TERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERM_SESSION_ID",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "WINDOWID",
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "WEZTERM_PANE",
    "ALACRITTY_WINDOW_ID",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
];

/// The environment for sessions and how it was obtained.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Where it comes from, for people.
    pub source: String,
    /// Why it is not the login shell's, if it is not.
    pub warning: Option<String>,
}

impl std::fmt::Debug for Environment {
    /// Names nothing of its content: environments hold keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// Asks the user's login shell; falls back to the engine's own environment.
    pub async fn of_login_shell() -> Self {
        if cfg!(windows) {
            return Self::own("the engine's environment", None);
        }
        let shell = login_shell();
        match ask(&shell).await {
            Ok(variables) => Self {
                variables: with_own_path(cleaned(variables)),
                source: format!("login shell {}", shell.display()),
                warning: None,
            },
            Err(reason) => Self::own(
                "the engine's environment",
                Some(format!(
                    "the environment of {} could not be read: {reason}; sessions get the engine's own",
                    shell.display()
                )),
            ),
        }
    }

    /// The engine's own environment.
    pub fn own(source: &str, warning: Option<String>) -> Self {
        Self {
            variables: cleaned(std::env::vars_os()),
            source: source.to_owned(),
            warning,
        }
    }

    /// An environment that somebody else has put together.
    pub fn given(source: &str, variables: BTreeMap<OsString, OsString>) -> Self {
        Self {
            variables: cleaned(variables),
            source: source.to_owned(),
            warning: None,
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// A copy for one session, to be added to.
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        self.variables.clone()
    }
}

/// The user's login shell: `$SHELL`, else what the user database says, else `/bin/sh`.
pub fn login_shell() -> PathBuf {
    if cfg!(windows) {
        return std::env::var_os("COMSPEC").map_or_else(|| "cmd.exe".into(), PathBuf::from);
    }
    let from_variable = std::env::var_os("SHELL").map(PathBuf::from);
    let usable = |shell: &PathBuf| shell.is_absolute() && shell.is_file();
    from_variable
        .filter(usable)
        .or_else(|| from_user_database().filter(usable))
        .unwrap_or_else(|| "/bin/sh".into())
}

#[cfg(unix)]
fn from_user_database() -> Option<PathBuf> {
    nix::unistd::User::from_uid(nix::unistd::getuid())
        .ok()
        .flatten()
        .map(|user| user.shell)
}

#[cfg(not(unix))]
fn from_user_database() -> Option<PathBuf> {
    None
}

/// Runs the shell as a login and interactive one, since people set `PATH` in the files of either.
async fn ask(shell: &std::path::Path) -> Result<Vec<(OsString, OsString)>, String> {
    // `command` keeps aliases and functions named `env` out of it; bash, zsh, fish, dash and ksh
    // all know it, and all understand this line.
    let script = format!("command echo '{MARK}'; command env -0; command echo '{MARK}'");
    let mut command = Command::new(shell);
    command.args(["-l", "-i", "-c", &script]);
    command.env("BERTH_READING_ENVIRONMENT", "1");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // A group of its own, so that the shell's job control cannot stop the engine and a time-out
    // ends what start-up files have started.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    #[cfg(unix)]
    let group = crate::group::Group::of(child.id());
    let mut stdout = child.stdout.take().ok_or("it has no output")?.take(LONGEST);
    let mut output = Vec::new();
    let read = async {
        let mut chunk = [0; 16 * 1024];
        // Not to the end of the file: a program that a start-up file left in the background may
        // keep the pipe open for ever.
        loop {
            let count = stdout
                .read(&mut chunk)
                .await
                .map_err(|error| error.to_string())?;
            output.extend_from_slice(&chunk[..count]);
            if let Some(found) = parse(&output) {
                return Ok(found);
            }
            if count == 0 {
                return Err("it printed no environment".to_owned());
            }
        }
    };
    let result = tokio::time::timeout(PATIENCE, read)
        .await
        .unwrap_or_else(|_| Err(format!("it did not answer within {} s", PATIENCE.as_secs())));
    #[cfg(unix)]
    drop(group);
    result
}

/// The variables between the two marks, once both are there.
fn parse(output: &[u8]) -> Option<Vec<(OsString, OsString)>> {
    let mark = MARK.as_bytes();
    let find = |from: usize| {
        output[from..]
            .windows(mark.len())
            .position(|window| window == mark)
            .map(|at| from + at)
    };
    let begin = find(0)? + mark.len();
    let end = find(begin)?;
    let begin = begin
        + output[begin..end]
            .iter()
            .take_while(|&&byte| byte == b'\n' || byte == b'\r')
            .count();
    let variables = output[begin..end]
        .split(|&byte| byte == 0)
        .filter_map(|entry| {
            let equals = entry.iter().position(|&byte| byte == b'=')?;
            (equals > 0).then(|| (text(&entry[..equals]), text(&entry[equals + 1..])))
        })
        .collect::<Vec<_>>();
    (!variables.is_empty()).then_some(variables)
}

#[cfg(unix)]
fn text(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn text(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Adds the folders of the engine's own `PATH` behind the shell's: a login shell may reset the
/// `PATH`, and an engine started from a prepared terminal shall find what that terminal finds.
fn with_own_path(mut variables: BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    let shells = variables
        .get(OsStr::new("PATH"))
        .cloned()
        .unwrap_or_default();
    let own = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&shells).collect();
    for folder in std::env::split_paths(&own) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    // Folders that hold the separator came from no PATH and are not there.
    if let Ok(joined) = std::env::join_paths(folders) {
        variables.insert("PATH".into(), joined);
    }
    variables
}

fn cleaned(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    let passed_on = |name: &OsStr| {
        let name = name.to_string_lossy();
        !NOT_PASSED_ON.contains(&name.as_ref()) && !name.starts_with("BERTH_")
    };
    variables
        .into_iter()
        .filter(|(name, _)| passed_on(name))
        .collect()
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
