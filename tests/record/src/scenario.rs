//! Scenarios as they stand in files: what is done with an agent while its screen is recorded.
//!
//! `scenarios.toml` in the folder of all agents has what is alike for them; one in an agent's own
//! folder names the scenarios that it has, with the words and patterns that are its own.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Name of both files.
const FILE: &str = "scenarios.toml";

/// Why scenarios could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("{path} could not be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not understood: {source}")]
    Parse {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("the scenario {0} has no steps: neither its own nor those of one that it is like")]
    NoSteps(String),
}

/// One file of scenarios.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    /// The agent whose scenarios this one has too, with its own words.
    like: Option<String>,
    /// Goes behind the agent's version in the titles.
    variant: String,
    /// Stand for `{name}` in steps, patterns, arguments and variables.
    words: BTreeMap<String, String>,
    /// What all its scenarios are started with.
    #[serde(flatten)]
    setting: Setting,
    /// What those are started with besides whose names begin so, with a dash behind it.
    prefixes: BTreeMap<String, Prefix>,
    scenarios: BTreeMap<String, Raw>,
}

/// How an agent is started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// Columns and rows, such as `110x40`.
    size: Option<String>,
    /// Arguments behind those of the agent's `agent.toml`.
    pub args: Vec<String>,
    /// Arguments of `agent.toml` that are left out.
    pub without_args: Vec<String>,
    /// Variables that are left out.
    pub without: Vec<String>,
    /// Variables that are added, after that.
    pub env: BTreeMap<String, String>,
    /// Merged into JSON files of the agents' configuration, named from its folder on.
    pub merge: BTreeMap<String, serde_json::Value>,
    /// The agents know the project's folder; they do unless it is said.
    trusted: Option<bool>,
    /// Milliseconds between the pieces of a long answer.
    pause_ms: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Prefix {
    title: String,
    #[serde(flatten)]
    setting: Setting,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    like: Option<String>,
    title: Option<String>,
    steps: Option<Vec<Step>>,
    words: BTreeMap<String, String>,
    #[serde(flatten)]
    setting: Setting,
}

/// One thing that is done or waited for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Until all these patterns are found on the screen and it has come to rest.
    Wait(Patterns),
    /// Until all these patterns are found, though the screen may move.
    See(Patterns),
    /// Until the program has drawn so often.
    Redrawn(usize),
    /// Types a message, sees it, and presses Enter once the screen rests.
    Message(String),
    /// Types text.
    Type(String),
    /// Pastes text.
    Paste(String),
    /// Presses keys, with blanks between their names, each once the screen rests.
    Press(String),
    /// Gives the terminal another size.
    Resize(String),
    /// Until the program has ended. What it prints at its end is part of the recording only then.
    End,
}

/// One pattern or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Patterns {
    One(String),
    All(Vec<String>),
}

impl Patterns {
    pub fn each(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::All(all) => all,
        }
    }
}

/// A scenario of an agent, with everything that it takes over from others.
#[derive(Debug)]
pub struct Scenario {
    pub name: String,
    /// What happens in it, for the recording's title.
    pub title: String,
    /// Goes behind the agent's version.
    pub variant: String,
    pub steps: Vec<Step>,
    words: BTreeMap<String, String>,
    pub setting: Setting,
}

impl Scenario {
    /// Puts the words in their places; those of `more` go first.
    pub fn expand(&self, text: &str, more: &BTreeMap<&str, String>) -> String {
        let mut text = text.to_owned();
        // A word may stand for text with further words.
        for _ in 0..3 {
            for (name, value) in more {
                text = text.replace(&format!("{{{name}}}"), value);
            }
            for (name, value) in &self.words {
                text = text.replace(&format!("{{{name}}}"), value);
            }
        }
        text
    }

    /// Columns and rows.
    pub fn size(&self) -> &str {
        self.setting.size.as_deref().unwrap_or("110x40")
    }

    pub fn is_trusted(&self) -> bool {
        self.setting.trusted.unwrap_or(true)
    }

    pub fn pause_ms(&self) -> Option<u64> {
        self.setting.pause_ms
    }
}

/// The agents that have scenarios: the folders with such a file.
pub fn agents(folder: &Path) -> Result<Vec<String>, ScenarioError> {
    let failed = |source| ScenarioError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().join(FILE).is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The scenarios of an agent, in the order of their names.
pub fn of_agent(folder: &Path, agent: &str) -> Result<Vec<Scenario>, ScenarioError> {
    let shared = read(&folder.join(FILE))?;
    let mut own = read(&folder.join(agent).join(FILE))?;
    if let Some(like) = own.like.take() {
        own = over(read(&folder.join(like).join(FILE))?, own);
    }
    let mut scenarios = Vec::new();
    for (name, raw) in &own.scenarios {
        let prefixed = own.prefixes.iter().find_map(|(prefix, settings)| {
            let rest = name.strip_prefix(prefix.as_str())?.strip_prefix('-')?;
            Some((rest, settings))
        });
        let plain = prefixed.map_or(name.as_str(), |(rest, _)| rest);
        let base = raw.like.as_deref().unwrap_or(plain);
        let layers = [
            shared.scenarios.get(base),
            own.scenarios.get(base).filter(|_| base != name),
            Some(raw),
        ];
        let layers: Vec<&Raw> = layers.into_iter().flatten().collect();
        let last =
            |pick: fn(&Raw) -> Option<&String>| layers.iter().rev().find_map(|raw| pick(raw));
        let title = last(|raw| raw.title.as_ref()).unwrap_or(name);
        let steps = layers.iter().rev().find_map(|raw| raw.steps.clone());
        let mut words = shared.words.clone();
        words.extend(own.words.clone());
        let mut setting = own.setting.clone();
        if let Some((_, prefix)) = prefixed {
            setting = setting.and(&prefix.setting);
        }
        for raw in &layers {
            words.extend(raw.words.clone());
            setting = setting.and(&raw.setting);
        }
        scenarios.push(Scenario {
            name: name.clone(),
            title: format!(
                "{}{title}",
                prefixed.map_or("", |(_, prefix)| &prefix.title)
            ),
            variant: own.variant.clone(),
            steps: steps.ok_or_else(|| ScenarioError::NoSteps(name.clone()))?,
            words,
            setting,
        });
    }
    Ok(scenarios)
}

/// What `file` says, on top of what `base` says.
fn over(mut base: File, file: File) -> File {
    base.words.extend(file.words);
    base.prefixes.extend(file.prefixes);
    base.scenarios.extend(file.scenarios);
    base.setting = base.setting.and(&file.setting);
    base.variant = file.variant;
    base
}

impl Setting {
    fn and(mut self, more: &Self) -> Self {
        self.size = more.size.clone().or(self.size);
        self.args.extend(more.args.iter().cloned());
        self.without_args.extend(more.without_args.iter().cloned());
        self.without.extend(more.without.iter().cloned());
        self.env.extend(more.env.clone());
        for (file, value) in &more.merge {
            merge(self.merge.entry(file.clone()).or_default(), value);
        }
        self.trusted = more.trusted.or(self.trusted);
        self.pause_ms = more.pause_ms.or(self.pause_ms);
        self
    }
}

/// Puts what `more` has into `value`.
pub fn merge(value: &mut serde_json::Value, more: &serde_json::Value) {
    match (value, more) {
        (serde_json::Value::Object(value), serde_json::Value::Object(more)) => {
            for (name, more) in more {
                merge(
                    value.entry(name.clone()).or_insert_with(Default::default),
                    more,
                );
            }
        }
        (value, more) => value.clone_from(more),
    }
}

fn read(path: &Path) -> Result<File, ScenarioError> {
    let text = fs::read_to_string(path).map_err(|source| ScenarioError::Read {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| ScenarioError::Parse {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
#[path = "scenario_tests.rs"]
mod tests;
