//! Agents that a user describes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AgentId, FieldProblem};

/// How to start and read an agent that Berth does not know.
///
/// Texts in `args` and `env` are handed over as they stand, never to a shell, but for the placeholders that
/// are named below. Each text has at most 4,096 bytes, and each list at most 64 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AgentDefinition {
    /// Name shown to people, 1 to 60 characters.
    pub name: String,
    /// Its program: a name on the `PATH`, or an absolute path. May be left out with `like`, whose program
    /// is run then.
    pub program: String,
    /// Arguments on a terminal. `{permission_args}` alone is replaced by those of the permission mode, which
    /// otherwise stand behind all others.
    pub args: Vec<String>,
    /// Variables added to the environment. They are no place for secrets; see `secrets`.
    pub env: BTreeMap<String, String>,
    /// Names of variables whose values are in the keychain. They are given by
    /// `PUT /agents/{id}/secrets/{name}`.
    pub secrets: Vec<String>,
    /// An agent that Berth knows and that this one is a variant of: it is read, asked and given things
    /// like that one, and its arguments stand behind those. What follows is left out then.
    pub like: Option<AgentId>,
    /// Arguments that make it print its version; it is not asked when there are none.
    pub version_args: Vec<String>,
    /// Arguments with which it speaks the Agent Client Protocol, as in `args`; absent when it does not.
    pub acp_args: Option<Vec<String>>,
    /// How it is given instructions on a terminal; absent when it takes none.
    pub instructions: Option<InstructionsRule>,
    /// How it is given MCP servers on a terminal; absent when it takes none.
    pub mcp: Option<McpRule>,
    /// Its permission modes, the default first. The default must not be `unchecked`.
    pub permission_modes: Vec<ModeDefinition>,
    /// How to read its screen.
    pub screen: ScreenDefinition,
}

/// How an agent is given instructions. `{instructions}` is replaced by their text, `{instructions_file}`
/// by the path of a file with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct InstructionsRule {
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
}

/// How an agent is given MCP servers. `{config}` is replaced by JSON with an object `mcpServers`, and
/// `{config_file}` by the path of a file with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct McpRule {
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Arguments for each server that is a program: `{name}` is its name, `{command_line}` its program
    /// and arguments as one text.
    pub each_stdio: Vec<String>,
    /// Arguments for each server that is reached over HTTP: `{name}` and `{url}`.
    pub each_http: Vec<String>,
}

/// A permission mode and how to ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ModeDefinition {
    /// Name used in requests: letters, digits, `-` and `_`, at most 32.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// What it allows, in one sentence.
    pub description: String,
    /// The agent does everything without asking in it.
    pub unchecked: bool,
    /// Arguments that stand for it, behind the agent's own.
    pub args: Vec<String>,
    /// Variables that stand for it.
    pub env: BTreeMap<String, String>,
}

/// How to read an agent's screen. Without any of it, the agent counts as waiting whenever it is quiet,
/// and everything that it prints is its answer. Patterns are regular expressions (the syntax of the crate
/// `regex`), matched against single rows without blanks at their end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ScreenDefinition {
    /// How long output must pause before the screen counts as settled, in milliseconds, 50 to 10,000;
    /// 200 when there is a `prompt` and 800 otherwise.
    pub settle_ms: Option<u32>,
    /// First row of the input box; group 1 is what is typed in it.
    pub prompt: Option<String>,
    /// What the input box shows while nothing is typed.
    pub placeholder: Option<String>,
    /// Rows that stand on the screen only while the agent works.
    pub busy: Vec<String>,
    /// First row of the user's message as the agent repeats it; group 1 is its text.
    pub echo: Option<String>,
    /// Mark before each paragraph of the agent's words.
    pub bullet: Option<String>,
    /// Rows of an answer that are furniture and not the agent's words.
    pub noise: Vec<String>,
    /// The program reads lines, as those with readline do.
    pub reads_lines: bool,
    /// The keys that make the agent stop what it does: Escape when there is a `prompt`, Ctrl-C otherwise.
    pub interrupt: Option<InterruptKey>,
}

/// A key that interrupts an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InterruptKey {
    /// Escape.
    Escape,
    /// Ctrl-C.
    CtrlC,
}

/// An agent that a user described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinedAgent {
    /// Name used in requests.
    pub id: AgentId,
    /// 1 at first, one more with each edit.
    pub version: u32,
    /// How to start and read it.
    pub definition: AgentDefinition,
    /// The secrets of `definition` that are in the keychain.
    pub secrets: Vec<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl DefinedAgent {
    /// The secrets that are not in the keychain.
    pub fn missing_secrets(&self) -> impl Iterator<Item = &str> {
        let named = self.definition.secrets.iter();
        named
            .filter(|name| !self.secrets.contains(name))
            .map(String::as_str)
    }
}

/// Body of `POST /agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DefineAgent {
    /// Name used in requests; none that Berth uses itself.
    pub id: AgentId,
    /// How to start and read it.
    pub definition: AgentDefinition,
}

/// Body of `PUT /agents/{id}/secrets/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AgentSecret {
    /// The value, 1 to 16,384 bytes on one line. It goes to the keychain and is never shown again.
    #[cfg_attr(feature = "openapi", schema(value_type = String, write_only))]
    pub value: crate::Secret,
}

/// Longest name for people, in characters.
const NAME: usize = 60;

/// Longest argument, value or pattern, in bytes.
const TEXT: usize = 4096;

/// Most arguments, variables, patterns or modes in one place.
const MOST: usize = 64;

impl AgentDefinition {
    /// What is wrong with it, as far as that can be told without compiling its patterns.
    pub fn validate(&self) -> Vec<FieldProblem> {
        let mut found = Found::default();
        found.title("name", &self.name);
        match (self.program.as_str(), &self.like) {
            ("", Some(_)) => {}
            ("", None) => found.add(
                "program",
                "Name a program, or an agent that this one is like.",
            ),
            (program, _) => found.program(program),
        }
        found.texts("args", &self.args);
        found.variables("env", &self.env);
        if self.secrets.len() > MOST {
            found.add("secrets", "There are too many.");
            return found.0;
        }
        for (index, name) in self.secrets.iter().enumerate() {
            let at = format!("secrets[{index}]");
            found.variable_name(&at, name);
            if self.env.contains_key(name) {
                found.add(&at, "A variable of this name has a value already.");
            }
            if self.secrets.iter().take(index).any(|other| other == name) {
                found.add(&at, "It is named twice.");
            }
        }
        if self.like.is_some() {
            self.validate_variant(&mut found);
            return found.0;
        }
        found.texts("version_args", &self.version_args);
        found.texts("acp_args", self.acp_args.as_deref().unwrap_or_default());
        if let Some(rule) = &self.instructions {
            found.texts("instructions.args", &rule.args);
            found.variables("instructions.env", &rule.env);
            found.placeholder(
                "instructions",
                rule.args.iter().chain(rule.env.values()),
                &["{instructions}", "{instructions_file}"],
            );
        }
        if let Some(rule) = &self.mcp {
            found.texts("mcp.args", &rule.args);
            found.variables("mcp.env", &rule.env);
            found.texts("mcp.each_stdio", &rule.each_stdio);
            found.texts("mcp.each_http", &rule.each_http);
            let each = rule.each_stdio.iter().chain(&rule.each_http);
            found.placeholder(
                "mcp",
                rule.args.iter().chain(rule.env.values()).chain(each),
                &["{config}", "{config_file}", "{command_line}", "{url}"],
            );
        }
        self.validate_modes(&mut found);
        self.validate_screen(&mut found);
        found.0
    }

    fn validate_variant(&self, found: &mut Found) {
        let own = Self {
            name: String::new(),
            program: String::new(),
            args: Vec::new(),
            env: BTreeMap::new(),
            secrets: Vec::new(),
            like: None,
            ..self.clone()
        };
        if own != Self::default() {
            found.add(
                "like",
                "The agent that it is like says how it is read and given things; leave that out.",
            );
        }
    }

    fn validate_modes(&self, found: &mut Found) {
        if self.permission_modes.len() > MOST {
            found.add("permission_modes", "There are too many.");
            return;
        }
        for (index, mode) in self.permission_modes.iter().enumerate() {
            let at = format!("permission_modes[{index}]");
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if mode.id.is_empty() || mode.id.len() > 32 || !mode.id.chars().all(good) {
                found.add(format!("{at}.id"), "Use 1 to 32 letters, digits, - and _.");
            }
            let mut before = self.permission_modes.iter().take(index);
            if before.any(|other| other.id == mode.id) {
                found.add(format!("{at}.id"), "Another mode has this name.");
            }
            found.title(&format!("{at}.name"), &mode.name);
            found.text(&format!("{at}.description"), &mode.description);
            found.texts(&format!("{at}.args"), &mode.args);
            found.variables(&format!("{at}.env"), &mode.env);
            if index == 0 && mode.unchecked {
                found.add(
                    format!("{at}.unchecked"),
                    "Agents start with their checks on: put a mode that asks first.",
                );
            }
        }
    }

    fn validate_screen(&self, found: &mut Found) {
        let screen = &self.screen;
        if screen
            .settle_ms
            .is_some_and(|ms| !(50..=10_000).contains(&ms))
        {
            found.add("screen.settle_ms", "Give 50 to 10,000 milliseconds.");
        }
        for (name, text) in [
            ("prompt", &screen.prompt),
            ("placeholder", &screen.placeholder),
            ("echo", &screen.echo),
            ("bullet", &screen.bullet),
        ] {
            found.text(
                &format!("screen.{name}"),
                text.as_deref().unwrap_or_default(),
            );
        }
        found.texts("screen.busy", &screen.busy);
        found.texts("screen.noise", &screen.noise);
        if screen.prompt.is_none() && screen.placeholder.is_some() {
            found.add("screen.placeholder", "It says nothing without a prompt.");
        }
    }
}

#[derive(Default)]
struct Found(Vec<FieldProblem>);

impl Found {
    fn add(&mut self, field: impl Into<String>, message: &str) {
        self.0.push(FieldProblem {
            field: field.into(),
            message: message.to_owned(),
        });
    }

    fn title(&mut self, at: &str, text: &str) {
        let count = text.trim().chars().count();
        if count == 0 || count > NAME || text.chars().any(char::is_control) {
            self.add(at, "Give it a name of 1 to 60 characters.");
        }
    }

    fn program(&mut self, program: &str) {
        let is_path = program.contains(['/', '\\']);
        let whole = program.starts_with('/')
            || program.starts_with("\\\\")
            || matches!(program.as_bytes(), [_, b':', b'\\' | b'/', ..]);
        if program.len() > TEXT || program.contains(char::is_control) || program.trim() != program {
            self.add("program", "This is no program.");
        } else if is_path && !whole {
            self.add(
                "program",
                "Give a name on the PATH, or the whole path of the program.",
            );
        }
    }

    fn texts(&mut self, at: &str, texts: &[String]) {
        if texts.len() > MOST {
            self.add(at, "There are too many.");
            return;
        }
        for (index, text) in texts.iter().enumerate() {
            self.text(&format!("{at}[{index}]"), text);
        }
    }

    fn text(&mut self, at: &str, text: &str) {
        if text.len() > TEXT || text.contains('\0') {
            self.add(at, "It is too long or holds a NUL character.");
        }
    }

    fn variables(&mut self, at: &str, variables: &BTreeMap<String, String>) {
        if variables.len() > MOST {
            self.add(at, "There are too many.");
            return;
        }
        for (name, value) in variables {
            let at = format!("{at}.{name}");
            self.variable_name(&at, name);
            if value.len() > TEXT || value.contains('\0') {
                self.add(at, "It is too long or holds a NUL character.");
            }
        }
    }

    fn variable_name(&mut self, at: &str, name: &str) {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || name.len() > 128 || !name.chars().all(good) {
            self.add(
                at,
                "Use letters, digits and _, and begin with a letter or _.",
            );
        } else if name.to_ascii_uppercase().starts_with("BERTH_") {
            self.add(at, "Names that begin with BERTH_ are Berth's own.");
        }
    }

    fn placeholder<'a>(
        &mut self,
        at: &str,
        mut texts: impl Iterator<Item = &'a String>,
        known: &[&str],
    ) {
        if !texts.any(|text| known.iter().any(|known| text.contains(known))) {
            let known = known.join(", ");
            self.add(at, &format!("Say where it goes in, by one of {known}."));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(definition: &AgentDefinition) -> Vec<String> {
        let problems = definition.validate().into_iter();
        problems.map(|problem| problem.field).collect()
    }

    fn of(text: &str) -> AgentDefinition {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_program_with_a_name_is_enough() {
        assert_eq!(
            fields(&of(r#"{"name":"Mine","program":"mine"}"#)),
            [] as [&str; 0]
        );
        let paths = [
            "/opt/mine/bin/mine",
            r"C:\\mine\\mine.exe",
            r"\\\\host\\mine",
        ];
        for path in paths {
            let text = format!(r#"{{"name":"Mine","program":"{path}"}}"#);
            assert_eq!(fields(&of(&text)), [] as [&str; 0], "{path}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_field() {
        let definition = of(
            r#"{"name":" ","program":"./mine","env":{"1A":"x","BERTH_HOME":"/"},"secrets":["K","K","L M"],
                "instructions":{"args":["--prompt"]},"mcp":{},
                "permission_modes":[{"id":"a b","name":"A","unchecked":true},{"id":"a b","name":""}],
                "screen":{"settle_ms":1,"placeholder":"x"}}"#,
        );
        assert_eq!(
            fields(&definition),
            [
                "name",
                "program",
                "env.1A",
                "env.BERTH_HOME",
                "secrets[1]",
                "secrets[2]",
                "instructions",
                "mcp",
                "permission_modes[0].id",
                "permission_modes[0].unchecked",
                "permission_modes[1].id",
                "permission_modes[1].id",
                "permission_modes[1].name",
                "screen.settle_ms",
                "screen.placeholder",
            ]
        );
    }

    #[test]
    fn a_variant_leaves_reading_to_the_agent_that_it_is_like() {
        let variant = of(r#"{"name":"Mine","like":"claude","args":["--model","opus"]}"#);
        assert_eq!(fields(&variant), [] as [&str; 0]);
        let variant = of(r#"{"name":"Mine","like":"claude","screen":{"prompt":"^>"}}"#);
        assert_eq!(fields(&variant), ["like"]);
        assert_eq!(fields(&of(r#"{"name":"Mine"}"#)), ["program"]);
    }
}
