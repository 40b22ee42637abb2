//! What the agent is given besides the message, from files.

use std::path::{Path, PathBuf};

use berth_protocol::SessionMcpServer;
use serde_json::Value;

/// Why a file is not usable.
#[derive(Debug, thiserror::Error)]
#[error("{} is not usable: {why}", path.display())]
pub struct GivenError {
    path: PathBuf,
    why: String,
}

/// The text of a file.
pub fn text(path: &Path) -> Result<String, GivenError> {
    std::fs::read_to_string(path).map_err(|error| wrong(path, error))
}

/// The servers of a file in the format that most agents share: an object `mcpServers` with one entry for each
/// name. What Berth cannot hand on is refused rather than left out.
pub fn mcp_servers(path: &Path) -> Result<Vec<SessionMcpServer>, GivenError> {
    let config: Value = serde_json::from_str(&text(path)?).map_err(|error| wrong(path, error))?;
    let servers = config.get("mcpServers").and_then(Value::as_object);
    let servers = servers.ok_or_else(|| wrong(path, "it has no object mcpServers"))?;
    servers
        .iter()
        .map(|(name, entry)| {
            server(name, entry).map_err(|why| wrong(path, format!("{name}: {why}")))
        })
        .collect()
}

fn wrong(path: &Path, why: impl ToString) -> GivenError {
    GivenError {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

fn server(name: &str, entry: &Value) -> Result<SessionMcpServer, String> {
    let text = |field: &str| entry.get(field).and_then(Value::as_str);
    let is_set = |field: &&str| match entry.get(*field) {
        None | Some(Value::Null) => false,
        Some(Value::Object(object)) => !object.is_empty(),
        Some(_) => true,
    };
    if let Some(field) = ["env", "headers"].into_iter().find(is_set) {
        return Err(format!(
            "{field:?} often holds secrets, which must not be given this way; put the server into the \
             agent's own settings"
        ));
    }
    let name = name.to_owned();
    match (text("type"), text("command"), text("url")) {
        (None | Some("stdio"), Some(command), None) => {
            let args = entry
                .get("args")
                .cloned()
                .unwrap_or_else(|| Value::Array(Vec::new()));
            let args = serde_json::from_value(args).map_err(|_| "\"args\" is no list of texts")?;
            let command = command.to_owned();
            Ok(SessionMcpServer::Stdio {
                name,
                command,
                args,
            })
        }
        (None | Some("http" | "streamable-http"), None, Some(url)) => {
            let url = url.to_owned();
            Ok(SessionMcpServer::Http {
                name,
                url,
                bearer: None,
            })
        }
        (Some("sse"), ..) => Err("agents are not given servers over SSE".to_owned()),
        _ => Err("it is neither a program (\"command\") nor an address (\"url\")".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<SessionMcpServer>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.json");
        std::fs::write(&path, text).unwrap();
        mcp_servers(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn programs_and_addresses_are_read_from_the_shared_format() {
        let text = r#"{"mcpServers": {
            "a": {"command": "npx", "args": ["-y", "thing"], "env": {}},
            "b": {"type": "http", "url": "https://example.com/mcp"}
        }}"#;
        let servers = [
            SessionMcpServer::Stdio {
                name: "a".to_owned(),
                command: "npx".to_owned(),
                args: vec!["-y".to_owned(), "thing".to_owned()],
            },
            SessionMcpServer::Http {
                name: "b".to_owned(),
                url: "https://example.com/mcp".to_owned(),
                bearer: None,
            },
        ];
        assert_eq!(read(text).unwrap(), servers);
    }

    #[test]
    fn what_cannot_be_handed_on_is_refused_and_named() {
        for (text, said) in [
            ("{", "EOF"),
            ("{}", "mcpServers"),
            (
                r#"{"mcpServers": {"a": {"command": "x", "env": {"KEY": "v"}}}}"#,
                "secrets",
            ),
            (
                r#"{"mcpServers": {"a": {"type": "sse", "url": "https://x/"}}}"#,
                "a: agents are not given",
            ),
            (
                r#"{"mcpServers": {"a": {"command": "x", "args": [1]}}}"#,
                "\"args\"",
            ),
            (r#"{"mcpServers": {"a": {}}}"#, "neither"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
