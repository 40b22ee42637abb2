//! Keys and tokens in the keychain of the operating system: Keychain Services on macOS, the
//! Credential Manager on Windows, a Secret Service (gnome-keyring, KWallet, KeePassXC) elsewhere.
//!
//! Where there is no keychain, the user may choose an encrypted file instead ([`keep_in_file`]); nothing is chosen by
//! itself, and nothing is ever kept in the clear.
//!
//! Nothing is kept here: a secret is read when it is needed and lives as long as its
//! [`Secret`](berth_protocol::Secret). Names are no secrets; they are shown by the system's own
//! programs, where users look after what Berth has stored.
//!
//! A secret that is longer than what a keychain takes in one entry is kept in several ([`entry`]).

pub mod entry;
mod file;
mod parts;

use std::sync::OnceLock;

use berth_protocol::{Code, LONGEST_SECRET, Secret};

use entry::PATIENCE;
pub use file::{FileError, SecretsFile};
use parts::Place;

/// What takes the keychain's place in this process.
static FILE: OnceLock<SecretsFile> = OnceLock::new();

/// Has all secrets of this process in a file instead of the keychain. What the keychain holds is left there.
///
/// # Errors
/// The file itself, when another was chosen before.
pub fn keep_in_file(file: SecretsFile) -> Result<(), Box<SecretsFile>> {
    FILE.set(file).map_err(Box::new)
}

/// Secrets are in a file instead of the keychain.
pub fn is_file() -> bool {
    FILE.get().is_some()
}

/// How to name the place of secrets to somebody.
pub fn place() -> &'static str {
    match is_file() {
        true => "the encrypted file",
        false => "the keychain",
    }
}

/// Why a secret could not be had, kept or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// There is no keychain in this session of the user.
    #[error("there is no keychain: {0}")]
    Unavailable(String),
    /// It is locked, or its user refused.
    #[error("the keychain refused: {0}")]
    Refused(String),
    /// It does not answer.
    #[error("{} did not answer within {} s; it may be asking for its password", place(), PATIENCE.as_secs())]
    Silent,
    /// The file that was chosen in its place cannot be used.
    #[error("the file with the secrets cannot be used: {0}")]
    File(String),
    /// The secret is too long to be kept.
    #[error("the secret has {0} bytes, which are more than can be kept")]
    TooLong(usize),
}

impl SecretsError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => Code::SecretsUnavailable,
            Self::Refused(_) | Self::Silent => Code::SecretsRefused,
            Self::File(_) => Code::SecretsFile,
            Self::TooLong(_) => Code::BadRequest,
        }
    }
}

/// The secret of this name; nothing when there is none.
///
/// # Errors
/// When there is no keychain, or it refuses.
pub async fn get(name: &str) -> Result<Option<Secret>, SecretsError> {
    parts::get(&Place, name).await
}

/// Keeps a secret of at most [`LONGEST_SECRET`] bytes under a name, instead of any before it. Whoever is cut off
/// meanwhile leaves the one before, or this one. Two must not change the same one at once.
///
/// # Errors
/// As [`get`]; [`SecretsError::TooLong`].
pub async fn set(name: &str, secret: Secret) -> Result<(), SecretsError> {
    let length = secret.expose().len();
    if length > LONGEST_SECRET {
        return Err(SecretsError::TooLong(length));
    }
    parts::set(&Place, name, &secret).await
}

/// Removes the secret of this name. There being none is no error.
///
/// # Errors
/// As [`get`].
pub async fn remove(name: &str) -> Result<(), SecretsError> {
    parts::remove(&Place, name).await
}
