//! Where agents ask.

use reqwest::{Method, RequestBuilder, StatusCode};

use super::*;

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// A request of an agent, without anything that lets it in.
fn ask(url: &str) -> RequestBuilder {
    let request = reqwest::Client::new().request(Method::POST, url);
    let request = request.header("accept", "application/json, text/event-stream");
    request
        .header("content-type", "application/json")
        .body(LIST)
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.expect("it is answered").status()
}

#[tokio::test]
async fn agents_are_told_of_an_address_where_nothing_but_their_servers_is() {
    let stage = Stage::set().await;
    let (_, url, token_of_run) = stage.session("first").await;
    let own = &stage.client().endpoint().url;
    assert!(!url.starts_with(own), "{url}");
    let (base, path) = url.split_once("/mcp/").expect("it is an address of MCP");
    let token = &stage.client().endpoint().token;
    for path in ["/", "/health", "/openapi.json", "/api/v1/projects", "/mcp/"] {
        let request = reqwest::Client::new().get(format!("{base}{path}"));
        let request = request.bearer_auth(token);
        let answer = request.send().await.expect("it is answered");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(status(ask(&url)).await, 401);
    assert_eq!(status(ask(&url).bearer_auth(token)).await, 401);
    for (header, value) in [
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", own.as_str()),
        ("origin", base),
        ("origin", "tauri://localhost"),
    ] {
        let request = ask(&url).bearer_auth(&token_of_run);
        let refused = status(request.header(header, value)).await;
        assert_eq!(refused, StatusCode::FORBIDDEN, "{header}: {value}");
    }
    // The engine's own address has them too.
    for url in [url.clone(), format!("{own}/mcp/{path}")] {
        let given = mcp::Given {
            url,
            token: token_of_run.clone(),
        };
        given.connect().await.close().await;
    }
}
