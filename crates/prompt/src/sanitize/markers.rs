//! Finds marks with which models are told who speaks: chat templates, role labels and tags, and
//! imitations of Berth's own labels.

use std::{ops::Range, sync::LazyLock};

use berth_protocol::PromptWarningCode::{self, RoleMarker, ScopeMarker};
use memchr::memchr2_iter;
use regex::bytes::Regex;

use super::{
    around::{Verdict, is_code},
    letters::DIGITS,
};

/// Longest mark in brackets, in bytes; Berth's own hold a name.
const BRACKETED: usize = 60;
const LABEL: usize = 240;

/// How far behind a mark is read for words that want to be obeyed, in bytes.
const BEHIND: usize = 200;

/// Names between `<|` and `|>`.
const CHAT_TOKENS: &[&str] = &[
    "imstart",
    "imend",
    "imsep",
    "system",
    "user",
    "assistant",
    "developer",
    "endoftext",
    "startheaderid",
    "endheaderid",
    "eotid",
    "eomid",
    "beginoftext",
    "endofturn",
    "startofturn",
    "end",
    "start",
    "message",
    "channel",
    "endofprompt",
    "tool",
    "return",
    "call",
    "constrain",
    "turn",
    "startofrole",
    "endofrole",
    "endofsentence",
    "beginofsentence",
    "sep",
    "eot",
    "bos",
    "eos",
];

struct Patterns {
    /// A role, alone.
    role: Regex,
    /// A role with a noun, which nothing but an imitation is called.
    role_noun: Regex,
    /// A scope of Berth's with a noun.
    scope: Regex,
    /// The beginning or end of somebody's words.
    boundary: Regex,
    /// Berth's label.
    label: Regex,
    /// A role at the beginning of a line, before a colon.
    speaker: Regex,
    /// Words that want to be obeyed.
    authority: Regex,
    /// Words that want it badly.
    strong_authority: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| Patterns::new().ok());

impl Patterns {
    /// All of these see letters only, with `l` as `i`.
    fn new() -> Result<Self, regex::Error> {
        let pattern = |text: &str| Regex::new(&format!("(?-u){}", text.replace('l', "i")));
        const ROLES: &str = "(?:system|developer|admin|administrator|root|operator|organization|organisation|global|superuser)";
        const NOUNS: &str = "(?:prompts?|messages?|reminder|instructions?|policy|policies|rules?|note|override|update|notice|directive|command|context|section|scope)";
        Ok(Self {
            role: pattern(&format!("^{ROLES}$"))?,
            role_noun: pattern(&format!("^(?:new|updated|real|the|true|actual|hidden)?(?:system|developer|admin|administrator){NOUNS}$"))?,
            scope: pattern(&format!("^(?:new|the|berth)?(?:global|organization|organisation|org){NOUNS}$"))?,
            boundary: pattern(&format!(
                "^(?:(?:begin|end|start|beginof|endof|startof|beginning of|begins|ends|close|open|beginnew|startnew)(?:the|new|of)*{ROLES}?(?:user|users|org)?{NOUNS}|(?:global|organization|organisation|org|user|system|developer|admin){NOUNS}(?:begins?|ends?|starts?|endshere|beginshere|over|complete|finished))$"
            ).replace(' ', ""))?,
            label: pattern("^berth[a-z0-9\\x01]{0,40}?(?:(?:global|organization|organisation|org|user|system)prompt|begins|ends|scope|policy)")?,
            speaker: pattern(&format!("^(?:new|the|begin|end)?(?:{ROLES}|operator|anthropic|openai|berth|securityteam|sysadmin|superadmin){NOUNS}?(?:urgent|important|highpriority|toassistant|toagent|toai|tomodel|new|updated)?$"))?,
            authority: pattern(
                "^[^\\x00]{0,40}?(?:youmust|youarenow|yourarenow|youarea|youarean|youarethe|youareno|youwill|youshould|youmay|youcan|ignore|disregard|forget|newinstruction|newrule|obey|overrideall|previousinstructions|allrestrictions|unrestricted|policyupdate|policychange|comply|reveal|alllimits|allsafety|fromnowon|noapproval|skipapproval|donotask|nolonger|followtheuser|usersinstructions|highestpriority|takesprecedence|executewithout)",
            )?,
            strong_authority: pattern(
                "^[^\\x00]{0,60}?(?:youmust|youarenow|ignore|disregard|forgetall|forgetevery|overrideall|newinstruction|obey|unrestricted|previousinstruction|allrestrictions|allsafety|fromnowonyou|youarenolonger|noapproval|donotaskforapproval|skipapproval|allowedtodo)",
            )?,
        })
    }
}

/// A mark in a view.
pub(super) struct Mark {
    pub(super) span: Range<usize>,
    pub(super) code: PromptWarningCode,
    pub(super) verdict: Verdict,
}

/// The marks in a view.
pub(super) fn find(view: &[u8]) -> Vec<Mark> {
    let mut found = Vec::new();
    let Some(patterns) = &*PATTERNS else {
        return found;
    };
    for at in memchr2_iter(b'[', b'<', view) {
        found.extend(bracketed(patterns, view, at));
    }
    let mut start = 0;
    while start < view.len() {
        let end = memchr::memchr(b'\n', &view[start..]).map_or(view.len(), |length| start + length);
        if may_be_mark(&view[start..end]) {
            found.extend(line(patterns, view, start..end));
        }
        start = end + 1;
    }
    found
}

/// A mark in brackets that open at a place.
fn bracketed(patterns: &Patterns, view: &[u8], at: usize) -> Option<Mark> {
    let inner = &view[at + 1..(at + 1 + LABEL).min(view.len())];
    let first = inner
        .iter()
        .copied()
        .find(|byte| DIGITS[usize::from(*byte)] != 0)?;
    // Nearly all brackets end here.
    if !matches!(
        DIGITS[usize::from(first)],
        b's' | b'd'
            | b'a'
            | b'r'
            | b'o'
            | b'g'
            | b'u'
            | b'i'
            | b'e'
            | b'b'
            | b'n'
            | b't'
            | b'c'
            | b'm'
            | b'h'
    ) {
        return None;
    }
    let closing = if view[at] == b'[' { b']' } else { b'>' };
    let line_end = memchr::memchr(b'\n', inner).unwrap_or(inner.len());
    let close = memchr::memchr(closing, &inner[..line_end]);
    let words = squashed(&inner[..close.unwrap_or(line_end)]);
    let end = at + 1 + close.map_or(line_end, |close| close + 1);
    // `<<SYS>>` and the like end twice.
    let doubled = at > 0 && view[at - 1] == view[at] && view.get(end) == Some(&closing);
    let span = at - usize::from(doubled)..end + usize::from(doubled);
    let mark = |code, verdict| {
        Some(Mark {
            span: span.clone(),
            code,
            verdict,
        })
    };
    if patterns.label.is_match(&words) {
        return mark(ScopeMarker, Verdict::Attempt);
    }
    let close = close.filter(|close| *close <= BRACKETED)?;
    let inner = inner[..close].trim_ascii();
    if inner.first() == Some(&b'`') {
        // A link to something in code.
        return None;
    }
    if view[at] == b'[' && inner.contains(&b'.') && !inner.contains(&b' ') {
        // A table in TOML.
        return None;
    }
    let closes = inner.first() == Some(&b'/');
    let bars = inner.first() == Some(&b'|') && inner.last() == Some(&b'|');
    let known = |names: &[&str]| {
        names.iter().any(|name| {
            name.len() == words.len()
                && name
                    .bytes()
                    .zip(&words)
                    .all(|(one, other)| DIGITS[usize::from(one)] == *other)
        })
    };
    if (view[at] == b'<' && bars && known(CHAT_TOKENS))
        || (view[at] == b'<' && known(&["startofturn", "endofturn"]))
        || (view[at] == b'[' && known(&["inst", "systemprompt"]) && inner.len() < 24)
        || (view[at] == b'<' && doubled && known(&["sys"]))
    {
        return mark(RoleMarker, Verdict::Attempt);
    }
    let as_name = || {
        if is_code(view, &span) {
            Verdict::Mention
        } else {
            Verdict::Attempt
        }
    };
    if patterns.scope.is_match(&words) || patterns.boundary.is_match(&words) {
        return mark(ScopeMarker, as_name());
    }
    // With attributes, only the name counts.
    let name_end = inner
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'=')
        .unwrap_or(inner.len());
    let name = squashed(&inner[..name_end]);
    if patterns.role_noun.is_match(&words) || patterns.role_noun.is_match(&name) {
        return mark(RoleMarker, as_name());
    }
    let role = patterns.role.is_match(&words) || patterns.role.is_match(&name);
    let behind = || squashed(&view[end..(end + BEHIND).min(view.len())]);
    let obeyed = || {
        let behind = behind();
        patterns.authority.is_match(&behind)
            || (closes && patterns.strong_authority.is_match(&behind))
    };
    (role && obeyed()).then(|| mark(RoleMarker, as_name()))?
}

/// The first letter of a line can begin a mark, or the line is set off.
fn may_be_mark(line: &[u8]) -> bool {
    let first = line
        .iter()
        .take(16)
        .copied()
        .find(|byte| DIGITS[usize::from(*byte)] != 0);
    matches!(
        first.map(|byte| DIGITS[usize::from(byte)]),
        Some(b's' | b'd' | b'a' | b'o' | b'g' | b'r' | b'b' | b'e' | b'n' | b't' | b'u' | b'c')
    )
}

/// A line that is a mark, or begins with one.
fn line(patterns: &Patterns, view: &[u8], line: Range<usize>) -> Option<Mark> {
    let text = &view[line.clone()];
    let first = text
        .iter()
        .position(|byte| DIGITS[usize::from(*byte)] != 0)?;
    let decoration = text[..first].trim_ascii();
    let set_off =
        decoration.len() >= 3 && decoration.iter().all(|byte| b"=-#*~_<>[({ ".contains(byte));
    let heading = decoration.iter().all(|byte| *byte == b'#' || *byte == b' ');
    let trimmed = text.trim_ascii_end();
    let last = text
        .iter()
        .rposition(|byte| DIGITS[usize::from(*byte)] != 0)?;
    let span =
        line.start + first - leading(&text[..first])..line.start + trimmed.len().max(last + 1);
    let behind = |from: usize| squashed(&view[from..(from + BEHIND).min(view.len())]);

    if last - first <= BRACKETED {
        let words = squashed(text);
        let shouted = !text.iter().any(u8::is_ascii_lowercase);
        if (set_off || shouted) && patterns.boundary.is_match(&words) {
            return Some(Mark {
                span,
                code: ScopeMarker,
                verdict: Verdict::Attempt,
            });
        }
        let named = patterns.scope.is_match(&words) || patterns.role_noun.is_match(&words);
        let framed = set_off && !heading && text[last + 1..].trim_ascii().len() >= 2;
        if named && framed {
            return Some(Mark {
                span,
                code: ScopeMarker,
                verdict: Verdict::Attempt,
            });
        }
        let role = patterns.role.is_match(&words) || named;
        if role && set_off && patterns.strong_authority.is_match(&behind(line.end)) {
            return Some(Mark {
                span,
                code: RoleMarker,
                verdict: Verdict::Attempt,
            });
        }
    }

    let colon = text[first..]
        .iter()
        .take(BRACKETED)
        .position(|byte| *byte == b':')?
        + first;
    let name = squashed(&text[first..colon]);
    if !patterns.speaker.is_match(&name) {
        return None;
    }
    let lower = text[first..colon]
        .iter()
        .all(|byte| !byte.is_ascii_uppercase());
    let behind = behind(line.start + colon + 1);
    let obeyed = if lower {
        patterns.strong_authority.is_match(&behind)
    } else {
        patterns.authority.is_match(&behind) && !is_list(&text[colon + 1..], view, line.end)
    };
    obeyed.then(|| Mark {
        span: span.start..line.start + colon + 1,
        code: RoleMarker,
        verdict: Verdict::Attempt,
    })
}

/// Behind the colon comes a list: it is a heading.
fn is_list(rest: &[u8], view: &[u8], line_end: usize) -> bool {
    let next = view[line_end..]
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace());
    rest.trim_ascii().is_empty() && matches!(next, Some(b'-' | b'*' | b'1' | b'|'))
}

/// How much of what stands before a mark belongs to it.
fn leading(before: &[u8]) -> usize {
    before.len() - (before.len() - before.trim_ascii_start().len())
}

/// The letters of a part of a view.
fn squashed(part: &[u8]) -> Vec<u8> {
    part.iter()
        .map(|byte| DIGITS[usize::from(*byte)])
        .filter(|letter| *letter != 0)
        .collect()
}

#[cfg(test)]
pub(super) fn compiles() -> bool {
    PATTERNS.is_some()
}
