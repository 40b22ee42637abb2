//! What is wrong with a configuration, said by field.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use berth_protocol::{FieldProblem, McpAuth, McpDraft, McpServer};
use url::{Host, Url};

/// Longest name, in characters.
const NAME: usize = 64;

/// Longest program, argument, value or address, in bytes.
const WORD: usize = 4096;

/// Most arguments, variables, headers, scopes and targets.
const MANY: usize = 100;

/// Variables that a configuration cannot set: they make a program run other code than its own, or are
/// Berth's. Those that name a session would have a server ended with one that is not its own.
const FORBIDDEN: &[&str] = &[
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "BERTH_HOME",
    "BERTH_SESSION_ID",
    "BERTH_GATEWAY_SESSION_ID",
];

/// Headers that belong to the protocol or to the connection.
const RESERVED: &[&str] = &[
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// Everything that is wrong with a draft; empty when it can be used.
pub fn check(draft: &McpDraft) -> Vec<FieldProblem> {
    let mut found = Found::default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if draft.name.is_empty() || draft.name.len() > NAME || !draft.name.chars().all(plain) {
        let message = format!("Use 1 to {NAME} letters, digits, - and _.");
        found.wrong("name", message);
    }
    match &draft.server {
        McpServer::Stdio {
            command,
            args,
            env,
            secret_env,
        } => {
            found.word("server.command", command);
            if command.trim().is_empty() {
                found.wrong("server.command", "Name a program.");
            } else if command.contains(std::path::is_separator) && !Path::new(command).is_absolute()
            {
                // It would be another one in each project.
                let message = "Name a program on the PATH, or give its whole path.";
                found.wrong("server.command", message);
            }
            found.count("server.args", args.len());
            for (place, arg) in args.iter().enumerate() {
                found.word(&format!("server.args[{place}]"), arg);
            }
            found.variables(env, secret_env);
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
            found.url("server.url", url);
            found.headers(headers, secret_headers, &draft.auth);
        }
    }
    found.auth(draft);
    found.count("target.agents", draft.target.agents.len());
    found.count("target.projects", draft.target.projects.len());
    found.count("rules.tools", draft.rules.tools.len());
    for tool in draft.rules.tools.keys() {
        found.word("rules.tools", tool);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<FieldProblem>);

impl Found {
    fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldProblem {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    fn word(&mut self, field: &str, word: &str) {
        if word.len() > WORD {
            self.wrong(field, format!("It has more than {WORD} bytes."));
        } else if word.contains('\0') {
            self.wrong(field, "It holds a NUL character.");
        }
    }

    fn count(&mut self, field: &str, count: usize) {
        if count > MANY {
            self.wrong(field, format!("There can be at most {MANY}."));
        }
    }

    fn variables(&mut self, env: &BTreeMap<String, String>, secret: &BTreeSet<String>) {
        self.count("server.env", env.len() + secret.len());
        for name in env.keys().chain(secret) {
            let field = format!("server.env.{name}");
            let mut letters = name.chars();
            let begins = letters
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
                self.wrong(&field, "A variable is named with letters, digits and _.");
            } else if FORBIDDEN.contains(&name.to_ascii_uppercase().as_str()) {
                self.wrong(&field, "This variable cannot be set.");
            }
        }
        for (name, value) in env {
            let field = format!("server.env.{name}");
            self.word(&field, value);
            if secret.contains(name) {
                self.wrong(&field, "It has a value here and one among the secrets.");
            }
        }
    }

    fn headers(
        &mut self,
        headers: &BTreeMap<String, String>,
        secret: &BTreeSet<String>,
        auth: &McpAuth,
    ) {
        self.count("server.headers", headers.len() + secret.len());
        let mut seen = BTreeSet::new();
        for name in headers.keys().chain(secret) {
            let field = format!("server.headers.{name}");
            let lower = name.to_ascii_lowercase();
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.wrong(&field, "This is no name of a header.");
            } else if RESERVED.contains(&lower.as_str()) {
                self.wrong(&field, "This header belongs to the protocol.");
            } else if lower == "authorization" && *auth != McpAuth::None {
                self.wrong(&field, "The sign-in sets this header.");
            }
            if !seen.insert(lower) {
                self.wrong(&field, "There are two of this header.");
            }
        }
        for (name, value) in headers {
            let field = format!("server.headers.{name}");
            self.word(&field, value);
            if http::HeaderValue::from_str(value).is_err() {
                self.wrong(&field, "A header has visible characters on one line.");
            }
            if name.eq_ignore_ascii_case("authorization") {
                self.wrong(&field, "Keep it apart: name it among the secret headers.");
            }
        }
    }

    fn url(&mut self, field: &str, text: &str) {
        if text.len() > WORD {
            return self.wrong(field, format!("It has more than {WORD} bytes."));
        }
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) => return self.wrong(field, format!("This is no address: {error}.")),
        };
        if !is_safe(&url) {
            return self.wrong(field, "Use https, or http on loopback.");
        }
        if !url.username().is_empty() || url.password().is_some() {
            self.wrong(field, "An address must hold no password.");
        }
        if url.fragment().is_some() {
            self.wrong(field, "An address of a server has no fragment.");
        }
    }

    fn auth(&mut self, draft: &McpDraft) {
        let McpAuth::Oauth {
            client_id, scopes, ..
        } = &draft.auth
        else {
            if draft.auth == McpAuth::Bearer && draft.server.kind() == "stdio" {
                self.wrong("auth", "A program is given its token as a secret variable.");
            }
            return;
        };
        if draft.server.kind() == "stdio" {
            self.wrong("auth", "A program signs in by itself.");
        }
        if let Some(id) = client_id {
            self.word("auth.client_id", id);
            if id.trim().is_empty() || id.chars().any(char::is_control) {
                self.wrong("auth.client_id", "This is no client.");
            }
        }
        self.count("auth.scopes", scopes.len());
        for (place, scope) in scopes.iter().enumerate() {
            // RFC 6749, section 3.3.
            let good = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
            if scope.is_empty() || !scope.chars().all(good) {
                self.wrong(&format!("auth.scopes[{place}]"), "This is no scope.");
            }
        }
    }
}

/// It is encrypted, or stays on this machine.
fn is_safe(url: &Url) -> bool {
    let on_loopback = match url.host() {
        Some(Host::Domain(host)) => host.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && on_loopback))
}

#[cfg(test)]
mod tests {
    use berth_protocol::{McpOffers, OauthProvider, PromptTarget, ToolRules};

    use super::*;

    fn draft(server: serde_json::Value) -> McpDraft {
        McpDraft {
            name: "files".to_owned(),
            server: serde_json::from_value(server).unwrap(),
            auth: McpAuth::None,
            enabled: true,
            target: PromptTarget::default(),
            rules: ToolRules::default(),
            offers: McpOffers::default(),
        }
    }

    fn fields(draft: &McpDraft) -> Vec<String> {
        check(draft).into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn what_can_be_used_is_left_alone() {
        for server in [
            serde_json::json!({"type": "stdio", "command": "npx", "args": ["-y", "$(x); `y`"],
                "env": {"A_1": "b"}, "secret_env": ["KEY"]}),
            serde_json::json!({"type": "http", "url": "https://mcp.example.com/x?y=1",
                "headers": {"X-Org": "a"}, "secret_headers": ["X-Key"]}),
            serde_json::json!({"type": "sse", "url": "http://[::1]:9/sse"}),
        ] {
            assert_eq!(fields(&draft(server)), [""; 0]);
        }
    }

    #[test]
    fn addresses_are_https_or_on_loopback() {
        for bad in [
            "http://example.com/",
            "ftp://127.0.0.1/",
            "https://u:p@example.com/",
            "https://example.com/#x",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http://127.0.0.1.example.com/",
            "nothing",
        ] {
            let server = serde_json::json!({"type": "http", "url": bad});
            assert_eq!(fields(&draft(server)), ["server.url"], "{bad}");
        }
    }

    #[test]
    fn a_program_is_the_same_in_every_folder() {
        let of = |command: &str| {
            fields(&draft(
                serde_json::json!({"type": "stdio", "command": command}),
            ))
        };
        for good in ["npx", "/usr/bin/npx"] {
            assert_eq!(of(good), [""; 0], "{good}");
        }
        for bad in ["./tools/server", "tools/server", "../server"] {
            assert_eq!(of(bad), ["server.command"], "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_field() {
        let mut bad = draft(serde_json::json!({"type": "stdio", "command": " ",
            "args": ["a\u{0}b"], "env": {"1A": "x", "LD_PRELOAD": "y", "K": "z", "BERTH_SESSION_ID": "v",
                "berth_gateway_session_id": "w"}, "secret_env": ["K"]}));
        bad.name = "a b".to_owned();
        bad.auth = McpAuth::Bearer;
        assert_eq!(
            fields(&bad),
            [
                "name",
                "server.command",
                "server.args[0]",
                "server.env.1A",
                "server.env.BERTH_SESSION_ID",
                "server.env.LD_PRELOAD",
                "server.env.berth_gateway_session_id",
                "server.env.K",
                "auth"
            ]
        );
        let mut bad = draft(
            serde_json::json!({"type": "http", "url": "https://a.example/",
            "headers": {"Host": "x", "a b": "c", "Authorization": "Bearer x", "X": "a\nb"},
            "secret_headers": ["x"]}),
        );
        bad.auth = McpAuth::Oauth {
            provider: OauthProvider::Discovered,
            client_id: Some(" ".to_owned()),
            scopes: vec!["a b".to_owned()],
        };
        let found = fields(&bad);
        for field in [
            "server.headers.Host",
            "server.headers.a b",
            "server.headers.Authorization",
            "server.headers.X",
            "server.headers.x",
            "auth.client_id",
            "auth.scopes[0]",
        ] {
            assert!(found.iter().any(|name| name == field), "{field}: {found:?}");
        }
    }
}
