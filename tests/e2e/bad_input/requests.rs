//! Requests that are not as they must be.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use berth_protocol::{Code, CreateProject, Project, ProjectId, SessionId};
use berth_tests::{Engine, problem, session};
use reqwest::Method;

use crate::uuid;

/// Bytes of a MiB.
const MIB: usize = 1024 * 1024;

/// Bytes that a request may have.
const LARGEST: usize = 2 * MIB;

#[tokio::test]
async fn bodies_that_are_not_as_they_must_be_are_refused() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let post = |body: &str| {
        client
            .request(Method::POST, "/projects")
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"path\": 1}",
        "{}",
        "{\"path\":\"/\",\"more\":1}",
    ] {
        let refused = client.send(post(body)).await.unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{body}: {refused:?}");
    }
    let unknown = client
        .send(post("{\"path\":\"/\",\"more\":1}"))
        .await
        .unwrap_err();
    assert!(
        unknown.detail.contains("more"),
        "it names the unknown field: {unknown:?}"
    );
    let text = client.request(Method::POST, "/projects").body("{}");
    let text = text.header("content-type", "text/plain");
    assert_eq!(
        client.send(text).await.unwrap_err().code,
        Code::UnsupportedMediaType
    );
    let large = " ".repeat(LARGEST + 1);
    assert_eq!(
        client.send(post(&large)).await.unwrap_err().code,
        Code::BodyTooLarge
    );
    for name in ["", "   ", &"x".repeat(101), "two\nlines", "bell\u{7}"] {
        let path = engine.setup().folder().to_str().unwrap().to_owned();
        let request = CreateProject {
            path,
            name: Some(name.to_owned()),
        };
        let refused = client
            .post::<Project>("/projects", &request)
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::BadRequest, "{name:?}");
    }
    assert_eq!(client.audit().await, [], "nothing has happened");
}

#[tokio::test]
async fn whoever_sends_too_much_reads_so() {
    let engine = Engine::start().await;
    let client = &engine.client;
    for size in [3, 8, 12] {
        let body = " ".repeat(size * MIB);
        for round in 0..5 {
            let request = client
                .request(Method::POST, "/projects")
                .header("content-type", "application/json")
                .body(body.clone());
            let refused = client.send(request).await.unwrap_err();
            assert_eq!(refused.code, Code::BodyTooLarge, "{size} MiB, {round}");
            // Whatever is refused for another reason is answered before its body is read.
            let request = client.bare(Method::POST, "/api/v1/projects");
            let refused = client.send(request.body(body.clone())).await.unwrap_err();
            assert_eq!(refused.code, Code::Unauthorized, "{size} MiB, {round}");
        }
    }
}

/// Sends a request over a connection of its own, all of it before the first look at the answer, as
/// simple clients do; returns the answer.
fn answer_to(engine: &Engine, head: &str, body: &[u8]) -> std::io::Result<String> {
    let endpoint = engine.client.endpoint();
    let address = endpoint.url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address)?;
    let token = &endpoint.token;
    write!(
        socket,
        "POST /api/v1/projects HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nconnection: close\r\n{head}\r\n\r\n"
    )?;
    socket.write_all(body)?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test]
async fn a_client_that_writes_everything_before_it_reads_gets_its_answer() {
    let engine = Engine::start().await;
    let body = vec![b' '; 12 * MIB];
    let ask = move || {
        for _ in 0..5 {
            let length = format!("content-length: {}", body.len());
            let answer = answer_to(&engine, &length, &body).expect("the answer can be read");
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
            assert!(answer.contains(Code::BodyTooLarge.as_str()), "{answer}");
        }
        engine
    };
    let engine = tokio::task::spawn_blocking(ask).await.unwrap();
    assert_eq!(engine.client.audit().await, [], "nothing has happened");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_too_much_is_not_asked_for_it() {
    let engine = Engine::start().await;
    let ask = move || {
        // Nothing is sent, and the answer comes all the same.
        let head = format!("expect: 100-continue\r\norigin: null\r\ncontent-length: {MIB}");
        let answer = answer_to(&engine, &head, &[]).expect("the answer can be read");
        assert!(!answer.contains("100 Continue"), "{answer}");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        engine
    };
    tokio::task::spawn_blocking(ask).await.unwrap();
}

#[tokio::test]
async fn what_does_not_exist_has_a_code_of_its_kind() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let (project, session_id) = (ProjectId(uuid()), SessionId(uuid()));
    let code = async |method: Method, path: &str| {
        let refused = client.send(client.request(method, path)).await;
        refused.expect_err(path).code
    };
    for path in [
        format!("/projects/{project}"),
        format!("/projects/{project}/branches"),
    ] {
        assert_eq!(
            code(Method::GET, &path).await,
            Code::ProjectNotFound,
            "{path}"
        );
    }
    assert_eq!(
        code(Method::DELETE, &format!("/projects/{project}")).await,
        Code::ProjectNotFound
    );
    let refused = client
        .try_start(&session(project, "shell"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::ProjectNotFound);
    for below in [
        "",
        "/work",
        "/screen",
        "/messages",
        "/recording",
        "/diff",
        "/diff/file?path=x",
    ] {
        let path = format!("/sessions/{session_id}{below}");
        assert_eq!(
            code(Method::GET, &path).await,
            Code::SessionNotFound,
            "{path}"
        );
    }
    for below in ["/interrupt", "/stop", "/restart", "/archive", "/restore"] {
        let path = format!("/sessions/{session_id}{below}");
        assert_eq!(
            code(Method::POST, &path).await,
            Code::SessionNotFound,
            "{path}"
        );
    }
    let stream = format!("/chat/stream?session_id={session_id}");
    assert_eq!(code(Method::GET, &stream).await, Code::SessionNotFound);
    let chat = client.chat(session_id, "hello").await.unwrap_err();
    assert_eq!(chat.code, Code::SessionNotFound);
    let delete = client
        .delete(&format!("/sessions/{session_id}"))
        .await
        .unwrap_err();
    assert_eq!(delete.code, Code::SessionNotFound);
    for path in ["/nothing", "/sessions/x/y/z"] {
        assert_eq!(code(Method::GET, path).await, Code::NotFound, "{path}");
    }
    for path in [
        "/projects/not-a-uuid",
        "/sessions/not-a-uuid",
        "/audit?after=x",
        "/audit?order=sideways",
        "/audit?session_id=x",
    ] {
        assert_eq!(code(Method::GET, path).await, Code::BadRequest, "{path}");
    }
    for (method, path) in [
        (Method::DELETE, "/projects"),
        (Method::GET, "/chat"),
        (Method::PUT, "/agents"),
    ] {
        assert_eq!(code(method, path).await, Code::MethodNotAllowed, "{path}");
    }
    let page = client.bare(Method::POST, "/").send().await.unwrap();
    assert_eq!(problem(page).await.code, Code::NotFound);
}
