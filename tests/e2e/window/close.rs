//! Closing the window in order, as a click on its cross does.

use berth_protocol::{Role, SessionId};
use berth_tests::{Client, Repository, processes, undisturbed, until};

use crate::{Stage, TITLE, data, display::Display, is_gone, process, row, shown};

/// Its presence in the data folder says that the notice was shown.
const MARKER: &str = "close-notice-shown";

#[tokio::test]
async fn a_close_over_a_running_session_says_so_once_and_leaves_it_running() {
    undisturbed(closes_over_a_session).await;
}

#[tokio::test]
async fn a_close_without_a_running_session_says_nothing_and_keeps_the_notice_for_later() {
    undisturbed(closes_over_nothing).await;
}

async fn closes_over_a_session() {
    let Some((stage, page)) = Stage::set().await else {
        return;
    };
    let marker = data(&stage.setup).join(MARKER);
    let engine = stage.setup.client();
    let repository = Repository::with_history(&stage.setup.folder().join("harbor"));
    let project = engine.add_project(&repository.path).await;
    let session = engine.shell(project.id).await.id;
    page.sees(&row(session)).await;

    let pid = process(&stage.driver);
    let display = Display::of(pid);
    let main = shown(&display).await;
    display.ask_to_close(main);
    until("the notice is shown", || display.windows(TITLE).len() == 2).await;
    assert!(processes::is_alive(pid), "the window waits for its user");
    assert!(!marker.exists(), "the notice was not read yet");
    let notice = display.windows(TITLE).into_iter();
    let notice = notice.filter(|&seen| seen != main).collect::<Vec<_>>();
    display.ask_to_close(notice[0]);
    is_gone(pid).await;
    assert!(marker.is_file(), "it is noted that the notice was read");
    drop(page);
    answers(&engine, session, "first").await;

    let page = stage.open().await;
    page.sees(&row(session)).await;
    let pid = process(&stage.driver);
    let display = Display::of(pid);
    display.ask_to_close(shown(&display).await);
    // Nobody reads a second notice here, so a window that had one would stay.
    is_gone(pid).await;
    drop(page);
    answers(&engine, session, "second").await;
}

async fn closes_over_nothing() {
    let Some((stage, page)) = Stage::set().await else {
        return;
    };
    let engine = stage.setup.client();
    let repository = Repository::with_history(&stage.setup.folder().join("harbor"));
    let project = engine.add_project(&repository.path).await;
    let session = engine.command(project.id, &["true"]).await.id;
    engine.ended(session).await;

    let pid = process(&stage.driver);
    let display = Display::of(pid);
    display.ask_to_close(shown(&display).await);
    is_gone(pid).await;
    drop(page);
    assert!(!data(&stage.setup).join(MARKER).exists());
    assert!(
        processes::is_alive(engine.endpoint().pid),
        "the engine goes on"
    );
}

/// Waits until a shell has answered with this word.
async fn answers(engine: &Client, session: SessionId, word: &str) {
    engine.waiting(session).await;
    let told = engine.chat(session, &format!("echo answer-''{word}")).await;
    told.expect("the shell takes the message");
    let answer = format!("answer-{word}");
    engine.message_with(session, Role::Agent, &answer).await;
}
