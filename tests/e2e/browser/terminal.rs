//! The terminal in the page is the session's terminal.

use berth_tests::webdriver::{Page, id, key};
use serde_json::json;

use crate::{
    form::write,
    stage::{Stage, add_project, start_session},
};

/// Where a search tells of its hits.
const HITS: &str = ".term-hits";

/// A shell, and its terminal in a page.
async fn shell(stage: &Stage) -> Page {
    let page = stage.page().await;
    add_project(&page, &stage.repository.path).await;
    start_session(&page, "shell", "").await;
    page.click(&id("tab-terminal")).await;
    page
}

#[tokio::test]
async fn a_shell_answers_in_the_terminal_and_follows_the_size_of_the_window() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = shell(&stage).await;

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

#[tokio::test]
async fn a_search_tells_which_hit_of_how_many_is_shown() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = shell(&stage).await;
    // The word stands in what the command prints, and not in the command.
    page.type_into_terminal("printf 'anc%s\\n' hor hor hor\n")
        .await;
    page.terminal("three lines", |screen| {
        (screen.lines().filter(|line| *line == "anchor").count() == 3).then_some(())
    })
    .await;

    page.press(&[key::CONTROL, key::SHIFT, "f"]).await;
    page.type_into(&id("terminal-search"), "anchor").await;
    // The newest is shown first, and Enter goes to older ones.
    page.reads(HITS, "3 of 3").await;
    page.press(&[key::ENTER]).await;
    page.reads(HITS, "2 of 3").await;
    page.press(&[key::SHIFT, key::ENTER]).await;
    page.reads(HITS, "3 of 3").await;
    write(&page, &id("terminal-search"), "zebra").await;
    page.reads(HITS, "No results").await;
    page.press(&[key::ESCAPE]).await;
    page.misses(&id("terminal-search")).await;
    page.until_js(
        "the terminal has the focus again",
        "return document.activeElement?.closest('.xterm') != null",
        &[],
    )
    .await;
}

#[tokio::test]
async fn what_is_selected_is_copied_with_ctrl_shift_c() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = shell(&stage).await;
    // Only to look into the clipboard: the page never does.
    let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    page.devtools("Browser.grantPermissions", permissions).await;
    // Slanted words are an element of their own, which the mouse can find.
    page.type_into_terminal("printf '\\033[3mlant%s\\033[0m\\n' ern\n")
        .await;
    let word = ".xterm-rows .xterm-italic";
    page.reads(word, "lantern").await;

    page.double_click(word).await;
    page.press(&[key::CONTROL, key::SHIFT, "c"]).await;
    page.reads(&id("toasts"), "Copied").await;
    let copied = page
        .eval_later(
            "const done = arguments[0];
             navigator.clipboard.readText().then(done, why => done(String(why)))",
        )
        .await;
    assert_eq!(copied, "lantern");
}

#[tokio::test]
async fn a_link_into_the_web_is_opened_and_no_other() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = shell(&stage).await;
    // A page of the engine itself: nothing here leads into the internet.
    let target = format!("{}/health", stage.engine.client.endpoint().url);
    page.type_into_terminal(
        "printf '\\033]8;;file:///etc/passwd\\033\\\\a f%s\\033]8;;\\033\\\\\\n' ile\n",
    )
    .await;
    page.type_into_terminal(&format!("printf '\\033[1m%s\\033[0m\\n' {target}\n"))
        .await;
    let (file, web) = (".xterm-rows .xterm-underline-5", ".xterm-rows .xterm-bold");
    page.sees(file).await;
    page.reads(web, &target).await;

    follow(&page, file).await;
    page.reads(&id("toasts"), "Berth does not open file:///etc/passwd")
        .await;
    page.reads(&id("toasts"), "Only http and https links").await;
    assert_eq!(page.windows().await, 1, "nothing was opened");

    // Last, because a page behind another one draws nothing.
    follow(&page, web).await;
    page.until("the link's page is open", async || {
        let targets = page.devtools("Target.getTargets", json!({})).await;
        let mut pages = targets["targetInfos"].as_array().into_iter().flatten();
        Ok(pages.any(|it| it["url"] == target).then_some(()))
    })
    .await;
    assert_eq!(page.windows().await, 2);
}

/// Clicks on a link in the terminal, once the terminal has found it under the mouse.
async fn follow(page: &Page, link: &str) {
    page.drag_to(link, 0.5).await;
    page.sees(&format!("{link}[style*=underline]")).await;
    page.hold(link).await;
    page.let_go().await;
}
