//! Taking the agent's words from its screen.

use super::{input_box, squeezed};
use crate::{
    agents::ScreenRules,
    terminal::{Line, Terminal},
};

/// Rows that are searched for the reply, from the bottom.
const REACH: usize = crate::terminal::SCROLLBACK_LINES + 500;

/// What the agent has said since it took the message `sent`, without the repeated message, the
/// input box, status rows and the marks and indentation of the agent's layout.
pub fn reply(rules: &ScreenRules, terminal: &Terminal, sent: &str) -> String {
    let lines = terminal.all_lines(REACH);
    let screen_top = lines.len().saturating_sub(usize::from(terminal.size().rows));
    let end = match input_box(rules, &lines[screen_top..]) {
        Some(row) => screen_top + row - usize::from(rules.border.is_some() && screen_top + row > 0),
        None => lines.len(),
    };
    let lines = &lines[..end];
    let begin = after_echo(rules, lines, sent).unwrap_or(0);
    words(rules, &lines[begin..])
}

/// The row behind the last place where the message is repeated.
fn after_echo(rules: &ScreenRules, lines: &[Line], sent: &str) -> Option<usize> {
    let wanted = squeezed(sent);
    (0..lines.len()).rev().find_map(|row| {
        let first = match &rules.echo {
            Some(echo) => echo.captures(&lines[row].text)?.get(1)?.as_str(),
            // A shell's prompt stands before what was typed.
            None => lines[row].text.as_str(),
        };
        let mut seen = squeezed(first);
        let pasted = rules.pasted.as_ref().is_some_and(|pasted| pasted.is_match(first));
        if pasted {
            return Some(row + 1);
        }
        if rules.echo.is_none() {
            let at = seen.rfind(wanted.as_str().get(..wanted.len().min(seen.len()))?)?;
            seen = seen.split_off(at);
        }
        let mut next = row + 1;
        while seen.len() < wanted.len() && wanted.starts_with(&seen) && next < lines.len() {
            seen.push_str(&squeezed(&lines[next].text));
            next += 1;
        }
        (!wanted.is_empty() && seen.starts_with(&wanted)).then_some(next)
    })
}

fn words(rules: &ScreenRules, lines: &[Line]) -> String {
    let mut rows: Vec<String> = Vec::new();
    let mut joining = false;
    for line in lines {
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
    if let Some(bullet) = &rules.bullet {
        let mut depth = 0;
        for row in &mut rows {
            if let Some(mark) = bullet.find(row) {
                depth = mark.as_str().chars().count();
                *row = row[mark.end()..].to_owned();
            } else {
                let blanks = row.chars().take(depth).take_while(|c| *c == ' ').count();
                row.drain(..blanks);
            }
        }
    }
    rows.dedup_by(|next, before| next.trim().is_empty() && before.trim().is_empty());
    let text = rows.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n");
    text.trim_matches('\n').to_owned()
}
