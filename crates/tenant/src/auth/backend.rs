//! Which backend is meant: a project's address and the key that every app of it shows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use berth_protocol::Code;
use serde_json::Value;
use url::{Host, Url};

/// Longest key, in bytes. Keys of the old kind are tokens of a few hundred.
const LONGEST_KEY: usize = 4096;

/// What the name of this machine stands for; the port is that of the request.
pub(crate) const LOOPBACK: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// A Supabase project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    url: Url,
    key: String,
}

/// Why something is no backend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The address cannot be used.
    #[error("the backend's address is not used, because {0}")]
    Address(&'static str),
    /// The key cannot be used. It is not shown, because it may be one that nobody may see.
    #[error("the backend's key is not used, because {0}")]
    Key(&'static str),
}

impl BackendError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        Code::TenantInvalid
    }
}

impl Backend {
    /// A project with its publishable key, or its `anon` key of the old kind. The address is https, or http on this
    /// machine; it may have a path, and has neither user nor query.
    ///
    /// # Errors
    /// [`BackendError`], also for a key that opens more than what anybody may see: such a key belongs on no user's
    /// machine.
    pub fn new(url: &str, key: &str) -> Result<Self, BackendError> {
        use BackendError::Address;
        let mut url = Url::parse(url.trim()).map_err(|_| Address("it is none"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(Address("it is neither https nor http on this machine")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Address("it holds a user or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Address("it has a query or a fragment"));
        }
        if url.host().is_none() {
            return Err(Address("it has no host"));
        }
        // One project has one address, whoever has typed it.
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let key = key.trim();
        check(key)?;
        Ok(Self {
            url,
            key: key.to_owned(),
        })
    }

    /// The address, without a slash at its end. It names the backend in what is kept.
    pub fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The publishable key. It is no secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// It is on this machine.
    pub(super) fn is_local(&self) -> bool {
        is_loopback(&self.url)
    }

    /// The name by which it is on this machine, unless that is an address.
    pub(super) fn local_name(&self) -> Option<&str> {
        self.url.domain().filter(|_| self.is_local())
    }

    /// The address of something of the sign-in server's.
    pub(super) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/auth/v1/{path}"));
        url
    }
}

/// This machine, by the address alone.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn check(key: &str) -> Result<(), BackendError> {
    use BackendError::Key;
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Key("it is none"));
    }
    let is_secret = key.starts_with("sb_secret_") || {
        let role = claims_of(key).map(|claims| claims["role"].clone());
        role.is_some_and(|role| role != "anon")
    };
    if is_secret {
        return Err(Key("it opens the whole backend; take the publishable one"));
    }
    Ok(())
}

/// What a key of the old kind, which is a token, says of itself.
fn claims_of(key: &str) -> Option<Value> {
    let mut parts = key.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sb_publishable_0123456789";

    fn old_key(role: &str) -> String {
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"role\":\"{role}\"}}"));
        format!("eyJhbGciOiJIUzI1NiJ9.{claims}.c2ln")
    }

    #[test]
    fn a_backend_is_reached_safely_or_on_this_machine() {
        for (given, url) in [
            ("https://a.supabase.co", "https://a.supabase.co"),
            (" https://a.supabase.co/ ", "https://a.supabase.co"),
            ("https://A.example/base/", "https://a.example/base"),
            ("http://127.0.0.1:54321", "http://127.0.0.1:54321"),
            ("http://[::1]:54321", "http://[::1]:54321"),
            ("http://localhost:54321/", "http://localhost:54321"),
        ] {
            assert_eq!(Backend::new(given, KEY).unwrap().url(), url);
        }
        for bad in [
            "",
            "a.supabase.co",
            "http://a.supabase.co",
            "http://192.168.1.1",
            "http://127.0.0.1.evil.example",
            "https://user@a.supabase.co",
            "https://user:word@a.supabase.co",
            "https://a.supabase.co/?a=b",
            "https://a.supabase.co/#a",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            let error = Backend::new(bad, KEY).expect_err(bad);
            assert!(matches!(error, BackendError::Address(_)), "{bad}: {error}");
            assert_eq!(error.code(), Code::TenantInvalid);
        }
    }

    #[test]
    fn only_the_name_of_this_machine_is_not_looked_up() {
        for (url, name) in [
            ("http://LocalHost:54321", Some("localhost")),
            ("https://localhost", Some("localhost")),
            ("http://127.0.0.1:54321", None),
            ("http://[::1]:54321", None),
            ("https://a.example", None),
        ] {
            let backend = Backend::new(url, KEY).unwrap();
            assert_eq!(backend.local_name(), name, "{url}");
        }
    }

    #[test]
    fn endpoints_are_below_the_address() {
        let root = Backend::new("https://a.example", KEY).unwrap();
        assert_eq!(
            root.endpoint("token").as_str(),
            "https://a.example/auth/v1/token"
        );
        let below = Backend::new("https://a.example/base/", KEY).unwrap();
        assert_eq!(
            below.endpoint("otp").as_str(),
            "https://a.example/base/auth/v1/otp"
        );
    }

    #[test]
    fn only_a_key_that_anybody_may_see_is_taken() {
        let url = "https://a.example";
        for good in [KEY, &old_key("anon")] {
            assert!(Backend::new(url, good).is_ok(), "{good}");
        }
        let secret = old_key("service_role");
        for bad in ["", "a b", "a\u{7}b", "sb_secret_0123456789", &secret] {
            let error = Backend::new(url, bad).expect_err(bad);
            assert!(matches!(error, BackendError::Key(_)), "{error}");
            assert!(
                bad.is_empty() || !error.to_string().contains(bad),
                "{error}"
            );
        }
    }
}
