//! The words of `words.txt`, as they stand among letters.

use std::collections::HashMap;

use super::{letters::folded, rules::PARTS};

/// The words, by section.
pub(super) struct Words(HashMap<&'static str, Vec<String>>);

impl Words {
    /// Reads them.
    pub(super) fn read() -> Self {
        let mut sections: HashMap<&'static str, String> = HashMap::new();
        let mut section = "";
        for line in include_str!("words.txt").lines() {
            let name = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'));
            match name {
                Some(name) => section = name,
                None if line.starts_with('#') => {}
                None => {
                    let words = sections.entry(section).or_default();
                    words.push_str(line);
                    words.push(' ');
                }
            }
        }
        let folded = |text: String| {
            let mut words: Vec<String> = text.split(',').map(folded).collect();
            words.retain(|word| !word.is_empty());
            // A pattern takes the first of its words that fits.
            words.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
            words.dedup();
            words
        };
        Self(
            sections
                .into_iter()
                .map(|(name, text)| (name, folded(text)))
                .collect(),
        )
    }

    /// The words of a section; none if there is no such section.
    pub(super) fn of(&self, section: &str) -> &[String] {
        self.0.get(section).map_or(&[], Vec::as_slice)
    }

    /// A pattern in which `<section>` stands for one of the words of a section. A section that does not
    /// exist would make a pattern that never matches, so it makes none.
    pub(super) fn pattern(&self, template: &str) -> Option<String> {
        let mut template = template.to_owned();
        for (name, part) in PARTS {
            template = template.replace(&format!("<{name}>"), part);
        }
        let mut parts = template.split('<');
        let mut pattern = parts.next()?.to_owned();
        for part in parts {
            let (section, rest) = part.split_once('>')?;
            let words = self.0.get(section)?;
            pattern.push_str("(?:");
            pattern.push_str(&words.join("|"));
            pattern.push(')');
            pattern.push_str(rest);
        }
        // What stands in a chain itself is written as words are: `l` is told apart from `i` nowhere.
        let letters = pattern.split_ascii_whitespace().collect::<String>();
        Some(letters.replace('l', "i"))
    }
}
