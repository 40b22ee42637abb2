//! Agents that a user describes in the UI. The program that is described is a stand-in, a few lines of
//! bash: what matters here is that Berth runs and reads what it was told of, whatever it is.

use berth_protocol::{AgentDefinition, DefineAgent, DefinedAgent, ModeDefinition, Role};
use berth_tests::{
    session,
    webdriver::{Page, id, key},
};
use serde_json::json;

use crate::{
    form::{focused, is_well, problem, select, value, write},
    stage::Stage,
};

const FORM: &str = "[data-testid=agent-form]";

/// The row of the agent that the tests describe.
const ROW: &str = "[data-testid=agent-row][data-agent=stand-in]";

fn row(inner: &str) -> String {
    format!("{ROW} {}", id(inner))
}

async fn open_settings(page: &Page) {
    page.click(&id("nav-settings")).await;
    page.sees(&id("agent-row")).await;
}

async fn menu(page: &Page, item: &str) {
    page.click(&row("agent-menu")).await;
    page.click(&row(item)).await;
}

fn definition(program: &str) -> AgentDefinition {
    serde_json::from_value(json!({
        "name": "Stand-in", "program": program,
        "screen": {"prompt": "^> ?(.*)$", "echo": "^> (.+)$", "bullet": "^\\* ", "reads_lines": true},
    }))
    .expect("it is a definition")
}

async fn define(stage: &Stage, definition: AgentDefinition) {
    let request = DefineAgent {
        id: "stand-in".parse().expect("it is a name"),
        definition,
    };
    let added = stage
        .engine
        .client
        .post::<DefinedAgent>("/agents", &request);
    added.await.expect("it is taken");
}

async fn kept(stage: &Stage) -> DefinedAgent {
    let kept = stage.engine.client.get("/agents/stand-in/definition").await;
    kept.expect("it is there")
}

#[tokio::test]
async fn an_agent_is_described_started_and_answers_then_edited_copied_and_removed() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let program = stage.stand_in();
    let client = &stage.engine.client;
    client.add_project(&stage.repository.path).await;
    let page = stage.page().await;
    open_settings(&page).await;
    page.click(&id("add-agent")).await;
    focused(&page, "described-name").await;
    page.type_into(&id("described-name"), "Stand-in").await;
    assert_eq!(value(&page, &id("described-id")).await, "stand-in");
    page.type_into(&id("described-program"), &program).await;
    page.type_into(&id("described-args"), "chat\na b").await;
    page.type_into(&id("version-args"), "--version").await;
    page.click(&id("add-mode")).await;
    page.type_into(&id("mode-name"), "Ask first").await;
    page.type_into(&id("mode-id"), "ask").await;
    page.type_into(&id("mode-args"), "--ask").await;
    page.click(&id("screen-fold")).await;
    page.type_into(&id("screen-prompt"), "^> ?(.*)$").await;
    page.type_into(&id("screen-echo"), "^> (.+)$").await;
    page.type_into(&id("screen-bullet"), "^\\* ").await;
    page.type_into(&id("screen-noise"), "^-+$").await;
    page.click(&id("screen-lines")).await;
    page.click(&id("save-agent")).await;
    page.misses(FORM).await;
    focused(&page, "add-agent").await;
    page.reads(ROW, "Described by you").await;
    page.reads(ROW, "1.2.3").await;

    page.click(&id("new-session")).await;
    page.click("dialog [data-testid=agent-picker]").await;
    page.click("dialog [data-testid=agent-option][data-value=stand-in]")
        .await;
    page.type_into("dialog [data-testid=session-prompt]", "hello")
        .await;
    page.click("dialog [data-testid=start-session]").await;
    page.reads(&id("message-agent"), "you said hello").await;
    let running = client.sessions().await[0].id;
    let replies = client.message_with(running, Role::Agent, "you said").await;
    assert_eq!(replies.content, "you said hello", "read as described");
    let screen = client.screen(running).await.text;
    assert!(screen.contains("3 arguments: chat a b --ask"), "{screen}");

    // It runs, so it is not removed, and its session is a click away.
    page.click(&id("nav-settings")).await;
    menu(&page, "remove-agent").await;
    page.sees(&format!("[data-testid=agent-users] a[href*='{running}']"))
        .await;
    page.sees("[data-testid=confirm]:disabled").await;
    client.stop(running).await;
    page.sees("[data-testid=confirm]:enabled").await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;

    menu(&page, "edit-agent").await;
    page.reads(&id("described-id"), "stand-in").await;
    assert_eq!(value(&page, &id("described-args")).await, "chat\na b");
    assert_eq!(value(&page, &id("screen-bullet")).await, "^\\* ");
    write(&page, &id("described-name"), "Stood in").await;
    select(&page, &id("instructions-way"), "As a file").await;
    page.type_into(&id("instructions-flag"), "--rules").await;
    // What was typed is not lost by one press of Esc.
    page.press(&[key::ESCAPE]).await;
    page.reads(&id("agent-told"), "not saved").await;
    page.click(&id("save-agent")).await;
    page.reads(ROW, "Stood in").await;
    focused(&page, "agent-menu").await;
    let changed = kept(&stage).await;
    assert_eq!(changed.version, 2);
    let instructions = changed.definition.instructions.expect("it takes some");
    assert_eq!(instructions.args, ["--rules", "{instructions_file}"]);
    assert_eq!(changed.definition.args, ["chat", "a b"]);

    menu(&page, "copy-agent").await;
    page.sees(FORM).await;
    assert_eq!(value(&page, &id("described-name")).await, "Stood in copy");
    assert_eq!(value(&page, &id("described-id")).await, "stood-in-copy");
    page.press(&[key::ESCAPE]).await;
    page.misses(FORM).await;

    menu(&page, "remove-agent").await;
    page.reads("dialog", "Remove “Stood in”?").await;
    page.click(&id("confirm")).await;
    page.misses(ROW).await;
    focused(&page, "add-agent").await;
    page.click(&id("nav-audit")).await;
    page.reads("main", "agent.forgotten").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_description_is_said_at_its_field() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    define(&stage, definition("bash")).await;
    let page = stage.page().await;
    open_settings(&page).await;
    page.click(&id("add-agent")).await;
    page.click(&id("save-agent")).await;
    problem(&page, &id("described-name")).await;
    focused(&page, "described-name").await;
    page.type_into(&id("described-name"), "Stand-in").await;
    is_well(&page, &id("described-name")).await;
    // The name makes an id that nobody has.
    assert_eq!(value(&page, &id("described-id")).await, "stand-in-2");
    is_well(&page, &id("described-id")).await;
    page.type_into(&id("described-program"), "bin/mine").await;
    page.type_into(&id("described-env"), "A=1\nNot one").await;
    let said = problem(&page, &id("described-program")).await;
    assert!(said.contains("whole path"), "{said}");
    let said = problem(&page, &id("described-env")).await;
    assert_eq!(said.trim(), "Line 2: Write it as NAME=value.");
    write(&page, &id("described-program"), "bash").await;
    write(&page, &id("described-env"), "A=1").await;
    page.click(&id("add-mode")).await;
    page.type_into(&id("mode-name"), "All").await;
    page.type_into(&id("mode-id"), "all").await;
    page.click(&id("mode-unchecked")).await;
    let said = problem(&page, &id("mode-unchecked")).await;
    assert!(said.contains("asks first"), "{said}");
    page.click(&id("remove-mode")).await;
    page.misses("[aria-invalid=true]").await;

    // Patterns are compiled by the engine only, and what it says is unfolded.
    page.click(&id("screen-fold")).await;
    page.type_into(&id("screen-prompt"), "^> (").await;
    page.type_into(&id("screen-busy"), "fine\n\n[").await;
    page.click(&id("screen-fold")).await;
    page.click(&id("save-agent")).await;
    let said = problem(&page, &id("screen-prompt")).await;
    assert!(said.contains("no pattern"), "{said}");
    let said = problem(&page, &id("screen-busy")).await;
    assert!(said.starts_with("Line 3: "), "{said}");
    focused(&page, "screen-prompt").await;
    write(&page, &id("screen-prompt"), "^> (.*)$").await;
    write(&page, &id("screen-busy"), "fine").await;
    page.misses("[aria-invalid=true]").await;
    write(&page, &id("described-id"), "stand-in").await;
    page.click(&id("save-agent")).await;
    let said = problem(&page, &id("described-id")).await;
    assert_eq!(said.trim(), "Another agent has this id.");
    write(&page, &id("described-id"), "other").await;
    page.click(&id("save-agent")).await;
    page.misses(FORM).await;
    page.sees("[data-testid=agent-row][data-agent=other]").await;
}

#[tokio::test]
async fn a_secret_goes_into_the_keychain_and_one_that_is_missing_is_a_button_away() {
    const SECRET: &str = "typed-into-the-page";
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let keychain = stage.keychain.as_ref().expect("the stage has one");
    let client = &stage.engine.client;
    let mut secretive = definition(&stage.stand_in());
    secretive.secrets = vec!["STAND_IN_KEY".to_owned()];
    define(&stage, secretive).await;
    let project = client.add_project(&stage.repository.path).await;
    let page = stage.page().await;
    page.click(&id("agent-picker")).await;
    page.click("[data-testid=agent-option][data-value=stand-in]")
        .await;
    page.type_into(&id("session-prompt"), "secret").await;
    page.click(&id("start-session")).await;
    page.reads(".new-failure", "STAND_IN_KEY").await;
    page.click(&id("help-with-start")).await;
    page.type_into(&id("secret-value"), SECRET).await;
    page.click(&id("save-agent")).await;
    page.misses(FORM).await;
    assert_eq!(keychain.count().await, 1);
    page.click(&id("start-session")).await;
    page.reads(&id("message-agent"), "it is typed-into-the-page")
        .await;
    let running = client.sessions().await[0].id;
    client.stop(running).await;

    // It is not shown again, and stays when something else is changed.
    open_settings(&page).await;
    menu(&page, "edit-agent").await;
    page.sees(&id("key-kept")).await;
    page.misses(&id("secret-value")).await;
    page.click(&id("add-secret")).await;
    let second = |field: &str| format!("[data-testid=secret]:nth-of-type(2) {}", id(field));
    page.type_into(&second("secret-name"), "OTHER_KEY").await;
    page.type_into(&second("secret-value"), "other").await;
    page.click(&id("save-agent")).await;
    page.misses(FORM).await;
    assert_eq!(kept(&stage).await.secrets, ["OTHER_KEY", "STAND_IN_KEY"]);
    assert_eq!(keychain.count().await, 2);
    menu(&page, "edit-agent").await;
    page.click("[data-testid=secret]:nth-of-type(1) [data-testid=remove-key]")
        .await;
    page.sees(&id("key-goes")).await;
    page.click(&second("remove-secret")).await;
    page.click(&id("save-agent")).await;
    page.misses(FORM).await;
    assert_eq!(keychain.count().await, 0);
    let refused = client.try_start(&session(project.id, "stand-in")).await;
    refused.expect_err("its secret is missing");
}

#[tokio::test]
async fn without_a_keychain_it_is_said_that_the_description_is_saved_and_the_secret_is_not() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    open_settings(&page).await;
    page.click(&id("add-agent")).await;
    page.type_into(&id("described-name"), "Stand-in").await;
    page.type_into(&id("described-program"), "bash").await;
    page.click(&id("add-secret")).await;
    page.type_into(&id("secret-name"), "STAND_IN_KEY").await;
    page.type_into(&id("secret-value"), "x").await;
    page.click(&id("save-agent")).await;
    let told = page.reads(&id("agent-told"), "description is saved").await;
    assert!(
        told.contains("STAND_IN_KEY") && told.contains("keychain"),
        "{told}"
    );
    assert_eq!(value(&page, &id("secret-value")).await, "x");
    // Once more is a change of the same agent.
    page.click(&id("save-agent")).await;
    page.reads(&id("agent-told"), "description is saved").await;
    assert_eq!(kept(&stage).await.secrets, [] as [&str; 0]);
    page.click(&id("cancel-agent")).await;
    page.misses(FORM).await;
    page.sees(ROW).await;
}

#[tokio::test]
async fn a_variant_of_an_agent_that_berth_knows_asks_only_what_is_different() {
    let Some(stage) = Stage::with(crate::stage::Agent::Claude).await else {
        return;
    };
    let page = stage.page().await;
    open_settings(&page).await;
    let claude = |inner: &str| format!("[data-agent=claude] {}", id(inner));
    page.click(&claude("agent-menu")).await;
    page.click(&claude("vary-agent")).await;
    page.sees(FORM).await;
    assert_eq!(value(&page, &id("described-like")).await, "claude");
    page.misses(&id("screen-rules")).await;
    page.misses(&id("add-mode")).await;
    write(&page, &id("described-name"), "Stand-in").await;
    page.type_into(&id("described-args"), "--model\nopus").await;
    page.click(&id("save-agent")).await;
    page.misses(FORM).await;
    page.reads(ROW, "Described by you").await;
    let kept = kept(&stage).await.definition;
    assert_eq!(kept.like, "claude".parse().ok());
    assert_eq!(kept.args, ["--model", "opus"]);
    assert_eq!(kept.permission_modes, [] as [ModeDefinition; 0]);
}
