//! Keeps what an engine writes to its standard error.
//!
//! A pipe would break when its starter ends, and the engine with it, so it is a file. The engine's
//! own log is elsewhere and kept for days. Here stand the words of one that could not start, or that panicked, and
//! the beginning of what it logs: an engine that is started this way stops after some megabytes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::make_private_folder;
use crate::LaunchError;

/// Bytes after which the file starts anew.
const MAX_BYTES: u64 = 1024 * 1024;

/// Bytes of the end that an error message shows.
const TAIL_BYTES: u64 = 2048;

/// The file `logs/stderr.log` of a data folder, as it was before one start. What prunes the engine's own logs takes every
/// file there that begins with `engine`.
pub(super) struct StderrLog {
    path: PathBuf,
    /// Its length before this start: what stands before it was written by others.
    start: u64,
}

impl StderrLog {
    pub(super) fn open(data_dir: &Path) -> Result<Self, LaunchError> {
        let folder = data_dir.join("logs");
        make_private_folder(&folder)?;
        let path = folder.join("stderr.log");
        let length = fs::metadata(&path).map_or(0, |about| about.len());
        let start = if length > MAX_BYTES {
            // Whatever prevents it will be said when the file is opened for writing.
            let _ = fs::remove_file(&path);
            0
        } else {
            length
        };
        Ok(Self { path, start })
    }

    /// Opens it for one engine. Several may append at once.
    pub(super) fn writer(&self) -> Result<File, LaunchError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&self.path)
            .map_err(|source| LaunchError::DataFolder {
                path: self.path.clone(),
                source,
            })
    }

    /// The last words since this start, at most 2 KiB.
    pub(super) fn tail(&self) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(
                self.start.max(end.saturating_sub(TAIL_BYTES)),
            ))?;
            let mut bytes = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}
