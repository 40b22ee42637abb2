//! One entry of the keychain, or of the file that takes its place. Whoever keeps something in several entries and has an
//! order of its own for them uses these; everybody else keeps secrets of any length with [`get`](crate::get) and
//! [`set`](crate::set).

use std::time::Duration;

use berth_protocol::{LONGEST_SECRET, Secret};
use keyring::{Entry, Error};
use tokio::sync::{Semaphore, oneshot};

use crate::{FILE, FileError, SecretsError, SecretsFile, is_file};

/// What every keychain takes in one entry, in bytes: the Credential Manager of Windows takes 2,560
/// (`CRED_MAX_CREDENTIAL_BLOB_SIZE`), two for each character.
pub const LONGEST_ENTRY: usize = 1280;

/// What the keychain's own program shows as the owner of our entries.
const SERVICE: &str = "Berth";

/// How long a keychain may take: it may ask its user for a password.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Questions to the keychain at once.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// What the place of secrets in this process takes in one entry, in bytes. A file takes a secret whole.
pub(crate) fn longest() -> usize {
    match is_file() {
        true => LONGEST_SECRET,
        false => LONGEST_ENTRY,
    }
}

/// What the entry of this name holds; nothing when there is none.
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

/// Makes an entry, instead of any of its name before it.
///
/// # Errors
/// As [`get`]; [`SecretsError::TooLong`] when it has more than [`LONGEST_ENTRY`] bytes, and is not for a file.
pub async fn set(name: &str, secret: Secret) -> Result<(), SecretsError> {
    let length = secret.expose().len();
    if length > longest() {
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

/// Removes the entry of this name. There being none is no error.
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
