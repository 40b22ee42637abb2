//! What stands around a phrase and makes it harmless: it is denied, it is quoted as an example, or its
//! words belong to two sentences.
//!
//! Everything here errs towards the alarm: what is disguised is never harmless.

use std::{ops::Range, sync::LazyLock};

use super::{
    cues::{PATTERNS, Patterns},
    letters::{Letters, folded},
    phrases::Phrase,
    rules::Shape,
    view::View,
};

/// How far around a phrase is read, in bytes.
const BEFORE: usize = 260;
const BEHIND: usize = 200;

/// Farthest from a phrase that the quotation marks around it may stand, in bytes.
const QUOTED: usize = 60;

/// What a phrase turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An attempt.
    Attempt,
    /// A quotation or a report of one.
    Mention,
    /// No attempt at all.
    Harmless,
}

/// Words before a verb that deny it.
const DENIALS: &[&str] = &[
    "do not",
    "dont",
    "never",
    "must not",
    "mustnt",
    "should not",
    "shouldnt",
    "shall not",
    "cannot",
    "cant",
    "may not",
    "will not",
    "wont",
    "or",
    "not to",
    "not allowed to",
    "be allowed to",
    "does not",
    "doesnt",
];

/// Words that may stand between the two.
const BETWEEN: &[&str] = &[
    "",
    "ever",
    "blindly",
    "under any circumstances",
    "in any case",
    "try to",
    "attempt to",
    "let users",
    "let anyone",
    "let anything",
    "allow users to",
    "allow anyone to",
    "help users",
    "help anyone",
    "be tricked into",
    "be talked into",
];

/// Words of other languages before a verb that deny it, and behind its object.
const FOREIGN_DENIALS: &[&str] = &[
    "nao", "no", "non", "nunca", "jamais", "nie", "nicht", "ne", "mai", "nooit", "nunca",
];
const FOREIGN_ENDS: &[&str] = &["nicht", "niet", "ikke", "inte", "niemals", "nooit"];

/// Letters that the longest of both take together.
const LONGEST_DENIAL: usize = 48;

/// Nouns behind which another one can make them its attribute.
const ATTRIBUTES: &[&str] = &[
    "command",
    "context",
    "message",
    "text",
    "content",
    "input",
    "settings",
    "prompt",
    "rule",
    "order",
    "training",
    "instruction",
    "policy",
    "conversation",
    "configuration",
    "setup",
    "role",
    "chat",
    "filters",
    "directive",
    "constraint",
    "prompts",
    "knowledge",
    "limits",
    "orders",
];

/// Words at the end of a phrase that need an end behind them.
const PLACES: &[&str] = &[
    "above",
    "before",
    "earlier",
    "previous",
    "previously",
    "prior",
    "preceding",
    "so far",
    "you have",
    "you know",
    "you had",
    "you got",
    "you learned",
    "you follow",
    "you were given",
];

/// Judges a phrase by what stands around it.
pub(super) fn judge(view: &View, letters: &Letters, phrase: &Phrase) -> (Range<usize>, Verdict) {
    let bytes = &view.bytes[..];
    let span = letters.span(bytes, &phrase.letters);
    let verdict = verdict(view, letters, phrase, &span);
    (span, verdict)
}

fn verdict(view: &View, letters: &Letters, phrase: &Phrase, span: &Range<usize>) -> Verdict {
    let bytes = &view.bytes[..];
    let Some(patterns) = &*PATTERNS else {
        return Verdict::Attempt;
    };
    let behind = &bytes[span.end..(span.end + BEHIND).min(bytes.len())];
    let disguised = is_disguised(view, letters, span);
    if phrase.shape == Shape::Role && !is_whole_word(bytes, letters, span) {
        return Verdict::Harmless;
    }
    if is_split(bytes, letters, span) || is_call(&bytes[span.clone()]) {
        return Verdict::Harmless;
    }
    if phrase.shape == Shape::Foreign && is_denied_abroad(bytes, letters, phrase, span) {
        return Verdict::Harmless;
    }
    if phrase.shape == Shape::Heading && !patterns.announces.is_match(behind) {
        return Verdict::Harmless;
    }
    if disguised {
        return Verdict::Attempt;
    }
    let last = |words: &[&str]| {
        let found = &letters.bytes[phrase.letters.clone()];
        words
            .iter()
            .any(|word| found.ends_with(folded(word).as_bytes()))
    };
    let verb = matches!(phrase.shape, Shape::VerbNoun | Shape::VerbPlace);
    if verb
        && (is_denied(bytes, letters, phrase, span)
            || patterns
                .forbids
                .is_match(sentence_before(bytes, span.start)))
    {
        return Verdict::Harmless;
    }
    // "The previous command's exit code": the apostrophe stands among the letters that were left out.
    let owned = bytes[span.clone()].ends_with(b"'s");
    let attribute = (last(ATTRIBUTES) && patterns.attribute.is_match(behind))
        || (owned && behind.first() == Some(&b' '));
    if phrase.shape == Shape::VerbNoun && attribute {
        return Verdict::Harmless;
    }
    if phrase.shape == Shape::VerbPlace && last(PLACES) && !patterns.end.is_match(behind) {
        return Verdict::Harmless;
    }
    if is_reported(patterns, bytes, span, behind) || is_quoted(patterns, bytes, span) {
        return Verdict::Mention;
    }
    Verdict::Attempt
}

/// It does not look as it stands there, or its letters are set apart.
pub(super) fn is_disguised(view: &View, letters: &Letters, span: &Range<usize>) -> bool {
    let bytes = &view.bytes[span.clone()];
    if view.is_changed() {
        let origin = view.origin(span.clone());
        if origin.len() != span.len() {
            return true;
        }
    }
    let count = bytes
        .iter()
        .filter(|byte| letters.is_letter(**byte))
        .count();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let (mut words, mut singles, mut most_singles) = (0, 0, 0);
    for word in bytes.split(|byte| !letters.is_letter(*byte)) {
        if !word.is_empty() {
            words += 1;
            singles = if word.len() == 1 { singles + 1 } else { 0 };
            most_singles = most_singles.max(singles);
        }
    }
    // Real words have more than two letters on average, single letters do not follow each other, and
    // phrases have no digits.
    words * 5 > count * 2 || most_singles > 2 || digits > 0
}

fn is_whole_word(bytes: &[u8], letters: &Letters, span: &Range<usize>) -> bool {
    let ends = bytes
        .get(span.end)
        .is_none_or(|next| !letters.is_letter(*next));
    ends || bytes[span.clone()]
        .iter()
        .all(|byte| letters.is_letter(*byte))
}

/// Its words belong to two sentences or paragraphs, by chance.
fn is_split(bytes: &[u8], letters: &Letters, span: &Range<usize>) -> bool {
    let part = &bytes[span.clone()];
    let mut breaks = 0;
    let mut first_break_after_word = false;
    let mut words = 0;
    let mut at = 0;
    while at < part.len() {
        if letters.is_letter(part[at]) {
            at += 1;
            continue;
        }
        let gap_start = at;
        while at < part.len() && !letters.is_letter(part[at]) {
            at += 1;
        }
        let gap = &part[gap_start..at];
        words += 1;
        let capital = part.get(at).is_some_and(u8::is_ascii_uppercase);
        let ends = gap.windows(2).any(|pair| {
            matches!(pair[0], b'.' | b'!' | b'?' | b':' | b';') && pair[1].is_ascii_whitespace()
        });
        let blank = gap.iter().filter(|byte| **byte == b'\n').count() > 1;
        if blank || (ends && capital) {
            breaks += 1;
            first_break_after_word |= words == 1;
        }
    }
    // "Ignore. All previous …" with nothing before is one thought in two sentences.
    let alone = sentence_before(bytes, span.start)
        .iter()
        .all(|byte| !letters.is_letter(*byte));
    breaks == 1 && !(first_break_after_word && alone)
}

/// A function with its parameters: `ignore_previous(instructions`.
fn is_call(part: &[u8]) -> bool {
    let called = |three: &[u8]| {
        three[0].is_ascii_alphanumeric() && three[1] == b'(' && three[2].is_ascii_alphanumeric()
    };
    part.contains(&b'_') && part.windows(3).any(called)
}

/// What stands before a place in its sentence, at most [`BEFORE`] bytes.
fn sentence_before(bytes: &[u8], at: usize) -> &[u8] {
    let start = at.saturating_sub(BEFORE);
    let before = &bytes[start..at];
    let end = before
        .windows(2)
        .rposition(|pair| {
            (matches!(pair[0], b'.' | b'!' | b'?') && pair[1].is_ascii_whitespace())
                || pair == b"\n\n"
        })
        .map_or(0, |found| found + 2);
    &before[end..]
}

/// `do not`, `never` and the like stand directly before it.
fn is_denied(bytes: &[u8], letters: &Letters, phrase: &Phrase, span: &Range<usize>) -> bool {
    static DENIED: LazyLock<Vec<(String, bool)>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for denial in DENIALS {
            for between in BETWEEN {
                all.push((folded(&format!("{denial}{between}")), *denial == "or"));
            }
        }
        all
    });
    let start = phrase.letters.start;
    let before = &letters.bytes[start.saturating_sub(LONGEST_DENIAL)..start];
    let joined = |end: usize| {
        let gap_start = letters.place(bytes, end - 1) + 1;
        let gap = bytes.get(gap_start..span.start).unwrap_or_default();
        gap.len() <= 4
            && gap
                .iter()
                .all(|byte| !matches!(byte, b'.' | b'!' | b'?' | b':' | b';'))
    };
    let sentence = sentence_before(bytes, span.start);
    DENIED.iter().any(|(denial, continues)| {
        before.ends_with(denial.as_bytes())
            && joined(start)
            && begins_word(bytes, letters, start - denial.len())
            && (!continues || contains_denial(sentence))
    })
}

/// The same in other languages: directly before the verb, or directly behind the whole.
fn is_denied_abroad(bytes: &[u8], letters: &Letters, phrase: &Phrase, span: &Range<usize>) -> bool {
    let word_before = bytes[..span.start].trim_ascii_end();
    let before = FOREIGN_DENIALS.iter().any(|denial| {
        let place = word_before.len().checked_sub(denial.len());
        place.is_some_and(|place| {
            word_before[place..].eq_ignore_ascii_case(denial.as_bytes())
                && (place == 0 || !letters.is_letter(word_before[place - 1]))
        })
    });
    let after = &letters.bytes[phrase.letters.end..];
    let gap = bytes.get(span.end) == Some(&b' ');
    before
        || (gap
            && FOREIGN_ENDS
                .iter()
                .any(|end| after.starts_with(folded(end).as_bytes())))
}

/// A list that was denied goes on with "or".
fn contains_denial(sentence: &[u8]) -> bool {
    let lower = sentence.to_ascii_lowercase();
    [&b"not "[..], b"never ", b"don't "]
        .iter()
        .any(|denial| memchr::memmem::find(&lower, denial).is_some())
}

fn begins_word(bytes: &[u8], letters: &Letters, letter: usize) -> bool {
    let place = letters.place(bytes, letter);
    place == 0 || !letters.is_letter(bytes[place - 1])
}

/// Somebody else is said to ask for it, and what to do then.
fn is_reported(patterns: &Patterns, bytes: &[u8], span: &Range<usize>, behind: &[u8]) -> bool {
    let before = sentence_before(bytes, span.start);
    patterns.reports.is_match(before)
        && patterns.condition.is_match(before)
        && !patterns.first_person.is_match(before)
        && (patterns.defence.is_match(behind) || patterns.defence.is_match(before))
}

/// It stands in quotation marks, and the words around say that it is an example.
fn is_quoted(patterns: &Patterns, bytes: &[u8], span: &Range<usize>) -> bool {
    let start = span.start.saturating_sub(QUOTED);
    let before = &bytes[start..span.start];
    let is_mark = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`');
    let opening = before.iter().rposition(is_mark).filter(|at| {
        let word_before = *at > 0 && before[at - 1].is_ascii_alphanumeric();
        !word_before && !before[*at..].contains(&b'\n')
    });
    let Some(opening) = opening else {
        return false;
    };
    let mark = before[opening];
    let after = &bytes[span.end..(span.end + QUOTED).min(bytes.len())];
    let closing = after.iter().position(|byte| *byte == mark);
    let Some(closing) = closing.filter(|at| memchr::memmem::find(&after[..*at], b"\n\n").is_none())
    else {
        return false;
    };
    let around_start = (start + opening).saturating_sub(BEFORE);
    let around_end = span.end + closing + 1;
    let before = paragraph_end(&bytes[around_start..start + opening]);
    let after = &bytes[around_end..(around_end + BEHIND / 2).min(bytes.len())];
    let after = after
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    patterns.cue.is_match(before) || patterns.cue.is_match(after)
}

fn paragraph_end(bytes: &[u8]) -> &[u8] {
    let start = memchr::memmem::rfind(bytes, b"\n\n").map_or(0, |found| found + 2);
    &bytes[start..]
}

/// It stands alone between backticks, as a name does.
pub(super) fn is_code(bytes: &[u8], span: &Range<usize>) -> bool {
    let before = span.start.checked_sub(1).and_then(|at| bytes.get(at));
    before == Some(&b'`') && bytes.get(span.end) == Some(&b'`')
}
