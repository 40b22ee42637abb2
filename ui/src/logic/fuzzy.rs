//! Matching for the palette and for pickers: all letters in order, words and starts first.

use crate::logic::case::lower;
use crate::logic::order::sorted;

/// How well `text` answers `query`; higher is better, `None` when it does not. Case does not count.
pub fn score(query: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = lower(text).chars().collect();
    let mut total = 0;
    let mut from = 0;
    let mut previous: Option<usize> = None;
    for wanted in lower(query).chars().filter(|c| !c.is_whitespace()) {
        let starts_word = |at: usize| at == 0 || !text[at - 1].is_alphanumeric();
        let mut candidates = (from..text.len()).filter(|&at| text[at] == wanted);
        let first = candidates.next()?;
        let next_in_row = previous
            .map(|at| at + 1)
            .filter(|&at| text.get(at) == Some(&wanted));
        let at = next_in_row
            .or_else(|| {
                std::iter::once(first)
                    .chain(candidates)
                    .find(|&at| starts_word(at))
            })
            .unwrap_or(first);
        total += 1;
        if next_in_row.is_some() {
            total += 4;
        }
        if starts_word(at) {
            total += 6;
        }
        total -= i32::try_from((at - from).min(3)).unwrap_or(3);
        from = at + 1;
        previous = Some(at);
    }
    Some(total)
}

/// The items that answer `query`, best first; all of them in their order when it is empty.
pub fn rank<'a, T>(query: &str, items: &'a [T], text: impl Fn(&T) -> String) -> Vec<&'a T> {
    if query.trim().is_empty() {
        return items.iter().collect();
    }
    let found: Vec<_> = items
        .iter()
        .filter_map(|item| Some((score(query, &text(item))?, item)))
        .collect();
    let found = sorted(found, |(a, _), (b, _)| b.cmp(a));
    found.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_of_words_come_first() {
        let items = [
            "Open settings",
            "New session",
            "Restart engine",
            "fix-new-sidebar",
        ];
        assert_eq!(rank("ns", &items, |i| (*i).to_owned())[0], &"New session");
        assert_eq!(
            rank("sett", &items, |i| (*i).to_owned())[0],
            &"Open settings"
        );
        assert_eq!(rank("", &items, |i| (*i).to_owned()).len(), 4);
    }

    #[test]
    fn all_letters_must_be_there_in_order() {
        assert_eq!(score("xyz", "New session"), None);
        assert_eq!(score("en", "New"), None);
        assert!(score("NEW", "new session").is_some());
    }
}
