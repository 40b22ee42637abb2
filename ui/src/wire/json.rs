//! JSON (RFC 8259) as a tree.

use std::borrow::Cow;

/// Deeper than any answer of the engine.
const MAX_DEPTH: usize = 64;

/// A value. Numbers stay as they are written.
#[derive(Debug, PartialEq)]
pub enum Json<'a> {
    /// Nothing.
    Null,
    /// A truth.
    Bool(bool),
    /// A number.
    Number(&'a str),
    /// A text.
    Text(Cow<'a, str>),
    /// Values in order.
    List(Vec<Json<'a>>),
    /// Values by name, in the order in which they are written.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Parses a whole text.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.blanks();
        (parser.at == text.len()).then_some(value)
    }

    /// The member of this name; null where there is none.
    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(known, _)| known == name)
                .map_or(&Self::Null, |(_, value)| value),
            _ => &Self::Null,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// On several lines, to be read. Numbers stay as they are written; a text longer than anybody reads is
    /// cut, and its length told.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.print(0, print_text, &mut out);
        out
    }

    /// On several lines, and all of it: it may be sent.
    pub fn whole(&self) -> String {
        let mut out = String::new();
        self.print(0, super::write::text, &mut out);
        out
    }

    fn print(&self, depth: usize, print_text: fn(&mut String, &str), out: &mut String) {
        let line = |depth: usize, out: &mut String| {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str("  "));
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
            Self::Number(written) => out.push_str(written),
            Self::Text(text) => print_text(out, text),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    line(depth + 1, out);
                    item.print(depth + 1, print_text, out);
                }
                line(depth, out);
                out.push(']');
            }
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    line(depth + 1, out);
                    super::write::text(out, name);
                    out.push_str(": ");
                    value.print(depth + 1, print_text, out);
                }
                line(depth, out);
                out.push('}');
            }
        }
    }
}

/// Longest text that is printed whole, in characters.
const PRINTED: usize = 4_000;

fn print_text(out: &mut String, text: &str) {
    match text.char_indices().nth(PRINTED) {
        None => super::write::text(out, text),
        Some((end, _)) => {
            let length = text.chars().count();
            let cut = text.get(..end).unwrap_or_default();
            super::write::text(out, &format!("{cut}… ({length})"));
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes this byte, after blanks, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Option<Json<'a>> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.take(b']') {
                    return Some(Json::List(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if !self.take(b',') {
                        return self.take(b']').then_some(Json::List(items));
                    }
                }
            }
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                if self.take(b'}') {
                    return Some(Json::Object(members));
                }
                loop {
                    self.blanks();
                    let name = self.string()?;
                    if !self.take(b':') {
                        return None;
                    }
                    members.push((name, self.value(depth + 1)?));
                    if !self.take(b',') {
                        return self.take(b'}').then_some(Json::Object(members));
                    }
                }
            }
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
        ) {
            self.at += 1;
        }
        let written = self.text.get(start..self.at)?;
        written
            .trim_start_matches('-')
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some(Json::Number(written))
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        self.at += 1;
        let mut start = self.at;
        let mut made = String::new();
        loop {
            match self.peek()? {
                b'"' => {
                    let rest = self.text.get(start..self.at)?;
                    self.at += 1;
                    if made.is_empty() {
                        return Some(Cow::Borrowed(rest));
                    }
                    made.push_str(rest);
                    return Some(Cow::Owned(made));
                }
                b'\\' => {
                    made.push_str(self.text.get(start..self.at)?);
                    self.at += 1;
                    made.push(self.escape()?);
                    start = self.at;
                }
                _ => self.at += 1,
            }
        }
    }

    /// The character of an escape, after its backslash.
    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(byte),
            b'u' => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                // Beyond the first plane a character is written as two units.
                if !self.text.get(self.at..)?.starts_with("\\u") {
                    return Some(char::REPLACEMENT_CHARACTER);
                }
                self.at += 2;
                let low = self.unit()?.wrapping_sub(0xdc00);
                char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)
                    .filter(|_| low < 0x400)
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}
