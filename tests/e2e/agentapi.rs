//! `berth agentapi`, spoken to as clients of coder/agentapi speak to it.

#![cfg(unix)]

#[path = "agentapi/acp.rs"]
mod acp;
#[path = "agentapi/real.rs"]
mod real;
#[path = "agentapi/server.rs"]
mod server;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use berth_tests::{LIMIT, Setup, processes, skip, this_test, until};
use nix::sys::signal::Signal;
use reqwest::StatusCode;
use serde_json::{Value, json};

use server::{Events, Server};

/// A program that answers every line, as a custom agent does.
const ECHO: [&str; 3] = [
    "bash",
    "-c",
    "echo 'Ready to answer.'; while read -r line; do echo \"Answer to: $line\"; done",
];

fn contents(messages: &Value) -> Vec<(i64, String, String)> {
    let messages = messages["messages"].as_array().expect("there is a list");
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    messages
        .iter()
        .map(|m| {
            let id = m["id"].as_i64().expect("it has an id");
            (id, text(&m["role"]), text(&m["content"]))
        })
        .collect()
}

#[tokio::test]
async fn a_conversation_has_the_shapes_of_agentapi() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    assert_eq!(
        server.json("/status").await,
        json!({"status": "stable", "agent_type": "custom", "transport": "pty"})
    );
    assert_eq!(
        contents(&server.json("/messages").await),
        [(0, "agent".to_owned(), "Ready to answer.".to_owned())]
    );
    let mut events = server.events(None).await;
    server.say("one").await;
    events.said("Answer to: one").await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert_eq!(messages[1], (1, "user".to_owned(), "one".to_owned()));
    assert_eq!(
        messages[2],
        (2, "agent".to_owned(), "Answer to: one".to_owned())
    );
    server.stop().await;
}

#[tokio::test]
async fn a_client_goes_on_behind_the_last_event_it_saw() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    let mut events = server.events(None).await;
    server.say("one").await;
    let seen = events.said("Answer to: one").await.id;
    drop(events);
    server.stable().await;
    server.say("two").await;
    let mut events = server.events(Some(&seen)).await;
    let told = events.said("Answer to: two").await;
    assert_eq!(told.data["id"], 4);
    let mut events = server.events(Some(&seen)).await;
    let first = loop {
        let event = events.next().await.expect("the stream goes on");
        if event.name == "message_update" {
            break event;
        }
    };
    assert_eq!(first.data["id"], 3, "what was seen is not sent again");
    // The ids of another run are none of this one: everything is told.
    let (run, number) = seen.split_once('-').expect("an id names its run");
    let foreign = [
        "1".to_owned(),
        format!("0{run}-{number}"),
        format!("{run}-99999"),
    ];
    for id in foreign {
        let mut events = server.events(Some(&id)).await;
        let first = events.next().await.expect("the stream begins");
        assert_eq!(first.data["id"], 0, "{id}");
    }
    server.stop().await;
}

#[tokio::test]
async fn raw_keys_reach_the_terminal_and_no_message_stands_for_them() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    let mut screens = Events::of(server.get("/internal/screen").await);
    let first = screens.next().await.expect("a screen comes");
    assert_eq!(
        (first.name.as_str(), &first.data["screen"]),
        ("screen", &json!("Ready to answer."))
    );
    server.keys("keys\r").await;
    loop {
        let screen = screens.next().await.expect("a screen comes");
        if screen.data["screen"]
            .as_str()
            .is_some_and(|s| s.contains("Answer to: keys"))
        {
            break;
        }
    }
    // As on agentapi's screen: what comes of keys belongs to the last message of the agent.
    let mut events = server.events(None).await;
    events.said("Answer to: keys").await;
    server.stable().await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages.len(), 1, "{messages:?}");
    server.say("said").await;
    events.said("Answer to: said").await;
    server.stable().await;
    server.keys("more keys\r").await;
    let told = events.said("Answer to: more keys").await;
    assert_eq!(told.data["id"], 2);
    let words = told.data["message"].as_str().expect("it has words");
    assert!(words.starts_with("Answer to: said\n"), "{words:?}");
    server.stable().await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_usable_is_refused_with_a_reason() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    for (body, expected) in [
        (
            json!({"type": "user", "content": " \n"}),
            StatusCode::BAD_REQUEST,
        ),
        (
            json!({"type": "shout", "content": "x"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (json!({"content": "x"}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (status, problem) = server.post("/message", body).await;
        assert_eq!(status, expected, "{problem}");
        assert_eq!(problem["status"], expected.as_u16());
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
    }
    let (status, _) = server
        .post("/answer", json!({"attention": "1-1", "option": "1"}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);

    let get = server.client.get(format!("{}/status", server.url));
    let refused = get.header("host", "evil.test").send().await;
    let refused = refused.expect("the server answers");
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(
        refused
            .text()
            .await
            .expect("it has a text")
            .starts_with("Invalid host header")
    );

    for (origin, allowed) in [("http://localhost:3000", true), ("http://evil.test", false)] {
        let get = server.client.get(format!("{}/status", server.url));
        let answer = get.header("origin", origin).send().await;
        let answer = answer.expect("the server answers");
        let header = answer.headers().get("access-control-allow-origin");
        assert_eq!(header.is_some(), allowed, "{origin}");

        let keys = json!({"type": "raw", "content": "x"});
        let post = server.client.post(format!("{}/message", server.url));
        let answer = post.header("origin", origin).json(&keys).send().await;
        let answer = answer.expect("the server answers").status();
        let expected = if allowed {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(answer, expected, "{origin}");
    }
    let post = server.client.post(format!("{}/message", server.url));
    let own = post.header("origin", &server.url);
    let answer = own
        .json(&json!({"type": "raw", "content": "x"}))
        .send()
        .await;
    assert_eq!(answer.expect("the server answers").status(), StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn a_file_of_up_to_10_mb_is_kept_for_the_agent() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    let upload = async |size: usize, name: &str| {
        let head = format!(
            "--frame\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        let body = [head.as_bytes(), &vec![b'x'; size], b"\r\n--frame--\r\n"].concat();
        let request = server
            .client
            .post(format!("{}/upload", server.url))
            .header("content-type", "multipart/form-data; boundary=frame")
            .body(body);
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        (
            status,
            response.json::<Value>().await.expect("the answer is JSON"),
        )
    };
    let (status, kept) = upload(10 * 1024 * 1024, "../notes.txt").await;
    assert_eq!(status, StatusCode::OK, "{kept}");
    let path = kept["filePath"]
        .as_str()
        .expect("it names the file")
        .to_owned();
    assert!(
        path.ends_with("/notes.txt") && !path.contains(".."),
        "{path}"
    );
    let length = std::fs::metadata(&path).expect("the file is there").len();
    assert_eq!(length, 10 * 1024 * 1024);
    let (status, problem) = upload(10 * 1024 * 1024 + 1, "more.txt").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    server.stop().await;
    assert!(!Path::new(&path).exists(), "uploads end with the server");
}

#[tokio::test]
async fn its_pages_and_its_description_are_served() {
    let server = Server::start(Setup::new(), &["--chat-base-path", "/proxy/chat/"], &ECHO).await;
    let described = server.json("/openapi.json").await;
    for path in ["/status", "/messages", "/message", "/upload", "/events"] {
        assert!(described["paths"][path].is_object(), "{path} is described");
    }
    for path in ["/chat", "/chat/embed", "/docs/"] {
        let page = server.get(path).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        assert!(
            page.text().await.expect("it has a text").contains("<html"),
            "{path}"
        );
    }
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a client can be made");
    let root = client
        .get(&server.url)
        .send()
        .await
        .expect("the server answers");
    assert_eq!(root.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(root.headers()["location"], "/proxy/chat/embed");
    server.stop().await;
}

#[tokio::test]
async fn the_end_of_the_agent_is_told_and_ends_the_server() {
    let script = "echo up; read -r line; exit 3";
    let mut server = Server::start(Setup::new(), &[], &["bash", "-c", script]).await;
    server.stable().await;
    let mut events = server.events(None).await;
    let keys = json!({"type": "raw", "content": "\r"});
    assert_eq!(server.post("/message", keys).await.0, StatusCode::OK);
    let mut error = None;
    while let Some(event) = events.next().await {
        if event.name == "agent_error" {
            error = Some(event.data);
        }
    }
    let error = error.expect("the end is told");
    assert_eq!(error["level"], "error");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("with code 3")),
        "{error}"
    );
    let status = tokio::task::spawn_blocking(move || server.child.wait());
    let status = tokio::time::timeout(LIMIT, status).await;
    let status = status.expect("it ends in time").expect("the task ends");
    assert_eq!(status.expect("it can be waited for").code(), Some(1));
}

#[tokio::test]
async fn the_first_message_and_the_state_file_are_agentapis() {
    let setup = Setup::new();
    let state = setup.folder().join("state.json");
    let pid = setup.folder().join("pid");
    let (state_text, pid_text) = (state.display().to_string(), pid.display().to_string());
    let flags = [
        "--initial-prompt",
        "begin",
        "--state-file",
        &state_text,
        "--pid-file",
        &pid_text,
    ];
    let server = Server::start(setup, &flags, &ECHO).await;
    server.events(None).await.said("Answer to: begin").await;
    let written = std::fs::read_to_string(&pid).expect("the file with the pid is there");
    assert_eq!(written.trim(), server.child.id().to_string());
    server.stable().await;
    let setup = server.stop().await;
    assert!(!pid.exists(), "the file with the pid ends with the server");
    let saved: Value = serde_json::from_slice(&std::fs::read(&state).expect("it is saved"))
        .expect("the state is JSON");
    assert_eq!(saved["version"], 1);
    assert_eq!(saved["initial_prompt"], "begin");
    assert_eq!(saved["initial_prompt_sent"], true);
    assert_eq!(saved["messages"][1]["message"], "begin");

    let server = Server::start(setup, &flags, &ECHO).await;
    server.stable().await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(
        messages.len(),
        3,
        "the prompt is not sent twice: {messages:?}"
    );
    server.say("again").await;
    server.events(None).await.said("Answer to: again").await;
    let messages = contents(&server.json("/messages").await);
    let ids: Vec<i64> = messages.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
    server.stop().await;
}

#[tokio::test]
async fn the_terminal_is_as_large_as_coders_scripts_want_it() {
    let size = ["--term-width", "67", "--term-height", "1190"];
    let command = ["bash", "-c", "stty size; cat"];
    let server = Server::start(Setup::new(), &size, &command).await;
    server.events(None).await.said("1190 67").await;
    server.stop().await;
}

#[tokio::test]
async fn it_is_reached_over_both_protocols() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    let addresses = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ];
    for address in addresses {
        if std::net::TcpListener::bind((address, 0)).is_err() {
            skip(
                &this_test(),
                &format!("this machine does not have {address}"),
            );
            continue;
        }
        let address = SocketAddr::new(address, server.port());
        let status = server
            .client
            .get(format!("http://{address}/status"))
            .send()
            .await;
        let status = status.expect("the server answers").status();
        assert_eq!(status, StatusCode::OK, "{address}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_first_message_follows_the_screen_until_somebody_speaks() {
    let setup = Setup::new();
    let pipe = setup.folder().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    let script = format!(
        "echo Loading.; read -r line < '{}'; echo Ready.; {}",
        pipe.display(),
        ECHO[2]
    );
    let server = Server::start(setup, &[], &["bash", "-c", &script]).await;
    let mut events = server.events(None).await;
    events.said("Loading.").await;
    std::fs::write(&pipe, "go on\n").expect("the program reads it");
    let told = events.said("Ready to answer.").await;
    assert_eq!(told.data["id"], 0);
    server.stable().await;
    server.say("one").await;
    server.stable().await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages[0].2, "Loading.\nReady.\nReady to answer.");
    assert_eq!(messages.len(), 3, "{messages:?}");
    server.stop().await;
}

#[tokio::test]
async fn nothing_that_the_agent_started_outlives_the_server() {
    let setup = Setup::new();
    let mark = setup.folder().to_owned();
    let setup = setup.variable("OUTLIVES", &mark);
    let script = format!("setsid sleep 1000 & {}", ECHO[2]);
    let server = Server::start(setup, &[], &["bash", "-c", &script]).await;
    server.stable().await;
    let started = processes::with("OUTLIVES", &mark);
    assert!(started.len() >= 3, "{started:?}");
    server.stop().await;
    assert_eq!(processes::gone(&started, LIMIT).await, Vec::<u32>::new());
}

#[tokio::test]
async fn signals_save_the_messages_and_end_the_server() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let setup = Setup::new();
        let state = setup.folder().join("state.json");
        let flags = ["--state-file", &state.display().to_string()];
        let server = Server::start(setup, &flags, &ECHO).await;
        server.stable().await;
        server.say("before the signal").await;
        let setup = server.ends_by(signal).await;
        let saved = std::fs::read_to_string(&state).expect("it is saved");
        assert!(saved.contains("before the signal"), "{signal}");
        drop(setup);
    }
    let setup = Setup::new();
    let state = setup.folder().join("state.json");
    let flags = ["--state-file", &state.display().to_string()];
    let server = Server::start(setup, &flags, &ECHO).await;
    server.stable().await;
    assert!(!state.exists());
    server.signal(Signal::SIGUSR1);
    until("the state is saved", || state.exists()).await;
    server.stable().await;
    server.stop().await;
}

#[tokio::test]
async fn empty_variables_and_a_command_without_dashes_are_what_agentapi_takes() {
    let setup = Setup::new()
        .variable("AGENTAPI_TYPE", "")
        .variable("AGENTAPI_PORT", "")
        .variable("AGENTAPI_STATE_FILE", "")
        .variable("AGENTAPI_ALLOWED_HOSTS", "")
        .variable("AGENTAPI_INITIAL_PROMPT", "  begin\n");
    let folder = setup.folder().to_owned();
    let arguments = ["agentapi", "server", "--port", "0", "cat"];
    let server = Server::spawn(&folder, setup, &arguments).await;
    let mut events = server.events(None).await;
    events.said("begin").await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages[1], (1, "user".to_owned(), "begin".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn what_is_piped_in_is_the_first_message_and_keeps_nobody_waiting() {
    // Every server of these tests has an open standard input.
    let mut server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    let mut events = server.events(None).await;
    let mut stdin = server.child.stdin.take().expect("its input is a pipe");
    std::io::Write::write_all(&mut stdin, b"from a pipe\n").expect("it can be written");
    drop(stdin);
    events.said("Answer to: from a pipe").await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages[1].2, "from a pipe");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_does_not_keep_the_server() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    let address = server.url.trim_start_matches("http://");
    let mut stream =
        std::net::TcpStream::connect(("127.0.0.1", server.port())).expect("it can be reached");
    let head = format!(
        "POST /message HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("it can be written");
    server.stable().await;
    server.stop().await;
    drop(stream);
}
