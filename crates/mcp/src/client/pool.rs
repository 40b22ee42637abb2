//! Connections to servers, and which of them serve more than one request.
//!
//! A kept connection answers sooner, unless its server leaves Nagle's algorithm on (RFC 896) and sends an answer in
//! pieces, as hyper does with events: then it holds the second piece back until this side's system acknowledges the first,
//! 40 ms later and more (RFC 1122, 4.2.3.2), though not on a connection that is new. Nothing but that delay tells such a
//! server from others, so connections are kept until it is seen. Where a new one takes a handshake of TLS they are kept
//! all the same.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures::StreamExt;
use rmcp::transport::streamable_http_client::StreamableHttpPostResponse;
use url::Url;

use super::McpError;

/// Most connections that are kept for the next request.
const KEPT: usize = 4;

/// How long one is kept that nobody uses. Servers close it after five seconds and more (Node, uvicorn, Apache), and a
/// request that leaves at that moment would be lost.
const KEPT_FOR: Duration = Duration::from_secs(4);

/// A pause inside of an answer that may come from a held back piece: systems acknowledge after 40 ms and more. A server
/// that works as long has nothing to gain from a kept connection.
const PAUSE: Duration = Duration::from_millis(30);

/// The client for one server. Redirects are not followed: the token would go along.
#[derive(Clone)]
pub(super) struct Http {
    kept: reqwest::Client,
    /// Absent where connections are kept in any case.
    anew: Option<Anew>,
}

/// A client that makes a connection for each request, once an answer has paused.
type Anew = Arc<OnceLock<reqwest::Client>>;

impl Http {
    /// For the server at this address.
    pub(super) fn to(url: &str) -> Result<Self, McpError> {
        let kept = built(reqwest::Client::builder(), KEPT)?;
        let anew = (!is_sealed(url)).then(Anew::default);
        Ok(Self { kept, anew })
    }

    /// For the engine on this machine alone: no proxy sees what goes there. Neither side of these connections holds a
    /// piece back.
    pub(super) fn near() -> Result<Self, McpError> {
        let kept = built(reqwest::Client::builder().no_proxy(), KEPT)?;
        Ok(Self { kept, anew: None })
    }

    /// What sends the next request.
    pub(super) fn client(&self) -> &reqwest::Client {
        let anew = self.anew.as_ref().and_then(|anew| anew.get());
        anew.unwrap_or(&self.kept)
    }

    /// An answer whose pauses are heeded.
    pub(super) fn heed(&self, answer: StreamableHttpPostResponse) -> StreamableHttpPostResponse {
        let unseen = self.anew.as_ref().filter(|anew| anew.get().is_none());
        match (unseen, answer) {
            (Some(anew), StreamableHttpPostResponse::Sse(events, session)) => {
                let anew = Arc::clone(anew);
                let mut pace = Pace(Instant::now());
                let events = events.inspect(move |_| {
                    if pace.pauses(Instant::now())
                        && anew.get().is_none()
                        // The connections that there are serve as well, if later.
                        && let Ok(client) = built(reqwest::Client::builder(), 0)
                    {
                        anew.get_or_init(|| client);
                    }
                });
                StreamableHttpPostResponse::Sse(events.boxed(), session)
            }
            (_, answer) => answer,
        }
    }
}

/// When the last piece of an answer came.
struct Pace(Instant);

impl Pace {
    /// Whether it was long until the next one.
    fn pauses(&mut self, now: Instant) -> bool {
        now.duration_since(std::mem::replace(&mut self.0, now)) >= PAUSE
    }
}

/// The client for a server whose answers are events of one long connection. That a message came is told by the head of
/// the answer to it, so nothing waits for a second piece.
pub(super) fn poster() -> Result<reqwest::Client, McpError> {
    built(reqwest::Client::builder(), KEPT)
}

fn is_sealed(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

fn built(builder: reqwest::ClientBuilder, kept: usize) -> Result<reqwest::Client, McpError> {
    let client = builder
        .pool_max_idle_per_host(kept)
        .pool_idle_timeout(KEPT_FOR)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    client.map_err(|error| McpError::Unreachable(super::causes(&error)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rmcp::transport::streamable_http_client::StreamableHttpClient;
    use serde_json::json;
    use tokio::{
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::client::http::{Authorized, Proof};

    /// A server that answers with an event, some time after the head of its answer, and the connections that it was asked
    /// over.
    async fn server(pause: Duration) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(stream, pause));
            }
        });
        (url, connections)
    }

    async fn answer(stream: TcpStream, pause: Duration) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut length, mut line) = (0, String::new());
            loop {
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            // What such a server does, and no wait for anything.
            tokio::time::sleep(pause).await;
            stream
                .write_all(b"a\r\ndata: {}\n\n\r\n0\r\n\r\n")
                .await
                .unwrap();
            stream.flush().await.unwrap();
        }
    }

    /// Asks this often, each time when the last answer is over. Says whether an answer has paused.
    async fn asked(url: &str, times: usize) -> bool {
        let authorized = Authorized {
            http: Http::to(url).unwrap(),
            proof: Proof::Fixed(None),
            listening: Default::default(),
        };
        for id in 0..times {
            let ping = json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
            let ping = serde_json::from_value(ping).unwrap();
            let headers = Default::default();
            let answer = authorized.post_message(url.into(), ping, None, None, headers);
            let StreamableHttpPostResponse::Sse(events, _) = answer.await.unwrap() else {
                panic!("it answers with events");
            };
            assert_eq!(events.collect::<Vec<_>>().await.len(), 1);
        }
        let anew = authorized.http.anew.as_ref();
        anew.is_some_and(|anew| anew.get().is_some())
    }

    #[test]
    fn an_answer_pauses_where_it_is_long_from_one_piece_to_the_next() {
        let began = Instant::now();
        let (short, long) = (PAUSE / 2, PAUSE);
        for (waits, pauses) in [
            (&[short, short, short, short][..], false),
            (&[long], true),
            (&[short, long, short], true),
        ] {
            let (mut pace, mut now) = (Pace(began), began);
            let mut seen = false;
            for wait in waits {
                now += *wait;
                seen |= pace.pauses(now);
            }
            assert_eq!(seen, pauses, "{waits:?}");
        }
    }

    #[test]
    fn connections_that_took_a_handshake_of_tls_are_kept_in_any_case() {
        for (url, in_any_case) in [
            ("https://example.com/mcp", true),
            ("HTTPS://example.com/mcp", true),
            ("http://127.0.0.1:3000/mcp", false),
            ("http://https.example.com/mcp", false),
        ] {
            assert_eq!(Http::to(url).unwrap().anew.is_none(), in_any_case, "{url}");
        }
    }

    #[tokio::test]
    async fn a_server_that_answers_at_once_is_asked_over_connections_that_are_there() {
        const TIMES: usize = 50;
        let (url, connections) = server(Duration::ZERO).await;
        let has_paused = asked(&url, TIMES).await;
        // An answer may pause where this machine has other things to do, and from then on each makes its own.
        let connections = connections.load(Ordering::Relaxed);
        assert!(connections == 1 || has_paused, "{connections}");
    }

    #[tokio::test]
    async fn a_server_whose_answer_pauses_is_asked_over_a_new_connection_each_time() {
        let (url, connections) = server(PAUSE * 10).await;
        assert!(asked(&url, 5).await);
        // The first is where the pause was seen.
        assert_eq!(connections.load(Ordering::Relaxed), 5);
    }
}
