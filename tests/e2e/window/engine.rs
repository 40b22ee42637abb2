//! The window and the engine that it finds or starts, and a window that is opened twice.

use std::fs;

use berth_protocol::Endpoint;
use berth_tests::{
    LIMIT, Repository, Setup, processes, undisturbed, until,
    webdriver::{Driver, id},
};
use serde_json::json;
use tokio::process::Command;

use crate::{
    Stage, TITLE, WINDOW, data,
    display::{Display, environment},
    process, shown, starts_a_shell, variables, window_program,
};

#[tokio::test]
async fn a_second_start_shows_the_first_window_again_and_ends() {
    undisturbed(starts_twice).await;
}

#[tokio::test]
async fn an_open_window_starts_the_engine_again_when_it_is_killed() {
    undisturbed(loses_its_engine).await;
}

async fn starts_twice() {
    let Some(window) = window_program() else {
        return;
    };
    let engine = Setup::new().start().await;
    let repository = Repository::with_history(&engine.setup().folder().join("harbor"));
    engine.client.add_project(&repository.path).await;
    let driver = Driver::webkit(variables(engine.setup())).await;
    let page = driver.window(&window).await;
    // An engine of the window's own would know of no project.
    page.sees(&id("agent-picker")).await;
    let first = process(&driver);
    let display = Display::of(first);
    let main = shown(&display).await;
    display.minimize(main);
    until("the window is minimized", || {
        display.windows(TITLE).is_empty()
    })
    .await;

    let mut second = Command::new(&window);
    second
        .env_clear()
        .envs(environment(first))
        // The first one's, by which the driver speaks to it.
        .env_remove("WEBKIT_INSPECTOR_SERVER")
        .kill_on_drop(true);
    let ended = tokio::time::timeout(LIMIT, second.status()).await;
    let ended = ended.expect("the second start ends by itself");
    let ended = ended.expect("the window's program can be started");
    assert_eq!(ended.code(), Some(0), "it is no failure");
    until("the first window is shown again", || {
        display.windows(TITLE) == [main]
    })
    .await;
    assert_eq!(driver.processes(WINDOW), [first]);
    assert_eq!(endpoint(engine.setup()).pid, engine.pid());
    starts_a_shell(&page).await;
}

async fn loses_its_engine() {
    let Some((stage, page)) = Stage::set().await else {
        return;
    };
    let repository = Repository::with_history(&stage.setup.folder().join("harbor"));
    stage.setup.client().add_project(&repository.path).await;
    page.sees(&id("agent-picker")).await;
    page.eval("window.stayed = true", &[]).await;

    let killed = endpoint(&stage.setup).pid;
    processes::kill(killed);
    until("another engine runs", || {
        endpoint(&stage.setup).pid != killed
    })
    .await;
    page.sees("[data-testid=connection][data-state=online]")
        .await;
    starts_a_shell(&page).await;
    assert_eq!(stage.setup.client().sessions().await.len(), 1);
    let stayed = page.eval("return window.stayed === true", &[]).await;
    assert_eq!(stayed, json!(true), "the page was not loaded again");
}

/// What the endpoint file says. A killed engine leaves it, and the next one replaces it whole.
fn endpoint(setup: &Setup) -> Endpoint {
    let file = fs::read(data(setup).join("engine.json")).expect("there is an endpoint file");
    serde_json::from_slice(&file).expect("the endpoint file is readable")
}
