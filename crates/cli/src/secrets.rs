//! Where secrets are kept: in the keychain, or in a file that the user has chosen.
//!
//! The choice is noted in the data folder, because whoever starts the next engine, the window for one, knows nothing
//! of the options of this one: secrets would be looked for where they are not.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use berth_protocol::Code;
use berth_secrets::{FileError, SecretsFile};
use clap::Args;
use serde::{Deserialize, Serialize};

/// The note of the choice, in the data folder.
const NOTE: &str = "secrets.json";

#[derive(Args)]
#[group(id = "secrets")]
pub struct Options {
    /// File that secrets are kept in, encrypted, in the place of the system's keychain. It is used from then on
    #[arg(
        long,
        value_name = "FILE",
        env = "BERTH_SECRETS_FILE",
        requires = "secrets_key"
    )]
    secrets_file: Option<PathBuf>,
    /// File with the key for the file of secrets; `berth secrets new-key` makes one
    #[arg(
        long,
        value_name = "FILE",
        env = "BERTH_SECRETS_KEY",
        requires = "secrets_file"
    )]
    secrets_key: Option<PathBuf>,
    /// Keep secrets in the system's keychain again. What is in the file stays there
    #[arg(long, conflicts_with_all = ["secrets_file", "secrets_key"])]
    keychain: bool,
}

/// A choice of a file.
#[derive(Serialize, Deserialize)]
struct Chosen {
    file: PathBuf,
    key: PathBuf,
}

/// Why it is not known where secrets are kept, or they cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The note cannot be read or written.
    #[error("{}, which says where secrets are kept: {error}", path.display())]
    Note {
        /// The note.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl ChoiceError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        Code::SecretsFile
    }
}

/// What is noted of a choice once the engine has started: one that did not start changes nothing.
pub struct Choice {
    note: PathBuf,
    change: Change,
}

enum Change {
    Nothing,
    Keychain,
    File(Chosen),
}

/// Has this process keep its secrets where its user has said, now or before. The data folder is there.
///
/// # Errors
/// [`ChoiceError`]: a choice that cannot be followed is never replaced by another.
pub fn choose(options: Options, data_dir: &Path) -> Result<Choice, ChoiceError> {
    let note = data_dir.join(NOTE);
    let noted = |error| ChoiceError::Note {
        path: note.clone(),
        error,
    };
    if options.keychain {
        let change = Change::Keychain;
        return Ok(Choice { note, change });
    }
    let known = match fs::read(&note) {
        Ok(text) => {
            let known: Result<Chosen, _> = serde_json::from_slice(&text);
            Some(known.map_err(|error| noted(error.into()))?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(noted(error)),
    };
    let (secrets, change) = match (options.secrets_file, options.secrets_key, known) {
        (Some(file), Some(key), known) => {
            // Said at each start, as by a variable, it is new only once: afterwards its disk may not be there yet.
            let place = SecretsFile::place(&file)?;
            let secrets = match known {
                Some(known) if known.file == place => SecretsFile::open(&file, &key)?,
                _ => SecretsFile::make_or_open(&file, &key)?,
            };
            let chosen = Chosen {
                file: secrets.path().to_owned(),
                key: fs::canonicalize(&key).map_err(noted)?,
            };
            (secrets, Change::File(chosen))
        }
        (_, _, Some(known)) => {
            let secrets = SecretsFile::open(&known.file, &known.key)?;
            (secrets, Change::Nothing)
        }
        _ => {
            let change = Change::Nothing;
            return Ok(Choice { note, change });
        }
    };
    // Nothing in this process has asked for a secret yet.
    let _ = berth_secrets::keep_in_file(secrets);
    Ok(Choice { note, change })
}

impl Choice {
    /// Notes it for the engines to come.
    ///
    /// # Errors
    /// [`ChoiceError::Note`].
    pub fn keep(self) -> Result<(), ChoiceError> {
        let kept = match &self.change {
            Change::Nothing => Ok(()),
            Change::Keychain => match fs::remove_file(&self.note) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Change::File(chosen) => write(&self.note, chosen),
        };
        kept.map_err(|error| ChoiceError::Note {
            path: self.note,
            error,
        })
    }
}

/// Writes the note whole or not at all.
fn write(note: &Path, chosen: &Chosen) -> io::Result<()> {
    let draft = note.with_extension("json.new");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec_pretty(chosen)?)?;
    file.sync_all()?;
    fs::rename(&draft, note)
}
