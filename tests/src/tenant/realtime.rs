//! A stand-in for Supabase Realtime, because that has no package here.
//!
//! It follows the wire format of the real one (Phoenix channels, version 1.0.0). Who may join a private channel is what
//! the real one asks of the database: whether row-level security of `realtime.messages` shows the user of the token a
//! message of that channel. What the database sends (`tests/tenant/realtime.sql`) is told to those who have joined.
//! What is not there: presence, changes of tables, messages of clients, limits, and channels that are public.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Row, postgres::PgListener};
use tokio::{
    sync::{broadcast, watch},
    task::AbortHandle,
};

use super::{Cluster, Token};
use crate::LIMIT;

/// What Realtime has in a database.
pub(super) const SCHEMA: &str = include_str!("../../tenant/realtime.sql");

/// Messages that wait for a slow connection.
const WAITING: usize = 1024;

/// A Realtime that is there until it is dropped.
pub struct Realtime {
    inside: Arc<Inside>,
    listener: AbortHandle,
}

/// What has come so far.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// Connections that are open.
    pub open: usize,
    /// How often a channel was joined.
    pub joined: usize,
    /// How often that was refused.
    pub refused: usize,
    /// Tokens that were shown after a channel was joined.
    pub renewed: Vec<String>,
}

struct Inside {
    database: String,
    says: broadcast::Sender<Says>,
    listeners: watch::Sender<Listeners>,
    refuses: Mutex<Option<String>>,
    is_silent: AtomicBool,
}

#[derive(Clone)]
enum Says {
    /// To whoever has joined the channel.
    Told { channel: String, message: String },
    /// To everybody, as it is.
    Raw(Message),
    /// The connection ends without a word.
    Nothing,
}

impl Realtime {
    /// Starts one before a database that has [`SCHEMA`].
    pub(super) async fn start(cluster: &Cluster) -> Self {
        let database = cluster.url("supabase_admin");
        let listener = PgListener::connect(&database).await;
        let mut listener = listener.expect("the server takes connections");
        let listens = listener.listen("realtime").await;
        listens.expect("everybody may listen");
        let inside = Arc::new(Inside {
            database,
            says: broadcast::Sender::new(WAITING),
            listeners: watch::Sender::new(Listeners::default()),
            refuses: Mutex::default(),
            is_silent: AtomicBool::new(false),
        });
        let passes_on = Arc::clone(&inside);
        let listener = tokio::spawn(async move {
            // It ends with the test, or with the database.
            while let Ok(sent) = listener.recv().await {
                passes_on.pass_on(sent.payload());
            }
        });
        Self {
            inside,
            listener: listener.abort_handle(),
        }
    }

    pub(super) fn router(&self) -> Router {
        let inside = Arc::clone(&self.inside);
        Router::new()
            .route("/realtime/v1/websocket", get(connect))
            .with_state(inside)
    }

    /// Who has come so far.
    pub fn listeners(&self) -> Listeners {
        self.inside.listeners.borrow().clone()
    }

    /// Waits until they are so.
    ///
    /// # Panics
    /// When they are not within [`LIMIT`].
    pub async fn until(&self, what: &str, is_so: impl Fn(&Listeners) -> bool) {
        let mut listeners = self.inside.listeners.subscribe();
        let found = listeners.wait_for(|listeners| is_so(listeners));
        let in_time = tokio::time::timeout(LIMIT, found).await;
        let is_found = in_time.is_ok_and(|found| found.is_ok());
        assert!(is_found, "{what}: {:?}", self.listeners());
    }

    /// Whether the user of a token may listen on a channel of the database.
    pub async fn admits(&self, token: &str, channel: &str) -> bool {
        self.inside.admits(token, channel).await
    }

    /// Refuses everybody with these words from now on; without any the database says again who may join.
    pub fn refuse(&self, words: Option<&str>) {
        *self.inside.refuses() = words.map(str::to_owned);
    }

    /// Answers no heartbeat from now on, or answers them again.
    pub fn fall_silent(&self, is_silent: bool) {
        self.inside.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// Sends a text to every connection, whatever it is.
    pub fn say(&self, text: impl Into<String>) {
        self.send(Says::Raw(Message::Text(text.into().into())));
    }

    /// Sends bytes to every connection.
    pub fn say_bytes(&self, bytes: Vec<u8>) {
        self.send(Says::Raw(Message::Binary(bytes.into())));
    }

    /// Ends every connection.
    pub fn hang_up(&self) {
        self.send(Says::Nothing);
    }

    fn send(&self, says: Says) {
        // Nobody may be there.
        let _ = self.inside.says.send(says);
    }
}

impl Drop for Realtime {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Inside {
    fn refuses(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.refuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on what the database sends.
    fn pass_on(&self, sent: &str) {
        let sent: Value = serde_json::from_str(sent).expect("the stand-in sends JSON");
        let channel = sent["topic"].as_str().unwrap_or_default().to_owned();
        let payload =
            json!({"event": sent["event"], "type": "broadcast", "payload": sent["payload"]});
        let message = json!({
            "topic": format!("realtime:{channel}"), "event": "broadcast", "payload": payload, "ref": null,
        });
        let message = message.to_string();
        // Nobody may be there.
        let _ = self.says.send(Says::Told { channel, message });
    }

    /// What the real one does: a message of the channel is made, looked for as the user, and never kept.
    async fn admits(&self, token: &str, channel: &str) -> bool {
        let Some(token) = Token::read(token) else {
            return false;
        };
        let role = token.claims["role"].as_str().unwrap_or("anon").to_owned();
        let conn = PgConnection::connect(&self.database).await;
        let mut conn = conn.expect("the server takes connections");
        let mut made = conn.begin().await.expect("a transaction can begin");
        let id: String = sqlx::query(
            "insert into realtime.messages (topic, extension) values ($1, 'broadcast') returning id::text",
        )
        .bind(channel)
        .fetch_one(&mut *made)
        .await
        .expect("a message can be made")
        .get(0);
        sqlx::query(
            "select set_config('realtime.topic', $1, true), set_config('request.jwt.claims', $2, true),
                set_config('role', $3, true)",
        )
        .bind(channel)
        .bind(token.claims.to_string())
        .bind(role)
        .execute(&mut *made)
        .await
        .expect("it can be asked as somebody else");
        let seen = sqlx::query("select 1 from realtime.messages where id::text = $1")
            .bind(id)
            .fetch_optional(&mut *made)
            .await;
        let is_seen = seen.expect("it can be asked").is_some();
        made.rollback().await.expect("it can be given up");
        conn.close().await.expect("a connection can be closed");
        is_seen
    }

    /// Answers a message; the channel that it has joined, if any.
    async fn answer(&self, message: &Value, joined: &mut Option<String>) -> Option<String> {
        let reply = |payload: Value| {
            json!({
                "topic": message["topic"], "event": "phx_reply", "payload": payload, "ref": message["ref"],
            })
            .to_string()
        };
        let topic = message["topic"].as_str().unwrap_or_default();
        let token = message["payload"]["access_token"]
            .as_str()
            .unwrap_or_default();
        match message["event"].as_str().unwrap_or_default() {
            "heartbeat" if self.is_silent.load(Ordering::SeqCst) => None,
            "heartbeat" => Some(reply(json!({"status": "ok", "response": {}}))),
            "access_token" => {
                let token = token.to_owned();
                self.listeners.send_modify(|it| it.renewed.push(token));
                None
            }
            "phx_join" => {
                let channel = topic.strip_prefix("realtime:").unwrap_or_default();
                let is_private = message["payload"]["config"]["private"] == true;
                let mut refusal = self.refuses().clone();
                if refusal.is_none() && !(is_private && self.admits(token, channel).await) {
                    refusal = Some(format!(
                        "Unauthorized: You do not have permissions to read from this Channel topic: {channel}"
                    ));
                }
                if let Some(reason) = refusal {
                    self.listeners.send_modify(|it| it.refused += 1);
                    let refused = json!({"status": "error", "response": {"reason": reason}});
                    return Some(reply(refused));
                }
                *joined = Some(channel.to_owned());
                self.listeners.send_modify(|it| it.joined += 1);
                let joined = json!({"status": "ok", "response": {"postgres_changes": []}});
                Some(reply(joined))
            }
            _ => None,
        }
    }
}

async fn connect(
    State(inside): State<Arc<Inside>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let is_known = query.get("apikey").is_some_and(|key| !key.is_empty());
    if !is_known || query.get("vsn").is_none_or(|version| version != "1.0.0") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        inside.listeners.send_modify(|it| it.open += 1);
        serve(socket, &inside).await;
        inside.listeners.send_modify(|it| it.open -= 1);
    })
}

/// Serves a connection until either side ends it.
async fn serve(mut socket: WebSocket, inside: &Inside) {
    let mut says = inside.says.subscribe();
    let mut joined = None;
    loop {
        let message = tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    let Ok(message) = serde_json::from_str(&text) else { return };
                    let answer = inside.answer(&message, &mut joined).await;
                    answer.map(|answer| Message::Text(answer.into()))
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => None,
            },
            said = says.recv() => match said {
                Ok(Says::Told { channel, message }) => {
                    let is_joined = joined.as_ref() == Some(&channel);
                    is_joined.then(|| Message::Text(message.into()))
                }
                Ok(Says::Raw(message)) => Some(message),
                Ok(Says::Nothing) | Err(_) => return,
            },
        };
        if let Some(message) = message
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}
