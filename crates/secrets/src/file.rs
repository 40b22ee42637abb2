//! Secrets in an encrypted file, for machines without a keychain, whose user has chosen that.
//!
//! The file is one object of JSON, names with their secrets, sealed with AES-256-GCM (NIST SP 800-38D): a line that
//! names the format and is authenticated with it, the nonce (12 bytes), the sealed object and its tag (16 bytes). The
//! key is random and in a file of its own. The file is read for each secret and written whole, with a nonce of its own,
//! beside itself first and under a lock between processes.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use berth_protocol::{Code, Secret};

/// Largest file, in bytes: thousands of secrets. A longer one is cut, and so refused.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What a file begins with.
const FORMAT: &[u8] = b"berth-secrets-1\n";

/// What the line with a key begins with.
const KEY: &str = "BERTH-SECRETS-KEY-1-";

/// Bytes of a key.
const KEY_LENGTH: usize = 32;

/// Why secrets cannot be kept in a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The key is none.
    #[error("{} holds no key ({KEY}…)", .0.display())]
    NoKey(PathBuf),
    /// Others may read or change it.
    #[error("{} is another user's, or may be read or changed by others (mode {mode:03o}); it must be one's own, with `chmod 600`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file cannot be decrypted.
    #[error("{} cannot be decrypted: it was written with another key, or is damaged", .0.display())]
    Locked(PathBuf),
    /// It is not what this version of Berth writes.
    #[error("{} is no file of Berth's secrets, or one of a newer Berth", .0.display())]
    Unknown(PathBuf),
}

impl FileError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        Code::SecretsFile
    }
}

/// An encrypted file and its key.
pub struct SecretsFile {
    path: PathBuf,
    key: RandomizedNonceKey,
    /// Held while the file is read and written again, before the lock between processes is asked for.
    changing: Mutex<()>,
}

impl SecretsFile {
    /// The file at `path`, which is made if it is not there yet, with the key in the file `key`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn make_or_open(path: &Path, key: &Path) -> Result<Self, FileError> {
        let file = Self::with_key(path, key)?;
        file.locked(|| match fs::symlink_metadata(&file.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => file.write(&BTreeMap::new()),
            _ => Ok(()),
        })?;
        file.all()?;
        Ok(file)
    }

    /// The file at `path`, with the key in the file `key`. One that is not there is not taken for an empty one: its
    /// disk may not be there yet.
    ///
    /// # Errors
    /// [`FileError`]: also when the file cannot be decrypted.
    pub fn open(path: &Path, key: &Path) -> Result<Self, FileError> {
        let file = Self::with_key(path, key)?;
        file.all()?;
        Ok(file)
    }

    fn with_key(path: &Path, key: &Path) -> Result<Self, FileError> {
        let mut text = String::new();
        let mut file = opened_by_owner(key).map_err(|error| error.of(key))?;
        file.read_to_string(&mut text)
            .map_err(|error| failed(key, error))?;
        let known = text.trim().strip_prefix(KEY).and_then(bytes);
        let known = known.and_then(|key| RandomizedNonceKey::new(&AES_256_GCM, &key).ok());
        Ok(Self {
            path: Self::place(path)?,
            key: known.ok_or_else(|| FileError::NoKey(key.to_owned()))?,
            changing: Mutex::new(()),
        })
    }

    /// Makes a key in a file that is not there yet: one that is may be all that opens what is kept.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn make_key(path: &Path) -> Result<(), FileError> {
        let key: [u8; KEY_LENGTH] = rand::random();
        let mut text = KEY.to_owned();
        for byte in key {
            text.push_str(&format!("{byte:02x}"));
        }
        text.push('\n');
        let made = private().create_new(true).open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        });
        made.map_err(|error| failed(path, error))
    }

    /// Where a file is or would be, whichever links lead there.
    ///
    /// # Errors
    /// [`FileError::Io`] when there is no folder for it.
    pub fn place(path: &Path) -> Result<PathBuf, FileError> {
        whole(path).map_err(|error| failed(path, error))
    }

    /// Where it is, whichever links lead there.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn get(&self, name: &str) -> Result<Option<Secret>, FileError> {
        Ok(self.all()?.remove(name).map(Secret::new))
    }

    pub(crate) fn set(&self, name: &str, secret: &Secret) -> Result<(), FileError> {
        self.change(|all| {
            let secret = secret.expose().to_owned();
            all.insert(name.to_owned(), secret.clone()) != Some(secret)
        })
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), FileError> {
        self.change(|all| all.remove(name).is_some())
    }

    fn all(&self) -> Result<BTreeMap<String, String>, FileError> {
        let path = &self.path;
        let mut sealed = Vec::new();
        match opened_by_owner(path) {
            Ok(file) => {
                let read = file.take(LARGEST).read_to_end(&mut sealed);
                read.map_err(|error| failed(path, error))?;
            }
            Err(error) => return Err(error.of(path)),
        }
        if !sealed.starts_with(FORMAT) {
            return Err(FileError::Unknown(path.clone()));
        }
        let opened = self.opened(&mut sealed);
        let opened = opened.ok_or_else(|| FileError::Locked(path.clone()))?;
        serde_json::from_slice(opened).map_err(|_| FileError::Unknown(path.clone()))
    }

    fn opened<'a>(&self, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let (format, sealed) = sealed.split_at_mut_checked(FORMAT.len())?;
        let (nonce, sealed) = sealed.split_at_mut_checked(NONCE_LEN)?;
        if format != FORMAT {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.key.open_in_place(nonce, Aad::from(FORMAT), sealed);
        opened.ok().map(|opened| &*opened)
    }

    fn sealed(&self, all: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
        let mut sealed = serde_json::to_vec(all)?;
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(FORMAT), &mut sealed);
        let nonce = nonce.map_err(io::Error::other)?;
        let whole = [FORMAT, nonce.as_ref(), &sealed].concat();
        // It could not be read again.
        match whole.len() as u64 {
            length if length < LARGEST => Ok(whole),
            length => Err(io::Error::other(format!(
                "it would have {length} bytes, and takes less than {LARGEST}"
            ))),
        }
    }

    /// Changes what is kept, if `change` says that there is something to change.
    fn change(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> bool,
    ) -> Result<(), FileError> {
        self.locked(|| {
            let mut all = self.all()?;
            match change(&mut all) {
                true => self.write(&all),
                false => Ok(()),
            }
        })
    }

    /// Does something while nobody else changes the file.
    fn locked(&self, work: impl FnOnce() -> Result<(), FileError>) -> Result<(), FileError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = self.beside("lock");
        let held = private()
            .create(true)
            .truncate(false)
            .open(&lock)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| failed(&lock, error))?;
        let done = work();
        drop(held);
        done
    }

    /// Writes everything beside the file and puts it in its place: a kill leaves the old one or the new one.
    fn write(&self, all: &BTreeMap<String, String>) -> Result<(), FileError> {
        let path = &self.path;
        let sealed = self.sealed(all).map_err(|error| failed(path, error))?;
        let new = self.beside("new");
        // What a kill has left, or somebody has put there, would keep its permissions, or lead elsewhere.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&new, error));
            }
            _ => {}
        }
        let written = private()
            .create_new(true)
            .open(&new)
            .and_then(|mut file| file.write_all(&sealed).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, path));
        written.map_err(|error| failed(&new, error))?;
        // That it is there survives a power cut too, where folders can be opened.
        if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
            folder.sync_all().map_err(|error| failed(path, error))?;
        }
        Ok(())
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }
}

/// The bytes of a key in hexadecimal digits.
fn bytes(text: &str) -> Option<[u8; KEY_LENGTH]> {
    let mut key = [0; KEY_LENGTH];
    if text.len() != 2 * KEY_LENGTH || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(key)
}

fn failed(path: &Path, error: io::Error) -> FileError {
    FileError::Io {
        path: path.to_owned(),
        error,
    }
}

/// Opens for writing what its owner alone may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Why a file is not opened.
enum NotOpened {
    Io(io::Error),
    Exposed(u32),
}

impl NotOpened {
    fn of(self, path: &Path) -> FileError {
        match self {
            Self::Io(error) => failed(path, error),
            Self::Exposed(mode) => FileError::Exposed {
                path: path.to_owned(),
                mode,
            },
        }
    }
}

/// Opens a file that is this user's or the system's, and that others neither read nor change; its group may read it,
/// as it is where containers are given their secrets. On Windows the access list of the user's folders says who may.
fn opened_by_owner(path: &Path) -> Result<File, NotOpened> {
    let file = File::open(path).map_err(NotOpened::Io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata().map_err(NotOpened::Io)?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o777);
        let is_ours = owner == 0 || owner == nix::unistd::geteuid().as_raw();
        if !is_ours || mode & 0o027 != 0 {
            return Err(NotOpened::Exposed(mode));
        }
    }
    Ok(file)
}

/// A path without links, of a file that need not be there yet: two ways to it have one lock.
fn whole(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let path = std::path::absolute(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("it is the path of no file"));
    };
    Ok(fs::canonicalize(folder)?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("secrets"), folder.path().join("key"));
        SecretsFile::make_key(&key).unwrap();
        (folder, path, key)
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn what_is_kept_is_there_again_and_nobody_reads_it_without_the_key() {
        let (_folder, path, key) = place();
        let missing = SecretsFile::open(&path, &key);
        assert!(
            matches!(missing, Err(FileError::Io { .. })),
            "it is not taken for an empty one"
        );
        let file = SecretsFile::make_or_open(&path, &key).unwrap();
        assert!(file.get("a").unwrap().is_none());
        file.set("a", &secret("hidden words")).unwrap();
        file.set("b", &secret("more")).unwrap();
        file.remove("b").unwrap();
        file.remove("never there").unwrap();

        let sealed = fs::read(&path).unwrap();
        assert!(sealed.starts_with(FORMAT));
        assert!(!String::from_utf8_lossy(&sealed).contains("hidden"));
        let again = SecretsFile::make_or_open(&path, &key).unwrap();
        assert_eq!(again.get("a").unwrap().unwrap().expose(), "hidden words");
        assert!(again.get("b").unwrap().is_none());

        let taken = SecretsFile::make_key(&key);
        assert!(taken.is_err(), "the key is not written over");
        fs::remove_file(&key).unwrap();
        SecretsFile::make_key(&key).unwrap();
        let other = SecretsFile::open(&path, &key);
        assert!(matches!(other, Err(FileError::Locked(_))));
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_as_it_is() {
        let (_folder, path, key) = place();
        let file = SecretsFile::make_or_open(&path, &key).unwrap();
        file.set("a", &secret("words")).unwrap();
        let whole = fs::read(&path).unwrap();
        let cut = [0, 10, whole.len() - 1].map(|length| whole[..length].to_vec());
        let changed = [0, FORMAT.len(), FORMAT.len() + NONCE_LEN, whole.len() - 1].map(|at| {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            changed
        });
        for damaged in cut.into_iter().chain(changed) {
            fs::write(&path, &damaged).unwrap();
            assert!(SecretsFile::open(&path, &key).is_err());
            assert!(file.set("b", &secret("more")).is_err());
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn a_key_that_is_none_is_told() {
        let (_folder, path, key) = place();
        let right = fs::read_to_string(&key).unwrap();
        for wrong in [
            "",
            "secret\n",
            KEY,
            &right[..right.len() - 2],
            &right.replace(KEY, ""),
        ] {
            fs::write(&key, wrong).unwrap();
            let opened = SecretsFile::open(&path, &key);
            assert!(matches!(opened, Err(FileError::NoKey(_))), "{wrong}");
        }
        fs::remove_file(&key).unwrap();
        let opened = SecretsFile::open(&path, &key);
        assert!(matches!(opened, Err(FileError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it_and_changes_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path, key) = place();
        let file = SecretsFile::make_or_open(&path, &key).unwrap();
        file.set("a", &secret("words")).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for which in [&key, &path] {
            for (mode, is_taken) in [
                (0o640, true),
                (0o604, false),
                (0o620, false),
                (0o602, false),
            ] {
                set(which, mode);
                assert_eq!(SecretsFile::open(&path, &key).is_ok(), is_taken, "{mode:o}");
            }
            set(which, 0o600);
        }
        // What lies in the way keeps neither its permissions nor the place that it leads to.
        let victim = path.with_file_name("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, path.with_file_name("secrets.new")).unwrap();
        file.set("b", &secret("more")).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn two_ways_to_a_file_lead_to_the_same() {
        let (folder, path, key) = place();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let file = SecretsFile::make_or_open(&path, &key).unwrap();
        file.set("a", &secret("words")).unwrap();
        let other = SecretsFile::open(&link, &key).unwrap();
        assert_eq!(other.path(), file.path());
        other.set("b", &secret("more")).unwrap();
        assert_eq!(file.get("b").unwrap().unwrap().expose(), "more");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn writers_at_once_lose_nothing_of_each_other() {
        let (_folder, path, key) = place();
        let threads = (0..4).map(|thread| {
            // Each is as a process of its own: it knows nothing of the others but the file.
            let file = SecretsFile::make_or_open(&path, &key).unwrap();
            std::thread::spawn(move || {
                for number in 0..10 {
                    file.set(&format!("{thread}-{number}"), &secret("words"))
                        .unwrap();
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let file = SecretsFile::open(&path, &key).unwrap();
        assert_eq!(file.all().unwrap().len(), 40);
    }
}
