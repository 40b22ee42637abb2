//! What stands in a line: emphasis, code, links (CommonMark 0.31, section 6).

use super::{Page, escape, is_web};

/// Links and emphasis are looked for in texts up to this many marks, so that no message takes long.
const MAX_MARKS: usize = 4_000;

/// Longest address that is looked for, in bytes.
const MAX_ADDRESS: usize = 4_096;

/// Names of characters that agents write; others stay as they are.
const ENTITIES: [(&str, &str); 10] = [
    ("amp;", "&"),
    ("lt;", "<"),
    ("gt;", ">"),
    ("quot;", "\""),
    ("apos;", "'"),
    ("nbsp;", "\u{a0}"),
    ("mdash;", "—"),
    ("ndash;", "–"),
    ("hellip;", "…"),
    ("rarr;", "→"),
];

/// A piece of the result.
enum Piece {
    Html(String),
    /// Signs that may begin or end an emphasis.
    Marks(Marks),
    /// `[` or `![`, which may begin a link.
    Bracket {
        image: bool,
        text_at: usize,
    },
}

struct Marks {
    sign: char,
    count: usize,
    opens: bool,
    closes: bool,
    /// What was ended by them, in front of those that are left.
    ends: String,
    /// What was begun by them, behind those that are left.
    begins: String,
}

/// Adds a text with its marks as HTML.
pub fn write(html: &mut String, text: &str, page: &Page<'_>) {
    let mut parser = Parser {
        text,
        page,
        at: 0,
        html: String::new(),
        pieces: Vec::new(),
        marks: 0,
        open: 0,
        unclosed: 0,
    };
    parser.run();
    parser.cut();
    emphasize(&mut parser.pieces);
    flush(html, parser.pieces);
}

struct Parser<'a> {
    text: &'a str,
    page: &'a Page<'a>,
    at: usize,
    /// What has come since the last piece.
    html: String,
    pieces: Vec<Piece>,
    marks: usize,
    /// Brackets among the pieces.
    open: usize,
    /// Lengths of backticks, as bits, that do not come again.
    unclosed: u64,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\\' => self.backslash(),
                '`' => self.code(),
                '*' | '_' | '~' => self.marks(c),
                '[' => self.bracket(false),
                '!' if self.rest().starts_with("![") => self.bracket(true),
                ']' => self.link(),
                '<' => self.angle(),
                '&' => self.entity(),
                '\n' => self.line_end(),
                _ => {
                    let rest = self.rest();
                    let length = rest
                        .find(['\\', '`', '*', '_', '~', '[', '!', ']', '<', '&', '\n'])
                        .filter(|length| *length > 0)
                        .unwrap_or(if c == '!' { 1 } else { rest.len() });
                    self.literal(length);
                }
            }
        }
    }

    /// Takes this many bytes as they are.
    fn literal(&mut self, length: usize) {
        let text = &self.rest()[..length];
        escape(&mut self.html, text);
        self.at += length;
    }

    /// Makes a piece of what has come since the last one.
    fn cut(&mut self) {
        if !self.html.is_empty() {
            self.pieces
                .push(Piece::Html(std::mem::take(&mut self.html)));
        }
    }

    fn backslash(&mut self) {
        match self.rest()[1..].chars().next() {
            Some('\n') => {
                self.html.push_str("<br>");
                self.at += 2;
            }
            Some(c) if c.is_ascii_punctuation() => {
                self.at += 1;
                self.literal(1);
            }
            _ => self.literal(1),
        }
    }

    fn code(&mut self) {
        let rest = self.rest();
        let after = rest.trim_start_matches('`');
        let length = rest.len() - after.len();
        let seen = 1_u64
            .checked_shl(u32::try_from(length).unwrap_or(u32::MAX))
            .unwrap_or(u64::MAX);
        if self.unclosed & seen != 0 {
            return self.literal(length);
        }
        let mut from = 0;
        while let Some(found) = after[from..].find('`') {
            let start = from + found;
            let end = after.len() - after[start..].trim_start_matches('`').len();
            if end - start == length {
                let inner = after[..start].replace('\n', " ");
                let trimmed = inner
                    .strip_prefix(' ')
                    .and_then(|inner| inner.strip_suffix(' '))
                    .filter(|_| !inner.trim().is_empty());
                self.html.push_str("<code>");
                escape(&mut self.html, trimmed.unwrap_or(&inner));
                self.html.push_str("</code>");
                self.at += length + end;
                return;
            }
            from = end;
        }
        self.unclosed |= seen;
        self.literal(length);
    }

    fn marks(&mut self, sign: char) {
        let rest = self.rest();
        let after = rest.trim_start_matches(sign);
        let count = rest.len() - after.len();
        self.marks += 1;
        if self.marks > MAX_MARKS || (sign == '~' && count != 2) {
            return self.literal(count);
        }
        let before = self.text[..self.at].chars().next_back().unwrap_or(' ');
        let next = after.chars().next().unwrap_or(' ');
        let left = !next.is_whitespace()
            && (!is_punctuation(next) || before.is_whitespace() || is_punctuation(before));
        let right = !before.is_whitespace()
            && (!is_punctuation(before) || next.is_whitespace() || is_punctuation(next));
        let within_word = sign == '_';
        self.cut();
        self.pieces.push(Piece::Marks(Marks {
            sign,
            count,
            opens: left && (!within_word || !right || is_punctuation(before)),
            closes: right && (!within_word || !left || is_punctuation(next)),
            ends: String::new(),
            begins: String::new(),
        }));
        self.at += count;
    }

    fn bracket(&mut self, image: bool) {
        let length = 1 + usize::from(image);
        self.marks += 1;
        if self.marks > MAX_MARKS {
            return self.literal(length);
        }
        self.at += length;
        self.open += 1;
        self.cut();
        self.pieces.push(Piece::Bracket {
            image,
            text_at: self.at,
        });
    }

    /// `]`: the end of a link's text, if its beginning was seen and an address follows.
    fn link(&mut self) {
        if self.open == 0 {
            return self.literal(1);
        }
        let open = self
            .pieces
            .iter()
            .rposition(|piece| matches!(piece, Piece::Bracket { .. }));
        let target = open.and_then(|open| self.target(open));
        let (Some(open), Some((address, length))) = (open, target) else {
            if let Some(open) = open {
                self.unlink(open);
            }
            return self.literal(1);
        };
        self.cut();
        let mut inner = self.pieces.split_off(open + 1);
        let bracket = self.pieces.pop();
        self.open -= 1;
        emphasize(&mut inner);
        link_start(&mut self.html, &address);
        flush(&mut self.html, inner);
        self.html.push_str("</a>");
        self.at += 1 + length;
        // There are no links in links.
        if matches!(bracket, Some(Piece::Bracket { image: false, .. })) {
            while let Some(open) = self
                .pieces
                .iter()
                .rposition(|piece| matches!(piece, Piece::Bracket { image: false, .. }))
            {
                self.unlink(open);
            }
        }
    }

    /// Where a link leads that ends here: the address, and the length of what says so.
    fn target(&self, open: usize) -> Option<(String, usize)> {
        let Piece::Bracket { text_at, .. } = self.pieces[open] else {
            return None;
        };
        let rest = &self.rest()[1..];
        if let Some(found) = target(rest) {
            return Some(found);
        }
        let text = &self.text[text_at..self.at];
        let named = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (name, length) = match named {
            Some((name, _)) if !name.is_empty() => (name, name.len() + 2),
            Some(_) => (text, 2),
            None => (text, 0),
        };
        Some((unescaped(self.page.address(name)?), length))
    }

    /// Makes a bracket a text.
    fn unlink(&mut self, at: usize) {
        if let Piece::Bracket { image, .. } = self.pieces[at] {
            let text = if image { "![" } else { "[" };
            self.pieces[at] = Piece::Html(text.to_owned());
            self.open -= 1;
        }
    }

    /// `<`: an address in angle brackets, or a text.
    fn angle(&mut self) {
        let rest = &self.rest()[1..];
        let end = rest
            .bytes()
            .take(MAX_ADDRESS)
            .position(|byte| matches!(byte, b'>' | b'<' | b' ' | b'\n'))
            .filter(|end| rest.as_bytes()[*end] == b'>');
        match end
            .map(|end| &rest[..end])
            .filter(|address| is_web(address))
        {
            Some(address) => {
                link_start(&mut self.html, address);
                escape(&mut self.html, address);
                self.html.push_str("</a>");
                self.at += address.len() + 2;
            }
            None => self.literal(1),
        }
    }

    fn entity(&mut self) {
        let rest = &self.rest()[1..];
        if let Some((name, meant)) = ENTITIES.iter().find(|(name, _)| rest.starts_with(name)) {
            escape(&mut self.html, meant);
            self.at += 1 + name.len();
            return;
        }
        let number = rest
            .strip_prefix('#')
            .and_then(|rest| rest.get(..rest.bytes().take(8).position(|byte| byte == b';')?))
            .filter(|digits| !digits.is_empty());
        if let Some(digits) = number {
            let value = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            if let Some(c) = value.ok().and_then(char::from_u32).filter(|c| *c != '\0') {
                escape(&mut self.html, c.encode_utf8(&mut [0; 4]));
                self.at += digits.len() + 3;
                return;
            }
        }
        self.literal(1);
    }

    /// The end of a line: two blanks before it break the line.
    fn line_end(&mut self) {
        let text = self.html.trim_end_matches(' ').len();
        let hard = self.html.len() - text >= 2;
        self.html.truncate(text);
        self.html.push_str(if hard { "<br>" } else { "\n" });
        self.at += 1;
    }
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{2bff}' | '\u{3001}'..='\u{303f}')
}

/// `(address "title")` behind a link's text: the address, and the length of it all.
fn target(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('(')?;
    let start = inner.trim_start();
    let (address, rest) = if let Some(angle) = start.strip_prefix('<') {
        let (address, rest) = angle.split_once('>')?;
        (address, rest)
    } else {
        let mut depth = 0_usize;
        let mut escaped = false;
        let mut length = 0;
        let end = start.find(|c: char| {
            length += 1;
            if length > MAX_ADDRESS {
                return true;
            }
            let plain = !escaped;
            escaped = c == '\\' && plain;
            match c {
                '(' if plain => depth += 1,
                ')' if plain && depth == 0 => return true,
                ')' if plain => depth -= 1,
                c => return c.is_ascii_whitespace() || c.is_ascii_control(),
            }
            false
        })?;
        start.split_at(end)
    };
    if address.contains('\n') {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split_once(quote)?.1.trim_start(),
        _ => rest,
    };
    let rest = rest.strip_prefix(')')?;
    Some((unescaped(address), text.len() - rest.len()))
}

/// An address without the backslashes in front of its signs.
fn unescaped(address: &str) -> String {
    let mut plain = String::new();
    let mut chars = address.chars().peekable();
    while let Some(c) = chars.next() {
        let escapes = c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation);
        plain.extend(if escapes { chars.next() } else { Some(c) });
    }
    plain
}

fn link_start(html: &mut String, address: &str) {
    if is_web(address) {
        html.push_str("<a rel=\"noreferrer noopener\" href=\"");
    } else {
        // Named but not followed: a file, a script or a scheme that starts programs.
        html.push_str("<a class=\"md-dead\" title=\"");
    }
    escape(html, address);
    html.push_str("\">");
}

/// Finds which marks begin and end emphasis (CommonMark, "process emphasis").
fn emphasize(pieces: &mut [Piece]) {
    for closer in 0..pieces.len() {
        while let Some(opener) = opener_of(pieces, closer) {
            let (head, tail) = pieces.split_at_mut(closer);
            let (Piece::Marks(open), Piece::Marks(close)) = (&mut head[opener], &mut tail[0])
            else {
                break;
            };
            let both = open.count >= 2 && close.count >= 2;
            let (used, name) = match (open.sign, both) {
                ('~', _) => (2, "del"),
                (_, true) => (2, "strong"),
                (_, false) => (1, "em"),
            };
            open.count -= used;
            close.count -= used;
            open.begins.insert_str(0, &format!("<{name}>"));
            close.ends.push_str(&format!("</{name}>"));
            for between in &mut head[opener + 1..] {
                if let Piece::Marks(marks) = between {
                    (marks.opens, marks.closes) = (false, false);
                }
            }
        }
    }
}

fn opener_of(pieces: &[Piece], closer: usize) -> Option<usize> {
    let Some(Piece::Marks(close)) = pieces.get(closer) else {
        return None;
    };
    if !close.closes || close.count == 0 {
        return None;
    }
    pieces[..closer].iter().rposition(|piece| match piece {
        Piece::Marks(open) => {
            let ambiguous = (open.closes || close.opens)
                && (open.count + close.count).is_multiple_of(3)
                && !(open.count.is_multiple_of(3) && close.count.is_multiple_of(3));
            open.opens && open.count > 0 && open.sign == close.sign && !ambiguous
        }
        _ => false,
    })
}

fn flush(html: &mut String, pieces: Vec<Piece>) {
    for piece in pieces {
        match piece {
            Piece::Html(text) => html.push_str(&text),
            Piece::Marks(marks) => {
                html.push_str(&marks.ends);
                html.extend(std::iter::repeat_n(marks.sign, marks.count));
                html.push_str(&marks.begins);
            }
            Piece::Bracket { image, .. } => html.push_str(if image { "![" } else { "[" }),
        }
    }
}
