//! Where a session begins that is started again.

use berth_tests::webdriver::{Page, id};

use crate::stage::{Agent, Stage, add_project, start_session};

#[tokio::test]
async fn a_session_is_resumed_or_begins_anew_as_the_user_says() {
    let Some(stage) = Stage::with(Agent::Claude).await else {
        return;
    };
    let page = stage.page().await;
    page.reads("[data-testid=agent-row][data-agent=claude]", "Ready")
        .await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "claude", "say: The door is blue.").await;
    page.reads(
        "[data-testid=message-agent][data-partial=false]",
        "The door is blue.",
    )
    .await;

    stop(&page).await;
    choose(&page, "menu-restart").await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.reads(".facts", "Resumed").await;
    assert_eq!(
        page.count(&id("message-user")).await,
        1,
        "what was said stands once"
    );

    stop(&page).await;
    choose(&page, "menu-restart-anew").await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.reads(".facts", "Conversation\nNew").await;

    stop(&page).await;
    choose(&page, "menu-restart-told").await;
    page.reads(".facts", "New, told the transcript").await;
    page.until_js(
        "the transcript is a message",
        "return [...document.querySelectorAll('[data-testid=message-user]')].some((message) => \
         message.innerText.includes('User:') && message.innerText.includes('The door is blue.'))",
        &[],
    )
    .await;
}

async fn stop(page: &Page) {
    choose(page, "menu-stop").await;
    page.sees("[data-testid=status][data-status=exited]").await;
}

async fn choose(page: &Page, item: &str) {
    page.click(&format!("main {}", id("session-menu"))).await;
    page.click(&id(item)).await;
}
