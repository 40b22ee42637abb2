//! Checks the MCP servers that a session's agent is given.

use std::{collections::BTreeSet, path::Path};

use berth_protocol::{Code, SessionMcpServer};
use berth_session::{agents::detect, environment::Environment};
use url::{Host, Url};

use crate::error::ApiError;

/// Most servers of a session.
const SERVERS: usize = 32;

/// Longest name, in characters.
const NAME: usize = 64;

/// Longest program, argument or address, in bytes.
const WORD: usize = 4096;

/// The servers with the whole path of their programs, so that what runs does not depend on where the agent
/// looks for it.
pub fn checked(
    servers: &[SessionMcpServer],
    folder: &Path,
    environment: &Environment,
) -> Result<Vec<SessionMcpServer>, ApiError> {
    let refuse = |detail: String| ApiError::new(Code::BadRequest, detail);
    if servers.len() > SERVERS {
        let detail = format!(
            "there are {} MCP servers; at most {SERVERS} are allowed",
            servers.len()
        );
        return Err(refuse(detail));
    }
    let mut names = BTreeSet::new();
    for server in servers {
        let name = server.name();
        let good = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if name.is_empty() || name.len() > NAME || !name.chars().all(good) {
            let detail = format!(
                "{name:?} is no name of an MCP server: use 1 to {NAME} letters, digits, - and _"
            );
            return Err(refuse(detail));
        }
        if !names.insert(name) {
            return Err(refuse(format!("two MCP servers are named {name:?}")));
        }
    }
    servers
        .iter()
        .map(|server| {
            one(server, folder, environment).map_err(|why| {
                refuse(format!(
                    "the MCP server {:?} is not usable: {why}",
                    server.name()
                ))
            })
        })
        .collect()
}

fn one(
    server: &SessionMcpServer,
    folder: &Path,
    environment: &Environment,
) -> Result<SessionMcpServer, String> {
    match server {
        SessionMcpServer::Stdio {
            name,
            command,
            args,
        } => {
            let mut words = std::iter::once(command).chain(args);
            if words.any(|word| word.len() > WORD || word.contains('\0')) {
                return Err("its command is too long or holds a NUL character".to_owned());
            }
            let path = detect::resolve(command, folder, environment)
                .filter(|path| path.is_absolute())
                .ok_or_else(|| format!("there is no program {command:?}"))?;
            Ok(SessionMcpServer::Stdio {
                name: name.clone(),
                command: path.display().to_string(),
                args: args.clone(),
            })
        }
        SessionMcpServer::Http { name, url, .. } => {
            if url.len() > WORD {
                return Err("its address is too long".to_owned());
            }
            let parsed = Url::parse(url).map_err(|error| format!("{url:?}: {error}"))?;
            let on_loopback = match parsed.host() {
                Some(Host::Domain(host)) => host == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            let safe = parsed.scheme() == "https" || (parsed.scheme() == "http" && on_loopback);
            if !safe {
                return Err("its address must be https, or http on loopback".to_owned());
            }
            if !parsed.username().is_empty() || parsed.password().is_some() {
                return Err("its address must hold no password".to_owned());
            }
            Ok(SessionMcpServer::Http {
                name: name.clone(),
                url: parsed.into(),
                bearer: None,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(url: &str) -> Result<Vec<SessionMcpServer>, ApiError> {
        let server = SessionMcpServer::Http {
            name: "s".to_owned(),
            url: url.to_owned(),
            bearer: None,
        };
        checked(&[server], Path::new("/"), &Environment::own("test", None))
    }

    #[test]
    fn an_address_is_https_or_on_loopback_and_holds_no_password() {
        for good in [
            "https://mcp.example.com/x",
            "http://127.0.0.1:90/mcp",
            "http://[::1]:9/",
            "http://localhost/",
        ] {
            assert!(http(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/",
            "ftp://127.0.0.1/",
            "https://u:p@example.com/",
            "nothing",
            "file:///etc",
        ] {
            assert!(http(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_plain_and_unique() {
        let named = |name: &str| SessionMcpServer::Http {
            name: name.to_owned(),
            url: "https://example.com/".to_owned(),
            bearer: None,
        };
        let check = |servers: &[SessionMcpServer]| {
            checked(servers, Path::new("/"), &Environment::own("test", None))
        };
        assert!(check(&[named("a"), named("b")]).is_ok());
        assert!(check(&[named("a"), named("a")]).is_err());
        assert!(check(&[named("a.b")]).is_err());
        assert!(check(&[named("")]).is_err());
    }
}
