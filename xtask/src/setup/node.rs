//! Checks for Node and npm, which fetch the UI's scripts and the agent CLIs of the tests.
//!
//! They are not installed: which of the many ways is right is the user's choice, and the packages
//! of older systems are too old.

use std::process::Command;

use crate::{
    process::{self, ProcessError},
    setup::system::on_path,
};

/// The oldest Node that all of npm's packages in use support.
const OLDEST: u32 = 20;

/// How to get it.
const HOW: &str = "install it from https://nodejs.org/en/download, with a version manager such as \
    fnm, nvm or mise, or with the system's package manager where that is new enough \
    (Debian 13, Ubuntu 25.04, Fedora: nodejs and npm; macOS: brew install node; \
    Windows: winget install --id OpenJS.NodeJS.LTS)";

#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    #[error("Node {OLDEST} or newer is needed and `node` is not on PATH; {HOW}")]
    Missing,
    #[error("Node {OLDEST} or newer is needed and `node` is {found}; {HOW}")]
    TooOld { found: String },
    #[error("Node is there, but `npm` is not on PATH; install npm, or Node as a whole: {HOW}")]
    NoNpm,
    #[error("Node's version could not be read")]
    Version(#[from] ProcessError),
}

/// Checks that Node is new enough and has npm.
pub(super) fn check() -> Result<(), NodeError> {
    if on_path("node").is_none() {
        return Err(NodeError::Missing);
    }
    let version = process::read(Command::new("node").arg("--version"))?;
    if major(&version).is_none_or(|major| major < OLDEST) {
        return Err(NodeError::TooOld {
            found: version.trim().to_owned(),
        });
    }
    // Asking npm for its version takes longer than everything else here.
    if on_path("npm").is_none() {
        return Err(NodeError::NoNpm);
    }
    Ok(())
}

fn major(version: &str) -> Option<u32> {
    let (major, _) = version.trim().strip_prefix('v')?.split_once('.')?;
    major.parse().ok()
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
