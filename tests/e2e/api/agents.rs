//! Agents that a user describes.

use berth_protocol::{
    Agent, AgentDefinition, AgentState, Code, DefineAgent, DefinedAgent, Found, Role,
};
use berth_tests::{Engine, Setup, keychain::Keychain, session, skip, this_test, until};
use reqwest::Method;
use serde_json::json;

use crate::folder;

/// A program that reads lines and answers each; `secret` tells a variable of its environment.
const PROGRAM: &str = r#"#!/bin/bash
if [ "$1" = --version ]; then echo "mine 1.2.3"; exit; fi
echo "started with $# arguments: $*"
while IFS= read -e -r -p '> ' line; do
  case "$line" in
    secret) echo "* it is ${MINE_KEY:-missing}";;
    *) echo "* you said $line"; echo "-----";;
  esac
done
"#;

/// One that repeats a message, offers its box again at once, and answers after that: `late` so late that
/// it seems not to answer at all, once there is a file that says so.
const BUSY: &str = r#"#!/bin/bash
printf 'ready\n> '
while IFS= read -r line; do
  printf 'You: %s\n\n> ' "$line"
  (until [ "$line" != late ] || [ -e "$0.answers" ]; do sleep 0.05; done
   printf '\r\033[K* you said %s\n\n> ' "$line") &
done
"#;

fn definition() -> AgentDefinition {
    serde_json::from_value(json!({
        "name": "Mine",
        "program": "mine",
        "args": ["chat", "a b"],
        "version_args": ["--version"],
        "permission_modes": [{"id": "ask", "name": "Ask", "args": ["--ask"]}],
        "screen": {
            "prompt": "^> ?(.*)$", "echo": "^> (.+)$", "bullet": "^\\* ", "noise": ["^-+$"],
            "reads_lines": true, "interrupt": "ctrl_c",
        },
    }))
    .expect("it is a definition")
}

fn install(setup: &Setup) {
    install_as(setup, PROGRAM);
}

fn install_as(setup: &Setup, script: &str) {
    let bin = setup.home().join("bin");
    std::fs::create_dir_all(&bin).expect("it can be made");
    let program = bin.join("mine");
    std::fs::write(&program, script).expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(program, mode).expect("it can be made executable");
}

async fn engine() -> Engine {
    let setup = Setup::new();
    install(&setup);
    setup.start().await
}

async fn define(engine: &Engine, definition: AgentDefinition) -> DefinedAgent {
    let request = DefineAgent {
        id: "mine".parse().expect("it is a name"),
        definition,
    };
    let made = engine.client.post("/agents", &request).await;
    made.expect("the agent is taken")
}

async fn listed(engine: &Engine) -> Option<Agent> {
    let all = engine.client.agents().await.into_iter();
    all.into_iter().find(|agent| agent.id.as_str() == "mine")
}

#[tokio::test]
async fn an_agent_that_a_user_describes_is_found_run_and_read_as_described() {
    let mut engine = engine().await;
    define(&engine, definition()).await;
    let agent = listed(&engine).await.expect("it is listed at once");
    assert!(agent.defined);
    assert_eq!(agent.found, Some(Found::UsualFolder));
    let ready = engine.client.until("its version is known", async || {
        listed(&engine)
            .await
            .filter(|agent| agent.state == AgentState::Ready)
    });
    assert_eq!(ready.await.version.as_deref(), Some("1.2.3"));

    // It outlives the engine.
    engine.restart().await;
    let client = &engine.client;
    let project = client.add_project(&folder(&engine, "plain")).await;
    let running = client.start(&session(project.id, "mine")).await;
    client.waiting(running.id).await;
    assert_eq!(running.permission_mode.as_deref(), Some("ask"));
    let screen = client.screen(running.id).await.text;
    assert!(
        screen.contains("started with 3 arguments: chat a b --ask"),
        "{screen}"
    );
    client.chat(running.id, "hello").await.expect("it is taken");
    let reply = client
        .message_with(running.id, Role::Agent, "you said")
        .await;
    assert_eq!(
        reply.content, "you said hello",
        "without mark and furniture"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_description_is_told_by_field_and_nothing_is_kept() {
    let engine = engine().await;
    let client = &engine.client;
    let mut broken = definition();
    broken.program = "./mine".to_owned();
    let refuse = async |id: &str, definition: &AgentDefinition| {
        let request = DefineAgent {
            id: id.parse().expect("it is a name"),
            definition: definition.clone(),
        };
        let refused = client.post::<DefinedAgent>("/agents", &request).await;
        *refused.expect_err("it is refused")
    };
    let refused = refuse("mine", &broken).await;
    assert_eq!(refused.code, Code::AgentInvalid);
    assert_eq!(refused.fields[0].field, "program");
    broken = definition();
    broken.screen.prompt = Some("^> (".to_owned());
    let refused = refuse("mine", &broken).await;
    assert_eq!(refused.fields[0].field, "screen.prompt");
    assert_eq!(
        refuse("claude", &definition()).await.code,
        Code::AgentExists
    );
    assert_eq!(listed(&engine).await, None);
    define(&engine, definition()).await;
    assert_eq!(refuse("mine", &definition()).await.code, Code::AgentExists);
    for (method, path, code) in [
        (
            Method::GET,
            "/agents/claude/definition",
            Code::AgentNotFound,
        ),
        (
            Method::GET,
            "/agents/nobody/definition",
            Code::AgentNotFound,
        ),
        (
            Method::DELETE,
            "/agents/nobody/definition",
            Code::AgentNotFound,
        ),
        (
            Method::DELETE,
            "/agents/shell/definition",
            Code::AgentNotFound,
        ),
    ] {
        let refused = client.send(client.request(method, path)).await;
        assert_eq!(refused.expect_err("there is none").code, code, "{path}");
    }
}

#[tokio::test]
async fn an_agent_is_described_anew_and_forgotten_while_none_of_its_sessions_runs() {
    let engine = engine().await;
    let client = &engine.client;
    define(&engine, definition()).await;
    let project = client.add_project(&folder(&engine, "plain")).await;
    let running = client.start(&session(project.id, "mine")).await;
    client.waiting(running.id).await;

    let mut other = definition();
    other.name = "Other".to_owned();
    other.args = vec!["again".to_owned()];
    let path = "/agents/mine/definition";
    let request = client.request(Method::PUT, path).json(&other);
    let changed: DefinedAgent = client.value(request).await.expect("it is changed");
    assert_eq!((changed.version, &changed.definition), (2, &other));
    assert_eq!(listed(&engine).await.expect("it is there").name, "Other");
    let refused = client.delete(path).await.expect_err("it runs");
    assert_eq!(refused.code, Code::AgentInUse);

    let restart = format!("/sessions/{}/restart", running.id);
    client
        .act::<berth_protocol::Session>(&restart)
        .await
        .expect("it is restarted");
    client.waiting(running.id).await;
    let screen = client.screen(running.id).await.text;
    assert!(screen.contains("2 arguments: again --ask"), "{screen}");
    client.stop(running.id).await;
    client.delete(path).await.expect("it is forgotten");
    assert_eq!(listed(&engine).await, None);
    let refused = client.act::<berth_protocol::Session>(&restart).await;
    assert_eq!(
        refused.expect_err("it is unknown").code,
        Code::AgentNotFound
    );
    let actions: Vec<_> = client.audit().await.into_iter().map(|e| e.action).collect();
    for action in ["agent.defined", "agent.redefined", "agent.forgotten"] {
        assert!(actions.iter().any(|told| told == action), "{actions:?}");
    }
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_secret_of_an_agent_reaches_it_from_the_keychain_and_goes_with_it() {
    let setup = Setup::new();
    install(&setup);
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring or D-Bus is not installed");
    };
    let engine = keychain.of(setup).start().await;
    let client = &engine.client;
    let mut secretive = definition();
    secretive.secrets = vec!["MINE_KEY".to_owned()];
    define(&engine, secretive).await;
    let project = client.add_project(&folder(&engine, "plain")).await;
    let refused = client.try_start(&session(project.id, "mine")).await;
    let refused = refused.expect_err("its secret is missing");
    assert_eq!(refused.code, Code::AgentSecretMissing);
    assert!(refused.detail.contains("MINE_KEY"), "{refused}");

    let set = async |name: &str, value: &str| {
        let path = format!("/agents/mine/secrets/{name}");
        let request = client.request(Method::PUT, &path);
        client
            .value::<DefinedAgent>(request.json(&json!({"value": value})))
            .await
    };
    let refused = set("OTHER", "x").await.expect_err("it has no such secret");
    assert_eq!(refused.code, Code::AgentNotFound);
    let refused = set("MINE_KEY", "a\nb").await.expect_err("it has two lines");
    assert_eq!(refused.code, Code::BadRequest);
    let kept = set("MINE_KEY", "sk-q1w2e3").await.expect("it is kept");
    assert_eq!(kept.secrets, ["MINE_KEY"]);
    let running = client.start(&session(project.id, "mine")).await;
    client.waiting(running.id).await;
    client
        .chat(running.id, "secret")
        .await
        .expect("it is taken");
    let told = client.message_with(running.id, Role::Agent, "it is").await;
    assert_eq!(told.content, "it is sk-q1w2e3");
    client.stop(running.id).await;
    assert_eq!(keychain.count().await, 1);
    client
        .delete("/agents/mine/definition")
        .await
        .expect("it is forgotten");
    assert_eq!(keychain.count().await, 0);
}

#[tokio::test]
async fn an_answer_that_begins_later_than_anybody_waits_is_not_lost() {
    let setup = Setup::new();
    install_as(&setup, BUSY);
    let engine = setup.start().await;
    let client = &engine.client;
    let described = serde_json::from_value(json!({
        "name": "Mine",
        "program": "mine",
        "screen": {"prompt": "^> ?(.*)$", "echo": "^You: (.+)$", "bullet": "^\\* "},
    }));
    define(&engine, described.expect("it is a definition")).await;
    let project = client.add_project(&folder(&engine, "plain")).await;
    let running = client.start(&session(project.id, "mine")).await;
    client.waiting(running.id).await;
    client.chat(running.id, "late").await.expect("it is taken");
    // It looks as if it had nothing to say.
    client.waiting(running.id).await;
    let said = client.messages(running.id).await;
    assert_eq!(said.len(), 1, "{said:?}");
    let sign = engine.setup().home().join("bin/mine.answers");
    std::fs::write(sign, "").expect("it can be written");
    let reply = client.message_with(running.id, Role::Agent, "late").await;
    assert_eq!(reply.content, "you said late");
    client.waiting(running.id).await;
    client.chat(running.id, "hello").await.expect("it is taken");
    let reply = client.message_with(running.id, Role::Agent, "hello").await;
    assert_eq!(reply.content, "you said hello");
}

#[tokio::test]
async fn whoever_stops_the_engine_does_not_wait_for_a_keychain_that_is_asked() {
    let setup = Setup::new();
    install(&setup);
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring or D-Bus is not installed");
    };
    let mut engine = keychain.of(setup).start().await;
    let mut with_secret = definition();
    with_secret.secrets = vec!["MINE_KEY".to_owned()];
    define(&engine, with_secret).await;
    keychain.fall_silent();
    let client = engine.client.clone();
    let asking = tokio::spawn(async move {
        let request = client.request(Method::PUT, "/agents/mine/secrets/MINE_KEY");
        client
            .send(request.json(&json!({"value": "k"})))
            .await
            .map(drop)
    });
    let pid = engine.pid();
    let asked = || {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
        let mut names = threads.flatten().map(|thread| thread.path().join("comm"));
        names.any(|name| std::fs::read_to_string(name).is_ok_and(|name| name.trim() == "keychain"))
    };
    if cfg!(target_os = "linux") {
        until("the keychain is asked", asked).await;
    }
    assert!(engine.stop().await.success());
    let refused = asking
        .await
        .expect("the task goes on")
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::ShuttingDown);
}
