//! Everything that the keyboard alone must reach.

use std::cmp::Reverse;

use berth_tests::{
    session,
    webdriver::{Page, id, key},
};

use crate::stage::{Stage, add_project, start_session};

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

#[tokio::test]
async fn the_keyboard_starts_sessions_and_chooses_among_them() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "shell", "").await;
    for message in ["echo second", "echo third"] {
        page.press(&[key::CONTROL, "n"]).await;
        let prompt = format!("dialog {}", id("session-prompt"));
        page.sees(&prompt).await;
        // What was chosen last is offered first.
        page.sees("dialog [data-testid=agent-picker][data-value=shell]")
            .await;
        page.type_into(&prompt, message).await;
        page.press(&[key::CONTROL, key::ENTER]).await;
        page.reads(&id("message-user"), message).await;
        page.misses("dialog").await;
    }

    let client = &stage.engine.client;
    let mut sessions = client.sessions().await;
    assert_eq!(sessions.len(), 3);
    for session in &sessions {
        client.waiting(session.id).await;
    }
    sessions.sort_by_key(|session| Reverse(session.created_at));
    let ids: Vec<String> = sessions.iter().map(|it| it.id.to_string()).collect();
    page.until_js(
        "the newest stands first",
        "return [...document.querySelectorAll('[data-testid=session-row]')]
            .map(row => row.dataset.session).join(' ') === arguments[0]",
        &[&ids.join(" ")],
    )
    .await;
    // The first one is open already.
    for (digit, at) in [("2", 1), ("3", 2), ("1", 0)] {
        page.press(&[key::CONTROL, digit]).await;
        page.sees(&format!("[data-session='{}'].is-current", ids[at]))
            .await;
    }
}

#[tokio::test]
async fn the_keyboard_shows_its_sheet_and_toggles_the_columns() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "shell", "").await;

    page.press(&[key::CONTROL, "/"]).await;
    let sheet = page.reads("dialog.sheet", "Ctrl /").await;
    for keys in ["Ctrl Enter", "Ctrl 1 – Ctrl 9", "Ctrl B", "Ctrl I"] {
        assert!(sheet.contains(keys), "{keys} does not stand in {sheet}");
    }
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;

    for (letter, column) in [("b", "aside.sidebar"), ("i", "aside.details")] {
        page.sees(column).await;
        page.press(&[key::CONTROL, letter]).await;
        hides(&page, column).await;
        page.press(&[key::CONTROL, letter]).await;
        page.sees(column).await;
    }
}

/// Waits until something that is in the page cannot be seen.
async fn hides(page: &Page, selector: &str) {
    page.until_js(
        &format!("{selector} is hidden"),
        "const it = document.querySelector(arguments[0]); return !it || !it.checkVisibility()",
        &[selector],
    )
    .await;
}
