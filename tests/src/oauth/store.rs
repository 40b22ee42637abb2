//! Keeps sign-ins in files of a test's folder, where several processes find them. Berth keeps them in the
//! keychain, which has no comparing write either.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use berth_mcp::{Grant, Later, StoreError, TokenStore};
use berth_protocol::Code;

/// A folder with a file for each sign-in.
#[derive(Debug)]
pub struct FileStore(PathBuf);

impl FileStore {
    /// In this folder, which is there.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn read(&self, key: &str) -> Result<Option<Grant>, StoreError> {
        match fs::read_to_string(self.0.join(key)) {
            Ok(kept) => Grant::from_secret(&kept.into()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn unavailable(error: &io::Error) -> StoreError {
    StoreError::Unavailable {
        code: Code::SecretsUnavailable,
        why: error.to_string(),
    }
}

impl TokenStore for FileStore {
    fn load<'a>(&'a self, key: &'a str) -> Later<'a, Result<Option<Grant>, StoreError>> {
        Box::pin(async { self.read(key) })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        before: Option<u64>,
        grant: &'a Grant,
    ) -> Later<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            if self.read(key)?.map(|kept| kept.revision) != before {
                return Ok(false);
            }
            // Whoever reads meanwhile finds the one or the other.
            let next = self.0.join(format!("{key}.{}", std::process::id()));
            let written = fs::write(&next, grant.to_secret().expose());
            written
                .and_then(|()| fs::rename(&next, self.0.join(key)))
                .map_err(|error| unavailable(&error))?;
            Ok(true)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match fs::remove_file(self.0.join(key)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(&error)),
                _ => Ok(()),
            }
        })
    }
}
