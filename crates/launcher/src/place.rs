//! Where the engine's data and program are.

use std::env;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::LaunchError;

/// Names another data folder than the platform's, for tests and portable use.
pub const HOME_VARIABLE: &str = "BERTH_HOME";

/// Names another engine program than the one beside the current program.
pub const ENGINE_VARIABLE: &str = "BERTH_ENGINE";

/// The data folder: `BERTH_HOME`, else the platform's folder for local data, such as
/// `~/.local/share/berth`. It need not exist.
pub fn data_dir() -> Result<PathBuf, LaunchError> {
    if let Some(home) = variable(HOME_VARIABLE) {
        return Ok(absolute(&home));
    }
    ProjectDirs::from("dev", "Berth", "berth")
        .map(|dirs| dirs.data_local_dir().to_owned())
        .ok_or(LaunchError::NoDataFolder)
}

/// The engine program: `BERTH_ENGINE`, else `berth` beside the current program.
pub fn engine_program() -> Result<PathBuf, LaunchError> {
    let path = match variable(ENGINE_VARIABLE) {
        Some(program) => absolute(&program),
        None => {
            let name = format!("berth{}", env::consts::EXE_SUFFIX);
            env::current_exe()
                .ok()
                .and_then(|exe| exe.parent().map(|folder| folder.join(&name)))
                .unwrap_or_else(|| PathBuf::from(name))
        }
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(LaunchError::ProgramMissing { path })
    }
}

/// An environment variable that is set and not empty, as a path.
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The engine works in its data folder, so a relative path would mean something else to it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
