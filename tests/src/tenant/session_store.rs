//! Keeps a session in a file of a test's folder, where several processes find it. Berth keeps it in the keychain,
//! which has no comparing write either.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use berth_protocol::Code;
use berth_tenant::auth::{Later, Session, SessionStore, StoreError};

/// A folder with a file for the session.
#[derive(Debug)]
pub struct SessionFile {
    path: PathBuf,
    /// Nothing can be written.
    pub is_locked: AtomicBool,
    /// Nothing can be read either.
    pub is_away: AtomicBool,
    /// What somebody keeps, without the lock, before the next replacement.
    pub meanwhile: Mutex<Option<Session>>,
}

impl SessionFile {
    /// In this folder, which is there.
    pub fn new(folder: &Path) -> Self {
        Self {
            path: folder.join("session"),
            is_locked: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            meanwhile: Mutex::default(),
        }
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        match self.is_locked.load(Ordering::SeqCst) {
            true => Err(unavailable(&"it is locked")),
            false => Ok(()),
        }
    }

    fn write(&self, session: &Session) -> Result<(), StoreError> {
        // Whoever reads meanwhile finds the one or the other.
        let next = self.path.with_extension(std::process::id().to_string());
        let written = fs::write(&next, session.to_secret().expose());
        written
            .and_then(|()| fs::rename(&next, &self.path))
            .map_err(|error| unavailable(&error))
    }

    fn read(&self) -> Result<Option<Session>, StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(unavailable(&"it is away"));
        }
        match fs::read_to_string(&self.path) {
            Ok(kept) => Session::from_secret(&kept.into()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn unavailable(why: &impl ToString) -> StoreError {
    StoreError::Unavailable {
        code: Code::SecretsRefused,
        why: why.to_string(),
    }
}

impl SessionStore for SessionFile {
    fn load(&self) -> Later<'_, Result<Option<Session>, StoreError>> {
        Box::pin(async { self.read() })
    }

    fn replace<'a>(
        &'a self,
        before: Option<u64>,
        session: &'a Session,
    ) -> Later<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.check_writable()?;
            let meanwhile = self
                .meanwhile
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(theirs) = meanwhile {
                self.write(&theirs)?;
            }
            if self.read()?.map(|kept| kept.revision) != before {
                return Ok(false);
            }
            self.write(session).map(|()| true)
        })
    }

    fn delete(&self, revision: Option<u64>) -> Later<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            self.check_writable()?;
            let kept = match self.read() {
                Ok(None) => return Ok(true),
                Ok(Some(kept)) => Some(kept.revision),
                Err(StoreError::Unreadable) => None,
                Err(error) => return Err(error),
            };
            if kept != revision {
                return Ok(false);
            }
            match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(&error)),
                _ => Ok(true),
            }
        })
    }
}
