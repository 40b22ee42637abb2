//! Requests that have no business here.

use berth_protocol::{Code, SessionId};
use berth_tests::Engine;
use reqwest::Method;

use crate::uuid;

#[tokio::test]
async fn only_who_has_the_token_may_ask() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let token = &client.endpoint().token;
    let wrong = [
        None,
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {}", &token[1..])),
        Some(format!("Bearer {token}0")),
        Some(format!("Basic {token}")),
        Some(token.clone()),
    ];
    for path in [
        "/api/v1/projects",
        "/api/v1/events",
        "/api/v1/nothing",
        "/api/v1",
    ] {
        for header in &wrong {
            let mut request = client.bare(Method::GET, path);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            if path == "/api/v1" {
                // Below it is where everything is; itself it is nothing.
                assert!(client.send(request).await.is_err());
                continue;
            }
            let refused = client.send(request).await.unwrap_err();
            assert_eq!(refused.code, Code::Unauthorized, "{path} {header:?}");
            assert!(!refused.detail.contains(token.as_str()));
        }
    }
    let id = SessionId(uuid());
    let terminal = client
        .bare(Method::GET, &format!("/api/v1/sessions/{id}/terminal"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "berth.terminal.v1, bearer.wrong");
    assert_eq!(
        client.send(terminal).await.unwrap_err().code,
        Code::Unauthorized
    );
}

#[tokio::test]
async fn requests_to_other_names_and_from_other_pages_are_refused() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let url = client.endpoint().url.clone();
    let port = url.rsplit(':').next().unwrap();
    for path in ["/api/v1/projects", "/health", "/", "/openapi.json"] {
        for host in [
            "evil.example",
            &format!("evil.example:{port}"),
            "127.0.0.1.evil.example",
            "127.0.0.1:1",
        ] {
            let request = client
                .bare(Method::GET, path)
                .bearer_auth(&client.endpoint().token);
            let refused = client.send(request.header("host", host)).await.unwrap_err();
            assert_eq!(refused.code, Code::HostRefused, "{path} {host}");
        }
        for origin in [
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
            &format!("https://127.0.0.1:{port}"),
        ] {
            let request = client
                .bare(Method::GET, path)
                .bearer_auth(&client.endpoint().token);
            let refused = client
                .send(request.header("origin", origin))
                .await
                .unwrap_err();
            assert_eq!(refused.code, Code::OriginRefused, "{path} {origin}");
        }
    }
    let own = client
        .request(Method::GET, "/projects")
        .header("origin", &url);
    let answer = client.send(own).await.unwrap();
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        url.as_str()
    );
    let preflight = client
        .bare(Method::OPTIONS, "/api/v1/projects")
        .header("origin", "http://evil.example")
        .header("access-control-request-method", "POST");
    assert_eq!(
        client.send(preflight).await.unwrap_err().code,
        Code::OriginRefused
    );
}
