//! A running `berth agentapi`, and what its clients do.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use berth_tests::{LIMIT, Setup, programs};
use nix::{sys::signal::Signal, unistd::Pid};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// A running `berth agentapi`.
pub struct Server {
    setup: Setup,
    /// Its process.
    pub child: Child,
    /// Its address.
    pub url: String,
    /// What requests are sent with.
    pub client: reqwest::Client,
}

impl Server {
    pub async fn start(setup: Setup, flags: &[&str], command: &[&str]) -> Self {
        let folder = setup.folder().to_owned();
        Self::start_in(&folder, setup, flags, command).await
    }

    pub async fn start_in(folder: &Path, setup: Setup, flags: &[&str], command: &[&str]) -> Self {
        let arguments = [&["agentapi", "--port", "0"], flags, &["--"], command].concat();
        Self::spawn(folder, setup, &arguments).await
    }

    pub async fn spawn(folder: &Path, setup: Setup, arguments: &[&str]) -> Self {
        let mut child = Command::new(programs::berth())
            .args(arguments)
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
            url,
            client: reqwest::Client::new(),
        }
    }

    pub fn port(&self) -> u16 {
        let port = self.url.rsplit_once(':').map(|(_, port)| port.parse());
        port.and_then(Result::ok).expect("the address has a port")
    }

    pub async fn get(&self, path: &str) -> Response {
        let response = self.client.get(format!("{}{path}", self.url)).send().await;
        response.expect("the server answers")
    }

    pub async fn json(&self, path: &str) -> Value {
        self.get(path)
            .await
            .json()
            .await
            .expect("the answer is JSON")
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).json(&body);
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        (status, response.json().await.expect("the answer is JSON"))
    }

    pub async fn say(&self, content: &str) {
        let (status, body) = self
            .post("/message", json!({"type": "user", "content": content}))
            .await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body, json!({"ok": true}));
    }

    pub async fn keys(&self, keys: &str) {
        let body = json!({"type": "raw", "content": keys});
        let answer = self.post("/message", body).await;
        assert_eq!(answer, (StatusCode::OK, json!({"ok": true})));
    }

    pub async fn events(&self, last: Option<&str>) -> Events {
        let mut request = self.client.get(format!("{}/events", self.url));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("the stream opens");
        Events::of(response)
    }

    /// Waits until the status is this; the stream of events tells of each change.
    pub async fn stable(&self) -> Value {
        let mut events = self.events(None).await;
        loop {
            let event = events.next().await.expect("the stream goes on");
            if event.name == "status_change" && event.data["status"] == "stable" {
                return event.data;
            }
        }
    }

    /// Asks the server to end and waits for it.
    pub async fn stop(self) -> Setup {
        self.ends_by(Signal::SIGINT).await
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("it is a pid");
        nix::sys::signal::kill(Pid::from_raw(pid), signal).expect("it can be asked");
    }

    pub async fn ends_by(mut self, signal: Signal) -> Setup {
        self.signal(signal);
        let pid = self.child.id();
        let status = tokio::task::spawn_blocking(move || self.child.wait());
        let Ok(status) = tokio::time::timeout(LIMIT, status).await else {
            // Nobody would end the task that waits for it. One that `nohup` started ignores SIGHUP.
            berth_tests::processes::kill(pid);
            panic!("{signal} does not end it");
        };
        let status = status.expect("the task ends");
        assert!(status.expect("it can be waited for").success());
        self.setup
    }
}

/// A stream of events.
pub struct Events {
    response: Response,
    buffer: String,
}

/// One of them.
#[derive(Debug)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

impl Events {
    /// The events of this answer.
    pub fn of(response: Response) -> Self {
        Self {
            response,
            buffer: String::new(),
        }
    }

    pub async fn next(&mut self) -> Option<Event> {
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
    pub async fn said(&mut self, words: &str) -> Event {
        let said = tokio::time::timeout(LIMIT, self.find(words)).await;
        said.unwrap_or_else(|_| panic!("the agent did not say {words:?} in time"))
    }

    pub async fn find(&mut self, words: &str) -> Event {
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
