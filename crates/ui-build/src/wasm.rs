//! The wasm module: compiled, bound to JavaScript, shrunk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_bindgen_cli_support::Bindgen;

use crate::Options;
use crate::error::{UiBuildError, io};
use crate::npm::run;

/// What the browser needs that wasm is compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// Views of one type instead of one type for each: smaller, and compiled faster.
const RUSTFLAGS: &str = "--cfg=erase_components";

/// wasm-opt must be told which features the module uses; with all of them the module does not
/// start in WebKit.
const WASM_OPT: [&str; 10] = [
    "-Oz",
    // The stack comes first in memory and grows down: its last kilobyte is used only by what overflows it.
    "--low-memory-unused",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Compiles the UI and returns the path of the module. Cargo knows what has changed.
pub fn compile(options: &Options) -> Result<PathBuf, UiBuildError> {
    check_target()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(&options.root).args([
        "rustc",
        "--package",
        "berth-ui",
        "--lib",
        "--target",
        TARGET,
        "--profile",
        options.profile.name(),
        // The linker's notes of what uses what say later what can be taken out.
        "--",
        "-C",
        "link-arg=--emit-relocs",
    ]);
    // What was set for the machine's own programs must not reach the browser's.
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    let target_dir = options
        .target_dir
        .clone()
        .or_else(|| std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
        .unwrap_or_else(|| options.root.join("target"));
    command.env("CARGO_TARGET_DIR", &target_dir);
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", RUSTFLAGS);
    run(&mut command)?;
    Ok(target_dir
        .join(TARGET)
        .join(options.profile.name())
        .join("berth_ui.wasm"))
}

/// Says how to install the target, where rustup can tell that it is missing.
fn check_target() -> Result<(), UiBuildError> {
    let Ok(output) = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
    else {
        return Ok(());
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && !folder.exists() {
        Err(UiBuildError::TargetMissing)
    } else {
        Ok(())
    }
}

/// Makes the JavaScript that loads the module.
pub fn bind(module: &Path, dist: &Path) -> Result<(), UiBuildError> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .typescript(false)
        // What is loaded later uses the module's memory and tables.
        .keep_lld_exports(true)
        .omit_default_module_path(false);
    let made = bindgen.web(true).and_then(|bindgen| bindgen.generate(dist));
    made.map_err(|error| UiBuildError::Bindgen {
        path: module.to_owned(),
        reason: format!("{error:#}"),
    })
}

/// Shrinks the module in its place.
pub fn shrink(ui: &Path, module: &Path) -> Result<(), UiBuildError> {
    let small = module.with_extension("small");
    // The package's own entry, called with node: the links in `.bin` differ between systems.
    let program = ui.join("node_modules/binaryen/bin/wasm-opt");
    run(Command::new("node")
        .arg(program)
        .arg(module)
        .args(WASM_OPT)
        .arg("-o")
        .arg(&small))?;
    io("replace", module, std::fs::rename(&small, module))
}
