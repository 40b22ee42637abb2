//! What a screen is read as, and why: for people who mend the rules of an agent whose screen has
//! changed.

use regex::Regex;
use serde::Serialize;

use super::{Activity, ask_or_input, input_box, letters, read, reply, starts};
use crate::{agents::ScreenRules, terminal::Terminal};

/// Rows that are explained, from the bottom.
const REACH: usize = 500;

/// A screen as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The agent's words, without the repeated message, boxes, spinners and status rows.
    pub message: String,
    /// The agent takes a message now.
    pub ready: bool,
    /// The status of a session with this screen, as the API names it.
    pub status: &'static str,
    /// The rules that matched, from top to bottom.
    pub rules: Vec<Fired>,
}

/// A rule that matched a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Name of the rule in `agent.toml`; `answers` for the answers to a question, `status` for what
    /// the program says of itself, and `none` where the screen is taken as plain text because no
    /// rule finds the message, or what the agent does.
    pub rule: &'static str,
    /// The row, from 1 at the top of what is explained; 0 when it is about no row.
    pub row: usize,
    /// What stands there.
    pub text: String,
}

/// Explains a screen on which the message `sent` was answered; an empty one stands for a screen
/// before the first message, or for the last message on it.
pub fn explain(rules: &ScreenRules, terminal: &Terminal, sent: &str) -> Explained {
    let activity = read(rules, terminal).activity;
    let mut fired = fired(rules, terminal, &activity);
    if activity
        == (Activity::Unclear {
            quiet_is_ready: false,
        })
    {
        fired.push(Fired {
            rule: "none",
            row: 0,
            text: "neither an input box nor a question nor work is found: a session that starts with this \
                   screen reads it as plain text after five seconds"
                .to_owned(),
        });
    }
    let known = reply::reply(rules, terminal, sent, true, 0);
    let message = if known.is_empty() && !echoed(rules, &fired, sent) {
        fired.push(Fired {
            rule: "none",
            row: 0,
            text: if letters(sent).is_empty() {
                "no message of the user is on the screen: all of it is taken for words".to_owned()
            } else {
                "the user's message is not found: the whole screen is taken for words".to_owned()
            },
        });
        reply::all_words(rules, terminal)
    } else {
        known
    };
    let starts = starts(rules, terminal);
    let (ready, status) = match &activity {
        Activity::Ready if starts => (false, "starting"),
        Activity::Busy => (false, "running"),
        Activity::Ready => (true, "waiting"),
        Activity::Asks(_) => (false, "needs_attention"),
        Activity::Unclear { quiet_is_ready } if *quiet_is_ready => (true, "waiting"),
        Activity::Unclear { .. } => (false, "starting"),
    };
    Explained {
        message,
        ready,
        status,
        rules: fired,
    }
}

fn echoed(rules: &ScreenRules, fired: &[Fired], sent: &str) -> bool {
    match rules.echo {
        Some(_) => fired.iter().any(|fired| fired.rule == "echo"),
        None => !letters(sent).is_empty(),
    }
}

fn fired(rules: &ScreenRules, terminal: &Terminal, activity: &Activity) -> Vec<Fired> {
    let mut fired = Vec::new();
    if let Some(status) = terminal.program_status() {
        fired.push(Fired {
            rule: "status",
            row: 0,
            text: format!("{status:?}").to_lowercase(),
        });
    }
    let lines = terminal.all_lines(REACH);
    let screen_top = lines
        .len()
        .saturating_sub(usize::from(terminal.size().rows));
    let screen = &lines[screen_top..];
    let end = ask_or_input(rules, screen).map_or(lines.len(), |row| screen_top + row);
    let prompt = input_box(rules, screen).map(|row| screen_top + row);
    let is =
        |rule: &Option<Regex>, text: &str| rule.as_ref().is_some_and(|rule| rule.is_match(text));
    let any = |rules: &[Regex], text: &str| rules.iter().any(|rule| rule.is_match(text));
    for (row, line) in lines.iter().enumerate() {
        let text = line.text.as_str();
        let on_screen = row >= screen_top;
        let matched = [
            (
                "echo",
                row < end && reply::echo_at(rules, &lines, row).is_some(),
            ),
            ("noise", row < end && any(&rules.noise, text)),
            ("finished", row < end && is(&rules.finished, text)),
            (
                "starting",
                on_screen && terminal.program_status().is_none() && any(&rules.starting, text),
            ),
            ("busy", on_screen && any(&rules.busy, text)),
            (
                "border",
                prompt.is_some_and(|prompt| row + 1 == prompt) && is(&rules.border, text),
            ),
            ("prompt", prompt == Some(row)),
            (
                "answers",
                row == end && matches!(activity, Activity::Asks(_)),
            ),
        ];
        fired.extend(
            matched
                .into_iter()
                .filter(|(_, matched)| *matched)
                .map(|(rule, _)| Fired {
                    rule,
                    row: row + 1,
                    text: text.to_owned(),
                }),
        );
    }
    fired
}
