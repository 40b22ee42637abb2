//! Keys and tokens in the keychain of the operating system: Keychain Services on macOS, the
//! Credential Manager on Windows, a Secret Service (gnome-keyring, KWallet, KeePassXC) elsewhere.
//!
//! Where there is no keychain, the user may choose an encrypted file instead ([`keep_in_file`]); nothing is chosen by
//! itself, and nothing is ever kept in the clear.
//!
//! Nothing is kept here: a secret is read when it is needed and lives as long as its
//! [`Secret`](berth_protocol::Secret). Names are no secrets; they are shown by the system's own
//! programs, where users look after what Berth has stored.

mod file;

use std::{sync::OnceLock, time::Duration};

use berth_protocol::{Code, LONGEST_SECRET, Secret};
use keyring::{Entry, Error};
use tokio::sync::{Semaphore, oneshot};

pub use file::{FileError, SecretsFile};

/// What the keychain's own program shows as the owner of our entries.
const SERVICE: &str = "Berth";

/// How long a keychain may take: it may ask its user for a password.
const PATIENCE: Duration = Duration::from_secs(120);

/// Questions to the keychain at once.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

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
    /// The secret is too long for a keychain.
    #[error("the secret has {0} bytes, and keychains take at most {LONGEST_SECRET}")]
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
    ask(name, |place| match place {
        Place::Keychain(entry) => match entry.get_password() {
            Ok(secret) => Ok(Some(Secret::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(&error)),
        },
        Place::File(file, name) => file.get(name).map_err(|error| unusable(&error)),
    })
    .await
}

/// Keeps a secret under a name, instead of any before it.
///
/// # Errors
/// As [`get`]; [`SecretsError::TooLong`].
pub async fn set(name: &str, secret: Secret) -> Result<(), SecretsError> {
    let length = secret.expose().len();
    if length > LONGEST_SECRET {
        return Err(SecretsError::TooLong(length));
    }
    ask(name, move |place| match place {
        Place::Keychain(entry) => {
            let set = entry.set_password(secret.expose());
            set.map_err(|error| failed(&error))
        }
        Place::File(file, name) => file.set(name, &secret).map_err(|error| unusable(&error)),
    })
    .await
}

/// Removes the secret of this name. There being none is no error.
///
/// # Errors
/// As [`get`].
pub async fn remove(name: &str) -> Result<(), SecretsError> {
    ask(name, |place| match place {
        Place::Keychain(entry) => match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(&error)),
        },
        Place::File(file, name) => file.remove(name).map_err(|error| unusable(&error)),
    })
    .await
}

/// Where a secret is.
enum Place<'a> {
    Keychain(Entry),
    File(&'static SecretsFile, &'a str),
}

fn unusable(error: &FileError) -> SecretsError {
    SecretsError::File(error.to_string())
}

/// Asks the keychain on a thread that may wait for its user. Nothing can call it back: a thread that nobody
/// waits for any more ends when the keychain answers, or with the program, which does not wait for it.
async fn ask<T: Send + 'static>(
    name: &str,
    act: impl FnOnce(&Place<'_>) -> Result<T, SecretsError> + Send + 'static,
) -> Result<T, SecretsError> {
    let name = name.to_owned();
    let (tell, told) = oneshot::channel();
    let asked = async {
        // The place is given back by the thread, so that a keychain that hangs does not get ever more of them.
        let place = AT_ONCE
            .acquire()
            .await
            .map_err(|closed| SecretsError::Unavailable(closed.to_string()))?;
        let thread = std::thread::Builder::new().name("keychain".to_owned());
        let thread = thread.spawn(move || {
            let found = match FILE.get() {
                Some(file) => Ok(Place::File(file, &name)),
                None => Entry::new(SERVICE, &name)
                    .map(Place::Keychain)
                    .map_err(|error| failed(&error)),
            };
            let answer = found.and_then(|place| act(&place));
            drop(place);
            // Nobody may want to know any more.
            let _ = tell.send(answer);
        });
        thread.map_err(|error| SecretsError::Unavailable(error.to_string()))?;
        match told.await {
            Ok(answer) => answer,
            Err(_) => Err(SecretsError::Unavailable(
                "the thread that asked it has ended".to_owned(),
            )),
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or(Err(SecretsError::Silent))
}

fn failed(error: &Error) -> SecretsError {
    match error {
        Error::NoDefaultStore => {
            let why = Entry::store_status().as_ref().err();
            SecretsError::Unavailable(why.map_or_else(|| error.to_string(), told))
        }
        // The connection is made once: it does not outlive the keychain's own program.
        Error::PlatformFailure(_) => SecretsError::Unavailable(told(error)),
        error => SecretsError::Refused(told(error)),
    }
}

/// An error with what caused it, which is where the system's own words are. An error that holds data
/// of the entry says nothing but its kind: `Display` of the library leaves the data out.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
