//! HTTP with server-sent events, as in the specification of 2024-11-05: one stream from the server, whose
//! first event says where messages are posted to.
//!
//! rmcp has no client for it any more. The place of the messages is chosen by the server, so it has to be on
//! the server itself: whatever else it is, it would be sent everything that the user says.

use std::{collections::HashMap, sync::Arc, time::Duration};

use berth_protocol::Secret;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use http::{HeaderName, HeaderValue, StatusCode, header};
use rmcp::{
    RoleClient,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{Transport, streamable_http_client::AuthRequiredError},
};
use sse_stream::{Sse, SseStream};
use url::Url;

use super::{McpError, causes, http::Proof, visible};
use crate::{Challenge, OauthError};

/// Largest event, in bytes; pictures come in messages.
const LARGEST: usize = 16 * 1024 * 1024;

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the server answers a message with status {0}")]
    Status(StatusCode),
    #[error("the server wants its user to sign in")]
    AuthRequired(#[source] AuthRequiredError),
    #[error(transparent)]
    Oauth(Arc<OauthError>),
}

impl From<OauthError> for SendError {
    fn from(error: OauthError) -> Self {
        Self::Oauth(Arc::new(error))
    }
}

/// The stream broke.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error("the stream broke: {0}")]
    Http(#[from] reqwest::Error),
    #[error("an event of more than {} MiB", LARGEST / 1024 / 1024)]
    TooLarge,
}

type Events = BoxStream<'static, Result<Sse, sse_stream::Error>>;

/// A connection over both. Dropping it closes the stream, which tells the server.
pub(super) struct SseTransport {
    poster: Arc<Poster>,
    events: Events,
}

struct Poster {
    http: reqwest::Client,
    endpoint: Url,
    headers: HashMap<HeaderName, HeaderValue>,
    proof: Proof,
    limit: Duration,
}

impl SseTransport {
    /// Opens the stream and waits for the place of the messages. Who calls it limits the time.
    pub(super) async fn open(
        url: &str,
        headers: HashMap<HeaderName, HeaderValue>,
        proof: Proof,
        limit: Duration,
    ) -> Result<Self, McpError> {
        let http = super::pool::poster()?;
        let base = Url::parse(url).map_err(|error| McpError::Unreachable(error.to_string()))?;
        let mut events = stream(&http, &base, &headers, &proof).await?;
        let endpoint = endpoint(&base, &mut events).await?;
        Ok(Self {
            poster: Arc::new(Poster {
                http,
                endpoint,
                headers,
                proof,
                limit,
            }),
            events,
        })
    }
}

fn no_server(why: impl Into<String>) -> McpError {
    McpError::Protocol {
        why: why.into(),
        said: String::new(),
    }
}

async fn stream(
    http: &reqwest::Client,
    url: &Url,
    headers: &HashMap<HeaderName, HeaderValue>,
    proof: &Proof,
) -> Result<Events, McpError> {
    let ask = async |token: Option<&Secret>| {
        let request = http
            .get(url.clone())
            .header(header::ACCEPT, "text/event-stream");
        let answer = proven(request, headers, token).send().await;
        answer.map_err(|error| McpError::Unreachable(visible(&causes(&error.without_url()))))
    };
    let mut token = proof.token().await?;
    let mut answer = ask(token.as_ref()).await?;
    if answer.status() == StatusCode::UNAUTHORIZED {
        let said = challenge(&answer).unwrap_or_default();
        let renewed = proof.renewed(token.as_ref(), &said).await?;
        if renewed.is_some() {
            token = renewed;
            answer = ask(token.as_ref()).await?;
        }
    }
    if let Some(said) = wants_more(&answer) {
        let more = proof.stepped_up(token.as_ref(), &said).await?;
        if more.is_some() {
            answer = ask(more.as_ref()).await?;
        }
    }
    if let Some(challenge) = challenge(&answer) {
        let unadmitted = proof.unadmitted(&challenge).map(McpError::from);
        return Err(unadmitted.unwrap_or(McpError::Unauthorized { challenge }));
    }
    if !answer.status().is_success() {
        return Err(no_server(format!(
            "it answers with status {}",
            answer.status()
        )));
    }
    let kind = answer.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return Err(no_server("it does not answer with a stream of events"));
    }
    Ok(SseStream::from_bytes_stream(bounded(answer.bytes_stream())).boxed())
}

/// What a server says of how to sign in, if that is its answer.
fn challenge(answer: &reqwest::Response) -> Option<String> {
    let said = answer.headers().get(header::WWW_AUTHENTICATE);
    match (answer.status(), said) {
        (StatusCode::UNAUTHORIZED, said) => Some(
            said.and_then(|it| it.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
        ),
        (StatusCode::FORBIDDEN, Some(said)) => said.to_str().ok().map(str::to_owned),
        _ => None,
    }
}

/// What a server says of the access that its token lacks, if that is its answer.
fn wants_more(answer: &reqwest::Response) -> Option<String> {
    let is_taken = answer.status() == StatusCode::FORBIDDEN;
    challenge(answer).filter(|said| is_taken && Challenge::parse(said).wants_more())
}

fn proven(
    mut request: reqwest::RequestBuilder,
    headers: &HashMap<HeaderName, HeaderValue>,
    token: Option<&Secret>,
) -> reqwest::RequestBuilder {
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match token {
        Some(token) => request.bearer_auth(token.expose()),
        None => request,
    }
}

/// Ends a stream at an event that is too large: its parts would be collected until it is whole.
fn bounded(
    stream: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, StreamError>> + Send + 'static {
    let (mut size, mut line) = (0_usize, 0_usize);
    stream.map(move |piece| {
        let piece = piece?;
        for byte in &piece {
            size += 1;
            match byte {
                // An event ends with an empty line, whose end is \n, \r or both.
                b'\n' | b'\r' if line == 0 => size = 0,
                b'\n' | b'\r' => line = 0,
                _ => line += 1,
            }
            if size > LARGEST {
                return Err(StreamError::TooLarge);
            }
        }
        Ok(piece)
    })
}

/// The place of the messages, which is the first event of the stream.
async fn endpoint(base: &Url, events: &mut Events) -> Result<Url, McpError> {
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| no_server(visible(&causes(&error))))?;
        match (event.event.as_deref(), event.data) {
            (Some("endpoint"), Some(place)) => return pinned(base, place.trim()),
            // What is no event at all is there to keep the connection open.
            (None, None) => {}
            _ => break,
        }
    }
    Err(no_server(
        "its stream does not begin with the place of its messages",
    ))
}

fn pinned(base: &Url, place: &str) -> Result<Url, McpError> {
    let refused = || no_server("it wants messages to be sent to another server");
    let place = base.join(place).map_err(|_| refused())?;
    let has_user = !place.username().is_empty() || place.password().is_some();
    if place.origin() != base.origin() || has_user {
        return Err(refused());
    }
    Ok(place)
}

impl Poster {
    async fn post(&self, message: ClientJsonRpcMessage) -> Result<(), SendError> {
        let mut token = self.proof.token().await?;
        let mut answer = self.send(&message, token.as_ref()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let said = challenge(&answer).unwrap_or_default();
            let renewed = self.proof.renewed(token.as_ref(), &said).await?;
            if renewed.is_some() {
                token = renewed;
                answer = self.send(&message, token.as_ref()).await?;
            }
        }
        if let Some(said) = wants_more(&answer) {
            let more = self.proof.stepped_up(token.as_ref(), &said).await?;
            if more.is_some() {
                answer = self.send(&message, more.as_ref()).await?;
            }
        }
        if let Some(challenge) = challenge(&answer) {
            let unadmitted = self.proof.unadmitted(&challenge).map(SendError::from);
            let refused = || SendError::AuthRequired(AuthRequiredError::new(challenge));
            return Err(unadmitted.unwrap_or_else(refused));
        }
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(SendError::Status(status)),
        }
    }

    async fn send(
        &self,
        message: &ClientJsonRpcMessage,
        token: Option<&Secret>,
    ) -> Result<reqwest::Response, SendError> {
        let request = self.http.post(self.endpoint.clone()).json(message);
        let request = request.timeout(self.limit);
        let sent = proven(request, &self.headers, token).send().await;
        // The address may hold a key.
        Ok(sent.map_err(reqwest::Error::without_url)?)
    }
}

impl Transport<RoleClient> for SseTransport {
    type Error = SendError;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let poster = Arc::clone(&self.poster);
        async move { poster.post(message).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            // A stream that breaks is over: this era has no way to go on with it.
            let event = self.events.next().await?.ok()?;
            let is_message = matches!(event.event.as_deref(), None | Some("message"));
            let data = event.data.filter(|_| is_message);
            // What is no message concerns nobody; a request that it was to answer ends at its limit.
            if let Some(message) =
                data.and_then(|data| serde_json::from_str::<ServerJsonRpcMessage>(&data).ok())
            {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.events = futures::stream::empty().boxed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;
    use tokio::{
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{Later, TokenSource};

    /// Gives out a token, and in its place one that may do more.
    struct Tokens;

    fn given(token: &str) -> Later<'static, Result<Option<Secret>, OauthError>> {
        let token = Secret::new(token.to_owned());
        Box::pin(std::future::ready(Ok(Some(token))))
    }

    impl TokenSource for Tokens {
        fn token(&self) -> Later<'_, Result<Option<Secret>, OauthError>> {
            given("little")
        }

        fn renewed<'a>(
            &'a self,
            _refused: &'a Secret,
        ) -> Later<'a, Result<Option<Secret>, OauthError>> {
            panic!("no token was refused")
        }

        fn stepped_up<'a>(
            &'a self,
            short: &'a Secret,
            challenge: &'a str,
        ) -> Later<'a, Result<Option<Secret>, OauthError>> {
            assert_eq!(short.expose(), "little");
            assert_eq!(Challenge::parse(challenge).scopes, ["write"]);
            given("more")
        }
    }

    /// The tokens that came.
    type Seen = Arc<Mutex<Vec<String>>>;

    /// A place of messages that takes every token, and says that those other than this may do too little.
    async fn place(enough: &'static str) -> (Url, Seen) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let place = format!("http://{}/messages", listener.local_addr().unwrap());
        let seen = Seen::default();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, enough, Arc::clone(&shared)));
            }
        });
        (Url::parse(&place).unwrap(), seen)
    }

    async fn answer(stream: TcpStream, enough: &'static str, seen: Seen) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut length, mut token, mut line) = (0, String::new(), String::new());
            loop {
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "authorization" => value.trim().clone_into(&mut token),
                    _ => {}
                }
                if line == "\r\n" {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).await.unwrap();
            let head = match token == format!("Bearer {enough}") {
                true => "202 Accepted",
                false => {
                    "403 Forbidden\r\nwww-authenticate: Bearer error=\"insufficient_scope\", scope=\"write\""
                }
            };
            seen.lock().unwrap().push(token);
            let head = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    }

    /// Posts a message, and says which tokens went with it.
    async fn posted(enough: &'static str) -> (Result<(), SendError>, Vec<String>) {
        let (endpoint, seen) = place(enough).await;
        let poster = Poster {
            http: crate::client::pool::poster().unwrap(),
            endpoint,
            headers: HashMap::new(),
            proof: Proof::Tokens(Arc::new(Tokens)),
            limit: Duration::from_secs(30),
        };
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let posted = poster.post(serde_json::from_value(ping).unwrap()).await;
        let seen = seen.lock().unwrap().clone();
        (posted, seen)
    }

    #[tokio::test]
    async fn a_message_for_which_a_token_may_do_too_little_is_posted_once_more_with_another() {
        let (taken, seen) = posted("more").await;
        taken.unwrap();
        assert_eq!(seen, ["Bearer little", "Bearer more"]);

        let (refused, seen) = posted("another").await;
        assert!(matches!(refused, Err(SendError::AuthRequired(_))));
        assert_eq!(seen, ["Bearer little", "Bearer more"]);
    }

    #[test]
    fn messages_go_to_the_server_itself() {
        let base = Url::parse("https://a.example/x/sse").unwrap();
        let place = |text: &str| pinned(&base, text).ok().map(String::from);
        let here = |path: &str| Some(format!("https://a.example{path}"));
        assert_eq!(place("/messages?s=1"), here("/messages?s=1"));
        assert_eq!(place("messages"), here("/x/messages"));
        assert_eq!(place("https://a.example:443/m"), here("/m"));
        for bad in [
            "https://evil.example/m",
            "//evil.example/m",
            "http://a.example/m",
            "https://a.example:8443/m",
            "https://user@a.example/m",
            "file:///etc/passwd",
            "\\\\evil.example\\m",
        ] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn an_event_without_an_end_ends_the_stream() {
        async fn taken(pieces: Vec<&'static [u8]>) -> bool {
            let pieces = pieces
                .into_iter()
                .map(|piece| Ok(Bytes::from_static(piece)));
            let bounded = bounded(futures::stream::iter(pieces));
            bounded.collect::<Vec<_>>().await.iter().all(Result::is_ok)
        }
        const MIB: &[u8] = &[b'x'; 1024 * 1024];
        let many = |end: &'static [u8]| [MIB, end].repeat(20);
        assert!(taken(many(b"\n\n")).await);
        assert!(taken(many(b"\r\n\r\n")).await);
        assert!(taken(many(b"\r\r")).await);
        assert!(!taken(many(b"\n")).await);
        assert!(!taken(many(b"")).await);
    }
}
