//! What can go wrong while the UI is built, and what helps.

use std::io;
use std::path::{Path, PathBuf};

/// Why the UI could not be built.
#[derive(Debug, thiserror::Error)]
pub enum UiBuildError {
    /// npm is not there.
    #[error(
        "npm was not found. The UI needs Node.js {minimum} or newer with npm while it is built: \
         install it from https://nodejs.org or with your system's packages, then try again."
    )]
    NpmMissing {
        /// Oldest Node.js that works.
        minimum: u32,
    },
    /// Node.js is not there, though npm is.
    #[error("Node.js {minimum} or newer was not found, though npm is there: {source}")]
    NodeMissing {
        /// Oldest Node.js that works.
        minimum: u32,
        /// Why it could not be asked.
        source: io::Error,
    },
    /// Node.js is too old.
    #[error("Node.js {found} is too old to build the UI: version {minimum} or newer is needed.")]
    NodeTooOld {
        /// What it says of itself.
        found: String,
        /// Oldest that works.
        minimum: u32,
    },
    /// A program ended with an error; its own words stand above.
    #[error("`{command}` failed ({status}) while the UI was built; its output above says why.")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A program could not be started.
    #[error("`{command}` could not be started while the UI was built: {source}")]
    NotStarted {
        /// The program and its arguments.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// The target for the browser is not installed.
    #[error(
        "Rust cannot compile for the browser yet: run `rustup target add wasm32-unknown-unknown`."
    )]
    TargetMissing,
    /// wasm-bindgen refused the module.
    #[error("wasm-bindgen could not process {path}: {reason}", path = path.display())]
    Bindgen {
        /// The module.
        path: PathBuf,
        /// Its reason.
        reason: String,
    },
    /// The module could not be taken apart.
    #[error("what is loaded later could not be taken out of {path}: {reason}", path = path.display())]
    Split {
        /// The module.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Too much would be loaded at start.
    #[error(
        "{bytes} bytes of wasm are loaded at start, and at most {limit} may be: \
         let some of the UI be loaded when it is first shown (ui/src/lazy)."
    )]
    TooLarge {
        /// What is loaded at start.
        bytes: u64,
        /// What may be.
        limit: u64,
    },
    /// A file or folder could not be used.
    #[error("could not {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Names the file that an operation was about.
pub fn io<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T, UiBuildError> {
    result.map_err(|source| UiBuildError::Io {
        action,
        path: path.to_owned(),
        source,
    })
}
