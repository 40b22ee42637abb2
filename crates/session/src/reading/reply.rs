//! Taking the agent's words from its screen.

use regex::Regex;

use super::{box_top, input_box, letters, question, question::is_rule};
use crate::{
    agents::ScreenRules,
    terminal::{Line, Terminal},
};

/// Begins and ends a block that Markdown shows as it is.
pub(super) const FENCE: &str = "```";

/// Rows that are searched for the reply, from the bottom.
const REACH: usize = crate::terminal::SCROLLBACK_LINES + 500;

/// Rows that are searched first.
const NEAR: usize = 300;

/// What the agent has said since it took the message `sent`, without the repeated message, the
/// input box, status rows and the marks and indentation of the agent's layout.
///
/// Of a program that marks no messages, `before` counts the rows above the cursor when the message was
/// typed, see [`Terminal::rows_above_cursor`]: its terminal repeats the message there or below.
///
/// When the repeated message is not found the reply is empty, unless the agent has `worked` and shows
/// more messages than the `before` that it showed when it was given this one: then the last message
/// on the screen, however it is shown, is taken for it.
pub fn reply(
    rules: &ScreenRules,
    terminal: &Terminal,
    sent: &str,
    worked: bool,
    before: usize,
) -> String {
    if rules.echo.is_none() {
        let lines = rows_until_input(rules, terminal, REACH);
        let begin = after_typed(&lines, sent, before).unwrap_or(0);
        return words(rules, &lines[begin..]);
    }
    // A reply is read many times while it grows, and most are short.
    let near = rows_until_input(rules, terminal, NEAR);
    if let Some(begin) = after_echo(rules, &near, sent) {
        return words(rules, until_next_echo(rules, &near, begin));
    }
    let lines = rows_until_input(rules, terminal, REACH);
    let shown = || {
        let rows = 0..lines.len();
        rows.filter(|&row| echo_at(rules, &lines, row).is_some())
            .count()
    };
    let begin = match after_echo(rules, &lines, sent) {
        Some(begin) => begin,
        None if worked && shown() > before => after_last_echo(rules, &lines),
        None => return String::new(),
    };
    words(rules, until_next_echo(rules, &lines, begin))
}

/// Everything above the input box, whoever said it.
pub(super) fn all_words(rules: &ScreenRules, terminal: &Terminal) -> String {
    words(rules, &rows_until_input(rules, terminal, REACH))
}

/// The same up to the first of the user's messages.
pub(super) fn words_before_echo(rules: &ScreenRules, terminal: &Terminal) -> String {
    let lines = rows_until_input(rules, terminal, REACH);
    words(rules, until_next_echo(rules, &lines, 0))
}

/// The rows up to the user's next message, which may have been typed while the agent worked.
fn until_next_echo<'a>(rules: &ScreenRules, lines: &'a [Line], begin: usize) -> &'a [Line] {
    let next = (begin..lines.len()).find(|&row| echo_at(rules, lines, row).is_some());
    let mut end = next.unwrap_or(lines.len());
    if let (Some(_), Some(border)) = (next, &rules.echo_border) {
        // What stands between the border and the message belongs to the message.
        let above = lines[begin..end]
            .iter()
            .rposition(|line| border.is_match(&line.text));
        end = above.map_or(end, |row| begin + row);
    }
    &lines[begin..end]
}

/// The last rows, `reach` at most, without the input box and what is below it.
fn rows_until_input(rules: &ScreenRules, terminal: &Terminal, reach: usize) -> Vec<Line> {
    let mut lines = terminal.all_lines(reach);
    let screen_top = screen_top(terminal, &lines);
    let screen = &lines[screen_top..];
    let end = match ask_or_input(rules, screen) {
        Some(row) => row,
        // A shell's next prompt is not part of what its command printed.
        None if rules.foreground => usize::from(terminal.cursor().row).min(screen.len()),
        None => screen.len(),
    };
    lines.truncate(screen_top + end);
    lines
}

/// The last rows, `reach` at most, above the question or the input box. `None` when there is
/// neither: the agent is drawing, and what is typed in its box would be taken for a message.
fn drawn_rows(rules: &ScreenRules, terminal: &Terminal, reach: usize) -> Option<Vec<Line>> {
    let mut lines = terminal.all_lines(reach);
    let screen_top = screen_top(terminal, &lines);
    let end = ask_or_input(rules, &lines[screen_top..])?;
    lines.truncate(screen_top + end);
    Some(lines)
}

fn screen_top(terminal: &Terminal, lines: &[Line]) -> usize {
    lines
        .len()
        .saturating_sub(usize::from(terminal.size().rows))
}

/// The row of the screen where a question or the input box with its border begins.
pub(super) fn ask_or_input(rules: &ScreenRules, screen: &[Line]) -> Option<usize> {
    rules.prompt.as_ref()?;
    let asked = question::find(rules, screen).map(|found| found.row);
    asked.or_else(|| {
        let row = input_box(rules, screen)?;
        Some(box_top(rules, screen, row))
    })
}

/// The user's messages on the screen and in the scrollback, oldest first, as the agent repeats them.
/// `None` for programs that do not mark them, and while the agent draws.
pub fn messages(rules: &ScreenRules, terminal: &Terminal) -> Option<Vec<String>> {
    rules.echo.as_ref()?;
    let lines = drawn_rows(rules, terminal, REACH)?;
    let mut texts = Vec::new();
    let mut row = 0;
    while row < lines.len() {
        let Some(first) = echo_at(rules, &lines, row) else {
            row += 1;
            continue;
        };
        let mut text = vec![first];
        row += 1;
        while row < lines.len() && !lines[row].text.trim().is_empty() {
            let more = lines[row].text.as_str();
            match echo_at(rules, &lines, row) {
                // Where only a border begins a message, every row of it may look like the first.
                Some(more) if rules.echo_border.is_some() || rules.echo_filled => text.push(more),
                Some(_) => break,
                None => text.push(more.strip_prefix("  ").unwrap_or(more).trim_end()),
            }
            row += 1;
        }
        texts.push(text.join("\n").trim().to_owned());
    }
    texts.retain(|text| !text.is_empty());
    Some(texts)
}

/// The agent says right above its input box that its answer is complete.
pub fn finished(rules: &ScreenRules, terminal: &Terminal) -> bool {
    let Some(finished) = &rules.finished else {
        return false;
    };
    let screen = usize::from(terminal.size().rows);
    let lines = drawn_rows(rules, terminal, screen).unwrap_or_default();
    // Other furniture may stand between it and the box.
    let is_noise = |text: &str| {
        !finished.is_match(text) && rules.noise.iter().any(|noise| noise.is_match(text))
    };
    let mut said = lines.iter().rev().map(|line| line.text.as_str());
    let last = said.find(|text| !text.trim().is_empty() && !is_noise(text));
    last.is_some_and(|text| finished.is_match(text))
}

/// What a row shows of a message of the user, if it begins one.
pub(super) fn echo_at<'a>(rules: &ScreenRules, lines: &'a [Line], row: usize) -> Option<&'a str> {
    let found = rules.echo.as_ref()?.captures(&lines[row].text)?;
    if rules.echo_filled && !lines[row].look(0).filled() {
        return None;
    }
    if let Some(border) = &rules.echo_border {
        let above = lines[..row].iter().rev();
        let mut above = above.take_while(|line| !line.text.trim().is_empty());
        above.find(|line| border.is_match(&line.text))?;
    }
    Some(found.get(1).map_or("", |text| text.as_str()))
}

/// The row behind the last place where the message is repeated.
fn after_echo(rules: &ScreenRules, lines: &[Line], sent: &str) -> Option<usize> {
    let wanted = letters(sent);
    let echoes = || {
        let rows = (0..lines.len()).rev();
        rows.filter_map(|row| Some((row, echo_at(rules, lines, row)?)))
    };
    echoes().find_map(|(row, first)| match &rules.pasted {
        Some(pasted) if pasted.is_match(first) => Some(row + 1),
        _ => end_of_echo(lines, row, letters(first), &wanted),
    })
}

/// The row behind the place where a terminal has repeated what was typed at the row `from` or below.
fn after_typed(lines: &[Line], sent: &str, from: usize) -> Option<usize> {
    let wanted = letters(sent);
    if wanted.is_empty() {
        // Nothing was said: all that came since is the reply.
        return Some(from.min(lines.len()));
    }
    let at = |row: usize| {
        // A shell's prompt stands before what was typed, and long input goes on in the next rows.
        let text = letters(&lines[row].text);
        let start = (0..=text.len())
            .filter(|&at| text.is_char_boundary(at))
            .find(|&at| {
                let tail = &text[at..];
                !tail.is_empty() && (tail.starts_with(&wanted) || wanted.starts_with(tail))
            })?;
        end_of_echo(lines, row, text[start..].to_owned(), &wanted)
    };
    // The answer may repeat the message too, so the first place counts. Rows that were wrapped anew,
    // or have left the scrollback, stand elsewhere: then the last place is the best guess.
    (from..lines.len())
        .find_map(at)
        .or_else(|| (0..from.min(lines.len())).rev().find_map(at))
}

/// The row behind the last of the user's messages, however it is shown.
fn after_last_echo(rules: &ScreenRules, lines: &[Line]) -> usize {
    let Some(row) = (0..lines.len()).rfind(|&row| echo_at(rules, lines, row).is_some()) else {
        return 0;
    };
    let length = lines[row..]
        .iter()
        .position(|line| line.text.trim().is_empty());
    row + length.unwrap_or(lines.len() - row)
}

/// The row behind a message that begins in a row with `seen`.
fn end_of_echo(lines: &[Line], row: usize, mut seen: String, wanted: &str) -> Option<usize> {
    let mut next = row + 1;
    while seen.len() < wanted.len() && wanted.starts_with(&seen) && next < lines.len() {
        let more = &lines[next].text;
        if !more.trim().is_empty() {
            seen.push_str(&letters(more));
        }
        next += 1;
    }
    (!wanted.is_empty() && seen.starts_with(wanted)).then_some(next)
}

/// How many of the first rows are a picture of what follows them, which an agent has drawn while its words
/// came and has not wiped out: rich, which aider draws with, forgets to when its two threads draw at the same
/// time. Such a picture is filled up with blanks to the edge, and what follows was printed on from there.
fn frame_left(rules: &ScreenRules, lines: &[Line]) -> usize {
    const TALLEST: usize = 50;
    const FILLED: &str = "  ";
    if rules.prompt.is_none() {
        return 0;
    }
    let is_edge = |line: &Line| line.wrapped && line.text.ends_with(FILLED);
    let Some(last) = lines.iter().take(TALLEST).position(is_edge) else {
        return 0;
    };
    let (frame, rest) = lines.split_at(last + 1);
    let is_same = frame
        .iter()
        .zip(rest)
        .enumerate()
        .all(|(row, (drawn, printed))| {
            let (drawn, printed) = (drawn.text.trim_end(), printed.text.trim_end());
            // Words may have come since.
            drawn == printed || row == last && printed.starts_with(drawn)
        });
    if is_same && rest.len() > last {
        frame.len()
    } else {
        0
    }
}

fn words(rules: &ScreenRules, lines: &[Line]) -> String {
    let mut rows: Vec<String> = Vec::new();
    let mut joining = false;
    let mut row = 0;
    while let Some(line) = lines.get(row) {
        let left = frame_left(rules, &lines[row..]);
        if left > 0 {
            row += left;
            continue;
        }
        row += 1;
        if rules.noise.iter().any(|noise| noise.is_match(&line.text)) {
            joining = false;
            continue;
        }
        match rows.last_mut() {
            // The terminal wrapped it, so the line break is not the agent's.
            Some(last) if joining => last.push_str(&line.text),
            _ => rows.push(line.text.clone()),
        }
        joining = line.wrapped;
    }
    // Edges of the boxes around the user's message and the input.
    let is_edge = |row: &String| row.trim().is_empty() || is_rule(row.trim());
    let begin = rows.iter().position(|row| !is_edge(row));
    let end = rows.iter().rposition(|row| !is_edge(row));
    rows = match (begin, end) {
        (Some(begin), Some(end)) => rows.drain(begin..=end).collect(),
        _ => Vec::new(),
    };
    if let Some(bullet) = &rules.bullet {
        rows = blocks(bullet, rules.tool.as_ref(), rows);
    } else if rules.echo.is_some() {
        // The whole column of the agent's words may be indented.
        let blanks = |row: &String| row.len() - row.trim_start_matches(' ').len();
        let texts = rows.iter().filter(|row| !row.trim().is_empty());
        let depth = texts.map(blanks).min().unwrap_or(0);
        for row in &mut rows {
            row.drain(..depth.min(blanks(row)));
        }
    }
    rows.dedup_by(|next, before| next.trim().is_empty() && before.trim().is_empty());
    let text = rows
        .iter()
        .map(|row| row.trim_end())
        .collect::<Vec<_>>()
        .join("\n");
    text.trim_matches('\n').replace('\u{a0}', " ")
}

/// Takes the marks and the indentation from an agent's paragraphs. What it reports of a tool is
/// fenced, so that it reads as a report and not as prose.
fn blocks(bullet: &Regex, tool: Option<&Regex>, rows: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut depth = 0;
    let mut fenced = false;
    for row in rows {
        let mark = bullet.find(&row);
        if fenced && (mark.is_some() || row.trim().is_empty()) {
            out.push(FENCE.to_owned());
            fenced = false;
        }
        let Some(mark) = mark else {
            let blanks = row.chars().take(depth).take_while(|c| *c == ' ').count();
            let text = &row[blanks..];
            // Some agents draw the marks of a list's items as round ones.
            out.push(match text.trim_start().strip_prefix("• ") {
                Some(item) if !fenced => {
                    format!("{}- {item}", &text[..text.len() - text.trim_start().len()])
                }
                _ => text.to_owned(),
            });
            continue;
        };
        depth = mark.as_str().chars().count();
        let text = &row[mark.end()..];
        if tool.is_some_and(|tool| tool.is_match(text)) {
            if out.last().is_some_and(|last| !last.is_empty()) {
                out.push(String::new());
            }
            out.push(FENCE.to_owned());
            fenced = true;
        }
        out.push(text.to_owned());
    }
    if fenced {
        out.push(FENCE.to_owned());
    }
    out
}
