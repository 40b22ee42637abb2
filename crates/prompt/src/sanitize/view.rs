//! A text as it looks: one ASCII byte for each letter and sign that is seen, and where each comes from.
//!
//! Look-alikes, invisible characters, HTML entities and escapes are undone here once, so that what
//! searches has plain bytes. Text that has none of them is its own view.

use std::{borrow::Cow, ops::Range};

use memchr::{memchr3_iter, memmem};

use super::glyph;

/// What stands for words that were taken out.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// Named entities that stand for ASCII.
const ENTITIES: &[(&str, char)] = &[
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("amp", '&'),
    ("AMP", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("colon", ':'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("vert", '|'),
    ("verbar", '|'),
    ("sol", '/'),
    ("num", '#'),
    ("period", '.'),
    ("comma", ','),
    ("lowbar", '_'),
    ("hyphen", '-'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
    ("shy", '\u{ad}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
];

/// How often an ampersand may itself be written as an entity.
const AMPERSANDS: usize = 4;

/// A text as it looks.
pub(super) struct View<'a> {
    /// What is seen.
    pub(super) bytes: Cow<'a, [u8]>,
    /// Where in the text each byte comes from; absent when it stands at the same place.
    origin: Option<Vec<(usize, usize)>>,
}

impl<'a> View<'a> {
    /// The view of a text.
    pub(super) fn of(text: &'a str) -> Self {
        if is_plain(text) {
            return Self {
                bytes: Cow::Borrowed(text.as_bytes()),
                origin: None,
            };
        }
        let mut builder = Builder::with_capacity(text.len());
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            if matches!(c, ' '..='~') && !matches!(c, '&' | '%' | '\\' | '[') {
                // Most of most texts, and it looks as it is.
                builder.push(c as u8, at..at + 1);
                at += 1;
                continue;
            }
            let (c, length) = decoded(text, at, c);
            match c {
                Some(c) => builder.look(c, at..at + length),
                None => builder.push(b' ', at..at + length),
            }
            at += length;
        }
        builder.view()
    }

    /// The parts of a text that are displayed from right to left though their letters are not, as they
    /// are displayed.
    pub(super) fn of_reversed(text: &'a str) -> Option<Self> {
        const OVERRIDE: char = '\u{202e}';
        let mut builder = Builder::with_capacity(0);
        let mut from = 0;
        while let Some(found) = text[from..].find(OVERRIDE) {
            let start = from + found + OVERRIDE.len_utf8();
            let ends = |c: char| matches!(c, '\u{202c}' | '\u{2069}' | '\n' | '\r' | OVERRIDE);
            let end = text[start..]
                .find(ends)
                .map_or(text.len(), |length| start + length);
            for (at, c) in text[start..end].char_indices().rev() {
                builder.look(c, start + at..start + at + c.len_utf8());
            }
            builder.push(b'\n', end..end);
            from = end;
        }
        (!builder.bytes.is_empty()).then(|| builder.view())
    }

    /// It differs from the text.
    pub(super) fn is_changed(&self) -> bool {
        self.origin.is_some()
    }

    /// Where in the text a part of the view comes from.
    pub(super) fn origin(&self, part: Range<usize>) -> Range<usize> {
        match &self.origin {
            None => part,
            Some(origin) => {
                let places = origin.get(part).unwrap_or_default();
                let start = places.iter().map(|place| place.0).min().unwrap_or(0);
                let end = places.iter().map(|place| place.1).max().unwrap_or(start);
                start..end
            }
        }
    }
}

struct Builder {
    bytes: Vec<u8>,
    origin: Vec<(usize, usize)>,
}

impl Builder {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            origin: Vec::with_capacity(capacity),
        }
    }

    fn push(&mut self, byte: u8, from: Range<usize>) {
        self.bytes.push(byte);
        self.origin.push((from.start, from.end));
    }

    fn look(&mut self, c: char, from: Range<usize>) {
        glyph::look(c, &mut self.bytes);
        self.origin.resize(self.bytes.len(), (from.start, from.end));
    }

    fn view<'a>(self) -> View<'a> {
        View {
            bytes: Cow::Owned(self.bytes),
            origin: Some(self.origin),
        }
    }
}

/// Nothing in the text is other than it looks.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let escaped = |at: usize| match bytes[at] {
        b'&' => matches!(bytes.get(at + 1), Some(b'#' | b'a'..=b'z' | b'A'..=b'Z')),
        b'%' => bytes.get(at + 1).is_some_and(u8::is_ascii_hexdigit),
        _ => matches!(bytes.get(at + 1), Some(b'u' | b'x' | b'n' | b'r' | b't')),
    };
    text.is_ascii()
        && !memchr3_iter(b'&', b'%', b'\\', bytes).any(escaped)
        && memmem::find(bytes, REDACTED.as_bytes()).is_none()
}

/// The character that is meant at a place, and how many bytes it takes there; none for words that were
/// taken out, which separate as a blank does.
fn decoded(text: &str, at: usize, c: char) -> (Option<char>, usize) {
    let rest = &text[at..];
    let found = match c {
        '&' => entity(rest),
        '%' => hexadecimal(&rest[1..], 2, 2)
            .filter(|(c, _)| c.is_ascii_graphic() || *c == ' ')
            .map(|(c, length)| (c, 1 + length)),
        '\\' => escape(rest),
        '[' if rest.starts_with(REDACTED) => return (None, REDACTED.len()),
        _ => None,
    };
    let (c, length) = found.unwrap_or((c, c.len_utf8()));
    (Some(c), length)
}

/// `&lt;`, `&#60;`, `&#x3c;`, and the same with `&amp;` for the ampersand.
fn entity(rest: &str) -> Option<(char, usize)> {
    let mut at = 1;
    for _ in 0..AMPERSANDS {
        if rest[at..].starts_with("amp;") {
            at += 4;
        }
    }
    let body = &rest[at..];
    if let Some(number) = body.strip_prefix('#') {
        let hex = number.starts_with(['x', 'X']);
        let digits = &number[usize::from(hex)..];
        let radix = if hex { 16 } else { 10 };
        let count = digits
            .bytes()
            .take(8)
            .take_while(|byte| char::from(*byte).is_digit(radix))
            .count();
        let c = u32::from_str_radix(&digits[..count], radix).ok()?;
        let semicolon = usize::from(digits[count..].starts_with(';'));
        let length = at + 1 + usize::from(hex) + count + semicolon;
        return Some((char::from_u32(c)?, length));
    }
    let named = ENTITIES.iter().find_map(|(name, c)| {
        let after = body.strip_prefix(name)?;
        after.starts_with(';').then_some((*c, at + name.len() + 1))
    });
    named.or((at > 1).then_some(('&', at)))
}

/// `\u0069`, `\u{69}`, `\x69`, `\n`, `\t`, `\r`.
fn escape(rest: &str) -> Option<(char, usize)> {
    let body = rest.get(2..)?;
    match rest.as_bytes().get(1)? {
        b'u' if body.starts_with('{') => {
            let (c, length) = hexadecimal(&body[1..], 1, 6)?;
            body[1 + length..]
                .starts_with('}')
                .then_some((c, 4 + length))
        }
        b'u' => hexadecimal(body, 4, 4).map(|(c, length)| (c, 2 + length)),
        b'x' => hexadecimal(body, 2, 2).map(|(c, length)| (c, 2 + length)),
        b'n' | b'r' => Some(('\n', 2)),
        b't' => Some((' ', 2)),
        _ => None,
    }
}

fn hexadecimal(digits: &str, least: usize, most: usize) -> Option<(char, usize)> {
    let count = digits
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_hexdigit)
        .count();
    if count < least {
        return None;
    }
    let c = u32::from_str_radix(&digits[..count], 16).ok()?;
    Some((char::from_u32(c)?, count))
}
