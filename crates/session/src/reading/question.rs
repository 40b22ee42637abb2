//! Finding a question with the answers that it offers at the end of a screen.

use std::{ops::Range, sync::LazyLock};

use berth_protocol::AttentionOption;
use regex::Regex;

use super::Question;
use crate::{agents::ScreenRules, terminal::Line};

/// Most rows with text that may stand below the last answer: a footer that explains the keys.
const FOOTER: usize = 4;

/// Most rows that are taken as the question.
const QUESTION: usize = 24;

/// A question and the row where it begins.
pub(super) struct Found {
    pub question: Question,
    pub row: usize,
}

/// The answers on a screen.
struct Answers {
    rows: Range<usize>,
    labels: Vec<String>,
    selected: usize,
    numbered: bool,
}

/// Finds answers, one of which is selected, at the end of the screen. A list in a reply is not
/// taken for answers: it has no selected row, and the input box stands below it.
pub(super) fn find(rules: &ScreenRules, lines: &[Line]) -> Option<Found> {
    let answers = numbered(lines).or_else(|| unnumbered(lines))?;
    let (text, row) = question(rules, &lines[..answers.rows.start]);
    let options = answers
        .labels
        .into_iter()
        .zip(1..)
        .map(|(label, number)| AttentionOption {
            id: number.to_string(),
            label,
        })
        .collect();
    let (selected, numbered) = (answers.selected, answers.numbered);
    Some(Found {
        question: Question {
            text,
            options,
            selected,
            numbered,
        },
        row,
    })
}

/// A question without answers that could be chosen: the rows at the end of the screen.
pub(super) fn open(rules: &ScreenRules, lines: &[Line]) -> Found {
    let end = lines
        .iter()
        .rposition(|line| !line.text.trim().is_empty())
        .map_or(0, |row| row + 1);
    let (text, row) = question(rules, &lines[..end]);
    Found {
        question: Question {
            text,
            options: Vec::new(),
            selected: 0,
            numbered: false,
        },
        row,
    }
}

/// Rows such as `❯ 1. Yes`, counting from one upwards.
fn numbered(lines: &[Line]) -> Option<Answers> {
    static ANSWER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^[\s│┃|]*([❯›▶>●])?\s*(\d{1,2})[.)]\s+(\S.*?)[\s│┃|]*$").ok()
    });
    let pattern = ANSWER.as_ref()?;
    let found: Vec<_> = lines
        .iter()
        .enumerate()
        .filter_map(|(row, line)| {
            let found = pattern.captures(&line.text)?;
            let number: usize = found[2].parse().ok()?;
            Some((row, number, found.get(1).is_some(), found[3].to_owned()))
        })
        .collect();
    let start = found.iter().rposition(|&(_, number, ..)| number == 1)?;
    let run: Vec<_> = found[start..]
        .iter()
        .zip(1..)
        .take_while(|((_, number, ..), expected)| number == expected)
        .map(|(answer, _)| answer)
        .collect();
    let rows = run.first()?.0..run.last()?.0 + 1;
    let selected = run.iter().position(|(_, _, selected, _)| *selected)?;
    // Long answers wrap, so as many more rows may stand among and below them.
    (run.len() >= 2 && texts(&lines[rows.end..]) <= FOOTER + rows.len()).then(|| Answers {
        rows,
        labels: run.iter().map(|(_, _, _, label)| label.clone()).collect(),
        selected,
        numbered: true,
    })
}

/// Rows without numbers around one that is marked, above a footer that says how to confirm.
fn unnumbered(lines: &[Line]) -> Option<Answers> {
    static FOOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\benter\b.{0,4}\b(to )?(confirm|select|continue)\b").ok()
    });
    static MARKED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^(\s*)[❯›] (\S.*)$").ok());
    let (foot, marked) = (FOOT.as_ref()?, MARKED.as_ref()?);
    let footer = lines.iter().rposition(|line| foot.is_match(&line.text))?;
    if texts(&lines[footer..]) > FOOTER {
        return None;
    }
    let row = lines[..footer]
        .iter()
        .rposition(|line| marked.is_match(&line.text))?;
    let found = marked.captures(&lines[row].text)?;
    let indent = found[1].chars().count() + 2;
    let is_answer = |line: &&Line| {
        let blanks = line.text.chars().take_while(|c| *c == ' ').count();
        blanks == indent && line.text.chars().count() > indent
    };
    let above = lines[..row].iter().rev().take_while(is_answer).count();
    let below = lines[row + 1..footer].iter().take_while(is_answer).count();
    let rows = row - above..row + 1 + below;
    let label = |line: &Line| {
        line.text
            .chars()
            .skip(indent)
            .collect::<String>()
            .trim()
            .to_owned()
    };
    (rows.len() >= 2).then(|| Answers {
        labels: lines[rows.clone()].iter().map(label).collect(),
        rows,
        selected: above,
        numbered: false,
    })
}

fn texts(lines: &[Line]) -> usize {
    lines
        .iter()
        .filter(|line| !line.text.trim().is_empty())
        .count()
}

/// The rows above the answers up to a rule across the screen or to what was said before.
fn question(rules: &ScreenRules, lines: &[Line]) -> (String, usize) {
    let said = |text: &str| {
        [&rules.bullet, &rules.echo]
            .into_iter()
            .flatten()
            .any(|mark| mark.is_match(text))
    };
    let mut rows: Vec<String> = Vec::new();
    let mut begin = lines.len();
    for (row, line) in lines.iter().enumerate().rev().take(QUESTION) {
        let text = unframed(&line.text);
        if is_rule(&text) {
            // A dashed rule divides a dialog, a whole one begins it.
            if rows.iter().any(|row| !row.is_empty()) && !text.starts_with('╌') {
                begin = row;
                break;
            }
            continue;
        }
        if said(&line.text) {
            break;
        }
        begin = row;
        rows.push(text);
    }
    rows.reverse();
    rows.dedup_by(|next, before| next.is_empty() && before.is_empty());
    (rows.join("\n").trim().to_owned(), begin)
}

fn unframed(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || "│┃|".contains(c))
        .to_owned()
}

/// A row of nothing but the lines that boxes are drawn with.
pub(super) fn is_rule(row: &str) -> bool {
    row.chars().count() >= 8 && row.chars().all(|c| "─━═╌╭╮╰╯┌┐└┘▔▁".contains(c))
}
