//! What the tests use and npm fetches: the agent CLIs, and what browser tests load into a page.
//!
//! Each has a folder below `tests/` that pins its versions, and one in the cache where it is
//! installed.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache::{self, CacheError},
    process::{self, ProcessError},
    repository::Repository,
};

/// A folder of pinned packages.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Its name below `tests/` and in the cache.
    pub(super) name: &'static str,
    /// Tells the tests where `place` is.
    pub(super) variable: &'static str,
    /// What the tests use, inside its folder in the cache.
    place: &'static str,
}

/// All of them.
pub(super) const FETCHED: &[Fetched] = &[
    Fetched {
        name: "agents",
        variable: "BERTH_AGENTS_DIR",
        place: "node_modules/.bin",
    },
    Fetched {
        name: "acp",
        variable: "BERTH_ACP_DIR",
        place: "node_modules/.bin",
    },
    Fetched {
        name: "mcp",
        variable: "BERTH_MCP_DIR",
        place: "node_modules/.bin",
    },
    Fetched {
        name: "browser",
        variable: "BERTH_BROWSER_MODULES",
        place: "node_modules",
    },
];

/// What decides which versions are installed.
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("npm could not install the packages of tests/{name}; is this machine online?")]
    Npm {
        name: &'static str,
        source: ProcessError,
    },
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Installs the packages into the cache unless these versions are there; returns where they are.
pub(super) fn install(
    repository: &Repository,
    fetched: &'static Fetched,
) -> Result<PathBuf, FetchError> {
    let folder = cache::folder()?.join(fetched.name);
    let stamp = folder.join(".installed");
    let place = folder.join(fetched.place);

    let pinned = repository.root.join("tests").join(fetched.name);
    let mut contents = Vec::new();
    for name in FILES {
        contents.push(cache::read(&pinned.join(name))?);
    }
    let wanted = contents.concat();
    if place.is_dir() && cache::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(place);
    }
    println!(
        "installing the packages of tests/{} into {}",
        fetched.name,
        folder.display()
    );
    // An interrupted installation must not look complete.
    fs::remove_file(&stamp).ok();
    for (name, content) in FILES.iter().zip(&contents) {
        cache::write(&folder.join(name), content)?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    // Not `npm ci`: it refuses a lock file that lacks builds for other platforms, which not every
    // registry has. What the lock file has is installed as it says.
    process::run(
        Command::new(npm)
            .args(["install", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )
    .map_err(|source| FetchError::Npm {
        name: fetched.name,
        source,
    })?;
    cache::write(&stamp, &wanted)?;
    Ok(place)
}
