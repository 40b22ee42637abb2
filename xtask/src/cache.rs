//! The folder for what is fetched once and kept: agent CLIs and cross compilers.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("no cache folder: set BERTH_CACHE or HOME to say where it may be")]
    NoHome,
    #[error("{} could not be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} could not be read", path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// `BERTH_CACHE`, or the folder `berth` in the place this platform keeps caches.
pub(crate) fn folder() -> Result<PathBuf, CacheError> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = set("BERTH_CACHE") {
        return Ok(folder);
    }
    let base = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Caches"))
    } else {
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("berth"))
        .ok_or(CacheError::NoHome)
}

/// Writes a file, with its folder.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), CacheError> {
    let failed = |source| CacheError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, content).map_err(failed)
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CacheError> {
    fs::read(path).map_err(|source| CacheError::Read {
        path: path.to_owned(),
        source,
    })
}
