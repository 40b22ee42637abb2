//! Third-party scripts, fonts and icons, fetched with npm as the lock file says.

use std::path::Path;
use std::process::Command;

use crate::error::{UiBuildError, io};
use crate::stamp;

/// Oldest Node.js that runs npm and wasm-opt.
const MIN_NODE: u32 = 18;

/// npm as it is called on this system.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Name of the file in `node_modules` that says which lock file they belong to.
const STAMP: &str = ".berth-lock";

/// Fetches the packages, unless those of this lock file are there.
pub fn install(ui: &Path) -> Result<(), UiBuildError> {
    let lock = ui.join("package-lock.json");
    let wanted = stamp::of_files(&[lock, ui.join("package.json")], "npm")?;
    let mark = ui.join("node_modules").join(STAMP);
    if std::fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    check_node()?;
    run(Command::new(NPM)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(ui))?;
    io("write", &mark, std::fs::write(&mark, wanted))
}

fn check_node() -> Result<(), UiBuildError> {
    if Command::new(NPM).arg("--version").output().is_err() {
        return Err(UiBuildError::NpmMissing { minimum: MIN_NODE });
    }
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|source| UiBuildError::NodeMissing {
            minimum: MIN_NODE,
            source,
        })?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if major(&found).is_some_and(|major| major >= MIN_NODE) {
        Ok(())
    } else {
        Err(UiBuildError::NodeTooOld {
            found,
            minimum: MIN_NODE,
        })
    }
}

/// The first number of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<(), UiBuildError> {
    let text = || {
        let mut parts = vec![command_name(command)];
        parts.extend(
            command
                .get_args()
                .map(|part| part.to_string_lossy().into_owned()),
        );
        parts.join(" ")
    };
    let text = text();
    let status = command
        .status()
        .map_err(|source| UiBuildError::NotStarted {
            command: text.clone(),
            source,
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(UiBuildError::Failed {
            command: text,
            status,
        })
    }
}

fn command_name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v20.11.1"), Some(20));
        assert_eq!(major("18"), Some(18));
        assert_eq!(major(""), None);
    }
}
