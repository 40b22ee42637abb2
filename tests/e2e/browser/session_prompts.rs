//! What a session says of the prompts that it was given, and of those that it would be given now.

use berth_protocol::{CreateSession, DefineAgent, DefinedAgent, Role, SessionPrompt};
use berth_tests::{
    session,
    webdriver::{id, key},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    form::{focused, value},
    prompts::{CONTENT, OVERRIDE, add, draft, edit},
    stage::{Agent, Stage},
};

/// An agent that takes instructions.
async fn add_agent(stage: &Stage) {
    let definition = serde_json::from_value(json!({
        "name": "Stand-in", "program": stage.stand_in(),
        "instructions": {"args": ["--system", "{instructions}"]},
        "permission_modes": [{"id": "ask", "name": "Ask", "args": []}],
        "screen": {"prompt": "^> ?(.*)$", "echo": "^> (.+)$", "bullet": "^\\* ", "reads_lines": true},
    }));
    let request = DefineAgent {
        id: "stand-in".parse().expect("it is a name"),
        definition: definition.expect("it is a definition"),
    };
    let client = &stage.engine.client;
    let added = client.post::<DefinedAgent>("/agents", &request).await;
    added.expect("it is taken");
}

#[tokio::test]
async fn a_session_says_what_it_was_given_and_that_the_prompts_have_changed_since() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let client = &stage.engine.client;
    add_agent(&stage).await;
    let project = client.add_project(&stage.repository.path).await;
    let prompt = add(client, &draft("Mine", "Use tabs.")).await;
    let started = client.start(&session(project.id, "stand-in")).await;
    client.waiting(started.id).await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", started.id))
        .await;
    page.reads(&id("details-prompt"), "1 part").await;
    page.click(&id("open-effective-prompt")).await;
    let dialog = id("session-prompt-dialog");
    let part = format!("{dialog} {}", id("effective-part"));
    let part = page.reads(&part, "Use tabs.").await;
    assert!(part.contains("User · Mine · version 1"), "{part}");
    page.press(&[key::ESCAPE]).await;
    page.misses(&dialog).await;
    focused(&page, "open-effective-prompt").await;
    page.misses(&id("prompt-notice")).await;

    let changed = edit(client, &prompt, "Use spaces.").await;
    page.reads(&id("prompt-notice"), "have changed").await;
    page.click(&id("show-prompt-changes")).await;
    let diff = format!("{dialog} {}", id("text-diff"));
    let diff = page.reads(&diff, "Use spaces.").await;
    assert!(diff.contains("Use tabs."), "{diff}");
    page.click(&id("close-dialog")).await;
    page.misses(&dialog).await;
    page.click(&id("restart-for-prompts")).await;
    page.misses(&id("prompt-notice")).await;
    let again = client.session_until(started.id, "waits in its second run", |session| {
        session.run == 2 && session.status.word() == "waiting"
    });
    again.await;
    page.click(&id("open-effective-prompt")).await;
    page.reads(&id("effective-part"), "Use spaces.").await;
    page.press(&[key::ESCAPE]).await;
    page.misses(&dialog).await;

    // What cannot be put together is said, and its prompt is a click away.
    let reject = json!({"sanitize": "reject"});
    let request = client.request(Method::PUT, "/prompts/policy");
    let policy = client.value::<Value>(request.json(&reject)).await;
    policy.expect("the policy is taken");
    edit(client, &changed, OVERRIDE).await;
    page.reads(
        "[data-testid=prompt-notice].is-failed",
        "cannot be started again",
    )
    .await;
    page.click(&id("new-session")).await;
    page.click("dialog [data-testid=agent-picker]").await;
    page.click("dialog [data-testid=agent-option][data-value=stand-in]")
        .await;
    page.click("dialog [data-testid=start-session]").await;
    page.reads("dialog .new-failure", "Mine").await;
    page.click(&id("help-with-start")).await;
    page.sees(&id("prompt-form")).await;
    assert_eq!(value(&page, CONTENT).await, OVERRIDE);
    page.reads(&id("preview-failed"), "Nothing can be put together")
        .await;
    page.eval("history.back()", &[]).await;
    page.click("[data-testid=prompt-notice] [data-testid=open-prompt]")
        .await;
    page.sees(&id("prompt-form")).await;
}

#[tokio::test]
async fn an_agent_whose_conversation_keeps_its_prompt_begins_a_new_one() {
    let Some(stage) = Stage::with(Agent::Codex).await else {
        return;
    };
    let client = &stage.engine.client;
    let project = client.add_project(&stage.repository.path).await;
    let prompt = add(client, &draft("Mine", "Use tabs.")).await;
    let request = CreateSession {
        message: Some("say: The door is blue.".to_owned()),
        ..session(project.id, "codex")
    };
    let started = client.start(&request).await;
    client
        .message_with(started.id, Role::Agent, "The door is blue.")
        .await;
    client.waiting(started.id).await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", started.id))
        .await;
    page.reads(&id("details-prompt"), "1 part").await;
    edit(client, &prompt, "Use spaces.").await;
    page.reads(&id("prompt-notice"), "a new one has to begin")
        .await;
    page.click(&id("restart-for-prompts")).await;
    page.reads(".facts", "New, told the transcript").await;
    page.misses(&id("prompt-notice")).await;
    page.click(&id("open-effective-prompt")).await;
    page.reads(&id("effective-part"), "Use spaces.").await;
}

#[tokio::test]
async fn a_session_whose_agent_takes_no_prompt_says_so() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let client = &stage.engine.client;
    let project = client.add_project(&stage.repository.path).await;
    let prompt = add(client, &draft("Mine", "Use tabs.")).await;
    let shell = client.shell(project.id).await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", shell.id))
        .await;
    page.reads(&id("prompt-undelivered"), "does not get it")
        .await;
    page.click(&id("open-effective-prompt")).await;
    page.reads(&id("undelivered"), "does not get it").await;
    // To restart it would change nothing, so that is not offered.
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    edit(client, &prompt, "Use spaces.").await;
    let path = format!("/sessions/{}/effective-prompt", shell.id);
    let told: SessionPrompt = client.get(&path).await.expect("it is told");
    assert_eq!(told.changed, None);
    page.reads(&id("prompt-undelivered"), "does not get it")
        .await;
    assert_eq!(page.count(&id("prompt-notice")).await, 0);
}
