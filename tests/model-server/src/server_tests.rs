use serde_json::{Value, json};

use super::*;
use crate::log::TurnKind;

/// Far above what any answer here takes, so that only a lost one fails.
const LIMIT: Duration = Duration::from_secs(10);

fn message(text: &str) -> Value {
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": text}]})
}

async fn post(server: &ModelServer, path: &str, body: &Value) -> reqwest::Response {
    let url = format!("{}{path}", server.base_url());
    reqwest::Client::new()
        .post(url)
        .json(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_answer_is_streamed_and_its_end_is_known() {
    let server = ModelServer::start(Script::default()).unwrap();
    let response = post(&server, "/v1/messages", &message("say: hello")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("\"text\":\"hello\"")
    );

    let entry = server
        .wait_for(LIMIT, |entry| entry.finished_at.is_some())
        .await
        .unwrap();
    assert_eq!(
        (entry.kind, entry.status),
        (Some(TurnKind::Message), Some(200))
    );
    assert!(entry.finished_at >= Some(entry.received_at));
    assert_eq!(entry.body["messages"][0]["content"], "say: hello");
}

#[tokio::test]
async fn the_path_of_gemini_says_how_it_is_answered() {
    let server = ModelServer::start(Script::default()).unwrap();
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "say: hello"}]}]});
    let vertex = "/v1beta1/projects/p/locations/l/publishers/google/models/m";
    for model in ["/v1beta/models/m", vertex] {
        let path = format!("{model}:streamGenerateContent?alt=sse&key=hunter2");
        let response = post(&server, &path, &body).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let text = response.text().await.unwrap();
        assert!(text.starts_with("data: {"), "{text}");

        let response = post(&server, &format!("{model}:generateContent"), &body).await;
        let answer: Value = response.json().await.unwrap();
        let content = &answer["candidates"][0]["content"];
        assert_eq!(content["parts"][0]["text"], "hello");

        let response = post(&server, &format!("{model}:countTokens"), &body).await;
        let count: Value = response.json().await.unwrap();
        assert_eq!(count, json!({"totalTokens": 10}));
    }
    let kinds: Vec<_> = server.requests().iter().map(|entry| entry.kind).collect();
    let turn = [
        Some(TurnKind::Message),
        Some(TurnKind::Message),
        None, // a count is no answer
    ];
    assert_eq!(kinds, [turn, turn].concat());
}

#[tokio::test]
async fn a_completion_is_streamed_to_its_last_line() {
    let server = ModelServer::start(Script::default()).unwrap();
    let response = post(&server, "/v1/chat/completions", &message("say: hello")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("data: {"), "{text}");
    assert!(text.ends_with("\n\ndata: [DONE]\n\n"), "{text}");
}

#[tokio::test]
async fn a_hanging_answer_ends_with_its_client() {
    let server = ModelServer::start(Script::default()).unwrap();
    let mut response = post(&server, "/v1/messages", &message("hang")).await;
    while let Some(chunk) = response.chunk().await.unwrap() {
        if String::from_utf8_lossy(&chunk).contains("Waiting") {
            break;
        }
    }
    drop(response);
    let entry = server
        .wait_for(LIMIT, |entry| entry.abandoned_at.is_some())
        .await
        .unwrap();
    assert_eq!(entry.finished_at, None);
}

#[tokio::test]
async fn an_error_has_its_status_and_is_not_to_be_retried() {
    let server = ModelServer::start(Script::default()).unwrap();
    for path in [
        "/v1/messages",
        "/v1/responses",
        "/v1/chat/completions",
        "/v1beta/models/m:streamGenerateContent?alt=sse",
    ] {
        let body = json!({
            "messages": [{"role": "user", "content": "error: 503"}], "input": "error: 503",
            "contents": [{"role": "user", "parts": [{"text": "error: 503"}]}],
        });
        let response = post(&server, path, &body).await;
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(response.headers()["x-should-retry"], "false");
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            body["error"]["message"],
            "The script asked for an error 503."
        );
    }
}

#[tokio::test]
async fn the_log_is_served_and_cleared() {
    let server = ModelServer::start(Script::default()).unwrap();
    post(&server, "/v1/unknown", &json!({"a": 1})).await;
    let url = format!("{}/_requests", server.base_url());
    let log: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    assert_eq!(log[0]["path"], "/v1/unknown");
    assert_eq!(log[0]["status"], 404);
    assert_eq!(
        log.as_array().map(Vec::len),
        Some(1),
        "reading the log is not logged"
    );

    reqwest::Client::new().delete(&url).send().await.unwrap();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_agents_probe_is_answered() {
    let server = ModelServer::start(Script::default()).unwrap();
    let get = |path: &str| reqwest::get(format!("{}{path}", server.base_url()));
    assert_eq!(get("/").await.unwrap().status(), 200);
    let models: Value = get("/v1/models?limit=1000")
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(models["data"].is_array() && models["models"].is_array());
    let models: Value = get("/v1beta/models").await.unwrap().json().await.unwrap();
    assert_eq!(models["models"][0]["name"], "models/gemini-test");
    let count = post(&server, "/v1/messages/count_tokens", &message("say: x")).await;
    assert!(count.json::<Value>().await.unwrap()["input_tokens"].is_u64());
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections() {
    let server = ModelServer::start(Script::default()).unwrap();
    let response = post(&server, "/v1/messages", &message("hang")).await;
    let address = server.address;
    drop(server);
    // The body breaks off or ends; either way it does not hang.
    let _ = tokio::time::timeout(LIMIT, response.text()).await.unwrap();
    assert!(TcpListener::bind(address).is_ok(), "the port is free again");
}

#[test]
fn a_taken_port_is_an_error() {
    let server = ModelServer::start(Script::default()).unwrap();
    let error = ModelServer::start_on(server.address.port(), Script::default()).unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn a_server_with_a_key_answers_only_who_has_it_and_no_other() {
    let server = ModelServer::start_with_key(Script::default(), "sk-1").unwrap();
    let ask = |headers: &[(&'static str, &'static str)]| {
        let url = format!("{}/v1/messages", server.base_url());
        let mut request = reqwest::Client::new().post(url).json(&message("say: hi"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async { request.send().await.unwrap().status().as_u16() }
    };
    for (status, headers) in [
        (200, &[("x-api-key", "sk-1")][..]),
        (200, &[("authorization", "Bearer sk-1")]),
        (200, &[("x-goog-api-key", "sk-1")]),
        (401, &[]),
        (401, &[("x-api-key", "sk-2")]),
        (
            401,
            &[("x-api-key", "sk-1"), ("authorization", "Bearer sk-2")],
        ),
    ] {
        assert_eq!(ask(headers).await, status, "{headers:?}");
    }
}
