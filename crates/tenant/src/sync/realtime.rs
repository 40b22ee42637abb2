//! Hears from the backend that an organization has changed, over Supabase Realtime: a WebSocket that speaks the protocol
//! of Phoenix channels, and on it the private channel of the organization.
//!
//! What is said there is only a reason to ask, and sync asks by itself too. So nothing here is an error for anybody: a
//! backend that has no Realtime, or does not let us in, is left alone for an hour, and a connection that is lost comes
//! back after growing pauses.

mod words;

use std::{convert::Infallible, future::pending, time::Duration};

use berth_protocol::{Secret, tenant::SyncState};
use futures::{SinkExt, StreamExt};
use reqwest::{
    StatusCode, Upgraded, Url,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

use super::{Remote, Signals, Sync, remote::causes};
use crate::access::Access;
use words::Heard;

/// How long a connection may take to come about, a channel to be joined, and a message to leave.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a backend is left alone that has no Realtime or refuses. It may be given one, or think otherwise.
const LEFT_ALONE: Duration = Duration::from_secs(3600);

/// Most bytes of a message. One with a revision has some three hundred.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// Bytes that a connection reads at once, and holds as long as it is there.
const BUFFER: usize = 4 * 1024;

/// What the REST root of a whole project ends with.
const REST: &str = "/rest/v1/";

type Socket = WebSocketStream<Upgraded>;

/// Why nothing is heard any more.
enum End {
    /// It is the same the next time, unless something changes over there.
    Refused(String),
    /// It may be otherwise the next time.
    Lost(String),
}

impl<A: Access> Sync<A> {
    /// Listens as long as it is polled.
    pub(super) async fn listen(
        &self,
        signals: &Signals,
        tell: &watch::Sender<SyncState>,
    ) -> Infallible {
        // What belongs to everybody has no channel.
        let url = self.remote.realtime().filter(|_| !self.tenant.is_global());
        let Some(url) = url else {
            return pending().await;
        };
        let mut failures = 0_u32;
        loop {
            let began = Instant::now();
            let Err(end) = self.hear(&url, signals, tell).await;
            is_listening(tell, false);
            // One that ends just after it has come about is no success.
            failures = match began.elapsed() < self.pace.heartbeat {
                true => failures.saturating_add(1),
                false => 1,
            };
            let (why, pause) = match end {
                End::Lost(why) => (why, self.pace.retry(failures)),
                End::Refused(why) => {
                    let spread = 1.0 + self.pace.spread * rand::random::<f64>();
                    (why, LEFT_ALONE.mul_f64(spread))
                }
            };
            tracing::debug!(tenant = %self.tenant, ?why, ?pause, "the backend does not tell of changes");
            sleep(pause).await;
        }
    }

    /// Joins the channel, and hears what is said there until that ends.
    async fn hear(
        &self,
        url: &Url,
        signals: &Signals,
        tell: &watch::Sender<SyncState>,
    ) -> Result<Infallible, End> {
        let topic = words::topic(self.tenant.org);
        let mut token = self.token().await?;
        let mut socket = match timeout(PATIENCE, self.remote.open(url)).await {
            Ok(opened) => opened?,
            Err(_) => return Err(lost("no connection comes about")),
        };
        say(&mut socket, words::join(&topic, &token)).await?;
        let answered_by = Instant::now() + PATIENCE;
        let heartbeat = self.pace.heartbeat;
        let mut beat = interval_at(Instant::now() + heartbeat, heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut is_joined, mut is_alive) = (false, true);
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => match words::heard(&topic, &text) {
                        Heard::Joined if !is_joined => {
                            is_joined = true;
                            is_listening(tell, true);
                            // Of what has changed before nobody has told.
                            signals.asked.notify_one();
                        }
                        Heard::Moved(rev) if is_joined => signals.tell(rev),
                        Heard::Alive => is_alive = true,
                        Heard::Refused(why) => return Err(End::Refused(why)),
                        Heard::Ended(why) => return Err(End::Lost(why)),
                        Heard::Joined | Heard::Moved(_) | Heard::Nothing => {}
                    },
                    Some(Ok(Message::Close(_))) | None => return Err(lost("it has ended")),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(lost(error)),
                },
                () = sleep_until(answered_by), if !is_joined => {
                    return Err(lost("whether the channel is joined is not said"));
                }
                _ = beat.tick() => {
                    if !is_alive {
                        return Err(lost("it does not answer any more"));
                    }
                    is_alive = false;
                    say(&mut socket, words::heartbeat()).await?;
                    // Refreshed long before the last one ends, which would be the end of the channel.
                    let newest = self.token().await?;
                    if newest != token {
                        say(&mut socket, words::access(&topic, &newest)).await?;
                        token = newest;
                    }
                }
            }
        }
    }

    async fn token(&self) -> Result<Secret, End> {
        self.access.access().await.map_err(lost)
    }
}

impl Remote {
    /// Where its Realtime is. Nothing for an address that is PostgREST's own and not that of a project.
    fn realtime(&self) -> Option<Url> {
        let base = self.root.path().strip_suffix(REST)?;
        let mut url = self.root.clone();
        url.set_path(&format!("{base}/realtime/v1/websocket"));
        url.query_pairs_mut()
            .append_pair("apikey", self.key.expose())
            .append_pair("vsn", words::VERSION);
        Some(url)
    }

    /// Opens a WebSocket (RFC 6455, section 4.1) with the client of all other calls: it has the same rules for addresses
    /// and certificates, goes through the same proxy and follows no redirect either.
    async fn open(&self, url: &Url) -> Result<Socket, End> {
        let key = generate_key();
        let request = self
            .http
            .get(url.clone())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, key.as_str());
        // The address has the key in it, which is no secret and helps nobody in a log.
        let answered = request.send().await;
        let response = answered.map_err(|error| lost(causes(&error.without_url())))?;
        let status = response.status();
        match status {
            StatusCode::SWITCHING_PROTOCOLS => {}
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(lost(status));
            }
            _ if status.is_client_error() => return Err(End::Refused(status.to_string())),
            _ => return Err(lost(status)),
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
        let expected = derive_accept_key(key.as_bytes());
        if accepted.is_none_or(|accepted| accepted.as_bytes() != expected.as_bytes()) {
            return Err(End::Refused("what answers is no WebSocket".to_owned()));
        }
        let upgraded = response.upgrade().await;
        let upgraded = upgraded.map_err(|error| lost(causes(&error.without_url())))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        Ok(Socket::from_raw_socket(upgraded, Role::Client, Some(config)).await)
    }
}

async fn say(socket: &mut Socket, words: String) -> Result<(), End> {
    match timeout(PATIENCE, socket.send(Message::text(words))).await {
        Ok(said) => said.map_err(lost),
        Err(_) => Err(lost("nothing that is said leaves any more")),
    }
}

fn lost(why: impl ToString) -> End {
    End::Lost(why.to_string())
}

fn is_listening(tell: &watch::Sender<SyncState>, listening: bool) {
    tell.send_if_modified(|state| {
        let is_new = state.listening != listening;
        state.listening = listening;
        is_new
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realtime(root: &str) -> Option<String> {
        let remote = Remote::new(root, Secret::new("sb_publishable_a&b".to_owned())).unwrap();
        remote.realtime().map(|url| url.to_string())
    }

    #[test]
    fn a_project_has_its_realtime_beside_its_rest_root() {
        let at = |base: &str| {
            Some(format!(
                "{base}/realtime/v1/websocket?apikey=sb_publishable_a%26b&vsn=1.0.0"
            ))
        };
        for (root, base) in [
            (
                "https://example.supabase.co/rest/v1",
                "https://example.supabase.co",
            ),
            (
                "https://example.org/base/rest/v1/",
                "https://example.org/base",
            ),
            ("http://127.0.0.1:54321/rest/v1", "http://127.0.0.1:54321"),
        ] {
            assert_eq!(realtime(root), at(base), "{root}");
        }
        assert_eq!(realtime("http://127.0.0.1:3000"), None);
        assert_eq!(realtime("https://example.org/rest/v2"), None);
    }
}
