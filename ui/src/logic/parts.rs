//! A message as blocks of HTML.
//!
//! Each block is drawn by itself, so that a message that grows redraws only what has changed.

use berth_protocol::{Part, StepState, ToolCall, ToolOutput, ToolState};

use crate::logic::patch::{self, RowKind};
use crate::strings::t;

/// Mark of the button that copies a code block; the page listens for clicks on it.
pub const COPY_MARK: &str = "data-copy-code";

/// The blocks of a message: those of its parts, else of its content. `markdown` gives the blocks of a
/// text.
pub fn blocks(
    parts: &[Part],
    content: &str,
    markdown: &dyn Fn(&str) -> Vec<String>,
) -> Vec<String> {
    if parts.is_empty() {
        return markdown(content);
    }
    let mut blocks = Vec::new();
    for part in parts {
        match part {
            Part::Text { text } => blocks.append(&mut markdown(text)),
            Part::Thought { text } => {
                let inside = markdown(text).concat();
                blocks.push(details("thought", "", t().thoughts, &inside));
            }
            Part::Plan { steps } => {
                let mut list = String::from("<ul class=\"plan\">");
                for step in steps {
                    let (state, mark) = match step.state {
                        StepState::Pending => ("pending", "○"),
                        StepState::InProgress => ("in-progress", "◐"),
                        StepState::Completed => ("completed", "●"),
                    };
                    let text = escaped(&step.text);
                    list.push_str(
                        &["<li class=\"is-", state, "\">", mark, " ", &text, "</li>"].concat(),
                    );
                }
                list.push_str("</ul>");
                blocks.push(list);
            }
            Part::Tool(call) => blocks.push(tool(call, markdown)),
            Part::Notice { text } => {
                blocks.push(["<p class=\"turn-notice\">", &escaped(text), "</p>"].concat());
            }
        }
    }
    blocks
}

fn tool(call: &ToolCall, markdown: &dyn Fn(&str) -> Vec<String>) -> String {
    let (class, state) = match call.state {
        ToolState::Pending => ("is-pending", t().tool_pending),
        ToolState::InProgress => ("is-in-progress", t().tool_running),
        ToolState::Completed => ("is-completed", t().tool_done),
        ToolState::Failed => ("is-failed", t().tool_failed),
    };
    let mut inside = String::new();
    for output in &call.output {
        match output {
            ToolOutput::Text { text } => inside.push_str(&markdown(text).concat()),
            ToolOutput::Diff { path, patch } => {
                inside.push_str("<p class=\"tool-path\">");
                inside.push_str(&escaped(path));
                inside.push_str("</p>");
                inside.push_str(&change(patch));
            }
        }
    }
    let title = ["tool ", class].concat();
    details(&title, state, &call.title, &inside)
}

/// Something that is opened to be read; without anything inside, only its title.
fn details(class: &str, state: &str, title: &str, inside: &str) -> String {
    let (open, close, title_open, title_close) = if inside.is_empty() {
        ("<div", "</div>", "<p>", "</p>")
    } else {
        ("<details", "</details>", "<summary>", "</summary>")
    };
    let mut html = [
        open,
        " class=\"aside ",
        class,
        "\">",
        title_open,
        &escaped(title),
    ]
    .concat();
    if !state.is_empty() {
        html.push_str(&["<span class=\"aside-state\">", state, "</span>"].concat());
    }
    html.push_str(&[title_close, inside, close].concat());
    html
}

fn change(patch: &str) -> String {
    let mut html = String::from("<pre class=\"change\" tabindex=\"0\">");
    for row in patch::rows(patch) {
        if row.kind == RowKind::Hunk && row.text.is_empty() {
            continue;
        }
        let (class, mark) = match row.kind {
            RowKind::Hunk => ("is-hunk", ""),
            RowKind::Context => ("", " "),
            RowKind::Added => ("is-added", "+"),
            RowKind::Removed => ("is-removed", "-"),
            RowKind::Note => ("is-note", ""),
        };
        let text = escaped(&row.text);
        html.push_str(&["<span class=\"", class, "\">", mark, &text, "\n</span>"].concat());
    }
    html.push_str("</pre>");
    html
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}

/// The address leads to the web and nowhere else.
pub fn is_web(address: &str) -> bool {
    let lower = address.trim().to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use berth_protocol::PlanStep;
    use expect_test::{Expect, expect};

    use super::*;

    fn check(parts: &[Part], expected: Expect) {
        let markdown = |text: &str| vec![["<p>", &escaped(text), "</p>"].concat()];
        expected.assert_eq(&blocks(parts, "unused", &markdown).join("\n"));
    }

    #[test]
    fn what_an_agent_writes_is_text_everywhere() {
        let bad = "<img src=x onerror=\"alert(1)\">".to_owned();
        let step = PlanStep {
            text: bad.clone(),
            state: StepState::InProgress,
        };
        check(
            &[
                Part::Plan { steps: vec![step] },
                Part::Notice { text: bad.clone() },
                Part::Tool(ToolCall {
                    id: "1".to_owned(),
                    title: bad.clone(),
                    tool: "edit".to_owned(),
                    state: ToolState::Failed,
                    paths: Vec::new(),
                    output: vec![ToolOutput::Diff {
                        path: bad.clone(),
                        patch: format!("@@ -1 +1 @@\n-{bad}\n+b\n"),
                    }],
                }),
            ],
            expect![[r#"
                <ul class="plan"><li class="is-in-progress">◐ &lt;img src=x onerror=&quot;alert(1)&quot;&gt;</li></ul>
                <p class="turn-notice">&lt;img src=x onerror=&quot;alert(1)&quot;&gt;</p>
                <details class="aside tool is-failed"><summary>&lt;img src=x onerror=&quot;alert(1)&quot;&gt;<span class="aside-state">failed</span></summary><p class="tool-path">&lt;img src=x onerror=&quot;alert(1)&quot;&gt;</p><pre class="change" tabindex="0"><span class="is-removed">-&lt;img src=x onerror=&quot;alert(1)&quot;&gt;
                </span><span class="is-added">+b
                </span></pre></details>"#]],
        );
    }

    #[test]
    fn parts_stand_in_their_order() {
        check(
            &[
                Part::Thought {
                    text: "hm".to_owned(),
                },
                Part::Text {
                    text: "one".to_owned(),
                },
                Part::Tool(ToolCall {
                    id: "1".to_owned(),
                    title: "Read a.txt".to_owned(),
                    tool: "read".to_owned(),
                    state: ToolState::InProgress,
                    paths: Vec::new(),
                    output: Vec::new(),
                }),
                Part::Text {
                    text: "two".to_owned(),
                },
            ],
            expect![[r#"
                <details class="aside thought"><summary>Thoughts</summary><p>hm</p></details>
                <p>one</p>
                <div class="aside tool is-in-progress"><p>Read a.txt<span class="aside-state">running</span></p></div>
                <p>two</p>"#]],
        );
    }
}
