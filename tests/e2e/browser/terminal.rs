//! The terminal in the page is the session's terminal.

use berth_tests::webdriver::id;

use crate::stage::{Stage, add_project, start_session};

#[tokio::test]
async fn a_shell_answers_in_the_terminal_and_follows_the_size_of_the_window() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "shell", "").await;
    page.click(&id("tab-terminal")).await;

    page.type_into_terminal("echo $((40+2))\n").await;
    page.terminal("42", |screen| {
        screen.lines().any(|line| line == "42").then_some(())
    })
    .await;

    let size = |mark: &'static str| {
        move |screen: &str| {
            let line = screen
                .lines()
                .find_map(|line| line.strip_prefix(mark)?.strip_suffix('.'))?;
            let (rows, cols) = line.split_once(' ')?;
            Some((rows.parse::<u16>().ok()?, cols.parse::<u16>().ok()?))
        }
    };
    page.type_into_terminal("echo first=$(stty size).\n").await;
    let before = page.terminal("its size", size("first=")).await;
    page.resize(900, 600).await;
    // The size arrives with later frames of the page, so the shell waits until both of it are others.
    let (rows, cols) = before;
    page.type_into_terminal(&format!(
        "until set -- $(stty size); [ $1 != {rows} ] && [ $2 != {cols} ]; do sleep 0.05; done; \
         echo sec''ond=$1 $2.\n"
    ))
    .await;
    let after = page.terminal("its other size", size("second=")).await;
    assert!(
        after.0 < before.0 && after.1 < before.1,
        "rows and columns shrink with the window: {before:?}, then {after:?}"
    );
}
