//! Reads the endpoint file and trusts it only when nobody else could have written or read it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use berth_protocol::Endpoint;
use reqwest::Url;

use crate::LaunchError;

/// Name of the endpoint file in the data folder.
pub const ENDPOINT_FILE: &str = "engine.json";

/// Name of the file in the data folder that a running engine has locked.
pub const LOCK_FILE: &str = "engine.lock";

/// Bytes that an endpoint file may have; a real one has about 200.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads the endpoint file of a data folder; `None` when there is none.
///
/// That the file exists does not mean that the engine still runs: see [`probe`](crate::probe).
pub fn read_endpoint(data_dir: &Path) -> Result<Option<Endpoint>, LaunchError> {
    let path = data_dir.join(ENDPOINT_FILE);
    let unreadable = |source| LaunchError::EndpointUnreadable {
        path: path.clone(),
        source,
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if !is_private(&file).map_err(unreadable)? {
        return Err(LaunchError::EndpointExposed { path });
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    let endpoint: Endpoint =
        serde_json::from_slice(&text).map_err(|source| LaunchError::EndpointInvalid {
            path: path.clone(),
            source,
        })?;
    if is_loopback(&endpoint.url) {
        Ok(Some(endpoint))
    } else {
        Err(LaunchError::EndpointForeign {
            path,
            url: endpoint.url,
        })
    }
}

/// The open file, and not a path that could be exchanged meanwhile, belongs to this user alone.
#[cfg(unix)]
fn is_private(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let about = file.metadata()?;
    Ok(about.uid() == nix::unistd::Uid::effective().as_raw() && about.mode() & 0o077 == 0)
}

/// The data folder lies in the user's profile, whose access list keeps other users out.
#[cfg(not(unix))]
fn is_private(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// The token is sent to this address, so it must not leave the machine.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    url.scheme() == "http"
        && (host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_loopback_addresses_are_trusted() {
        for url in [
            "http://127.0.0.1:4000",
            "http://[::1]:4000",
            "http://localhost:4000/",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://192.168.0.9:4000",
            "http://127.0.0.1.example.org:80",
            "http://127.0.0.1@example.org/",
            "https://127.0.0.1:4000",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
