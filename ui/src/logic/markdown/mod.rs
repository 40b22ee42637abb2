//! Markdown of messages as safe HTML.
//!
//! What an agent writes is not trusted: raw HTML is shown as text, links lead only to the web and
//! images become links. The result comes in blocks, so that a message that grows redraws only its
//! last block.
//!
//! It reads what agents write: CommonMark's blocks and inlines with GitHub's tables, task lists and
//! struck text. Footnotes and rare named entities stay as they are written: tables for all of them
//! would be a tenth of the whole wasm.

mod block;
mod inline;
#[cfg(test)]
mod tests;

use block::Block;

/// Mark of the button that copies a code block; the page listens for clicks on it.
pub const COPY_MARK: &str = "data-copy-code";

/// The blocks of a message, each as HTML of its own.
pub fn blocks(source: &str, copy_label: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let (parsed, _) = block::parse(&lines, 0);
    let page = Page {
        copy_label,
        links: links(&lines),
    };
    let whole = |block: &Block| {
        let mut html = String::new();
        write(&mut html, block, &page);
        html
    };
    parsed.iter().map(whole).collect()
}

/// What all blocks of a message share.
struct Page<'a> {
    copy_label: &'a str,
    /// Addresses of the links that are named in one place and described in another.
    links: Vec<(String, &'a str)>,
}

impl Page<'_> {
    fn address(&self, name: &str) -> Option<&str> {
        if self.links.is_empty() {
            return None;
        }
        let name = link_name(name);
        let found = self.links.iter().find(|(known, _)| *known == name);
        found.map(|(_, address)| *address)
    }
}

fn links<'a>(lines: &[&'a str]) -> Vec<(String, &'a str)> {
    lines
        .iter()
        .filter_map(|line| block::definition(line))
        .map(|(name, address)| (link_name(name), address))
        .collect()
}

/// A link's name as it is compared.
fn link_name(name: &str) -> String {
    let words: Vec<_> = name.split_ascii_whitespace().collect();
    words.join(" ").to_ascii_lowercase()
}

/// The address leads to the web and nowhere else.
pub fn is_web(address: &str) -> bool {
    let lower = address.trim().to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

fn write(html: &mut String, block: &Block, page: &Page<'_>) {
    match block {
        Block::Paragraph(text) => element(html, "p", |html| inline::write(html, text, page)),
        Block::Heading(level, text) => {
            let name = ["h3", "h4", "h5", "h6"][usize::from(*level).clamp(1, 4) - 1];
            element(html, name, |html| inline::write(html, text, page));
        }
        Block::Rule => html.push_str("<hr>"),
        Block::Code { language, text } => code(html, language, text, page.copy_label),
        Block::Quote(inner) => element(html, "blockquote", |html| {
            inner.iter().for_each(|block| write(html, block, page));
        }),
        Block::List {
            start,
            loose,
            items,
        } => list(html, *start, *loose, items, page),
        Block::Table { head, rows } => {
            html.push_str("<div class=\"md-table\"><table><thead>");
            row(html, "th", head, head.len(), page);
            html.push_str("</thead><tbody>");
            rows.iter()
                .for_each(|cells| row(html, "td", cells, head.len(), page));
            html.push_str("</tbody></table></div>");
        }
    }
}

fn list(html: &mut String, start: Option<u32>, loose: bool, items: &[Vec<Block>], page: &Page<'_>) {
    let name = if start.is_some() { "ol" } else { "ul" };
    match start {
        Some(first) if first != 1 => html.push_str(&format!("<ol start=\"{first}\">")),
        _ => html.push_str(if start.is_some() { "<ol>" } else { "<ul>" }),
    }
    for item in items {
        element(html, "li", |html| {
            for (at, block) in item.iter().enumerate() {
                match block {
                    Block::Paragraph(text) => {
                        let (mark, text) = if at == 0 {
                            task(text)
                        } else {
                            ("", text.as_str())
                        };
                        let inner = |html: &mut String| {
                            html.push_str(mark);
                            inline::write(html, text, page);
                        };
                        if loose {
                            element(html, "p", inner);
                        } else {
                            inner(html);
                        }
                    }
                    other => write(html, other, page),
                }
            }
        });
    }
    html.push_str(&format!("</{name}>"));
}

/// The box of a task, and the text after it.
fn task(text: &str) -> (&'static str, &str) {
    if let Some(rest) = text.strip_prefix("[ ] ") {
        ("☐ ", rest)
    } else if let Some(rest) = text
        .strip_prefix("[x] ")
        .or_else(|| text.strip_prefix("[X] "))
    {
        ("☑ ", rest)
    } else {
        ("", text)
    }
}

fn row(html: &mut String, name: &str, cells: &[String], width: usize, page: &Page<'_>) {
    element(html, "tr", |html| {
        for at in 0..width {
            element(html, name, |html| {
                inline::write(html, cells.get(at).map_or("", String::as_str), page);
            });
        }
    });
}

fn code(html: &mut String, language: &str, text: &str, copy_label: &str) {
    html.push_str("<div class=\"md-code\"><div class=\"md-code-bar\"><span>");
    escape(html, language);
    html.push_str("</span><button type=\"button\" class=\"md-copy\" ");
    html.push_str(COPY_MARK);
    html.push('>');
    escape(html, copy_label);
    html.push_str("</button></div><pre tabindex=\"0\"><code>");
    escape(html, text);
    html.push_str("</code></pre></div>");
}

fn element(html: &mut String, name: &str, inner: impl FnOnce(&mut String)) {
    html.push('<');
    html.push_str(name);
    html.push('>');
    inner(html);
    html.push_str("</");
    html.push_str(name);
    html.push('>');
}

/// Adds a text that means nothing but itself.
fn escape(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}
