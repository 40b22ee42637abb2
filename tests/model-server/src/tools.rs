//! Chooses among the tools that an agent offers, by their names and the schemas of their arguments.
//!
//! Claude Code and Codex have their tools' names in the files of their APIs. The agents here share
//! APIs, and each calls its tools and their arguments something else.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{schema, turn::Answer};

/// Names of tools that run commands: those of opencode, Gemini CLI, droid and goose.
const SHELLS: [&str; 4] = ["bash", "run_shell_command", "Execute", "shell"];

/// Names of tools that write files: those of opencode and goose, Gemini CLI, droid, older gooses.
const WRITERS: [&str; 4] = ["write", "write_file", "Create", "text_editor"];

/// What the arguments are called by one agent or another.
const COMMANDS: [&str; 2] = ["command", "cmd"];
const PATHS: [&str; 3] = ["filePath", "file_path", "path"];
const CONTENTS: [&str; 3] = ["content", "file_text", "contents"];

/// Arguments that tell the user what a call is for; given even where they are not required.
const PURPOSES: [&str; 2] = ["description", "summary"];

/// Words before the working directory in what agents tell about it: opencode and goose, two
/// versions of Gemini CLI, and two of droid.
const DIRECTORY_WORDS: [&str; 6] = [
    "Working directory: ",
    "working directory: ",
    "working in the directory: ",
    "**Workspace Directories:**\n  - ",
    "% pwd\n",
    "Current folder: ",
];

/// A tool in one request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tool {
    name: String,
    /// The JSON Schema of its arguments.
    schema: Value,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What is said to the agent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Text(String),
    Call(Call),
}

impl Reply {
    /// What `answer` says to an agent with these tools, which tells where it works in one of
    /// `texts`.
    pub(crate) fn new<'a>(
        answer: &Answer,
        tools: &[Tool],
        texts: impl Iterator<Item = &'a str>,
    ) -> Self {
        match answer {
            Answer::Text(text) => Self::Text(text.text.clone()),
            Answer::Hang { word } => Self::Text((*word).to_owned()),
            Answer::Error { status } => Self::Text(format!("Error {status}")),
            Answer::Write { path, content } => {
                let directory = working_directory(texts).unwrap_or_default();
                let path = Path::new(&directory).join(path);
                write(tools, &path.to_string_lossy(), content).map_or_else(
                    || Self::Text("The agent offers no tool that writes files.".into()),
                    Self::Call,
                )
            }
            Answer::Call { tool, arguments } => {
                let found = tools.iter().find(|known| is_meant(&known.name, tool));
                found.map_or_else(
                    || Self::Text(format!("The agent offers no tool {tool}.")),
                    |found| {
                        Self::Call(Call {
                            name: found.name.clone(),
                            arguments: serde_json::from_str(arguments).unwrap_or_default(),
                        })
                    },
                )
            }
            Answer::Run { command } => run(tools, command).map_or_else(
                || Self::Text("The agent offers no tool that runs commands.".into()),
                Self::Call,
            ),
        }
    }
}

/// Agents put the name of the server before that of its tool, with one or two underscores between.
pub(crate) fn is_meant(name: &str, wanted: &str) -> bool {
    name == wanted
        || name
            .strip_suffix(wanted)
            .is_some_and(|before| before.ends_with('_'))
}

impl Tool {
    /// Reads a tool's declaration, which both APIs write alike.
    pub(crate) fn read(declaration: &Value) -> Option<Self> {
        // Gemini has a field for its own kind of schema and one for plain JSON Schema.
        let schemas = ["parametersJsonSchema", "parameters"];
        let schema = schemas.iter().find_map(|field| declaration.get(field));
        Some(Self {
            name: declaration["name"].as_str()?.to_owned(),
            schema: schema.cloned().unwrap_or_default(),
        })
    }

    /// The name without that of the extension, which goose puts before it.
    pub(crate) fn own_name(&self) -> &str {
        self.name
            .rsplit_once("__")
            .map_or(&self.name, |(_, name)| name)
    }

    fn property(&self, name: &str) -> Option<&Value> {
        self.schema["properties"].get(name)
    }

    /// The first of `names` that the tool has an argument of.
    fn argument(&self, names: &[&'static str]) -> Option<&'static str> {
        let mut names = names.iter().copied();
        names.find(|name| self.property(name).is_some())
    }

    /// A call with these arguments and with something in every other one that is required.
    fn call(&self, given: &[(&str, &str)], purpose: &str) -> Call {
        let mut arguments = match schema::instance(&self.schema) {
            Value::Object(required) => required,
            _ => Map::new(),
        };
        for (name, value) in &mut arguments {
            if self.property(name).is_some_and(is_free_text) {
                *value = json!(purpose);
            }
        }
        for name in PURPOSES {
            if self.property(name).is_some_and(is_free_text) {
                arguments.insert(name.to_owned(), json!(purpose));
            }
        }
        // droid runs what is up to a level by itself; the first level is the lowest, at which it
        // would hardly ever ask.
        if self.property("riskLevel").is_some() {
            arguments.insert("riskLevel".to_owned(), json!("medium"));
        }
        for (name, value) in given {
            arguments.insert((*name).to_owned(), json!(value));
        }
        Call {
            name: self.name.clone(),
            arguments: Value::Object(arguments),
        }
    }
}

/// The call that runs `command`.
fn run(tools: &[Tool], command: &str) -> Option<Call> {
    // Editors have a command too, such as "view", and a path.
    let argument = |tool: &Tool| match tool.argument(&PATHS) {
        Some(_) => None,
        None => tool.argument(&COMMANDS),
    };
    let (tool, name) = choose(tools, &SHELLS, argument)?;
    Some(tool.call(&[(name, command)], "Run the command of the test"))
}

/// The call that writes a file.
fn write(tools: &[Tool], path: &str, content: &str) -> Option<Call> {
    let arguments = |tool: &Tool| Some((tool.argument(&PATHS)?, tool.argument(&CONTENTS)?));
    let (tool, names) = choose(tools, &WRITERS, arguments)?;
    let mut given = vec![(names.0, path), (names.1, content)];
    // An editor with several commands must be told which.
    given.extend(tool.argument(&["command"]).map(|name| (name, "write")));
    Some(tool.call(&given, "Write the file of the test"))
}

/// The tool of a known name, or else the first that takes the arguments, and their names.
fn choose<'a, N>(
    tools: &'a [Tool],
    known: &[&str],
    arguments: impl Fn(&Tool) -> Option<N>,
) -> Option<(&'a Tool, N)> {
    let place = |tool: &Tool| known.iter().position(|name| *name == tool.own_name());
    let fitting = tools
        .iter()
        .filter_map(|tool| Some((tool, arguments(tool)?)));
    // Of several with the same place, the first is taken.
    fitting.min_by_key(|(tool, _)| place(tool).unwrap_or(known.len()))
}

/// Whether a schema takes any text.
fn is_free_text(schema: &Value) -> bool {
    let is_text = schema["type"]
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("string"));
    let limits = ["enum", "const", "format", "pattern", "maxLength"];
    is_text && limits.iter().all(|limit| schema.get(limit).is_none())
}

/// The agent's working directory, from what it tells about its environment.
fn working_directory<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<String> {
    texts.find_map(|text| {
        DIRECTORY_WORDS.iter().find_map(|words| {
            let (_, rest) = text.split_once(words)?;
            let directory = rest.lines().next()?.trim();
            directory.starts_with('/').then(|| directory.to_owned())
        })
    })
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
