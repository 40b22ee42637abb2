//! Installs what this machine lacks, or says how to.
//!
//! Asked by every command that needs something, so it has to cost next to nothing when nothing is
//! missing: one query of the package manager, one of rustup, one of Node.

mod node;
mod packages;
mod rust;
mod system;

use crate::setup::{node::NodeError, rust::RustError, system::SystemError};

pub(crate) use crate::setup::packages::Group;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    System(#[from] SystemError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Rust(#[from] RustError),
    #[error(transparent)]
    Zig(#[from] crate::cross::ZigError),
}

/// What the machine has to be able to do, beyond building the engine and the UI.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    /// Build the window.
    pub(crate) window: bool,
    /// Run every test.
    pub(crate) tests: bool,
    /// Type-check for the other platforms.
    pub(crate) cross: bool,
}

/// Makes sure that everything in `needs` is there.
pub(crate) fn ensure(needs: Needs) -> Result<(), SetupError> {
    let mut groups = vec![Group::Build];
    if needs.window {
        groups.push(Group::Window);
    }
    if needs.tests {
        groups.push(Group::Tests);
    }
    if needs.cross {
        groups.extend([Group::CrossWindows, Group::CrossMac]);
    }
    packages(&groups)?;
    node::check()?;
    targets(&["wasm32-unknown-unknown"])?;
    if needs.cross {
        targets(crate::cross::TARGETS)?;
        crate::cross::install_zig()?;
    }
    Ok(())
}

/// Makes sure that the system's packages of these groups are there.
pub(crate) fn packages(groups: &[Group]) -> Result<(), SetupError> {
    Ok(system::ensure(groups)?)
}

/// Makes sure that rustc can compile for these targets.
pub(crate) fn targets(targets: &[&str]) -> Result<(), SetupError> {
    Ok(rust::targets(targets)?)
}

/// Makes sure that rustfmt and clippy are there.
pub(crate) fn components() -> Result<(), SetupError> {
    Ok(rust::components(&["rustfmt", "clippy"])?)
}

/// Whether a program can be started by its name.
pub(crate) fn has_program(name: &str) -> bool {
    system::on_path(name).is_some()
}
