//! The changes of one file of a workspace as a unified diff.

use std::path::{Component, Path};

use berth_protocol::{ChangeKind, FilePatch};

use crate::{
    Git, WorkspaceError,
    file::{self, Content},
    raw_diff::{RawChange, RawChanges, diff},
    repository::Repository,
    text::{self, lossy},
};

/// Bytes of a patch at most; a longer one ends with its last whole line before.
const MAX_PATCH: usize = 1024 * 1024;

impl Git {
    /// The changes of one file against a commit, or against nothing before the first commit. The
    /// file is named as [`crate::Comparison`] names it.
    ///
    /// # Errors
    /// [`WorkspaceError::FileInvalid`] when the path leads out of the workspace,
    /// [`WorkspaceError::FileNotFound`] when it is not a changed file,
    /// [`WorkspaceError::BaseNotFound`] and the failures of git.
    pub async fn patch(
        &self,
        path: &Path,
        base_commit: Option<&str>,
        file: &str,
    ) -> Result<FilePatch, WorkspaceError> {
        check_file(file)?;
        let repository = self.repository(path).await?;
        let tree = self.tree(&repository, base_commit).await?;
        let action = format!("compare {file} in {} with its base", path.display());
        let work = Work {
            git: self,
            repository: &repository,
            tree: &tree,
            action: &action,
        };
        let found = work.find(file).await?;
        let (tracked, untracked) = (found.tracked, found.untracked);
        let mut patch = match &tracked {
            Some((name, change)) => work.tracked(file, name, change).await?,
            None => none(file),
        };
        if let Some(name) = untracked {
            add(&mut patch, addition(&repository.top, &name));
        } else if tracked.is_none() {
            return Err(WorkspaceError::FileNotFound {
                file: file.to_owned(),
                path: path.to_owned(),
            });
        }
        Ok(patch)
    }
}

/// What one question for a patch is about.
struct Work<'a> {
    git: &'a Git,
    repository: &'a Repository,
    tree: &'a str,
    action: &'a str,
}

/// What git knows of the file, under its name in bytes.
#[derive(Default)]
struct Found {
    tracked: Option<(Vec<u8>, RawChange)>,
    untracked: Option<Vec<u8>>,
}

impl Work<'_> {
    async fn find(&self, file: &str) -> Result<Found, WorkspaceError> {
        let others = ["--others", "--exclude-standard", "--"];
        // The name stands for other bytes when it was not UTF-8; only a look at all names tells.
        if file.contains(char::REPLACEMENT_CHARACTER) {
            let (tracked, untracked) = tokio::try_join!(
                self.changes(true, &[]),
                self.git.listed(self.repository, &others),
            )?;
            return Ok(Found {
                tracked: tracked.into_iter().find(|(name, _)| lossy(name) == file),
                untracked: untracked.into_iter().find(|name| lossy(name) == file),
            });
        }
        let named = [others[0], others[1], others[2], file];
        let files = [Path::new(file)];
        let (mut tracked, untracked) = tokio::try_join!(
            self.changes(false, &files),
            self.git.listed(self.repository, &named),
        )?;
        let mut change = tracked.remove(file.as_bytes());
        // By itself a renamed file looks like a new one.
        if change
            .as_ref()
            .is_some_and(|change| change.kind == ChangeKind::Added)
        {
            let renamed = self.changes(true, &[]).await?.remove(file.as_bytes());
            change = renamed.or(change);
        }
        Ok(Found {
            tracked: change.map(|change| (file.as_bytes().to_owned(), change)),
            untracked: untracked.into_iter().find(|name| name == file.as_bytes()),
        })
    }

    async fn changes(&self, renames: bool, files: &[&Path]) -> Result<RawChanges, WorkspaceError> {
        let run = self.git.read(&self.repository.top, self.action);
        self.git
            .raw_changes(run, self.tree, renames, files, self.action)
            .await
    }

    async fn tracked(
        &self,
        file: &str,
        name: &[u8],
        change: &RawChange,
    ) -> Result<FilePatch, WorkspaceError> {
        let binary = change.added.is_none() && change.kind != ChangeKind::Conflicted;
        if binary {
            return Ok(FilePatch {
                binary: true,
                ..none(file)
            });
        }
        let mut run = diff(self.git.read(&self.repository.top, self.action))
            .env("GIT_LITERAL_PATHSPECS", "1")
            .args(["--patch", "--unified=3", "--inter-hunk-context=0"])
            .arg("--find-renames")
            .args(["--end-of-options", self.tree, "--"])
            .arg(text::path(name).as_ref());
        if let Some(old) = &change.old_path {
            run = run.arg(text::path(old).as_ref());
        }
        let answer = run.answer_up_to(MAX_PATCH).await?;
        if !answer.cut && answer.exit != Some(0) {
            return Err(answer.into_error());
        }
        let mut patch = none(file);
        add(
            &mut patch,
            Addition::Text {
                patch: answer.stdout,
                cut: answer.cut,
            },
        );
        Ok(patch)
    }
}

/// A part of a patch.
enum Addition {
    Text { patch: Vec<u8>, cut: bool },
    Binary,
}

fn none(file: &str) -> FilePatch {
    FilePatch {
        path: file.to_owned(),
        patch: String::new(),
        binary: false,
        truncated: false,
    }
}

fn add(patch: &mut FilePatch, addition: Addition) {
    let Addition::Text {
        patch: mut bytes,
        mut cut,
    } = addition
    else {
        patch.binary = true;
        patch.patch.clear();
        return;
    };
    let room = MAX_PATCH.saturating_sub(patch.patch.len());
    if bytes.len() > room {
        bytes.truncate(room);
        cut = true;
    }
    if cut {
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(end.map_or(0, |end| end + 1));
        patch.truncated = true;
    }
    if !patch.binary {
        patch.patch.push_str(&lossy(&bytes));
    }
}

/// The patch that adds an untracked file as it is now, as git would print it.
fn addition(root: &Path, name: &[u8]) -> Addition {
    let (content, mode) = match file::read(root, name) {
        Ok(Content::Text(bytes)) if file::is_executable(root, name) => (bytes, "100755"),
        Ok(Content::Text(bytes)) => (bytes, "100644"),
        Ok(Content::Link(target)) => (target, "120000"),
        // A folder is a repository of its own; a file that vanished has nothing to show either.
        Ok(Content::Binary | Content::Other) | Err(_) => return Addition::Binary,
    };
    let old = quoted("a/", name);
    let new = quoted("b/", name);
    let mut patch = format!("diff --git {old} {new}\nnew file mode {mode}\n").into_bytes();
    if !content.is_empty() {
        let range = match file::lines(&content) {
            1 => "+1".to_owned(),
            lines => format!("+1,{lines}"),
        };
        let head = format!("--- /dev/null\n+++ {new}\n@@ -0,0 {range} @@\n");
        patch.extend_from_slice(head.as_bytes());
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            patch.push(b'+');
            patch.extend_from_slice(line);
        }
        if content.last() != Some(&b'\n') {
            patch.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
    Addition::Text { patch, cut: false }
}

/// The name in double quotes with C escapes when it has bytes that git quotes (`core.quotePath` in
/// `git help config`).
fn quoted(prefix: &str, name: &[u8]) -> String {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'"' && *byte != b'\\';
    if name.iter().all(plain) {
        return format!("{prefix}{}", lossy(name));
    }
    let mut result = format!("\"{prefix}");
    for byte in name {
        match byte {
            b'"' => result.push_str("\\\""),
            b'\\' => result.push_str("\\\\"),
            b'\n' => result.push_str("\\n"),
            b'\t' => result.push_str("\\t"),
            b'\r' => result.push_str("\\r"),
            b' '..=b'~' => result.push(char::from(*byte)),
            other => result.push_str(&format!("\\{other:03o}")),
        }
    }
    result.push('"');
    result
}

/// Refuses paths that are empty, absolute or lead upwards or into git's own folder.
fn check_file(file: &str) -> Result<(), WorkspaceError> {
    let is_below = Path::new(file).components().all(|part| match part {
        Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
        _ => false,
    });
    if file.is_empty() || file.contains('\0') || !is_below {
        return Err(WorkspaceError::FileInvalid {
            file: file.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
