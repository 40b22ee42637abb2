//! What the catalog of an organization blocks, also under another name. This compares settings: it keeps an honest user
//! from what their organization does not want, and is no wall against somebody who writes a program of their own.

use std::collections::{BTreeMap, BTreeSet};

use berth_protocol::{McpServer, SessionMcpServer, tenant::Catalog};
use berth_store::TenantRow;
use url::{Host, Url};

/// The servers that are blocked.
#[derive(Debug, Default, PartialEq)]
pub struct Blocked(Vec<Entry>);

#[derive(Debug, PartialEq)]
struct Entry {
    name: String,
    /// Absent when this version does not understand it: then it may be any server.
    server: Option<McpServer>,
}

impl Blocked {
    /// Those among an organization's servers.
    pub fn of(rows: &[TenantRow]) -> Self {
        Self(rows.iter().filter_map(entry).collect())
    }

    /// The name of the blocked server that this one is.
    pub fn name_of(&self, server: &McpServer) -> Option<&str> {
        let mut entries = self.0.iter();
        let found = entries.find(|entry| match &entry.server {
            Some(blocked) => covers(blocked, server),
            None => true,
        });
        found.map(|entry| entry.name.as_str())
    }

    /// The names of those that are not understood.
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        let unreadable = self.0.iter().filter(|entry| entry.server.is_none());
        unreadable.map(|entry| entry.name.as_str())
    }
}

fn entry(row: &TenantRow) -> Option<Entry> {
    let word = |field: &str| row.row[field].as_str().unwrap_or_default();
    let catalog = serde_json::from_value::<Catalog>(row.row["catalog"].clone());
    // A word that is not understood may mean the same.
    if word("scope") != "organization" || !matches!(catalog, Ok(Catalog::Blocked) | Err(_)) {
        return None;
    }
    Some(Entry {
        name: word("name").to_owned(),
        server: serde_json::from_value(row.row["server"].clone()).ok(),
    })
}

/// What a session brings along, as a server.
pub fn of_session(server: &SessionMcpServer) -> McpServer {
    match server {
        SessionMcpServer::Stdio { command, args, .. } => McpServer::Stdio {
            command: command.clone(),
            args: args.clone(),
            env: BTreeMap::new(),
            secret_env: BTreeSet::new(),
        },
        SessionMcpServer::Http { url, .. } => McpServer::Http {
            url: url.clone(),
            headers: BTreeMap::new(),
            secret_headers: BTreeSet::new(),
        },
    }
}

/// A server is the blocked one: the same program with the same words among its arguments, or an address at or below the
/// same one. A program that is blocked without arguments is blocked with any.
fn covers(blocked: &McpServer, server: &McpServer) -> bool {
    match (blocked, server) {
        (
            McpServer::Stdio { command, args, .. },
            McpServer::Stdio {
                command: its,
                args: its_args,
                ..
            },
        ) => {
            let mut words = std::iter::once(its.as_str())
                .chain(its_args.iter().flat_map(|arg| words(arg)))
                .skip_while(|word| program(word) != program(command));
            words.next().is_some() && wanted(args).all(|arg| words.any(|word| is_word(arg, word)))
        }
        (
            McpServer::Http { url, .. } | McpServer::Sse { url, .. },
            McpServer::Http { url: its, .. } | McpServer::Sse { url: its, .. },
        ) => match (Place::of(url), Place::of(its)) {
            (Some(blocked), Some(its)) => blocked.covers(&its),
            _ => url == its,
        },
        _ => false,
    }
}

/// An argument, and what a shell would make of it.
fn words(arg: &str) -> impl Iterator<Item = &str> {
    let parts = arg.split_whitespace().filter(move |part| *part != arg);
    std::iter::once(arg).chain(parts)
}

/// The arguments that make a program this one. How it is run, such as `-y`, does not.
fn wanted(args: &[String]) -> impl Iterator<Item = &String> {
    let has_words = args.iter().any(|arg| !arg.starts_with('-'));
    args.iter()
        .filter(move |arg| !has_words || !arg.starts_with('-'))
}

/// A package in one version is the package.
fn is_word(blocked: &str, word: &str) -> bool {
    word.strip_prefix(blocked).is_some_and(|rest| {
        rest.is_empty()
            || ["@", "==", ">=", "~=", "["]
                .iter()
                .any(|it| rest.starts_with(it))
    })
}

/// The name of a program, wherever it is.
fn program(command: &str) -> String {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command);
    let name = name.to_ascii_lowercase();
    let bare = [".exe", ".cmd", ".bat", ".ps1"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending));
    bare.map(str::to_owned).unwrap_or(name)
}

/// Where an address leads.
#[derive(PartialEq)]
struct Place {
    host: String,
    port: Option<u16>,
    path: Vec<Vec<u8>>,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let is_here = match url.host()? {
            Host::Domain(name) => name.trim_end_matches('.') == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let host = match is_here {
            true => "localhost".to_owned(),
            false => url.host_str()?.trim_end_matches('.').to_owned(),
        };
        let path = url.path().split('/').filter(|part| !part.is_empty());
        Some(Self {
            host,
            port: url.port_or_known_default(),
            path: path.map(decoded).collect(),
        })
    }

    fn covers(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port && other.path.starts_with(&self.path)
    }
}

/// A part of a path without its `%` escapes.
fn decoded(part: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut at = 0;
    while let Some(&byte) = part.as_bytes().get(at) {
        let digits = part.get(at + 1..at + 3).filter(|_| byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                decoded.push(escaped);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn row(mut fields: Value) -> TenantRow {
        fields["scope"] = json!("organization");
        TenantRow {
            id: Uuid::nil(),
            rev: Some(1),
            row: fields,
            edits: Vec::new(),
            ahead: 0,
        }
    }

    fn blocked(server: Value) -> Blocked {
        Blocked::of(&[
            row(
                json!({"name": "files", "catalog": "installed", "server": {"type": "stdio", "command": "files"}}),
            ),
            row(json!({"name": "evil", "catalog": "blocked", "server": server})),
        ])
    }

    fn program(command: &str, args: &[&str]) -> Value {
        json!({"type": "stdio", "command": command, "args": args})
    }

    fn is_blocked(blocked: &Blocked, server: Value) -> bool {
        let server = serde_json::from_value(server).unwrap();
        blocked.name_of(&server).is_some()
    }

    #[test]
    fn a_program_is_blocked_wherever_it_is_and_however_it_is_run() {
        let evil = blocked(program("npx", &["-y", "@evil/server"]));
        for (command, args, is) in [
            ("npx", &["-y", "@evil/server"][..], true),
            ("/usr/bin/npx", &["@evil/server", "--more"], true),
            ("NPX.cmd", &["--yes", "@evil/server@1.2.3"], true),
            ("env", &["A=1", "npx", "@evil/server"], true),
            ("sh", &["-c", "npx -y @evil/server"], true),
            ("npx", &["-y", "@evil/server-two"], false),
            ("npx", &["-y", "@honest/server"], false),
            ("files", &[], false),
        ] {
            let is_it = is_blocked(&evil, program(command, args));
            assert_eq!(is_it, is, "{command} {args:?}");
        }
        let whole = blocked(program("/opt/evil", &[]));
        assert!(is_blocked(&whole, program("evil", &["--any", "thing"])));
        assert!(!is_blocked(&whole, program("eviler", &[])));
    }

    #[test]
    fn an_address_is_blocked_with_all_that_is_below_it_by_either_protocol() {
        let address = |url: &str| json!({"type": "http", "url": url});
        let evil = blocked(address("https://Tools.example.com/evil/"));
        for (url, is) in [
            ("https://tools.example.com/evil", true),
            ("https://tools.example.com./evil/mcp?a=b", true),
            ("https://tools.example.com:443/%65vil", true),
            ("https://tools.example.com/evilest", false),
            ("https://tools.example.com/", false),
            ("https://tools.example.com:8443/evil", false),
            ("https://example.com/evil", false),
        ] {
            assert_eq!(is_blocked(&evil, address(url)), is, "{url}");
        }
        assert!(is_blocked(
            &evil,
            json!({"type": "sse", "url": "https://tools.example.com/evil/sse"})
        ));
        let here = blocked(address("http://127.0.0.1:9000/mcp"));
        assert!(is_blocked(&here, address("http://localhost:9000/mcp")));
        assert!(!is_blocked(&here, address("http://localhost:9001/mcp")));
    }

    #[test]
    fn what_is_blocked_in_words_that_are_not_understood_may_be_anything() {
        let newer = blocked(json!({"type": "telepathy"}));
        assert!(is_blocked(&newer, program("files", &[])));
        assert_eq!(newer.unreadable().collect::<Vec<_>>(), ["evil"]);
        let none = Blocked::of(&[row(json!({
            "name": "a", "catalog": "available", "server": {"type": "telepathy"},
        }))]);
        assert_eq!(none, Blocked::default());
    }
}
