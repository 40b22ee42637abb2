//! The engine's API as the commands use it: typed requests, and its streams of events.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use berth_launcher::{LaunchError, StartOptions, attach_or_start, engine_program};
use berth_protocol::{API_VERSION, Endpoint, Problem, Session, SessionId, SessionList};
use reqwest::{Method, RequestBuilder, Response, redirect::Policy};
use serde::{Serialize, de::DeserializeOwned};

use crate::sse::Stream;

/// How long a connection to an engine on this machine may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a stream may be silent: the engine says something every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// Speaks to one engine.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    streams: reqwest::Client,
    endpoint: Endpoint,
}

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    Refused(Box<Problem>),
    #[error("the engine at {url} does not answer")]
    Gone {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the answer of the engine to {path} is not understood")]
    Answer {
        path: String,
        #[source]
        source: serde_json::Error,
    },
}

impl ApiError {
    /// What the user can do.
    pub fn hint(&self) -> &str {
        match self {
            Self::Launch(error) => error.hint(),
            Self::Refused(problem) => problem.hint.as_deref().unwrap_or_default(),
            Self::Gone { .. } => "It may have ended: `berth status` tells, `berth logs` says why.",
            Self::Answer { .. } => "Use a berth command of the engine's version.",
        }
    }
}

impl Api {
    /// The engine of a data folder, started when none runs.
    pub async fn start(data_dir: PathBuf) -> Result<Self, ApiError> {
        let options = StartOptions::new(engine_program()?, data_dir);
        Ok(Self::of(attach_or_start(&options).await?))
    }

    /// The engine that has published its endpoint in a data folder; `None` when it has been stopped.
    pub fn published(data_dir: &Path) -> Result<Option<Self>, ApiError> {
        Ok(berth_launcher::read_endpoint(data_dir)?.map(Self::of))
    }

    fn of(endpoint: Endpoint) -> Self {
        // Never through a proxy, which would get the token. What an engine is asked to do may take
        // long, so that only its streams have a limit.
        let builder = || {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .connect_timeout(CONNECT)
        };
        Self {
            http: builder().build().unwrap_or_default(),
            streams: builder().read_timeout(SILENCE).build().unwrap_or_default(),
            endpoint,
        }
    }

    /// Where the engine is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.value(path, self.request(&self.http, Method::GET, path))
            .await
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let request = self.request(&self.http, Method::POST, path).json(body);
        self.value(path, request).await
    }

    /// A `POST` whose answer says nothing.
    pub async fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), ApiError> {
        let request = self.request(&self.http, Method::POST, path).json(body);
        self.send(path, request).await.map(drop)
    }

    /// A file, which arrives while it is read.
    pub async fn download(&self, path: &str) -> Result<Response, ApiError> {
        self.send(path, self.request(&self.http, Method::GET, path))
            .await
    }

    pub async fn sessions(&self) -> Result<Vec<Session>, ApiError> {
        Ok(self.get::<SessionList>("/sessions").await?.sessions)
    }

    /// Ends a session and waits until it has ended.
    pub async fn stop(&self, id: SessionId) -> Result<Session, ApiError> {
        let path = format!("/sessions/{id}/stop");
        let request = self.request(&self.http, Method::POST, &path);
        self.value(&path, request).await
    }

    /// Makes a session's agent stop what it does.
    pub async fn interrupt(&self, id: SessionId) -> Result<(), ApiError> {
        let path = format!("/sessions/{id}/interrupt");
        let request = self.request(&self.http, Method::POST, &path);
        self.send(&path, request).await.map(drop)
    }

    /// A stream of events, from now on or from behind the one that has this id. Nothing that happens
    /// after the answer is missed.
    pub async fn events(&self, path: &str, last_id: Option<&str>) -> Result<Stream, ApiError> {
        let mut request = self.request(&self.streams, Method::GET, path);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        Ok(Stream::new(self.send(path, request).await?))
    }

    fn request(&self, client: &reqwest::Client, method: Method, path: &str) -> RequestBuilder {
        let base = self.endpoint.url.trim_end_matches('/');
        client
            .request(method, format!("{base}/api/{API_VERSION}{path}"))
            .bearer_auth(&self.endpoint.token)
    }

    async fn value<T: DeserializeOwned>(
        &self,
        path: &str,
        request: RequestBuilder,
    ) -> Result<T, ApiError> {
        let text = self.send(path, request).await?.text().await;
        let text = text.map_err(|source| self.gone(source))?;
        understood(path, &text)
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Response, ApiError> {
        let gone = |source| self.gone(source);
        let response = request.send().await.map_err(gone)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(gone)?;
        Err(ApiError::Refused(Box::new(understood(path, &text)?)))
    }

    fn gone(&self, source: reqwest::Error) -> ApiError {
        ApiError::Gone {
            url: self.endpoint.url.clone(),
            source,
        }
    }
}

fn understood<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|source| ApiError::Answer {
        // What was asked for, without what it was asked about.
        path: path.split('?').next().unwrap_or(path).to_owned(),
        source,
    })
}
