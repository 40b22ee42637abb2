//! Finding a question with the answers that it offers at the end of a screen.

use std::{ops::Range, sync::LazyLock};

use berth_protocol::AttentionOption;
use regex::Regex;

use super::{How, Question, reply};
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
    how: How,
}

/// Finds answers, one of which is selected, at the end of the screen. A list in a reply is not
/// taken for answers: it has no selected row, and the input box stands below it.
pub(super) fn find(rules: &ScreenRules, lines: &[Line]) -> Option<Found> {
    let answers = numbered(lines)
        .or_else(|| beside(lines))
        .or_else(|| radio(lines))
        .or_else(|| either(lines))
        .or_else(|| lettered(lines))
        .or_else(|| boxed(lines))
        .or_else(|| unnumbered(lines))?;
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
    Some(Found {
        question: Question {
            text,
            options,
            how: answers.how,
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
            how: How::Number { selected: 0 },
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
        how: How::Number { selected },
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
        how: How::Column { selected: above },
    })
}

/// Answers beside each other, with a footer that says so behind or below them. The selected one has a
/// background of its own.
fn beside(lines: &[Line]) -> Option<Answers> {
    let foot = lines
        .iter()
        .rposition(|line| !line.text.trim().is_empty())?;
    let (before, _) = lines[foot].text.split_once("⇆ select")?;
    let row = if before.trim().is_empty() {
        foot.checked_sub(1)?
    } else {
        foot
    };
    let text = if row == foot {
        before
    } else {
        lines[row].text.as_str()
    };
    let mut labels = Vec::new();
    let mut marked = Vec::new();
    let mut at = 0;
    for piece in text.split("  ") {
        if !piece.trim().is_empty() {
            let blanks = piece.len() - piece.trim_start().len();
            labels.push(piece.trim().to_owned());
            marked.push(lines[row].look(at + blanks) != lines[row].look(0));
        }
        at += piece.len() + 2;
    }
    let selected = only(&marked)?;
    (labels.len() >= 2).then_some(Answers {
        rows: row..foot + 1,
        labels,
        how: How::Row { selected },
    })
}

/// The place of the only one that is marked. Whoever does not know which answer is selected must not
/// press keys that count from it.
fn only(marked: &[bool]) -> Option<usize> {
    let mut places = (0..marked.len()).filter(|&place| marked[place]);
    places.next().filter(|_| places.next().is_none())
}

/// Rows with round marks, one of which is filled, as in `│  ● Allow (once)` above `│  ○ Deny`.
fn radio(lines: &[Line]) -> Option<Answers> {
    static ANSWER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^│  ([●○]) (.*?)(?: \([^()]*\))?$").ok());
    let pattern = ANSWER.as_ref()?;
    let last = lines
        .iter()
        .rposition(|line| !line.text.trim().is_empty())?;
    let end = if lines[last].text.starts_with('└') {
        last
    } else {
        last + 1
    };
    let marked: Vec<_> = lines[..end]
        .iter()
        .rev()
        .map_while(|line| {
            let found = pattern.captures(&line.text)?;
            Some((&found[1] == "●", found[2].to_owned()))
        })
        .collect();
    let selected = marked.iter().rev().position(|(selected, _)| *selected)?;
    (marked.len() >= 2).then(|| Answers {
        rows: end - marked.len()..last + 1,
        labels: marked.into_iter().rev().map(|(_, label)| label).collect(),
        how: How::Column { selected },
    })
}

/// A row with two round marks, one of which is filled, as in `│  ● Yes  / ○ No`.
fn either(lines: &[Line]) -> Option<Answers> {
    static ANSWERS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^│  ([●○]) (\S.*?)\s+/ ([●○]) (\S.*?)\s*$").ok());
    let last = lines
        .iter()
        .rposition(|line| !line.text.trim().is_empty())?;
    let row = if lines[last].text.starts_with('└') {
        last.checked_sub(1)?
    } else {
        last
    };
    let found = ANSWERS.as_ref()?.captures(&lines[row].text)?;
    let selected = only(&[&found[1] == "●", &found[3] == "●"])?;
    Some(Answers {
        rows: row..last + 1,
        labels: vec![found[2].to_owned(), found[4].to_owned()],
        how: How::Row { selected },
    })
}

/// A last row such as `Create new file? (Y)es/(N)o [Yes]:`.
fn lettered(lines: &[Line]) -> Option<Answers> {
    static ASKED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\(\w\)\S.*\[[\w ']+\]:$").ok());
    static ANSWER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\((\w)\)([^/\[]*)").ok());
    let (asked, answer) = (ASKED.as_ref()?, ANSWER.as_ref()?);
    let row = lines
        .iter()
        .rposition(|line| !line.text.trim().is_empty())?;
    let text = lines[row].text.trim_end();
    if !asked.is_match(text) {
        return None;
    }
    let (letters, labels): (Vec<char>, Vec<String>) = answer
        .captures_iter(text)
        .filter_map(|found| {
            let letter = found[1].chars().next()?;
            Some((
                letter.to_ascii_lowercase(),
                format!("{letter}{}", found[2].trim_end()),
            ))
        })
        .unzip();
    (labels.len() >= 2).then_some(Answers {
        // The row holds the question too.
        rows: row + 1..row + 1,
        labels,
        how: How::Letter(letters),
    })
}

/// The rows of a box right above a footer that says how to select one. The selected one is bold.
fn boxed(lines: &[Line]) -> Option<Answers> {
    let foot = lines
        .iter()
        .rposition(|line| !line.text.trim().is_empty())?;
    if !lines[foot].text.contains("↑↓ navigate") || !lines[foot].text.contains("Enter select") {
        return None;
    }
    let bottom = lines[..foot]
        .iter()
        .rposition(|line| !line.text.trim().is_empty())?;
    if !is_rule(lines[bottom].text.trim()) {
        return None;
    }
    let top = lines[..bottom]
        .iter()
        .rposition(|line| is_rule(line.text.trim()))?;
    let (labels, bold): (Vec<String>, Vec<bool>) = lines[top + 1..bottom]
        .iter()
        .map(|line| (unframed(&line.text), line))
        .filter(|(label, _)| !label.is_empty())
        .map(|(label, line)| {
            let at = line.text.find(label.as_str()).unwrap_or(0);
            (label, line.look(at).bold)
        })
        .unzip();
    let selected = only(&bold)?;
    (labels.len() >= 2).then_some(Answers {
        rows: top..foot + 1,
        labels,
        how: How::Column { selected },
    })
}

/// How many rows have text, which the sides of a box are not.
fn texts(lines: &[Line]) -> usize {
    lines
        .iter()
        .filter(|line| !unframed(&line.text).is_empty())
        .count()
}

/// The rows above the answers up to a rule across the screen or to what was said before.
fn question(rules: &ScreenRules, lines: &[Line]) -> (String, usize) {
    let said = |row: usize, text: &str| {
        let mark = rules.bullet.as_ref();
        mark.is_some_and(|mark| mark.is_match(text)) || reply::echo_at(rules, lines, row).is_some()
    };
    let mut rows: Vec<String> = Vec::new();
    let mut begin = lines.len();
    // A box that stands whole above the answers shows what is asked about.
    let mut in_box = false;
    for (row, line) in lines.iter().enumerate().rev().take(QUESTION) {
        let text = unframed(&line.text);
        if is_rule(&text) {
            let inner = text.starts_with('╌') || line.text.trim_start().starts_with('│');
            let whole = text.starts_with('╰') || std::mem::take(&mut in_box);
            in_box |= text.starts_with('╰');
            // A dashed rule divides a dialog, a whole one begins it.
            if rows.iter().any(|row| !row.is_empty()) && !inner && !whole {
                begin = row;
                break;
            }
            continue;
        }
        if said(row, &line.text) {
            break;
        }
        begin = row;
        rows.push(text);
        // The mark that begins a question.
        if line.text.trim_start().starts_with('△') {
            break;
        }
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
