//! Names of branches: made from a prompt, checked, and kept apart from those that exist.

use std::{collections::HashSet, path::Path};

use crate::{Git, WorkspaceError, repository::Repository, text::lossy};

/// Letters that a made name has at most.
const MAX_LENGTH: usize = 40;

/// Words that a made name has at most.
const MAX_WORDS: usize = 6;

/// Bytes of a prompt that are looked at; a name needs only its first words.
const MAX_READ: usize = 4 * 1024;

/// Bytes that a given name has at most: a branch is a file, and its lock has five more.
const MAX_GIVEN: usize = 250;

/// The name when the prompt has no usable word.
const FALLBACK: &str = "session";

/// Words that say nothing about the task.
const FILLERS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "could", "do", "does", "for", "from",
    "have", "hello", "hey", "hi", "i", "in", "into", "is", "it", "its", "just", "lets", "like",
    "me", "my", "need", "of", "on", "or", "our", "please", "should", "so", "some", "that", "the",
    "their", "them", "then", "there", "these", "this", "those", "to", "us", "want", "was", "we",
    "were", "will", "with", "would", "you", "your",
];

/// Names that Windows keeps for devices; a branch is a file there.
const DEVICES: &[&str] = &[
    "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt1",
    "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// A short branch name from a prompt or title, such as `fix-login-timeout`: words of lower-case
/// letters and digits, at most 40 characters, always valid.
///
/// ```
/// use berth_workspace::branch_name;
///
/// assert_eq!(branch_name("Can you fix the login timeout?"), "fix-login-timeout");
/// assert_eq!(branch_name("Größe der Schrift ändern"), "grosse-der-schrift-andern");
/// assert_eq!(branch_name("🎉"), "session");
/// ```
pub fn branch_name(text: &str) -> String {
    let start = &text[..text.floor_char_boundary(MAX_READ)];
    let words = words(start);
    let said: Vec<&String> = words
        .iter()
        .filter(|word| !FILLERS.contains(&word.as_str()))
        .collect();
    // "do it" has only fillers, and is still better than nothing.
    let chosen = if said.is_empty() {
        words.iter().collect()
    } else {
        said
    };
    let mut name = String::new();
    for word in chosen.into_iter().take(MAX_WORDS) {
        let room = MAX_LENGTH - name.len();
        if name.is_empty() {
            name.push_str(&word[..word.len().min(room)]);
        } else if word.len() < room {
            name.push('-');
            name.push_str(word);
        } else {
            break;
        }
    }
    if name.is_empty() {
        return FALLBACK.to_owned();
    }
    if is_misleading(&name) {
        name.insert_str(0, "session-");
        name.truncate(MAX_LENGTH);
    }
    name
}

/// The words of the first lines, in lower-case ASCII.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in text.lines() {
        for token in line.split_whitespace() {
            // An address says where, not what.
            if token.contains("://") {
                continue;
            }
            let ascii: String = token
                .chars()
                // "don't" is one word.
                .filter(|c| !matches!(c, '\'' | '’'))
                .map(|c| transliterated(c).unwrap_or(" "))
                .collect();
            words.extend(
                ascii
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .filter(|word| !word.is_empty())
                    .map(str::to_ascii_lowercase),
            );
        }
        // The first line usually says it all; a greeting alone does not.
        if words
            .iter()
            .filter(|word| !FILLERS.contains(&word.as_str()))
            .count()
            >= 2
        {
            break;
        }
    }
    words
}

/// Letters and digits of any script in ASCII. Everything else, emoji too, separates words.
fn transliterated(c: char) -> Option<&'static str> {
    if c.is_alphanumeric() {
        deunicode::deunicode_char(c)
    } else {
        None
    }
}

/// The name could be taken for HEAD, a commit or a device.
fn is_misleading(name: &str) -> bool {
    let looks_like_a_commit = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    name == "head" || looks_like_a_commit || DEVICES.contains(&name)
}

/// The names that a new branch must keep clear of.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Local branches.
    branches: HashSet<String>,
    /// Tags and branches of remotes: a branch of the same name would be ambiguous or, once pushed,
    /// somebody else's.
    others: HashSet<String>,
}

impl Taken {
    /// A branch that a branch of this name cannot exist beside.
    pub(crate) fn conflict(&self, name: &str) -> Option<&str> {
        let below = |other: &str, name: &str| {
            other
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        self.branches
            .iter()
            .map(String::as_str)
            .find(|other| *other == name || below(other, name) || below(name, other))
    }

    /// Case is ignored, because file systems may ignore it.
    fn is_free(&self, name: &str) -> bool {
        let clashes = |other: &String| other.eq_ignore_ascii_case(name);
        self.conflict(name).is_none()
            && !self.branches.iter().any(clashes)
            && !self.others.iter().any(clashes)
    }

    /// The wanted name, or the first free one of `wanted-2`, `wanted-3` and so on.
    pub(crate) fn unused(&self, wanted: &str) -> String {
        // No number helps when a folder of the name is a branch: `fix/x` beside `fix`.
        let in_the_way = wanted
            .match_indices('/')
            .any(|(at, _)| self.branches.contains(&wanted[..at]));
        let wanted = if in_the_way {
            wanted.replace('/', "-")
        } else {
            wanted.to_owned()
        };
        if self.is_free(&wanted) {
            return wanted;
        }
        let mut number = 2_u64;
        loop {
            let name = format!("{wanted}-{number}");
            if self.is_free(&name) {
                return name;
            }
            number += 1;
        }
    }
}

impl Git {
    /// The wanted name, or the first of `wanted-2`, `wanted-3` and so on that is free as a local
    /// branch, is no remote's branch and no tag.
    ///
    /// # Errors
    /// [`WorkspaceError::NotARepository`] and the failures of git.
    pub async fn unused_branch(&self, repo: &Path, wanted: &str) -> Result<String, WorkspaceError> {
        let repository = self.repository(repo).await?;
        Ok(self.taken(&repository).await?.unused(wanted))
    }

    pub(crate) async fn taken(&self, repository: &Repository) -> Result<Taken, WorkspaceError> {
        let action = format!("list the branches of {}", repository.top.display());
        let answer = self
            .read_shared(repository, action)
            .args([
                "for-each-ref",
                "--format=%(refname)",
                "refs/heads/",
                "refs/remotes/",
                "refs/tags/",
            ])
            .succeed()
            .await?;
        let mut taken = Taken::default();
        for name in lossy(&answer).lines() {
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                taken.branches.insert(branch.to_owned());
            } else if let Some(tag) = name.strip_prefix("refs/tags/") {
                taken.others.insert(tag.to_owned());
            } else if let Some((_, branch)) = name
                .strip_prefix("refs/remotes/")
                .and_then(|name| name.split_once('/'))
            {
                taken.others.insert(branch.to_owned());
            }
        }
        Ok(taken)
    }

    /// Whether git allows the name for a branch.
    pub(crate) async fn check_branch_name(
        &self,
        folder: &Path,
        branch: &str,
    ) -> Result<(), WorkspaceError> {
        let invalid = || WorkspaceError::BranchInvalid {
            branch: branch.to_owned(),
        };
        // Git reads `@` as HEAD.
        if branch.is_empty() || branch.len() > MAX_GIVEN || branch.contains('\0') || branch == "@" {
            return Err(invalid());
        }
        let answer = self
            .read(folder, format!("check the branch name {branch:?}"))
            .args(["check-ref-format", "--branch", branch])
            .answer()
            .await?;
        // It also expands `@{-1}` and the like, which is not the name that was asked about.
        let same = lossy(&answer.stdout).trim_end_matches('\n') == branch;
        if answer.exit == Some(0) && same {
            Ok(())
        } else {
            Err(invalid())
        }
    }
}

#[cfg(test)]
mod tests;
