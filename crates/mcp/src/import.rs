//! Settings of other programs, read for what they say of MCP servers.
//!
//! | program | file | form |
//! |---|---|---|
//! | a project | `.mcp.json` | `{"mcpServers": {name: {…}}}` |
//! | Claude Code | `~/.claude.json` | the same, with other things beside, and again under `projects.<path>` |
//! | Claude Desktop | `claude_desktop_config.json` | the same |
//! | Cursor | `.cursor/mcp.json` | the same |
//! | VS Code | `mcp.json` | `{"servers": {name: {"type": …}}}`, with `inputs`, comments and last commas |
//! | Codex | `config.toml` | `[mcp_servers.name]` |
//!
//! Nothing is started by an import. Values of variables and headers that look like secrets are not taken over:
//! their names are, and the user is asked for them. Arguments and addresses stay as they are: they are no place for
//! secrets, and whoever agrees to an import has to be shown them whole.

mod relaxed;

use std::collections::{BTreeMap, BTreeSet};

use berth_protocol::{McpAuth, McpDraft, McpOffers, McpServer, PromptTarget, ToolRules};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest file, in bytes: Claude Code keeps what was typed in each project beside its servers, and some have several
/// megabytes of it.
const LONGEST: usize = 16 * 1024 * 1024;

/// Most servers of one file.
const MOST: usize = 200;

/// Longest name of a server, in bytes.
const NAME: usize = 64;

/// A server of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its name in the file.
    pub name: String,
    /// The folders of the projects that it is for in the file; none when it is for all.
    pub projects: Vec<String>,
    /// What it would be. Its name is another one than in the file where that is no name, or another server has it.
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
    /// The folders of the projects that it is for in the file; none when it is for all.
    pub projects: Vec<String>,
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
    #[error(
        "the file names more than {MOST} MCP servers, which is the most that can be imported at once"
    )]
    TooMany,
}

/// The servers that a file names, by their names, those for some projects behind those for all, and those that cannot be
/// understood with the reason.
///
/// # Errors
/// [`ImportError`] when nothing can be read at all.
pub fn import(text: &str) -> Result<Vec<Result<Imported, Unclear>>, ImportError> {
    if text.len() > LONGEST {
        return Err(ImportError::TooLong(text.len()));
    }
    let file = read(text.trim_start_matches('\u{feff}'))?;
    let mut taken = BTreeSet::new();
    let all = found(&file)?.into_iter().map(|found| {
        let Found {
            name,
            entry,
            projects,
        } = found;
        let entry = serde_json::from_value::<Entry>(entry.clone());
        let imported = entry.map_err(|error| error.to_string());
        match imported.and_then(|entry| entry.imported(name)) {
            Ok(mut imported) => {
                imported.projects = projects;
                imported.name_apart(&mut taken);
                Ok(imported)
            }
            Err(why) => Err(Unclear {
                name: name.to_owned(),
                projects,
                why,
            }),
        }
    });
    Ok(all.collect())
}

/// A server as a file says it.
struct Found<'a> {
    name: &'a str,
    entry: &'a Value,
    projects: Vec<String>,
}

/// Everything that a file says of servers. What it says of several projects alike is one server.
fn found(file: &Map<String, Value>) -> Result<Vec<Found<'_>>, ImportError> {
    let for_all = ["mcpServers", "servers", "mcp_servers"]
        .iter()
        .find_map(|key| file.get(*key)?.as_object());
    let projects = file.get("projects").and_then(Value::as_object);
    let for_some = projects.into_iter().flatten().filter_map(|(path, said)| {
        let servers = said.get("mcpServers")?.as_object()?;
        Some((Some(path), servers))
    });
    let mut places: Vec<_> = for_all.map(|servers| (None, servers)).into_iter().collect();
    places.extend(for_some);
    if places.is_empty() {
        return Err(ImportError::NoServers);
    }
    places.sort_by_key(|(project, _)| *project);
    let mut all: Vec<Found<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    for (project, servers) in places {
        let servers: BTreeMap<&String, &Value> = servers.iter().collect();
        for (name, entry) in servers {
            let at = *known.entry((name, entry.to_string())).or_insert(all.len());
            if let Some(known) = all.get_mut(at) {
                // What is for all is so for this project too.
                if let Some(project) = project
                    && !known.projects.is_empty()
                {
                    known.projects.push(project.clone());
                }
                continue;
            }
            if all.len() == MOST {
                return Err(ImportError::TooMany);
            }
            all.push(Found {
                name,
                entry,
                projects: project.cloned().into_iter().collect(),
            });
        }
    }
    Ok(all)
}

fn read(text: &str) -> Result<Map<String, Value>, ImportError> {
    if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) {
        return Ok(object);
    }
    let strict = relaxed::strict(text);
    let json = match serde_json::from_str::<Value>(&strict) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(_) => return Err(ImportError::NoServers),
        Err(error) => error,
    };
    match toml::from_str::<Map<String, Value>>(text) {
        Ok(object) => Ok(object),
        Err(_) if strict.trim_start().starts_with('{') => {
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
            name: plain(name),
            server,
            auth,
            enabled: !self.disabled && self.enabled.unwrap_or(true),
            target: PromptTarget::default(),
            rules: ToolRules::default(),
            offers: McpOffers::default(),
        };
        Ok(Imported {
            name: name.to_owned(),
            projects: Vec::new(),
            secrets: draft.secrets(),
            draft,
            notes,
        })
    }
}

impl Imported {
    /// Gives it a name that no other server of the file has: that of its project behind its own, or a number.
    fn name_apart(&mut self, taken: &mut BTreeSet<String>) {
        let name = self.draft.name.clone();
        if taken.insert(name.clone()) {
            return;
        }
        let folder = self.projects.first().and_then(|path| {
            let mut names = path.rsplit(['/', '\\']);
            names.find(|name| !name.is_empty()).map(plain)
        });
        let numbers = (2..).map(|number: u32| number.to_string());
        let mut names = folder.into_iter().chain(numbers).map(|behind| {
            // Neither of the two takes all the room.
            let behind: String = behind.chars().take(NAME / 2).collect();
            let left = NAME.saturating_sub(behind.len() + 1);
            let own: String = name.chars().take(left).collect();
            format!("{own}-{behind}")
        });
        let Some(apart) = names.find(|name| !taken.contains(name)) else {
            return;
        };
        taken.insert(apart.clone());
        self.notes.push(format!(
            "It is called {apart}, because another server of the file is called {name}."
        ));
        self.draft.name = apart;
    }
}

/// A name with the characters that names have here.
fn plain(name: &str) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() || "-_".contains(c) {
        true => c,
        false => '-',
    };
    name.chars().map(plain).collect()
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
    fn a_file_of_vs_code_may_have_comments_and_last_commas() {
        let found = all(
            "\u{feff}// Of the team\n{\n  \"servers\": {\n    \"docs\": { // at https://d.example\n      \
            \"url\": \"https://d.example/mcp\",\n    },\n  },\n  \"inputs\": [ /* none, yet */ ],\n}\n",
        );
        let McpServer::Http { url, .. } = &found[0].draft.server else {
            panic!("{found:?}");
        };
        assert_eq!(url, "https://d.example/mcp");
        // Where it is wrong is told of the file as it is.
        let wrong = import("// Of the team\n{\"servers\": {x}}").unwrap_err();
        assert!(wrong.to_string().contains("line 2 column 14"), "{wrong}");
    }

    #[test]
    fn servers_of_single_projects_are_read_with_their_projects() {
        let found = all(r#"{"numStartups": 3, "mcpServers": {
            "docs": {"command": "docs"}, "git": {"command": "git-mcp"}},
            "projects": {
                "/home/me/shop": {"history": [{"display": "hi"}], "mcpServers": {
                    "docs": {"command": "docs"}, "git": {"command": "git-mcp", "args": ["--shop"]},
                    "db": {"command": "db"}}},
                "/home/me/app": {"mcpServers": {"db": {"command": "db"}, "git": {"url": "https://g.example/"}}},
                "C:\\old\\shop": {"mcpServers": {"git": {"command": "old"}}},
                "/home/me/none": {"mcpServers": {}}, "/home/me/odd": 3}}"#);
        let said: Vec<_> = found
            .iter()
            .map(|it| {
                let projects: Vec<_> = it.projects.iter().map(String::as_str).collect();
                (it.name.as_str(), it.draft.name.as_str(), projects)
            })
            .collect();
        assert_eq!(
            said,
            [
                ("docs", "docs", vec![]),
                ("git", "git", vec![]),
                ("db", "db", vec!["/home/me/app", "/home/me/shop"]),
                ("git", "git-app", vec!["/home/me/app"]),
                ("git", "git-shop", vec!["/home/me/shop"]),
                ("git", "git-2", vec!["C:\\old\\shop"]),
            ]
        );
        assert_eq!(
            found[3].notes,
            ["It is called git-app, because another server of the file is called git."]
        );
        let only = all(r#"{"projects": {"/a": {"mcpServers": {"x": {"command": "x"}}}}}"#);
        assert_eq!(only[0].projects, ["/a"]);
        let codex = import("[projects.\"/a\"]\ntrust_level = \"trusted\"\n");
        assert_eq!(codex.unwrap_err(), ImportError::NoServers);
    }

    #[test]
    fn a_name_that_is_made_is_none_too_long() {
        let (name, folder) = ("n".repeat(NAME), "f".repeat(100));
        let file = format!(
            r#"{{"mcpServers": {{"{name}": {{"command": "a"}}}},
                "projects": {{"/{folder}": {{"mcpServers": {{"{name}": {{"command": "b"}}}}}}}}}}"#
        );
        let found = all(&file);
        assert_eq!(found[1].draft.name.len(), NAME);
        assert!(
            found[1]
                .draft
                .name
                .ends_with(&format!("n-{}", "f".repeat(NAME / 2)))
        );
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
        let many: Vec<_> = (0..=MOST)
            .map(|number| format!(r#""a{number}": {{}}"#))
            .collect();
        let many = format!("{{\"mcpServers\": {{{}}}}}", many.join(","));
        assert_eq!(import(&many).unwrap_err(), ImportError::TooMany);
    }
}
