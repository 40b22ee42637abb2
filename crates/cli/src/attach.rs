//! `berth attach`: a session's terminal in this one.

mod find;
mod keys;
mod quiet;

use std::{path::PathBuf, process::ExitCode};

use berth_protocol::{
    ACK_EVERY, API_VERSION, BEARER_SUBPROTOCOL_PREFIX, ClientControl, Endpoint, SUBPROTOCOL,
    ServerControl, Session, SessionId, Size, Status,
};
use clap::Args;
use futures::{SinkExt, StreamExt};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use self::{
    find::FindError,
    keys::{DetachKeys, Detaching},
    quiet::Quiet,
};
use crate::{
    api::{Api, ApiError},
    client,
    console::{self, ConsoleError, Pen, Raw, Resizes},
    signals,
};

/// What stands under the options in the help.
const AFTER_HELP: &str = "\
The session takes the size of this terminal. Detaching leaves it running.

Exit codes: 0 after detaching; the session's own when it ends, or 128 and the number of the signal that
ended it; 1 when the session cannot be attached to or the engine is lost.";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// The session: its id, the beginning of it, or its whole title
    #[arg(value_name = "SESSION")]
    session: String,
    /// Keys that detach: characters or ctrl-<character>, separated by commas
    #[arg(long, value_name = "KEYS", default_value = "ctrl-\\")]
    detach_keys: DetachKeys,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Console(#[from] ConsoleError),
    #[error("session {id} ({title}) {how}")]
    Ended {
        id: SessionId,
        title: String,
        how: String,
    },
    #[error("the terminal of session {id} cannot be opened")]
    Open {
        id: SessionId,
        #[source]
        source: Box<tungstenite::Error>,
    },
    #[error("the connection to the engine was lost")]
    Lost,
}

impl AttachError {
    fn hint(&self) -> &str {
        match self {
            Self::Api(error) => error.hint(),
            Self::Find(error) => error.hint(),
            Self::Console(error) => error.hint(),
            Self::Ended { .. } => {
                "It can be restarted with `berth open`, which shows its transcript and terminal too."
            }
            Self::Open { .. } => "The engine's log may say why: `berth logs`.",
            Self::Lost => "It may have ended: `berth status` tells, `berth logs` says why.",
        }
    }
}

/// How it ended.
enum End {
    Detached,
    Ended(Status),
    /// A signal asked for it.
    Asked(u8),
}

pub async fn attach(data_dir: PathBuf, options: Options) -> ExitCode {
    match attached(data_dir, options).await {
        Ok(code) => code.into(),
        Err(error) => client::fail(&error, error.hint()),
    }
}

async fn attached(data_dir: PathBuf, options: Options) -> Result<u8, AttachError> {
    let api = Api::start(data_dir).await?;
    let sessions = api.sessions().await?;
    let session = find::find(&sessions, &options.session)?;
    if !session.status.is_live() {
        return Err(AttachError::Ended {
            id: session.id,
            title: session.title.clone(),
            how: how_ended(&session.status),
        });
    }
    eprintln!(
        "berth: attached to {} ({}); detach with {}",
        session.id, session.title, options.detach_keys
    );
    // Before anything is switched, so that no signal finds a raw terminal.
    let asked = signals::requests();
    let raw = Raw::enter()?;
    let shown = show(&api, session, options.detach_keys, asked).await;
    drop(raw);
    let end = shown?;
    Ok(match end {
        End::Detached => {
            eprintln!(
                "berth: detached; the session goes on: berth attach {}",
                session.id
            );
            0
        }
        End::Asked(code) => code,
        End::Ended(status) => {
            eprintln!("berth: the session {}", how_ended(&status));
            exit_of(&status)
        }
    })
}

fn how_ended(status: &Status) -> String {
    match status {
        Status::Exited {
            code: Some(code), ..
        } => format!("ended with code {code}"),
        Status::Exited {
            signal: Some(signal),
            ..
        } => format!("was ended by {signal}"),
        Status::Failed { failure } => format!("failed: {}", failure.detail),
        _ => "has ended".to_owned(),
    }
}

/// The exit code that stands for a session's end, as shells have it.
fn exit_of(status: &Status) -> u8 {
    match status {
        Status::Exited {
            code: Some(code), ..
        } => u8::try_from(*code).unwrap_or(1),
        Status::Exited {
            signal: Some(signal),
            ..
        } => signal_number(signal).map_or(1, |number| number.saturating_add(128)),
        _ => 1,
    }
}

#[cfg(unix)]
fn signal_number(name: &str) -> Option<u8> {
    let signal: nix::sys::signal::Signal = name.parse().ok()?;
    u8::try_from(signal as i32).ok()
}

#[cfg(not(unix))]
fn signal_number(_name: &str) -> Option<u8> {
    None
}

async fn show(
    api: &Api,
    session: &Session,
    keys: DetachKeys,
    mut asked: mpsc::Receiver<u8>,
) -> Result<End, AttachError> {
    let mut resizes = Resizes::new();
    let size = console::size();
    if let Some(size) = size {
        // Before the first repaint, which is then drawn for this terminal.
        let path = format!("/sessions/{}/resize", session.id);
        api.tell(&path, &size).await?;
    }
    let mut view = View {
        socket: open(api.endpoint(), session.id).await?,
        pen: Pen::new(),
        quiet: Quiet::default(),
        detaching: Detaching::new(keys),
        size,
        drawn: 0,
        begun: false,
    };
    let mut typed = console::keys();
    let end = loop {
        tokio::select! {
            message = view.socket.next() => match view.heard(message) {
                Ok(None) => {}
                Ok(Some(status)) => break Ok(End::Ended(status)),
                Err(error) => break Err(error),
            },
            bytes = typed.recv() => match view.typed(bytes).await {
                Ok(false) => {}
                Ok(true) => break Ok(End::Detached),
                Err(error) => break Err(error),
            },
            drawn = view.pen.drawn.recv() => match drawn {
                Some(bytes) => view.acknowledge(bytes).await,
                // The terminal is gone.
                None => break Ok(End::Detached),
            },
            () = resizes.next() => view.resize().await,
            Some(code) = asked.recv() => break Ok(End::Asked(code)),
        }
    };
    view.close().await;
    end
}

async fn open(endpoint: &Endpoint, id: SessionId) -> Result<Socket, AttachError> {
    let failed = |source| AttachError::Open {
        id,
        source: Box::new(source),
    };
    let base = endpoint.url.trim_end_matches('/');
    let url = format!("{base}/api/{API_VERSION}/sessions/{id}/terminal");
    let mut request = url
        .replacen("http:", "ws:", 1)
        .into_client_request()
        .map_err(failed)?;
    let protocols = format!(
        "{SUBPROTOCOL}, {BEARER_SUBPROTOCOL_PREFIX}{}",
        endpoint.token
    );
    let protocols = HeaderValue::from_str(&protocols).map_err(|error| failed(error.into()))?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocols);
    let (socket, _) = connect_async(request).await.map_err(failed)?;
    Ok(socket)
}

/// The session's terminal on this one.
struct View {
    socket: Socket,
    pen: Pen,
    quiet: Quiet,
    detaching: Detaching,
    size: Option<Size>,
    /// Bytes that have been drawn, or left out, and not been acknowledged.
    drawn: usize,
    /// Something has been shown.
    begun: bool,
}

impl View {
    /// Takes what the engine sends; returns how the session ended, if it has.
    fn heard(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<Status>, AttachError> {
        match message {
            Some(Ok(Message::Binary(bytes))) => {
                let shown = self.quiet.filter(&bytes);
                console::shows_alternate(self.quiet.alternate);
                // What is left out counts as drawn: as many bytes are acknowledged as were sent.
                self.draw(shown, bytes.len());
            }
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(ServerControl::Snapshot { .. }) => self.clear(),
                Ok(ServerControl::Ended { status }) => return Ok(Some(status)),
                // Another viewer's size: this terminal keeps its own and shows what fits.
                Ok(ServerControl::Resized { .. }) => {}
                // A message of a newer engine.
                Err(_) => {}
            },
            None | Some(Ok(Message::Close(_)) | Err(_)) => return Err(AttachError::Lost),
            Some(Ok(_)) => {}
        }
        Ok(None)
    }

    /// Makes room for a repaint. What the terminal showed before stays in its scrollback.
    fn clear(&mut self) {
        self.quiet.reset();
        let mut text = String::from("\x1b[!p");
        if std::mem::take(&mut self.quiet.alternate) {
            text.push_str("\x1b[?1049l");
        }
        console::shows_alternate(false);
        if !std::mem::replace(&mut self.begun, true) {
            let rows = self.size.map_or(0, |size| size.rows);
            text.push_str("\x1b[999;1H");
            text.push_str(&"\n".repeat(rows.into()));
        }
        text.push_str("\x1b[H\x1b[2J");
        self.draw(text.into_bytes(), 0);
    }

    fn draw(&mut self, bytes: Vec<u8>, sent: usize) {
        // The pen tells how much it has drawn, and the closed channel that it cannot.
        let _ = self.pen.draw.send((bytes, sent));
    }

    async fn acknowledge(&mut self, bytes: usize) {
        self.drawn += bytes;
        if self.drawn >= ACK_EVERY {
            let bytes = std::mem::take(&mut self.drawn);
            self.say(&ClientControl::Ack { bytes }).await;
        }
    }

    /// Sends what was typed; says whether it detaches.
    async fn typed(&mut self, bytes: Option<Vec<u8>>) -> Result<bool, AttachError> {
        let Some(bytes) = bytes else {
            return Ok(true);
        };
        if cfg!(windows) {
            self.resize().await;
        }
        let typed = self.detaching.take(&bytes);
        if !typed.forward.is_empty() {
            let message = Message::binary(typed.forward);
            let sent = self.socket.send(message).await;
            sent.map_err(|_| AttachError::Lost)?;
        }
        Ok(typed.detach)
    }

    async fn resize(&mut self) {
        let size = console::size();
        if size == self.size {
            return;
        }
        self.size = size;
        if let Some(size) = size {
            self.say(&ClientControl::Resize { size }).await;
        }
    }

    async fn say(&mut self, control: &ClientControl) {
        let text = serde_json::to_string(control).unwrap_or_default();
        // When the engine is gone, the next that is heard of it says so.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// Says goodbye, and draws what is still to be drawn.
    async fn close(mut self) {
        // The engine may have closed it.
        let _ = self.socket.close(None).await;
        self.pen.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_s_end_has_the_exit_code_that_a_shell_would_give_it() {
        let exited = |code, signal: Option<&str>| Status::Exited {
            code,
            signal: signal.map(str::to_owned),
        };
        assert_eq!(exit_of(&exited(Some(0), None)), 0);
        assert_eq!(exit_of(&exited(Some(42), None)), 42);
        assert_eq!(exit_of(&exited(Some(-1), None)), 1);
        assert_eq!(exit_of(&exited(None, None)), 1);
        #[cfg(unix)]
        assert_eq!(exit_of(&exited(None, Some("SIGTERM"))), 143);
        assert_eq!(exit_of(&exited(None, Some("SIGNOTHING"))), 1);
    }
}
