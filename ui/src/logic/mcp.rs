//! How an MCP server stands, and its command or address as somebody must see it before they agree to it.

use std::collections::BTreeSet;

use berth_protocol::tenant::Catalog;
use berth_protocol::{McpConfiguration, McpScope, McpServer, McpState};

/// The scopes in the order in which they are shown.
pub const SCOPES: [McpScope; 2] = [McpScope::Organization, McpScope::User];

/// How a server stands: the one thing that matters now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The organization blocks it.
    Blocked,
    /// The organization offers it, and the user has not taken it.
    Offered,
    /// It is not given to sessions.
    Disabled,
    /// Nobody has agreed to its command or address.
    NeedsConsent,
    /// These secrets are not in the keychain.
    SecretsMissing(Vec<String>),
    /// It was not asked since it is what it is.
    Untried,
    /// It answered.
    Connected,
    /// It wants its user to sign in.
    NeedsSignIn,
    /// Its sign-in is over.
    Expired,
    /// It cannot be used.
    Failed,
    /// These tools are not what they were.
    Quarantined(Vec<String>),
}

/// How a server stands.
pub fn standing(server: &McpConfiguration) -> Standing {
    match server.draft.enabled {
        _ if server.catalog == Some(Catalog::Blocked) => Standing::Blocked,
        true if !server.is_offered() => Standing::Offered,
        true => reach(server),
        false => Standing::Disabled,
    }
}

/// How a server stands, given to sessions or not.
pub fn reach(server: &McpConfiguration) -> Standing {
    if server.catalog == Some(Catalog::Blocked) {
        return Standing::Blocked;
    }
    if !server.consented {
        return Standing::NeedsConsent;
    }
    let missing = missing(server);
    if !missing.is_empty() {
        return Standing::SecretsMissing(missing);
    }
    match &server.state {
        McpState::Untried => Standing::Untried,
        McpState::Connected { .. } => Standing::Connected,
        McpState::NeedsSignIn { .. } => Standing::NeedsSignIn,
        McpState::Expired { .. } => Standing::Expired,
        McpState::Failed { .. } => Standing::Failed,
        McpState::Quarantined { tools, .. } => Standing::Quarantined(tools.clone()),
    }
}

/// The secrets without which it cannot be reached, as people name them.
fn missing(server: &McpConfiguration) -> Vec<String> {
    let needed: BTreeSet<String> = server.draft.secrets();
    let missing = needed.difference(&server.kept_secrets);
    let missing = missing.filter(|name| !server.draft.can_miss(name));
    missing.map(|name| secret_name(name).to_owned()).collect()
}

/// A secret as people name it: `KEY` of `env/KEY`.
pub fn secret_name(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, name)| name)
}

/// It has an address, so that somebody can sign in to it.
pub fn is_asked_over_http(server: &McpServer) -> bool {
    match server {
        McpServer::Http { .. } | McpServer::Sse { .. } => true,
        McpServer::Stdio { .. } => false,
    }
}

/// Its program with all arguments, or its address alone.
pub fn words(server: &McpServer) -> Vec<&str> {
    match server {
        McpServer::Stdio { command, args, .. } => {
            let args = args.iter().map(String::as_str);
            [command.as_str()].into_iter().chain(args).collect()
        }
        McpServer::Http { url, .. } | McpServer::Sse { url, .. } => vec![url],
    }
}

/// A variable or header that a server is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// Its name and its value.
    Plain(&'a str, &'a str),
    /// Its name; the value is in the keychain.
    Secret(&'a str),
}

impl<'a> Given<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Plain(name, _) | Self::Secret(name) => name,
        }
    }
}

/// Its variables or headers, by name.
pub fn given(server: &McpServer) -> Vec<Given<'_>> {
    let (plain, secret) = match server {
        McpServer::Stdio {
            env, secret_env, ..
        } => (env, secret_env),
        McpServer::Http {
            headers,
            secret_headers,
            ..
        }
        | McpServer::Sse {
            headers,
            secret_headers,
            ..
        } => (headers, secret_headers),
    };
    let plain = plain.iter().map(|(name, value)| Given::Plain(name, value));
    let secret = secret.iter().map(|name| Given::Secret(name));
    let mut all: Vec<_> = plain.chain(secret).collect();
    all.sort_by_key(|one| one.name());
    all
}

/// A part of a text that somebody has to see as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// It shows itself.
    Seen(String),
    /// A character that cannot be seen, or changes how others are shown, by its number.
    Unseen(char),
}

/// The pieces of a text. Blanks count as unseen at its ends, and where they are another one than the usual.
pub fn pieces(text: &str) -> Vec<Piece> {
    let first = text.len() - text.trim_start_matches(' ').len();
    let last = text.trim_end_matches(' ').len();
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, c) in text.char_indices() {
        let at_end = c == ' ' && (at < first || at >= last);
        if at_end || is_unseen(c) {
            pieces.push(Piece::Unseen(c));
        } else if let Some(Piece::Seen(seen)) = pieces.last_mut() {
            seen.push(c);
        } else {
            pieces.push(Piece::Seen(c.to_string()));
        }
    }
    pieces
}

/// How a character that cannot be seen is written, such as `U+200B`.
pub fn number(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// It cannot be seen, is no usual blank, or changes how the characters around it are shown.
fn is_unseen(c: char) -> bool {
    if c == ' ' {
        return false;
    }
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{115f}'
            | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{600}'..='\u{605}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
#[path = "mcp_tests.rs"]
mod tests;
