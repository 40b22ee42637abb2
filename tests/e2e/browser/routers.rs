//! Routers in the UI: added with a key into a real keychain, edited, removed, and used by a session.

use std::{fs, net::TcpListener};

use berth_protocol::{ProviderProtocol, RouterDraft, RouterKind, RouterList, SessionId};
use berth_tests::{
    processes, routers,
    webdriver::{Page, id, key},
};

use crate::{
    form::{focused, is_well, problem, select, value, write},
    stage::Stage,
};

/// The dialog's own part of the page.
const FORM: &str = "[data-testid=router-form]";

async fn open_settings(page: &Page) {
    page.click(&id("nav-settings")).await;
    page.sees(&id("router-program")).await;
}

async fn start_from(page: &Page, preset: &str) {
    page.click(&id("add-router")).await;
    page.click(&format!("[data-testid=preset][data-value={preset}]"))
        .await;
}

async fn kept(stage: &Stage) -> RouterList {
    let listed = stage.engine.client.get("/routers").await;
    listed.expect("they are listed")
}

async fn secrets(stage: &Stage) -> usize {
    let keychain = stage.keychain.as_ref().expect("the stage has one");
    keychain.count().await
}

#[tokio::test]
async fn a_router_is_added_from_a_preset_with_its_key_and_edited_and_removed() {
    const KEY: &str = "sk-typed-into-the-page";
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let page = stage.page().await;
    open_settings(&page).await;
    page.reads(".routers-none", "No routers yet").await;
    start_from(&page, "openai").await;
    page.type_into(&id("provider-key"), KEY).await;
    page.click(&id("save-router")).await;
    page.misses(FORM).await;
    let row = page.reads(&id("router-row"), "OpenAI").await;
    focused(&page, "add-router").await;
    assert!(row.contains("gpt-5"), "{row}");
    assert!(!row.contains("Key missing"), "{row}");
    assert_eq!(kept(&stage).await.routers[0].keys, ["openai"]);
    assert_eq!(secrets(&stage).await, 1);

    // The key is not shown again, and stays when something else is changed.
    page.click(&id("open-router")).await;
    page.sees(&id("key-kept")).await;
    page.misses(&id("provider-key")).await;
    write(&page, &id("router-name"), "Two ways").await;
    page.click(&id("add-provider")).await;
    let second = |field: &str| format!("[data-testid=provider]:nth-of-type(2) {}", id(field));
    page.type_into(&second("provider-name"), "near").await;
    page.type_into(&second("provider-address"), "http://127.0.0.1:1/v1")
        .await;
    page.type_into(&second("provider-models"), "m1\nm2").await;
    select(&page, &id("route-background"), "near · m2").await;
    // The route follows its provider to another name.
    write(&page, &second("provider-name"), "nearer").await;
    page.click(&id("save-router")).await;
    page.reads(&id("router-row"), "Two ways").await;
    focused(&page, "open-router").await;
    let router = kept(&stage).await.routers.remove(0);
    assert_eq!((router.version, router.keys.len()), (2, 1));
    let routes = router.settings.routes.expect("there are some");
    assert_eq!(routes.background.as_deref(), Some("nearer,m2"));

    page.click(&id("open-router")).await;
    page.click(&id("remove-key")).await;
    page.sees(&id("key-goes")).await;
    page.click(&id("save-router")).await;
    page.reads(&id("router-row"), "Key missing: openai").await;
    assert_eq!(secrets(&stage).await, 0);

    page.click(&id("router-menu")).await;
    page.click(&id("copy-router")).await;
    page.sees(FORM).await;
    assert_eq!(value(&page, &id("router-name")).await, "Two ways copy");
    page.press(&[key::ESCAPE]).await;
    page.misses(FORM).await;

    page.click(&id("router-menu")).await;
    page.click(&id("remove-router")).await;
    page.reads("dialog", "Remove “Two ways”?").await;
    page.click(&id("confirm")).await;
    page.misses(&id("router-row")).await;
    focused(&page, "add-router").await;
    assert_eq!(kept(&stage).await.routers, []);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_the_first_has_the_focus() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let taken = RouterDraft {
        name: "OpenAI".to_owned(),
        settings: routers::settings(
            RouterKind::CcrV3,
            ProviderProtocol::OpenaiChat,
            "http://127.0.0.1:1",
        ),
    };
    let added = stage
        .engine
        .client
        .post::<serde_json::Value>("/routers", &taken);
    added.await.expect("the router is added");
    let page = stage.page().await;
    open_settings(&page).await;
    page.click(&id("add-router")).await;
    page.click(&id("save-router")).await;
    problem(&page, &id("router-name")).await;
    focused(&page, "router-name").await;
    page.reads(&id("router-told"), "5 fields").await;

    page.click("[data-testid=preset][data-value=openai]").await;
    is_well(&page, &id("router-name")).await;
    write(&page, &id("provider-address"), "http://api.example.com").await;
    write(&page, &id("provider-models"), "good $bad").await;
    page.click(&id("save-router")).await;
    let said = problem(&page, &id("provider-address")).await;
    assert!(said.contains("Use https"), "{said}");
    focused(&page, "provider-address").await;
    let said = problem(&page, &id("provider-models")).await;
    assert!(said.starts_with("$bad: "), "{said}");
    // What is mended is not said any more.
    write(&page, &id("provider-address"), "https://api.example.com").await;
    is_well(&page, &id("provider-address")).await;
    write(&page, &id("provider-models"), "good better").await;
    is_well(&page, &id("provider-models")).await;
    problem(&page, &id("route-background")).await;
    select(&page, &id("route-background"), "As the default").await;
    page.misses("[aria-invalid=true]").await;

    // Only the engine knows this one.
    page.click(&id("save-router")).await;
    let said = problem(&page, &id("router-name")).await;
    assert_eq!(said.trim(), "Another router has this name.");
    focused(&page, "router-name").await;
    page.type_into(&id("router-name"), " 2").await;
    is_well(&page, &id("router-name")).await;

    // What was typed is not lost by one press of Esc.
    page.press(&[key::ESCAPE]).await;
    page.reads(&id("router-told"), "not saved").await;
    page.click(&id("save-router")).await;
    page.misses(FORM).await;
    page.reads(&id("router-row"), "OpenAI 2").await;
    let kept = kept(&stage).await.routers;
    let models = &kept[1].settings.providers[0].models;
    assert_eq!(models[..], ["good", "better"]);
}

#[tokio::test]
async fn without_a_keychain_it_is_said_that_the_settings_are_saved_and_the_key_is_not() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    open_settings(&page).await;
    page.reads(&id("router-program"), "npm install").await;
    start_from(&page, "openrouter").await;
    page.type_into(&id("provider-key"), "sk-1").await;
    page.click(&id("save-router")).await;
    let told = page.reads(&id("router-told"), "settings are saved").await;
    assert!(told.contains("key of openrouter"), "{told}");
    assert!(told.contains("keychain"), "{told}");
    assert_eq!(value(&page, &id("provider-key")).await, "sk-1");
    let kept = kept(&stage).await;
    assert_eq!((kept.routers.len(), kept.routers[0].keys.len()), (1, 0));
    // Once more is a change of the same router.
    page.click(&id("save-router")).await;
    page.reads(&id("router-told"), "settings are saved").await;
    let router = self::kept(&stage).await.routers;
    assert_eq!(router.len(), 1);

    // That was said, so it is not asked again.
    page.click(&id("cancel-router")).await;
    page.misses(FORM).await;
    page.reads(&id("router-row"), "Key missing: openrouter")
        .await;
}

#[tokio::test]
async fn a_session_is_started_through_a_router_and_tells_how_that_is_doing() {
    const KEY: &str = "sk-1";
    let Some(stage) = Stage::with_router("ccr-v1").await else {
        return;
    };
    let provider = routers::provider(KEY);
    let client = &stage.engine.client;
    client.add_project(&stage.repository.path).await;
    let page = stage.page().await;
    page.click(&id("agent-picker")).await;
    page.click("[data-testid=agent-option][data-value=ccr]")
        .await;
    page.sees(&id("router-picker")).await;
    page.click(&id("start-session")).await;
    page.reads(".new-failure", "there is none that it can use")
        .await;

    page.click(&id("help-with-start")).await;
    start_with(&page, &provider.base_url()).await;
    page.type_into(&id("provider-key"), KEY).await;
    page.click(&id("save-router")).await;
    page.misses(FORM).await;
    page.reads(&id("router-picker"), "Anthropic").await;
    page.type_into(&id("session-prompt"), "say: Routed.").await;
    page.click(&id("start-session")).await;
    page.reads(&id("message-agent"), "Routed.").await;
    assert!(!provider.requests().is_empty());
    let details = id("details-router");
    let told = page.reads(&details, "running").await;
    assert!(
        told.contains("Anthropic") && told.contains("CCRouter 1"),
        "{told}"
    );

    // It is used, so it is not removed, and its session is a click away.
    let session = client.sessions().await[0].id;
    page.click(&id("nav-settings")).await;
    page.click(&id("router-menu")).await;
    page.click(&id("remove-router")).await;
    page.sees(&format!("[data-testid=router-users] a[href*='{session}']"))
        .await;
    page.sees("[data-testid=confirm]:disabled").await;
    page.click("[data-testid=router-users] a").await;
    page.sees(&details).await;

    // Whoever has its port now keeps it from being started again.
    let router = router_of(session);
    let port = port_of(router);
    processes::kill(router);
    let taken = loop {
        if let Ok(taken) = TcpListener::bind(("127.0.0.1", port)) {
            break taken;
        }
        tokio::task::yield_now().await;
    };
    let said = page
        .reads("[data-testid=router-notice].is-failed", "does not run")
        .await;
    assert!(said.contains(&port.to_string()), "{said}");
    page.reads(&details, "failed").await;
    drop(taken);
    page.click(&id("restart-router")).await;
    page.misses(&id("router-notice")).await;
    page.reads(&details, "running").await;

    // The choice is remembered for its agent.
    page.click(&id("new-session")).await;
    page.sees("dialog [data-testid=agent-picker][data-value=ccr]")
        .await;
    page.reads("dialog [data-testid=router-picker]", "Anthropic")
        .await;
    page.click("dialog [data-testid=agent-picker]").await;
    page.click("dialog [data-testid=agent-option][data-value=claude]")
        .await;
    page.reads("dialog [data-testid=router-picker]", "No router")
        .await;
}

/// Fills the editor in with a provider on this machine that speaks Anthropic's protocol.
async fn start_with(page: &Page, url: &str) {
    page.click("[data-testid=preset][data-value=anthropic]")
        .await;
    write(page, &id("provider-address"), url).await;
}

/// The process of a session's router.
fn router_of(session: SessionId) -> u32 {
    let mut all = processes::with("BERTH_SESSION_ID", session.to_string()).into_iter();
    let router = all.find(|pid| {
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.contains("/ccr-v")
    });
    router.expect("its router runs")
}

fn port_of(router: u32) -> u16 {
    let variables = fs::read(format!("/proc/{router}/environ")).expect("it runs");
    let variables = String::from_utf8_lossy(&variables).into_owned();
    let port = variables
        .split('\0')
        .find_map(|variable| variable.strip_prefix("BERTH_ROUTER_PORT="));
    let port = port.expect("it is told its port");
    port.parse().expect("the port is a number")
}
