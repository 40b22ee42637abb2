//! Where the window is.

use berth_tests::{
    undisturbed, until,
    webdriver::{Page, id},
};

use crate::{
    Stage,
    display::{Display, Place},
    is_gone, process, shown,
};

/// Neither the first start's size nor a place that the display would choose.
const PLACE: Place = Place {
    x: 60,
    y: 40,
    width: 900,
    height: 640,
};

#[tokio::test]
async fn the_window_opens_where_it_was_closed() {
    undisturbed(opens_where_it_was).await;
}

async fn opens_where_it_was() {
    let Some((stage, page)) = Stage::set().await else {
        return;
    };
    let pid = process(&stage.driver);
    let display = Display::of(pid);
    let main = shown(&display).await;
    assert_ne!(display.place(main), Some(PLACE));
    display.put(main, PLACE);
    // What was told to the window's program has arrived when its page has it.
    fits(&page).await;
    display.ask_to_close(main);
    is_gone(pid).await;
    drop(page);

    let page = stage.open().await;
    page.sees(&id("first-run")).await;
    let display = Display::of(process(&stage.driver));
    let main = shown(&display).await;
    let place = || display.place(main) == Some(PLACE);
    until("the window is where it was", place).await;
    fits(&page).await;
}

/// Waits until the page is as wide as the window.
async fn fits(page: &Page) {
    let script = "return String(innerWidth) === arguments[0]";
    let width = PLACE.width.to_string();
    page.until_js("the page fills the window", script, &[&width])
        .await;
}
