//! The data folder's lock and the file by which clients find the engine.
//!
//! An engine that is stopped removes the file, and with it its token is worth nothing. One that is
//! killed leaves the file, and the next engine takes over its address and token from there:
//! whoever was connected, an open browser tab or a script, goes on by itself.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use berth_protocol::Endpoint;

use crate::EngineError;

/// Name of the endpoint file in the data folder.
const FILE: &str = "engine.json";

/// Name of the lock file in the data folder.
const LOCK: &str = "engine.lock";

/// Bytes of an endpoint file that are read; a real one has about 200.
const MAX_FILE: u64 = 64 * 1024;

/// Digits of a token: 32 bytes as hexadecimal digits.
const TOKEN_DIGITS: usize = 64;

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

/// Where an engine that was killed could be reached.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftBehind {
    pub port: u16,
    pub token: Token,
}

/// What opens an engine; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Why an endpoint file that was left behind is of no use.
#[derive(Debug, thiserror::Error)]
pub enum UselessFile {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is no regular file")]
    NotAFile,
    #[error("somebody else owns it or can read it")]
    Exposed,
    #[error("it is no endpoint: {0}")]
    Invalid(#[from] serde_json::Error),
    #[error("no engine of this machine writes such an address or token")]
    Foreign,
}

/// Reads the endpoint file that an engine left when it was killed; nothing when the last one was
/// stopped. Only the holder of the lock may ask, or the file may be that of a living engine.
///
/// # Errors
/// When the file could be somebody else's work: whoever wrote or read it may know the token.
pub fn left_behind(_lock: &EngineLock, folder: &Path) -> Result<Option<LeftBehind>, UselessFile> {
    let file = match open_private(&folder.join(FILE)) {
        Err(UselessFile::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        opened => opened?,
    };
    let mut text = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut text)?;
    let endpoint: Endpoint = serde_json::from_slice(&text)?;
    let port = endpoint
        .url
        .strip_prefix("http://127.0.0.1:")
        .and_then(|port| port.parse().ok())
        .filter(|&port| port != 0);
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_token = endpoint.token.len() == TOKEN_DIGITS && endpoint.token.bytes().all(is_digit);
    match port {
        Some(port) if is_token => Ok(Some(LeftBehind {
            port,
            token: Token(endpoint.token),
        })),
        _ => Err(UselessFile::Foreign),
    }
}

/// Opens a file that nobody else could have written or read, and never waits for it as for a pipe.
/// The open file is what is looked at, not a path that could be exchanged meanwhile.
#[cfg(unix)]
fn open_private(path: &Path) -> Result<File, UselessFile> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    use nix::{fcntl::OFlag, unistd::Uid};

    if path.symlink_metadata()?.is_symlink() {
        return Err(UselessFile::NotAFile);
    }
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(UselessFile::NotAFile);
    }
    if about.uid() != Uid::effective().as_raw() || about.mode() & 0o077 != 0 {
        return Err(UselessFile::Exposed);
    }
    Ok(file)
}

/// The data folder lies in the user's profile, whose access list keeps other users out.
#[cfg(not(unix))]
fn open_private(path: &Path) -> Result<File, UselessFile> {
    if !path.symlink_metadata()?.is_file() {
        return Err(UselessFile::NotAFile);
    }
    Ok(File::open(path)?)
}

/// A token that cannot be guessed: 32 bytes of the system's randomness as hexadecimal digits.
pub fn new_token() -> Token {
    use std::fmt::Write as _;
    let bytes: [u8; TOKEN_DIGITS / 2] = rand::random();
    let digits = String::with_capacity(TOKEN_DIGITS);
    Token(bytes.iter().fold(digits, |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
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

/// Makes new files such that their owner alone can read them.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests;
