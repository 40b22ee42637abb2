//! What the tests use from the Python index: aider, and FastMCP, an MCP server with an OAuth server in it.
//!
//! Each has a Python environment of its own in the cache.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache::{self, CacheError},
    process::{self, ProcessError},
    repository::Repository,
};

/// A package and its program.
#[derive(Debug)]
pub(super) struct Program {
    /// The name of the program, and of its folder in the cache.
    pub(super) name: &'static str,
    /// Tells the tests where it is.
    pub(super) variable: &'static str,
    /// Pins its version, below the repository.
    pinned: &'static str,
}

/// Python as it is called here, and where an environment of it has its programs.
const PYTHON: (&str, &str) = if cfg!(windows) {
    ("python", "Scripts")
} else {
    ("python3", "bin")
};

/// All of them.
pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "aider",
        variable: "BERTH_AIDER_DIR",
        pinned: "tests/agents/requirements.txt",
    },
    Program {
        name: "fastmcp",
        variable: "BERTH_FASTMCP_DIR",
        pinned: "tests/mcp/requirements.txt",
    },
];

#[derive(Debug, thiserror::Error)]
pub(crate) enum PythonError {
    #[error("Python could not install {pinned}")]
    Install {
        pinned: &'static str,
        source: ProcessError,
    },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the program {program} could not be linked")]
    Link {
        program: &'static str,
        source: std::io::Error,
    },
}

/// Installs one into a Python environment of its own in the cache unless this version is there; returns the
/// folder of its program, which has nothing else of that environment in it.
pub(super) fn install(
    repository: &Repository,
    program: &'static Program,
) -> Result<PathBuf, PythonError> {
    let (name, pinned) = (program.name, program.pinned);
    let folder = cache::folder()?.join(name);
    let programs = folder.join("bin");
    let requirements = repository.root.join(pinned);
    let wanted = cache::read(&requirements)?;
    let stamp = folder.join("installed");
    if cache::read(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(programs);
    }
    let (python, scripts) = PYTHON;
    let environment = folder.join("venv");
    println!("installing {name} into {}", folder.display());
    let failed = |source| PythonError::Install { pinned, source };
    process::run(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )
    .map_err(failed)?;
    let install = ["install", "--quiet", "--disable-pip-version-check", "-r"];
    process::run(
        Command::new(environment.join(scripts).join("pip"))
            .args(install)
            .arg(&requirements),
    )
    .map_err(failed)?;
    let unlinked = |source| PythonError::Link {
        program: name,
        source,
    };
    link(&environment.join(scripts).join(name), &programs).map_err(unlinked)?;
    cache::write(&stamp, &wanted)?;
    Ok(programs)
}

#[cfg(unix)]
fn link(program: &std::path::Path, folder: &std::path::Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let link = folder.join(program.file_name().unwrap_or_default());
    if link.is_symlink() {
        fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(program, link)
}

/// The end-to-end tests that use them run on Unix alone.
#[cfg(not(unix))]
fn link(_program: &std::path::Path, folder: &std::path::Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}
