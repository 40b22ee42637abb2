//! What is not needed at start is fetched when it is first shown, and what does not come can be asked
//! for again.

use berth_tests::{
    cable::Cable,
    webdriver::{Page, id, key},
};
use serde_json::json;

use crate::stage::Stage;

/// The addresses of all chunks.
const CHUNKS: &str = "*/chunks/*";
/// The button in the place of something that did not come.
const TRY_AGAIN: &str = ".is-failed button";

#[tokio::test]
async fn a_page_is_fetched_when_it_is_first_shown_and_only_then() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    page.sees(&id("first-run")).await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;
    assert_eq!(fetched(&page).await, [""; 0], "at start");

    page.click(&id("nav-settings")).await;
    page.sees(&id("theme-dark")).await;
    has_fetched(&page, "pages-").await;
    page.click(&id("nav-audit")).await;
    page.sees(&id("verify")).await;
    let first = fetched(&page).await;
    page.click(&id("nav-settings")).await;
    page.sees(&id("theme-dark")).await;
    assert_eq!(fetched(&page).await, first, "a second time");
    page.click(&id("nav-prompts")).await;
    page.sees(&id("prompt-search")).await;
    has_fetched(&page, "prompts-").await;
    page.click(&id("nav-mcp")).await;
    page.sees(&id("add-mcp")).await;
    let more = has_fetched(&page, "mcp-").await;
    assert!(
        !more.iter().any(|name| name.starts_with("org-")),
        "no organization is active: {more:?}"
    );
    page.click(&id("nav-organization")).await;
    page.sees(&id("org-backend")).await;
    has_fetched(&page, "org-").await;
    page.click(&id("nav-settings")).await;
    page.sees(&id("theme-dark")).await;

    page.eval(
        "document.querySelector('[data-testid=nav-settings]').focus()",
        &[],
    )
    .await;
    page.press(&[key::CONTROL, "k"]).await;
    page.sees(&id("palette-input")).await;
    let all = has_fetched(&page, "dialogs-").await;
    assert!(
        !all.iter().any(|name| name.starts_with("session-")),
        "no session was opened: {all:?}"
    );
    page.press(&[key::ESCAPE]).await;
    page.until_js(
        "the focus is where it was before the dialog was fetched",
        "return document.activeElement?.dataset.testid === 'nav-settings'",
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_page_that_is_slow_to_come_shows_its_shape() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;
    // Longer than anybody looks; whatever waits then comes once the network is fast again.
    slow_down(&page, 60_000).await;
    page.click(&id("nav-settings")).await;
    page.sees("main .skeleton.is-shown").await;
    assert_eq!(page.count(&id("theme-dark")).await, 0);
    page.press(&[key::CONTROL, "k"]).await;
    page.sees("dialog .skeleton.is-shown").await;
    slow_down(&page, 0).await;
    page.sees(&id("palette-input")).await;
    page.press(&[key::ESCAPE]).await;
    page.sees(&id("theme-dark")).await;
}

#[tokio::test]
async fn what_cannot_be_fetched_says_so_and_comes_when_it_is_tried_again() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;
    block(&page, &[CHUNKS]).await;

    page.click(&id("nav-audit")).await;
    page.reads("main .is-failed", "could not be loaded").await;
    page.click(TRY_AGAIN).await;
    page.reads("main .is-failed", "could not be loaded").await;
    page.press(&[key::CONTROL, "k"]).await;
    page.reads("dialog .is-failed", "could not be loaded").await;

    block(&page, &[]).await;
    page.click(&format!("dialog {TRY_AGAIN}")).await;
    page.sees(&id("palette-input")).await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    page.click(&format!("main {TRY_AGAIN}")).await;
    page.sees(&id("verify")).await;
    page.misses(".is-failed").await;
}

#[tokio::test]
async fn what_could_not_be_fetched_comes_by_itself_when_the_engine_is_back() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let cable = Cable::plug_in(stage.port).await;
    let detour = format!(
        "--host-resolver-rules=MAP localhost:{} {}",
        stage.port, cable.address
    );
    let page = stage.browser(&[&detour]).await;
    let address = stage.engine.page().replace("127.0.0.1", "localhost");
    page.open(&address).await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;

    cable.cut().await;
    page.sees(&id("connection-lost")).await;
    page.click(&id("nav-settings")).await;
    page.sees("main .is-failed").await;
    cable.mend();
    page.sees(&id("theme-dark")).await;
}

/// The file names of the chunks that the page has asked for, in the order of the alphabet.
async fn fetched(page: &Page) -> Vec<String> {
    let names = page
        .eval(
            "return performance.getEntriesByType('resource').map(entry => entry.name)
                .filter(name => name.includes('/chunks/')).map(name => name.split('/').pop()).sort()",
            &[],
        )
        .await;
    let names = names.as_array().cloned().unwrap_or_default();
    names
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// Waits until the page has asked for a chunk of this name, and returns all of them: the browser notes what it has
/// fetched a moment after the page has it.
async fn has_fetched(page: &Page, begin: &str) -> Vec<String> {
    page.until(&format!("{begin} is fetched"), async || {
        let names = fetched(page).await;
        let is_there = names.iter().any(|name| name.starts_with(begin));
        Ok(is_there.then_some(names))
    })
    .await
}

/// Lets the browser refuse to fetch from these addresses.
async fn block(page: &Page, addresses: &[&str]) {
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.setBlockedURLs", json!({"urls": addresses}))
        .await;
}

/// Lets every answer be late, in milliseconds.
async fn slow_down(page: &Page, latency: u32) {
    page.devtools("Network.enable", json!({})).await;
    page.devtools(
        "Network.emulateNetworkConditions",
        json!({"offline": false, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}),
    )
    .await;
}
