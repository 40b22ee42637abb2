//! An instance's own folder: owner-only, made anew for each start, and removed with it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::RouterError;

/// The transformer that mends version 1's Vertex AI.
const VERTEX_SSE: &str = include_str!("vertex-sse.js");

/// What is loaded into the router before its own code.
const PRELOAD: &str = include_str!("preload.cjs");

/// The note that the port is taken, written by the preloaded script as is the next.
const PORT_TAKEN: &str = "port-taken";

/// The note which process serves.
const SERVING_PROCESS: &str = "serving-process";

/// Everything that stands in a router's folder. One that holds something else is somebody else's, and
/// is not removed.
const CONTENT: [&str; 6] = [
    "home",
    "tmp",
    "preload.cjs",
    "vertex-sse.js",
    PORT_TAKEN,
    SERVING_PROCESS,
];

/// An instance's folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it, empty but for what is the same for each instance. What an earlier router left is
    /// removed.
    pub fn make(path: &Path) -> Result<Self, RouterError> {
        let folder = Self::at(path);
        folder.remove()?;
        for path in [
            &folder.0,
            &folder.home(),
            &folder.temporary(),
            &folder.config_folder(),
        ] {
            make_private(path).map_err(|source| failed("making", path, source))?;
        }
        folder.write(&folder.preload(), PRELOAD.as_bytes())?;
        folder.write(&folder.vertex_sse(), VERTEX_SSE.as_bytes())?;
        Ok(folder)
    }

    /// One that may be there.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Removes it, unless it holds something that is not a router's.
    pub fn remove(&self) -> Result<(), RouterError> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(|source| failed("reading", &self.0, source))?,
        };
        for entry in entries {
            let entry = entry.map_err(|source| failed("reading", &self.0, source))?;
            if !CONTENT.iter().any(|known| entry.file_name() == *known) {
                return Err(RouterError::FolderTaken(self.0.clone()));
            }
        }
        fs::remove_dir_all(&self.0).map_err(|source| failed("removing", &self.0, source))
    }

    /// Writes the configuration, whole or not at all.
    pub fn write_config(&self, config: &Value) -> Result<(), RouterError> {
        let path = self.config_folder().join("config.json");
        let draft = self.config_folder().join("config.json.new");
        self.write(&draft, config.to_string().as_bytes())?;
        fs::rename(&draft, &path).map_err(|source| failed("writing", &path, source))
    }

    /// The router's home.
    pub fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    /// The router's folder for temporary files. Version 1 counts its users in a file there.
    pub fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// What is loaded into the router before its own code.
    pub fn preload(&self) -> PathBuf {
        self.0.join("preload.cjs")
    }

    /// The transformer that mends version 1's Vertex AI.
    pub fn vertex_sse(&self) -> PathBuf {
        self.0.join("vertex-sse.js")
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The router has noted that its port is taken.
    pub fn port_was_taken(&self) -> bool {
        self.0.join(PORT_TAKEN).exists()
    }

    /// Removes what would keep the router from starting: the notes of the last start, and the process id
    /// by which version 1 takes itself for running when another process has got it.
    pub fn forget_last_run(&self) {
        let process_id = self.config_folder().join(".claude-code-router.pid");
        let notes = [PORT_TAKEN, SERVING_PROCESS].map(|name| self.0.join(name));
        for path in notes.into_iter().chain([process_id]) {
            // Usually there is none.
            let _ = fs::remove_file(path);
        }
    }

    fn config_folder(&self) -> PathBuf {
        self.home().join(".claude-code-router")
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), RouterError> {
        write_private(path, content).map_err(|source| failed("writing", path, source))
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> RouterError {
    RouterError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, content)
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
