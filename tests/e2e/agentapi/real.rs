//! `berth agentapi` with a real agent, and its web chat in a real browser.

use berth_model_server::{ModelServer, Script};
use berth_tests::{
    LIMIT, Repository, Setup, agents,
    cable::Cable,
    processes, programs, skip, this_test,
    webdriver::{Driver, missing_program},
};
use reqwest::StatusCode;
use serde_json::json;

use crate::{ECHO, contents, server::Server};

/// What claude needs to speak to a model server; `None`, and the test counts as skipped, where it is not
/// installed.
fn with_claude() -> Option<(ModelServer, Repository, Setup)> {
    if programs::agent("claude").is_none() {
        skip(&this_test(), "claude is not installed");
        return None;
    }
    let model = ModelServer::start(Script::default()).expect("the model server starts");
    let setup = Setup::new();
    let repository = Repository::with_history(&setup.folder().join("repository"));
    let setup = agents::configure(setup, &model, &repository.path);
    Some((model, repository, setup))
}

#[tokio::test]
async fn claude_is_asked_answered_and_ended() {
    let Some((_model, repository, setup)) = with_claude() else {
        return;
    };
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

#[tokio::test]
async fn a_question_at_the_start_leaves_no_message() {
    let Some((_model, _repository, setup)) = with_claude() else {
        return;
    };
    // Nobody has said yet that this folder is trusted.
    let elsewhere = setup.folder().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder can be made");
    let server = Server::start_in(&elsewhere, setup, &[], &["claude"]).await;
    let mut events = server.events(None).await;
    events.said("trust").await;
    let asked = loop {
        let asked = server.json("/status").await["attention"].clone();
        if asked.is_object() {
            break asked;
        }
        events.next().await.expect("the stream goes on");
    };
    let options = asked["options"].as_array().expect("it has answers");
    let yes = options.iter().find(|option| {
        option["label"]
            .as_str()
            .is_some_and(|label| label.starts_with("Yes"))
    });
    let yes = yes.unwrap_or_else(|| panic!("{asked} offers no yes"));
    let answer = json!({"attention": asked["id"], "option": yes["id"]});
    assert_eq!(server.post("/answer", answer).await.0, StatusCode::OK);
    let waits = async || {
        server.json("/status").await
            == json!({"status": "stable", "agent_type": "claude", "transport": "pty"})
    };
    while !waits().await {
        events.next().await.expect("the stream goes on");
    }
    let messages = contents(&server.json("/messages").await);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].2.contains("Claude Code"), "{messages:?}");
    assert!(!messages[0].2.contains("trust"), "{messages:?}");
    server.say("say: Hello.").await;
    events.said("Hello.").await;
    server.stop().await;
}

#[tokio::test]
async fn the_web_chat_talks_to_the_agent_and_heals_after_a_cut() {
    if let Some(name) = missing_program(&["chromedriver", "chromium"]) {
        return skip(&this_test(), &format!("{name} is not installed"));
    }
    let server = Server::start(Setup::new(), &[], &ECHO).await;
    let cable = Cable::plug_in(server.port()).await;
    let driver = Driver::chromium();
    // The page uses the server's own address, and the browser is told to find it behind the cable.
    let detour = format!(
        "--host-resolver-rules=MAP localhost:{} {}",
        server.port(),
        cable.address
    );
    let page = driver.browser(&[&detour]).await;
    page.open(&format!("{}/chat", server.url)).await;
    page.reads("#state", "waits for you").await;
    page.reads("article[data-role=agent]", "Ready to answer.")
        .await;
    page.type_into("#text", "first").await;
    page.press(&["\u{e007}"]).await;
    page.reads("article[data-role=user]", "first").await;
    page.reads("#m2", "Answer to: first").await;
    page.reads("#state", "waits for you").await;

    cable.cut().await;
    page.reads("#state", "connection lost").await;
    cable.mend();
    page.reads("#state", "waits for you").await;
    page.type_into("#text", "second").await;
    page.click("#send").await;
    page.reads("#m4", "Answer to: second").await;
    assert_eq!(page.count("article").await, 5, "nothing stands there twice");

    // A page that was not told of the end of its server says so.
    page.reads("#state", "waits for you").await;
    server.stop().await;
    page.reads("#state", "connection lost").await;
}
