//! What the tests use and npm fetches: the agent CLIs, routers, and what browser tests load into a page.
//!
//! Each has a folder below `tests/` that pins its versions, and one in the cache where it is
//! installed.

use std::{env, fs, iter, path::PathBuf, process::Command};

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
    /// They run on the agents' Node, and what is compiled while they are installed has to fit it.
    on_agents_node: bool,
}

/// All of them.
pub(super) const FETCHED: &[Fetched] = &[
    Fetched {
        name: "agents",
        variable: "BERTH_AGENTS_DIR",
        place: "node_modules/.bin",
        on_agents_node: false,
    },
    Fetched {
        name: "acp",
        variable: "BERTH_ACP_DIR",
        place: "node_modules/.bin",
        on_agents_node: false,
    },
    Fetched {
        name: "mcp",
        variable: "BERTH_MCP_DIR",
        place: "node_modules/.bin",
        on_agents_node: false,
    },
    Fetched {
        name: "conformance",
        variable: "BERTH_CONFORMANCE_DIR",
        place: "node_modules/.bin",
        on_agents_node: false,
    },
    Fetched {
        name: "browser",
        variable: "BERTH_BROWSER_MODULES",
        place: "node_modules",
        on_agents_node: false,
    },
    Fetched {
        name: "router",
        variable: "BERTH_ROUTER_MODULES",
        place: "node_modules",
        on_agents_node: true,
    },
    Fetched {
        name: "tenant",
        variable: "BERTH_TENANT_DIR",
        place: "node_modules/.bin",
        on_agents_node: false,
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
    let mut install = Command::new(npm);
    install
        .args(["install", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    if fetched.on_agents_node {
        use_agents_node(&mut install)?;
    }
    process::run(&mut install).map_err(|source| FetchError::Npm {
        name: fetched.name,
        source,
    })?;
    cache::write(&stamp, &wanted)?;
    Ok(place)
}

/// Lets a command run on the Node among the agents' packages, and compile for it. Without them it runs on
/// the one that is there.
fn use_agents_node(command: &mut Command) -> Result<(), CacheError> {
    let modules = cache::folder()?.join("agents").join("node_modules");
    let own = env::var_os("PATH").unwrap_or_default();
    let path = iter::once(modules.join(".bin")).chain(env::split_paths(&own));
    if let Ok(path) = env::join_paths(path) {
        command.env("PATH", path);
    }
    // The package of each platform has the headers, which else would be downloaded.
    let packages = fs::read_dir(modules.join("node").join("node_modules"));
    let mut packages = packages
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    if let Some(node) = packages.find(|node| node.join("include/node/node.h").is_file()) {
        command.env("npm_config_nodedir", node);
    }
    Ok(())
}
