//! `berth agentapi --experimental-acp` with real agents that speak the Agent Client Protocol.

use berth_model_server::{ModelServer, Script};
use berth_tests::{LIMIT, Repository, Setup, agents, processes, programs, skip, this_test};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    ECHO, contents,
    server::{Events, Server},
};

const FLAG: &[&str] = &["--experimental-acp"];

struct Stage {
    server: Server,
    repository: Repository,
    // Dropped last: an agent that loses its provider says so.
    _model: ModelServer,
}

/// A server of an agent over the protocol; `None`, and the test counts as skipped, where it is not
/// installed.
async fn serve(flags: &[&str], command: &[&str]) -> Option<Stage> {
    let program = command[0];
    if programs::agent(program).is_none() {
        skip(&this_test(), &format!("{program} is not installed"));
        return None;
    }
    let model = ModelServer::start(Script::default()).expect("the model server starts");
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("repository"));
    let setup = agents::configure(setup, &model, &repository.path)
        .variable("OPENCODE_PERMISSION", r#"{"edit":{"*":"ask"}}"#);
    let server = Server::start_in(&repository.path, setup, flags, command).await;
    Some(Stage {
        server,
        repository,
        _model: model,
    })
}

async fn asked(events: &mut Events) -> Value {
    loop {
        let event = events.next().await.expect("the stream goes on");
        if event.data["attention"].is_object() {
            break event.data["attention"].clone();
        }
    }
}

async fn converses(agent: &str, command: &[&str]) {
    let Some(stage) = serve(FLAG, command).await else {
        return;
    };
    let server = &stage.server;
    server.stable().await;
    assert_eq!(
        server.json("/status").await,
        json!({"status": "stable", "agent_type": agent, "transport": "acp"})
    );
    // There is no screen with which it began.
    assert_eq!(contents(&server.json("/messages").await), []);
    let mut events = server.events(None).await;
    server.say("say: if a > b {").await;
    events.said("if a > b {").await;
    server.stable().await;
    let messages = contents(&server.json("/messages").await);
    let words = |role: &str, words: &str| (role.to_owned(), words.to_owned());
    let said: Vec<_> = messages
        .into_iter()
        .map(|(_, role, content)| (role, content))
        .collect();
    let expected = [
        words("user", "say: if a > b {"),
        words("agent", "if a > b {"),
    ];
    assert_eq!(said, expected);

    // There is nothing to type into.
    let keys = json!({"type": "raw", "content": "\r"});
    let (status, body) = server.post("/message", keys).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(
        body["detail"]
            .as_str()
            .is_some_and(|said| said.contains("no terminal")),
        "{body}"
    );

    server.say("write: made.txt: one").await;
    let attention = asked(&mut events).await;
    let option = attention["options"][0]["id"].clone();
    let path = stage.repository.path.join("made.txt");
    assert!(!path.exists(), "nothing happens before the answer");
    let refused = json!({"type": "user", "content": "say: hello"});
    assert_eq!(
        server.post("/message", refused).await.0,
        StatusCode::CONFLICT
    );
    // Clients that know only messages choose with one.
    server.say(option.as_str().expect("it has an id")).await;
    events.said("Wrote made.txt").await;
    assert!(path.is_file(), "the agent wrote the file");
    server.stable().await;
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages.len(), 4, "{messages:?}");

    server.say("write: second.txt: two").await;
    let attention = asked(&mut events).await;
    let answer = json!({"attention": attention["id"], "option": attention["options"][0]["id"]});
    assert_eq!(server.post("/answer", answer).await.0, StatusCode::OK);
    events.said("Wrote second.txt").await;

    let folder = stage.repository.path.clone();
    let mark = folder.parent().expect("it lies in a folder").join("home");
    stage.server.stop().await;
    let left = processes::with("HOME", &mark);
    assert_eq!(processes::gone(&left, LIMIT).await, Vec::<u32>::new());
}

#[tokio::test]
async fn opencode_converses_over_acp() {
    converses("opencode", &["opencode", "acp"]).await;
}

#[tokio::test]
async fn gemini_converses_over_acp() {
    converses("gemini", &["gemini", "--acp"]).await;
}

#[tokio::test]
async fn the_adapter_of_claude_is_known_and_the_first_message_is_sent_over_acp() {
    let flags = ["--experimental-acp", "--initial-prompt", "say: Begun."];
    let Some(stage) = serve(&flags, &["claude-agent-acp"]).await else {
        return;
    };
    let mut events = stage.server.events(None).await;
    events.said("Begun.").await;
    assert_eq!(stage.server.stable().await["agent_type"], "claude");
    let messages = contents(&stage.server.json("/messages").await);
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0].2, "say: Begun.");
    stage.server.stop().await;
}

/// A program that does not speak the protocol is told of, and ends the server.
#[tokio::test]
async fn a_program_that_speaks_something_else_is_named() {
    let setup = Setup::new();
    let folder = setup.folder().to_owned();
    let mut server = Server::start_in(&folder, setup, FLAG, &["bash", "-c", "exit 3"]).await;
    let status = tokio::task::spawn_blocking(move || server.child.wait());
    let status = tokio::time::timeout(LIMIT, status).await;
    let status = status.expect("it ends in time").expect("the task ends");
    assert!(!status.expect("it can be waited for").success());

    // The same without the flag is a program on a terminal.
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    assert_eq!(server.json("/status").await["transport"], "pty");
    server.stop().await;
}
