//! Build script of the desktop package: builds in the page and limits the page's commands.

use std::path::Path;
use std::process::ExitCode;

/// The built UI, as `frontendDist` in tauri.conf.json has it.
const PAGE: &str = "ui/dist/index.html";

/// The commands of `src/commands.rs`. A command that is not listed here can be called by every
/// page; one that is listed needs a permission in `capabilities/`.
const COMMANDS: &[&str] = &[
    "engine_endpoint",
    "restart_engine",
    "pick_folder",
    "open_url",
    "save_file",
    "window_ready",
];

fn main() -> ExitCode {
    // The page is compiled into the program, so a new page means a new program.
    println!("cargo:rerun-if-changed=ui/dist");
    if !Path::new(PAGE).is_file() {
        println!("cargo::error={PAGE} is missing: build the UI first with `cargo xtask ui`");
        return ExitCode::FAILURE;
    }
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS));
    match tauri_build::try_build(attributes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = format!("{error:#}").replace('\n', " ");
            println!("cargo::error=tauri.conf.json or capabilities/ cannot be used: {error}");
            ExitCode::FAILURE
        }
    }
}
