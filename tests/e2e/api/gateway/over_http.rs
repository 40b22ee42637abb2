//! What a server over HTTP is sent of an agent that calls its tools.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::Body,
    http::{HeaderMap, Method, Uri},
    response::Response,
};

use super::*;

/// Each request that a server was sent, with all its headers and its body.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<String>>>);

impl Sent {
    /// A server that keeps what it is sent. It ends with the test; its address.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let sent = self.clone();
        let app = axum::Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
                let sent = sent.clone();
                async move {
                    sent.keep(format!("{method} {uri} {headers:?} {body}"));
                    answer(&method, &body)
                }
            },
        );
        tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, app).await;
        });
        format!("http://{address}/mcp")
    }

    fn keep(&self, request: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(request);
    }

    fn all(&self) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

fn answer(method: &Method, body: &str) -> Response {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let (status, said) = match request["method"].as_str() {
        _ if method == Method::GET => (405, None),
        _ if request["id"].is_null() => (202, None),
        Some("initialize") => {
            let server = json!({"name": "Listener", "version": "1"});
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                                "serverInfo": server});
            (200, Some(json!({"result": result})))
        }
        Some("tools/list") => {
            let tools = [tool("one", "The first.")];
            (200, Some(json!({"result": {"tools": tools}})))
        }
        Some("tools/call") => {
            let content = [json!({"type": "text", "text": "called"})];
            (200, Some(json!({"result": {"content": content}})))
        }
        _ => {
            let error = json!({"code": -32601, "message": "there is no such method"});
            (200, Some(json!({"error": error})))
        }
    };
    let response = Response::builder().status(status);
    let response = match said {
        None => response.body(Body::empty()),
        Some(mut said) => {
            said["jsonrpc"] = json!("2.0");
            said["id"] = request["id"].clone();
            let response = response.header("content-type", "application/json");
            response.body(Body::from(said.to_string()))
        }
    };
    response.expect("it is a response")
}

#[tokio::test]
async fn nothing_that_lets_an_agent_in_is_sent_on_to_a_server() {
    let engine = mcp::engine(Setup::new()).await;
    let sent = Sent::default();
    let server = json!({"type": "http", "url": sent.listen().await,
                        "headers": {"x-settings": "of-the-settings"}});
    mcp::agreed(&engine.client, &json!({"name": "web", "server": server})).await;
    let (session, given) = mcp::session_in(&engine.client, &folder(&engine, "first"), "web").await;
    let given = given.expect("it is given the server");
    let agents = Secret::new("of-the-agent".to_owned());
    let reach = Reach::Http {
        url: given.url.clone(),
        headers: [("x-agent".to_owned(), agents)].into(),
        bearer: Some(Secret::new(given.token.clone())),
    };
    let connection = Connection::open(&reach, Limits::default()).await;
    let connection = connection.expect("it is let in");
    let (failed, said) = call(&connection, "one", json!({"path": "/a"})).await;
    assert!(!failed && said == "called", "{said}");

    let all = sent.all();
    let called = all.iter().find(|it| it.contains("tools/call"));
    let called = called.expect("the server was asked");
    assert!(called.contains("of-the-settings"), "{called}");
    let all = all.join("\n");
    let id = session.id.to_string();
    let own = [
        given.token.as_str(),
        engine.client.endpoint().token.as_str(),
        "of-the-agent",
        "authorization",
        id.as_str(),
    ];
    for secret in own {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}
