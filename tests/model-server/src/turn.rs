//! What a request asks, and what is answered, in words that no API owns.
//!
//! The APIs read a [`Turn`] out of a request and write an [`Answer`] into a response; which
//! answer follows from which turn is decided here alone.

use std::time::Duration;

use serde_json::Value;

use crate::{
    log::TurnKind,
    schema,
    script::{Order, Script, long_text},
};

/// Letters in one piece of an answer that is streamed slowly.
const PIECE: usize = 16;

/// What a request asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    /// The user's last message.
    Message(String),
    /// A tool called for the user's last message has come back.
    ToolResult {
        message: String,
        output: String,
        failed: bool,
    },
    /// The agent wants JSON of this schema.
    Structured(Value),
    /// The agent asks something on its own account.
    Background,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Text(Text),
    Write {
        path: String,
        content: String,
    },
    Run {
        command: String,
    },
    Call {
        tool: String,
        /// A JSON object.
        arguments: String,
    },
    /// One word, and then nothing.
    Hang {
        word: &'static str,
    },
    Error {
        status: u16,
    },
}

/// A text and how it is streamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Before the first piece.
    pub(crate) wait: Duration,
    /// Between two pieces; without it the whole text is one piece.
    pub(crate) pause: Option<Duration>,
}

impl Turn {
    pub(crate) fn kind(&self) -> TurnKind {
        match self {
            Self::Message(_) => TurnKind::Message,
            Self::ToolResult { .. } => TurnKind::ToolResult,
            Self::Structured(_) | Self::Background => TurnKind::Background,
        }
    }

    pub(crate) fn answer(&self, script: Script) -> Answer {
        match self {
            Self::Message(message) => answer_message(message, script),
            Self::ToolResult {
                message,
                output,
                failed,
            } => {
                Answer::Text(Text::new(match Order::read(message) {
                    Order::Write { path, .. } if !failed => format!("Wrote {path}."),
                    Order::Write { path, .. } => format!("Did not write {path}: {output}"),
                    // An empty answer would be no answer to the agent.
                    _ if output.is_empty() => "(no output)".into(),
                    _ => output.clone(),
                }))
            }
            Self::Structured(schema) => {
                Answer::Text(Text::new(schema::instance(schema).to_string()))
            }
            Self::Background => Answer::Text(Text::new("OK".into())),
        }
    }
}

fn answer_message(message: &str, script: Script) -> Answer {
    match Order::read(message) {
        Order::Say(text) => Answer::Text(Text::new(text)),
        Order::Write { path, content } => Answer::Write { path, content },
        Order::Run(command) => Answer::Run { command },
        Order::Call { tool, arguments } => Answer::Call { tool, arguments },
        Order::Long(count) => {
            let text = Text::new(long_text(count));
            Answer::Text(Text {
                pause: Some(script.pause),
                ..text
            })
        }
        Order::Slow(wait, text) => Answer::Text(Text {
            wait,
            ..Text::new(text)
        }),
        Order::Hang => Answer::Hang { word: "Waiting" },
        Order::Error(status) => Answer::Error { status },
    }
}

impl Text {
    fn new(text: String) -> Self {
        Self {
            text,
            wait: Duration::ZERO,
            pause: None,
        }
    }

    /// The text in the pieces in which it is streamed.
    pub(crate) fn pieces(&self) -> Vec<String> {
        if self.pause.is_none() {
            return vec![self.text.clone()];
        }
        let letters: Vec<char> = self.text.chars().collect();
        letters
            .chunks(PIECE)
            .map(|piece| piece.iter().collect())
            .collect()
    }
}

/// Whether a text in a user's message is the agent's own, not the user's: agents put their
/// context there, wrapped in tags such as `<system-reminder>` or `<environment_context>`.
pub(crate) fn is_context(text: &str) -> bool {
    const OPENINGS: [&str; 6] = [
        "# AGENTS.md instructions",
        // Claude Code's, which a router turns from a message of the system into one of the user.
        "# Environment\nYou have been invoked",
        "[Request interrupted by user",
        "Request interrupted by user",
        "This is the Gemini CLI. We are setting up the context",
        "<session_context>",
    ];
    let text = text.trim();
    let tagged = text
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .is_some_and(|(name, rest)| {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
            let name = name.split(' ').next().unwrap_or_default();
            !name.is_empty() && name.chars().all(is_name) && rest.ends_with('>')
        });
    text.is_empty() || tagged || OPENINGS.iter().any(|opening| text.starts_with(opening))
}

/// Cuts off the context that stands in the same text as the user's words, before or after them.
pub(crate) fn without_context(text: &str) -> &str {
    // No other tags, since a text of the user may begin or end with one.
    const TAGS: [(&str, &str); 3] = [
        ("<turn-context>", "</turn-context>"),
        ("<info-msg>", "</info-msg>"),
        ("<system-reminder>", "</system-reminder>"),
    ];
    let mut own = text.trim();
    while let Some(shorter) = TAGS.iter().find_map(|(start, end)| {
        let before = || Some(own.strip_prefix(start)?.split_once(end)?.1);
        let after = || Some(own.strip_suffix(end)?.rsplit_once(start)?.0);
        before().or_else(after)
    }) {
        own = shorter.trim();
    }
    // goose joins a message with an earlier one that was not answered; the last counts.
    own.rsplit_once("</turn-context>")
        .map_or(own, |(_, last)| last.trim())
}

/// Whether a system prompt is that of a request on the agent's own account, such as for a title,
/// a summary or a commit message. Only of use for requests without tools: the long prompts of the
/// conversations themselves have such words too.
pub(crate) fn is_own_errand(system: &str) -> bool {
    const WORDS: [&str; 5] = [
        "title",
        "summar",
        "words or less",
        "commit message",
        "<state_snapshot>",
    ];
    let system = system.to_lowercase();
    WORDS.iter().any(|words| system.contains(words))
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
