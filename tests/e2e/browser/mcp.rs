//! MCP servers in the UI: added, agreed to with everything before one's eyes, tested, tried, imported.

use std::path::PathBuf;

use berth_protocol::{McpConfiguration, McpList, McpServer, McpState, ToolRule};
use berth_tests::{
    Client,
    oauth::{Fixture, fastmcp},
    processes, programs, skip, this_test,
    webdriver::{Page, id, key},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    form::{focused, is_well, problem, select, value, write},
    stage::Stage,
};

/// The program of a real server, unless it is not installed.
pub fn everything() -> Option<PathBuf> {
    let program = programs::mcp_server("mcp-server-everything");
    if program.is_none() {
        skip(&this_test(), "mcp-server-everything is not installed");
    }
    program
}

pub async fn add(client: &Client, draft: &Value) -> McpConfiguration {
    let made = client.post("/mcp/configurations", draft).await;
    made.expect("it is taken")
}

pub async fn agree(client: &Client, to: &McpConfiguration) -> McpConfiguration {
    let path = format!("/mcp/configurations/{}/consent", to.id);
    let agreed = client.post(&path, &json!({"version": to.version})).await;
    agreed.expect("it is taken")
}

/// Edits a server as somebody else does.
async fn edit(client: &Client, old: &McpConfiguration, draft: &Value) -> McpConfiguration {
    let path = format!("/mcp/configurations/{}", old.id);
    let body = json!({"version": old.version, "configuration": draft});
    let edited = client.request(Method::PUT, &path).json(&body);
    client.value(edited).await.expect("it is taken")
}

async fn kept(stage: &Stage) -> Vec<McpConfiguration> {
    let listed = stage.engine.client.get("/mcp/configurations").await;
    let listed: McpList = listed.expect("they are listed");
    listed.configurations
}

async fn only(stage: &Stage) -> McpConfiguration {
    let mut all = kept(stage).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

pub async fn open_mcp(page: &Page) {
    page.click(&id("nav-mcp")).await;
    page.sees(&id("add-mcp")).await;
}

/// What shows that a server stands like this.
pub fn stands(standing: &str) -> String {
    format!("[data-testid=mcp-standing][data-standing={standing}]")
}

#[tokio::test]
async fn a_server_is_added_agreed_to_tested_and_its_tools_are_tried() {
    let (Some(program), Some(stage)) = (everything(), Stage::new().await) else {
        return;
    };
    let page = stage.page().await;
    open_mcp(&page).await;
    page.reads(".mcp-none", "No MCP servers yet").await;
    page.click(&id("add-mcp")).await;
    focused(&page, "mcp-name").await;
    page.type_into(&id("mcp-name"), "everything").await;
    page.type_into(&id("mcp-command-field"), &program.display().to_string())
        .await;
    page.type_into(&id("mcp-args"), "stdio").await;
    select(&page, &id("mcp-given-agent"), "Codex").await;
    let given = page.reads(&id("mcp-given"), "mcp_servers.everything").await;
    assert!(given.contains("TOKEN-OF-THE-RUN"), "{given}");
    // Whom it is not meant for gets nothing of it.
    let claude = "[data-testid=target-agent][data-value=claude]";
    page.click(claude).await;
    page.reads(&id("mcp-given"), "Codex's sessions are not given it")
        .await;
    page.click(claude).await;
    page.reads(&id("mcp-given"), "mcp_servers.everything").await;
    page.type_into(&id("mcp-env"), "MARK=browser-everything")
        .await;
    // What costs money or is private is not offered unasked.
    page.click(&id("mcp-roots")).await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    focused(&page, "add-mcp").await;
    let offers = only(&stage).await.draft.offers;
    assert!(offers.roots && !offers.sampling, "{offers:?}");
    page.sees(&stands("needs-consent")).await;
    page.reads(&id("mcp-command"), &program.display().to_string())
        .await;
    assert!(!only(&stage).await.consented);

    // Esc is no consent, and nothing has started.
    page.click(&id("test-mcp")).await;
    page.reads(&id("consent-command"), &program.display().to_string())
        .await;
    page.reads(&id("consent-arg"), "stdio").await;
    page.reads(&id("consent-given"), "MARK=browser-everything")
        .await;
    focused(&page, "mcp-consent").await;
    page.press(&[key::ESCAPE]).await;
    page.misses(&id("mcp-consent")).await;
    focused(&page, "test-mcp").await;
    assert!(!only(&stage).await.consented);
    assert_eq!(processes::with("MARK", "browser-everything"), [0; 0]);

    page.click(&id("test-mcp")).await;
    page.click(&id("agree")).await;
    page.sees(&stands("connected")).await;
    let said = page.reads(&id("mcp-said"), "listed its tools in").await;
    assert!(
        said.contains("protocol 2025-") && said.contains(" tools"),
        "{said}"
    );
    focused(&page, "test-mcp").await;
    assert_eq!(processes::with("MARK", "browser-everything"), [0; 0]);
    let McpState::Connected { tools, .. } = only(&stage).await.state else {
        panic!("it was noted");
    };
    assert!(said.contains(&format!("{tools} tools")), "{said}");

    page.click(&id("open-mcp-tools")).await;
    focused(&page, "mcp-tool-search").await;
    assert_eq!(
        page.count(&id("mcp-tool-choice")).await,
        u64::from(tools),
        "all of them are there"
    );
    try_tools(&page).await;
    page.press(&[key::ESCAPE]).await;
    page.misses(&id("mcp-browser")).await;
    focused(&page, "open-mcp-tools").await;

    page.click(&id("switch-mcp")).await;
    page.sees(&stands("disabled")).await;
    assert!(!only(&stage).await.draft.enabled);
    // What was changed may be seen before the page has its answer, and until then the button pays no heed.
    page.misses(".mcp-actions[aria-busy]").await;
    page.click(&id("switch-mcp")).await;
    page.misses(&stands("disabled")).await;
    assert!(only(&stage).await.draft.enabled);
    focused(&page, "switch-mcp").await;

    page.click(&id("remove-mcp")).await;
    page.reads("dialog", "“everything”").await;
    page.click(&id("confirm")).await;
    page.misses(&id("mcp-card")).await;
    focused(&page, "add-mcp").await;
    assert_eq!(kept(&stage).await, []);
}

/// Finds a tool that takes a text and one that takes numbers, and calls both.
async fn try_tools(page: &Page) {
    page.type_into(&id("mcp-tool-search"), "ECHO").await;
    page.misses("[data-testid=mcp-tool-choice][data-value=get-sum]")
        .await;
    page.click("[data-testid=mcp-tool-choice][data-value=echo]")
        .await;
    page.reads(&id("mcp-tool-text"), "cho").await;
    page.reads(&id("mcp-schema"), "\"message\"").await;
    page.type_into(&id("mcp-argument"), "hello \"there\"").await;
    page.press(&[key::CONTROL, key::ENTER]).await;
    page.reads(&id("mcp-answer-text"), "hello \"there\"").await;

    write(page, &id("mcp-tool-search"), "sum").await;
    page.click("[data-testid=mcp-tool-choice][data-value=get-sum]")
        .await;
    page.reads(&id("mcp-tool"), "get-sum").await;
    let argument =
        |nth: usize| format!(".mcp-try .field:nth-child({nth}) [data-testid=mcp-argument]");
    page.type_into(&argument(1), "two").await;
    page.click(&id("call-mcp-tool")).await;
    assert!(problem(page, &argument(1)).await.contains("number"));
    assert!(problem(page, &argument(2)).await.contains("needs it"));
    assert_eq!(page.count(&id("mcp-answer-text")).await, 0);
    write(page, &argument(1), "2").await;
    page.type_into(&argument(2), "40.5").await;
    page.click(&id("call-mcp-tool")).await;
    page.reads(&id("mcp-answer-text"), "42.5").await;
    page.misses(".mcp-try [aria-invalid=true]").await;
    write(page, &id("mcp-tool-search"), "no such tool").await;
    page.sees(&id("no-tool-found")).await;
    // The first Esc empties the search.
    page.press(&[key::ESCAPE]).await;
    page.misses(&id("no-tool-found")).await;
}

#[tokio::test]
async fn what_the_engine_does_not_take_stands_at_its_field() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("add-mcp")).await;
    page.type_into(&id("mcp-name"), "a b").await;
    select(&page, &id("mcp-kind"), "Address (http)").await;
    page.type_into(&id("mcp-url"), "http://example.com/mcp")
        .await;
    page.type_into(&id("mcp-headers"), "no header").await;
    page.click(&id("save-mcp")).await;
    let said = problem(&page, &id("mcp-headers")).await;
    assert!(
        said.contains("Line 1") && said.contains("Name: value"),
        "{said}"
    );
    write(&page, &id("mcp-headers"), "X-Team: harbor").await;
    is_well(&page, &id("mcp-headers")).await;

    page.click(&id("save-mcp")).await;
    let said = problem(&page, &id("mcp-name")).await;
    assert!(said.contains("letters, digits"), "{said}");
    let said = problem(&page, &id("mcp-url")).await;
    assert!(said.contains("https"), "{said}");
    focused(&page, "mcp-name").await;
    assert_eq!(kept(&stage).await, []);
    write(&page, &id("mcp-name"), "docs").await;
    write(&page, &id("mcp-url"), "https://example.com/mcp").await;
    select(&page, &id("mcp-auth"), "With OAuth").await;
    page.type_into(&id("mcp-scopes"), "read write").await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    let made = only(&stage).await;
    let McpServer::Http { url, headers, .. } = &made.draft.server else {
        panic!("{made:?}");
    };
    assert_eq!(url, "https://example.com/mcp");
    assert_eq!(headers["X-Team"], "harbor");
    assert_eq!(
        serde_json::to_value(&made.draft.auth).expect("it is JSON"),
        json!({"type": "oauth", "provider": "discovered", "client_id": null, "scopes": ["read", "write"]})
    );

    page.click(&id("add-mcp")).await;
    page.type_into(&id("mcp-name"), "docs").await;
    page.type_into(&id("mcp-command-field"), "/bin/cat").await;
    page.click(&id("save-mcp")).await;
    let said = problem(&page, &id("mcp-name")).await;
    assert!(said.contains("has this name"), "{said}");
    // Esc asks once before what was typed is lost.
    page.press(&[key::ESCAPE]).await;
    page.reads(&id("mcp-editor-told"), "not saved").await;
    page.press(&[key::ESCAPE]).await;
    page.misses(&id("mcp-form")).await;
    assert_eq!(kept(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_secret_goes_to_the_keychain_and_is_never_seen_again() {
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let keychain = stage.keychain.as_ref().expect("the stage has one");
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("add-mcp")).await;
    page.type_into(&id("mcp-name"), "files").await;
    page.type_into(&id("mcp-command-field"), "/bin/cat").await;
    page.click(&id("add-mcp-secret")).await;
    focused(&page, "mcp-secret-name").await;
    page.click(&id("save-mcp")).await;
    assert!(
        problem(&page, &id("mcp-secret-name"))
            .await
            .contains("name")
    );
    page.type_into(&id("mcp-secret-name"), "API_KEY").await;
    page.type_into(&id("mcp-secret-value"), "s3cret-one").await;
    let hidden = "return document.querySelector(arguments[0]).type === 'password'";
    assert_eq!(page.eval(hidden, &[&id("mcp-secret-value")]).await, true);
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    let made = only(&stage).await;
    assert!(made.kept_secrets.contains("env/API_KEY"), "{made:?}");
    assert_eq!(keychain.count().await, 1);

    page.click(&id("edit-mcp")).await;
    page.reads(&id("key-kept"), "In the keychain").await;
    assert_eq!(page.count(&id("mcp-secret-value")).await, 0);
    page.click(&id("replace-key")).await;
    page.type_into(&id("mcp-secret-value"), "s3cret-two").await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    assert_eq!(keychain.count().await, 1);

    page.click(&id("edit-mcp")).await;
    page.reads(&id("key-kept"), "In the keychain").await;
    let shown = "return document.documentElement.outerHTML.includes('s3cret') ||
        [...document.querySelectorAll('input, textarea')].some(field => field.value.includes('s3cret'))";
    assert_eq!(page.eval(shown, &[]).await, false);
    page.click(&id("remove-key")).await;
    page.reads(&id("key-goes"), "when you save").await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    assert_eq!(keychain.count().await, 0);
    // What is missing is told once the server could be started.
    agree(&stage.engine.client, &only(&stage).await).await;
    page.sees(&stands("secret-missing")).await;
    page.reads(&id("mcp-told"), "API_KEY").await;
    page.click(&id("enter-mcp-secret")).await;
    page.type_into(&id("mcp-secret-value"), "s3cret-three")
        .await;
    page.press(&[key::CONTROL, key::ENTER]).await;
    page.misses(&id("mcp-form")).await;
    page.sees(&stands("untried")).await;
    assert_eq!(keychain.count().await, 1);
}

#[tokio::test]
async fn an_import_shows_all_of_it_first_and_starts_nothing() {
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let into = stage.repository.path.join("started");
    let file = json!({"mcpServers": {
        "files": {"command": "touch", "args": [into, "a b"], "env": {"API_KEY": "sk-123"}},
        "more": {"command": "touch", "args": [into], "env": {"MODE": "quick"}},
        "web": {"type": "http", "url": "http://example.com/mcp"},
        "odd": 3,
    }, "projects": {"/home/me/shop": {"mcpServers": {
        "shop": {"type": "http", "url": "http://example.com/mcp"},
    }}}});
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("import-mcp")).await;
    page.reads(&id("mcp-import-places"), "~/.claude.json").await;
    page.type_into(&id("mcp-import-text"), "{").await;
    page.click(&id("mcp-import-read")).await;
    page.sees("dialog .inline-failure").await;
    write(&page, &id("mcp-import-text"), &file.to_string()).await;
    page.click(&id("mcp-import-read")).await;
    let row =
        |name: &str, inner: &str| format!("[data-testid=mcp-import-row][data-name={name}] {inner}");
    let told = page.reads(&row("files", ""), "API_KEY").await;
    assert!(told.contains("touch") && told.contains("a b"), "{told}");
    assert!(!told.contains("sk-123"), "{told}");
    page.reads(
        &row("files", &id("import-given")),
        "API_KEY in the keychain",
    )
    .await;
    page.reads(&row("more", &id("import-given")), "MODE=quick")
        .await;
    page.reads(&row("web", ""), "https").await;
    page.reads(&row("odd", ""), "cannot be imported").await;
    page.reads(&row("shop", ""), "/home/me/shop").await;
    for name in ["web", "odd", "shop"] {
        page.sees(&row(name, "[data-testid=mcp-import-choice]:disabled"))
            .await;
    }
    page.reads(&id("mcp-import-add"), "Add 2 servers").await;
    page.click(&row("more", &id("mcp-import-choice"))).await;
    page.reads(&id("mcp-import-add"), "Add 1 server").await;
    page.click(&id("mcp-import-add")).await;
    focused(&page, "mcp-import-secret").await;
    let made = only(&stage).await;
    assert_eq!(made.draft.name, "files");
    assert!(!made.consented);
    page.type_into(&id("mcp-import-secret"), "sk-456").await;
    page.click(&id("mcp-import-store")).await;
    page.misses("dialog").await;
    assert!(only(&stage).await.kept_secrets.contains("env/API_KEY"));
    page.sees(&stands("needs-consent")).await;

    // The same name a second time is told at its row, and another one can be given.
    page.click(&id("import-mcp")).await;
    write(&page, &id("mcp-import-text"), &file.to_string()).await;
    page.click(&id("mcp-import-read")).await;
    page.click(&row("more", &id("mcp-import-choice"))).await;
    page.click(&id("mcp-import-add")).await;
    page.reads(&row("files", ""), "name").await;
    write(&page, &row("files", &id("mcp-import-name")), "other").await;
    page.click(&id("mcp-import-add")).await;
    page.click(&id("mcp-import-later")).await;
    page.misses("dialog").await;
    let names: Vec<_> = kept(&stage).await;
    let names: Vec<_> = names.iter().map(|it| it.draft.name.as_str()).collect();
    assert_eq!(names, ["files", "other"]);
    assert!(!into.exists(), "nothing was started");
}

#[tokio::test]
async fn who_is_late_is_told_and_loses_nothing_unasked() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let client = &stage.engine.client;
    let draft =
        |command: &str| json!({"name": "files", "server": {"type": "stdio", "command": command}});
    let first = add(client, &draft("/bin/one")).await;
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("edit-mcp")).await;
    // Nothing was typed, so the form follows.
    let second = edit(client, &first, &draft("/bin/two")).await;
    let follows = "return document.querySelector(arguments[0])?.value === arguments[1]";
    page.until_js(
        "the form follows",
        follows,
        &[&id("mcp-command-field"), "/bin/two"],
    )
    .await;
    write(&page, &id("mcp-command-field"), "/bin/mine").await;
    let third = edit(client, &second, &draft("/bin/three")).await;
    page.reads(&id("mcp-command"), "/bin/three").await;
    page.click(&id("save-mcp")).await;
    page.reads(&id("mcp-editor-told"), "Somebody else").await;
    assert_eq!(value(&page, &id("mcp-command-field")).await, "/bin/mine");
    assert_eq!(only(&stage).await.version, third.version);
    page.click(&id("take-theirs")).await;
    assert_eq!(value(&page, &id("mcp-command-field")).await, "/bin/three");
    write(&page, &id("mcp-command-field"), "/bin/mine").await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    let mine = only(&stage).await;
    assert_eq!(mine.version, third.version + 1);

    // Consent is to what was shown, and not to what took its place.
    page.click(&id("review-mcp")).await;
    page.reads(&id("consent-command"), "/bin/mine").await;
    edit(client, &mine, &draft("/bin/evil")).await;
    page.reads(&id("mcp-command"), "/bin/evil").await;
    page.reads(&id("consent-command"), "/bin/mine").await;
    page.click(&id("agree")).await;
    page.click(&id("show-now")).await;
    page.reads(&id("consent-command"), "/bin/evil").await;
    assert!(!only(&stage).await.consented);
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;

    let path = format!(
        "/mcp/configurations/{}?version={}",
        mine.id,
        mine.version + 1
    );
    client.delete(&path).await.expect("it is removed");
    page.misses(&id("mcp-card")).await;
    page.reads(".mcp-none", "No MCP servers yet").await;
}

#[tokio::test]
async fn nothing_hides_in_a_command_and_why_it_failed_is_told() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let client = &stage.engine.client;
    let script = "echo no such luck >&2; exit 3";
    let server = json!({"type": "stdio", "command": "/bin/bash",
        "args": ["-c", script, "a\u{202e}b", "  ", ""], "env": {"A": "1"}});
    let made = add(
        client,
        &json!({"name": "broken", "enabled": false, "server": server}),
    )
    .await;
    let page = stage.page().await;
    open_mcp(&page).await;
    page.sees(&stands("disabled")).await;
    page.click(&id("switch-mcp")).await;
    let shown =
        "return [...document.querySelectorAll('[data-testid=consent-arg]')].map(e => e.innerText)";
    page.sees(&id("consent-arg")).await;
    assert_eq!(
        page.eval(shown, &[]).await,
        json!(["-c", script, "aU+202Eb", "U+0020U+0020", "empty"])
    );
    page.reads(&id("consent-given"), "A=1").await;
    page.click(&id("agree")).await;
    page.misses("dialog").await;
    page.misses(&stands("disabled")).await;
    let now = only(&stage).await;
    assert!(now.consented && now.draft.enabled, "{now:?}");

    page.click(&id("test-mcp")).await;
    page.sees(&stands("failed")).await;
    let told = page.reads(&id("mcp-problem"), "no such luck").await;
    assert!(told.contains("Check its command"), "{told}");
    // It is still told when the page is opened anew.
    page.open(&stage.engine.page()).await;
    open_mcp(&page).await;
    page.reads(&id("mcp-problem"), "no such luck").await;
    assert_eq!(only(&stage).await.id, made.id);
}

/// A server that is signed in to with OAuth, agreed to.
async fn guarded(stage: &Stage, url: &str, auth: &Value) -> McpConfiguration {
    let server = json!({"type": "http", "url": url});
    let draft = json!({"name": "guarded", "server": server, "auth": auth});
    let made = add(&stage.engine.client, &draft).await;
    agree(&stage.engine.client, &made).await
}

#[tokio::test]
async fn somebody_signs_in_to_a_real_server_in_the_browser_and_out_again() {
    let Some(server) = fastmcp().await else {
        return;
    };
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let keychain = stage.keychain.as_ref().expect("the stage has one");
    // Nobody has said yet that it is signed in to; it says so itself.
    guarded(
        &stage,
        &format!("{}/mcp", server.base),
        &json!({"type": "none"}),
    )
    .await;
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("test-mcp")).await;
    page.sees(&stands("needs-sign-in")).await;
    page.click(&id("sign-in-mcp")).await;
    // The page that opens follows every redirect up to the engine, which then tries the server.
    page.sees(&stands("connected")).await;
    page.reads(&id("mcp-said"), "1 tool").await;
    page.misses(&id("mcp-signing-in")).await;
    assert!(only(&stage).await.is_signed_in());
    assert!(keychain.count().await > 0);

    page.click(&id("sign-out-mcp")).await;
    page.reads(&id("toasts"), "You are signed out of guarded")
        .await;
    page.misses(&id("sign-out-mcp")).await;
    page.reads(&id("mcp-told"), "Nobody is signed in to it")
        .await;
    assert_eq!(keychain.count().await, 0);
}

#[tokio::test]
async fn a_sign_in_that_nobody_ends_can_be_cancelled_and_what_is_kept_cleared() {
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let keychain = stage.keychain.as_ref().expect("the stage has one");
    let fixture = Fixture::start().await;
    // Its page leads nowhere, and leaves the page of Berth in sight.
    fixture.change("/authorize", |answer| {
        answer.status = 200;
        answer.headers.clear();
        answer.set("content-type", "text/html");
        answer.body = json!("<script>close()</script>");
    });
    guarded(&stage, &fixture.mcp(), &json!({"type": "oauth"})).await;
    let page = stage.page().await;
    open_mcp(&page).await;
    page.reads(&id("mcp-told"), "Nobody is signed in to it")
        .await;
    page.click(&id("sign-in-mcp")).await;
    page.sees(&stands("signing-in")).await;
    let said = page.reads(&id("mcp-signing-in"), "sign-in page of").await;
    assert!(said.contains(&fixture.base), "{said}");
    page.click(&id("cancel-sign-in")).await;
    page.misses(&id("mcp-signing-in")).await;
    assert_eq!(only(&stage).await.signing_in, None);
    focused(&page, "test-mcp").await;

    fixture.change("/authorize", |_| ());
    page.click(&id("sign-in-mcp")).await;
    page.sees(&stands("connected")).await;
    page.click(&id("clear-mcp")).await;
    page.reads("dialog", "Its settings stay").await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    assert!(only(&stage).await.is_signed_in());
    page.click(&id("clear-mcp")).await;
    page.click("dialog .button-danger").await;
    page.misses("dialog").await;
    page.sees(&stands("untried")).await;
    assert!(only(&stage).await.kept_secrets.is_empty());
    assert_eq!(keychain.count().await, 0);
}

#[tokio::test]
async fn a_tool_that_shall_be_asked_about_is_and_its_arguments_are_seen() {
    let (Some(program), Some(stage)) = (everything(), Stage::new().await) else {
        return;
    };
    let client = &stage.engine.client;
    berth_tests::mcp::add_agent(&stage.engine).await;
    let server = json!({"type": "stdio", "command": program, "args": ["stdio"]});
    let draft = json!({"name": "everything", "server": server});
    let made = add(client, &draft).await;
    agree(client, &made).await;
    let page = stage.page().await;
    open_mcp(&page).await;
    page.click(&id("test-mcp")).await;
    page.sees(&stands("connected")).await;
    page.click(&id("open-mcp-tools")).await;
    page.click("[data-testid=mcp-tool-choice][data-value=echo]")
        .await;
    page.reads(&id("mcp-tool-text"), "Echoes back").await;
    select(&page, &id("mcp-rule"), "Ask me").await;
    let ruled = client.until("the rule is kept", async || {
        let now = only(&stage).await;
        (now.draft.rules.of("echo") == ToolRule::Ask).then_some(now)
    });
    let ruled = ruled.await;
    assert_eq!(ruled.draft.rules.of("get-sum"), ToolRule::Allow);
    // The page has its answer too: whoever edits the server then has seen the rule.
    page.misses(".mcp-rule[aria-busy]").await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    // Whoever edits it otherwise loses no rule.
    page.click(&id("edit-mcp")).await;
    write(&page, &id("mcp-name"), "all").await;
    page.click(&id("save-mcp")).await;
    page.misses(&id("mcp-form")).await;
    assert_eq!(only(&stage).await.draft.rules, ruled.draft.rules);

    let place = stage.repository.path.clone();
    let (session, given) = berth_tests::mcp::session_in(client, &place, "all").await;
    let given = given.expect("it is given the server");
    let connection = given.connect().await;
    let arguments = json!({"message": "ahoy there"});
    let called = connection.call("echo", arguments.as_object().cloned());
    let answered = async {
        page.click(&format!("[data-session='{}'] a", session.id))
            .await;
        let question = page.reads(".approval-question", "echo").await;
        assert!(question.contains("ahoy there"), "{question}");
        page.click("[data-testid=approval-option]:nth-of-type(2)")
            .await;
        page.misses(&id("approval")).await;
    };
    let (called, ()) = tokio::join!(called, answered);
    let called = called.expect("it is called");
    assert!(called.to_string().contains("ahoy there"), "{called}");
    let again = connection
        .call("echo", arguments.as_object().cloned())
        .await;
    again.expect("it is not asked about again");
    // The list of what happens is the page's own: nobody has loaded it again.
    page.reads(&id("activity"), "Tool echo answered in").await;
    let tools = page.reads(&id("details-tools"), " tools").await;
    assert!(tools.contains("all"), "{tools}");
    connection.close().await;
}
