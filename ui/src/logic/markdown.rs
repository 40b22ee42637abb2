//! Markdown of messages as safe HTML.
//!
//! What an agent writes is not trusted: raw HTML is shown as text, links lead only to the web and
//! images become links. The result comes in blocks, so that a message that grows redraws only its
//! last block.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Mark of the button that copies a code block; the page listens for clicks on it.
pub const COPY_MARK: &str = "data-copy-code";

/// The blocks of a message, each as HTML of its own.
pub fn blocks(source: &str, copy_label: &str) -> Vec<String> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer = Writer {
        copy_label,
        ..Writer::default()
    };
    for event in Parser::new_ext(source, options) {
        writer.event(event);
    }
    writer.finish()
}

#[derive(Default)]
struct Writer<'a> {
    copy_label: &'a str,
    blocks: Vec<String>,
    html: String,
    depth: usize,
    in_table_head: bool,
    in_code: bool,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                self.start(tag);
            }
            Event::End(tag) => {
                self.end(tag);
                self.depth -= 1;
            }
            Event::Text(text) => self.text(&text),
            Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(done) => self.html.push_str(if done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
        }
        if self.depth == 0 && !self.html.is_empty() {
            self.blocks.push(std::mem::take(&mut self.html));
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::CodeBlock(kind) => self.code_start(&kind),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.link(&dest_url),
            Tag::List(Some(first)) if first != 1 => {
                self.html.push_str(&format!("<ol start=\"{first}\">"));
            }
            Tag::Table(_) => self.html.push_str("<div class=\"md-table\"><table>"),
            Tag::TableHead => {
                self.in_table_head = true;
                self.html.push_str("<thead><tr>");
            }
            Tag::TableCell => self
                .html
                .push_str(if self.in_table_head { "<th>" } else { "<td>" }),
            other => self.open(name(&other.to_end())),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.html.push_str("</code></pre></div>");
            }
            TagEnd::Link | TagEnd::Image => self.html.push_str("</a>"),
            TagEnd::Table => self.html.push_str("</tbody></table></div>"),
            TagEnd::TableHead => {
                self.in_table_head = false;
                self.html.push_str("</tr></thead><tbody>");
            }
            TagEnd::TableCell => {
                self.html
                    .push_str(if self.in_table_head { "</th>" } else { "</td>" });
            }
            other => self.close(name(&other)),
        }
    }

    fn open(&mut self, name: &str) {
        if !name.is_empty() {
            self.html.push_str(&format!("<{name}>"));
        }
    }

    fn close(&mut self, name: &str) {
        if !name.is_empty() {
            self.html.push_str(&format!("</{name}>"));
        }
    }

    fn code_start(&mut self, kind: &CodeBlockKind<'_>) {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        self.html
            .push_str("<div class=\"md-code\"><div class=\"md-code-bar\"><span>");
        self.text(language);
        self.html
            .push_str("</span><button type=\"button\" class=\"md-copy\" ");
        self.html.push_str(COPY_MARK);
        self.html.push('>');
        self.text(self.copy_label);
        self.html
            .push_str("</button></div><pre tabindex=\"0\"><code>");
        self.in_code = true;
    }

    fn link(&mut self, address: &str) {
        if is_web(address) {
            self.html.push_str("<a rel=\"noreferrer noopener\" href=\"");
            self.text(address);
            self.html.push_str("\">");
        } else {
            // Named but not followed: a file, a script or a scheme that starts programs.
            self.html.push_str("<a class=\"md-dead\" title=\"");
            self.text(address);
            self.html.push_str("\">");
        }
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                c => self.html.push(c),
            }
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.html.is_empty() {
            self.blocks.push(self.html);
        }
        self.blocks
    }
}

fn name(tag: &TagEnd) -> &'static str {
    match tag {
        TagEnd::Paragraph | TagEnd::HtmlBlock => "p",
        TagEnd::Heading(level) => ["h3", "h4", "h5", "h6", "h6", "h6"][*level as usize - 1],
        TagEnd::BlockQuote(_) => "blockquote",
        TagEnd::List(true) => "ol",
        TagEnd::List(false) => "ul",
        TagEnd::Item => "li",
        TagEnd::TableRow => "tr",
        TagEnd::Emphasis => "em",
        TagEnd::Strong => "strong",
        TagEnd::Strikethrough => "del",
        _ => "",
    }
}

/// The address leads to the web and nowhere else.
pub fn is_web(address: &str) -> bool {
    let lower = address.trim().to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(source: &str, expected: Expect) {
        expected.assert_eq(&blocks(source, "Copy").join("\n"));
    }

    #[test]
    fn raw_html_is_text() {
        check(
            "a <img src=x onerror=alert(1)> b\n\n<script>alert(1)</script>",
            expect![[r#"
                <p>a &lt;img src=x onerror=alert(1)&gt; b</p>
                <p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"#]],
        );
    }

    #[test]
    fn only_web_links_lead_anywhere() {
        check(
            "[a](javascript:alert(1)) [b](https://example.org/?x=\"y) ![c](file:///etc/passwd) <https://x.org>",
            expect![[
                r#"<p><a class="md-dead" title="javascript:alert(1)">a</a> <a rel="noreferrer noopener" href="https://example.org/?x=&quot;y">b</a> <a class="md-dead" title="file:///etc/passwd">c</a> <a rel="noreferrer noopener" href="https://x.org">https://x.org</a></p>"#
            ]],
        );
    }

    #[test]
    fn code_keeps_its_text_and_gets_a_copy_button() {
        check(
            "```rust\nlet x = \"<a>\";\n```\nand `b&c`",
            expect![[r#"
                <div class="md-code"><div class="md-code-bar"><span>rust</span><button type="button" class="md-copy" data-copy-code>Copy</button></div><pre tabindex="0"><code>let x = &quot;&lt;a&gt;&quot;;
                </code></pre></div>
                <p>and <code>b&amp;c</code></p>"#]],
        );
    }

    #[test]
    fn lists_tables_and_quotes_nest() {
        check(
            "# T\n- [x] a\n  1. b\n\n> q ~~d~~ **s** *e*\n\n| h |\n|---|\n| c |",
            expect![[r#"
                <h3>T</h3>
                <ul><li>☑ a<ol><li>b</li></ol></li></ul>
                <blockquote><p>q <del>d</del> <strong>s</strong> <em>e</em></p></blockquote>
                <div class="md-table"><table><thead><tr><th>h</th></tr></thead><tbody><tr><td>c</td></tr></tbody></table></div>"#]],
        );
    }

    #[test]
    fn a_growing_message_changes_only_its_last_block() {
        let short = blocks("one\n\ntwo\n\nthr", "Copy");
        let long = blocks("one\n\ntwo\n\nthree `x`", "Copy");
        assert_eq!(short[..2], long[..2]);
    }
}
