//! Zig as the C compiler for macOS: it brings Apple's headers and needs no SDK.

use std::{path::PathBuf, process::Command};

use crate::{
    cache::{self, CacheError},
    process::{self, ProcessError},
};

/// The package of the Python index, pinned.
const PACKAGE: &str = "ziglang==0.17.1";

/// Stands in for `cc`: drops what Apple's compiler understands and zig says itself.
const COMPILER: &str = r#"#!/bin/sh
n=$#
while [ "$n" -gt 0 ]; do
  arg=$1; shift; n=$((n - 1))
  case $arg in
    -arch | -isysroot | -target) shift; n=$((n - 1)) ;;
    --target=* | -mmacosx-version-min=* | -mmacos-version-min=*) ;;
    *) set -- "$@" "$arg" ;;
  esac
done
exec "$ZIG_PYTHON" -m ziglang cc -target aarch64-macos "$@"
"#;

/// Stands in for `ar`.
const ARCHIVER: &str = r#"#!/bin/sh
exec "$ZIG_PYTHON" -m ziglang ar "$@"
"#;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ZigError {
    #[error("zig could not be installed from the Python index")]
    Install(#[source] ProcessError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("zig's scripts could not be made executable")]
    Executable(#[source] std::io::Error),
}

fn folder() -> Result<PathBuf, CacheError> {
    Ok(cache::folder()?.join("zig"))
}

/// Installs zig into a Python environment of its own in the cache, unless it is there.
pub(crate) fn install() -> Result<(), ZigError> {
    let folder = folder()?;
    let stamp = folder.join("installed");
    if cache::read(&stamp).is_ok_and(|done| done == PACKAGE.as_bytes()) {
        return Ok(());
    }
    let python = folder.join("venv/bin/python");
    println!("installing {PACKAGE} into {}", folder.display());
    process::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder.join("venv")),
    )
    .map_err(ZigError::Install)?;
    process::run(Command::new(python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PACKAGE,
    ]))
    .map_err(ZigError::Install)?;
    for (name, script) in [("cc", COMPILER), ("ar", ARCHIVER)] {
        let path = folder.join(name);
        cache::write(&path, script.as_bytes())?;
        make_executable(&path).map_err(ZigError::Executable)?;
    }
    Ok(cache::write(&stamp, PACKAGE.as_bytes())?)
}

/// Makes build scripts that this cargo runs compile C for macOS with zig.
pub(super) fn configure(cargo: &mut Command) -> Result<(), ZigError> {
    let folder = folder()?;
    cargo
        .env("CC_aarch64_apple_darwin", folder.join("cc"))
        .env("AR_aarch64_apple_darwin", folder.join("ar"))
        .env("ZIG_PYTHON", folder.join("venv/bin/python"))
        .env("ZIG_GLOBAL_CACHE_DIR", folder.join("cache"))
        // Asked for with Apple's `xcrun` otherwise; zig brings its own headers.
        .env("SDKROOT", "/");
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_path: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}
