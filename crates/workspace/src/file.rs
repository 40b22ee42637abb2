//! Reads untracked files of a workspace: bounded, and never through a symbolic link.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    path::Path,
};

use crate::text;

/// Bytes up to which a file is read as text.
pub(crate) const MAX_TEXT: u64 = 1024 * 1024;

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Text, or what can be shown as such.
    Text(Vec<u8>),
    /// A symbolic link, with its target.
    Link(Vec<u8>),
    /// It has a zero byte or is longer than [`MAX_TEXT`].
    Binary,
    /// A folder, a pipe or the like.
    Other,
}

/// Reads the file at a path that git printed.
pub(crate) fn read(root: &Path, path: &[u8]) -> io::Result<Content> {
    let path = root.join(text::path(path));
    let found = path.symlink_metadata()?;
    if found.is_symlink() {
        let target = path.read_link()?;
        return Ok(Content::Link(target.into_os_string().into_encoded_bytes()));
    }
    if !found.is_file() {
        return Ok(Content::Other);
    }
    let file = open(&path)?;
    // It may have been replaced meanwhile; the open file is what counts.
    let found = file.metadata()?;
    if !found.is_file() {
        return Ok(Content::Other);
    }
    if found.len() > MAX_TEXT {
        return Ok(Content::Binary);
    }
    let mut bytes = Vec::new();
    file.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT || bytes.contains(&0) {
        return Ok(Content::Binary);
    }
    Ok(Content::Text(bytes))
}

/// Lines of a text, a last one without line feed included.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    let feeds = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let unfinished = bytes.last().is_some_and(|byte| *byte != b'\n');
    feeds + u64::from(unfinished)
}

/// Whether the file can be executed.
#[cfg(unix)]
pub(crate) fn is_executable(root: &Path, path: &[u8]) -> bool {
    use std::os::unix::fs::PermissionsExt;

    root.join(text::path(path))
        .symlink_metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_executable(_root: &Path, _path: &[u8]) -> bool {
    false
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use nix::libc::{O_NOFOLLOW, O_NONBLOCK};

    // A pipe that takes the file's place must not make this wait for a writer.
    OpenOptions::new()
        .read(true)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(test)]
mod tests;
