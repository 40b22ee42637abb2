//! Reads what `git diff --raw --numstat -z` prints, record by record.
//!
//! Git prints first one raw record for each file and then one numstat record for each, both
//! described in the section "Raw output format" and "Other diff formats" of `git help diff`.

use std::collections::BTreeMap;

use berth_protocol::ChangeKind;

use crate::{Git, WorkspaceError, run::Run};

/// Renamed files that are searched for similarity at most, as git's own default: the search is
/// quadratic, and a user's setting must not make it endless.
const RENAME_LIMIT: &str = "-l1000";

/// Files above this size are binary to a comparison, so that git does not search them for lines.
const BIG_FILE: &str = "core.bigFileThreshold=16m";

/// What happened to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawChange {
    pub(crate) kind: ChangeKind,
    pub(crate) old_path: Option<Vec<u8>>,
    pub(crate) added: Option<u64>,
    pub(crate) removed: Option<u64>,
}

/// Changed files by path, in bytes as git knows it.
pub(crate) type RawChanges = BTreeMap<Vec<u8>, RawChange>;

/// What the next record is.
#[derive(Default)]
enum Expect {
    /// The facts of a raw or a numstat record.
    #[default]
    Facts,
    /// The path of a raw record.
    Path(ChangeKind),
    /// The path before, of a renamed file's raw record.
    OldPath,
    /// The path after, of a renamed file's raw record.
    NewPath(Vec<u8>),
    /// The path before, of a renamed file's numstat record.
    CountedOldPath(Counts),
    /// The path after, of a renamed file's numstat record.
    CountedNewPath(Counts),
}

type Counts = (Option<u64>, Option<u64>);

#[derive(Default)]
pub(crate) struct Parser {
    expect: Expect,
    changes: RawChanges,
    unreadable: Option<String>,
}

impl Parser {
    pub(crate) fn record(&mut self, record: &[u8]) {
        self.expect = match std::mem::take(&mut self.expect) {
            Expect::Facts if record.starts_with(b":") => raw_facts(record),
            Expect::Facts => self.counts(record),
            Expect::Path(kind) => {
                self.change(record, kind, None);
                Expect::Facts
            }
            Expect::OldPath => Expect::NewPath(record.to_owned()),
            Expect::NewPath(old) => {
                self.change(record, ChangeKind::Renamed, Some(old));
                Expect::Facts
            }
            Expect::CountedOldPath(counts) => Expect::CountedNewPath(counts),
            Expect::CountedNewPath(counts) => {
                self.count(record, counts);
                Expect::Facts
            }
        };
    }

    /// The changes, or the record that could not be read.
    pub(crate) fn finish(self) -> Result<RawChanges, String> {
        match (self.expect, self.unreadable) {
            (_, Some(record)) => Err(format!("the record {record:?}")),
            (Expect::Facts, None) => Ok(self.changes),
            (_, None) => Err("a record without its path".to_owned()),
        }
    }

    fn change(&mut self, path: &[u8], kind: ChangeKind, old_path: Option<Vec<u8>>) {
        // A conflicted file is listed a second time with what is in the work tree.
        let conflicted = self
            .changes
            .get(path)
            .is_some_and(|known| known.kind == ChangeKind::Conflicted);
        let kind = if conflicted {
            ChangeKind::Conflicted
        } else {
            kind
        };
        self.changes.insert(
            path.to_owned(),
            RawChange {
                kind,
                old_path,
                added: None,
                removed: None,
            },
        );
    }

    /// `added TAB removed TAB path`, with an empty path for a renamed file.
    fn counts(&mut self, record: &[u8]) -> Expect {
        let mut fields = record.splitn(3, |byte| *byte == b'\t');
        let (Some(added), Some(removed), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            self.unreadable = Some(String::from_utf8_lossy(record).into_owned());
            return Expect::Facts;
        };
        let counts = (number(added), number(removed));
        if path.is_empty() {
            return Expect::CountedOldPath(counts);
        }
        self.count(path, counts);
        Expect::Facts
    }

    fn count(&mut self, path: &[u8], (added, removed): Counts) {
        if let Some(change) = self.changes.get_mut(path) {
            change.added = added;
            change.removed = removed;
        }
    }
}

/// `:MODE MODE HASH HASH STATUS`, where a renamed file's status ends with its similarity.
fn raw_facts(record: &[u8]) -> Expect {
    let status = record.rsplit(|byte| *byte == b' ').next();
    match status.and_then(<[u8]>::first) {
        Some(b'R' | b'C') => Expect::OldPath,
        Some(b'A') => Expect::Path(ChangeKind::Added),
        Some(b'D') => Expect::Path(ChangeKind::Deleted),
        Some(b'T') => Expect::Path(ChangeKind::TypeChanged),
        Some(b'U') => Expect::Path(ChangeKind::Conflicted),
        _ => Expect::Path(ChangeKind::Modified),
    }
}

/// A count; nothing for the `-` of a binary file.
fn number(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// `git diff` against a commit or tree with everything switched off that would run other programs
/// or that a user's settings would change the output with.
pub(crate) fn diff(run: Run) -> Run {
    run.args([
        "-c",
        BIG_FILE,
        "-c",
        "diff.suppressBlankEmpty=false",
        "diff",
    ])
    .args([
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--no-relative",
        "--submodule=short",
        "--ignore-submodules=none",
        "--src-prefix=a/",
        "--dst-prefix=b/",
    ])
}

impl Git {
    /// The changes of the run's work tree against the tree, of all files or of the given ones.
    pub(crate) async fn raw_changes(
        &self,
        run: Run,
        tree: &str,
        renames: bool,
        files: &[&std::path::Path],
        action: &str,
    ) -> Result<RawChanges, WorkspaceError> {
        let renames = if renames {
            "--find-renames"
        } else {
            "--no-renames"
        };
        let mut parser = Parser::default();
        diff(run)
            .env("GIT_LITERAL_PATHSPECS", "1")
            .args(["--raw", "--numstat", "-z", renames, RENAME_LIMIT])
            .args(["--end-of-options", tree, "--"])
            .args(files)
            .records(|record| parser.record(record))
            .await?;
        parser.finish().map_err(|detail| WorkspaceError::GitAnswer {
            action: action.to_owned(),
            detail,
        })
    }
}

#[cfg(test)]
mod tests;
