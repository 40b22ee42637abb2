//! The agent CLIs that the tests drive, at the versions pinned in tests/agents.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache::{self, CacheError},
    process::{self, ProcessError},
    repository::Repository,
};

/// What decides which versions are installed.
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentsError {
    #[error("npm could not install the agent CLIs; is this machine online?")]
    Npm(#[from] ProcessError),
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Installs the agents into the cache unless these versions are there; returns where they are.
pub(super) fn install(repository: &Repository) -> Result<PathBuf, AgentsError> {
    let folder = cache::folder()?.join("agents");
    let stamp = folder.join(".installed");
    let programs = folder.join("node_modules").join(".bin");

    let mut wanted = Vec::new();
    for name in FILES {
        let content = cache::read(&repository.root.join("tests/agents").join(name))?;
        cache::write(&folder.join(name), &content)?;
        wanted.extend(content);
    }
    if programs.is_dir() && cache::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    println!("installing the agent CLIs into {}", folder.display());
    // An interrupted installation must not look complete.
    fs::remove_file(&stamp).ok();
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    process::run(
        Command::new(npm)
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )?;
    cache::write(&stamp, &wanted)?;
    Ok(programs)
}
