//! Settings of other programs, read for what they say of MCP servers.
//!
//! | program | file | form |
//! |---|---|---|
//! | a project | `.mcp.json` | `{"mcpServers": {name: {…}}}` |
//! | Claude Code | `~/.claude.json` | the same, with other things beside |
//! | Cursor | `.cursor/mcp.json` | the same |
//! | VS Code | `.vscode/mcp.json` | `{"servers": {name: {"type": …}}}`, with `inputs` |
//! | Codex | `config.toml` | `[mcp_servers.name]` |
//!
//! Nothing is started by an import. Values of variables and headers that look like secrets are not taken over:
//! their names are, and the user is asked for them. Arguments and addresses stay as they are: they are no place for
//! secrets, and whoever agrees to an import has to be shown them whole.

use std::collections::{BTreeMap, BTreeSet};

use berth_protocol::{McpAuth, McpDraft, McpOffers, McpServer, PromptTarget, ToolRules};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest file, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Most servers of one file.
const MOST: usize = 100;

/// A server of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its name in the file.
    pub name: String,
    /// What it would be.
    pub draft: McpDraft,
    /// Secrets that it needs, as [`McpDraft::secrets`] names them. Their values are not taken over.
    pub secrets: BTreeSet<String>,
    /// What was left out, as sentences.
    pub notes: Vec<String>,
}

/// A server of a file that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct Unclear {
    /// Its name in the file.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why nothing can be read of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is too long.
    #[error("the file has {0} bytes; at most {LONGEST} are read")]
    TooLong(usize),
    /// It is neither JSON nor TOML.
    #[error("the file is neither JSON nor TOML: {0}")]
    Unreadable(String),
    /// It says nothing of servers.
    #[error("the file names no MCP servers: there is none of mcpServers, servers and mcp_servers")]
    NoServers,
    /// It names too many.
    #[error("the file names {0} MCP servers; at most {MOST} can be imported at once")]
    TooMany(usize),
}

/// The servers that a file names, by their names, and those that cannot be understood with the reason.
///
/// # Errors
/// [`ImportError`] when nothing can be read at all.
pub fn import(text: &str) -> Result<Vec<Result<Imported, Unclear>>, ImportError> {
    if text.len() > LONGEST {
        return Err(ImportError::TooLong(text.len()));
    }
    let value = read(text.trim_start_matches('\u{feff}'))?;
    let servers = ["mcpServers", "servers", "mcp_servers"]
        .iter()
        .find_map(|key| value.get(*key)?.as_object())
        .ok_or(ImportError::NoServers)?;
    if servers.len() > MOST {
        return Err(ImportError::TooMany(servers.len()));
    }
    let servers: BTreeMap<&String, &Value> = servers.iter().collect();
    let all = servers.into_iter().map(|(name, entry)| {
        let unclear = |why: String| Unclear {
            name: name.clone(),
            why,
        };
        let entry: Entry =
            serde_json::from_value(entry.clone()).map_err(|error| unclear(error.to_string()))?;
        entry.imported(name).map_err(unclear)
    });
    Ok(all.collect())
}

fn read(text: &str) -> Result<Map<String, Value>, ImportError> {
    let json = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(_) => return Err(ImportError::NoServers),
        Err(error) => error,
    };
    match toml::from_str::<Map<String, Value>>(text) {
        Ok(object) => Ok(object),
        Err(_) if text.trim_start().starts_with('{') => {
            Err(ImportError::Unreadable(json.to_string()))
        }
        Err(error) => Err(ImportError::Unreadable(error.message().to_owned())),
    }
}

/// What programs say of a server. What is not named here says nothing of how it is reached.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    command: Option<String>,
    args: Vec<String>,
    env: BTreeMap<String, Value>,
    /// Codex: variables that are passed on.
    env_vars: Vec<String>,
    url: Option<String>,
    #[serde(alias = "serverUrl")]
    server_url: Option<String>,
    #[serde(alias = "http_headers")]
    headers: BTreeMap<String, Value>,
    /// Codex: the variable that has the token.
    bearer_token_env_var: Option<String>,
    disabled: bool,
    enabled: Option<bool>,
}

impl Entry {
    fn imported(self, name: &str) -> Result<Imported, String> {
        let mut notes = Vec::new();
        let plain: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let mut auth = McpAuth::None;
        let url = self.url.or(self.server_url);
        let server = match (self.command, url) {
            (Some(command), _) => {
                let (env, mut secret_env) = apart(self.env, "env", &mut notes)?;
                secret_env.extend(self.env_vars);
                McpServer::Stdio {
                    command,
                    args: self.args,
                    env,
                    secret_env,
                }
            }
            (None, Some(url)) => {
                let (headers, mut secret_headers) = apart(self.headers, "headers", &mut notes)?;
                let bearer = secret_headers
                    .iter()
                    .find(|name| name.eq_ignore_ascii_case("authorization"))
                    .cloned();
                if let Some(header) = bearer {
                    secret_headers.remove(&header);
                    auth = McpAuth::Bearer;
                }
                if self.bearer_token_env_var.is_some() {
                    auth = McpAuth::Bearer;
                }
                match self.kind.as_deref() {
                    Some("sse") => McpServer::Sse {
                        url,
                        headers,
                        secret_headers,
                    },
                    _ => McpServer::Http {
                        url,
                        headers,
                        secret_headers,
                    },
                }
            }
            (None, None) => return Err("it has neither a command nor a url".to_owned()),
        };
        let draft = McpDraft {
            name: plain,
            server,
            auth,
            enabled: !self.disabled && self.enabled.unwrap_or(true),
            target: PromptTarget::default(),
            rules: ToolRules::default(),
            offers: McpOffers::default(),
        };
        Ok(Imported {
            name: name.to_owned(),
            secrets: draft.secrets(),
            draft,
            notes,
        })
    }
}

type Apart = (BTreeMap<String, String>, BTreeSet<String>);

/// Plain values, and the names of those that are secrets.
fn apart(
    values: BTreeMap<String, Value>,
    what: &str,
    notes: &mut Vec<String>,
) -> Result<Apart, String> {
    let (mut plain, mut secret) = Apart::default();
    for (name, value) in values {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            _ => return Err(format!("{what}.{name} is no text")),
        };
        if is_placeholder(&value) {
            notes.push(format!(
                "{what}.{name} stood as {value}: its value is asked for."
            ));
            secret.insert(name);
        } else if is_secret(&name, &value) {
            notes.push(format!(
                "{what}.{name} looks like a secret: its value is asked for."
            ));
            secret.insert(name);
        } else {
            plain.insert(name, value);
        }
    }
    Ok((plain, secret))
}

/// It stands for another value, as in `${input:key}` or `$KEY`.
fn is_placeholder(value: &str) -> bool {
    value.contains("${")
        || value.strip_prefix('$').is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

/// Its name says that it is one, or it looks like what providers give out.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let named = [
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "authorization",
        "credential",
        "cookie",
        "dsn",
    ];
    let given = [
        "sk-",
        "ghp_",
        "gho_",
        "github_pat_",
        "glpat-",
        "xox",
        "AKIA",
        "eyJ",
        "Bearer ",
    ];
    !value.is_empty()
        && (named.iter().any(|word| name.contains(word))
            || given.iter().any(|start| value.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Imported> {
        import(text)
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn a_project_s_file_is_read_and_secrets_stay_behind() {
        let found = all(r#"{"mcpServers": {
            "git hub": {"command": "npx", "args": ["-y", "x"], "env": {"GITHUB_TOKEN": "ghp_1", "LEVEL": 3,
                "HOST": "${HOST}"}},
            "web": {"type": "http", "url": "https://a.example/mcp", "headers": {"Authorization": "Bearer x",
                "X-Org": "o"}},
            "old": {"type": "sse", "url": "https://a.example/sse", "disabled": true}}}"#);
        let github = &found[0];
        assert_eq!(github.draft.name, "git-hub");
        let McpServer::Stdio {
            env, secret_env, ..
        } = &github.draft.server
        else {
            panic!("{github:?}");
        };
        assert_eq!(env, &BTreeMap::from([("LEVEL".to_owned(), "3".to_owned())]));
        assert_eq!(secret_env.len(), 2);
        assert_eq!(github.notes.len(), 2);
        assert!(!format!("{github:?}").contains("ghp_1"));
        let old = &found[1];
        assert!(matches!(old.draft.server, McpServer::Sse { .. }) && !old.draft.enabled);
        let web = &found[2];
        assert_eq!(web.draft.auth, McpAuth::Bearer);
        assert_eq!(web.secrets, BTreeSet::from(["token".to_owned()]));
        assert!(!format!("{web:?}").contains("Bearer x"));
    }

    #[test]
    fn files_of_vs_code_and_codex_are_read() {
        let found = all(
            r#"{"inputs": [{"id": "k"}], "servers": {"a": {"type": "stdio", "command": "uvx",
            "env": {"K": "${input:k}"}}}}"#,
        );
        assert_eq!(found[0].secrets, BTreeSet::from(["env/K".to_owned()]));
        let found = all(
            "model = \"x\"\n[mcp_servers.docs]\nurl = \"https://d.example/\"\n\
            bearer_token_env_var = \"DOCS\"\nenabled = false\n[mcp_servers.fs]\ncommand = \"npx\"\n\
            args = [\"a\"]\nenv_vars = [\"HOME2\"]\n",
        );
        assert_eq!(found[0].draft.auth, McpAuth::Bearer);
        assert!(!found[0].draft.enabled);
        assert_eq!(found[1].secrets, BTreeSet::from(["env/HOME2".to_owned()]));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(import("{}").unwrap_err(), ImportError::NoServers);
        assert_eq!(import("[]").unwrap_err(), ImportError::NoServers);
        assert!(matches!(
            import("{\"mcpServers\": "),
            Err(ImportError::Unreadable(_))
        ));
        assert!(matches!(import("a = "), Err(ImportError::Unreadable(_))));
        let found =
            import(r#"{"mcpServers": {"a": {}, "b": 3, "c": {"command": ["x"]}}}"#).unwrap();
        assert!(found.iter().all(Result::is_err), "{found:?}");
        let long = format!("{{\"x\": \"{}\"}}", "y".repeat(LONGEST));
        assert!(matches!(import(&long), Err(ImportError::TooLong(_))));
    }
}
