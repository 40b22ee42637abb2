//! Requests to servers, with what proves who asks.
//!
//! rmcp's own client takes a token when a connection is made and keeps it. Here each request asks for the
//! token of the moment, one that is refused is renewed once, and one that may do too little gives way once to one
//! that may do more, where that takes no user.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    io, iter,
    sync::Arc,
};

use berth_protocol::Secret;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::streamable_http_client::{
        AuthRequiredError, SseError, StreamableHttpClient, StreamableHttpError,
        StreamableHttpPostResponse,
    },
};
use sse_stream::Sse;

use super::{McpError, listening::Listening, pool::Http, sse::SendError};
use crate::{Challenge, OauthError, TokenSource};

/// What proves who asks.
#[derive(Clone)]
pub(super) enum Proof {
    /// Nothing, or a token that stays the same.
    Fixed(Option<Secret>),
    /// The token of the moment.
    Tokens(Arc<dyn TokenSource>),
}

impl Proof {
    pub(super) async fn token(&self) -> Result<Option<Secret>, OauthError> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::Tokens(tokens) => tokens.token().await,
        }
    }

    /// Another token after one was refused, or the first after a challenge, if there is one.
    pub(super) async fn renewed(
        &self,
        refused: Option<&Secret>,
        challenge: &str,
    ) -> Result<Option<Secret>, OauthError> {
        match (self, refused) {
            (Self::Tokens(tokens), Some(refused)) => tokens.renewed(refused).await,
            (Self::Tokens(tokens), None) => tokens.first(challenge).await,
            (Self::Fixed(_), _) => Ok(None),
        }
    }

    /// A token that may do more than `short`, after a challenge that wants that, if there is one.
    pub(super) async fn stepped_up(
        &self,
        short: Option<&Secret>,
        challenge: &str,
    ) -> Result<Option<Secret>, OauthError> {
        match (self, short) {
            (Self::Tokens(tokens), Some(short)) => tokens.stepped_up(short, challenge).await,
            _ => Ok(None),
        }
    }

    /// What a server means that wants a sign-in, where nobody can sign in.
    pub(super) fn unadmitted(&self, challenge: &str) -> Option<OauthError> {
        match self {
            Self::Tokens(tokens) => tokens.unadmitted(challenge),
            Self::Fixed(_) => None,
        }
    }
}

/// Headers as a configuration has them, as they are sent.
pub(super) fn checked_headers(
    headers: &BTreeMap<String, Secret>,
) -> Result<HashMap<HeaderName, HeaderValue>, McpError> {
    let mut checked = HashMap::new();
    for (name, value) in headers {
        let bad = || McpError::Header(name.clone());
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| bad())?;
        value.set_sensitive(true);
        checked.insert(header, value);
    }
    Ok(checked)
}

/// Streamable HTTP with the token of the moment.
#[derive(Clone)]
pub(super) struct Authorized {
    pub(super) http: Http,
    pub(super) proof: Proof,
    pub(super) listening: Listening,
}

pub(super) type Failed = StreamableHttpError<reqwest::Error>;

/// Carries why there is no token through rmcp's errors.
fn no_token(error: OauthError) -> Failed {
    StreamableHttpError::Io(io::Error::other(Arc::new(error)))
}

/// Why there is no token, where that is why rmcp has failed.
pub(super) fn why_no_token<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Arc<OauthError>> {
    let mut causes = iter::successors(Some(error), |error| (*error).source());
    causes.find_map(|cause| match cause.downcast_ref() {
        Some(SendError::Oauth(why)) => Some(why),
        _ => cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref(),
    })
}

/// How the server wants another token.
fn challenge(error: &Failed) -> &str {
    match error {
        StreamableHttpError::AuthRequired(error) => &error.www_authenticate_header,
        StreamableHttpError::InsufficientScope(error) => &error.www_authenticate_header,
        _ => "",
    }
}

/// The server wants another token, or one that may do more.
fn wants_access(error: &Failed) -> bool {
    matches!(
        error,
        StreamableHttpError::AuthRequired(_) | StreamableHttpError::InsufficientScope(_)
    )
}

/// The server has taken the token, and wants one that may do more.
fn wants_more(error: &Failed) -> bool {
    // rmcp takes every 403 with a challenge for that.
    matches!(error, StreamableHttpError::InsufficientScope(_))
        && Challenge::parse(challenge(error)).wants_more()
}

/// The server wants another token.
pub(super) fn is_refusal(error: &Failed) -> bool {
    match error {
        StreamableHttpError::AuthRequired(_) => true,
        // Servers that do not say how to sign in; rmcp has the status in the text alone.
        StreamableHttpError::UnexpectedServerResponse(text) => text.starts_with("HTTP 401"),
        StreamableHttpError::Client(error) => error
            .status()
            .is_some_and(|status| status == http::StatusCode::UNAUTHORIZED),
        _ => false,
    }
}

/// Without the address, whose query may be a key.
fn bare(error: Failed) -> Failed {
    match error {
        StreamableHttpError::Client(error) => StreamableHttpError::Client(error.without_url()),
        error => error,
    }
}

/// A refusal as one, however it was told.
fn told(error: Failed) -> Failed {
    match error {
        StreamableHttpError::UnexpectedServerResponse(_) if is_refusal(&error) => {
            StreamableHttpError::AuthRequired(AuthRequiredError::new(String::new()))
        }
        error => error,
    }
}

impl Authorized {
    /// Asks with a token, once more with another when it is refused, and once more when one may do too little.
    async fn ask<T, F>(&self, ask: impl Fn(Option<String>) -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let answered = self.ask_with_tokens(ask).await;
        answered.map_err(|error| match self.proof.unadmitted(challenge(&error)) {
            Some(unadmitted) if wants_access(&error) => no_token(unadmitted),
            _ => error,
        })
    }

    async fn ask_with_tokens<T, F>(&self, ask: impl Fn(Option<String>) -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let mut token = self.proof.token().await.map_err(no_token)?;
        let exposed = |token: &Option<Secret>| token.as_ref().map(|it| it.expose().clone());
        let mut refused = match ask(exposed(&token)).await.map_err(bare) {
            Err(error) if is_refusal(&error) || wants_more(&error) => error,
            answered => return answered,
        };
        if is_refusal(&refused) {
            let renewed = self.proof.renewed(token.as_ref(), challenge(&refused));
            let renewed = renewed.await.map_err(no_token)?;
            if renewed.is_none() {
                return Err(told(refused));
            }
            token = renewed;
            refused = match ask(exposed(&token)).await.map_err(bare) {
                Err(error) if wants_more(&error) => error,
                answered => return answered.map_err(told),
            };
        }
        let more = self.proof.stepped_up(token.as_ref(), challenge(&refused));
        match more.await.map_err(no_token)? {
            more @ Some(_) => ask(exposed(&more)).await.map_err(bare).map_err(told),
            None => Err(refused),
        }
    }
}

impl StreamableHttpClient for Authorized {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        match session_id {
            Some(_) => self.listening.before(&message).await,
            None => self.listening.begins(),
        }
        self.ask(|token| {
            let (uri, message, session) = (uri.clone(), message.clone(), session_id.clone());
            self.http
                .client()
                .post_message(uri, message, session, token, headers.clone())
        })
        .await
        .map(|answer| self.http.heed(answer))
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        largest: usize,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        match session_id {
            Some(_) => self.listening.before(&message).await,
            None => self.listening.begins(),
        }
        self.ask(|token| {
            let (uri, message, session) = (uri.clone(), message.clone(), session_id.clone());
            let (http, headers) = (self.http.client(), headers.clone());
            http.post_message_with_max_sse_event_size(
                uri, message, session, token, headers, largest,
            )
        })
        .await
        .map(|answer| self.http.heed(answer))
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        // A session that is over is not worth another token.
        let token = self.proof.token().await.map_err(no_token)?;
        let token = token.map(|token| token.expose().clone());
        self.http
            .client()
            .delete_session(uri, session_id, token, headers)
            .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        self.ask(|token| {
            let (uri, session, last) = (uri.clone(), session_id.clone(), last_event_id.clone());
            self.http
                .client()
                .get_stream(uri, session, last, token, headers.clone())
        })
        .await
        .inspect_err(|_| self.listening.answered())
        .inspect(|_| self.listening.answered())
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        largest: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        self.ask(|token| {
            let (uri, session, last) = (uri.clone(), session_id.clone(), last_event_id.clone());
            let (http, headers) = (self.http.client(), headers.clone());
            http.get_stream_with_max_sse_event_size(uri, session, last, token, headers, largest)
        })
        .await
        .inspect_err(|_| self.listening.answered())
        .inspect(|_| self.listening.answered())
    }
}
