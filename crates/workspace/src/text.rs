//! Bytes that git prints, as text and as paths.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

/// The bytes as text; what is not UTF-8 becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The path as text; what is not Unicode becomes U+FFFD.
pub(crate) fn lossy_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A path as git prints it.
#[cfg(unix)]
pub(crate) fn path(bytes: &[u8]) -> Cow<'_, Path> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    Cow::Borrowed(Path::new(OsStr::from_bytes(bytes)))
}

/// A path as git prints it, which is UTF-8 with `/` on Windows.
#[cfg(not(unix))]
pub(crate) fn path(bytes: &[u8]) -> Cow<'_, Path> {
    Cow::Owned(PathBuf::from(lossy(bytes)))
}

/// The path with symbolic links resolved, in the form that other programs understand. Parts at its
/// end that do not exist are kept as they are.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        if let Ok(found) = existing.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(plain(found), |path, part| path.join(part));
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
            return path.to_owned();
        };
        missing.push(name);
        existing = parent;
    }
}

/// The path without the `\\?\` that Windows puts before resolved paths and git does not take.
pub(crate) fn plain(path: PathBuf) -> PathBuf {
    if !cfg!(windows) {
        return path;
    }
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(rest) if rest.as_bytes().get(1) == Some(&b':') => PathBuf::from(rest),
        _ => path,
    }
}
