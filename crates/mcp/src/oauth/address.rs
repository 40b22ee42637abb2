//! Which addresses a sign-in may speak to or open.
//!
//! All of them are chosen by whoever runs the server, so none may lead into the networks behind this machine,
//! and none may be anything but a web address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use berth_browser_sign_in::acts;
use url::{Host, Url};

use super::OauthError;

/// How far a sign-in reaches: into the internet, and to this machine only for a server on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    loopback: bool,
}

/// An address as it may stand in a message: without user, password, query and fragment, which may be keys.
pub(super) fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    // Addresses without a host have neither user nor password.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_query(None);
    bare.set_fragment(None);
    crate::client::visible(bare.as_str())
        .chars()
        .take(200)
        .collect()
}

/// The address of a page that a server asks its user to open, as it is shown and opened; nothing unless a sign-in to
/// that server could open it. A program is on this machine. A host in other letters is shown by its code (RFC 3492).
pub fn page(text: &str, server: Option<&str>) -> Option<String> {
    const LONGEST: usize = 4096;
    let bounds = match server {
        Some(server) => Bounds::of(&Url::parse(server).ok()?),
        None => Bounds { loopback: true },
    };
    // Pages have fragments, which sign-ins have not.
    let (page, fragment) = text.split_once('#').unwrap_or((text, ""));
    bounds.check_opened("a page", page).ok()?;
    let whole = Url::parse(text).ok().filter(|_| text.len() <= LONGEST)?;
    (!fragment.contains(acts)).then(|| whole.to_string())
}

impl Bounds {
    /// Those of a server.
    pub(super) fn of(server: &Url) -> Self {
        let loopback = is_loopback(server);
        Self { loopback }
    }

    /// An address that may be spoken to.
    pub(super) fn check(self, what: &'static str, text: &str) -> Result<Url, OauthError> {
        let address: String = match Url::parse(text) {
            Ok(url) => shown(&url),
            Err(_) => crate::client::visible(text).chars().take(200).collect(),
        };
        let refused = |why| OauthError::Address {
            what,
            why,
            address: address.clone(),
        };
        let url = Url::parse(text).map_err(|_| refused("it is none"))?;
        let on_loopback = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if on_loopback => {}
            _ => return Err(refused("it is neither https nor http on this machine")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a user or a password"));
        }
        if url.fragment().is_some() {
            return Err(refused("it has a fragment"));
        }
        if on_loopback && !self.loopback {
            return Err(refused("it leads from another server to this machine"));
        }
        match url.host() {
            // The standard for web addresses lets more through, `$` and brackets among it.
            Some(Host::Domain(name)) if !name.bytes().all(in_name) => {
                Err(refused("its host is no name"))
            }
            Some(Host::Ipv4(ip)) if !self.admits(ip.into()) => {
                Err(refused("it leads into a private network"))
            }
            Some(Host::Ipv6(ip)) if !self.admits(ip.into()) => {
                Err(refused("it leads into a private network"))
            }
            Some(_) => Ok(url),
            None => Err(refused("it has no host")),
        }
    }

    /// An address that is opened in the browser. It is given to no shell; still it holds nothing that one
    /// would act on, because other programs stand between Berth and the browser.
    pub(super) fn check_opened(self, what: &'static str, text: &str) -> Result<Url, OauthError> {
        let url = self.check(what, text)?;
        if text.contains(acts) || url.as_str().contains(acts) {
            return Err(OauthError::Address {
                what,
                why: "it holds characters that a shell acts on",
                address: shown(&url),
            });
        }
        Ok(url)
    }

    /// This address may be connected to.
    pub(super) fn admits(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if ip.is_loopback() {
            return self.loopback;
        }
        match ip {
            IpAddr::V4(ip) => is_public_v4(ip),
            IpAddr::V6(ip) => is_public_v6(ip),
        }
    }
}

/// A server on this machine, by its address alone.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Not one of IANA's special-purpose blocks (RFC 6890 and its registry).
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || matches!(a, 0 | 127 | 240..)
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19)))
}

/// Global unicast (2000::/3) without what only stands for another address: 6to4, Teredo, documentation.
/// NAT64 (64:ff9b::/96) lies outside of it and is refused too, because it leads to any IPv4 address.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    (a & 0xe000) == 0x2000
        && a != 0x2002
        && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_a_sign_in_could_open_are_opened() {
        let far = Some("https://mcp.example/");
        for text in ["https://a.example/b?c=1&e#d", "https://a.example/#/b"] {
            assert_eq!(page(text, far).as_deref(), Some(text));
            assert_eq!(page(text, None).as_deref(), Some(text));
        }
        let other = page("https://\u{435}\u{445}ample.com/", far);
        assert!(other.is_some_and(|it| it.starts_with("https://xn--")));
        for text in ["http://127.0.0.1:1/", "http://localhost/x"] {
            assert_eq!(page(text, far), None, "{text} from afar");
            assert_eq!(page(text, None).as_deref(), Some(text));
            assert_eq!(
                page(text, Some("http://127.0.0.1:9/mcp")).as_deref(),
                Some(text)
            );
        }
        let long = format!("https://a.example/{}", "x".repeat(5000));
        for text in [
            "http://a.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "vscode://x",
            "https://a@b.example/",
            "https://192.168.1.1/",
            "https://a.example/;x",
            "https://a.example/#$(x)",
            "a",
            &long,
        ] {
            assert_eq!(page(text, None), None, "{text}");
        }
    }

    fn bounds(server: &str) -> Bounds {
        Bounds::of(&Url::parse(server).unwrap())
    }

    #[test]
    fn nothing_but_web_addresses_without_passwords_is_used() {
        let public = bounds("https://mcp.example.com/");
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http://as.example.com/authorize",
            "http://x$(calc.exe)/",
            "https://x$(calc.exe)/",
            "https://user@as.example.com/",
            "https://user:word@as.example.com/",
            "https://as.example.com/#fragment",
            "data:text/html,x",
            "//as.example.com/",
            "",
        ] {
            assert!(public.check("test", bad).is_err(), "{bad}");
        }
        let good = "https://as.example.com:8443/authorize?a=b";
        assert_eq!(public.check("test", good).unwrap().as_str(), good);
    }

    #[test]
    fn what_is_opened_holds_nothing_for_a_shell() {
        let public = bounds("https://mcp.example.com/");
        for bad in [
            "https://as.example.com/$(calc.exe)",
            "https://as.example.com/`calc`",
            "https://as.example.com/a b",
            "https://as.example.com/?a=|calc",
            "https://as.example.com/?a='%22;calc",
            "https://as.example.com/\ncalc",
        ] {
            assert!(public.check_opened("test", bad).is_err(), "{bad}");
        }
        let good = "https://as.example.com/authorize?audience=x%20y&z=1";
        assert!(public.check_opened("test", good).is_ok());
    }

    #[test]
    fn only_a_server_on_this_machine_leads_to_this_machine() {
        let (public, local) = (bounds("https://a.example/"), bounds("http://127.0.0.1:9/"));
        for address in [
            "http://127.0.0.1:1/x",
            "http://[::1]/x",
            "http://localhost/x",
        ] {
            assert!(public.check("test", address).is_err(), "{address}");
            assert!(local.check("test", address).is_ok(), "{address}");
        }
    }

    #[test]
    fn nothing_leads_into_private_networks() {
        for server in ["https://a.example/", "http://127.0.0.1/"] {
            let bounds = bounds(server);
            for ip in [
                "10.0.0.1",
                "100.64.0.1",
                "169.254.169.254",
                "172.16.0.1",
                "192.168.0.1",
                "198.18.0.1",
                "0.0.0.0",
                "255.255.255.255",
                "224.0.0.1",
                "::ffff:10.0.0.1",
                "::ffff:169.254.169.254",
                "::10.0.0.1",
                "64:ff9b::a00:1",
                "2002:a00:1::",
                "2001::1",
                "fc00::1",
                "fe80::1",
                "ff02::1",
                "::",
            ] {
                assert!(!bounds.admits(ip.parse().unwrap()), "{server} {ip}");
            }
            for ip in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
                assert!(bounds.admits(ip.parse().unwrap()), "{server} {ip}");
            }
            let mapped = "https://[::ffff:10.0.0.1]/token";
            assert!(bounds.check("test", mapped).is_err(), "{server}");
            // Numbers in disguise are still addresses.
            assert!(bounds.check("test", "https://0xa9fea9fe/").is_err());
        }
    }
}
