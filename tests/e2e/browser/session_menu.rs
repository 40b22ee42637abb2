//! What the menus of sessions and projects do: put away, bring back, delete, rename, remove.

use std::{fs, path::Path};

use berth_protocol::{Code, ProjectList, Session};
use berth_tests::{
    Client, git,
    webdriver::{Page, id, key},
};

use crate::{form::write, stage::Stage};

/// A stage with a shell, whose page is open.
async fn with_shell() -> Option<(Stage, Page, Session)> {
    let stage = Stage::new().await?;
    let client = &stage.engine.client;
    let project = client.add_project(&stage.repository.path).await;
    let session = client.shell(project.id).await;
    let page = stage.page().await;
    open(&page, &session).await;
    Some((stage, page, session))
}

async fn open(page: &Page, session: &Session) {
    page.click(&format!("{} a", row(session))).await;
    page.sees(&id("tab-chat")).await;
}

/// The session in the sidebar.
fn row(session: &Session) -> String {
    format!("[data-testid=session-row][data-session='{}']", session.id)
}

/// Chooses from the first menu of this kind in the page beside the sidebar.
async fn choose(page: &Page, menu: &str, item: &str) {
    page.click(&format!("main {}", id(menu))).await;
    page.click(&format!("[role=menuitem]{}", id(item))).await;
}

async fn confirm(page: &Page, label: &str) {
    page.reads(&id("confirm"), label).await;
    page.click(&id("confirm")).await;
    page.misses("dialog").await;
}

async fn assert_gone(client: &Client, session: &Session) {
    let path = format!("/sessions/{}", session.id);
    let gone = client.get::<Session>(&path).await;
    assert_eq!(gone.expect_err("it is deleted").code, Code::SessionNotFound);
    assert!(!Path::new(&session.workspace.path).exists());
}

#[tokio::test]
async fn an_archived_session_comes_back_with_its_uncommitted_work() {
    let Some((stage, page, session)) = with_shell().await else {
        return;
    };
    let worktree = Path::new(&session.workspace.path);
    fs::write(worktree.join("draft.txt"), "one\n").unwrap();

    choose(&page, "session-menu", "archive").await;
    page.reads("dialog", "It can be brought back").await;
    confirm(&page, "Stop and archive").await;
    // The archived ones are folded up.
    page.misses(&row(&session)).await;
    assert!(!worktree.exists(), "its workspace is put away");

    choose(&page, "session-menu", "restore").await;
    page.sees(&id("restart")).await;
    page.sees(&row(&session)).await;
    let draft = fs::read_to_string(worktree.join("draft.txt")).unwrap();
    assert_eq!(draft, "one\n");
    page.click(&id("tab-changes")).await;
    page.click("[data-testid=change-row][data-path='draft.txt']")
        .await;
    page.reads(&id("patch"), "one").await;
    let back = stage.engine.client.session(session.id).await;
    assert_eq!(back.archived_at, None);
}

#[tokio::test]
async fn a_session_with_work_is_deleted_once_the_work_was_shown_and_the_user_agreed() {
    let Some((stage, page, session)) = with_shell().await else {
        return;
    };
    let client = &stage.engine.client;
    let worktree = Path::new(&session.workspace.path);
    fs::write(worktree.join("committed.txt"), "one\n").unwrap();
    git(worktree, &["add", "--all"]);
    git(worktree, &["commit", "--quiet", "-m", "Only here"]);
    fs::write(worktree.join("loose.txt"), "two\n").unwrap();

    choose(&page, "session-menu", "delete").await;
    let work = page.reads(&id("unsaved-work"), "loose.txt").await;
    for told in [
        "This work would be lost",
        "1 file with uncommitted changes",
        "1 commit that is on no other branch",
        "Only here",
    ] {
        assert!(work.contains(told), "{told:?} is not in {work}");
    }
    page.reads(&id("confirm"), "Delete and discard work").await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    assert!(client.session(session.id).await.status.is_live());
    assert!(worktree.join("loose.txt").is_file(), "nothing was touched");

    choose(&page, "session-menu", "delete").await;
    page.sees(&id("unsaved-work")).await;
    confirm(&page, "Delete and discard work").await;
    page.misses(&row(&session)).await;
    // There is nothing left to show of it.
    page.sees(&id("session-prompt")).await;
    assert_gone(client, &session).await;
}

#[tokio::test]
async fn work_that_appears_behind_the_question_is_shown_before_anything_is_lost() {
    let Some((stage, page, session)) = with_shell().await else {
        return;
    };
    let client = &stage.engine.client;
    let late = Path::new(&session.workspace.path).join("late.txt");

    choose(&page, "session-menu", "delete").await;
    page.reads(".work-none", "no unsaved work").await;
    page.reads(&id("confirm"), "Stop and delete").await;
    fs::write(&late, "one\n").unwrap();
    page.click(&id("confirm")).await;
    page.reads(&id("unsaved-work"), "late.txt").await;
    assert!(late.is_file(), "it was not deleted");
    assert!(
        client.session(session.id).await.status.is_live(),
        "and nothing was stopped"
    );

    confirm(&page, "Delete and discard work").await;
    assert_gone(client, &session).await;
}

#[tokio::test]
async fn a_session_is_renamed_wherever_it_is_named() {
    let Some((stage, page, session)) = with_shell().await else {
        return;
    };
    choose(&page, "session-menu", "rename").await;
    write(&page, &id("rename-input"), "  ").await;
    page.sees("[data-testid=confirm]:disabled").await;
    write(&page, &id("rename-input"), "Fix the login").await;
    page.press(&[key::ENTER]).await;
    page.misses("dialog").await;
    page.reads("main h1", "Fix the login").await;
    page.reads(&row(&session), "Fix the login").await;
    let renamed = stage.engine.client.session(session.id).await;
    assert_eq!(renamed.title, "Fix the login");
}

#[tokio::test]
async fn a_project_is_renamed_and_removed_and_its_folder_stays() {
    let Some((stage, page, session)) = with_shell().await else {
        return;
    };
    let client = &stage.engine.client;
    page.click(&id("nav-projects")).await;
    choose(&page, "project-menu", "rename-project").await;
    write(&page, &id("rename-input"), "Lighthouse").await;
    confirm(&page, "Save").await;
    page.reads(&id("project-row"), "Lighthouse").await;
    assert_eq!(projects(client).await, ["Lighthouse"]);
    open(&page, &session).await;
    page.reads(".session-line", "Lighthouse").await;

    // Not as long as it has sessions, and the dialog says so.
    page.click(&id("nav-projects")).await;
    choose(&page, "project-menu", "remove-project").await;
    let asked = page.reads("dialog", "Remove “Lighthouse”?").await;
    assert!(asked.contains("stay where they are"), "{asked}");
    page.click(&id("confirm")).await;
    page.reads(".inline-failure", "Delete its sessions first")
        .await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    assert_eq!(projects(client).await, ["Lighthouse"]);

    let path = format!("/sessions/{}", session.id);
    client.delete(&path).await.expect("the session is deleted");
    page.misses(&row(&session)).await;
    choose(&page, "project-menu", "remove-project").await;
    confirm(&page, "Remove").await;
    page.misses(&id("project-row")).await;
    assert!(projects(client).await.is_empty());
    assert!(stage.repository.path.join("README.md").is_file());
}

/// The names of all projects.
async fn projects(client: &Client) -> Vec<String> {
    let list = client.get::<ProjectList>("/projects").await;
    let projects = list.expect("they are listed").projects.into_iter();
    projects.map(|project| project.name).collect()
}
