//! Everything that the keyboard alone must reach.

use berth_tests::{
    session,
    webdriver::{id, key},
};

use crate::stage::Stage;

#[tokio::test]
async fn the_keyboard_opens_the_palette_and_new_sessions_and_closes_them() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let engine = &stage.engine.client;
    let project = engine.add_project(&stage.repository.path).await;
    let shell = engine.start(&session(project.id, "shell")).await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", shell.id))
        .await;
    page.sees(&id("tab-chat")).await;

    page.press(&[key::CONTROL, "k"]).await;
    page.sees(&id("palette-input")).await;
    page.type_into(&id("palette-input"), "settings").await;
    page.reads(&id("palette-row"), "Settings").await;
    page.press(&[key::ENTER]).await;
    page.sees(&id("theme-dark")).await;
    page.misses(&id("palette-input")).await;

    page.press(&[key::CONTROL, "k"]).await;
    page.sees(&id("palette-input")).await;
    page.press(&[key::ESCAPE]).await;
    page.misses(&id("palette-input")).await;
    page.sees(&id("theme-dark")).await;

    // Browsers keep Ctrl-N to themselves, but not from a driver's keyboard.
    for modifier in [key::CONTROL, key::ALT] {
        page.press(&[modifier, "n"]).await;
        page.sees(&format!("dialog {}", id("session-prompt"))).await;
        page.press(&[key::ESCAPE]).await;
        page.misses(&id("session-prompt")).await;
    }
    // Esc leaves a page for the first one.
    page.press(&[key::ESCAPE]).await;
    page.sees(&id("session-prompt")).await;
}

#[tokio::test]
async fn a_terminal_keeps_its_keys_and_the_palette_opens_with_shift() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let engine = &stage.engine.client;
    let project = engine.add_project(&stage.repository.path).await;
    let shell = engine.shell(project.id).await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", shell.id))
        .await;
    page.click(&id("tab-terminal")).await;
    page.type_into_terminal("echo gone").await;
    page.terminal("what is typed", |screen| {
        screen.contains("echo gone").then_some(())
    })
    .await;
    // The shell's own keys: to the line's beginning, and delete to its end.
    page.press(&[key::CONTROL, "a"]).await;
    page.press(&[key::CONTROL, "k"]).await;
    page.terminal("an empty line", |screen| {
        (!screen.contains("echo gone")).then_some(())
    })
    .await;
    assert_eq!(page.count(&id("palette-input")).await, 0);
    page.press(&[key::CONTROL, key::SHIFT, "k"]).await;
    page.sees(&id("palette-input")).await;
}
