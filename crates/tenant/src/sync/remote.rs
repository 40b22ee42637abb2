//! Calls functions of a tenant backend over its REST interface (PostgREST).
//!
//! What a backend may do to us is bounded here: how long it may take and how much it may say. Redirects are not
//! followed, because a token goes to the address that the user has agreed to and to no other.

use std::{error::Error, net::IpAddr, time::Duration};

use berth_protocol::{Code, OrganizationId, Secret, UserId, tenant::OrganizationRole};
use reqwest::{StatusCode, Url, header::RETRY_AFTER, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::auth::LOOPBACK;

/// Most bytes of an answer.
pub const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long a whole call may take.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// Most that a backend may ask us to wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A tenant backend.
#[derive(Clone, Debug)]
pub struct Remote {
    pub(super) http: reqwest::Client,
    /// The REST root with a slash at its end.
    pub(super) root: Url,
    pub(super) key: Secret,
}

/// Why a call has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It is no address that a token may be sent to.
    #[error("the address {address:?} cannot be used: {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The backend was not reached, or the connection ended before the answer did.
    #[error("{function} of the backend was not answered")]
    Unreachable {
        /// What was called.
        function: &'static str,
        /// What was in the way.
        source: reqwest::Error,
    },
    /// The answer is longer than [`LONGEST_ANSWER`].
    #[error("the answer of {function} has more than {LONGEST_ANSWER} bytes")]
    TooLarge {
        /// What was called.
        function: &'static str,
    },
    /// The answer is not what the protocol says.
    #[error("the answer of {function} is not understood: {why}")]
    NotUnderstood {
        /// What was called.
        function: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The backend has said no.
    #[error("{function} of the backend was refused with status {status}, {code}: {message}")]
    Refused {
        /// What was called.
        function: &'static str,
        /// The HTTP status.
        status: u16,
        /// Berth's own code where the backend says one, else that of PostgREST or the database; may be empty.
        code: String,
        /// What it said.
        message: String,
        /// How long it wants to be left alone.
        pause: Option<Duration>,
    },
}

/// What a user is in an organization.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct OwnMembership {
    /// The organization.
    pub org_id: OrganizationId,
    /// What they may do.
    pub role: OrganizationRole,
    organizations: Named,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Named {
    name: String,
}

impl OwnMembership {
    /// The organization's name.
    pub fn name(&self) -> &str {
        &self.organizations.name
    }
}

/// What is to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Ask again later, longer and longer.
    Wait,
    /// Ask again at once: two transactions were in each other's way.
    AtOnce,
    /// Ask for less at once.
    Smaller,
    /// Another token.
    Refresh,
    /// The user is no member.
    Leave,
    /// The backend has no such function: its schema is older, or half of one.
    OldSchema,
    /// Nothing helps but somebody who looks at it.
    Park,
}

impl RemoteError {
    /// What is to be done about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable { .. } | Self::NotUnderstood { .. } => Remedy::Wait,
            Self::TooLarge { .. } => Remedy::Smaller,
            Self::Address { .. } => Remedy::Park,
            Self::Refused { status, code, .. } => match (code.as_str(), *status) {
                ("40001" | "40P01", _) => Remedy::AtOnce,
                ("org.not_member", 403) => Remedy::Leave,
                // PostgREST finds no such function, or the database none that it calls.
                ("PGRST202" | "42883" | "42P01" | "3F000", _) => Remedy::OldSchema,
                (_, 401) => Remedy::Refresh,
                (_, 408 | 429 | 500..) => Remedy::Wait,
                (_, 413) => Remedy::Smaller,
                // Whatever is before the backend speaks for itself only.
                ("", _) | (_, 300..=399) => Remedy::Wait,
                _ => Remedy::Park,
            },
        }
    }

    /// The backend itself has answered, if not as wished.
    pub fn is_answer(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }

    /// The backend's own word for what is wrong with the very things that were sent; asking for the same again would
    /// be answered the same.
    pub(super) fn about_what_was_sent(&self) -> Option<(&str, &str)> {
        // Classes 22 and 23: data exceptions and broken constraints.
        match self {
            Self::Refused { code, message, .. }
                if code.starts_with("sync.")
                    || code.starts_with("audit.")
                    || (code.len() == 5 && (code.starts_with("22") || code.starts_with("23"))) =>
            {
                Some((code, message))
            }
            _ => None,
        }
    }

    /// The code that stands for it in the API.
    pub fn code(&self) -> Code {
        if let Some((code, _)) = self.refusal() {
            return code;
        }
        match self {
            Self::Address { .. } => Code::TenantInvalid,
            Self::Unreachable { .. } => Code::TenantUnreachable,
            Self::TooLarge { .. } | Self::NotUnderstood { .. } => Code::TenantProtocol,
            Self::Refused { .. } => match self.remedy() {
                Remedy::Leave => Code::NotAMember,
                Remedy::Refresh => Code::TenantSignedOut,
                Remedy::OldSchema => Code::TenantSchemaOlder,
                Remedy::Wait | Remedy::AtOnce => Code::TenantUnavailable,
                Remedy::Smaller | Remedy::Park => Code::TenantRefused,
            },
        }
    }

    /// How long the backend wants to be left alone.
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::Refused { pause, .. } => *pause,
            _ => None,
        }
    }
}

/// An error as PostgREST writes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: Option<String>,
    message: Option<String>,
    details: Option<Value>,
}

impl Remote {
    /// A backend whose REST interface has this root, such as `https://example.supabase.co/rest/v1`, and its
    /// publishable key. Nothing is asked yet.
    ///
    /// # Errors
    /// [`RemoteError::Address`] unless it is https, or http on loopback.
    pub fn new(root: &str, key: Secret) -> Result<Self, RemoteError> {
        let wrong = |reason| RemoteError::Address {
            address: root.to_owned(),
            reason,
        };
        let mut url = Url::parse(root).map_err(|_| wrong("it is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            // The address is shown, and a password is not.
            return Err(RemoteError::Address {
                address: url.host_str().unwrap_or_default().to_owned(),
                reason: "it holds a name or a password",
            });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it has a query or a fragment"));
        }
        let is_near = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if is_near => {}
            _ => return Err(wrong("it must be https, or http on this machine")),
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut client = reqwest::Client::builder()
            // Only a connection of this version can become a WebSocket.
            .http1_only()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .timeout(CALL_LIMIT)
            .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")));
        if is_near {
            client = client.no_proxy();
            if let Some(name) = url.domain() {
                // Whoever answers for this name elsewhere, a name server or a file, is not asked.
                client = client.resolve_to_addrs(name, &LOOPBACK);
            }
        }
        let http = client
            .build()
            .map_err(|_| wrong("no HTTP client can be made"))?;
        Ok(Self {
            http,
            root: url,
            key,
        })
    }

    /// The REST root.
    pub fn root(&self) -> &str {
        self.root.as_str()
    }

    /// Calls a function with a token.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &'static str,
        token: &Secret,
        arguments: &Value,
    ) -> Result<T, RemoteError> {
        let url = self.url(function, &format!("rpc/{function}"))?;
        let request = self.http.post(url).json(arguments);
        self.answer(function, token, request).await
    }

    /// The organizations that a user belongs to, by name, at most 200.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn memberships(
        &self,
        token: &Secret,
        user: UserId,
    ) -> Result<Vec<OwnMembership>, RemoteError> {
        const TABLE: &str = "memberships";
        let mut url = self.url(TABLE, TABLE)?;
        url.query_pairs_mut()
            .append_pair("select", "org_id,role,organizations(name)")
            .append_pair("user_id", &format!("eq.{user}"))
            .append_pair("deleted_at", "is.null")
            .append_pair("order", "organizations(name)")
            .append_pair("limit", "200");
        let request = self.http.get(url);
        self.answer(TABLE, token, request).await
    }

    pub(super) fn url(&self, function: &'static str, path: &str) -> Result<Url, RemoteError> {
        let url = self.root.join(path);
        url.map_err(|error| RemoteError::NotUnderstood {
            function,
            why: error.to_string(),
        })
    }

    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        function: &'static str,
        token: &Secret,
        request: reqwest::RequestBuilder,
    ) -> Result<T, RemoteError> {
        let failed = |source| RemoteError::Unreachable { function, source };
        let request = request
            .header("apikey", self.key.expose())
            .bearer_auth(token.expose());
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let pause = pause(&response);
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if body.len() + part.len() > LONGEST_ANSWER {
                return Err(RemoteError::TooLarge { function });
            }
            body.extend_from_slice(&part);
        }
        // What answers nothing says so.
        if status == StatusCode::NO_CONTENT {
            body = b"null".to_vec();
        }
        if status == StatusCode::OK || status == StatusCode::NO_CONTENT {
            return serde_json::from_slice(&body).map_err(|error| RemoteError::NotUnderstood {
                function,
                why: error.to_string(),
            });
        }
        Err(refused(function, status, &body, pause))
    }
}

fn refused(
    function: &'static str,
    status: StatusCode,
    body: &[u8],
    pause: Option<Duration>,
) -> RemoteError {
    // What is before the backend may answer in other words.
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let code = refusal.code.unwrap_or_default();
    // Berth's own refusals have their code in `details`; see `private.fail` in the migrations.
    let code = match (code.starts_with("PT"), &refusal.details) {
        (true, Some(Value::String(own))) => own.clone(),
        _ => code,
    };
    RemoteError::Refused {
        function,
        status: status.as_u16(),
        code,
        message: refusal
            .message
            .unwrap_or_default()
            .chars()
            .take(500)
            .collect(),
        pause,
    }
}

/// Only the form in seconds: dates need a clock that is right.
fn pause(response: &reqwest::Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// An error with what caused it.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
