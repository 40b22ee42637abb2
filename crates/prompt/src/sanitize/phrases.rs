//! Finds chains of words that set instructions aside or change the model's role.
//!
//! A set of beginnings is searched among the letters; only where one of them stands are the patterns
//! tried, each from there and over a bounded number of letters, so that the whole takes linear time.

use std::{collections::BTreeMap, ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind};
use berth_protocol::PromptWarningCode;
use regex::bytes::{Regex, RegexBuilder};

use super::{
    letters::folded,
    words::{
        ADJECTIVES, AFTER_EVERYTHING, AFTER_NOUNS, COMMON_VERBS, EVERYTHING, FILLERS,
        FOREIGN_FILLERS, FOREIGN_NOUNS, FOREIGN_QUALIFIERS, FOREIGN_ROLES, FOREIGN_VERBS,
        LIMIT_NOUNS, LIMITLESS, LIMITS, NO_LONGER, PLAIN_NOUNS, PLAIN_QUALIFIERS, PUT_AWAY, ROLES,
        RULE_NOUNS, STRONG_NOUNS, STRONG_QUALIFIERS, STRONG_VERBS, TURKISH, WEAK_NOUNS,
        WEAK_QUALIFIERS, WEAK_VERBS,
    },
};

/// Most letters of a phrase, from its beginning.
const LONGEST: usize = 240;

/// Letters of a word that are searched for; what follows is left to the pattern.
const BEGINNING: usize = 7;

/// Letters before a predicate among which its subject is searched.
const BEFORE: usize = 90;

/// A phrase among letters.
pub(super) struct Phrase {
    pub(super) letters: Range<usize>,
    pub(super) code: PromptWarningCode,
    pub(super) shape: Shape,
}

/// How a phrase is built, which decides what around it can make it harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A verb first: it can be denied, and its noun can turn out to be part of another.
    VerbNoun,
    /// A verb first, and a word of place or time at the end.
    VerbPlace,
    /// A role at the end, which has to be a whole word.
    Role,
    /// Anything else.
    Other,
}

/// A pattern, the beginnings of what it matches, and what it means.
struct Rule {
    pattern: Regex,
    code: PromptWarningCode,
    shape: Shape,
    /// The beginning is the end of the phrase, and the pattern is matched before it.
    backward: bool,
}

/// All rules, and which of them are tried where.
struct Rules {
    beginnings: AhoCorasick,
    /// For each beginning.
    tried: Vec<Vec<usize>>,
    rules: Vec<Rule>,
}

static RULES: LazyLock<Option<Rules>> = LazyLock::new(Rules::new);

/// The phrases among letters.
pub(super) fn find(letters: &[u8]) -> Vec<Phrase> {
    let mut found = Vec::new();
    let Some(rules) = &*RULES else {
        return found;
    };
    let mut from = 0;
    while let Some(begins) = rules.next(letters, from) {
        let at = begins.1;
        from = at + 1;
        for &rule in &rules.tried[begins.0] {
            if let Some(phrase) = rules.rules[rule].matched(letters, at) {
                found.push(phrase);
                break;
            }
        }
    }
    found
}

impl Rules {
    fn new() -> Option<Self> {
        let mut beginnings: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut rules = Vec::new();
        for (words, text, code, shape, backward) in patterns() {
            let pattern = RegexBuilder::new(&text)
                .unicode(false)
                .size_limit(64 * 1024 * 1024)
                .build()
                .ok()?;
            for word in words {
                let word = folded(word);
                let beginning = word[..word.len().min(BEGINNING)].to_owned();
                let tried = beginnings.entry(beginning).or_default();
                if tried.last() != Some(&rules.len()) {
                    tried.push(rules.len());
                }
            }
            rules.push(Rule {
                pattern,
                code,
                shape,
                backward,
            });
        }
        // A beginning of another one would hide it, so it takes over what is tried there.
        let keys: Vec<String> = beginnings.keys().cloned().collect();
        for key in &keys {
            let shorter = keys
                .iter()
                .find(|other| key != *other && key.starts_with(other.as_str()));
            if let Some(shorter) = shorter {
                let tried = beginnings.remove(key).unwrap_or_default();
                beginnings.entry(shorter.clone()).or_default().extend(tried);
            }
        }
        for tried in beginnings.values_mut() {
            tried.sort_unstable();
            tried.dedup();
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::DFA))
            .start_kind(aho_corasick::StartKind::Unanchored)
            .build(beginnings.keys())
            .ok()?;
        Some(Self {
            beginnings: automaton,
            tried: beginnings.into_values().collect(),
            rules,
        })
    }

    /// The next beginning at or behind a place: which, and where.
    fn next(&self, letters: &[u8], from: usize) -> Option<(usize, usize)> {
        let input = Input::new(letters)
            .anchored(Anchored::No)
            .range(from.min(letters.len())..);
        let found = self.beginnings.find(input)?;
        Some((found.pattern().as_usize(), found.start()))
    }
}

impl Rule {
    fn matched(&self, letters: &[u8], at: usize) -> Option<Phrase> {
        let letters = if self.backward {
            let start = at.saturating_sub(BEFORE);
            let end = (at + LONGEST / 4).min(letters.len());
            let found = self.pattern.find(&letters[start..end])?;
            // It has to reach the predicate that was searched for.
            (start + found.end() > at && start + found.start() < at)
                .then(|| start + found.start()..start + found.end())?
        } else {
            let end = (at + LONGEST).min(letters.len());
            let found = self.pattern.find(&letters[at..end])?;
            at..at + found.end()
        };
        Some(Phrase {
            letters,
            code: self.code,
            shape: self.shape,
        })
    }
}

type Pattern = (Vec<&'static str>, String, PromptWarningCode, Shape, bool);

fn patterns() -> Vec<Pattern> {
    use PromptWarningCode::{OverrideAttempt, RoleChange};
    let (f, sq, wq) = (any(FILLERS), any(STRONG_QUALIFIERS), any(WEAK_QUALIFIERS));
    let (adj, sn, rn, wn) = (
        any(ADJECTIVES),
        any(STRONG_NOUNS),
        any(RULE_NOUNS),
        any(WEAK_NOUNS),
    );
    let (pq, pn) = (any(PLAIN_QUALIFIERS), any(PLAIN_NOUNS));
    let (sv, wv, cv) = (any(STRONG_VERBS), any(WEAK_VERBS), any(COMMON_VERBS));
    let your = folded("your");
    let all = any(&["all", "any", "every", "your"]);
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut add = |words: &[&'static str], text: String, code, shape| {
        patterns.push((words.to_vec(), text, code, shape, false));
    };
    add(
        STRONG_VERBS,
        format!(
            "^{sv}{f}{{0,8}}(?:{sq}(?:{f}|{sq}|{wq}|{adj}){{0,6}}(?:{sn}|{rn}|{wn})\
             |{wq}(?:{f}|{wq}|{adj}){{0,5}}(?:{sn}|{rn})|{your}(?:{f}|{adj}|{wq}){{0,5}}(?:{sn}|{rn}))"
        ),
        OverrideAttempt,
        Shape::VerbNoun,
    );
    add(
        STRONG_VERBS,
        format!(
            "^{sv}{f}{{0,8}}(?:(?:{sn}|{rn}){f}{{0,2}}{}|{}(?:{f}|{}){{0,5}}{})",
            any(AFTER_NOUNS),
            any(EVERYTHING),
            any(&["was", "has", "been", "is", "ever", "i", "we", "they"]),
            any(AFTER_EVERYTHING),
        ),
        OverrideAttempt,
        Shape::VerbPlace,
    );
    add(
        WEAK_VERBS,
        format!(
            "^{wv}{f}{{0,8}}(?:{pq}(?:{f}|{pq}|{wq}|{adj}){{0,6}}(?:{pn}|{rn})\
             |{}(?:{wq}|{adj}){{0,3}}{}|{your}(?:{f}|{adj}|{wq}){{0,5}}(?:{pn}|{rn}))",
            any(LIMITS),
            any(LIMIT_NOUNS)
        ),
        OverrideAttempt,
        Shape::VerbNoun,
    );
    add(
        COMMON_VERBS,
        format!(
            "^{cv}{f}{{0,6}}{all}{f}{{0,4}}{pq}(?:{f}|{pq}|{wq}|{adj}){{0,6}}(?:{pn}|{rn})|^{cv}{f}{{0,3}}\
             {your}(?:{f}|{adj}|{wq}|{pq}){{0,5}}(?:{pn}|{rn})"
        ),
        OverrideAttempt,
        Shape::VerbNoun,
    );
    add(
        FOREIGN_VERBS,
        {
            let (v, f) = (any(FOREIGN_VERBS), any(FOREIGN_FILLERS));
            let (q, n) = (any(FOREIGN_QUALIFIERS), any(FOREIGN_NOUNS));
            format!("^{v}{f}{{0,6}}(?:{q}{f}{{0,3}}{n}|{n}{f}{{0,4}}{q})")
        },
        OverrideAttempt,
        Shape::Other,
    );
    add(
        TURKISH,
        format!("^{}", any(TURKISH)),
        OverrideAttempt,
        Shape::Other,
    );
    add(
        FOREIGN_ROLES,
        format!("^{}", any(FOREIGN_ROLES)),
        RoleChange,
        Shape::Other,
    );
    let are_now = [
        "you are now",
        "youre now",
        "u r now",
        "you have now become",
        "you have become",
    ];
    add(
        &are_now,
        format!("^{}{}", any(&are_now), any(ROLES)),
        RoleChange,
        Shape::Role,
    );
    let from_now = [
        "from now on",
        "from here on",
        "from this point on",
        "from this moment on",
        "henceforth",
        "starting now",
        "as of now",
    ];
    add(
        &from_now,
        format!(
            "^{}{}",
            any(&from_now),
            any(&[
                "you are a",
                "you are an",
                "you are the",
                "you are no longer",
                "you are not",
                "you are dan",
                "you are my",
                "you are free",
                "you are unrestricted",
                "youre a",
                "youre an",
                "youre no longer",
                "act as",
                "you act as",
                "you will act as",
                "you must act as",
                "you shall act as",
                "you are to act as",
                "pretend",
                "you will pretend",
                "behave as",
                "you will be a",
                "you will be called",
                "your name is",
                "your role is",
                "you ignore",
                "you will ignore",
                "you answer only to",
                "you obey only",
                "you only obey",
                "you will only obey",
                "obey only",
                "obey me",
                "you obey me",
                "you will obey",
                "you have no",
                "only follow my",
                "you only follow my",
                "you will only follow my",
                "you follow only my",
                "my instructions override",
                "only my instructions",
                "my word is",
            ])
        ),
        RoleChange,
        Shape::Role,
    );
    let no_longer = [
        "you are no longer",
        "youre no longer",
        "you no longer",
        "you are not bound",
        "you are free from",
        "you are freed from",
        "you are not subject to",
    ];
    add(
        &no_longer,
        format!(
            "^(?:{}{}|{}{f}{{0,4}}(?:{sq}|{wq}|{adj}|{f}){{0,4}}(?:{sn}|{rn}))",
            any(&no_longer[..3]),
            any(NO_LONGER),
            any(&[
                "you are not bound by",
                "you are free from",
                "you are freed from",
                "you are not subject to"
            ]),
        ),
        RoleChange,
        Shape::Role,
    );
    let acting = [
        "act as",
        "acting as",
        "pretend",
        "roleplay as",
        "role play as",
        "simulate",
        "behave as",
        "behave like",
        "imagine you",
        "respond as",
        "answer as",
        "play the role of",
        "take the role of",
        "assume the role of",
        "work as if",
        "continue as if",
        "proceed as if",
    ];
    add(
        &acting,
        format!("^{}[a-z]{{0,60}}?{}", any(&acting), any(LIMITLESS)),
        RoleChange,
        Shape::Other,
    );
    let modes = [
        "enter",
        "enable",
        "activate",
        "switch to",
        "turn on",
        "engage",
        "initiate",
        "go into",
        "switch into",
    ];
    add(
        &modes,
        format!(
            "^{}{f}{{0,3}}{}{}",
            any(&modes),
            any(&[
                "god",
                "dan",
                "jailbreak",
                "jailbroken",
                "unrestricted",
                "unfiltered",
                "uncensored",
                "evil",
                "opposite",
                "no limits",
                "no rules",
                "no restrictions",
                "sudo",
                "override",
                "do anything now",
                "developer mode with no",
                "unsafe"
            ]),
            any(&["mode", "restrictions", "filters", "limits"]),
        ),
        RoleChange,
        Shape::Other,
    );
    let new_role = [
        "your new",
        "your real",
        "your true",
        "your actual",
        "here are your new",
        "these are your new",
        "follow these new",
        "your only",
    ];
    add(
        &new_role,
        format!(
            "^{}{}{}",
            any(&new_role),
            any(&[
                "instructions",
                "instruction",
                "identity",
                "system prompt",
                "directive",
                "directives",
                "master",
                "role",
                "persona",
                "boss",
                "rules",
                "orders",
                "operator"
            ]),
            any(&[
                "is",
                "are",
                "follow",
                "below",
                "as follows",
                "replace",
                "override",
                "from now on",
                "will be",
                "supersede"
            ]),
        ),
        RoleChange,
        Shape::Other,
    );
    let obey = [
        "obey only",
        "only obey",
        "only listen to",
        "listen only to",
        "follow only",
        "only follow",
        "answer only to",
        "take orders only from",
        "take instructions only from",
        "trust only",
        "your only master",
    ];
    add(
        &obey,
        format!(
            "^{}{}",
            any(&obey),
            any(&[
                "me",
                "my",
                "user",
                "the user",
                "the users",
                "what i say",
                "what the user",
                "is me"
            ])
        ),
        RoleChange,
        Shape::Role,
    );
    let literal = [
        "do anything now",
        "jailbreak mode",
        "developer mode enabled",
        "developer mode activated",
        "god mode enabled",
        "dan mode",
        "admin override",
        "system override",
        "developer override",
        "override code",
        "sudo override",
        "you have been jailbroken",
        "you have been freed",
        "you are jailbroken",
        "you have no restrictions",
        "you have no rules",
        "you have no limits",
        "you have no guidelines",
        "your restrictions have been",
        "your restrictions are",
        "your guidelines have been",
        "your guidelines are",
        "your safety filters",
        "all restrictions are lifted",
        "all restrictions have been",
        "all safety rules are",
        "all limits are lifted",
    ];
    add(
        &literal,
        format!(
            "^(?:{}|{}{f}{{0,3}}{})",
            any(&[
                "do anything now",
                "jailbreak mode",
                "developer mode enabled",
                "developer mode activated",
                "god mode enabled",
                "dan mode",
                "admin override",
                "system override",
                "developer override",
                "sudo override",
                "you have been jailbroken",
                "you have been freed",
                "you are jailbroken",
                "you have no restrictions",
                "you have no rules",
                "you have no limits",
                "you have no guidelines"
            ]),
            any(&[
                "your restrictions have been",
                "your restrictions are",
                "your guidelines have been",
                "your guidelines are",
                "your safety filters are",
                "your safety filters have been",
                "all restrictions are",
                "all restrictions have been",
                "all safety rules are",
                "all limits are"
            ]),
            any(&[
                "lifted",
                "removed",
                "disabled",
                "suspended",
                "off",
                "revoked",
                "void",
                "gone",
                "cancelled",
                "deleted",
                "turned off",
                "reset",
                "wiped"
            ]),
        ),
        RoleChange,
        Shape::Role,
    );
    let fresh = [
        "new instructions",
        "new instruction",
        "new system prompt",
        "new system instructions",
        "updated system prompt",
        "updated system instructions",
        "new system message",
        "new directive",
        "new orders",
    ];
    add(
        &fresh,
        format!("^{}", any(&fresh)),
        OverrideAttempt,
        Shape::Other,
    );
    patterns.push((
        PUT_AWAY.to_vec(),
        format!(
            "(?:{sq}{{1,3}}(?:{adj}|{wq}|{f}){{0,3}}(?:{sn}|{rn})|(?:{sn}|{rn}){f}{{0,1}}{}|everything{f}{{0,2}}{})\
             (?:{f}|{}){{0,6}}{}",
            any(AFTER_NOUNS),
            any(AFTER_EVERYTHING),
            any(&[
                "is", "are", "was", "were", "can", "may", "will", "have", "has", "been", "be", "do", "does", "therefore",
                "from you", "you", "got", "from", "i", "hereby", "considered", "treated as", "declared", "as", "need to",
                "it", "them", "consider", "only", "shall", "safely", "longer", "deemed",
            ]),
            any(PUT_AWAY),
        ),
        OverrideAttempt,
        Shape::Other,
        true,
    ));
    let back_reference = [
        "ignore them",
        "ignore it",
        "ignore those",
        "ignore that",
        "disregard them",
        "disregard it",
        "disregard those",
        "forget them",
        "forget it",
        "forget those",
        "forget about them",
        "ignore all of them",
        "disregard all of them",
        "forget all of them",
        "ignore all of it",
        "treat as void",
        "treat them as void",
        "consider them void",
        "consider them cancelled",
    ];
    patterns.push((
        back_reference.to_vec(),
        format!(
            "{sq}{{1,3}}(?:{adj}|{wq}|{f}){{0,3}}(?:{sn}|{rn})(?:{f}|{}){{0,5}}{}",
            any(&[
                "you got",
                "you received",
                "i gave",
                "from",
                "system",
                "developer",
                "organization",
                "you",
                "can",
                "have",
                "been",
                "given",
                "so",
                "then"
            ]),
            any(&back_reference),
        ),
        OverrideAttempt,
        Shape::Other,
        true,
    ));
    patterns
}

/// One of some words, as they stand among letters; longer ones first.
fn any(words: &[&str]) -> String {
    let mut words: Vec<String> = words.iter().map(|word| folded(word)).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    format!("(?:{})", words.join("|"))
}

#[cfg(test)]
pub(super) fn compiles() -> bool {
    RULES.is_some()
}
