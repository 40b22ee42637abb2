//! Remembers from which inputs each part was made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{UiBuildError, io};

/// Version of this crate's way of building; a change builds everything anew.
const RECIPE: &str = "3";

/// What is in the output folder.
pub struct Stamp {
    path: PathBuf,
    parts: BTreeMap<String, String>,
}

impl Stamp {
    /// Reads what is remembered of an output folder. A file that cannot be read remembers nothing.
    pub fn open(dist: &Path) -> Result<Self, UiBuildError> {
        let path = dist.join(".stamp.json");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Ok(Self {
            path,
            parts: serde_json::from_str(&text).unwrap_or_default(),
        })
    }

    /// The part was made from these inputs, and its output is still there.
    pub fn holds(&self, part: &str, inputs: &str, output: &Path) -> bool {
        self.parts.get(part).is_some_and(|known| known == inputs) && output.exists()
    }

    /// Remembers that the part was made.
    pub fn set(&mut self, part: &str, inputs: String) -> Result<(), UiBuildError> {
        self.parts.insert(part.to_owned(), inputs);
        self.write()
    }

    /// Forgets the part, because its files are about to change: should that fail in the middle,
    /// they fit nothing.
    pub fn forget(&mut self, part: &str) -> Result<(), UiBuildError> {
        self.parts.remove(part);
        self.write()
    }

    fn write(&self) -> Result<(), UiBuildError> {
        let text = serde_json::to_string_pretty(&self.parts).unwrap_or_default();
        io("write", &self.path, std::fs::write(&self.path, text))
    }
}

/// A hash of the files' names and contents.
pub fn of_files(files: &[PathBuf], salt: &str) -> Result<String, UiBuildError> {
    let mut hasher = Sha256::new();
    hasher.update(RECIPE);
    hasher.update(salt);
    for file in files {
        hasher.update(file.to_string_lossy().as_bytes());
        hasher.update([0]);
        hasher.update(io("read", file, std::fs::read(file))?);
        hasher.update([0]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_changes_with_the_content_and_with_the_salt() {
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let library = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        let one = of_files(std::slice::from_ref(&manifest), "a").unwrap();
        assert_eq!(one, of_files(std::slice::from_ref(&manifest), "a").unwrap());
        assert_ne!(one, of_files(std::slice::from_ref(&manifest), "b").unwrap());
        assert_ne!(one, of_files(&[library], "a").unwrap());
    }
}
