//! Lets several checkouts share one target folder.
//!
//! Cargo decides by time stamps alone whether a member is up to date, and names its artifacts alike
//! in every checkout. After a build in a fresh clone, an older file of another checkout would look
//! built although its content differs, and programs would look for their files in the clone. So a
//! checkout that takes the folder over makes its sources new.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Command,
    time::SystemTime,
};

use crate::{
    cache::{self, CacheError},
    process,
    repository::Repository,
};

/// Beside cargo's own files: the checkout that built last.
const MARK: &str = ".berth-checkout";

/// Makes cargo rebuild the members if the target folder last served another checkout.
pub(crate) fn claim(repository: &Repository) -> Result<(), CacheError> {
    let mark = repository.target.join(MARK);
    let own = repository.root.to_string_lossy();
    match fs::read(&mark) {
        Ok(last) if last == own.as_bytes() => return Ok(()),
        Ok(_) => touch(&sources(repository)),
        // Nobody built here yet.
        Err(_) => {}
    }
    cache::write(&mark, own.as_bytes())
}

fn touch(paths: &[PathBuf]) {
    let now = SystemTime::now();
    for path in paths {
        // A file that cannot be touched is rebuilt when it changes, as ever.
        if let Ok(file) = File::options().append(true).open(path) {
            file.set_modified(now).ok();
        }
    }
}

/// The files that are under version control or about to be; none where git does not know.
fn sources(repository: &Repository) -> Vec<PathBuf> {
    let mut git = Command::new("git");
    git.current_dir(&repository.root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]);
    let Ok((status, listing)) = process::output(&mut git) else {
        return Vec::new();
    };
    if !status.success() {
        return Vec::new();
    }
    listing
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| repository.root.join(name))
        .collect()
}
