//! What messages look like: their Markdown, and what an agent does besides speaking.

use berth_tests::{programs, skip, this_test, webdriver::id};
use serde_json::Value;

use crate::stage::{Agent, Stage, add_project};

#[tokio::test]
async fn markdown_is_drawn_and_nothing_of_it_is_trusted() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    page.sees(&id("first-run")).await;
    let cases = [
        (
            "a <img src=x onerror=alert(1)> b\n\n<script>alert(1)</script>",
            "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>|&lt;script&gt;alert(1)&lt;/script&gt;",
        ),
        (
            "[a](javascript:alert(1)) [b](https://example.org/?x=\"y) ![c](file:///etc/passwd)",
            "<p><a class=\"md-dead\" title=\"javascript:alert(1)\">a</a> \
             <a rel=\"noreferrer noopener\" href=\"https://example.org/?x=&quot;y\">b</a> \
             <a class=\"md-dead\" title=\"file:///etc/passwd\">c</a></p>",
        ),
        (
            "```rust\nlet x = \"<a>\";\n\n\nif a > b { | }\n```\nand `b&c`",
            "<div class=\"md-code\"><div class=\"md-code-bar\"><span>rust</span><button type=\"button\" \
             class=\"md-copy\" data-copy-code>Copy</button></div><pre tabindex=\"0\"><code>let x = \
             &quot;&lt;a&gt;&quot;;\n\n\nif a &gt; b { | }\n</code></pre></div>|<p>and <code>b&amp;c</code></p>",
        ),
        (
            "# T\n| h |\n|---|\n| c |",
            "<h3>T</h3>|<div class=\"md-table\"><table><thead><tr><th>h</th></tr></thead><tbody><tr>\
             <td>c</td></tr></tbody></table></div>",
        ),
    ];
    for (source, expected) in cases {
        let script = "return berthMarkdown(arguments[0], 'Copy').join('|')";
        let html = page.eval(script, &[source]).await;
        assert_eq!(html, Value::from(expected), "{source}");
    }
    // What grows redraws only its last block.
    let script = "const [a, b] = [...arguments].map((text) => berthMarkdown(text, 'Copy'));\
                  return a.length === 3 && a[0] === b[0] && a[1] === b[1] && a[2] !== b[2]";
    let grown = page
        .eval(script, &["one\n\ntwo\n\nthr", "one\n\ntwo\n\nthree `x`"])
        .await;
    assert_eq!(grown, Value::Bool(true));
}

#[tokio::test]
async fn an_agent_over_acp_is_chosen_asked_and_seen_at_work() {
    if programs::agent("claude-agent-acp").is_none() {
        return skip(&this_test(), "claude-agent-acp is not installed");
    }
    let Some(stage) = Stage::with(Agent::Claude).await else {
        return;
    };
    let page = stage.page().await;
    page.reads("[data-testid=agent-row][data-agent=claude]", "Ready")
        .await;
    add_project(&page, &stage.repository.path).await;
    page.type_into(&id("session-prompt"), "write: plan.txt: one")
        .await;
    page.click(&id("agent-picker")).await;
    page.click("[data-testid=agent-option][data-value=claude]")
        .await;
    page.click(&id("transport-picker")).await;
    page.click("[data-testid=transport-option][data-value=acp]")
        .await;
    page.reads(&id("transport-picker"), "ACP").await;
    page.click(&id("start-session")).await;

    page.sees("[data-testid=status][data-status=needs_attention]")
        .await;
    page.reads(&id("approval"), "plan.txt").await;
    page.click(&id("approval-option")).await;
    page.sees("[data-testid=status][data-status=waiting]").await;
    page.reads(&id("message-agent"), "Wrote plan.txt").await;
    page.reads(".aside.tool.is-completed summary", "plan.txt")
        .await;
    page.click(".aside.tool summary").await;
    page.reads(".change .is-added", "+one").await;

    page.click(&id("tab-terminal")).await;
    let found = |text: &str| text.contains("> write: plan.txt: one").then_some(());
    page.terminal("the account of the conversation", found)
        .await;
}
