//! The requests of a sign-in.
//!
//! Every name is resolved here and filtered, nothing is redirected, answers are small and come soon. The
//! client that rmcp gives out for the same does not filter addresses.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CONTENT_TYPE},
    redirect::Policy,
};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{OauthError, address::Bounds};
use crate::client::{causes, visible};

/// Time for one request, from the first byte to the last.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Largest answer, in bytes. Key sets and lists of scopes of real servers stay far below.
const LARGEST: usize = 256 * 1024;

/// Asks within [`Bounds`].
#[derive(Clone)]
pub(super) struct Web {
    client: reqwest::Client,
    bounds: Bounds,
}

/// What was answered.
pub(super) struct Answer {
    what: &'static str,
    address: String,
    pub(super) status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    /// The body, which has to be JSON of this shape.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, OauthError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // Its text could quote a token.
            let place = format!("line {}, column {}", error.line(), error.column());
            self.wrong(format!("something that is not understood ({place})"))
        })
    }

    /// The body, if it is JSON of this shape.
    pub(super) fn try_json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(super) fn wrong(&self, why: String) -> OauthError {
        OauthError::Answer {
            what: self.what,
            address: self.address.clone(),
            why,
        }
    }
}

impl Web {
    pub(super) fn new(bounds: Bounds) -> Result<Self, OauthError> {
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Filter(bounds)))
            // What a server says of itself stands at its own address, and a secret goes to no other.
            .redirect(Policy::none())
            // A proxy would resolve names where they are not filtered.
            .no_proxy()
            .timeout(TIME_LIMIT)
            .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OauthError::Unreachable {
                what: "web",
                address: "this machine".to_owned(),
                why: causes(&error),
            })?;
        Ok(Self { client, bounds })
    }

    /// A document, or nothing where there is none.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        url: &Url,
    ) -> Result<Option<T>, OauthError> {
        let request = self.client.get(self.checked(what, url)?);
        let answer = self.send(what, url, request).await?;
        match answer.status {
            StatusCode::OK => answer.json().map(Some),
            // Who is asked to wait has not learned that there is none.
            status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                Ok(None)
            }
            status => Err(answer.wrong(format!("with status {status}"))),
        }
    }

    /// Sends a form.
    pub(super) async fn post_form(
        &self,
        what: &'static str,
        url: &Url,
        form: &[(&str, &str)],
        basic: Option<&str>,
    ) -> Result<Answer, OauthError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = self
            .client
            .post(self.checked(what, url)?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        if let Some(basic) = basic {
            request = request.header(reqwest::header::AUTHORIZATION, basic);
        }
        self.send(what, url, request).await
    }

    /// Sends JSON.
    pub(super) async fn post_json(
        &self,
        what: &'static str,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<Answer, OauthError> {
        let request = self.client.post(self.checked(what, url)?).json(body);
        self.send(what, url, request).await
    }

    /// Addresses are checked where they come from and once more here, where they are used.
    fn checked(&self, what: &'static str, url: &Url) -> Result<Url, OauthError> {
        self.bounds.check(what, url.as_str())
    }

    async fn send(
        &self,
        what: &'static str,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, OauthError> {
        let address = place(url);
        let unreachable = |error: reqwest::Error| OauthError::Unreachable {
            what,
            address: address.clone(),
            why: visible(&causes(&error.without_url())),
        };
        let request = request.header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        let mut answer = Answer {
            what,
            address: address.clone(),
            status: response.status(),
            body: Vec::new(),
        };
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            if answer.body.len() + piece.len() > LARGEST {
                return Err(answer.wrong(format!("more than {} KiB", LARGEST / 1024)));
            }
            answer.body.extend_from_slice(&piece);
        }
        Ok(answer)
    }
}

/// An address as it is told: without its query.
fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

/// Resolves names to the addresses that may be spoken to, at the moment of connecting, so that a name which
/// changes its mind between a check and its use changes nothing.
struct Filter(Bounds);

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let bounds = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            admitted(bounds, name.as_str(), found).map_err(Into::into)
        })
    }
}

/// What of a name's addresses may be spoken to. One that leads into a private network too is used without that part:
/// whoever answers for a name may mix them, and only what stands here is connected to.
fn admitted(
    bounds: Bounds,
    name: &str,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Addrs, String> {
    let admitted: Vec<SocketAddr> = found.filter(|found| bounds.admits(found.ip())).collect();
    if admitted.is_empty() {
        return Err(format!("{name} leads into a private network or nowhere"));
    }
    Ok(Box::new(admitted.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_resolved_only_for_a_server_on_it() {
        for (server, resolved) in [("https://a.example/", false), ("http://127.0.0.1/", true)] {
            let filter = Filter(Bounds::of(&Url::parse(server).unwrap()));
            let name: Name = "localhost".parse().unwrap();
            assert_eq!(filter.resolve(name).await.is_ok(), resolved, "{server}");
        }
    }

    #[test]
    fn of_a_names_addresses_those_that_lead_into_private_networks_are_left_out() {
        const PUBLIC: [&str; 2] = ["93.184.216.34", "2606:4700::1111"];
        const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];
        const PRIVATE: [&str; 5] = [
            "10.0.0.1",
            "169.254.169.254",
            "::ffff:10.0.0.1",
            "fc00::1",
            "64:ff9b::a00:1",
        ];
        let left = |server: &str, found: &[&str]| {
            let bounds = Bounds::of(&Url::parse(server).unwrap());
            let found = found
                .iter()
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0));
            let left = admitted(bounds, "mixed.example", found);
            left.map(|left| left.map(|it| it.ip().to_string()).collect::<Vec<_>>())
        };
        let (far, near) = ("https://a.example/", "http://127.0.0.1/");
        // The first is what would be connected to first.
        let mixed = [&PRIVATE[..], &LOOPBACK, &PUBLIC, &PRIVATE].concat();
        assert_eq!(left(far, &mixed).unwrap(), PUBLIC);
        assert_eq!(left(near, &mixed).unwrap(), [LOOPBACK, PUBLIC].concat());
        assert_eq!(left(near, &LOOPBACK).unwrap(), LOOPBACK);
        for (server, found) in [
            (far, &PRIVATE[..]),
            (far, &LOOPBACK),
            (near, &PRIVATE),
            (far, &[]),
        ] {
            let error = left(server, found).unwrap_err();
            assert!(error.contains("mixed.example"), "{error}");
        }
    }
}
