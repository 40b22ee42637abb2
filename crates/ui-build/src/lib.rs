//! Builds the UI into a folder that a web server or the window can serve as it is.
//!
//! The steps: fetch the third-party scripts, fonts and icons with npm; compile `berth-ui` to wasm;
//! make its JavaScript with wasm-bindgen; shrink it with wasm-opt; put style sheets, fonts and icons
//! beside it. A step whose inputs are as they were is skipped, so a second build takes seconds.
//! Nothing third-party is kept in the repository.

mod assets;
mod error;
mod npm;
mod stamp;
mod trim;
mod wasm;

use std::path::{Path, PathBuf};

pub use error::UiBuildError;
use stamp::Stamp;

/// How the wasm is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Small: what is shipped.
    #[default]
    Release,
    /// Fast to build and not shrunk, for work on the UI itself.
    Dev,
}

impl Profile {
    /// Its name in the workspace's manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "wasm",
            Self::Dev => "wasm-dev",
        }
    }
}

/// What to build and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Top folder of the workspace.
    pub root: PathBuf,
    /// How the wasm is compiled.
    pub profile: Profile,
    /// Cargo's target folder; cargo's own choice when absent.
    pub target_dir: Option<PathBuf>,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Folder with `index.html` and everything that it needs.
    pub dist: PathBuf,
    /// Size of the wasm in bytes.
    pub wasm_bytes: u64,
    /// Something had changed; otherwise everything was there already.
    pub rebuilt: bool,
}

/// Builds the UI.
pub fn build(options: &Options) -> Result<Built, UiBuildError> {
    let ui = options.root.join("ui");
    let dist = ui.join("dist");
    error::io("create", &dist, std::fs::create_dir_all(&dist))?;
    npm::install(&ui)?;
    let compiled = wasm::compile(options)?;
    let mut rebuilt = false;
    let mut stamp = Stamp::open(&dist)?;

    let inputs = stamp::of_files(
        &[compiled.clone(), ui.join("package-lock.json")],
        options.profile.name(),
    )?;
    if !stamp.holds("wasm", &inputs, &dist.join("berth_ui_bg.wasm")) {
        wasm::bind(&compiled, &dist)?;
        if options.profile == Profile::Release {
            trim::trim(&dist.join("berth_ui_bg.wasm"), &dist.join("berth_ui.js"))?;
            wasm::shrink(&ui, &dist.join("berth_ui_bg.wasm"))?;
        }
        stamp.set("wasm", inputs)?;
        rebuilt = true;
    }

    let inputs = stamp::of_files(&assets::inputs(&ui)?, "assets")?;
    if !stamp.holds("assets", &inputs, &dist.join("index.html")) {
        assets::copy(&ui, &dist)?;
        stamp.set("assets", inputs)?;
        rebuilt = true;
    }
    let wasm = dist.join("berth_ui_bg.wasm");
    let wasm_bytes = error::io("read", &wasm, std::fs::metadata(&wasm))?.len();
    Ok(Built {
        dist,
        wasm_bytes,
        rebuilt,
    })
}

/// All files under a folder with one of these endings, in a stable order.
pub(crate) fn files_under(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, UiBuildError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in error::io("list", &folder, std::fs::read_dir(&folder))? {
            let path = error::io("list", &folder, entry)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| endings.iter().any(|ending| e == *ending))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
