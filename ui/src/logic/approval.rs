//! Which answer to an agent's question stands out, and which key chooses it.

/// First words of an answer that refuses.
const REFUSALS: [&str; 14] = [
    "no", "nope", "not", "never", "don't", "deny", "reject", "refuse", "decline", "disallow",
    "cancel", "abort", "exit", "quit",
];

/// The answer that stands out: the first, unless that one refuses. Agents put what they suggest
/// first, but a button that invites to leave invites to a mistake.
pub fn primary<'a>(labels: impl IntoIterator<Item = &'a str>) -> Option<usize> {
    let first = labels.into_iter().next()?;
    (!refuses(first)).then_some(0)
}

/// The answer begins with a refusal; a number and signs before it do not count.
fn refuses(label: &str) -> bool {
    let label = label.replace('’', "'").to_ascii_lowercase();
    let word = label
        .split(|c: char| !(c.is_ascii_alphabetic() || c == '\''))
        .find(|word| !word.is_empty());
    word.is_some_and(|word| REFUSALS.contains(&word))
}

/// The answer that a key chooses: `1` to `9`.
pub fn chosen(key: &str, count: usize) -> Option<usize> {
    let number: usize = key.parse().ok().filter(|_| key.len() == 1)?;
    number.checked_sub(1).filter(|at| *at < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_answer_that_refuses_does_not_stand_out() {
        for label in [
            "Yes",
            "1. Yes, I trust",
            "Allow once",
            "Nothing",
            "Notify me",
            "Proceed, no questions",
        ] {
            assert_eq!(primary([label, "No"]), Some(0), "{label}");
        }
        for label in [
            "No, exit",
            "no",
            "1. No",
            "❯ 2) Don’t ask",
            "Deny",
            "Cancel (esc)",
            "QUIT",
        ] {
            assert_eq!(primary([label, "Yes"]), None, "{label}");
        }
        assert_eq!(primary([]), None);
    }

    #[test]
    fn digits_choose_what_is_there() {
        assert_eq!(chosen("1", 2), Some(0));
        assert_eq!(chosen("2", 2), Some(1));
        for key in ["0", "3", "12", "a", "", "+1", "Enter"] {
            assert_eq!(chosen(key, 2), None, "{key}");
        }
    }
}
