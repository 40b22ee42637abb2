//! What was found, and where, for people.

use std::ops::Range;

use berth_protocol::{PromptId, PromptWarning, PromptWarningCode, SanitizePolicy};

use super::{Hit, glyph::is_invisible};

/// Longest excerpt, in characters.
const EXCERPT: usize = 80;

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: PromptWarningCode,
    /// Where it stands, in bytes, on boundaries of characters.
    pub range: Range<usize>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// The words, at most 80 characters, with invisible characters shown as `·`.
    pub excerpt: String,
    /// It was written so that it would not be found.
    pub disguised: bool,
}

impl Finding {
    /// The policy decides about it; a mention is only reported.
    pub fn is_attempt(&self) -> bool {
        !matches!(
            self.code,
            PromptWarningCode::Mention | PromptWarningCode::ControlCharacters
        )
    }

    /// The warning about it, with what the policy made of it.
    pub fn warning(
        &self,
        part: Option<PromptId>,
        field: Option<&str>,
        policy: SanitizePolicy,
    ) -> PromptWarning {
        let what = match self.code {
            PromptWarningCode::OverrideAttempt => "tells the model to set other instructions aside",
            PromptWarningCode::RoleChange => {
                "gives the model another role or takes its limits away"
            }
            PromptWarningCode::RoleMarker => "pretends that somebody else speaks",
            PromptWarningCode::ScopeMarker => "imitates the labels between prompts",
            PromptWarningCode::Mention => "quotes words that would override instructions",
            PromptWarningCode::ControlCharacters => "has line breaks or control characters",
        };
        let how = if self.disguised { ", in disguise" } else { "" };
        let done = match (self.code, policy) {
            (PromptWarningCode::ControlCharacters, _) => "each was replaced by a space",
            (PromptWarningCode::Mention, _) | (_, SanitizePolicy::Warn) => "it was left as it is",
            (_, SanitizePolicy::Redact) => "it was replaced by [REDACTED]",
            (_, SanitizePolicy::Reject) => "it is not allowed here",
        };
        PromptWarning {
            code: self.code,
            part,
            field: field.map(str::to_owned),
            line: self.line,
            column: self.column,
            message: format!("This {what}{how}; {done}."),
            excerpt: self.excerpt.clone(),
            redacted: self.is_attempt() && policy == SanitizePolicy::Redact,
        }
    }
}

/// Puts hits into the order of the text, without those that stand within others, and says on which lines
/// they are. One walk over the text serves all of them.
pub(super) fn located(text: &str, mut hits: Vec<Hit>) -> Vec<Finding> {
    hits.retain(|hit| {
        text.get(hit.range.clone())
            .is_some_and(|part| !part.is_empty())
    });
    // Of those that begin together the longest comes first, and an attempt before a mention.
    hits.sort_by_key(|hit| {
        (
            hit.range.start,
            std::cmp::Reverse(hit.range.end),
            hit.code == PromptWarningCode::Mention,
        )
    });
    let mut place = Place::default();
    let mut found: Vec<Finding> = Vec::with_capacity(hits.len());
    // Only what the last attempt does not cover is new; a mention hides nothing but mentions.
    let (mut attempts_end, mut end) = (0, 0);
    for hit in hits {
        let mention = hit.code == PromptWarningCode::Mention;
        if hit.range.end <= if mention { end } else { attempts_end } {
            continue;
        }
        end = end.max(hit.range.end);
        if !mention {
            attempts_end = hit.range.end;
        }
        let (line, column) = place.go(text, hit.range.start);
        found.push(Finding {
            code: hit.code,
            line,
            column,
            excerpt: excerpt(&text[hit.range.clone()]),
            range: hit.range,
            disguised: hit.disguised,
        });
    }
    found
}

/// A place in a text, which moves forward only.
#[derive(Default)]
struct Place {
    at: usize,
    line: u32,
    column: u32,
}

impl Place {
    fn go(&mut self, text: &str, to: usize) -> (u32, u32) {
        for c in text[self.at..to].chars() {
            if c == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 0;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = to;
        (self.line.saturating_add(1), self.column.saturating_add(1))
    }
}

/// Line and column of a place in a text, both from 1.
pub(crate) fn position(text: &str, at: usize) -> (u32, u32) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    Place::default().go(text, at)
}

/// The words for people: short, and with everything in sight.
fn excerpt(text: &str) -> String {
    text.chars()
        .take(EXCERPT)
        .map(|c| {
            if is_invisible(c) || c.is_control() {
                '·'
            } else {
                c
            }
        })
        .collect()
}
