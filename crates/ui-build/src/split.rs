//! Takes out of the compiled module what is loaded later.
//!
//! A chunk holds what can be reached only through the functions that are marked with
//! `#[wasm_split(name)]`. It uses the main module's memory and tables by their numbers, so it fits
//! only the main module that it was made with. The names of the files say which that is: a page that
//! is older than its engine finds no chunk, instead of a wrong one.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasm_split_cli_support::{Options, transform};

use crate::error::{UiBuildError, io};

/// The script that fetches the chunks. It stands beside the main module's.
pub const LOADER: &str = "chunks.js";
/// The folder of the chunks, beside the script.
pub const FOLDER: &str = "chunks";
/// The main module's script, which gives the chunks what they share with it.
pub const SCRIPT: &str = "berth_ui.js";

/// A compiled module in pieces, not yet bound to JavaScript and not shrunk.
pub struct Pieces {
    /// What is loaded at start.
    pub main: PathBuf,
    /// What is loaded later.
    pub chunks: Vec<Chunk>,
    /// The text of [`LOADER`].
    pub loader: String,
}

/// A module that is loaded later.
pub struct Chunk {
    /// Where it is.
    pub path: PathBuf,
    /// Its file's name in [`FOLDER`].
    pub name: String,
}

/// Takes a module apart that was linked with its relocations. The pieces are written into a folder
/// that is emptied first.
pub fn split(module: &Path, folder: &Path) -> Result<Pieces, UiBuildError> {
    empty(folder)?;
    let bytes = io("read", module, std::fs::read(module))?;
    let main = folder.join(module.file_name().unwrap_or_default());
    let (link_name, main_module) = (format!("./{LOADER}"), format!("./{SCRIPT}"));
    let mut options = Options::new(&bytes);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.link_name = &link_name;
    options.main_module = &main_module;
    let refused = |reason| UiBuildError::Split {
        path: module.to_owned(),
        reason,
    };
    let made = transform(options).map_err(|error| refused(format!("{error:#}")))?;

    let loader = folder.join(LOADER);
    let mut loader = io("read", &loader, std::fs::read_to_string(&loader))?;
    let build = short_hash(&bytes);
    let mut chunks = Vec::new();
    for path in made.split_modules {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = name(&stem, &build);
        loader = renamed(&loader, &stem, &name)
            .ok_or_else(|| refused(format!("its loader does not fetch {stem} once")))?;
        chunks.push(Chunk { path, name });
    }
    Ok(Pieces {
        main,
        chunks,
        loader,
    })
}

/// Makes a folder, or takes out what is in it.
pub fn empty(folder: &Path) -> Result<(), UiBuildError> {
    if folder.exists() {
        io("empty", folder, std::fs::remove_dir_all(folder))?;
    }
    io("create", folder, std::fs::create_dir_all(folder))
}

/// The name of a chunk's file. What several chunks need is in files that only have a number.
fn name(stem: &str, build: &str) -> String {
    let stem = match stem.strip_prefix("split_") {
        Some(name) => name.to_owned(),
        None => stem.replace("chunk_", "shared-"),
    };
    format!("{stem}-{build}.wasm")
}

/// The loader with another address for this chunk.
fn renamed(loader: &str, stem: &str, name: &str) -> Option<String> {
    let old = format!("\"./{stem}.wasm\"");
    (loader.matches(&old).count() == 1)
        .then(|| loader.replace(&old, &format!("\"./{FOLDER}/{name}\"")))
}

/// Enough of a hash to tell builds apart.
fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_fetched_by_a_name_that_says_which_build_it_is_of() {
        let loader = r#"fetch(new URL("./split_pages.wasm", import.meta.url))"#;
        let pages = name("split_pages", "0a1b2c3d");
        assert_eq!(
            renamed(loader, "split_pages", &pages).as_deref(),
            Some(r#"fetch(new URL("./chunks/pages-0a1b2c3d.wasm", import.meta.url))"#)
        );
        assert_eq!(renamed(loader, "chunk_4", "x"), None);
        assert_eq!(name("chunk_4", "0a1b2c3d"), "shared-4-0a1b2c3d.wasm");
    }
}
