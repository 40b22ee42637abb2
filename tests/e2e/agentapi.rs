//! `berth agentapi`, spoken to as clients of coder/agentapi speak to it.

#![cfg(unix)]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use berth_model_server::{ModelServer, Script};
use berth_tests::{LIMIT, Repository, Setup, agents, processes, programs, skip, this_test};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// A program that answers every line, as a custom agent does.
const ECHO: [&str; 3] = [
    "bash",
    "-c",
    "echo 'Ready to answer.'; while read -r line; do echo \"Answer to: $line\"; done",
];

struct Server {
    setup: Setup,
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Server {
    async fn start(setup: Setup, flags: &[&str], command: &[&str]) -> Self {
        let folder = setup.folder().to_owned();
        Self::start_in(&folder, setup, flags, command).await
    }

    async fn start_in(folder: &Path, setup: Setup, flags: &[&str], command: &[&str]) -> Self {
        let mut child = Command::new(programs::berth())
            .args(["agentapi", "--port", "0"])
            .args(flags)
            .arg("--")
            .args(command)
            .env_clear()
            .envs(setup.variables())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`berth agentapi` can be started");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(LIMIT, line).await;
        let line = line.expect("it says where it is in time");
        let line = line.expect("the task ends").expect("it says something");
        let url = line
            .split_once(" at ")
            .and_then(|(_, rest)| rest.split_once(','))
            .map(|(url, _)| url.to_owned());
        let url = url.unwrap_or_else(|| panic!("{line:?} names no address"));
        Self {
            setup,
            child,
            // The server listens on IPv4.
            url: url.replace("localhost", "127.0.0.1"),
            client: reqwest::Client::new(),
        }
    }

    async fn get(&self, path: &str) -> Response {
        let response = self.client.get(format!("{}{path}", self.url)).send().await;
        response.expect("the server answers")
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path)
            .await
            .json()
            .await
            .expect("the answer is JSON")
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).json(&body);
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        (status, response.json().await.expect("the answer is JSON"))
    }

    async fn say(&self, content: &str) {
        let (status, body) = self
            .post("/message", json!({"type": "user", "content": content}))
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body, json!({"ok": true}));
    }

    async fn events(&self, last: Option<&str>) -> Events {
        let mut request = self.client.get(format!("{}/events", self.url));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("the stream opens");
        Events {
            response,
            buffer: String::new(),
        }
    }

    /// Waits until the status is this; the stream of events tells of each change.
    async fn stable(&self) -> Value {
        let mut events = self.events(None).await;
        loop {
            let event = events.next().await.expect("the stream goes on");
            if event.name == "status_change" && event.data["status"] == "stable" {
                return event.data;
            }
        }
    }

    /// Asks the server to end and waits for it.
    async fn stop(mut self) -> Setup {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("it is a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it can be asked");
        let status = tokio::task::spawn_blocking(move || self.child.wait());
        let status = tokio::time::timeout(LIMIT, status).await;
        let status = status.expect("it ends in time").expect("the task ends");
        assert!(status.expect("it can be waited for").success());
        self.setup
    }
}

struct Events {
    response: Response,
    buffer: String,
}

#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

impl Events {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = block.lines();
                    lines
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                        .map(str::to_owned)
                };
                let event = field("data").map(|data| Event {
                    id: field("id").unwrap_or_default(),
                    name: field("event").unwrap_or_default(),
                    data: serde_json::from_str(&data).expect("the data is JSON"),
                });
                self.buffer = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(LIMIT, self.response.chunk()).await;
            let chunk = chunk.expect("an event comes in time").ok()??;
            self.buffer.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// The first message of the agent, from here on, with these words in it.
    async fn said(&mut self, words: &str) -> Event {
        let said = tokio::time::timeout(LIMIT, self.find(words)).await;
        said.unwrap_or_else(|_| panic!("the agent did not say {words:?} in time"))
    }

    async fn find(&mut self, words: &str) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            let is_agents = event.name == "message_update" && event.data["role"] == "agent";
            if is_agents
                && event.data["message"]
                    .as_str()
                    .is_some_and(|m| m.contains(words))
            {
                return event;
            }
        }
    }
}

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
    assert_ne!(first.data["id"], 0, "what was seen is not sent again");
    // An id of another run is none of this one: everything is told.
    let mut events = server.events(Some("99999999")).await;
    let first = events.next().await.expect("the stream begins");
    assert_eq!(first.data["id"], 0);
    server.stop().await;
}

#[tokio::test]
async fn raw_keys_reach_the_terminal_and_no_message_stands_for_them() {
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    server.stable().await;
    let mut screens = Events {
        response: server.get("/internal/screen").await,
        buffer: String::new(),
    };
    let first = screens.next().await.expect("a screen comes");
    assert_eq!(
        (first.name.as_str(), &first.data["screen"]),
        ("screen", &json!("Ready to answer."))
    );
    let (status, body) = server
        .post("/message", json!({"type": "raw", "content": "keys\r"}))
        .await;
    assert_eq!((status, body), (StatusCode::OK, json!({"ok": true})));
    loop {
        let screen = screens.next().await.expect("a screen comes");
        if screen.data["screen"]
            .as_str()
            .is_some_and(|s| s.contains("Answer to: keys"))
        {
            break;
        }
    }
    let roles = contents(&server.json("/messages").await);
    assert!(
        roles.iter().all(|(_, role, _)| role == "agent"),
        "{roles:?}"
    );
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
    let mut stream = std::net::TcpStream::connect(address).expect("it can be reached");
    let head = format!(
        "POST /message HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("it can be written");
    server.stable().await;
    server.stop().await;
    drop(stream);
}

#[tokio::test]
async fn claude_is_asked_answered_and_ended() {
    if programs::agent("claude").is_none() {
        return skip(&this_test(), "claude is not installed");
    }
    let model = ModelServer::start(Script::default()).expect("the model server starts");
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("repository"));
    let setup = agents::configure(setup, &model, &repository.path);
    let mark = setup.folder().join("claude");
    let command = ["claude", "--permission-mode", "manual"];
    let server = Server::start_in(&repository.path, setup, &[], &command).await;
    assert_eq!(server.stable().await["agent_type"], "claude");
    let mut events = server.events(None).await;
    server.say("say: if a > b {\\n\\n> quoted").await;
    let told = events.said("quoted").await;
    let words = told.data["message"].as_str().expect("it has words");
    assert!(words.starts_with("if a > b {"), "{words:?}");
    server.stable().await;

    server.say("write: notes.txt: one").await;
    let asked = loop {
        let event = events.next().await.expect("the stream goes on");
        if event.data["attention"].is_object() {
            break event.data["attention"].clone();
        }
    };
    assert_eq!(server.json("/status").await["attention"]["id"], asked["id"]);
    let answer = json!({"attention": asked["id"], "option": "1"});
    assert_eq!(server.post("/answer", answer).await.0, StatusCode::OK);
    events.said("Wrote notes.txt").await;
    let file = repository.path.join("notes.txt");
    assert!(file.is_file(), "the agent wrote the file");

    server.stop().await;
    let left = processes::with("CLAUDE_CONFIG_DIR", &mark);
    assert_eq!(processes::gone(&left, LIMIT).await, Vec::<u32>::new());
}
