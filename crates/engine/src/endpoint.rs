//! The data folder's lock and the file by which clients find the engine.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use berth_protocol::Endpoint;

use crate::EngineError;

/// Name of the endpoint file in the data folder.
const FILE: &str = "engine.json";

/// Name of the lock file in the data folder.
const LOCK: &str = "engine.lock";

/// Held by the one engine that uses a data folder; the system frees it when the process ends.
pub struct EngineLock {
    _file: File,
}

impl EngineLock {
    pub fn take(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(LOCK);
        let failed = |source| EngineError::File {
            doing: "locking",
            path: path.clone(),
            source,
        };
        let file = private(OpenOptions::new().create(true).write(true).truncate(false))
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(EngineError::AlreadyRunning(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// The endpoint file of this engine, removed when it stops.
pub struct EndpointFile {
    path: PathBuf,
}

impl EndpointFile {
    /// Writes it whole or not at all, for its owner only.
    pub fn write(folder: &Path, endpoint: &Endpoint) -> Result<Self, EngineError> {
        let path = folder.join(FILE);
        let draft = folder.join(format!("{FILE}.{}", endpoint.pid));
        let write = || -> io::Result<()> {
            // A draft of a crashed engine with the same process id would keep its old permissions.
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&draft)?;
            file.write_all(&serde_json::to_vec_pretty(endpoint).map_err(io::Error::other)?)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|source| EngineError::File {
            doing: "writing",
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }

    pub fn remove(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the endpoint file stays behind");
        }
    }
}

/// A token that cannot be guessed: 32 bytes of the system's randomness as hexadecimal digits.
pub fn new_token() -> String {
    use std::fmt::Write as _;
    let bytes: [u8; 32] = rand::random();
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Creates a folder that only its owner can look into.
pub fn prepare_folder(path: &Path) -> Result<(), EngineError> {
    let failed = |source| EngineError::File {
        doing: "creating",
        path: path.to_owned(),
        source,
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
