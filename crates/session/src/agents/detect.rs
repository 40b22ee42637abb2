//! Finding agents on this machine.
//!
//! Looking for files is quick and done at once; asking a program for its version may take seconds
//! and is done later, one by one, by whoever wants to know.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use berth_protocol::Found;
use regex::Regex;
use semver::Version;
use tokio::process::Command;

use super::{LaunchError, Spec};
use crate::{environment::Environment, program};

/// How long a program may take to say its version; some need seven seconds on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most that is read of a program's answer, in bytes.
const ANSWER: u64 = 64 * 1024;

/// Folders where installers of command-line tools put them, beyond the `PATH`.
const USUAL_FOLDERS: &[&str] = &[
    "~/.local/bin",
    "~/bin",
    "~/.npm-global/bin",
    "~/.volta/bin",
    "~/.bun/bin",
    "~/.cargo/bin",
    "~/.opencode/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
];

/// A program that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where it is.
    pub path: PathBuf,
    /// How it was found.
    pub found: Found,
}

/// Looks for an agent's program: on the `PATH` first, then in the usual folders. A file that is
/// not executable is reported only when no executable one is found.
pub fn locate(spec: &Spec, environment: &Environment) -> Option<Located> {
    locate_any(&spec.programs, &spec.usual_folders, environment)
}

/// Looks for the program that speaks the Agent Client Protocol for an agent; nothing when the agent does
/// not speak it.
pub fn locate_acp(spec: &Spec, environment: &Environment) -> Option<Option<Located>> {
    let acp = spec.acp.as_ref()?;
    Some(if acp.programs.is_empty() {
        locate(spec, environment)
    } else {
        locate_any(&acp.programs, &spec.usual_folders, environment)
    })
}

/// Looks for programs of these names.
fn locate_any(
    programs: &[String],
    usual_folders: &[String],
    environment: &Environment,
) -> Option<Located> {
    let on_path = environment
        .get("PATH")
        .map(|path| std::env::split_paths(path).collect());
    let on_path: Vec<PathBuf> = on_path.unwrap_or_default();
    let home = environment.get(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let usual = usual_folders
        .iter()
        .map(String::as_str)
        .chain(USUAL_FOLDERS.iter().copied());
    let usual: Vec<PathBuf> = usual.filter_map(|folder| expand(folder, home)).collect();

    let places = || {
        let on_path = on_path.iter().map(|folder| (folder, Found::Path));
        on_path.chain(usual.iter().map(|folder| (folder, Found::UsualFolder)))
    };
    let candidates = |good: fn(&Path) -> bool| {
        programs.iter().find_map(|program| {
            places()
                .filter(|(folder, _)| folder.is_absolute())
                .find_map(|(folder, found)| {
                    let path = file_names(program)
                        .map(|name| folder.join(name))
                        .find(|path| good(path))?;
                    Some(Located { path, found })
                })
        })
    };
    candidates(is_executable).or_else(|| candidates(Path::is_file))
}

/// Finds the program of a custom command: a bare name on the `PATH`, anything else relative to
/// the workspace.
pub fn resolve(program: &str, workspace: &Path, environment: &Environment) -> Option<PathBuf> {
    if program.contains(std::path::is_separator) {
        let path = workspace.join(program);
        return path.is_file().then_some(path);
    }
    which::which_in(program, environment.get("PATH"), workspace).ok()
}

/// The file may be executed by somebody.
pub fn is_executable(path: &Path) -> bool {
    let Ok(meta) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let allowed = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let allowed = true;
    meta.is_file() && allowed
}

/// Finds out the version of an agent's program. The error says what happened, for people.
pub async fn version_of(
    spec: &Spec,
    path: &Path,
    environment: &Environment,
) -> Result<String, String> {
    match &spec.package {
        Some(package) => crate::router::version_in(path, package).ok_or_else(|| {
            format!(
                "no package.json of {package} lies around {}",
                path.display()
            )
        }),
        None => version(path, &spec.version_args, environment).await,
    }
}

/// Asks a program for its version. The error says what happened, for people.
pub async fn version(
    path: &Path,
    args: &[String],
    environment: &Environment,
) -> Result<String, String> {
    let mut command = Command::new(path);
    command.args(args).env_clear().envs(environment.variables());
    let answer = program::answer(command, ANSWER, PATIENCE).await?;
    let find = |bytes: &[u8]| find_version(&String::from_utf8_lossy(bytes));
    find(&answer.output)
        .or_else(|| find(&answer.errors))
        .ok_or_else(|| {
            let said = String::from_utf8_lossy(&answer.errors);
            let said = said
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty())
                .unwrap_or("nothing");
            let said: String = said.chars().take(200).collect();
            format!("it printed no version ({}): {said}", answer.status)
        })
}

fn find_version(text: &str) -> Option<String> {
    static VERSION: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b\d+\.\d+(?:\.\d+)?(?:[-+.][0-9A-Za-z.]+)?").ok());
    let found = VERSION.as_ref()?.find(text)?;
    Some(found.as_str().trim_end_matches('.').to_owned())
}

/// Refuses a version that is too old. What looks like no version is not refused, and what follows its
/// numbers does not count: agents name their previews and builds in ways of their own.
///
/// # Errors
/// [`LaunchError::TooOld`].
pub fn check_version(spec: &Spec, found: &str) -> Result<(), LaunchError> {
    let Some(minimum) = &spec.minimum_version else {
        return Ok(());
    };
    match numbers(found) {
        Some(version) if version < *minimum => Err(LaunchError::TooOld {
            name: spec.name.clone(),
            found: found.to_owned(),
            minimum: minimum.clone(),
            hint: spec.install_hint.clone(),
        }),
        _ => Ok(()),
    }
}

/// The numbers that a version begins with; a missing one is zero.
fn numbers(version: &str) -> Option<Version> {
    let end = version
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(version.len());
    let mut numbers = version[..end].split('.').map(|number| match number {
        "" => Some(0),
        number => number.parse().ok(),
    });
    let major = version.starts_with(|c: char| c.is_ascii_digit());
    let major = numbers.next().flatten().filter(|_| major)?;
    let minor = numbers.next().unwrap_or(Some(0))?;
    let patch = numbers.next().unwrap_or(Some(0))?;
    Some(Version::new(major, minor, patch))
}

fn expand(folder: &str, home: Option<&OsStr>) -> Option<PathBuf> {
    match folder.strip_prefix("~/") {
        Some(rest) => home.map(|home| Path::new(home).join(rest)),
        None => Some(folder.into()),
    }
}

fn file_names(program: &str) -> impl Iterator<Item = String> {
    let endings: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd", ".bat"]
    } else {
        &[""]
    };
    endings
        .iter()
        .map(move |ending| format!("{program}{ending}"))
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
