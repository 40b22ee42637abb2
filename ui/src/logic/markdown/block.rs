//! Lines as blocks (CommonMark 0.31, sections 4 and 5).

/// Quotes and lists nested deeper than this are text, so that no message can exhaust the stack.
const MAX_DEPTH: usize = 24;

/// A block. Texts are not looked into yet.
#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    Paragraph(String),
    Heading(u8, String),
    Rule,
    Code {
        language: String,
        text: String,
    },
    Quote(Vec<Block>),
    List {
        /// Number of the first item, in a numbered list.
        start: Option<u32>,
        /// Its items are paragraphs and not lines.
        loose: bool,
        items: Vec<Vec<Block>>,
    },
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
}

/// The beginning of a list item.
#[derive(Clone, Copy)]
struct Marker {
    /// `-`, `*`, `+`, or what stands behind a number.
    sign: char,
    number: Option<u32>,
    /// Where its text begins, in columns.
    content: usize,
    /// Nothing stands behind it.
    empty: bool,
}

/// The blocks of some lines, and whether a blank line stands between two of them.
pub fn parse(lines: &[&str], depth: usize) -> (Vec<Block>, bool) {
    let mut parser = Parser {
        lines,
        at: 0,
        depth,
    };
    let mut blocks = Vec::new();
    let mut loose = false;
    let mut blank = false;
    while let Some(line) = parser.line() {
        if is_blank(line) || (indent(line) < 4 && definition(line).is_some()) {
            blank = true;
            parser.at += 1;
            continue;
        }
        loose |= blank && !blocks.is_empty();
        blank = false;
        blocks.push(parser.block(line));
    }
    (blocks, loose)
}

struct Parser<'a> {
    lines: &'a [&'a str],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn line(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// The block that begins at the current line, which is not blank.
    fn block(&mut self, line: &'a str) -> Block {
        if indent(line) >= 4 {
            return self.indented_code();
        }
        let text = line.trim_start();
        if let Some(fence) = fence(text) {
            return self.fenced_code(line, fence);
        }
        if let Some((level, text)) = heading(text) {
            self.at += 1;
            return Block::Heading(level, text.to_owned());
        }
        if is_rule(text) {
            self.at += 1;
            return Block::Rule;
        }
        if self.depth < MAX_DEPTH {
            if text.starts_with('>') {
                return self.quote();
            }
            if let Some(marker) = marker(line) {
                return self.list(marker);
            }
        }
        self.table().unwrap_or_else(|| self.paragraph())
    }

    fn indented_code(&mut self) -> Block {
        let mut text = String::new();
        let mut blanks = 0;
        while let Some(line) = self.line() {
            if is_blank(line) {
                blanks += 1;
            } else if indent(line) >= 4 {
                text.push_str(&"\n".repeat(std::mem::take(&mut blanks)));
                text.push_str(without(line, 4));
                text.push('\n');
            } else {
                break;
            }
            self.at += 1;
        }
        Block::Code {
            language: String::new(),
            text,
        }
    }

    fn fenced_code(&mut self, first: &str, (sign, length, info): (char, usize, &str)) -> Block {
        let margin = indent(first);
        let mut text = String::new();
        self.at += 1;
        while let Some(line) = self.line() {
            self.at += 1;
            let ends = indent(line) < 4
                && fence(line.trim_start())
                    .is_some_and(|(s, l, info)| s == sign && l >= length && info.is_empty());
            if ends {
                break;
            }
            text.push_str(without(line, margin));
            text.push('\n');
        }
        Block::Code {
            language: info.split([' ', ',']).next().unwrap_or_default().to_owned(),
            text,
        }
    }

    fn quote(&mut self) -> Block {
        let mut inner = Inner::default();
        while let Some(line) = self.line() {
            let text = line.trim_start();
            match text.strip_prefix('>') {
                Some(rest) if indent(line) < 4 => {
                    inner.push(rest.strip_prefix(' ').unwrap_or(rest))
                }
                _ if inner.continues(line) => inner.push(line),
                _ => break,
            }
            self.at += 1;
        }
        Block::Quote(parse(&inner.lines, self.depth + 1).0)
    }

    fn list(&mut self, first: Marker) -> Block {
        let mut items = Vec::new();
        let mut loose = false;
        let mut next = Some(first);
        while let Some(marker) = next.take() {
            let (inner, blank_after) = self.item(marker);
            let (blocks, blank_within) = parse(&inner.lines, self.depth + 1);
            items.push(blocks);
            loose |= blank_within;
            next = self
                .line()
                .filter(|line| !is_rule(line.trim_start()))
                .and_then(self::marker)
                .filter(|m| m.sign == first.sign && m.number.is_some() == first.number.is_some());
            loose |= blank_after && next.is_some();
        }
        Block::List {
            start: first.number,
            loose,
            items,
        }
    }

    /// The lines of an item without its margin, and whether blank ones follow.
    fn item(&mut self, marker: Marker) -> (Inner<'a>, bool) {
        let mut inner = Inner::default();
        let mut blanks = 0;
        if let Some(line) = self.line() {
            inner.push(after(line, marker.content));
            self.at += 1;
        }
        while let Some(line) = self.line() {
            if is_blank(line) {
                // An item that begins with a blank line has nothing after a second one.
                if marker.empty && inner.lines.len() == 1 {
                    break;
                }
                blanks += 1;
            } else if indent(line) >= marker.content {
                for _ in 0..std::mem::take(&mut blanks) {
                    inner.push("");
                }
                inner.push(without(line, marker.content));
            } else if blanks == 0 && self::marker(line).is_none() && inner.continues(line) {
                inner.push(line.trim_start());
            } else {
                break;
            }
            self.at += 1;
        }
        (inner, blanks > 0)
    }

    fn table(&mut self) -> Option<Block> {
        let line = self.line()?;
        let rule = self.lines.get(self.at + 1)?;
        if !line.contains('|') || !rule.contains('-') {
            return None;
        }
        let is_dashes = |cell: &String| {
            let dashes = cell.trim_matches(':');
            !dashes.is_empty() && dashes.bytes().all(|b| b == b'-')
        };
        let (head, rule) = (cells(line), cells(rule));
        if head.len() != rule.len() || !rule.iter().all(is_dashes) {
            return None;
        }
        self.at += 2;
        let mut rows = Vec::new();
        while let Some(line) = self.line() {
            if is_blank(line) || interrupts(line) {
                break;
            }
            rows.push(cells(line));
            self.at += 1;
        }
        Some(Block::Table { head, rows })
    }

    fn paragraph(&mut self) -> Block {
        let mut text = String::new();
        while let Some(line) = self.line() {
            if is_blank(line) {
                break;
            }
            if !text.is_empty() {
                if let Some(level) = underline(line) {
                    self.at += 1;
                    return Block::Heading(level, text.trim_end().to_owned());
                }
                if interrupts(line) {
                    break;
                }
                text.push('\n');
            }
            text.push_str(line.trim_start());
            self.at += 1;
        }
        text.truncate(text.trim_end().len());
        Block::Paragraph(text)
    }
}

/// The lines within a quote or an item.
#[derive(Default)]
struct Inner<'a> {
    lines: Vec<&'a str>,
    /// The last of them stands between fences.
    in_code: bool,
}

impl<'a> Inner<'a> {
    fn push(&mut self, line: &'a str) {
        self.in_code ^= fence(line.trim_start()).is_some();
        self.lines.push(line);
    }

    /// The line goes on with a paragraph that is the last thing in here, though it lacks the margin.
    fn continues(&self, line: &str) -> bool {
        !self.in_code
            && !is_blank(line)
            && !interrupts(line)
            && self.lines.last().is_some_and(|last| {
                let text = last.trim_start();
                !is_blank(last)
                    && heading(text).is_none()
                    && !is_rule(text)
                    && fence(text).is_none()
            })
    }
}

/// The line ends a paragraph, because something else begins.
fn interrupts(line: &str) -> bool {
    let text = line.trim_start();
    indent(line) < 4
        && (text.starts_with('>')
            || fence(text).is_some()
            || heading(text).is_some()
            || is_rule(text)
            || marker(line).is_some_and(|m| !m.empty && m.number.is_none_or(|n| n == 1)))
}

fn is_blank(line: &str) -> bool {
    line.trim_start().is_empty()
}

/// Columns of white space at the beginning; a tab reaches to the next multiple of four.
fn indent(line: &str) -> usize {
    let mut columns = 0;
    for byte in line.bytes() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 4 - columns % 4,
            _ => break,
        }
    }
    columns
}

/// The line without this many columns of white space.
fn without(line: &str, columns: usize) -> &str {
    let mut seen = 0;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if seen >= columns => return &line[at..],
            b' ' => seen += 1,
            b'\t' => seen += 4 - seen % 4,
            _ => return &line[at..],
        }
    }
    ""
}

/// What stands behind a marker that ends at this column.
fn after(line: &str, columns: usize) -> &str {
    let start = line.len() - line.trim_start().len();
    let marker = line[start..]
        .find([' ', '\t'])
        .map_or(line.len(), |length| start + length);
    let rest = &line[marker..];
    let taken = columns.saturating_sub(indent(line) + marker - start);
    without(rest, taken)
}

/// A link's name and its address: `[name]: address`.
pub fn definition(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
    let mut words = rest.split_ascii_whitespace();
    let address = words.next()?;
    // Only a title may follow; with other words it is a sentence.
    if words
        .next()
        .is_some_and(|word| !word.starts_with(['"', '\'', '(']))
    {
        return None;
    }
    let address = address
        .strip_prefix('<')
        .and_then(|address| address.strip_suffix('>'))
        .unwrap_or(address);
    let named = !name.trim().is_empty() && !name.starts_with('^') && !name.contains(['[', ']']);
    named.then_some((name, address))
}

/// A fence: its sign, its length, and what stands behind it.
fn fence(text: &str) -> Option<(char, usize, &str)> {
    let sign = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = text.trim_start_matches(sign);
    let length = text.len() - rest.len();
    let info = rest.trim();
    (length >= 3 && !(sign == '`' && info.contains('`'))).then_some((sign, length, info))
}

fn heading(text: &str) -> Option<(u8, &str)> {
    let rest = text.trim_start_matches('#');
    let level = u8::try_from(text.len() - rest.len()).ok()?;
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let rest = rest.trim();
    let bare = rest.trim_end_matches('#');
    let closed = bare.is_empty() || bare.ends_with([' ', '\t']);
    Some((level, if closed { bare.trim_end() } else { rest }))
}

/// The line under a heading.
fn underline(line: &str) -> Option<u8> {
    let text = line.trim();
    let only = |sign: u8| !text.is_empty() && text.bytes().all(|b| b == sign);
    match indent(line) {
        4.. => None,
        _ if only(b'=') => Some(1),
        _ if only(b'-') => Some(2),
        _ => None,
    }
}

fn is_rule(text: &str) -> bool {
    let mut signs = text.bytes().filter(|b| !b.is_ascii_whitespace());
    let Some(sign @ (b'-' | b'*' | b'_')) = signs.next() else {
        return false;
    };
    let mut count = 1;
    signs.all(|b| {
        count += 1;
        b == sign
    }) && count >= 3
}

fn marker(line: &str) -> Option<Marker> {
    let margin = indent(line);
    let text = line.trim_start();
    if margin >= 4 {
        return None;
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = text[digits..].chars().next()?;
    let number = match (digits, sign) {
        (0, '-' | '*' | '+') => None,
        (1..=9, '.' | ')') => Some(text[..digits].parse().ok()?),
        _ => return None,
    };
    let rest = &text[digits + 1..];
    let empty = is_blank(rest);
    let space = indent(rest);
    if space == 0 && !empty {
        return None;
    }
    // More than four columns belong to code in the item.
    let space = if empty || space > 4 { 1 } else { space };
    Some(Marker {
        sign,
        number,
        content: margin + digits + 1 + space,
        empty,
    })
}

/// The cells of a row.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut all = vec![String::new()];
    let mut escaped = false;
    let mut ended = false;
    for c in line.chars() {
        ended = c == '|' && !escaped;
        if ended {
            all.push(String::new());
        } else if let Some(cell) = all.last_mut() {
            if c == '|' {
                cell.pop();
            }
            cell.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    if ended {
        all.pop();
    }
    all.into_iter().map(|cell| cell.trim().to_owned()).collect()
}
