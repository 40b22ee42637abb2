//! A lock between the processes of one user, held while a sign-in is changed.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

/// How long another process may hold it: a refresh takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a lock cannot be had. It can be told to several who wait for the same.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    /// The system does not give it.
    #[error(transparent)]
    System(Arc<io::Error>),
    /// Another process does not let it go.
    #[error("another process has held it for {} s", PATIENCE.as_secs())]
    Held,
    /// Nobody waits for it any more.
    #[error("Berth is stopping")]
    Stopping,
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::System(Arc::new(error))
    }
}

/// The lock. Dropping it releases it, and so does the end of the process.
pub struct Lock(#[expect(dead_code, reason = "the system releases the lock with it")] File);

impl Lock {
    /// Waits for the lock of a key, in a folder that all processes of the user share.
    ///
    /// # Errors
    /// [`LockError`], after a minute at the latest.
    pub async fn take(folder: &Path, key: &str) -> Result<Self, LockError> {
        // A key may hold anything; its hash is a name for a file everywhere.
        let name: String = Sha256::digest(key)[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = folder.join(format!("{name}.lock"));
        // The system has no other way to wait for it. Who gives up waiting leaves a thread behind, which gets the
        // lock in its turn and lets it go. The program ends without it: it is no thread of the runtime, which would
        // wait for it.
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new().name("sign-in lock".to_owned());
        let started = thread.spawn(move || {
            // Nobody may want it any more.
            let _ = tell.send(lock(&path));
        });
        started?;
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(locked)) => Ok(Self(locked?)),
            Ok(Err(_)) => Err(LockError::Stopping),
            Err(_) => Err(LockError::Held),
        }
    }
}

fn lock(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    file.lock()?;
    Ok(file)
}
