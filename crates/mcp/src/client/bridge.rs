//! An endpoint of the gateway for programs that speak to their servers over standard input and output only.

use std::{collections::HashSet, time::Duration};

use berth_protocol::Secret;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use rmcp::{
    RoleClient, RoleServer,
    model::JsonRpcMessage,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{
        StreamableHttpClientTransport, Transport, async_rw::AsyncRwTransport,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use url::{Host, Url};

use super::{
    McpError,
    http::{self, Authorized, Proof},
    listening::Listening,
    pool::Http,
};

/// Messages of the program that are on their way at once. A request is, in the era without sessions, until it is
/// answered.
const MANY: usize = 256;

/// How long what a program has asked before it closed its output may still take. It waits for the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How long the end of a session of the protocol may take at the gateway.
const FAREWELL: Duration = Duration::from_secs(2);

/// The identifier of a request, and whether a message has left.
type Sent = (Option<Value>, Result<(), http::Failed>);

/// What the program has asked, by the identifiers of its requests as JSON.
#[derive(Default)]
struct Asked(HashSet<String>);

fn key(id: &impl Serialize) -> Option<String> {
    let id = serde_json::to_value(id).ok().filter(|id| !id.is_null())?;
    Some(id.to_string())
}

impl Asked {
    /// The program says this; answers with the identifier of a request.
    fn says(&mut self, message: &TxJsonRpcMessage<RoleClient>) -> Option<Value> {
        match message {
            JsonRpcMessage::Request(request) => {
                self.0.extend(key(&request.id));
                serde_json::to_value(&request.id).ok()
            }
            JsonRpcMessage::Notification(_) => {
                let said = serde_json::to_value(message).unwrap_or_default();
                if said["method"] == "notifications/cancelled"
                    && let Some(gone) = key(&said["params"]["requestId"])
                {
                    self.0.remove(&gone);
                }
                None
            }
            _ => None,
        }
    }

    /// The gateway says this.
    fn hears(&mut self, message: &RxJsonRpcMessage<RoleClient>) {
        let id = match message {
            JsonRpcMessage::Response(answer) => key(&answer.id),
            JsonRpcMessage::Error(error) => key(&error.id),
            _ => None,
        };
        if let Some(id) = id {
            self.0.remove(&id);
        }
    }

    /// A request did not get through; answers with what its program is told, unless it has cancelled it.
    fn fails(
        &mut self,
        id: &Value,
        why: &dyn std::error::Error,
    ) -> Option<TxJsonRpcMessage<RoleServer>> {
        if !self.0.remove(&key(id)?) {
            return None;
        }
        let error = json!({"code": -32603, "message": why.to_string()});
        let told = json!({"jsonrpc": "2.0", "id": id, "error": error});
        serde_json::from_value(told).ok()
    }
}

/// Passes messages on between a program and the gateway at `url`, until one of both ends. What the program says leaves in
/// its order, and nothing waits for the answer to anything else. Once it says no more, what it has asked may still be
/// answered for a moment.
///
/// # Errors
/// [`McpError::Withheld`] when the address is not one of this machine, which alone may have the token;
/// [`McpError::Ended`] when the gateway has ended it.
pub async fn bridge(
    (input, output): (
        impl AsyncRead + Send + Unpin + 'static,
        impl AsyncWrite + Send + Unpin + 'static,
    ),
    url: &str,
    token: Secret,
) -> Result<(), McpError> {
    if !is_here(url) {
        let why = format!("{url} is no address of this machine");
        return Err(McpError::Withheld(why));
    }
    let authorized = Authorized {
        http: Http::near()?,
        proof: Proof::Fixed(Some(token)),
        listening: Listening::default(),
    };
    let config = StreamableHttpClientTransportConfig::with_uri(url).max_concurrent_requests(MANY);
    let mut gateway = StreamableHttpClientTransport::with_client(authorized, config);
    let mut program = AsyncRwTransport::<RoleServer, _, _>::new_server(input, output);
    let ended = |error: &dyn std::error::Error| McpError::Ended {
        said: error.to_string(),
    };
    let mut asked = Asked::default();
    // Each leaves for the gateway when it is first looked at, which is in the order in which they were added.
    let mut sending: FuturesUnordered<BoxFuture<'static, Sent>> = FuturesUnordered::new();
    let mut has_answered = false;
    let mut until = None;
    let passed = loop {
        if until.is_some() && sending.is_empty() && asked.0.is_empty() {
            break Ok(());
        }
        tokio::select! {
            Some((id, sent)) = sending.next(), if !sending.is_empty() => {
                if let Err(error) = sent {
                    // A gateway that was never reached, or does not take the token any more, is none.
                    if !has_answered || http::is_refusal(&error) {
                        break Err(ended(&error));
                    }
                    let told = id.and_then(|id| asked.fails(&id, &error));
                    if let Some(told) = told && program.send(told).await.is_err() {
                        break Ok(());
                    }
                }
            }
            message = program.receive(), if until.is_none() && sending.len() < MANY => match message {
                Some(message) => {
                    let id = asked.says(&message);
                    let sent: BoxFuture<'static, Result<(), http::Failed>> =
                        Box::pin(Transport::<RoleClient>::send(&mut gateway, message));
                    sending.push(Box::pin(async move { (id, sent.await) }));
                }
                None => until = Some(Instant::now() + LAST_ANSWERS),
            },
            message = gateway.receive() => match message {
                Some(message) => {
                    has_answered = true;
                    asked.hears(&message);
                    // It may have gone meanwhile, which is no failure.
                    if program.send(message).await.is_err() {
                        break Ok(());
                    }
                }
                // Why it has ended, a message that is under way may tell.
                None => {
                    let mut why = None;
                    while let Some((_, sent)) = sending.next().await {
                        why = why.or(sent.err());
                    }
                    break Err(match why {
                        Some(error) => ended(&error),
                        None => McpError::Ended { said: String::new() },
                    });
                }
            },
            () = over(until), if until.is_some() => break Ok(()),
        }
    };
    // What the gateway keeps of it ends with it. Whoever does not answer, or has more to say than is taken, is left.
    let _ = tokio::time::timeout(FAREWELL, gateway.close()).await;
    passed
}

/// Until that moment, if there is one.
async fn over(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

fn is_here(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    is_here && url.scheme() == "http"
}

#[cfg(test)]
mod tests;
