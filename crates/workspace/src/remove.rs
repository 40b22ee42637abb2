//! Removes linked worktrees and their folders.
//!
//! A folder is first renamed, then taken out of git's list, then deleted. Whatever stops this in
//! the middle, the folder is either whole under its name or gone from it, never half deleted.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Git, WorkspaceError,
    repository::{Entry, Repository},
    text,
};

/// End of the name of a folder that is being deleted.
const REMOVED_SUFFIX: &str = ".berth-removed";

/// Attempts to rename a folder. On Windows a virus scanner holds files open for moments.
const RENAME_ATTEMPTS: u32 = if cfg!(windows) { 10 } else { 1 };

/// Time between these attempts.
const RENAME_PAUSE: Duration = Duration::from_millis(200);

impl Git {
    /// The linked worktree that the folder is in, as git knows it; its folder may be gone.
    pub(crate) async fn linked(
        &self,
        repository: &Repository,
        folder: &Path,
    ) -> Result<Option<Entry>, WorkspaceError> {
        let folder = text::resolved(folder);
        let entries = self.worktrees(repository).await?;
        Ok(entries
            .into_iter()
            .filter(|entry| !entry.main && folder.starts_with(&entry.path))
            .max_by_key(|entry| entry.path.as_os_str().len()))
    }

    /// Removes a linked worktree with everything in it; its folder may be gone already.
    pub(crate) async fn remove_worktree(
        &self,
        repository: &Repository,
        root: &Path,
    ) -> Result<(), WorkspaceError> {
        let aside = aside(root);
        // What an interrupted removal left.
        remove_folder(aside.clone()).await?;
        let moved = rename(root, &aside).await?;
        let action = format!("remove the worktree at {}", root.display());
        let removed = self
            .write_shared(repository, action)
            // Once for uncommitted changes, twice for a lock, which also a killed git leaves.
            .args(["worktree", "remove", "--force", "--force", "--"])
            .arg(root)
            .succeed()
            .await;
        if let Err(error) = removed {
            if moved && let Err(back) = fs::rename(&aside, root) {
                tracing::error!(error = %back, from = %aside.display(), to = %root.display(),
                    "a worktree could not be put back");
            }
            return Err(error);
        }
        if let Err(error) = remove_folder(aside).await {
            // The worktree is gone for git and the user; only space is wasted.
            tracing::warn!(%error, "the folder of a removed worktree is left");
        }
        Ok(())
    }
}

/// Deletes what interrupted removals left in the folder of all workspaces, which holds a folder for
/// each project; returns how many there were. Only such folders go that no repository knows any
/// more: with them everything was done but the deletion.
pub async fn sweep_removed(workspaces: &Path) -> usize {
    let workspaces = workspaces.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let list = |folder: &Path| folder.read_dir().into_iter().flatten().flatten();
        let within = list(&workspaces).flat_map(|project| list(&project.path()));
        let removed = |path: &PathBuf| {
            path.to_str()
                .is_some_and(|path| path.ends_with(REMOVED_SUFFIX))
        };
        within
            .map(|entry| entry.path())
            .filter(removed)
            .filter(|path| is_dead(path))
            .collect::<Vec<_>>()
    });
    let mut swept = 0;
    for folder in found.await.unwrap_or_default() {
        match remove_folder(folder).await {
            Ok(()) => swept += 1,
            Err(error) => tracing::warn!(%error, "the folder of a removed worktree is left"),
        }
    }
    swept
}

/// Whether the folder's `.git` is a file that names a folder which does not exist.
pub(crate) fn is_dead(folder: &Path) -> bool {
    let Ok(link) = fs::read(folder.join(".git")) else {
        return false;
    };
    let Some(target) = link.strip_prefix(b"gitdir: ") else {
        return false;
    };
    !folder.join(text::path(target.trim_ascii_end())).exists()
}

pub(crate) fn aside(root: &Path) -> PathBuf {
    let mut name = root.file_name().map_or_else(OsString::new, OsString::from);
    name.push(REMOVED_SUFFIX);
    root.with_file_name(name)
}

/// Renames a folder, and says whether there was one.
async fn rename(from: &Path, to: &Path) -> Result<bool, WorkspaceError> {
    let mut attempt = 1;
    loop {
        match fs::rename(from, to) {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(_) if attempt < RENAME_ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(RENAME_PAUSE).await;
            }
            Err(source) => {
                return Err(WorkspaceError::Io {
                    action: "move aside the folder",
                    path: from.to_owned(),
                    source,
                });
            }
        }
    }
}

/// Deletes a folder with everything in it, without following links. Nothing there is no error.
pub(crate) async fn remove_folder(folder: PathBuf) -> Result<(), WorkspaceError> {
    let work = tokio::task::spawn_blocking(move || match delete(&folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(WorkspaceError::Io {
            action: "delete the folder",
            path: folder,
            source,
        }),
    });
    work.await.map_err(|_| WorkspaceError::Interrupted {
        action: "delete a folder",
    })?
}

fn delete(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // Package caches make their folders read-only, which protects the files in them.
            make_writable(folder);
            fs::remove_dir_all(folder)
        }
        done => done,
    }
}

#[cfg(unix)]
fn make_writable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    if !is_folder(folder) {
        return;
    }
    // What cannot be changed shows when deleting is tried again.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        make_writable(&entry.path());
    }
}

#[cfg(not(unix))]
fn make_writable(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let Ok(found) = entry.metadata() else {
            continue;
        };
        if found.is_dir() {
            make_writable(&entry.path());
            continue;
        }
        let mut permissions = found.permissions();
        permissions.set_readonly(false);
        // What cannot be changed shows when deleting is tried again.
        let _ = fs::set_permissions(entry.path(), permissions);
    }
}

#[cfg(test)]
mod tests;
