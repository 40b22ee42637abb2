//! From the first run to the changes, with real agents, and what is left when the engine dies.

use berth_tests::webdriver::{Page, id};

use crate::stage::{Agent, Stage, add_project, start_session};

#[tokio::test]
async fn claude_works_from_first_run_to_changes_and_survives_a_lost_engine() {
    let Some(mut stage) = Stage::with(Agent::Claude).await else {
        return;
    };
    let page = stage.page().await;

    page.sees(&id("first-run")).await;
    page.reads("[data-testid=agent-row][data-agent=claude]", "Ready")
        .await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "claude", "write: plan.txt: one").await;

    page.reads(&id("message-user"), "write: plan.txt: one")
        .await;
    page.sees("[data-testid=status][data-status=needs_attention]")
        .await;
    page.reads(&id("approval"), "plan.txt").await;
    page.click(&id("approval-option")).await;
    page.reads(&id("message-agent"), "Wrote plan.txt").await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.misses(&id("approval")).await;
    for happened in ["Session created", "Question answered", "Reply"] {
        page.reads(&id("activity"), happened).await;
    }

    page.click(&id("tab-terminal")).await;
    shows_in_terminal(&page, "Wrote plan.txt").await;
    page.click(&id("tab-changes")).await;
    page.click("[data-testid=change-row][data-path='plan.txt']")
        .await;
    page.reads(&id("patch"), "one").await;
    let session = page.attribute(&id("session-row"), "data-session").await;

    // The page that is open comes back by itself: the next engine answers where it looks.
    stage.engine.kill();
    page.sees(&id("connection-lost")).await;
    stage.engine.restart().await;
    page.misses(&id("connection-lost")).await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;
    page.sees("[data-testid=status][data-status=failed]").await;
    let row = format!("[data-testid=session-row][data-session='{session}']");
    page.click(&format!("{row} a")).await;
    page.sees(&id("restart")).await;
    page.reads(&id("message-user"), "write: plan.txt: one")
        .await;
    page.reads(&id("message-agent"), "Wrote plan.txt").await;
    page.click(&id("tab-terminal")).await;
    shows_in_terminal(&page, "Wrote plan.txt").await;
    page.sees(&id("terminal-ended")).await;
    page.click(&id("tab-changes")).await;
    page.sees("[data-testid=change-row][data-path='plan.txt']")
        .await;
    page.click(&id("nav-projects")).await;
    page.sees(&id("project-row")).await;
}

#[tokio::test]
async fn codex_asks_in_the_chat_before_it_runs_a_command() {
    let Some(stage) = Stage::with(Agent::Codex).await else {
        return;
    };
    let page = stage.page().await;
    page.reads("[data-testid=agent-row][data-agent=codex]", "Ready")
        .await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "codex", "run: touch made.txt").await;

    page.reads(&id("approval"), "touch made.txt").await;
    page.click(&id("approval-option")).await;
    page.sees("[data-testid=message-agent][data-partial=false]")
        .await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.click(&id("tab-changes")).await;
    page.sees("[data-testid=change-row][data-path='made.txt']")
        .await;
}

async fn shows_in_terminal(page: &Page, text: &str) {
    page.terminal(text, |screen| screen.contains(text).then_some(()))
        .await;
}
