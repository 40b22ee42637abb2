//! Builds the UI into a folder that a web server or the window can serve as it is.
//!
//! The steps: fetch the third-party scripts, fonts and icons with npm; compile `berth-ui` to wasm;
//! take out of it what is loaded later; make its JavaScript with wasm-bindgen; shrink all of it with
//! wasm-opt; put style sheets, fonts and icons beside it. A step whose inputs are as they were is skipped, so a second build takes seconds.
//! Nothing third-party is kept in the repository.

mod assets;
mod error;
mod npm;
mod size;
mod split;
mod stamp;
mod trim;
mod wasm;

use std::path::{Path, PathBuf};

pub use error::UiBuildError;
pub use size::Size;
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
    /// How much wasm it is.
    pub size: Size,
    /// Something had changed; otherwise everything was there already.
    pub rebuilt: bool,
}

/// What is loaded at start.
const MODULE: &str = "berth_ui_bg.wasm";

/// Builds the UI. What is shipped fails when too much would be loaded at start.
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
    if !stamp.holds("wasm", &inputs, &dist.join(split::LOADER)) {
        stamp.forget("wasm")?;
        make(options.profile, &compiled, &ui, &dist)?;
        stamp.set("wasm", inputs)?;
        rebuilt = true;
    }

    let inputs = stamp::of_files(&assets::inputs(&ui)?, "assets")?;
    if !stamp.holds("assets", &inputs, &dist.join("index.html")) {
        assets::copy(&ui, &dist)?;
        stamp.set("assets", inputs)?;
        rebuilt = true;
    }
    let size = Size::of(&dist.join(MODULE), &dist.join(split::FOLDER))?;
    if options.profile == Profile::Release {
        size.check()?;
    }
    Ok(Built {
        dist,
        size,
        rebuilt,
    })
}

/// Makes what the browser loads of the compiled module.
fn make(profile: Profile, compiled: &Path, ui: &Path, dist: &Path) -> Result<(), UiBuildError> {
    let pieces = split::split(compiled, &compiled.with_extension("pieces"))?;
    let chunks = dist.join(split::FOLDER);
    split::empty(&chunks)?;
    wasm::bind(&pieces.main, dist)?;
    let mut modules = vec![dist.join(MODULE)];
    for chunk in pieces.chunks {
        let to = chunks.join(chunk.name);
        trim::take_names(&chunk.path, &to)?;
        modules.push(to);
    }
    if profile == Profile::Release {
        trim::trim(&dist.join(MODULE), &dist.join(split::SCRIPT))?;
        for module in &modules {
            wasm::shrink(ui, module)?;
        }
    }
    let loader = dist.join(split::LOADER);
    error::io("write", &loader, std::fs::write(&loader, pieces.loader))
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
