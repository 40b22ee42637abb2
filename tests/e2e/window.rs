//! The real window on a virtual display, with the engine that it starts.

#[path = "window/close.rs"]
mod close;
#[path = "window/display.rs"]
mod display;
#[path = "window/engine.rs"]
mod engine;
#[path = "window/geometry.rs"]
mod geometry;
#[path = "window/limits.rs"]
mod limits;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use berth_protocol::{PromptDraft, SessionId, SystemPrompt};
use berth_tests::{
    LIMIT, Repository, Setup, processes, programs, skip, this_test, undisturbed, until,
    webdriver::{Driver, Page, id, missing_program},
};

use display::{Display, XWindow};

/// The window's program, as the system names its process.
const WINDOW: &str = "berth-desktop";

/// What stands on the window, and on its messages.
const TITLE: &str = "Berth";

/// Where a window is opened, with an engine that it starts itself.
struct Stage {
    driver: Driver,
    setup: Setup,
    window: PathBuf,
}

impl Stage {
    /// One whose window is open for the first time; nothing, and a skip on record, where it or its display is missing.
    async fn set() -> Option<(Self, Page)> {
        Self::with(Setup::new()).await
    }

    async fn with(setup: Setup) -> Option<(Self, Page)> {
        let window = window_program()?;
        let driver = Driver::webkit(variables(&setup)).await;
        let stage = Self {
            driver,
            setup,
            window,
        };
        let page = stage.open().await;
        page.sees(&id("first-run")).await;
        Some((stage, page))
    }

    /// Opens the window.
    async fn open(&self) -> Page {
        self.driver.window(&self.window).await
    }
}

#[tokio::test]
async fn a_killed_window_leaves_its_session_running_and_shows_it_again() {
    undisturbed(kills_the_window).await;
}

#[tokio::test]
async fn the_window_saves_files_in_the_downloads_folder() {
    undisturbed(saves_files).await;
}

async fn kills_the_window() {
    let setup = Setup::new();
    let timing = setup.folder().join("timing.jsonl");
    let setup = setup.variable("BERTH_WINDOW_TIMING", &timing);
    let Some((stage, page)) = Stage::with(setup).await else {
        return;
    };
    page.until("the window appears because the page is ready", async || {
        let said = std::fs::read_to_string(&timing).unwrap_or_default();
        Ok(said.contains("\"ready_ms\"").then_some(()))
    })
    .await;
    let engine = stage.setup.client();
    let first_pid = engine.endpoint().pid;
    assert!(
        processes::is_alive(first_pid),
        "the window started an engine"
    );
    let repository = Repository::with_history(&stage.setup.folder().join("harbor"));
    // The folder picker of the system is beyond WebDriver's reach.
    engine.add_project(&repository.path).await;
    starts_a_shell(&page).await;

    let pid = process(&stage.driver);
    processes::kill(pid);
    is_gone(pid).await;
    drop(page);
    let sessions = engine.sessions().await;
    assert_eq!(sessions.len(), 1);
    assert!(sessions[0].status.is_live(), "{:?}", sessions[0].status);
    assert!(engine.screen(sessions[0].id).await.text.contains("42"));

    let page = stage.open().await;
    page.click(&format!("{} a", row(sessions[0].id))).await;
    page.click(&id("tab-terminal")).await;
    answers_42(&page).await;
    page.type_into_terminal("echo still $((50+5))\n").await;
    page.terminal("still 55", |screen| {
        screen.lines().any(|line| line == "still 55").then_some(())
    })
    .await;
    assert_eq!(
        stage.setup.client().endpoint().pid,
        first_pid,
        "it is the same engine"
    );
}

async fn saves_files() {
    let setup = Setup::new();
    let config = setup.home().join(".config");
    std::fs::create_dir_all(&config).expect("it can be made");
    let folders = "XDG_DOWNLOAD_DIR=\"$HOME/Fetched\"\n";
    std::fs::write(config.join("user-dirs.dirs"), folders).expect("it can be written");
    let Some((stage, page)) = Stage::with(setup).await else {
        return;
    };
    let repository = Repository::with_history(&stage.setup.folder().join("harbor"));
    let engine = stage.setup.client();
    engine.add_project(&repository.path).await;
    let prompt = PromptDraft {
        name: "House rules".to_owned(),
        content: "Be kind.".to_owned(),
        enabled: true,
        ..PromptDraft::default()
    };
    let added = engine.post::<SystemPrompt>("/prompts", &prompt).await;
    added.expect("it is taken");
    page.click("a[href='#/prompts']").await;
    page.reads(&id("prompt-row"), "House rules").await;
    for name in ["berth-prompts.zip", "berth-prompts (2).zip"] {
        page.click(&id("export-prompts")).await;
        let saved = stage.setup.home().join("Fetched").join(name);
        page.reads(&id("toasts"), &saved.display().to_string())
            .await;
        let bytes = std::fs::read(&saved).expect("it is there");
        assert!(bytes.starts_with(b"PK"), "{name}");
    }
}

/// The program of the window; nothing, and a skip on record, where it or its display is missing.
fn window_program() -> Option<PathBuf> {
    let needed = ["xvfb-run", "dbus-run-session", "WebKitWebDriver"];
    if let Some(name) = missing_program(&needed) {
        skip(&this_test(), &format!("{name} is not installed"));
        return None;
    }
    let program = built_window();
    if program.is_none() {
        skip(&this_test(), "the window is not built");
    }
    program
}

fn built_window() -> Option<PathBuf> {
    let beside = programs::berth().with_file_name(WINDOW);
    let named = std::env::var_os("BERTH_DESKTOP_BIN").map(PathBuf::from);
    named.or(Some(beside)).filter(|path| path.is_file())
}

/// The environment of a window that has a data folder of its own.
fn variables(setup: &Setup) -> BTreeMap<OsString, OsString> {
    let mut variables = setup.variables();
    variables.insert("BERTH_ENGINE".into(), programs::berth().into());
    variables
}

/// The data folder of the window and its engine.
fn data(setup: &Setup) -> PathBuf {
    PathBuf::from(&setup.variables()[OsStr::new("BERTH_HOME")])
}

/// The one process of the window.
fn process(driver: &Driver) -> u32 {
    let all = driver.processes(WINDOW);
    assert_eq!(all.len(), 1, "one window is open: {all:?}");
    all[0]
}

/// Waits until a process of the window has ended.
async fn is_gone(pid: u32) {
    let left = processes::gone(&[pid], LIMIT).await;
    assert!(left.is_empty(), "the window is gone: {left:?}");
}

/// The window on its display, once it is shown: it is hidden until its page is ready.
async fn shown(display: &Display) -> XWindow {
    until("the window is shown", || display.windows(TITLE).len() == 1).await;
    display.windows(TITLE)[0]
}

/// The selector of a session in the list.
fn row(id: SessionId) -> String {
    format!("[data-testid=session-row][data-session='{id}']")
}

/// Starts a shell in the page and sees it answer.
async fn starts_a_shell(page: &Page) {
    page.click(&id("agent-picker")).await;
    page.click("[data-testid=agent-option][data-value=shell]")
        .await;
    page.click(&id("start-session")).await;
    page.click(&id("tab-terminal")).await;
    page.type_into_terminal("echo $((40+2))\n").await;
    answers_42(page).await;
}

async fn answers_42(page: &Page) {
    page.terminal("42", |screen| {
        screen.lines().any(|line| line == "42").then_some(())
    })
    .await;
}
