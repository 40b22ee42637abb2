//! A viewer of a session's terminal.

use berth_protocol::{
    ACK_EVERY, BEARER_SUBPROTOCOL_PREFIX, ClientControl, Endpoint, SUBPROTOCOL, ServerControl,
    SessionId, Size,
};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::LIMIT;

/// An open terminal. It acknowledges what it gets, as the UI does, unless it is told to stall.
pub struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    stalled: bool,
    keeps: bool,
    unacknowledged: usize,
    text: Vec<u8>,
}

/// What the engine sends.
#[derive(Clone, Debug)]
pub enum Shown {
    /// A control message.
    Control(ServerControl),
    /// Bytes for the terminal.
    Bytes(Bytes),
}

impl Viewer {
    pub(crate) async fn open(endpoint: &Endpoint, id: SessionId) -> Self {
        let url = format!("{}/api/v1/sessions/{id}/terminal", endpoint.url);
        let url = url.replacen("http:", "ws:", 1);
        let mut request = url.into_client_request().expect("the address is one");
        let protocols = format!(
            "{SUBPROTOCOL}, {BEARER_SUBPROTOCOL_PREFIX}{}",
            endpoint.token
        );
        let protocols = protocols.parse().expect("the header is one");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocols);
        let opened = tokio::time::timeout(LIMIT, tokio_tungstenite::connect_async(request)).await;
        let (socket, response) = opened
            .expect("it opens in time")
            .expect("the terminal opens");
        let chosen = response
            .headers()
            .get("sec-websocket-protocol")
            .expect("a protocol is chosen");
        assert_eq!(chosen, SUBPROTOCOL, "the token must not be sent back");
        Self {
            socket,
            stalled: false,
            keeps: true,
            unacknowledged: 0,
            text: Vec::new(),
        }
    }

    /// From now on nothing is acknowledged.
    pub fn stall(&mut self) {
        self.stalled = true;
    }

    /// From now on nothing is kept of what is drawn, however much it is.
    pub fn keep_nothing(&mut self) {
        self.keeps = false;
        self.text = Vec::new();
    }

    /// What comes next; `None` when the engine closes the terminal.
    ///
    /// # Panics
    /// When nothing comes in time.
    pub async fn next(&mut self) -> Option<Shown> {
        loop {
            let message = tokio::time::timeout(LIMIT, self.socket.next()).await;
            match message.expect("the terminal says something in time")? {
                Ok(Message::Binary(bytes)) => {
                    if self.keeps {
                        self.text.extend_from_slice(&bytes);
                    }
                    self.unacknowledged += bytes.len();
                    if !self.stalled && self.unacknowledged >= ACK_EVERY {
                        self.acknowledge().await;
                    }
                    return Some(Shown::Bytes(bytes));
                }
                Ok(Message::Text(text)) => {
                    let control = serde_json::from_str(&text).expect("the message is known");
                    if matches!(control, ServerControl::Snapshot { .. }) {
                        self.text.clear();
                    }
                    return Some(Shown::Control(control));
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next control message of a kind.
    pub async fn control<T>(&mut self, wanted: impl Fn(&ServerControl) -> Option<T>) -> T {
        loop {
            let next = self.next().await.expect("the terminal stays open");
            if let Shown::Control(control) = next
                && let Some(found) = wanted(&control)
            {
                return found;
            }
        }
    }

    /// The next repaint: the run and how many bytes were left out before it.
    pub async fn snapshot(&mut self) -> (Size, u32, u64) {
        self.control(|control| match control {
            ServerControl::Snapshot { size, run, skipped } => Some((*size, *run, *skipped)),
            _ => None,
        })
        .await
    }

    /// Waits until what was drawn since the last repaint has this in it.
    pub async fn sees(&mut self, wanted: &str) {
        let seen = async {
            while !self.drawn().contains(wanted) {
                if self.next().await.is_none() {
                    return false;
                }
            }
            true
        };
        let seen = tokio::time::timeout(LIMIT, seen).await;
        assert!(seen == Ok(true), "{wanted:?} is not in {:?}", self.drawn());
    }

    /// The bytes since the last repaint, as text.
    pub fn drawn(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// Forgets what was drawn, so that the next wait is for something new.
    pub fn forget(&mut self) {
        self.text.clear();
    }

    /// Types.
    pub async fn type_in(&mut self, text: &str) {
        let typed = Message::binary(text.as_bytes().to_vec());
        self.socket
            .send(typed)
            .await
            .expect("the terminal takes what is typed");
    }

    /// Says that the viewer has another size.
    pub async fn resize(&mut self, rows: u16, cols: u16) {
        self.say(&ClientControl::Resize {
            size: Size { rows, cols },
        })
        .await;
    }

    /// Acknowledges everything so far.
    pub async fn acknowledge(&mut self) {
        let bytes = std::mem::take(&mut self.unacknowledged);
        self.say(&ClientControl::Ack { bytes }).await;
    }

    /// Bytes that were received and not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    async fn say(&mut self, control: &ClientControl) {
        let text = serde_json::to_string(control).expect("a control message can be written");
        // The engine may be closing it; whoever waits for an answer finds out.
        let _ = self.socket.send(Message::text(text)).await;
    }
}
