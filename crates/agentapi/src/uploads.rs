//! Files that clients hand to the agent.

use std::{fs, io, path::PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::Error;

/// Largest file, in bytes.
pub const LARGEST: usize = 10 * 1024 * 1024;

/// A folder that is removed with the server.
pub struct Uploads(TempDir);

impl Uploads {
    pub fn new() -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("agentapi-uploads-")
            .tempdir()
            .map_err(|source| Error::File {
                path: std::env::temp_dir(),
                source,
            })?;
        Ok(Self(folder))
    }

    /// Keeps a file under its own name, in a folder that its content names, so that two files of one
    /// name do not meet.
    pub fn keep(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let digest = Sha256::digest(content);
        let short: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let folder = self.0.path().join(short);
        fs::create_dir_all(&folder)?;
        let path = folder.join(base_name(name));
        fs::write(&path, content)?;
        Ok(path)
    }
}

/// The last part of a path of any system, never one that leads elsewhere.
fn base_name(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let usable = !matches!(name, "" | "." | "..") && !name.contains('\0');
    if usable { name } else { "file" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        let uploads = Uploads::new().unwrap();
        for name in ["../../x", "/etc/passwd", "a\\..\\b", "..", "", "a/"] {
            let path = uploads.keep(name, b"content").unwrap();
            assert!(path.starts_with(uploads.0.path()), "{name}: {path:?}");
            assert_eq!(fs::read(path).unwrap(), b"content");
        }
    }

    #[test]
    fn files_of_one_name_and_different_content_do_not_meet() {
        let uploads = Uploads::new().unwrap();
        let one = uploads.keep("a.txt", b"one").unwrap();
        let two = uploads.keep("a.txt", b"two").unwrap();
        assert_ne!(one, two);
        assert_eq!(fs::read(one).unwrap(), b"one");
    }
}
