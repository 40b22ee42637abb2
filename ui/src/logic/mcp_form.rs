//! The form of an MCP server: what its fields hold, the draft that they make, and which field a problem
//! belongs to.
//!
//! What does not belong to the type that was chosen is left out of the draft and stays in the form, so that
//! trying another type loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use berth_protocol::{
    AgentId, FieldProblem, LONGEST_SECRET, McpAuth, McpDraft, McpOffers, McpServer, OauthProvider,
    ProjectId, PromptTarget, ToolRules,
};

use crate::logic::lines::{
    in_quotes, line_of, lines, quoted, text_of, text_of_variables, unquoted, variables,
};
use crate::strings::{fill, form_parts, mcp};

/// How a server is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A program.
    #[default]
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events.
    Sse,
}

impl Kind {
    /// All types, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Stdio, Self::Http, Self::Sse];

    /// The word that stands for it on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Sse => "sse",
        }
    }
}

/// How Berth proves who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// By a token.
    Bearer,
    /// By OAuth.
    Oauth,
}

impl Auth {
    /// All ways, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::None, Self::Bearer, Self::Oauth];

    /// The word that stands for it on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Oauth => "oauth",
        }
    }
}

/// Whose authorization servers are offered, with the word for each on the wire.
pub const PROVIDERS: [(OauthProvider, &str); 5] = [
    (OauthProvider::Discovered, "discovered"),
    (OauthProvider::Github, "github"),
    (OauthProvider::Google, "google"),
    (OauthProvider::Auth0, "auth0"),
    (OauthProvider::Azure, "azure"),
];

/// A variable or header whose value is in the keychain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretRow {
    /// Tells it from the other rows, whatever its name is.
    pub row: u32,
    /// Name of the variable or header.
    pub name: String,
    /// A new value, if one was typed.
    pub value: String,
}

/// What the fields hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Name.
    pub name: String,
    /// How it is reached.
    pub kind: Kind,
    /// Its program.
    pub command: String,
    /// Arguments, one on each line.
    pub args: String,
    /// Variables, one on each line.
    pub env: String,
    /// Its address.
    pub url: String,
    /// Headers, one on each line.
    pub headers: String,
    /// Variables, or headers, whose values are in the keychain.
    pub secrets: Vec<SecretRow>,
    /// How Berth proves who it is; of a server that is an address.
    pub auth: Auth,
    /// A new token, if one was typed.
    pub token: String,
    /// Whose authorization server it is.
    pub provider: OauthProvider,
    /// A client that was registered before; empty for none.
    pub client_id: String,
    /// A new secret of that client, if one was typed.
    pub client_secret: String,
    /// Scopes, separated by blanks.
    pub scopes: String,
    /// Requests are made without the parameter `resource`.
    pub without_resource: bool,
    /// Given to sessions.
    pub enabled: bool,
    /// The agents it is for; all when empty.
    pub agents: Vec<AgentId>,
    /// The projects it is for; all when empty.
    pub projects: Vec<ProjectId>,
    /// What happens when an agent calls its tools; changed where the tools are shown.
    pub rules: ToolRules,
    /// What the server may have of sessions.
    pub offers: McpOffers,
}

impl Form {
    /// A form with nothing in it.
    pub fn new() -> Self {
        Self {
            enabled: true,
            ..Self::default()
        }
    }

    /// A form that holds this.
    pub fn of(draft: &McpDraft) -> Self {
        let mut form = Self {
            name: draft.name.clone(),
            enabled: draft.enabled,
            agents: draft.target.agents.clone(),
            projects: draft.target.projects.clone(),
            rules: draft.rules.clone(),
            offers: draft.offers,
            ..Self::default()
        };
        match &draft.server {
            McpServer::Stdio {
                command,
                args,
                env,
                secret_env,
            } => {
                form.kind = Kind::Stdio;
                form.command = command.clone();
                form.args = text_of(args);
                form.env = text_of_variables(env);
                form.secrets = rows(secret_env);
            }
            McpServer::Http {
                url,
                headers,
                secret_headers,
            }
            | McpServer::Sse {
                url,
                headers,
                secret_headers,
            } => {
                form.kind = match draft.server {
                    McpServer::Sse { .. } => Kind::Sse,
                    _ => Kind::Http,
                };
                form.url = url.clone();
                form.headers = text_of_headers(headers);
                form.secrets = rows(secret_headers);
            }
        }
        match &draft.auth {
            McpAuth::None => {}
            McpAuth::Bearer => form.auth = Auth::Bearer,
            McpAuth::Oauth {
                provider,
                client_id,
                scopes,
                without_resource,
            } => {
                form.auth = Auth::Oauth;
                form.provider = *provider;
                form.client_id = client_id.clone().unwrap_or_default();
                form.scopes = scopes.join(" ");
                form.without_resource = *without_resource;
            }
        }
        form
    }

    /// It is a program.
    pub fn is_program(&self) -> bool {
        self.kind == Kind::Stdio
    }

    /// It without the values that go to the keychain.
    pub fn without_secrets(mut self) -> Self {
        self.secrets.iter_mut().for_each(|row| row.value.clear());
        self.token.clear();
        self.client_secret.clear();
        self
    }

    /// What the fields make.
    pub fn draft(&self) -> McpDraft {
        let names = self.secrets.iter();
        let secrets: BTreeSet<_> = names.map(|row| row.name.trim().to_owned()).collect();
        let url = self.url.trim().to_owned();
        let client = self.client_id.trim();
        McpDraft {
            name: self.name.trim().to_owned(),
            server: match self.kind {
                Kind::Stdio => McpServer::Stdio {
                    command: self.command.trim().to_owned(),
                    args: lines(&self.args),
                    env: variables(&self.env).0,
                    secret_env: secrets,
                },
                Kind::Http => McpServer::Http {
                    url,
                    headers: headers(&self.headers).0,
                    secret_headers: secrets,
                },
                Kind::Sse => McpServer::Sse {
                    url,
                    headers: headers(&self.headers).0,
                    secret_headers: secrets,
                },
            },
            auth: match self.auth {
                _ if self.is_program() => McpAuth::None,
                Auth::None => McpAuth::None,
                Auth::Bearer => McpAuth::Bearer,
                Auth::Oauth => McpAuth::Oauth {
                    provider: self.provider,
                    client_id: (!client.is_empty()).then(|| client.to_owned()),
                    scopes: self.scopes.split_whitespace().map(str::to_owned).collect(),
                    without_resource: self.without_resource,
                },
            },
            enabled: self.enabled,
            target: PromptTarget {
                agents: self.agents.clone(),
                projects: self.projects.clone(),
            },
            rules: self.rules.clone(),
            offers: self.offers,
        }
    }

    /// The name in the keychain of the secret of a row.
    pub fn key_of(&self, name: &str) -> String {
        let kind = if self.is_program() { "env" } else { "header" };
        format!("{kind}/{}", name.trim())
    }

    /// What is wrong, by the field that shows it; the rest only the engine knows.
    pub fn problems(&self) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        let mut add = |field: &str, message: String| {
            found.push(FieldProblem {
                field: field.to_owned(),
                message,
            });
        };
        let (field, wrong) = match self.kind {
            Kind::Stdio => ("env", variables(&self.env).1),
            Kind::Http | Kind::Sse => ("headers", headers(&self.headers).1),
        };
        if let Some(message) = wrong {
            add(field, message);
        }
        for (at, row) in self.secrets.iter().enumerate() {
            let name = row.name.trim();
            if name.is_empty() {
                add(&format!("secrets[{at}]"), mcp().secret_nameless.to_owned());
            } else if self.secrets[..at].iter().any(|it| it.name.trim() == name) {
                add(&format!("secrets[{at}]"), mcp().secret_twice.to_owned());
            }
            if !is_secret(&row.value) {
                add(
                    &format!("secrets[{at}].value"),
                    form_parts().secret_wrong.to_owned(),
                );
            }
        }
        if !self.is_program() && self.auth == Auth::Bearer && !is_secret(&self.token) {
            add("token", form_parts().secret_wrong.to_owned());
        }
        if !self.is_program() && self.auth == Auth::Oauth && !is_secret(&self.client_secret) {
            add("client_secret", form_parts().secret_wrong.to_owned());
        }
        found
    }

    /// Problems with the draft, by the fields of the form.
    pub fn placed(&self, problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
        let placed = problems.into_iter().map(|problem| self.place(problem));
        placed.collect()
    }

    fn place(&self, FieldProblem { field, message }: FieldProblem) -> FieldProblem {
        let of = |field: &str, message: String| FieldProblem {
            field: field.to_owned(),
            message,
        };
        let inner = field.strip_prefix("server.").unwrap_or(&field);
        if let Some(at) = inside(inner, "args[") {
            let line = line_of(&self.args, at).to_string();
            return of(
                "args",
                fill(form_parts().problem_of_line, &[&line, &message]),
            );
        }
        if inner.starts_with("auth.scopes") {
            let scope = inside(inner, "auth.scopes[");
            let scope = scope.and_then(|at| self.scopes.split_whitespace().nth(at));
            let message = match scope {
                Some(scope) => fill(form_parts().problem_of, &[scope, &message]),
                None => message,
            };
            return of("auth.scopes", message);
        }
        for (list, plain) in [
            ("env", variables(&self.env).0),
            ("headers", headers(&self.headers).0),
        ] {
            let Some(name) = inner.strip_prefix(list).and_then(|it| it.strip_prefix('.')) else {
                continue;
            };
            let row = self.secrets.iter().position(|row| row.name.trim() == name);
            return match row.filter(|_| !plain.contains_key(name)) {
                Some(at) => of(&format!("secrets[{at}]"), message),
                None => of(list, fill(form_parts().problem_of, &[name, &message])),
            };
        }
        of(inner, message)
    }
}

fn rows(names: &BTreeSet<String>) -> Vec<SecretRow> {
    let rows = (0..).zip(names).map(|(row, name)| SecretRow {
        row,
        name: name.clone(),
        value: String::new(),
    });
    rows.collect()
}

/// It can be kept, or there is nothing to keep.
pub fn is_secret(value: &str) -> bool {
    let value = value.trim();
    value.len() <= LONGEST_SECRET && !value.chars().any(char::is_control)
}

/// The place in a list, such as 2 in `args[2]`.
fn inside(field: &str, list: &str) -> Option<usize> {
    field.strip_prefix(list)?.strip_suffix(']')?.parse().ok()
}

/// Headers, one on each line as `Name: value`, and what is wrong with a line that is none.
fn headers(text: &str) -> (BTreeMap<String, String>, Option<String>) {
    let mut all = BTreeMap::new();
    let mut wrong = None;
    for (at, line) in text.split('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let mut say = |message: &str| {
            wrong.get_or_insert_with(|| {
                fill(
                    form_parts().problem_of_line,
                    &[&(at + 1).to_string(), message],
                )
            });
        };
        let Some((name, value)) = line.split_once(':') else {
            say(mcp().header_wrong);
            continue;
        };
        let value = value.trim();
        let value = unquoted(value).unwrap_or_else(|| value.to_owned());
        if all.insert(name.trim().to_owned(), value).is_some() {
            say(form_parts().variable_twice);
        }
    }
    (all, wrong)
}

fn text_of_headers(headers: &BTreeMap<String, String>) -> String {
    let lines = headers.iter().map(|(name, value)| {
        // Blanks at its ends are part of a value only in quotation marks.
        let bare = value.trim() == value && !value.is_empty();
        let value = match value.as_str() {
            "" => String::new(),
            value if bare => quoted(value),
            value => in_quotes(value),
        };
        format!("{name}: {value}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "mcp_form_tests.rs"]
mod tests;
