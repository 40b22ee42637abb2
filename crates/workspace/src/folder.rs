//! Folders that the user names: whether they can become a project, and what is in them.
//!
//! These functions block on the file system; call them where blocking is allowed.

use std::{
    io,
    path::{Path, PathBuf},
};

use berth_protocol::{Folder, FolderList};

use crate::{
    WorkspaceError,
    text::{lossy_path, plain},
};

/// Sub-folders that [`list_folders`] returns at most.
const MAX_FOLDERS: usize = 1_000;

/// The folder that the user named, with a leading `~/` expanded and symbolic links resolved.
///
/// # Errors
/// [`WorkspaceError::PathNotAbsolute`], [`WorkspaceError::PathMissing`],
/// [`WorkspaceError::PathNotFolder`] or [`WorkspaceError::PathNotReadable`].
pub fn check_folder(path: &str, home: Option<&Path>) -> Result<PathBuf, WorkspaceError> {
    let named = expand(path, home)?;
    let unreadable = |error| not_readable(&named, error);
    let found = named.metadata().map_err(unreadable)?;
    if !found.is_dir() {
        return Err(WorkspaceError::PathNotFolder { path: named });
    }
    // Listing proves the permission to read, looking up a name the permission to enter.
    named.read_dir().map_err(unreadable)?;
    named.join(".").metadata().map_err(unreadable)?;
    named.canonicalize().map(plain).map_err(unreadable)
}

/// The visible sub-folders of a folder that [`check_folder`] returned, by name.
///
/// # Errors
/// [`WorkspaceError::PathMissing`] or [`WorkspaceError::PathNotReadable`].
pub fn list_folders(path: &Path) -> Result<FolderList, WorkspaceError> {
    let entries = path.read_dir().map_err(|error| not_readable(path, error))?;
    // One entry that vanishes or cannot be read must not hide the others.
    let mut folders: Vec<Folder> = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        // A name that is not Unicode could not be sent back as a request.
        .filter_map(|path| {
            Some(Folder {
                name: path.file_name()?.to_str()?.to_owned(),
                path: path.to_str()?.to_owned(),
                git: path.join(".git").exists(),
            })
        })
        .collect();
    folders.sort_by_cached_key(|folder| (folder.name.to_lowercase(), folder.name.clone()));
    folders.truncate(MAX_FOLDERS);
    Ok(FolderList {
        path: lossy_path(path),
        parent: path.parent().map(lossy_path),
        folders,
    })
}

fn expand(path: &str, home: Option<&Path>) -> Result<PathBuf, WorkspaceError> {
    let not_absolute = || WorkspaceError::PathNotAbsolute {
        path: path.to_owned(),
    };
    let below_home = match path.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest
            .strip_prefix('/')
            .or_else(|| rest.strip_prefix(std::path::MAIN_SEPARATOR)),
        None => None,
    };
    let named = match below_home {
        // `~//etc` stays below the home folder.
        Some(rest) => home
            .ok_or_else(not_absolute)?
            .join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR])),
        None => PathBuf::from(path),
    };
    if named.is_absolute() {
        Ok(named)
    } else {
        Err(not_absolute())
    }
}

fn not_readable(path: &Path, source: io::Error) -> WorkspaceError {
    let path = path.to_owned();
    match source.kind() {
        // `file/x` fails with NotADirectory, a path with a zero byte or too long a name with the
        // other two: nothing can be there.
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidFilename => WorkspaceError::PathMissing { path },
        _ => WorkspaceError::PathNotReadable { path, source },
    }
}

#[cfg(test)]
mod tests;
