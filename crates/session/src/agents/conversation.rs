//! Going on with a conversation that the agent itself has kept.
//!
//! An agent is asked to resume only a conversation that was seen where it keeps them: one that bears the
//! name Berth gave it, or else one that was held in the session's workspace and has a message of its
//! transcript.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

use super::{Spec, detect, spec::patterns_one};
use crate::{environment::Environment, program};

/// Files that are looked at, at most.
const FILES: usize = 20_000;

/// The part of a file that names its conversation and the folder it was held in, in bytes.
const HEAD: u64 = 64 * 1024;

/// The part of a file that is searched for a message, in bytes.
const SEARCHED: u64 = 16 * 1024 * 1024;

/// How long an agent may take to list its conversations; some need seconds on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest list, in bytes.
const LIST: u64 = 8 * 1024 * 1024;

/// Letters of a message that are searched for.
const LETTERS: usize = 60;

/// How an agent begins, keeps and resumes conversations.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConversationRules {
    /// Arguments that begin one. `{agent_session}` is replaced by the name that Berth gives it.
    pub new: Vec<String>,
    /// Arguments that go on with the one of the name `{agent_session}`. Without any it cannot be resumed.
    pub resume: Vec<String>,
    /// The files in which the agent keeps them.
    pub files: Option<FileRules>,
    /// How the agent lists them.
    pub list: Option<ListRules>,
    /// The file in the session's private folder in which it is kept.
    pub private_file: Option<String>,
    /// A terminal shows the earlier messages once the agent has read them. Some draw their box before, and
    /// what they are told then begins a conversation that knows nothing of them.
    pub shown: bool,
}

/// Files of conversations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRules {
    /// The folder: the first of these whose variable is set. `$NAME` at the start is a variable, `~` the home.
    pub roots: Vec<String>,
    /// Name of such a file.
    #[serde(deserialize_with = "patterns_one")]
    pub name: Regex,
    /// Group 1 is the conversation's name, in the beginning of the file.
    #[serde(deserialize_with = "patterns_one")]
    pub id: Regex,
}

/// A list of conversations, as a JSON array of objects.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRules {
    /// Arguments that print it.
    pub args: Vec<String>,
    /// Field with the conversation's name.
    pub id: String,
    /// Field with the folder it was held in.
    pub folder: String,
}

/// What is known of the conversation that is looked for.
#[derive(Clone, Debug)]
pub struct Sought {
    /// Where it was held.
    pub workspace: PathBuf,
    /// The session's private folder.
    pub private: PathBuf,
    /// The name that it has, if that is known.
    pub name: Option<String>,
    /// The session did not exist before.
    pub since: SystemTime,
    /// Messages of its user. One of them must stand in the file of a conversation whose name is not known.
    pub messages: Vec<String>,
    /// No other session of the agent has worked in this workspace.
    pub alone: bool,
}

/// The name under which the agent has kept a conversation; nothing when it has not.
pub async fn find(spec: &Spec, sought: Sought, environment: &Environment) -> Option<String> {
    let rules = spec.conversation.as_ref()?;
    if rules.resume.is_empty() {
        return None;
    }
    if let Some(file) = &rules.private_file {
        let kept = sought.private.join(file).metadata().ok()?.len() > 0;
        return kept.then(|| sought.name.unwrap_or_default());
    }
    if let Some(list) = &rules.list {
        let program = detect::locate(spec, environment)?.path;
        return listed(list, &program, &sought, environment).await;
    }
    let files = rules.files.as_ref()?;
    let root = root(&files.roots, environment)?;
    let (name, id) = (files.name.clone(), files.id.clone());
    let found = tokio::task::spawn_blocking(move || in_files(&root, &name, &id, &sought));
    found.await.ok().flatten()
}

/// The first folder whose variable is set.
fn root(roots: &[String], environment: &Environment) -> Option<PathBuf> {
    let home = environment.get(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    roots.iter().find_map(|root| {
        let (first, rest) = root.split_once('/').unwrap_or((root, ""));
        let base = match first.strip_prefix('$') {
            Some(variable) => environment.get(variable).filter(|value| !value.is_empty()),
            None if first == "~" => home,
            None => None,
        };
        base.map(|base| Path::new(base).join(rest))
    })
}

fn in_files(root: &Path, name: &Regex, id: &Regex, sought: &Sought) -> Option<String> {
    let folder = json_text(&sought.workspace.display().to_string());
    let messages: Vec<String> = sought
        .messages
        .iter()
        .filter_map(|text| beginning(text))
        .collect();
    let files = walkdir::WalkDir::new(root).max_depth(6).into_iter();
    let files = files.filter_map(Result::ok).take(FILES);
    let mut files: Vec<(SystemTime, PathBuf)> = files
        .filter(|file| {
            file.file_name()
                .to_str()
                .is_some_and(|file| name.is_match(file))
        })
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.into_path())))
        .filter(|(changed, _)| *changed >= sought.since)
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().find_map(|(_, path)| {
        let head = read(&path, HEAD)?;
        let found = id.captures(&head)?.get(1)?.as_str().to_owned();
        let is_it = match &sought.name {
            Some(name) => *name == found,
            None => {
                head.contains(&folder) && {
                    let all = read(&path, SEARCHED)?;
                    messages.iter().any(|message| all.contains(message))
                }
            }
        };
        is_it.then_some(found)
    })
}

/// What of a message stands in a file of JSON, wherever it is wrapped.
fn beginning(message: &str) -> Option<String> {
    let line = message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    let letters: String = line.chars().take(LETTERS).collect();
    let text = json_text(&letters);
    Some(text.trim_matches('"').to_owned())
}

/// A text as it stands in JSON, with its quotes.
fn json_text(text: &str) -> String {
    Value::from(text).to_string()
}

fn read(path: &Path, most: u64) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(most)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

async fn listed(
    rules: &ListRules,
    path: &Path,
    sought: &Sought,
    environment: &Environment,
) -> Option<String> {
    let list = ask(rules, path, sought, environment).await;
    let list = list
        .inspect_err(|error| {
            tracing::warn!(program = %path.display(), error, "an agent does not list its conversations");
        })
        .ok()?;
    let field = |entry: &Value, name: &str| entry.get(name)?.as_str().map(str::to_owned);
    let workspace = sought.workspace.display().to_string();
    let mut here = list
        .iter()
        .filter(|entry| field(entry, &rules.folder).as_deref() == Some(&workspace))
        .filter_map(|entry| field(entry, &rules.id));
    match &sought.name {
        Some(name) => here.find(|id| id == name),
        // Which of several it was cannot be told.
        None => here.next().filter(|_| sought.alone),
    }
}

async fn ask(
    rules: &ListRules,
    path: &Path,
    sought: &Sought,
    environment: &Environment,
) -> Result<Vec<Value>, String> {
    let mut command = Command::new(path);
    command
        .args(&rules.args)
        .env_clear()
        .envs(environment.variables())
        .current_dir(&sought.workspace);
    let bytes = program::answer(command, LIST, PATIENCE).await?.output;
    // Some print a line before it.
    let start = bytes.iter().position(|byte| *byte == b'[').unwrap_or(0);
    serde_json::from_slice(bytes.get(start..).unwrap_or_default())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
