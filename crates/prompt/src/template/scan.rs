//! Reads a template before the template engine does: finds its fields, translates those in the style of
//! Go, and refuses what templates here do not have.
//!
//! The translation keeps every byte in its place, so that errors name the place that the author sees:
//! `.UserID` becomes `user_id`, and `.Branch` ` branch`.

use super::error::{TemplateError, TemplateErrorKind as Kind};
use crate::context::Field;

/// Filters, as in `{{ branch | default("none") }}`.
pub(super) const FILTERS: &[&str] = &["default", "lower", "trim", "upper"];

/// Tests, as in `{% if branch is startingwith("feature/") %}`.
pub(super) const TESTS: &[&str] = &["endingwith", "startingwith"];

const KEYWORDS: &[&str] = &[
    "and", "or", "not", "in", "if", "else", "is", "true", "false", "none", "True", "False", "None",
];

/// Most conditions within each other.
const MAX_NESTED: usize = 32;

/// Most `elif` of one condition; each is within the one before it.
const MAX_BRANCHES: usize = 64;

/// Most words and signs of one expression.
const MAX_TOKENS: usize = 256;

/// A template that was read.
#[derive(Debug)]
pub(super) struct Scanned {
    /// What the template engine gets.
    pub(super) source: String,
    /// Each field once.
    pub(super) fields: Vec<Field>,
}

/// Reads a template.
pub(super) fn scan(source: &str) -> Result<Scanned, TemplateError> {
    let mut scanner = Scanner {
        source,
        at: 0,
        translated: Vec::new(),
        fields: Vec::new(),
        branches: Vec::new(),
    };
    while let Some(found) = source[scanner.at..].find('{') {
        let start = scanner.at + found;
        scanner.at = start + 2;
        match source.as_bytes().get(start + 1) {
            Some(b'{') => scanner.expression(start, "}}")?,
            Some(b'%') => scanner.statement(start)?,
            Some(b'#') => scanner.comment(start)?,
            _ => scanner.at = start + 1,
        }
    }
    scanner.fields.sort_unstable();
    scanner.fields.dedup();
    let mut rewritten = String::with_capacity(source.len());
    let mut from = 0;
    for (start, end, field) in scanner.translated {
        rewritten.push_str(&source[from..start]);
        let name = field.name();
        rewritten.extend(std::iter::repeat_n(
            ' ',
            (end - start).saturating_sub(name.len()),
        ));
        rewritten.push_str(name);
        from = end;
    }
    rewritten.push_str(&source[from..]);
    Ok(Scanned {
        source: rewritten,
        fields: scanner.fields,
    })
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
    /// Fields in the style of Go: where they begin and end.
    translated: Vec<(usize, usize, Field)>,
    fields: Vec<Field>,
    /// How many branches each open condition has.
    branches: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text,
    Number,
    Sign(&'a str),
}

impl<'a> Scanner<'a> {
    fn error(&self, at: usize, kind: Kind) -> TemplateError {
        TemplateError::at(self.source, at, kind)
    }

    fn comment(&mut self, start: usize) -> Result<(), TemplateError> {
        match self.source[self.at..].find("#}") {
            Some(found) => self.at += found + 2,
            None => {
                return Err(self.error(start, Kind::Syntax("the comment has no end".to_owned())));
            }
        }
        Ok(())
    }

    fn statement(&mut self, start: usize) -> Result<(), TemplateError> {
        self.skip_control();
        self.skip_blanks();
        let name_at = self.at;
        let name = self.word();
        match name {
            "raw" => return self.raw(start),
            "if" => self.branches.push(0),
            "elif" => {
                if let Some(branches) = self.branches.last_mut() {
                    *branches += 1;
                }
            }
            "endif" => drop(self.branches.pop()),
            "else" => {}
            _ => {
                let shown = if name.is_empty() { "…" } else { name };
                return Err(self.error(name_at, Kind::Statement(shown.chars().take(40).collect())));
            }
        }
        let branches = self.branches.last().copied().unwrap_or(0);
        if self.branches.len() > MAX_NESTED || branches > MAX_BRANCHES {
            return Err(self.error(
                start,
                Kind::TooComplex("too many conditions within each other"),
            ));
        }
        self.expression(start, "%}")
    }

    /// Everything up to the end of a raw block is text.
    fn raw(&mut self, start: usize) -> Result<(), TemplateError> {
        if !self.closes() {
            return Err(self.error(start, Kind::Syntax("{% raw %} takes nothing".to_owned())));
        }
        while let Some(found) = self.source[self.at..].find("{%") {
            self.at += found + 2;
            let after = self.at;
            self.skip_control();
            self.skip_blanks();
            if self.word() == "endraw" && self.closes() {
                return Ok(());
            }
            self.at = after;
        }
        Err(self.error(
            start,
            Kind::Syntax("{% raw %} has no {% endraw %}".to_owned()),
        ))
    }

    /// Takes the end of a statement, if nothing else stands there.
    fn closes(&mut self) -> bool {
        self.skip_blanks();
        self.skip_control();
        let closes = self.source[self.at..].starts_with("%}");
        self.at += if closes { 2 } else { 0 };
        closes
    }

    fn skip_control(&mut self) {
        if matches!(self.source.as_bytes().get(self.at), Some(b'-' | b'+')) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.source[self.at..];
        self.at += rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_whitespace())
                .len();
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.source[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Reads up to the end of an expression.
    fn expression(&mut self, start: usize, end: &str) -> Result<(), TemplateError> {
        if end == "}}" {
            self.skip_control();
        }
        let mut before: [Option<Token>; 2] = [None, None];
        let mut count = 0;
        loop {
            self.skip_blanks();
            let at = self.at;
            let rest = &self.source[at..];
            let controlled = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            if controlled.starts_with(end) {
                self.at += rest.len() - controlled.len() + 2;
                return Ok(());
            }
            count += 1;
            if count > MAX_TOKENS {
                return Err(self.error(start, Kind::TooComplex("the expression is too long")));
            }
            let token = self.token(start)?;
            self.allow(at, token, before)?;
            before = [before[1], Some(token)];
        }
    }

    fn token(&mut self, start: usize) -> Result<Token<'a>, TemplateError> {
        let at = self.at;
        let rest = &self.source[at..];
        let Some(first) = rest.chars().next() else {
            return Err(self.error(start, Kind::Syntax("this has no end".to_owned())));
        };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.word())),
            '0'..='9' => {
                self.word();
                Ok(Token::Number)
            }
            '"' | '\'' => self.text(first),
            _ => {
                let known = ["==", "!=", "<=", ">=", "**", "//", "{{", "}}"];
                let length = known
                    .iter()
                    .find(|sign| rest.starts_with(**sign))
                    .map_or(first.len_utf8(), |sign| sign.len());
                self.at += length;
                Ok(Token::Sign(&rest[..length]))
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<Token<'a>, TemplateError> {
        let at = self.at;
        let mut escaped = false;
        for (place, c) in self.source[at + 1..].char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.at = at + 1 + place + 1;
                    return Ok(Token::Text);
                }
                _ => {}
            }
        }
        Err(self.error(at, Kind::Syntax("the text has no end".to_owned())))
    }

    /// Refuses a token that templates do not have, given the two before it.
    fn allow(
        &mut self,
        at: usize,
        token: Token<'a>,
        before: [Option<Token<'a>>; 2],
    ) -> Result<(), TemplateError> {
        use Token::{Sign, Word};
        let is_test = matches!(before, [_, Some(Word("is"))])
            || matches!(before, [Some(Word("is")), Some(Word("not"))]);
        match token {
            Word(name) if before[1] == Some(Sign("|")) => {
                if !FILTERS.contains(&name) {
                    return Err(self.error(at, Kind::UnknownFilter(name.to_owned())));
                }
            }
            Word("not") if before[1] == Some(Word("is")) => {}
            Word(name) if is_test => {
                if !TESTS.contains(&name) {
                    return Err(self.error(at, Kind::UnknownTest(name.to_owned())));
                }
            }
            Word(name) if KEYWORDS.contains(&name) => {}
            Word(name) if before[1] == Some(Sign(".")) => {
                // The dot was let through because a field in the style of Go may follow.
                let start = at - 1;
                match Field::of_go_name(name) {
                    Some(field) if self.source.as_bytes()[start] == b'.' => {
                        self.fields.push(field);
                        self.translated.push((start, self.at, field));
                    }
                    _ => {
                        return Err(self.error(start, Kind::UnknownField(format!(".{name}"))));
                    }
                }
            }
            Word(name) if self.source[self.at..].trim_start().starts_with('(') => {
                return Err(self.error(at, Kind::Call(name.to_owned())));
            }
            Word(name) => match Field::of_name(name) {
                Some(field) => self.fields.push(field),
                None => return Err(self.error(at, Kind::UnknownField(name.to_owned()))),
            },
            Sign(".") => {
                // Only at the beginning of a value: a field in the style of Go.
                let rest = &self.source[self.at..];
                if ends_value(before[1]) || !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    return Err(self.error(at, Kind::Operator(".".to_owned())));
                }
            }
            Sign("[") if ends_value(before[1]) => {
                return Err(self.error(at, Kind::Operator("[".to_owned())));
            }
            Sign("(" | ")" | "[" | "]" | "," | "|" | "==" | "!=" | "<" | "<=" | ">" | ">=") => {}
            Sign(sign) => return Err(self.error(at, Kind::Operator(sign.to_owned()))),
            Token::Text | Token::Number => {}
        }
        Ok(())
    }
}

/// A value ends here, so what follows would reach into it.
fn ends_value(token: Option<Token>) -> bool {
    match token {
        Some(Token::Text | Token::Number | Token::Sign(")" | "]")) => true,
        Some(Token::Word(name)) => !KEYWORDS.contains(&name),
        _ => false,
    }
}
