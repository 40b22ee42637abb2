//! Adds rustup's targets and components to the toolchain that rust-toolchain.toml pins.

use std::process::Command;

use crate::{
    process::{self, ProcessError},
    setup::system::on_path,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum RustError {
    #[error(
        "rustup is not on PATH, and {0} has to be added to the toolchain; install rustup from \
         https://rustup.rs, or add it in the way this Rust was installed"
    )]
    NoRustup(String),
    #[error("rustup failed")]
    Rustup(#[from] ProcessError),
}

/// Makes sure that the standard library of these targets is there.
pub(super) fn targets(targets: &[&str]) -> Result<(), RustError> {
    ensure("target", targets, |installed, target| installed == target)
}

/// Makes sure that these components are there.
pub(super) fn components(components: &[&str]) -> Result<(), RustError> {
    // A component is listed with its host: `clippy-x86_64-unknown-linux-gnu`.
    ensure("component", components, |installed, component| {
        installed
            .strip_prefix(component)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

fn ensure(kind: &str, wanted: &[&str], is: impl Fn(&str, &str) -> bool) -> Result<(), RustError> {
    if on_path("rustup").is_none() {
        // Some systems bring all of it in packages; what is really missing, rustc will say.
        if kind == "component" || sysroot_has(wanted) {
            return Ok(());
        }
        return Err(RustError::NoRustup(wanted.join(", ")));
    }
    let installed = process::read(Command::new("rustup").args([kind, "list", "--installed"]))?;
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|wanted| !installed.lines().any(|line| is(line.trim(), wanted)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("$ rustup {kind} add {}", missing.join(" "));
    process::run(Command::new("rustup").args([kind, "add"]).args(&missing))?;
    Ok(())
}

/// Whether rustc has the standard library of all these targets.
fn sysroot_has(targets: &[&str]) -> bool {
    let Ok(sysroot) = process::read(Command::new("rustc").args(["--print", "sysroot"])) else {
        return false;
    };
    let libraries = std::path::Path::new(sysroot.trim()).join("lib/rustlib");
    targets
        .iter()
        .all(|target| libraries.join(target).join("lib").is_dir())
}
