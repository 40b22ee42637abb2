//! What the page does while it cannot reach the engine, and when the engine does not know it.

use berth_tests::{
    cable::Cable,
    session,
    webdriver::{Page, id},
};

use crate::stage::{Agent, Stage};

#[tokio::test]
async fn a_lost_connection_heals_by_itself_and_brings_what_came_meanwhile() {
    let Some(stage) = Stage::with(Agent::Claude).await else {
        return;
    };
    let engine = &stage.engine.client;
    let cable = Cable::plug_in(stage.port).await;
    // The engine answers to its own address only, so the page uses that, and the browser is told
    // to find it behind the cable.
    let detour = format!(
        "--host-resolver-rules=MAP localhost:{} {}",
        stage.port, cable.address
    );
    let page = stage.browser(&[&detour]).await;
    let address = stage.engine.page().replace("127.0.0.1", "localhost");
    page.open(&address).await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;

    let project = engine.add_project(&stage.repository.path).await;
    let started = engine.start(&session(project.id, "claude")).await;
    engine.waiting(started.id).await;
    page.click(&format!("[data-session='{}'] a", started.id))
        .await;
    page.click(&id("tab-chat")).await;
    send(&page, "say: Before the cut.").await;
    page.reads(&id("message-agent"), "Before the cut.").await;

    cable.cut().await;
    page.sees(&id("connection-lost")).await;
    engine.waiting(started.id).await;
    engine
        .chat(started.id, "say: During the cut.")
        .await
        .expect("the agent takes the message");
    engine
        .message_with(started.id, berth_protocol::Role::Agent, "During the cut.")
        .await;
    assert_eq!(
        page.count(&id("message-agent")).await,
        1,
        "nothing comes through a cable that is cut"
    );

    cable.mend();
    page.reads(&id("message-agent"), "During the cut.").await;
    page.misses(&id("connection-lost")).await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;
    assert_eq!(page.count(&id("message-user")).await, 2);
    assert_eq!(page.count(&id("message-agent")).await, 2);
    send(&page, "say: After the cut.").await;
    page.reads(&id("message-agent"), "After the cut.").await;
}

#[tokio::test]
async fn a_wrong_token_leads_to_the_page_that_says_how_to_open_berth() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.browser(&[]).await;
    page.open(&format!("http://127.0.0.1:{}/#token=wrong", stage.port))
        .await;
    page.reads(&id("no-token"), "berth open").await;
    // The right one, pasted into the same tab.
    page.go(&stage.engine.page()).await;
    page.sees(&id("first-run")).await;
    let address = page.address().await;
    assert!(!address.contains("token"), "the token stays in {address}");
}

async fn send(page: &Page, message: &str) {
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.type_into(&id("composer"), message).await;
    page.click(&id("send")).await;
}
