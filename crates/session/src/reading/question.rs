//! Finding a question with numbered answers at the end of a screen.

use std::sync::LazyLock;

use berth_protocol::AttentionOption;
use regex::Regex;

use super::Question;
use crate::terminal::Line;

/// Most rows with text that may stand below the last answer: a footer that explains the keys.
const FOOTER: usize = 4;

/// Most rows that are taken as the question.
const QUESTION: usize = 24;

/// Finds numbered answers, one of which is selected, at the end of the screen. A list in a reply
/// is not taken for answers: it has no selected row, and the input box stands below it.
pub(super) fn find(lines: &[Line]) -> Option<Question> {
    static ANSWER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[\s│┃|]*([❯›▶>●])?\s*(\d{1,2})[.)]\s+(\S.*?)[\s│┃|]*$").ok());
    let answer = ANSWER.as_ref()?;
    let answers: Vec<_> = lines
        .iter()
        .enumerate()
        .filter_map(|(row, line)| {
            let found = answer.captures(&line.text)?;
            let number: u32 = found[2].parse().ok()?;
            Some((row, number, found.get(1).is_some(), found[3].to_owned()))
        })
        .collect();
    // The last run that counts from one upwards.
    let start = answers.iter().rposition(|&(_, number, ..)| number == 1)?;
    let run: Vec<_> = answers[start..]
        .iter()
        .zip(1..)
        .take_while(|((_, number, ..), expected)| number == expected)
        .map(|(answer, _)| answer)
        .collect();
    let (first, last) = (run.first()?.0, run.last()?.0);
    let below = lines[last + 1..].iter().filter(|line| !line.text.trim().is_empty()).count();
    let selected = run.iter().any(|(_, _, selected, _)| *selected);
    if run.len() < 2 || !selected || below > FOOTER + (last - first) {
        return None;
    }
    let options = run
        .iter()
        .map(|(_, number, _, label)| AttentionOption { id: number.to_string(), label: label.clone() })
        .collect();
    Some(Question { text: question(&lines[..first]), options })
}

/// The rows above the answers up to the last rule across the screen.
fn question(lines: &[Line]) -> String {
    let rows = lines.iter().rev().take(QUESTION).map(|line| unframed(&line.text));
    let rows = rows.take_while(|row| !is_rule(row));
    let mut rows: Vec<String> = rows.collect();
    rows.reverse();
    rows.dedup_by(|next, before| next.is_empty() && before.is_empty());
    rows.join("\n").trim().to_owned()
}

fn unframed(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || "│┃|".contains(c)).to_owned()
}

fn is_rule(row: &str) -> bool {
    row.chars().count() >= 8 && row.chars().all(|c| "─━═╌╭╮╰╯┌┐└┘▔▁".contains(c))
}
