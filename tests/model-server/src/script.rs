//! Chooses an answer from the words of a user's message.
//!
//! | the message contains | the answer |
//! |-|-|
//! | `say: TEXT` | TEXT |
//! | `write: PATH: CONTENT` | a call of the agent's tool for writing files, then "Wrote PATH." |
//! | `run: COMMAND` | a call of the agent's shell tool, then the tool's output |
//! | `call: TOOL: JSON` | a call of the tool whose name ends with TOOL, then its output |
//! | `long: N` | N numbered lines of Markdown, streamed slowly |
//! | `slow: MS: TEXT` | TEXT after MS milliseconds |
//! | `hang` | one word, and then nothing until the client goes away |
//! | `error: STATUS` | an HTTP error of that status |
//! | none of these | "You said: " and the message |
//!
//! The first such word in the message counts, and its argument reaches to the end of the message
//! (to the end of the line for numbers). `\n` in TEXT, CONTENT and COMMAND is a line break, since
//! a terminal sends the message at the first real one.

use std::time::Duration;

/// How the answers are streamed.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The pause between two pieces of a `long:` answer.
    pub pause: Duration,
}

impl Script {
    /// The default of [`Script::pause`]: a hundred pieces a second, about what a fast model does.
    pub const PAUSE: Duration = Duration::from_millis(10);
}

impl Default for Script {
    fn default() -> Self {
        Self { pause: Self::PAUSE }
    }
}

/// Lines that `long:` gives at most, so that one word cannot fill the memory.
const MAX_LINES: usize = 10_000;

/// What `slow:` waits at most.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// What a user's message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Say(String),
    Write { path: String, content: String },
    Run(String),
    Call { tool: String, arguments: String },
    Long(usize),
    Slow(Duration, String),
    Hang,
    Error(u16),
}

impl Order {
    /// Reads the first order in `message`; a message without one is echoed.
    pub(crate) fn read(message: &str) -> Self {
        let mut previous = ' ';
        for (at, letter) in message.char_indices() {
            if !previous.is_alphanumeric()
                && let Some(order) = Self::at_start(&message[at..])
            {
                return order;
            }
            previous = letter;
        }
        Self::Say(format!("You said: {}", message.trim()))
    }

    fn at_start(text: &str) -> Option<Self> {
        let argument = |word: &str| text.strip_prefix(word).map(str::trim);
        if let Some(said) = argument("say:") {
            Some(Self::Say(unescape(said)))
        } else if let Some(file) = argument("write:") {
            let (path, content) = file.split_once(':')?;
            let content = unescape(content.trim_start());
            Some(Self::Write {
                path: path.trim().to_owned(),
                content,
            })
        } else if let Some(command) = argument("run:") {
            Some(Self::Run(unescape(command)))
        } else if let Some(call) = argument("call:") {
            let (tool, arguments) = call.split_once(':')?;
            Some(Self::Call {
                tool: tool.trim().to_owned(),
                arguments: arguments.trim().to_owned(),
            })
        } else if let Some(count) = argument("long:") {
            Some(Self::Long(number::<usize>(count)?.min(MAX_LINES)))
        } else if let Some(slow) = argument("slow:") {
            let (wait, said) = slow.split_once(':')?;
            let wait = Duration::from_millis(number(wait)?).min(MAX_WAIT);
            Some(Self::Slow(wait, unescape(said.trim())))
        } else if let Some(status) = argument("error:") {
            number(status)
                .filter(|status| (400..600).contains(status))
                .map(Self::Error)
        } else {
            let rest = text.strip_prefix("hang")?;
            (!rest.starts_with(char::is_alphanumeric)).then_some(Self::Hang)
        }
    }
}

/// The text of `long: count`: every line carries its number, and together they hold what a
/// terminal parser could stumble over.
pub(crate) fn long_text(count: usize) -> String {
    let mut text = String::new();
    for line in 1..=count {
        text.push_str(&match line % 10 {
            1 => format!("## Line {line} of {count} is a heading\n\n"),
            2 => format!("Line {line} has **bold**, *slanted* and `code` words.\n\n"),
            3 => format!("- Line {line} is a list item\n"),
            4 => format!("- Line {line} is another, with a | in it\n\n"),
            5 => format!("```sh\n> line {line} in a code block\n\n"),
            6 => format!("| line {line} | still code |\n"),
            7 => format!("$ echo \"line {line}\" > out.txt | cat\n```\n\n"),
            8 => format!("> Line {line} is a quotation\n\n"),
            9 => format!("1. Line {line} is numbered\n\n"),
            _ => format!("Line {line} ends a block of ten; › ❯ ● ╭─╮ are only letters here.\n\n"),
        });
    }
    // A count that ends inside the code block leaves its fence open.
    if matches!(count % 10, 5 | 6) {
        text.push_str("```\n");
    }
    text
}

fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    let digits = text
        .trim_start()
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

fn unescape(text: &str) -> String {
    text.replace("\\n", "\n")
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
