//! `berth agentapi attach`: the screen of an agentapi server, of Berth's or of coder's, in this
//! terminal. Keys are sent as raw messages; Ctrl-C leaves, and is not sent.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use reqwest::{Client, Response, StatusCode, Url, redirect::Policy};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    client,
    console::{self, ConsoleError, Pen, Raw, Resizes},
    signals,
    sse::Stream,
};

/// How long a server may take for its connection.
const CONNECT: Duration = Duration::from_secs(10);

/// What Ctrl-C sends.
const LEAVE: u8 = 0x03;

#[derive(Args)]
pub struct Options {
    /// Address of the server; http:// may be left out
    #[arg(long, short, default_value = "localhost:3284", value_name = "URL")]
    url: String,
}

#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error("{0:?} is no address")]
    Address(String),
    #[error("{0} cannot be reached: this version speaks HTTP only")]
    Secure(Url),
    #[error("no agentapi server answers at {url}")]
    Silent {
        url: Url,
        #[source]
        source: reqwest::Error,
    },
    #[error("{url} answered {status}{said}")]
    Refused {
        url: Url,
        status: StatusCode,
        said: String,
    },
    #[error("the agent at {0} is not in a terminal, because the server speaks ACP to it")]
    NoTerminal(Url),
    #[error("the server's screen cannot be followed any more")]
    Broken(#[source] reqwest::Error),
    #[error(transparent)]
    Console(#[from] ConsoleError),
}

impl AttachError {
    fn hint(&self) -> &'static str {
        match self {
            Self::Address(_) => "Give it as in: berth agentapi attach --url localhost:3284",
            Self::Secure(_) => "Forward the server's port to this machine, and name that.",
            Self::Silent { .. } => "Start one with: berth agentapi -- claude",
            Self::Refused { .. } => "Check that it is the address of an agentapi server.",
            Self::NoTerminal(_) => "Start the server without --experimental-acp.",
            Self::Broken(_) => "",
            Self::Console(error) => error.hint(),
        }
    }
}

/// Why it ended.
enum End {
    Left,
    /// The server has ended the screen.
    Closed,
    Asked(u8),
}

pub async fn attach(options: Options) -> ExitCode {
    match attached(&options.url).await {
        Ok(End::Left) => ExitCode::SUCCESS,
        Ok(End::Closed) => {
            eprintln!("berth: the server has ended");
            ExitCode::SUCCESS
        }
        Ok(End::Asked(code)) => code.into(),
        Err(error) => client::fail(&error, error.hint()),
    }
}

async fn attached(url: &str) -> Result<End, AttachError> {
    let server = Server::of(url)?;
    server.check().await?;
    let screens = server.screens().await?;
    let asked = signals::requests();
    let raw = Raw::enter()?;
    let end = show(&server, screens, asked).await;
    drop(raw);
    end
}

struct Server {
    http: Client,
    base: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    transport: String,
    /// What older servers call the transport.
    #[serde(default)]
    backend: String,
}

#[derive(Deserialize)]
struct Screen {
    screen: String,
}

impl Server {
    fn of(text: &str) -> Result<Self, AttachError> {
        let url = address(text)?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(Policy::none());
        // A proxy cannot reach this machine by a name that means itself.
        let client = if local { client.no_proxy() } else { client };
        Ok(Self {
            http: client.build().unwrap_or_default(),
            base: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    fn url(&self, path: &str) -> Result<Url, AttachError> {
        let text = format!("{}{path}", self.base);
        Url::parse(&text).map_err(|_| AttachError::Address(text))
    }

    async fn check(&self) -> Result<(), AttachError> {
        let url = self.url("/status")?;
        let response = answered(&url, self.http.get(url.clone())).await?;
        let status: Status = response
            .json()
            .await
            .map_err(|source| AttachError::Silent {
                url: url.clone(),
                source,
            })?;
        if status.transport == "acp" || status.backend == "acp" {
            return Err(AttachError::NoTerminal(url));
        }
        Ok(())
    }

    async fn screens(&self) -> Result<Stream, AttachError> {
        let url = self.url("/internal/screen")?;
        Ok(Stream::new(
            answered(&url, self.http.get(url.clone())).await?,
        ))
    }

    async fn send(&self, keys: &str) -> Result<(), AttachError> {
        let url = self.url("/message")?;
        let body = json!({"type": "raw", "content": keys});
        answered(&url, self.http.post(url.clone()).json(&body))
            .await
            .map(drop)
    }
}

async fn answered(url: &Url, request: reqwest::RequestBuilder) -> Result<Response, AttachError> {
    let response = request.send().await.map_err(|source| AttachError::Silent {
        url: url.clone(),
        source,
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let said = response.text().await.unwrap_or_default();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let said = said["detail"].as_str().map(|detail| format!(": {detail}"));
    Err(AttachError::Refused {
        url: url.clone(),
        status,
        said: said.unwrap_or_default(),
    })
}

fn address(text: &str) -> Result<Url, AttachError> {
    let full = if text.starts_with("http://") || text.starts_with("https://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&full).map_err(|_| AttachError::Address(text.to_owned()))?;
    if url.scheme() == "https" {
        return Err(AttachError::Secure(url));
    }
    Ok(url)
}

async fn show(
    server: &Server,
    mut screens: Stream,
    mut asked: mpsc::Receiver<u8>,
) -> Result<End, AttachError> {
    let mut pen = Pen::new();
    let mut resizes = Resizes::new();
    let mut typed = console::keys();
    let mut text = String::new();
    console::shows_alternate(true);
    // Lines that are too long are cut and not continued on the next row.
    let _ = pen.draw.send((b"\x1b[?1049h\x1b[?7l".to_vec(), 0));
    // Sent beside everything else and in their order: a server may take its time for each.
    let (to_send, to_be_sent) = mpsc::unbounded_channel();
    let sending = send_all(server, to_be_sent);
    tokio::pin!(sending);
    let mut keys = Keys::default();
    let end = loop {
        tokio::select! {
            sent = screens.next() => match sent {
                Ok(Some(sent)) => {
                    if let Ok(screen) = serde_json::from_str::<Screen>(&sent.data) {
                        text = screen.screen;
                        draw(&pen, &text);
                    }
                }
                Ok(None) => break Ok(End::Closed),
                Err(error) => break Err(AttachError::Broken(error)),
            },
            bytes = typed.recv() => {
                let Some(bytes) = bytes else { break Ok(End::Left) };
                let (text, leave) = keys.take(&bytes);
                if !text.is_empty() {
                    // The receiver lives as long as this loop.
                    let _ = to_send.send(text);
                }
                if leave {
                    drop(to_send);
                    break sending.await.map(|()| End::Left);
                }
            }
            failed = &mut sending => break failed.map(|()| End::Closed),
            drawn = pen.drawn.recv() => if drawn.is_none() { break Ok(End::Left) },
            () = resizes.next() => draw(&pen, &text),
            Some(code) = asked.recv() => break Ok(End::Asked(code)),
        }
    };
    pen.finish();
    end
}

/// Sends what is typed until nothing more will be.
async fn send_all(
    server: &Server,
    mut typed: mpsc::UnboundedReceiver<String>,
) -> Result<(), AttachError> {
    while let Some(mut keys) = typed.recv().await {
        // What has come meanwhile goes with it.
        while let Ok(more) = typed.try_recv() {
            keys.push_str(&more);
        }
        server.send(&keys).await?;
    }
    Ok(())
}

fn draw(pen: &Pen, screen: &str) {
    let rows = console::size().map_or(usize::MAX, |size| size.rows.into());
    // The closed channel of what was drawn says that the terminal is gone.
    let _ = pen.draw.send((picture(screen, rows).into_bytes(), 0));
}

/// Bytes that draw the last rows of a screen from the top of the terminal on.
fn picture(screen: &str, rows: usize) -> String {
    let lines: Vec<&str> = screen.trim_end_matches('\n').split('\n').collect();
    let last = &lines[lines.len().saturating_sub(rows)..];
    let mut out = String::from("\x1b[?2026h\x1b[H");
    for (row, line) in last.iter().enumerate() {
        if row > 0 {
            out.push_str("\r\n");
        }
        // A screen has no control characters; one that has must not control this terminal.
        out.extend(line.chars().filter(|c| !c.is_control()));
        out.push_str("\x1b[K");
    }
    out.push_str("\x1b[J\x1b[?2026l");
    out
}

/// What is typed, as text.
#[derive(Default)]
struct Keys {
    /// The beginning of a character whose other bytes have not come yet.
    partial: Vec<u8>,
}

impl Keys {
    /// The text of the next bytes up to Ctrl-C, and whether that is among them.
    fn take(&mut self, bytes: &[u8]) -> (String, bool) {
        let end = bytes.iter().position(|byte| *byte == LEAVE);
        self.partial
            .extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        let whole = match std::str::from_utf8(&self.partial) {
            // Only at the very end a character may be unfinished.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let rest = self.partial.split_off(whole);
        let text = std::mem::replace(&mut self.partial, rest);
        (String::from_utf8_lossy(&text).into_owned(), end.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_lack_its_protocol_and_end_with_a_slash() {
        for (text, expected) in [
            ("localhost:3284", "http://localhost:3284"),
            ("http://localhost:3284/", "http://localhost:3284"),
            ("host/agent/1/", "http://host/agent/1"),
        ] {
            let server = Server::of(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(server.base, expected);
            let url = server.url("/status").unwrap();
            assert_eq!(url.as_str(), format!("{expected}/status"));
        }
        assert!(matches!(address("https://x"), Err(AttachError::Secure(_))));
        for wrong in ["", "http://", "a b"] {
            assert!(matches!(address(wrong), Err(AttachError::Address(_))));
        }
    }

    #[test]
    fn keys_are_text_up_to_ctrl_c_and_characters_come_whole() {
        let mut keys = Keys::default();
        let (first, second) = "aé".as_bytes().split_at(2);
        assert_eq!(keys.take(first), ("a".to_owned(), false));
        assert_eq!(keys.take(second), ("é".to_owned(), false));
        assert_eq!(keys.take(b"\x1b[A\r"), ("\x1b[A\r".to_owned(), false));
        assert_eq!(keys.take(b"x\xffy"), ("x\u{fffd}y".to_owned(), false));
        assert_eq!(keys.take(b"ab\x03cd"), ("ab".to_owned(), true));
    }

    #[test]
    fn the_last_rows_of_a_screen_are_drawn_and_control_nothing() {
        assert_eq!(
            picture("one\ntwo\n\x1b[2Jthree\n\n", 2),
            "\x1b[?2026h\x1b[Htwo\x1b[K\r\n[2Jthree\x1b[K\x1b[J\x1b[?2026l"
        );
        assert_eq!(picture("", 2), "\x1b[?2026h\x1b[H\x1b[K\x1b[J\x1b[?2026l");
    }
}
