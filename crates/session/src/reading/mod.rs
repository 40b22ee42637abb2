//! Reading an agent's screen: what it is doing, what it asks, what it said.
//!
//! Everything here is a pure function of the terminal and the agent's rules; when to read is the
//! session's business.

mod explain;
mod question;
mod reply;
mod scrolled;

use berth_protocol::AttentionOption;

use crate::{
    agents::ScreenRules,
    terminal::{Line, ProgramStatus, Terminal},
};

pub use explain::{Explained, Fired, explain};
pub use reply::{finished, messages, reply};
pub use scrolled::reply_beyond;

use reply::ask_or_input;

/// What an agent's screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the agent is doing.
    pub activity: Activity,
    /// What stands in its input box, without the placeholder; absent when no box is seen.
    pub input: Option<String>,
}

/// What an agent is doing, as far as its screen tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It works.
    Busy,
    /// It waits for a message.
    Ready,
    /// It asks something and offers answers.
    Asks(Question),
    /// No rule matches. `quiet_is_ready` says that the agent has no rules to match.
    Unclear {
        /// The program counts as ready whenever it is quiet.
        quiet_is_ready: bool,
    },
}

/// A question with its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// The answers, each named by its place from 1.
    pub options: Vec<AttentionOption>,
    /// How an answer is chosen.
    pub how: How,
}

/// How an answer is chosen with keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The answers stand with their numbers. Typing one chooses it, or moves the mark there; Enter takes
    /// the one that is marked.
    Number {
        /// The place of the answer that is selected, from 0.
        selected: usize,
    },
    /// The answers stand below each other; arrows move the mark and Enter takes it.
    Column {
        /// The place of the answer that is selected, from 0.
        selected: usize,
    },
    /// The answers stand beside each other; arrows move the mark and Enter takes it.
    Row {
        /// The place of the answer that is selected, from 0.
        selected: usize,
    },
    /// Each answer has a letter, which is typed and entered.
    Letter(Vec<char>),
}

impl Question {
    /// The keys that choose the answer of a place, from 0.
    pub fn keys(&self, place: usize) -> Vec<u8> {
        let arrows = |arrow: &[u8], steps: usize| {
            let mut keys = arrow.repeat(steps);
            keys.push(b'\r');
            keys
        };
        match &self.how {
            How::Number { selected } if *selected == place => b"\r".to_vec(),
            How::Number { .. } => (place + 1).to_string().into_bytes(),
            How::Column { selected } if place >= *selected => arrows(b"\x1b[B", place - selected),
            How::Column { selected } => arrows(b"\x1b[A", selected - place),
            How::Row { selected } if place >= *selected => arrows(b"\x1b[C", place - selected),
            How::Row { selected } => arrows(b"\x1b[D", selected - place),
            How::Letter(letters) => letters
                .get(place)
                .map(|letter| format!("{letter}\r").into_bytes())
                .unwrap_or_default(),
        }
    }
}

impl Question {
    /// The mark stands on the numbered answer of a place, from 0: Enter takes it.
    pub fn marks(&self, place: usize) -> bool {
        matches!(self.how, How::Number { selected } if selected == place)
    }
}

/// Reads a screen.
pub fn read(rules: &ScreenRules, terminal: &Terminal) -> Reading {
    let lines = terminal.screen_lines();
    let input_box = input_box(rules, &lines);
    let input = input_box.map(|row| {
        if rules.input_above {
            let rows = &lines[box_top(rules, &lines, row)..row];
            let rows = rows.iter().map(|line| line.text.trim());
            let text = rows.collect::<Vec<_>>().join("\n").trim().to_owned();
            let hint = rules.placeholder.as_ref();
            match hint.is_some_and(|hint| hint.is_match(&text)) {
                true => String::new(),
                false => text,
            }
        } else {
            typed(rules, &lines[row..])
        }
    });
    let ready = || match input_box {
        Some(_) => Activity::Ready,
        None => Activity::Unclear {
            quiet_is_ready: rules.prompt.is_none(),
        },
    };
    let asks = || question::find(rules, &lines).map(|found| Activity::Asks(found.question));
    let activity = match terminal.program_status() {
        Some(ProgramStatus::Working) => Activity::Busy,
        // Not every dialog has answers that can be recognised; its screen is the question then.
        Some(ProgramStatus::Blocked) => {
            let end = input_box.map_or(lines.len(), |row| box_top(rules, &lines, row));
            asks().unwrap_or_else(|| Activity::Asks(question::open(rules, &lines[..end]).question))
        }
        Some(ProgramStatus::Idle) => asks().unwrap_or_else(ready),
        // While it reads a line it does not work, whatever still stands above.
        None if rules.reads_lines && terminal.bracketed_paste() && input_box.is_some() => {
            asks().unwrap_or_else(ready)
        }
        None if rules
            .busy
            .iter()
            .any(|busy| lines.iter().any(|line| busy.is_match(&line.text))) =>
        {
            Activity::Busy
        }
        None if rules.prompt.is_none() => ready(),
        // A line editor that reads no line: the program works, unless it asks with one of its own.
        None if rules.reads_lines && terminal.has_pasted() && !terminal.bracketed_paste() => {
            asks().unwrap_or(Activity::Busy)
        }
        None => asks().unwrap_or_else(ready),
    };
    Reading { activity, input }
}

/// The program shows its input box and is still starting: it does not take messages yet, and may
/// put a question in the place of the box.
pub fn starts(rules: &ScreenRules, terminal: &Terminal) -> bool {
    let on = |row: &Line| rules.starting.iter().any(|rule| rule.is_match(&row.text));
    terminal.program_status().is_none() && terminal.screen_lines().iter().any(on)
}

/// The row where the input box begins, below its border.
fn input_box(rules: &ScreenRules, lines: &[Line]) -> Option<usize> {
    let prompt = rules.prompt.as_ref()?;
    let bordered = |row: usize| {
        rules.border.as_ref().is_none_or(|border| {
            row.checked_sub(1)
                .is_some_and(|above| border.is_match(&lines[above].text))
        })
    };
    let mut below = 0;
    for (row, line) in lines.iter().enumerate().rev() {
        below += usize::from(!line.text.trim().is_empty());
        if below > rules.prompt_within {
            return None;
        }
        if prompt.is_match(&line.text) {
            // In a box of several rows each may look like the first, which is below the border.
            if bordered(row) {
                return Some(row);
            }
            if !rules.framed {
                return None;
            }
        }
    }
    None
}

/// The row where an input box begins that was found at `row`.
fn box_top(rules: &ScreenRules, lines: &[Line], row: usize) -> usize {
    if !rules.input_above {
        return row - usize::from(rules.border.is_some() && row > 0);
    }
    // A blank row divides what is typed from the row below it, another one what was said before.
    let typed = lines[..row.saturating_sub(1)]
        .iter()
        .rev()
        .take_while(|line| !line.text.trim().is_empty())
        .count();
    row.saturating_sub(1 + typed)
}

/// What is typed in the box that begins with the first of these lines.
fn typed(rules: &ScreenRules, lines: &[Line]) -> String {
    let Some(prompt) = &rules.prompt else {
        return String::new();
    };
    let first = lines.first().and_then(|line| prompt.captures(&line.text));
    let first = first
        .and_then(|found| found.get(1))
        .map_or("", |text| text.as_str());
    if rules
        .placeholder
        .as_ref()
        .is_some_and(|placeholder| placeholder.is_match(first.trim()))
    {
        return String::new();
    }
    let rest = lines.iter().skip(1).map(|line| line.text.as_str());
    let rest = rest.map(|text| {
        let inner = text
            .strip_prefix('│')
            .and_then(|text| text.strip_suffix('│'));
        inner.filter(|_| rules.border.is_some()).unwrap_or(text)
    });
    let rest = rest.take_while(|text| {
        !text.trim().is_empty()
            && !rules
                .border
                .as_ref()
                .is_some_and(|border| border.is_match(text))
    });
    std::iter::once(first)
        .chain(rest)
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

/// The letters and digits of a text, for finding a message in a screen that renders its Markdown.
/// A message without any is compared as it is.
pub fn letters(text: &str) -> String {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    if letters.is_empty() {
        squeezed(text)
    } else {
        letters
    }
}

/// Two texts are the same message, however they were rendered.
pub fn same_words(one: &str, other: &str) -> bool {
    letters(one) == letters(other)
}

/// The text without white space, for comparing what was sent with what a screen shows of it:
/// programs wrap, indent and expand it.
pub fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{a0}')
        .collect()
}

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod written_tests;
