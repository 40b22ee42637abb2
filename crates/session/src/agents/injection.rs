//! What a session's agent is given besides its own settings: instructions and MCP servers.
//!
//! They go in by argument, variable or a file in the session's private folder, never into the user's own
//! settings. What an agent takes and how is data; only the formats of settings files are code.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use berth_protocol::{Secret, SessionMcpServer};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::environment::Environment;

/// The variable that has the token of the gateway, for agents whose settings name one.
const TOKEN_VARIABLE: &str = "BERTH_MCP_TOKEN";

/// The command of Berth that gives an endpoint of the gateway over standard input and output.
const BRIDGE: &str = "mcp-bridge";

/// How instructions go in.
///
/// In arguments and variables `{instructions}` is replaced by the text, `{instructions_toml}` by the text as a
/// TOML string, `{instructions_file}` by the path of a file with it, `{config}` and `{config_file}` by
/// the settings of [`ConfigFormat`] and their path.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptRules {
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// They go in when the session is begun over the Agent Client Protocol.
    pub protocol: bool,
    /// A conversation keeps those that it began with: another run that resumes it gets no new ones.
    pub kept: bool,
}

impl PromptRules {
    /// They go in as a file or over the protocol, and in no argument or variable, of which systems take none
    /// that is very long.
    pub fn takes_long(&self) -> bool {
        let mut all = self.args.iter().chain(self.env.values());
        // No settings hold the words themselves; they name a file with them.
        let inline = ["{instructions}", "{instructions_toml}"];
        !all.any(|text| inline.iter().any(|name| text.contains(name)))
    }
}

/// How MCP servers go in; as in [`PromptRules`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpRules {
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Arguments for each server that is a program. `{name}` is its name, `{command_line}` its program and
    /// arguments as one text, `{server_toml}` all of it as a TOML table.
    pub each_stdio: Vec<String>,
    /// Arguments for each server that is reached over HTTP. `{url}` is its address; the others as above.
    pub each_http: Vec<String>,
}

impl McpRules {
    /// A server of this kind goes in. A token does in settings, and in a TOML table as the name of the variable
    /// that has it; an argument could be read by every user of the machine. Where neither is, a program goes in that
    /// has the token from its environment.
    pub fn takes(&self, server: &SessionMcpServer) -> bool {
        match server {
            SessionMcpServer::Stdio { .. } => !self.each_stdio.is_empty() || self.has_settings(),
            SessionMcpServer::Http { bearer: None, .. } => {
                !self.each_http.is_empty() || self.has_settings()
            }
            SessionMcpServer::Http { .. } => self.takes_token() || !self.each_stdio.is_empty(),
        }
    }

    fn has_settings(&self) -> bool {
        let mut all = self.args.iter().chain(self.env.values());
        all.any(|text| text.contains("{config"))
    }

    fn takes_token(&self) -> bool {
        match self.each_http.is_empty() {
            true => self.has_settings(),
            false => self
                .each_http
                .iter()
                .any(|text| text.contains("{server_toml}")),
        }
    }
}

/// The program that stands for a server that is reached over HTTP with a token.
fn bridge(server: &SessionMcpServer, berth: Option<&Path>) -> SessionMcpServer {
    match server {
        SessionMcpServer::Http { name, url, .. } => SessionMcpServer::Stdio {
            name: name.clone(),
            command: berth.map_or_else(|| "berth".to_owned(), shown),
            args: vec![BRIDGE.to_owned(), url.clone()],
        },
        program => program.clone(),
    }
}

/// Settings that Berth writes in the format of an agent.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ConfigFormat {
    /// A file with `mcpServers`, as Claude Code reads it.
    McpServers,
    /// Settings of Gemini CLI, laid over the system's own.
    Gemini,
    /// Settings of opencode.
    Opencode,
}

/// What is to go in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Injection<'a> {
    /// Instructions.
    pub instructions: Option<&'a str>,
    /// MCP servers.
    pub mcp_servers: &'a [SessionMcpServer],
    /// The program of Berth, for agents that reach servers through it; the one on the PATH when absent.
    pub berth: Option<&'a Path>,
}

/// A file that is written before the agent starts, for its user alone.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateFile {
    /// Where it is.
    pub path: PathBuf,
    /// What stands in it, which may be secret.
    pub content: String,
}

impl std::fmt::Debug for PrivateFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.content.len())
    }
}

/// What goes in, worked out.
#[derive(Clone, Debug, Default)]
pub struct Injected {
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Files.
    pub files: Vec<PrivateFile>,
}

/// The rules of one transport.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// How instructions go in.
    pub prompt: Option<&'a PromptRules>,
    /// How MCP servers go in.
    pub mcp: Option<&'a McpRules>,
    /// The settings that both may use.
    pub config: Option<ConfigFormat>,
}

/// Works out arguments, variables and files. What `injection` has and the rules do not is left out; the
/// caller has refused it before.
pub fn inject(
    rules: Rules,
    injection: &Injection,
    private: &Path,
    environment: &Environment,
) -> Injected {
    let mut injected = Injected::default();
    let prompt = injection
        .instructions
        .and_then(|text| Some((text, rules.prompt?)));
    let mcp = rules.mcp.filter(|_| !injection.mcp_servers.is_empty());
    let config_file = private.join("config.json");
    let config = rules.config.map(|format| {
        let folder = private.join("context");
        let text = prompt.map(|(text, _)| text);
        let servers = if mcp.is_some() {
            injection.mcp_servers
        } else {
            &[]
        };
        compose(format, text, servers, &folder, environment)
    });
    let config_text = config
        .as_ref()
        .map(|(config, _)| config.to_string())
        .unwrap_or_default();
    let instructions_file = private.join("instructions.md");
    let words = prompt.map(|(words, _)| words).unwrap_or_default();
    let words_toml = toml_text(words);
    let (config_path, instructions_path) = (shown(&config_file), shown(&instructions_file));
    let known = [
        ("{config_file}", config_path.as_str()),
        ("{config}", &config_text),
        ("{instructions_file}", &instructions_path),
        ("{instructions_toml}", &words_toml),
        ("{instructions}", words),
    ];
    let fill = |text: &str| filled(text, &known);
    let mut used = Vec::new();
    let prompt_rules = prompt.map(|(_, rules)| (&rules.args, &rules.env));
    let mcp_rules = mcp.map(|rules| (&rules.args, &rules.env));
    for (args, env) in prompt_rules.into_iter().chain(mcp_rules) {
        injected.args.extend(args.iter().map(|arg| fill(arg)));
        let filled = env.iter().map(|(name, value)| (name.clone(), fill(value)));
        injected.env.extend(filled);
        used.extend(args.iter().chain(env.values()));
    }
    for (rules, server) in mcp.iter().flat_map(|rules| {
        injection
            .mcp_servers
            .iter()
            .map(move |server| (rules, server))
    }) {
        let token = match server {
            SessionMcpServer::Http { bearer, .. } => bearer.as_ref(),
            SessionMcpServer::Stdio { .. } => None,
        };
        let is_bridged = token.is_some() && !rules.takes_token();
        let bridge = is_bridged.then(|| bridge(server, injection.berth));
        let server = bridge.as_ref().unwrap_or(server);
        let each = match server {
            SessionMcpServer::Stdio { .. } => &rules.each_stdio,
            SessionMcpServer::Http { .. } => &rules.each_http,
        };
        injected
            .args
            .extend(each.iter().map(|arg| fill_server(arg, server)));
        if let Some(token) = token
            && !each.is_empty()
        {
            let value = token.expose().clone();
            injected.env.insert(TOKEN_VARIABLE.to_owned(), value);
        }
    }
    let uses = |name: &str| used.iter().any(|text| text.contains(name));
    if let Some((text, _)) = prompt
        && uses("{instructions_file}")
    {
        injected.files.push(PrivateFile {
            path: instructions_file.clone(),
            content: text.to_owned(),
        });
    }
    if let Some((_, files)) = config {
        if uses("{config_file}") {
            injected.files.push(PrivateFile {
                path: config_file.clone(),
                content: config_text.clone(),
            });
        }
        if uses("{config") {
            injected.files.extend(files);
        }
    }
    injected
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Replaces what is known, once: what is put in is not looked at again.
fn filled(text: &str, known: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        match known
            .iter()
            .find_map(|(name, value)| Some((from.strip_prefix(name)?, value)))
        {
            Some((after, value)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = from.strip_prefix('{').unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn fill_server(text: &str, server: &SessionMcpServer) -> String {
    let (line, table, url) = match server {
        SessionMcpServer::Stdio { command, args, .. } => {
            let words = std::iter::once(command).chain(args);
            let line: Vec<String> = words.map(|word| quoted(word)).collect();
            let list: Vec<String> = args.iter().map(|arg| toml_text(arg)).collect();
            let table = format!(
                "{{command={},args=[{}]}}",
                toml_text(command),
                list.join(",")
            );
            (line.join(" "), table, "")
        }
        SessionMcpServer::Http { url, bearer, .. } => {
            let token = match bearer {
                Some(_) => format!(",bearer_token_env_var={}", toml_text(TOKEN_VARIABLE)),
                None => String::new(),
            };
            let table = format!("{{url={}{token}}}", toml_text(url));
            (String::new(), table, url.as_str())
        }
    };
    let known = [
        ("{name}", server.name()),
        ("{server_toml}", &table),
        ("{command_line}", &line),
        ("{url}", url),
    ];
    filled(text, &known)
}

/// A word of a command line, for programs that split one as a shell would.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A text as a TOML string.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The settings, and the files that they name.
fn compose(
    format: ConfigFormat,
    instructions: Option<&str>,
    servers: &[SessionMcpServer],
    context: &Path,
    environment: &Environment,
) -> (Value, Vec<PrivateFile>) {
    match format {
        ConfigFormat::McpServers => {
            let entry = |server: &SessionMcpServer| match server {
                SessionMcpServer::Stdio { command, args, .. } => {
                    json!({"type": "stdio", "command": command, "args": args})
                }
                SessionMcpServer::Http { url, bearer, .. } => {
                    with_token(json!({"type": "http", "url": url}), bearer.as_ref())
                }
            };
            (json!({"mcpServers": named(servers, entry)}), Vec::new())
        }
        ConfigFormat::Opencode => {
            let entry = |server: &SessionMcpServer| match server {
                SessionMcpServer::Stdio { command, args, .. } => {
                    let command: Vec<&String> = std::iter::once(command).chain(args).collect();
                    json!({"type": "local", "command": command, "enabled": true})
                }
                SessionMcpServer::Http { url, bearer, .. } => {
                    let server = json!({"type": "remote", "url": url, "enabled": true});
                    with_token(server, bearer.as_ref())
                }
            };
            let mut config = Map::new();
            let mut files = Vec::new();
            if let Some(text) = instructions {
                let path = context.join("instructions.md");
                config.insert("instructions".to_owned(), json!([path]));
                files.push(PrivateFile {
                    path,
                    content: text.to_owned(),
                });
            }
            if !servers.is_empty() {
                config.insert("mcp".to_owned(), named(servers, entry));
            }
            (Value::Object(config), files)
        }
        ConfigFormat::Gemini => gemini(instructions, servers, context, environment),
    }
}

/// With the header by which an agent proves that it may ask.
fn with_token(mut server: Value, token: Option<&Secret>) -> Value {
    if let (Value::Object(server), Some(token)) = (&mut server, token) {
        let header = format!("Bearer {}", token.expose());
        server.insert("headers".to_owned(), json!({"Authorization": header}));
    }
    server
}

fn named(servers: &[SessionMcpServer], entry: impl Fn(&SessionMcpServer) -> Value) -> Value {
    let entries = servers
        .iter()
        .map(|server| (server.name().to_owned(), entry(server)));
    Value::Object(entries.collect())
}

/// Gemini CLI has no way to add to its system prompt. Its memory is read from a folder that is included, and
/// these settings count more than the user's, so that what the system itself has set must stay in them.
fn gemini(
    instructions: Option<&str>,
    servers: &[SessionMcpServer],
    context: &Path,
    environment: &Environment,
) -> (Value, Vec<PrivateFile>) {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(path).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    };
    let system = environment
        .get("GEMINI_CLI_SYSTEM_SETTINGS_PATH")
        .map_or_else(system_settings, PathBuf::from);
    let mut settings = match read(system) {
        Some(Value::Object(settings)) => settings,
        _ => Map::new(),
    };
    let mut files = Vec::new();
    if let Some(text) = instructions {
        let home = environment
            .get("GEMINI_CLI_HOME")
            .or_else(|| environment.get("HOME"));
        let user = home.and_then(|home| read(Path::new(home).join(".gemini/settings.json")));
        // Memory is read from files of the name that the user may have chosen.
        let chosen = |settings: &Value| match settings.pointer("/context/fileName")? {
            Value::String(name) => Some(name.clone()),
            Value::Array(names) => names.first()?.as_str().map(str::to_owned),
            _ => None,
        };
        let is_name = |name: &String| !name.contains(['/', '\\']) && name != "..";
        let name = chosen(&Value::Object(settings.clone()))
            .or_else(|| chosen(&user.unwrap_or_default()))
            .filter(is_name)
            .unwrap_or_else(|| "GEMINI.md".to_owned());
        let part = settings.entry("context").or_insert_with(|| json!({}));
        if let Value::Object(part) = part {
            let folders = part
                .entry("includeDirectories")
                .or_insert_with(|| json!([]));
            if let Value::Array(folders) = folders {
                folders.push(json!(context));
            }
            part.insert("loadMemoryFromIncludeDirectories".to_owned(), json!(true));
        }
        files.push(PrivateFile {
            path: context.join(name),
            content: text.to_owned(),
        });
    }
    if !servers.is_empty() {
        let entry = |server: &SessionMcpServer| match server {
            SessionMcpServer::Stdio { command, args, .. } => {
                json!({"command": command, "args": args})
            }
            SessionMcpServer::Http { url, bearer, .. } => {
                with_token(json!({"httpUrl": url}), bearer.as_ref())
            }
        };
        let part = settings.entry("mcpServers").or_insert_with(|| json!({}));
        if let (Value::Object(part), Value::Object(added)) = (part, named(servers, entry)) {
            part.extend(added);
        }
    }
    (Value::Object(settings), files)
}

/// Where Gemini CLI looks for the system's settings.
fn system_settings() -> PathBuf {
    if cfg!(target_os = "macos") {
        "/Library/Application Support/GeminiCli/settings.json".into()
    } else if cfg!(windows) {
        r"C:\ProgramData\gemini-cli\settings.json".into()
    } else {
        "/etc/gemini-cli/settings.json".into()
    }
}

#[cfg(test)]
#[path = "injection_tests.rs"]
mod tests;
