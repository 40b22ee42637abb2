//! Finds chains of words that set instructions aside or change the model's role.
//!
//! The beginnings of the words that chains begin with are searched among the letters: by a hash of four
//! letters first, which rules nearly every place out. Only where one stands are the rules tried, each from there and over a bounded number of letters, so that the whole
//! takes linear time.

use std::{collections::BTreeMap, ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};
use berth_protocol::PromptWarningCode;
use regex::bytes::{Regex, RegexBuilder};

use super::{
    rules::{Direction, RULES, Rule, Shape},
    words::Words,
};

/// Most letters of a phrase, from its beginning.
const LONGEST: usize = 240;

/// Letters of a word that are searched for; what follows is left to the rule.
const BEGINNING: usize = 7;

/// Letters before the last words of a chain among which the others are searched, and those of the last
/// words themselves.
const BEFORE: usize = 90;
const LAST: usize = 60;

/// Most memory that a compiled rule takes, in bytes.
const SIZE: usize = 64 * 1024 * 1024;

/// A phrase among letters.
pub(super) struct Phrase {
    pub(super) letters: Range<usize>,
    pub(super) code: PromptWarningCode,
    pub(super) shape: Shape,
}

/// Letters by which a place is ruled out, which nearly all are; no beginning is shorter.
const SHORTEST: usize = 4;

/// Bits for what these letters hash to: few enough to stay near the processor.
const BITS: usize = 1 << 15;

/// All rules, and which of them are tried where.
struct Search {
    /// A bit for each hash that the first letters of a beginning have.
    first_letters: Vec<u64>,
    beginnings: AhoCorasick,
    /// For each beginning, places in `rules`.
    tried: Vec<Vec<usize>>,
    rules: Vec<(&'static Rule, Regex)>,
}

static SEARCH: LazyLock<Option<Search>> = LazyLock::new(Search::new);

/// The phrases among letters.
pub(super) fn find(letters: &[u8]) -> Vec<Phrase> {
    let mut found = Vec::new();
    let Some(search) = &*SEARCH else {
        return found;
    };
    let mut last = 0;
    for (end, letter) in letters.iter().enumerate() {
        last = pushed(last, *letter);
        let bit = bit(last);
        if search.first_letters[bit / 64] & (1 << (bit % 64)) == 0 || end + 1 < SHORTEST {
            continue;
        }
        let at = end + 1 - SHORTEST;
        if let Some(beginning) = search.beginning(letters, at) {
            let mut tried = search.tried[beginning].iter();
            found.extend(tried.find_map(|rule| search.matched(*rule, letters, at)));
        }
    }
    found
}

/// The last letters, with one more.
fn pushed(last: u32, letter: u8) -> u32 {
    (last << 5 | u32::from(letter & 31)) & ((1 << (5 * SHORTEST)) - 1)
}

/// The bit of some letters.
fn bit(last: u32) -> usize {
    (last.wrapping_mul(0x9e37_79b1) >> 17) as usize % BITS
}

impl Search {
    fn new() -> Option<Self> {
        let words = Words::read();
        let mut beginnings: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut rules = Vec::with_capacity(RULES.len());
        for (place, rule) in RULES.iter().enumerate() {
            let chain = words.pattern(rule.chain)?;
            let pattern = match rule.direction {
                Direction::Forward => format!("^(?:{chain})"),
                Direction::Backward => chain,
            };
            let pattern = RegexBuilder::new(&pattern)
                .unicode(false)
                .size_limit(SIZE)
                .build()
                .ok()?;
            rules.push((rule, pattern));
            for word in words.of(rule.searched) {
                let beginning = &word[..word.len().min(BEGINNING)];
                beginnings.entry(beginning).or_default().push(place);
            }
        }
        // A beginning of another one would hide it, so it takes over what is tried there.
        let all: Vec<&str> = beginnings.keys().copied().collect();
        for longer in &all {
            let shorter = all
                .iter()
                .find(|other| longer != *other && longer.starts_with(**other));
            if let Some(shorter) = shorter {
                let tried = beginnings.remove(longer).unwrap_or_default();
                beginnings.entry(shorter).or_default().extend(tried);
            }
        }
        for tried in beginnings.values_mut() {
            tried.sort_unstable();
            tried.dedup();
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::DFA))
            .start_kind(StartKind::Anchored)
            .build(beginnings.keys())
            .ok()?;
        let mut first_letters = vec![0; BITS / 64];
        for beginning in beginnings.keys() {
            let letters = beginning.as_bytes().get(..SHORTEST)?;
            let bit = bit(letters.iter().fold(0, |last, letter| pushed(last, *letter)));
            first_letters[bit / 64] |= 1 << (bit % 64);
        }
        Some(Self {
            first_letters,
            beginnings: automaton,
            tried: beginnings.into_values().collect(),
            rules,
        })
    }

    /// The beginning that stands at a place.
    fn beginning(&self, letters: &[u8], at: usize) -> Option<usize> {
        let input = Input::new(letters).anchored(Anchored::Yes).range(at..);
        let found = self.beginnings.find(input)?;
        Some(found.pattern().as_usize())
    }

    fn matched(&self, rule: usize, letters: &[u8], at: usize) -> Option<Phrase> {
        let (rule, pattern) = &self.rules[rule];
        let (start, end) = match rule.direction {
            Direction::Forward => (at, at + LONGEST),
            Direction::Backward => (at.saturating_sub(BEFORE), at + LAST),
        };
        let found = pattern.find(&letters[start..end.min(letters.len())])?;
        let found = start + found.start()..start + found.end();
        // Backward, it has to be the words that were searched for which end it.
        let whole = rule.direction == Direction::Forward || (found.start < at && found.end > at);
        whole.then_some(Phrase {
            letters: found,
            code: rule.code,
            shape: rule.shape,
        })
    }
}

#[cfg(test)]
pub(super) fn compiles() -> bool {
    SEARCH.is_some()
}
