//! The form that describes an agent: what its fields hold, the definition that they make, and which
//! field a problem belongs to.
//!
//! Fields hold what was typed. Lists are written one on each line and variables as `NAME=value`; what a
//! line cannot hold as it stands is written in quotation marks, so that no definition loses anything.
//! What does not belong to the choices that were made is left out of the definition and stays in the
//! form, so that trying another choice loses nothing.

use std::collections::BTreeMap;

use berth_protocol::{
    AgentDefinition, AgentId, FieldProblem, InstructionsRule, InterruptKey, McpRule,
    ModeDefinition, ScreenDefinition,
};

use crate::logic::lines::{line_of, lines, quoted, text_of, text_of_variables, variables};
use crate::strings::{agent_editor, fill, form_parts};

/// Longest secret, in bytes; the engine takes no longer one.
const SECRET: usize = berth_protocol::LONGEST_SECRET;

const INSTRUCTIONS: &str = "{instructions}";
const INSTRUCTIONS_FILE: &str = "{instructions_file}";
const CONFIG_FILE: &str = "{config_file}";

/// What the fields hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Name shown to people.
    pub name: String,
    /// Name used in requests.
    pub id: String,
    /// The agent that it is like; empty for none.
    pub like: String,
    /// Its program.
    pub program: String,
    /// Arguments, one on each line.
    pub args: String,
    /// Variables, one on each line.
    pub env: String,
    /// Variables whose values are in the keychain, in order.
    pub secrets: Vec<SecretRow>,
    /// Arguments that make it print its version.
    pub version_args: String,
    /// It speaks the Agent Client Protocol.
    pub acp: bool,
    /// Arguments with which it does.
    pub acp_args: String,
    /// How it is given instructions.
    pub instructions: Giving,
    /// How it is given MCP servers.
    pub mcp: Giving,
    /// Its permission modes, in order.
    pub modes: Vec<Mode>,
    /// How to read its screen.
    pub screen: Screen,
}

/// A variable whose value is in the keychain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretRow {
    /// Tells it from the other rows, whatever its name is.
    pub row: u32,
    /// Name of the variable.
    pub name: String,
    /// A new value, if one was typed.
    pub value: String,
}

/// The way in which an agent is given something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// It takes none.
    #[default]
    Nothing,
    /// The text as an argument.
    Argument,
    /// The text in a variable.
    Variable,
    /// A file whose path is an argument.
    File,
    /// Arguments for each server.
    Each,
    /// Arguments and variables as they are typed.
    Own,
}

/// The ways of giving instructions, in the order in which they are offered.
pub const FOR_INSTRUCTIONS: [Way; 5] = [
    Way::Nothing,
    Way::Argument,
    Way::Variable,
    Way::File,
    Way::Own,
];

/// The ways of giving MCP servers, in the order in which they are offered.
pub const FOR_SERVERS: [Way; 4] = [Way::Nothing, Way::File, Way::Each, Way::Own];

impl Way {
    /// The word that stands for it in a choice.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Argument => "argument",
            Self::Variable => "variable",
            Self::File => "file",
            Self::Each => "each",
            Self::Own => "own",
        }
    }
}

/// How an agent is given something. What its way does not have stays unused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Giving {
    /// The way.
    pub way: Way,
    /// The argument before the text or the path; empty for none.
    pub flag: String,
    /// The variable.
    pub variable: String,
    /// Arguments, one on each line.
    pub args: String,
    /// Variables, one on each line.
    pub env: String,
    /// Arguments for a server that is a program.
    pub each_stdio: String,
    /// Arguments for a server that is reached over HTTP.
    pub each_http: String,
}

/// The card of a permission mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Tells it from the other cards, whatever its name is.
    pub row: u32,
    /// Name used in requests.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// What it allows.
    pub description: String,
    /// The agent does everything without asking in it.
    pub unchecked: bool,
    /// Arguments, one on each line.
    pub args: String,
    /// Variables, one on each line.
    pub env: String,
}

/// How to read the screen. A field that is empty stands for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Milliseconds.
    pub settle_ms: String,
    /// A pattern.
    pub prompt: String,
    /// A pattern.
    pub placeholder: String,
    /// Patterns, one on each line.
    pub busy: String,
    /// A pattern.
    pub echo: String,
    /// A pattern.
    pub bullet: String,
    /// Patterns, one on each line.
    pub noise: String,
    /// The program reads lines.
    pub reads_lines: bool,
    /// The key; none for the usual one.
    pub interrupt: Option<InterruptKey>,
}

impl Form {
    /// A form that holds this definition.
    pub fn of(id: &str, definition: &AgentDefinition) -> Self {
        let rows = || 0..;
        let secrets = rows().zip(&definition.secrets);
        let modes = rows().zip(&definition.permission_modes);
        Self {
            name: definition.name.clone(),
            id: id.to_owned(),
            like: definition
                .like
                .as_ref()
                .map(AgentId::to_string)
                .unwrap_or_default(),
            program: definition.program.clone(),
            args: text_of(&definition.args),
            env: text_of_variables(&definition.env),
            secrets: secrets
                .map(|(row, name)| SecretRow {
                    row,
                    name: name.clone(),
                    value: String::new(),
                })
                .collect(),
            version_args: text_of(&definition.version_args),
            acp: definition.acp_args.is_some(),
            acp_args: text_of(definition.acp_args.as_deref().unwrap_or_default()),
            instructions: definition
                .instructions
                .as_ref()
                .map(Giving::of_instructions)
                .unwrap_or_default(),
            mcp: definition
                .mcp
                .as_ref()
                .map(Giving::of_servers)
                .unwrap_or_default(),
            modes: modes.map(|(row, mode)| Mode::of(row, mode)).collect(),
            screen: Screen::of(&definition.screen),
        }
    }

    /// Another agent is like this one, so it is not asked how it is read and given things.
    pub fn is_variant(&self) -> bool {
        !self.like.is_empty()
    }

    /// The definition that the fields make.
    pub fn definition(&self) -> AgentDefinition {
        let own = !self.is_variant();
        let modes = self.modes.iter().filter(|_| own);
        AgentDefinition {
            name: self.name.trim().to_owned(),
            program: self.program.trim().to_owned(),
            args: lines(&self.args),
            env: variables(&self.env).0,
            secrets: self
                .secrets
                .iter()
                .map(|secret| secret.name.trim().to_owned())
                .collect(),
            like: self.like.parse().ok(),
            version_args: if own {
                lines(&self.version_args)
            } else {
                Vec::new()
            },
            acp_args: (own && self.acp).then(|| lines(&self.acp_args)),
            instructions: self.instructions.instructions().filter(|_| own),
            mcp: self.mcp.servers().filter(|_| own),
            permission_modes: modes.map(Mode::definition).collect(),
            screen: if own {
                self.screen.definition()
            } else {
                ScreenDefinition::default()
            },
        }
    }

    /// What is wrong, by the field that shows it; nothing when the form can be saved.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        let mut add = |field: String, message: String| {
            found.push(FieldProblem { field, message });
        };
        if self.id.parse::<AgentId>().is_err() {
            add("id".to_owned(), agent_editor().agent_id_wrong.to_owned());
        }
        for (index, secret) in self.secrets.iter().enumerate() {
            let value = secret.value.trim();
            if value.len() > SECRET || value.chars().any(char::is_control) {
                add(
                    format!("secrets[{index}].value"),
                    form_parts().secret_wrong.to_owned(),
                );
            }
        }
        for (field, text) in self.variable_fields() {
            if let Some(message) = variables(text).1 {
                add(field, message);
            }
        }
        let pause = self.screen.settle_ms.trim();
        if !self.is_variant() && !pause.is_empty() && pause.parse::<u32>().is_err() {
            add(
                "screen.settle_ms".to_owned(),
                agent_editor().screen_pause_wrong.to_owned(),
            );
        }
        found.extend(self.placed(self.definition().validate()));
        found
    }

    /// The fields with variables that the definition is made of.
    fn variable_fields(&self) -> Vec<(String, &str)> {
        let mut all = vec![("env".to_owned(), self.env.as_str())];
        if self.is_variant() {
            return all;
        }
        for (name, giving) in [("instructions", &self.instructions), ("mcp", &self.mcp)] {
            if giving.way == Way::Own {
                all.push((format!("{name}.env"), &giving.env));
            }
        }
        for (index, mode) in self.modes.iter().enumerate() {
            all.push((format!("permission_modes[{index}].env"), &mode.env));
        }
        all
    }

    /// Problems with the definition, by the fields of the form.
    pub fn placed(&self, problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
        let placed = problems.into_iter().map(|FieldProblem { field, message }| {
            if let Some((list, index)) = in_list(&field) {
                let line = line_of(self.list(list), index).to_string();
                return FieldProblem {
                    field: self.control(list),
                    message: fill(form_parts().problem_of_line, &[&line, &message]),
                };
            }
            if let Some((place, name)) = in_variables(&field) {
                let control = self.control(place);
                // The field for the name of a variable holds nothing else.
                let alone = control.ends_with(".variable");
                return FieldProblem {
                    message: match alone {
                        true => message,
                        false => fill(form_parts().problem_of, &[name, &message]),
                    },
                    field: control,
                };
            }
            FieldProblem {
                field: self.control(&field),
                message,
            }
        });
        placed.collect()
    }

    /// The field that shows what a field of the definition holds.
    fn control(&self, field: &str) -> String {
        let (giving, name) = match field.split('.').next() {
            Some("instructions") => (&self.instructions, "instructions"),
            Some("mcp") => (&self.mcp, "mcp"),
            _ => return field.to_owned(),
        };
        let shown = match giving.way {
            Way::Argument | Way::File => "flag",
            Way::Variable => "variable",
            Way::Each if field == name => "each_stdio",
            Way::Own if field == name => "args",
            Way::Nothing | Way::Each | Way::Own => return field.to_owned(),
        };
        format!("{name}.{shown}")
    }

    /// What is typed into the field of a list.
    fn list(&self, field: &str) -> &str {
        match field {
            "args" => &self.args,
            "version_args" => &self.version_args,
            "acp_args" => &self.acp_args,
            "instructions.args" => &self.instructions.args,
            "mcp.args" => &self.mcp.args,
            "mcp.each_stdio" => &self.mcp.each_stdio,
            "mcp.each_http" => &self.mcp.each_http,
            "screen.busy" => &self.screen.busy,
            "screen.noise" => &self.screen.noise,
            _ => {
                let mode = field
                    .strip_prefix("permission_modes[")
                    .and_then(|rest| rest.split(']').next()?.parse::<usize>().ok())
                    .and_then(|index| self.modes.get(index));
                mode.map_or("", |mode| &mode.args)
            }
        }
    }
}

impl Giving {
    fn of_instructions(rule: &InstructionsRule) -> Self {
        let whole = Self {
            way: Way::Own,
            args: text_of(&rule.args),
            env: text_of_variables(&rule.env),
            ..Self::default()
        };
        if rule.args.is_empty() {
            let mut all = rule.env.iter();
            if let (Some((name, value)), None) = (all.next(), all.next())
                && value == INSTRUCTIONS
                && is_plain(name)
            {
                return Self {
                    way: Way::Variable,
                    variable: name.clone(),
                    ..Self::default()
                };
            }
        }
        if !rule.env.is_empty() {
            return whole;
        }
        if let Some(flag) = flag_before(&rule.args, INSTRUCTIONS) {
            return Self::with_flag(Way::Argument, flag);
        }
        match flag_before(&rule.args, INSTRUCTIONS_FILE) {
            Some(flag) => Self::with_flag(Way::File, flag),
            None => whole,
        }
    }

    fn of_servers(rule: &McpRule) -> Self {
        let each = !rule.each_stdio.is_empty() || !rule.each_http.is_empty();
        let at_once = !rule.args.is_empty() || !rule.env.is_empty();
        if !each
            && rule.env.is_empty()
            && let Some(flag) = flag_before(&rule.args, CONFIG_FILE)
        {
            return Self::with_flag(Way::File, flag);
        }
        Self {
            way: if each && !at_once {
                Way::Each
            } else {
                Way::Own
            },
            args: text_of(&rule.args),
            env: text_of_variables(&rule.env),
            each_stdio: text_of(&rule.each_stdio),
            each_http: text_of(&rule.each_http),
            ..Self::default()
        }
    }

    /// The same instructions in the free form.
    pub fn as_own_instructions(&self) -> Self {
        let rule = self.instructions().unwrap_or_default();
        Self {
            way: Way::Own,
            args: text_of(&rule.args),
            env: text_of_variables(&rule.env),
            ..self.clone()
        }
    }

    /// The same servers in the free form.
    pub fn as_own_servers(&self) -> Self {
        let rule = self.servers().unwrap_or_default();
        Self {
            way: Way::Own,
            args: text_of(&rule.args),
            env: text_of_variables(&rule.env),
            ..self.clone()
        }
    }

    fn with_flag(way: Way, flag: &str) -> Self {
        Self {
            way,
            flag: flag.to_owned(),
            ..Self::default()
        }
    }

    /// As a rule for instructions.
    pub fn instructions(&self) -> Option<InstructionsRule> {
        let mut rule = InstructionsRule::default();
        match self.way {
            Way::Nothing | Way::Each => return None,
            Way::Argument => rule.args = flagged(&self.flag, INSTRUCTIONS),
            Way::File => rule.args = flagged(&self.flag, INSTRUCTIONS_FILE),
            Way::Variable => {
                let name = self.variable.trim().to_owned();
                rule.env = BTreeMap::from([(name, INSTRUCTIONS.to_owned())]);
            }
            Way::Own => {
                rule.args = lines(&self.args);
                rule.env = variables(&self.env).0;
            }
        }
        Some(rule)
    }

    /// As a rule for MCP servers.
    pub fn servers(&self) -> Option<McpRule> {
        let mut rule = McpRule::default();
        match self.way {
            Way::Nothing | Way::Argument | Way::Variable => return None,
            Way::File => rule.args = flagged(&self.flag, CONFIG_FILE),
            Way::Each | Way::Own => {
                rule.each_stdio = lines(&self.each_stdio);
                rule.each_http = lines(&self.each_http);
            }
        }
        if self.way == Way::Own {
            rule.args = lines(&self.args);
            rule.env = variables(&self.env).0;
        }
        Some(rule)
    }
}

impl Mode {
    fn of(row: u32, mode: &ModeDefinition) -> Self {
        Self {
            row,
            id: mode.id.clone(),
            name: mode.name.clone(),
            description: mode.description.clone(),
            unchecked: mode.unchecked,
            args: text_of(&mode.args),
            env: text_of_variables(&mode.env),
        }
    }

    fn definition(&self) -> ModeDefinition {
        ModeDefinition {
            id: self.id.trim().to_owned(),
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            unchecked: self.unchecked,
            args: lines(&self.args),
            env: variables(&self.env).0,
        }
    }
}

impl Screen {
    fn of(screen: &ScreenDefinition) -> Self {
        let one = |text: &Option<String>| text.as_deref().map(quoted).unwrap_or_default();
        let pause = screen.settle_ms;
        Self {
            settle_ms: pause.map(|ms| ms.to_string()).unwrap_or_default(),
            prompt: one(&screen.prompt),
            placeholder: one(&screen.placeholder),
            busy: text_of(&screen.busy),
            echo: one(&screen.echo),
            bullet: one(&screen.bullet),
            noise: text_of(&screen.noise),
            reads_lines: screen.reads_lines,
            interrupt: screen.interrupt,
        }
    }

    fn definition(&self) -> ScreenDefinition {
        // A pattern is exactly what is typed: blanks in it count.
        let one = |text: &str| lines(text).into_iter().next();
        ScreenDefinition {
            settle_ms: self.settle_ms.trim().parse().ok(),
            prompt: one(&self.prompt),
            placeholder: one(&self.placeholder),
            busy: lines(&self.busy),
            echo: one(&self.echo),
            bullet: one(&self.bullet),
            noise: lines(&self.noise),
            reads_lines: self.reads_lines,
            interrupt: self.interrupt,
        }
    }
}

/// The name for requests that a name for people makes, other than those that are taken; empty when
/// there is no letter or digit in it that it may have.
pub fn id_from(name: &str, taken: &[String]) -> String {
    let mut id = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => id.push(c),
            'A'..='Z' => id.push(c.to_ascii_lowercase()),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    let cut = |length: usize| {
        let cut = &id[..id.len().min(length)];
        cut.trim_end_matches('-').to_owned()
    };
    let whole = cut(AgentId::MAX_LEN);
    if whole.is_empty() || !taken.contains(&whole) {
        return whole;
    }
    // As many numbers as there can be names in the way, so one is free.
    let free = (2..taken.len() + 3).map(|number| {
        let end = format!("-{number}");
        cut(AgentId::MAX_LEN - end.len()) + &end
    });
    let mut free = free.filter(|id| !taken.contains(id));
    free.next().unwrap_or(whole)
}

/// The argument before this last one, empty if there is none; nothing if the arguments are others, or
/// its field would hold something else.
fn flag_before<'a>(args: &'a [String], last: &str) -> Option<&'a str> {
    match args {
        [only] if only == last => Some(""),
        [flag, text] if text == last && is_plain(flag) => Some(flag),
        _ => None,
    }
}

fn flagged(flag: &str, last: &str) -> Vec<String> {
    let flag = Some(flag.trim()).filter(|flag| !flag.is_empty());
    let all = flag.into_iter().chain([last]);
    all.map(str::to_owned).collect()
}

/// A field for one line holds it as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r'])
}

/// The list and the place in it that a field is.
fn in_list(field: &str) -> Option<(&str, usize)> {
    let (list, index) = field.strip_suffix(']')?.rsplit_once('[')?;
    let rows = matches!(list, "secrets" | "permission_modes");
    Some((list, index.parse().ok()?)).filter(|_| !rows)
}

/// The variables and the name among them that a field is.
fn in_variables(field: &str) -> Option<(&str, &str)> {
    let from = match field.starts_with("env.") {
        true => 0,
        false => field.find(".env.")? + 1,
    };
    let end = from + "env".len();
    Some((&field[..end], &field[end + 1..]))
}

#[cfg(test)]
#[path = "agent_form_tests.rs"]
mod tests;
