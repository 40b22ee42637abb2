//! Who may address the server, and from which pages.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a list of hosts or origins is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It has no entry.
    #[error("the list must not be empty")]
    Empty,
    /// Entries are not separated as they must be here.
    #[error("'{0}' contains {1}, which are not allowed")]
    Separator(String, &'static str),
    /// A host has a scheme.
    #[error("'{0}' must not include http:// or https://")]
    Scheme(String),
    /// A host has a port.
    #[error("'{0}' must not include a port")]
    Port(String),
    /// An origin has no scheme and host.
    #[error("'{0}' is not a valid origin: it needs a scheme and a host")]
    Origin(String),
}

/// Host names without ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Option<Vec<String>>);

impl Hosts {
    /// Reads a list; `*` allows every name.
    pub fn new(list: &[String]) -> Result<Self, ListError> {
        if check(list)? {
            return Ok(Self(None));
        }
        let hosts = list.iter().map(|item| {
            if item.contains("http://") || item.contains("https://") {
                return Err(ListError::Scheme(item.clone()));
            }
            let name = host_of(item);
            let has_port = match item.strip_prefix('[') {
                Some(rest) => rest
                    .split_once(']')
                    .is_some_and(|(_, port)| !port.is_empty()),
                None => item.contains(':'),
            };
            if has_port {
                return Err(ListError::Port(item.clone()));
            }
            Ok(name)
        });
        hosts
            .collect::<Result<_, _>>()
            .map(|hosts| Self(Some(hosts)))
    }

    /// A request with this `Host` header is for this server.
    pub fn allows(&self, header: &str) -> bool {
        let name = host_of(header);
        match &self.0 {
            None => true,
            Some(hosts) => !name.is_empty() && hosts.contains(&name),
        }
    }

    /// The names, for people.
    pub fn shown(&self) -> String {
        self.0
            .as_ref()
            .map_or_else(|| "*".to_owned(), |hosts| hosts.join(", "))
    }

    /// Where to listen: everywhere only when names other than those of this machine are allowed,
    /// for the server asks nobody for a token.
    pub fn addresses(&self) -> (Ipv4Addr, Ipv6Addr) {
        let is_local = |host: &String| {
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        match &self.0 {
            Some(hosts) if hosts.iter().all(is_local) => (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST),
            _ => (Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED),
        }
    }
}

/// Origins of pages, such as `http://localhost:3284`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Option<Vec<String>>);

impl Origins {
    /// Reads a list; `*` allows every origin.
    pub fn new(list: &[String]) -> Result<Self, ListError> {
        if check(list)? {
            return Ok(Self(None));
        }
        let origins = list.iter().map(|item| {
            let (scheme, rest) = item
                .trim()
                .split_once("://")
                .ok_or_else(|| ListError::Origin(item.clone()))?;
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if scheme.is_empty() || host.is_empty() {
                return Err(ListError::Origin(item.clone()));
            }
            Ok(format!("{scheme}://{host}").to_lowercase())
        });
        origins
            .collect::<Result<_, _>>()
            .map(|origins| Self(Some(origins)))
    }

    /// A page of this origin may read the answers.
    pub fn allows(&self, origin: &str) -> bool {
        match &self.0 {
            None => true,
            Some(origins) => origins.contains(&origin.to_lowercase()),
        }
    }
}

/// Checks what both kinds of lists must hold; says whether everything is allowed.
fn check(list: &[String]) -> Result<bool, ListError> {
    if list.is_empty() {
        return Err(ListError::Empty);
    }
    if list.iter().any(|item| item == "*") {
        return Ok(true);
    }
    for item in list {
        if item.contains(char::is_whitespace) {
            return Err(ListError::Separator(item.clone(), "whitespace characters"));
        }
        if item.contains(',') {
            return Err(ListError::Separator(item.clone(), "comma characters"));
        }
    }
    Ok(false)
}

/// The host of a `Host` header, without port and brackets.
fn host_of(header: &str) -> String {
    let header = header.trim();
    let host = match header.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => header.split(':').next().unwrap_or_default(),
    };
    host.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &[&str]) -> Result<Hosts, ListError> {
        Hosts::new(&list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_host_is_compared_without_port_and_case() {
        let hosts = hosts(&["localhost", "127.0.0.1", "[::1]"]).unwrap();
        for allowed in [
            "localhost",
            "LOCALHOST:3284",
            "127.0.0.1:1",
            "[::1]:3284",
            "[::1]",
        ] {
            assert!(hosts.allows(allowed), "{allowed}");
        }
        for refused in ["", "evil.test", "localhost.evil.test:3284", "127.0.0.2"] {
            assert!(!hosts.allows(refused), "{refused}");
        }
    }

    #[test]
    fn unusable_lists_are_refused() {
        assert_eq!(hosts(&[]), Err(ListError::Empty));
        assert!(matches!(hosts(&["a b"]), Err(ListError::Separator(..))));
        assert!(matches!(hosts(&["a,b"]), Err(ListError::Separator(..))));
        assert!(matches!(hosts(&["http://a"]), Err(ListError::Scheme(_))));
        assert!(matches!(hosts(&["a:80"]), Err(ListError::Port(_))));
        assert!(matches!(
            Origins::new(&["localhost".to_owned()]),
            Err(ListError::Origin(_))
        ));
    }

    #[test]
    fn it_listens_to_others_only_when_other_names_are_allowed() {
        let is_local = |list: &[&str]| {
            let (v4, v6) = hosts(list).unwrap().addresses();
            assert_eq!(v4.is_loopback(), v6.is_loopback());
            v4.is_loopback()
        };
        assert!(is_local(&["localhost", "[::1]"]));
        assert!(!is_local(&["*"]));
        assert!(!is_local(&["build.example"]));
    }
}
