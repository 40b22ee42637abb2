//! aider, the one agent of the tests that comes from the Python index.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache::{self, CacheError},
    process::{self, ProcessError},
    repository::Repository,
};

/// Tells the tests where it is.
pub(super) const VARIABLE: &str = "BERTH_AIDER_DIR";

/// Pins its version, below the repository.
const PINNED: &str = "tests/agents/requirements.txt";

#[derive(Debug, thiserror::Error)]
pub(crate) enum AiderError {
    #[error("Python could not install {PINNED}")]
    Install(#[source] ProcessError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("its program could not be linked")]
    Link(#[source] std::io::Error),
}

/// Installs it into a Python environment of its own in the cache unless this version is there; returns the
/// folder of its program, which has nothing else of that environment in it.
pub(super) fn install(repository: &Repository) -> Result<PathBuf, AiderError> {
    let folder = cache::folder()?.join("aider");
    let programs = folder.join("bin");
    let pinned = repository.root.join(PINNED);
    let wanted = cache::read(&pinned)?;
    let stamp = folder.join("installed");
    if cache::read(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(programs);
    }
    let environment = folder.join("venv");
    println!("installing aider into {}", folder.display());
    process::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )
    .map_err(AiderError::Install)?;
    let install = ["install", "--quiet", "--disable-pip-version-check", "-r"];
    process::run(
        Command::new(environment.join("bin/pip"))
            .args(install)
            .arg(&pinned),
    )
    .map_err(AiderError::Install)?;
    link(&environment.join("bin/aider"), &programs).map_err(AiderError::Link)?;
    cache::write(&stamp, &wanted)?;
    Ok(programs)
}

#[cfg(unix)]
fn link(program: &std::path::Path, folder: &std::path::Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let link = folder.join("aider");
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(program, link)
}

/// The end-to-end tests of agents run on Unix alone.
#[cfg(not(unix))]
fn link(_program: &std::path::Path, folder: &std::path::Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}
